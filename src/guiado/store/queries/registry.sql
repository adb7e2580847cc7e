-- name: webhook_new
-- Registers a webhook, unless there is one with this id.
INSERT INTO support_webhooks AS w (tenant_id, webhook_id, url, events, secret, headers, timeout, retry_attempts, enabled, thin,
    max_per_second)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id, webhook_id) DO NOTHING
RETURNING w.*;

-- name: webhook_change
-- Changes what $3 has of a webhook, and nothing else: another process may be changing the rest. Headers are replaced together; one
-- whose value is the mask $4 keeps its value. The secret before a new one signs too until $5, as do those before it
-- for as long as they were promised; with null none does. Who is enabled, leads elsewhere
-- or is registered again ($6) begins anew.
UPDATE support_webhooks w SET
    url = coalesce($3::jsonb ->> 'url', w.url),
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
    enabled = coalesce(($3::jsonb ->> 'enabled')::boolean, w.enabled),
    disabled_reason = CASE WHEN ($3::jsonb ->> 'enabled')::boolean THEN NULL ELSE w.disabled_reason END,
    failures = CASE WHEN x.begins_anew THEN 0 ELSE w.failures END,
    failing_since = CASE WHEN x.begins_anew THEN NULL ELSE w.failing_since END,
    paused_until = CASE WHEN x.begins_anew THEN NULL ELSE w.paused_until END,
    updated_at = greatest(now(), w.updated_at + interval '1 microsecond')
  FROM (SELECT o.tenant_id, o.webhook_id,
               $6 OR coalesce(($3::jsonb ->> 'enabled')::boolean, false) OR coalesce($3::jsonb ->> 'url' <> o.url, false) AS begins_anew
          FROM support_webhooks o WHERE o.tenant_id = $1 AND o.webhook_id = $2 FOR UPDATE) x
 WHERE w.tenant_id = x.tenant_id AND w.webhook_id = x.webhook_id
RETURNING w.*;

-- name: webhook_offer
-- The same for an endpoint whose address is in the environment, where there is none yet.
INSERT INTO support_webhooks (tenant_id, webhook_id, url, events) VALUES ($1, $2, $2, $3)
ON CONFLICT (tenant_id, webhook_id) DO NOTHING;

-- name: webhooks
-- All webhooks of a tenant.
SELECT w.* FROM support_webhooks w WHERE w.tenant_id = $1 ORDER BY w.created_at, w.webhook_id;

-- name: is_told
-- Whether an endpoint or a person is told of events of the kind $2.
SELECT EXISTS (SELECT FROM support_webhooks w WHERE w.tenant_id = $1 AND w.enabled AND $2 = ANY (w.events))
    OR EXISTS (SELECT FROM support_troubleshooting_recipients r
                WHERE r.tenant_id = $1 AND $2 = ANY (r.events) AND NOT $2 = ANY (r.muted));

-- name: webhook
-- One webhook.
SELECT w.* FROM support_webhooks w WHERE w.tenant_id = $1 AND w.webhook_id = $2;

-- name: webhook_delete
-- Removes a webhook; what was still to be sent to it is cancelled, its history stays.
WITH gone AS (DELETE FROM support_webhooks WHERE tenant_id = $1 AND webhook_id = $2 RETURNING webhook_id),
     cancelled AS (
        UPDATE support_troubleshooting_deliveries d SET state = 'cancelled', finished_at = now()
          FROM gone WHERE d.tenant_id = $1 AND d.destination = gone.webhook_id AND d.state = 'pending')
SELECT count(*) FROM gone;

-- name: webhook_stats
-- What became of the deliveries to one webhook.
SELECT v.* FROM vw_webhook_stats v WHERE v.webhook_id = $1;

-- name: emit
-- Stores an event with a delivery for each webhook that wants it: see guiado_emit in the schema.
SELECT guiado_emit($1, $2);

-- name: deliveries_of
-- The endpoints that one event waits for, and the one that it is meant for ($2), even if that one is disabled.
SELECT d.destination FROM support_troubleshooting_deliveries d
 WHERE d.event_id = $1 AND (d.state <> 'disabled' OR d.destination = $2) ORDER BY d.destination;

-- name: narrow
-- Keeps only one destination of an event.
DELETE FROM support_troubleshooting_deliveries WHERE event_id = $1 AND destination <> $2;

-- name: template_put
-- Stores a template; the same id again replaces it.
INSERT INTO support_troubleshooting_templates AS t (tenant_id, kind, template_id, content) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, kind, template_id) DO UPDATE SET content = excluded.content, updated_at = now();

-- name: templates
-- All stored templates of a kind.
SELECT t.template_id, t.content FROM support_troubleshooting_templates t
 WHERE t.tenant_id = $1 AND t.kind = $2 ORDER BY t.template_id;
