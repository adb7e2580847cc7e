-- name: add
-- Registers a webhook, unless there is one with this id.
INSERT INTO support_webhooks AS w (tenant_id, webhook_id, url, events, secret, headers, timeout, retry_attempts, enabled, thin,
    max_per_second, max_parallel, url_shown)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (tenant_id, webhook_id) DO NOTHING
RETURNING w.*;

-- name: change
-- Changes what $3 has of a webhook, and nothing else: another process may be changing the rest. Headers are replaced together; one
-- whose value is the mask $4 keeps its value. The secret before a new one signs too until $5, as do those before it
-- for as long as they were promised; with null none does. Who is enabled, leads elsewhere
-- or is registered again ($6) begins anew.
UPDATE support_webhooks w SET
    url = coalesce($3::jsonb ->> 'url', w.url),
    url_shown = CASE WHEN $3::jsonb ? 'url' THEN $3::jsonb ->> 'url_shown' ELSE w.url_shown END,
    events = CASE WHEN $3::jsonb ? 'events' THEN ARRAY(SELECT jsonb_array_elements_text($3::jsonb -> 'events')) ELSE w.events END,
    secret = coalesce($3::jsonb ->> 'secret', w.secret),
    previous_secret = CASE WHEN $3::jsonb ->> 'secret' <> w.secret THEN w.secret ELSE w.previous_secret END,
    previous_secret_until = CASE WHEN $3::jsonb ->> 'secret' <> w.secret THEN $5 ELSE w.previous_secret_until END,
    older_secrets = CASE WHEN $3::jsonb ->> 'secret' <> w.secret THEN (
        SELECT coalesce(jsonb_agg(e.old), '[]')
          FROM jsonb_array_elements(w.older_secrets || jsonb_build_object(
                   'secret', w.previous_secret, 'until', w.previous_secret_until)) AS e (old)
         WHERE $5::timestamptz IS NOT NULL AND (e.old ->> 'until')::timestamptz > now()) ELSE w.older_secrets END,
    headers = CASE WHEN $3::jsonb ? 'headers' THEN (
        SELECT coalesce(jsonb_object_agg(h.key, CASE WHEN h.value = $4 THEN coalesce(k.value, h.value) ELSE h.value END), '{}')
          FROM jsonb_each_text($3::jsonb -> 'headers') h
          LEFT JOIN jsonb_each_text(w.headers) k ON lower(k.key) = lower(h.key)) ELSE w.headers END,
    timeout = coalesce(($3::jsonb ->> 'timeout')::double precision, w.timeout),
    retry_attempts = coalesce(($3::jsonb ->> 'retry_attempts')::integer, w.retry_attempts),
    thin = coalesce(($3::jsonb ->> 'thin')::boolean, w.thin),
    max_per_second = CASE WHEN $3::jsonb ? 'max_per_second'
        THEN nullif(($3::jsonb ->> 'max_per_second')::double precision, 0) ELSE w.max_per_second END,
    max_parallel = coalesce(($3::jsonb ->> 'max_parallel')::integer, w.max_parallel),
    enabled = coalesce(($3::jsonb ->> 'enabled')::boolean, w.enabled),
    disabled_reason = CASE WHEN ($3::jsonb ->> 'enabled')::boolean THEN NULL ELSE w.disabled_reason END,
    failures = CASE WHEN x.begins_anew THEN 0 ELSE w.failures END,
    failing_since = CASE WHEN x.begins_anew THEN NULL ELSE w.failing_since END,
    paused_until = CASE WHEN x.begins_anew THEN NULL ELSE w.paused_until END,
    updated_at = greatest(now(), w.updated_at + interval '1 microsecond')
  FROM (SELECT o.tenant_id, o.webhook_id,
               $6 OR coalesce(($3::jsonb ->> 'enabled')::boolean, false) OR coalesce($3::jsonb ->> 'url' <> o.url, false) AS begins_anew
          FROM support_webhooks o WHERE o.tenant_id = $1 AND o.webhook_id = $2 FOR UPDATE) x
 WHERE w.tenant_id = $1 AND x.tenant_id = w.tenant_id AND w.webhook_id = x.webhook_id
RETURNING w.*;

-- name: offer
-- The same for an endpoint whose address is in the environment, where there is none yet.
INSERT INTO support_webhooks (tenant_id, webhook_id, url, events) VALUES ($1, $2, $2, $3)
ON CONFLICT (tenant_id, webhook_id) DO NOTHING
RETURNING true;

-- name: listed
-- All webhooks of a tenant.
SELECT w.* FROM support_webhooks w WHERE w.tenant_id = $1 ORDER BY w.created_at, w.webhook_id;

-- name: is_told
-- Whether an endpoint or a person is told of events of the kind $2.
SELECT EXISTS (SELECT FROM support_webhooks w WHERE w.tenant_id = $1 AND w.enabled AND $2 = ANY (w.events))
    OR EXISTS (SELECT FROM support_troubleshooting_recipients r
                WHERE r.tenant_id = $1 AND $2 = ANY (r.events) AND NOT $2 = ANY (r.muted));

-- name: one
-- One webhook.
SELECT w.* FROM support_webhooks w WHERE w.tenant_id = $1 AND w.webhook_id = $2;

-- name: delete
-- Removes a webhook; what was still to be sent to it is cancelled, its history stays.
WITH gone AS (DELETE FROM support_webhooks w WHERE w.tenant_id = $1 AND w.webhook_id = $2 RETURNING w.tenant_id, w.webhook_id),
     cancelled AS (
        UPDATE support_troubleshooting_deliveries d SET state = 'cancelled', finished_at = now()
          FROM gone WHERE d.tenant_id = $1 AND gone.tenant_id = d.tenant_id AND d.destination = gone.webhook_id AND d.state = 'pending')
SELECT count(*) FROM gone;

-- name: stats
-- What became of the deliveries to one webhook: its row of vw_webhook_stats, which people read, but for the tenant $1 whatever the
-- connection is set to.
SELECT w.webhook_id, w.url, w.events, w.enabled,
       d.total_deliveries, d.pending, d.delivered, d.exhausted, d.cancelled,
       a.total_attempts, a.successful_attempts, a.failed_attempts,
       coalesce(round(100.0 * a.successful_attempts / nullif(a.total_attempts, 0), 2), 0)::double precision AS success_rate,
       a.avg_duration_ms, a.last_attempt_at, a.last_success_at, a.last_failure_at,
       coalesce(e.last_error, d.last_error) AS last_error
  FROM support_webhooks w
 CROSS JOIN LATERAL (
    SELECT count(*) AS total_deliveries,
           count(*) FILTER (WHERE x.state = 'pending') AS pending,
           count(*) FILTER (WHERE x.state = 'delivered') AS delivered,
           count(*) FILTER (WHERE x.state = 'exhausted') AS exhausted,
           count(*) FILTER (WHERE x.state = 'cancelled') AS cancelled,
           (array_agg(x.last_error ORDER BY x.delivery_id DESC) FILTER (WHERE x.last_error IS NOT NULL))[1] AS last_error
      FROM support_troubleshooting_deliveries x
     WHERE x.tenant_id = $1 AND x.destination = w.webhook_id) d
 CROSS JOIN LATERAL (
    SELECT count(*) AS total_attempts,
           count(*) FILTER (WHERE x.success) AS successful_attempts,
           count(*) FILTER (WHERE NOT x.success) AS failed_attempts,
           round(avg(x.duration_ms)::numeric, 2)::double precision AS avg_duration_ms,
           max(x.sent_at) AS last_attempt_at,
           max(x.sent_at) FILTER (WHERE x.success) AS last_success_at,
           max(x.sent_at) FILTER (WHERE NOT x.success) AS last_failure_at
      FROM support_webhook_events x
     WHERE x.tenant_id = $1 AND x.webhook_id = w.webhook_id) a
  LEFT JOIN LATERAL (
    SELECT coalesce(x.error_message, 'HTTP ' || x.response_status) AS last_error
      FROM support_webhook_events x
     WHERE x.tenant_id = $1 AND x.webhook_id = w.webhook_id AND NOT x.success
     ORDER BY x.sent_at DESC LIMIT 1) e ON true
 WHERE w.tenant_id = $1 AND w.webhook_id = $2;

-- name: emit
-- Stores an event with a delivery for each webhook that wants it: see guiado_emit in the schema.
SELECT guiado_emit($1, $2);

-- name: deliveries_of
-- The endpoints that one event ($2) waits for, and the one that it is meant for ($3), even if that one is disabled.
SELECT d.destination FROM support_troubleshooting_deliveries d
 WHERE d.tenant_id = $1 AND d.event_id = $2 AND (d.state <> 'disabled' OR d.destination = $3) ORDER BY d.destination;

-- name: narrow
-- Keeps only one destination ($3) of an event ($2).
DELETE FROM support_troubleshooting_deliveries d WHERE d.tenant_id = $1 AND d.event_id = $2 AND d.destination <> $3;
