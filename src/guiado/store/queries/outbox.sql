-- name: claim
-- Leases endpoints that have something due: this worker's share of them. $1 tenant, $2 worker, $3 lease in seconds, $4 how many at
-- most, $5 now, $6 failures in a row from which an endpoint is only probed, $7 endpoints that the worker leaves alone, $8 how many it
-- is busy with, $9 how many beyond its share. One look at each endpoint's queue: a join, which statistics older than a burst suggest,
-- would read all that is pending.
WITH ready AS MATERIALIZED (
    SELECT w.webhook_id FROM support_webhooks w
     WHERE w.tenant_id = $1 AND w.enabled AND (w.paused_until IS NULL OR w.paused_until <= $5)
       AND (SELECT true FROM support_troubleshooting_deliveries d
             WHERE d.tenant_id = $1 AND d.destination = w.webhook_id AND d.state = 'pending'
               AND (d.due_at <= $5 OR w.failures >= $6) LIMIT 1)
), alive AS (
    SELECT greatest(count(*), 1) AS workers FROM support_troubleshooting_workers k WHERE k.tenant_id = $1 AND k.alive_until > now()
), share AS (
    SELECT greatest(ceil(count(*)::numeric / (SELECT a.workers FROM alive a))::integer - $8::integer, 0) + $9::integer AS most FROM ready
), free AS (
    SELECT w.tenant_id, w.webhook_id FROM support_webhooks w
     WHERE w.tenant_id = $1 AND w.enabled AND w.webhook_id IN (SELECT r.webhook_id FROM ready r)
       AND (w.leased_until IS NULL OR w.leased_until <= now() OR w.leased_until > now() + interval '2 minutes' OR w.leased_by = $2)
       AND w.webhook_id <> ALL ($7::text[])
     LIMIT (SELECT least(s.most, $4::integer) FROM share s) FOR UPDATE SKIP LOCKED)
UPDATE support_webhooks w SET leased_by = $2, leased_until = now() + make_interval(secs => $3)
  FROM free WHERE w.tenant_id = $1 AND free.tenant_id = w.tenant_id AND w.webhook_id = free.webhook_id
RETURNING w.*;

-- name: due_kind
-- Whether an endpoint with something due can be leased; for `store.queue`, which says what the parameters are.
SELECT 'webhook' AS kind
 WHERE EXISTS (
    SELECT FROM support_webhooks w
     WHERE w.tenant_id = $1 AND w.enabled AND (w.paused_until IS NULL OR w.paused_until <= $2)
       AND (w.leased_until IS NULL OR w.leased_until <= now() OR w.leased_until > now() + interval '2 minutes' OR w.leased_by = $3)
       AND w.webhook_id <> ALL ($4::text[])
       AND (SELECT true FROM support_troubleshooting_deliveries d
             WHERE d.tenant_id = $1 AND d.destination = w.webhook_id AND d.state = 'pending'
               AND (d.due_at <= $2 OR w.failures >= $5) LIMIT 1));

-- name: give_back
-- Ends leases of the worker $2 whose work was broken off. $3: endpoints.
UPDATE support_webhooks w SET leased_by = NULL, leased_until = NULL
 WHERE w.tenant_id = $1 AND w.leased_by = $2 AND w.webhook_id = ANY ($3::text[]);

-- name: renew
-- Keeps leases. $1 tenant, $2 sender, $3 lease in seconds, $4 endpoints. Returns those that are still the sender's.
WITH held AS (
    SELECT w.tenant_id, w.webhook_id FROM support_webhooks w
     WHERE w.tenant_id = $1 AND w.leased_by = $2 AND w.webhook_id = ANY ($4::text[])
     ORDER BY w.webhook_id FOR UPDATE)
UPDATE support_webhooks w SET leased_until = now() + make_interval(secs => $3)
  FROM held WHERE w.tenant_id = $1 AND held.tenant_id = w.tenant_id AND w.webhook_id = held.webhook_id
RETURNING w.webhook_id;

-- name: versions
-- Which of the endpoints $3 are this sender's ($2) and enabled, and when each was changed last.
SELECT w.webhook_id, w.updated_at FROM support_webhooks w
 WHERE w.tenant_id = $1 AND w.leased_by = $2 AND w.enabled AND w.webhook_id = ANY ($3::text[]);

-- name: due
-- The oldest deliveries to an endpoint that are due, or its oldest one of all ($5), in the order of their events: of events after
-- $6 only, where it is given.
SELECT d.delivery_id, d.event_id, d.attempts, d.due_at, d.created_at, o.event, o.data, o.occurred_at
  FROM (SELECT x.delivery_id, x.event_id, x.attempts, x.due_at, x.created_at
          FROM support_troubleshooting_deliveries x
         WHERE x.tenant_id = $1 AND x.destination = $2 AND x.state = 'pending' AND (x.due_at <= $3 OR $5)
           AND x.event_id > coalesce($6::uuid, '00000000-0000-0000-0000-000000000000')
         ORDER BY x.event_id LIMIT $4) d
 CROSS JOIN LATERAL (
    SELECT e.event, e.data, e.occurred_at FROM support_troubleshooting_outbox e
     WHERE e.tenant_id = $1 AND e.event_id = d.event_id LIMIT 1) o
 ORDER BY d.event_id;

-- name: record
-- Writes down attempts ($3) with what became of their deliveries, and ends the leases of a sender ($2): $4 says how those
-- endpoints are, and as of which change: one that was changed since begins anew. $1 tenant. The state is asked for in a way that no index knows: the one of what is pending would be read as a whole.
-- Of a delivery that was erased while it was sent, nothing is written down: not what was answered either.
WITH told AS (
    SELECT * FROM jsonb_to_recordset($3) AS t (
        webhook_id text, delivery_id uuid, event_id uuid, event text, attempt integer, success boolean, response_status integer,
        response_body text, error_message text, duration_ms double precision, sent_at timestamptz, id uuid, state text,
        attempts integer, due_at timestamptz)
), kept AS (  -- in one order, as in guiado_erase_events: whoever waits for another's rows must not be waited for
    SELECT d.delivery_id FROM support_troubleshooting_deliveries d
     WHERE d.tenant_id = $1 AND d.delivery_id = ANY (ARRAY(SELECT t.delivery_id FROM told t))
     ORDER BY d.delivery_id FOR UPDATE
), logged AS (
    INSERT INTO support_webhook_events
        (id, tenant_id, webhook_id, event_id, event, attempt, success, response_status, response_body, error_message, duration_ms, sent_at)
    SELECT t.id, $1, t.webhook_id, t.event_id, t.event, t.attempt, t.success, t.response_status, t.response_body, t.error_message,
           t.duration_ms, t.sent_at
      FROM told t WHERE t.delivery_id IN (SELECT k.delivery_id FROM kept k)
), held AS (  -- in one order, as in "renew": whoever waits for another's rows must not be waited for
    SELECT w.tenant_id, w.webhook_id FROM support_webhooks w
     WHERE w.tenant_id = $1 AND w.leased_by = $2 AND w.webhook_id IN (SELECT jsonb_array_elements($4) ->> 'webhook_id')
     ORDER BY w.webhook_id FOR UPDATE
), settled AS (
    UPDATE support_webhooks w
       SET failures = CASE WHEN w.updated_at = s.version THEN s.failures ELSE w.failures END,
           failing_since = CASE WHEN w.updated_at = s.version THEN s.failing_since ELSE w.failing_since END,
           paused_until = CASE WHEN w.updated_at = s.version THEN s.paused_until ELSE w.paused_until END,
           leased_by = NULL, leased_until = NULL
      FROM held, jsonb_to_recordset($4) AS s (
           webhook_id text, failures integer, failing_since timestamptz, paused_until timestamptz, version timestamptz)
     WHERE w.tenant_id = $1 AND held.tenant_id = w.tenant_id AND w.webhook_id = held.webhook_id AND s.webhook_id = held.webhook_id
)
UPDATE support_troubleshooting_deliveries d
   SET state = t.state, attempts = t.attempts, due_at = t.due_at, last_error = t.error_message,
       finished_at = CASE WHEN t.state = 'pending' THEN NULL ELSE t.sent_at END
  FROM told t JOIN kept k ON k.delivery_id = t.delivery_id  -- locked before: a row that its own statement changed cannot be
 WHERE d.tenant_id = $1 AND d.delivery_id = t.delivery_id AND CASE d.state WHEN 'pending' THEN true ELSE false END;

-- name: bring_forward
-- An endpoint is back: what waits for a later attempt is due now ($3).
UPDATE support_troubleshooting_deliveries d SET due_at = $3
 WHERE d.tenant_id = $1 AND d.destination = $2 AND d.state = 'pending' AND d.due_at > $3;

-- name: expire
-- The time of these deliveries is over: they were stored before $3.
UPDATE support_troubleshooting_deliveries d SET state = 'exhausted', finished_at = $4
 WHERE d.tenant_id = $1 AND d.destination = $2 AND d.state = 'pending' AND d.created_at < $3;

-- name: disable
-- Sends nothing more to an endpoint that was not changed since $5; what waits for it is kept. $3: why, $4: now.
WITH off AS (
    UPDATE support_webhooks w
       SET enabled = false, disabled_reason = $3, updated_at = greatest($4, w.updated_at + interval '1 microsecond')
     WHERE w.tenant_id = $1 AND w.webhook_id = $2 AND w.updated_at = $5
    RETURNING w.tenant_id, w.webhook_id)
UPDATE support_troubleshooting_deliveries d SET state = 'disabled', finished_at = $4
  FROM off
 WHERE d.tenant_id = $1 AND off.tenant_id = d.tenant_id AND d.destination = off.webhook_id AND d.state = 'pending';

-- name: replay
-- Sends again what was given up, or everything ($6), of one event ($3), of a kind ($8) or of a range of time ($4 to $5). Returns how
-- many.
WITH again AS (
    UPDATE support_troubleshooting_deliveries d
       SET state = 'pending', attempts = 0, due_at = $7, created_at = $7, finished_at = NULL
      FROM support_troubleshooting_outbox o
     WHERE o.tenant_id = $1 AND d.tenant_id = $1 AND o.tenant_id = d.tenant_id AND o.event_id = d.event_id AND d.destination = $2 AND d.state <> 'pending'
       AND (d.state IN ('exhausted', 'disabled', 'cancelled') OR $6)
       AND ($3::uuid IS NULL OR d.event_id = $3) AND ($8::text IS NULL OR o.event = $8)
       AND ($4::timestamptz IS NULL OR o.occurred_at >= $4) AND ($5::timestamptz IS NULL OR o.occurred_at < $5)
    RETURNING d.delivery_id)
SELECT count(*) FROM again;

-- name: wake
-- An endpoint is tried again at once.
UPDATE support_webhooks w SET paused_until = NULL WHERE w.tenant_id = $1 AND w.webhook_id = $2;

-- name: attempts
-- The latest attempts at an endpoint, newest first; with $4 and $5 those before that moment and id.
SELECT e.id::text AS id, e.event_id::text AS event_id, e.event, e.attempt, e.success, e.response_status, e.response_body, e.error_message, e.duration_ms, e.sent_at
  FROM support_webhook_events e
 WHERE e.tenant_id = $1 AND e.webhook_id = $2 AND ($4::timestamptz IS NULL OR (e.sent_at, e.id) < ($4, $5::uuid))
 ORDER BY e.sent_at DESC, e.id DESC LIMIT $3;

-- name: is_waiting
-- Whether anything is due now for an endpoint that may be asked.
SELECT EXISTS (
    SELECT FROM support_webhooks w
     WHERE w.tenant_id = $1 AND w.enabled AND (w.paused_until IS NULL OR w.paused_until <= $2) AND w.webhook_id <> ALL ($3::text[])
       AND (SELECT true FROM support_troubleshooting_deliveries d
             WHERE d.tenant_id = $1 AND d.destination = w.webhook_id AND d.state = 'pending' AND d.due_at <= $2 LIMIT 1));

-- name: first_attempts
-- What became of an event ($2) at each of the endpoints $4 by now ($3), null for all of its endpoints, whatever the state of its
-- delivery. $1 tenant.
SELECT d.destination, d.state, d.attempts, d.last_error, w.timeout, w.enabled,
       w.paused_until IS NOT NULL AND w.paused_until > $3 AS paused,
       (SELECT e.response_status FROM support_webhook_events e
         WHERE e.tenant_id = $1 AND e.webhook_id = d.destination AND e.event_id = d.event_id
         ORDER BY e.sent_at DESC LIMIT 1) AS response_status
  FROM support_troubleshooting_deliveries d
  LEFT JOIN support_webhooks w ON w.tenant_id = d.tenant_id AND w.webhook_id = d.destination AND w.tenant_id = $1
 WHERE d.tenant_id = $1 AND d.event_id = $2 AND ($4::text[] IS NULL OR d.destination = ANY ($4::text[])) ORDER BY d.destination;

-- name: figures
-- How each endpoint's queue is at $2, and what became of its attempts in the hour before.
SELECT w.webhook_id, w.enabled, w.failures, q.pending, coalesce(extract(epoch FROM $2::timestamptz - q.oldest), 0)::double precision AS oldest_s,
       a.successes, a.failures AS failed, a.seconds
  FROM support_webhooks w
 CROSS JOIN LATERAL (
    SELECT count(*) AS pending, min(d.created_at) AS oldest FROM support_troubleshooting_deliveries d
     WHERE d.tenant_id = $1 AND d.destination = w.webhook_id AND d.state = 'pending') q
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE e.success) AS successes, count(*) FILTER (WHERE NOT e.success) AS failures,
           coalesce(sum(e.duration_ms), 0) / 1000 AS seconds
      FROM support_webhook_events e
     WHERE e.tenant_id = $1 AND e.webhook_id = w.webhook_id AND e.sent_at > $2::timestamptz - interval '1 hour') a
 WHERE w.tenant_id = $1
 ORDER BY w.webhook_id;
