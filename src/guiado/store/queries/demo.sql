-- name: take_turn
-- Whoever loads or removes synthetic sessions does it alone, for a tenant ($2); free again when the transaction or the process ends.
SELECT pg_try_advisory_xact_lock($1, hashtext($2));

-- name: may_copy
-- COPY is refused where row-level security applies to the role.
SELECT NOT row_security_active('support_troubleshooting_sessions');

-- name: has_real
-- Whether the tenant ($1) has any session that is not synthetic.
SELECT EXISTS (SELECT FROM support_troubleshooting_sessions s
                WHERE s.tenant_id = $1 AND (s.source IS DISTINCT FROM 'demo' OR NOT s.metadata @> '{"demo": true}'));

-- name: count
-- How many synthetic sessions the tenant ($1) has.
SELECT count(*) FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.source = 'demo' AND s.metadata @> '{"demo": true}';

-- name: begin
-- Until the transaction ends the triggers do nothing for each row: "mark" marks each day once, and "index" reads each text once.
SELECT set_config('guiado.cleanup', 'on', true);

-- name: mark
-- The roll-ups of these days ($2) are due. $1 tenant.
SELECT guiado_mark_dirty($1, d.day) FROM unnest($2::date[]) d (day) ORDER BY d.day;

-- name: index
-- The new sessions ($2) in the search by words; many of them have the same words. $1 tenant.
WITH new AS (
    SELECT s.session_id, concat_ws(' ', s.problem_description, s.detected_problem_title) AS words
      FROM unnest($2::uuid[]) x (session_id)
      JOIN support_troubleshooting_sessions s ON s.tenant_id = $1 AND s.session_id = x.session_id
), read AS MATERIALIZED (
    SELECT d.words, guiado_search_vector(d.words) AS document FROM (SELECT DISTINCT n.words FROM new n) d)
INSERT INTO support_troubleshooting_search (session_id, tenant_id, document)
SELECT n.session_id, $1, r.document FROM new n JOIN read r ON r.words = n.words;

-- name: next
-- The next synthetic sessions after $2, $3 at most, locked. $1 tenant.
SELECT s.session_id, (s.started_at AT TIME ZONE 'UTC')::date AS day
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.session_id > $2 AND s.source = 'demo' AND s.metadata @> '{"demo": true}'
 ORDER BY s.session_id LIMIT $3
   FOR UPDATE;

-- name: remove_events
-- What somebody who tried out a synthetic session made it send: the events, and with them their deliveries and attempts.
WITH gone AS (
    DELETE FROM support_troubleshooting_outbox o USING unnest($2::uuid[]) x (session_id)
     WHERE o.tenant_id = $1 AND o.session_id = x.session_id
    RETURNING o.event_id)
DELETE FROM support_webhook_events e USING gone g WHERE e.tenant_id = $1 AND e.event_id = g.event_id;

-- name: remove_examples
-- What somebody who tried out a synthetic session taught detection.
DELETE FROM support_troubleshooting_ml_training t USING unnest($2::uuid[]) x (session_id)
 WHERE t.tenant_id = $1 AND t.session_id = x.session_id;

-- name: remove_rows
-- Everything else that is found by its session: see guiado_delete_session_rows in the schema.
SELECT * FROM guiado_delete_session_rows($1, $2);

-- name: remove_tickets
-- The tickets that were made with synthetic sessions.
DELETE FROM support_tickets t USING unnest($2::uuid[]) x (session_id)
 WHERE t.tenant_id = $1 AND t.session_id = x.session_id AND t.metadata @> '{"demo": true}';

-- name: remove_sessions
DELETE FROM support_troubleshooting_sessions s USING unnest($2::uuid[]) x (session_id)
 WHERE s.tenant_id = $1 AND s.session_id = x.session_id;
