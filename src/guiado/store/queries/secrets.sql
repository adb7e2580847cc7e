-- name: keys
-- Keys that the credentials of this database are encrypted with.
SELECT k.key_id, k.check_value, k.audit_key FROM support_secret_key k ORDER BY k.created_at, k.key_id;

-- name: only_of
-- The tenant whose rows are seen in this transaction, where the role does not own the tables.
SELECT set_config('guiado.tenant', $1, true);

-- name: one_at_a_time
-- Of several processes that start at once, one says which key it is.
SELECT pg_advisory_xact_lock(5207105, hashtext('support_secret_key'));

-- name: add_key
INSERT INTO support_secret_key (key_id, check_value, audit_key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: retire_keys
-- Forgets all keys but $1, and tells which.
DELETE FROM support_secret_key WHERE key_id <> ALL ($1::text[]) RETURNING key_id;

-- name: endpoints
-- Webhooks, over all tenants, with a credential that does not begin with $1, or without what is shown of an encrypted address; $2 is the
-- mark of an address that holds a credential.
SELECT w.tenant_id, w.webhook_id, w.url, w.url_shown, w.secret, w.previous_secret, w.headers::text AS headers, w.older_secrets::text AS older_secrets
  FROM support_webhooks w
 WHERE NOT starts_with(w.secret, $1) OR NOT starts_with(w.previous_secret, $1)
    OR (w.url ~ $2 AND NOT starts_with(w.url, $1)) OR (w.url LIKE 'guiado:v1:%' AND (NOT starts_with(w.url, $1) OR w.url_shown IS NULL))
    OR EXISTS (SELECT FROM jsonb_each_text(w.headers) h WHERE NOT starts_with(h.value, $1))
    OR EXISTS (SELECT FROM jsonb_array_elements(w.older_secrets) o WHERE NOT starts_with(o.value ->> 'secret', $1))
 ORDER BY w.tenant_id, w.webhook_id FOR UPDATE;

-- name: put_endpoints
-- Writes credentials of webhooks, over all tenants: $1 holds them with the key of their row.
UPDATE support_webhooks w
   SET url = n.url, url_shown = n.url_shown, secret = n.secret, previous_secret = n.previous_secret, headers = n.headers, older_secrets = n.older_secrets
  FROM jsonb_to_recordset($1) AS n (
       tenant_id text, webhook_id text, url text, url_shown text, secret text, previous_secret text, headers jsonb, older_secrets jsonb)
 WHERE w.tenant_id = n.tenant_id AND w.webhook_id = n.webhook_id;

-- name: recipients
-- Recipients, over all tenants, with a credential that does not begin with $1.
SELECT r.tenant_id, r.channel, r.recipient, r.options::text AS options
  FROM support_troubleshooting_recipients r
 WHERE ((r.recipient LIKE '%://%' OR r.recipient LIKE 'guiado:v1:%') AND NOT starts_with(r.recipient, $1))
    OR NOT starts_with(r.options ->> 'webhook_url', $1) OR NOT starts_with(r.options ->> 'secret', $1)
 ORDER BY r.tenant_id, r.channel, r.recipient FOR UPDATE;

-- name: put_recipients
-- Writes recipients and their options, over all tenants: $1 holds them with the key of their row. Where the new form of a recipient
-- is stored already, that row stays and the old one goes.
WITH told AS (
    SELECT * FROM jsonb_to_recordset($1) AS n (tenant_id text, channel text, recipient text, stored text, options jsonb)
), twin AS (
    DELETE FROM support_troubleshooting_recipients r USING told n
     WHERE r.tenant_id = n.tenant_id AND r.channel = n.channel AND r.recipient = n.stored AND n.recipient <> n.stored
       AND EXISTS (SELECT FROM support_troubleshooting_recipients o
                    WHERE o.tenant_id = n.tenant_id AND o.channel = n.channel AND o.recipient = n.recipient)
    RETURNING r.tenant_id, r.channel, r.recipient
)
UPDATE support_troubleshooting_recipients r SET recipient = n.recipient, options = n.options
  FROM told n
 WHERE r.tenant_id = n.tenant_id AND r.channel = n.channel AND r.recipient = n.stored
   AND NOT EXISTS (SELECT FROM twin d WHERE d.tenant_id = r.tenant_id AND d.channel = r.channel AND d.recipient = r.recipient);

-- name: notifications_in_clear
-- Notifications, over all tenants, with a credential that is not encrypted; $1: how many, $2 and $3: after this row.
SELECT n.tenant_id, n.id, n.channel, n.recipient, n.metadata::text AS options
  FROM support_troubleshooting_notifications n
 WHERE (n.tenant_id, n.id) > ($2, $3::uuid)
   AND (n.recipient LIKE '%://%' OR n.metadata ->> 'webhook_url' NOT LIKE 'guiado:v1:%' OR n.metadata ->> 'secret' NOT LIKE 'guiado:v1:%')
 ORDER BY n.tenant_id, n.id LIMIT $1 FOR UPDATE;

-- name: notifications
-- The same with a credential that does not begin with $4, over all tenants; $1: how many, $2 and $3: after this row.
SELECT n.tenant_id, n.id, n.channel, n.recipient, n.metadata::text AS options
  FROM support_troubleshooting_notifications n
 WHERE (n.tenant_id, n.id) > ($2, $3::uuid)
   AND (((n.recipient LIKE '%://%' OR n.recipient LIKE 'guiado:v1:%') AND NOT starts_with(n.recipient, $4))
        OR NOT starts_with(n.metadata ->> 'webhook_url', $4) OR NOT starts_with(n.metadata ->> 'secret', $4))
 ORDER BY n.tenant_id, n.id LIMIT $1 FOR UPDATE;

-- name: put_notifications
-- Writes recipients and metadata of notifications, over all tenants: $1 holds them with the key of their row.
UPDATE support_troubleshooting_notifications n SET recipient = t.recipient, metadata = t.options
  FROM jsonb_to_recordset($1) AS t (tenant_id text, id uuid, recipient text, options jsonb)
 WHERE n.tenant_id = t.tenant_id AND n.id = t.id;

-- name: webhooks_counted
-- How many credentials of webhooks are encrypted with each key, over all tenants, and in which rows, as far as they fit; without a
-- key, those in clear. $1 is the mark of an address that holds one.
SELECT CASE WHEN x.value LIKE 'guiado:v1:%' THEN split_part(x.value, ':', 3) END AS key_id, count(*) AS count,
       coalesce((array_agg(DISTINCT w.webhook_id))[1:20], '{}') AS names
  FROM support_webhooks w
 CROSS JOIN LATERAL (
    SELECT w.secret UNION ALL SELECT w.previous_secret WHERE w.previous_secret_until > now()
    UNION ALL SELECT w.url WHERE w.url ~ $1 OR w.url LIKE 'guiado:v1:%'
    UNION ALL SELECT h.value FROM jsonb_each_text(w.headers) h
    UNION ALL SELECT o.value ->> 'secret' FROM jsonb_array_elements(w.older_secrets) o WHERE (o ->> 'until')::timestamptz > now()) x (value)
 WHERE x.value IS NOT NULL GROUP BY 1 ORDER BY 1 NULLS FIRST;

-- name: recipients_counted
-- The same of recipients, over all tenants; those whose address is a credential are named by their channel.
SELECT CASE WHEN x.value LIKE 'guiado:v1:%' THEN split_part(x.value, ':', 3) END AS key_id, count(*) AS count,
       coalesce((array_agg(DISTINCT CASE WHEN r.recipient LIKE 'guiado:v1:%' OR r.recipient LIKE '%://%' THEN r.channel ELSE r.channel || ' ' || r.recipient END))[1:20], '{}') AS names
  FROM support_troubleshooting_recipients r
 CROSS JOIN LATERAL (
    SELECT r.recipient WHERE r.recipient LIKE '%://%' OR r.recipient LIKE 'guiado:v1:%'
    UNION ALL SELECT r.options ->> 'webhook_url' UNION ALL SELECT r.options ->> 'secret') x (value)
 WHERE x.value IS NOT NULL GROUP BY 1 ORDER BY 1 NULLS FIRST;

-- name: notifications_counted
-- The same of notifications, over all tenants, by their channel.
SELECT CASE WHEN x.value LIKE 'guiado:v1:%' THEN split_part(x.value, ':', 3) END AS key_id, count(*) AS count,
       coalesce((array_agg(DISTINCT n.channel))[1:20], '{}') AS names
  FROM support_troubleshooting_notifications n
 CROSS JOIN LATERAL (
    SELECT n.recipient WHERE n.recipient LIKE '%://%' OR n.recipient LIKE 'guiado:v1:%'
    UNION ALL SELECT n.metadata ->> 'webhook_url' UNION ALL SELECT n.metadata ->> 'secret') x (value)
 WHERE x.value IS NOT NULL GROUP BY 1 ORDER BY 1 NULLS FIRST;
