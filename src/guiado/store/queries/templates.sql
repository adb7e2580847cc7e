-- name: put
-- Stores a template; the same id again replaces it.
INSERT INTO support_troubleshooting_templates AS t (tenant_id, kind, template_id, content) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, kind, template_id) DO UPDATE SET content = excluded.content, updated_at = now();

-- name: listed
-- All stored templates of a kind.
SELECT t.template_id, t.content FROM support_troubleshooting_templates t
 WHERE t.tenant_id = $1 AND t.kind = $2 ORDER BY t.template_id;
