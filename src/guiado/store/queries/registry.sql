-- name: webhook_put
-- Registers a webhook; the same id again replaces it.
INSERT INTO support_webhooks AS w (tenant_id, webhook_id, url, events, secret, headers, timeout, retry_attempts, enabled, thin,
    max_per_second)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id, webhook_id) DO UPDATE SET
    url = excluded.url, events = excluded.events, secret = excluded.secret, headers = excluded.headers,
    timeout = excluded.timeout, retry_attempts = excluded.retry_attempts, enabled = excluded.enabled, thin = excluded.thin,
    max_per_second = excluded.max_per_second, previous_secret = NULL, previous_secret_until = NULL, failures = 0,
    failing_since = NULL, paused_until = NULL, disabled_reason = NULL, updated_at = now()
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
-- The deliveries of one event.
SELECT d.destination, d.state, d.attempts, d.last_error FROM support_troubleshooting_deliveries d
 WHERE d.event_id = $1 AND d.state <> 'disabled' ORDER BY d.destination;

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
