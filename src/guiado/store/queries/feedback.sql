-- name: rate
-- Stores a rating and makes it the valid one: see guiado_rate in the schema.
SELECT guiado_rate($1, $2);

-- name: all
-- Every rating of a session, newest first; the first is the valid one.
SELECT f.* FROM support_troubleshooting_feedback f
 WHERE f.tenant_id = $1 AND f.session_id = $2
 ORDER BY f.collected_at DESC, f.id DESC;
