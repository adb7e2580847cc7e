-- name: take_turn
-- Whoever loads or removes synthetic sessions does it alone, for a tenant ($2); free again when the transaction or the process ends.
SELECT pg_try_advisory_xact_lock($1, hashtext($2));

-- name: may_copy
-- COPY is refused where row-level security applies to the role. $1 tenant.
SELECT NOT row_security_active('support_troubleshooting_sessions') AND $1::text IS NOT NULL;

-- name: has_real
-- Whether the tenant ($1) has any session that is not synthetic.
SELECT EXISTS (SELECT FROM support_troubleshooting_sessions s
                WHERE s.tenant_id = $1 AND (s.source IS DISTINCT FROM 'demo' OR NOT s.metadata @> '{"demo": true}'));

-- name: count
-- How many synthetic sessions the tenant ($1) has.
SELECT count(*) FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.source = 'demo' AND s.metadata @> '{"demo": true}';

-- name: begin
-- Until the transaction ends the triggers mark no day for each row: "mark" does it once for each day.
SELECT set_config('guiado.cleanup', 'on', true);

-- name: mark
-- The roll-ups of these days ($2) are due. $1 tenant.
SELECT guiado_mark_dirty($1, d.day) FROM unnest($2::date[]) d (day) ORDER BY d.day;

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
