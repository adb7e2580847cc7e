-- name: sessions
-- The sections of an export: rows of a customer, as documents, in the order of their keys. $1 tenant, $2 address, $3 pseudonym, $4 the
-- last key of the page before, $5 rows at most.
SELECT s.session_id::text AS key, to_jsonb(s) - ARRAY['tenant_id', 'version'] AS item
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL AND s.session_id::text COLLATE "C" > $4::text
 ORDER BY s.session_id LIMIT $5;

-- name: attempts
SELECT t.id::text AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_sessions s
  JOIN support_troubleshooting_attempts t ON t.tenant_id = s.tenant_id AND t.session_id = s.session_id
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL AND t.id::text COLLATE "C" > $4::text
 ORDER BY t.id LIMIT $5;

-- name: decisions
SELECT t.session_id::text || ' ' || lpad(t.number::text, 10, '0') AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_sessions s
  JOIN support_troubleshooting_decisions t ON t.tenant_id = s.tenant_id AND t.session_id = s.session_id
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL
   AND (t.session_id::text || ' ' || lpad(t.number::text, 10, '0')) COLLATE "C" > $4::text
 ORDER BY t.session_id, t.number LIMIT $5;

-- name: feedback
SELECT t.id::text AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_sessions s
  JOIN support_troubleshooting_feedback t ON t.tenant_id = s.tenant_id AND t.session_id = s.session_id
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL AND t.id::text COLLATE "C" > $4::text
 ORDER BY t.id LIMIT $5;

-- name: lessons
SELECT t.id::text AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_sessions s
  JOIN support_troubleshooting_learning t ON t.tenant_id = s.tenant_id AND t.session_id = s.session_id
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL AND t.id::text COLLATE "C" > $4::text
 ORDER BY t.id LIMIT $5;

-- name: examples
-- What detection learned from the customer.
SELECT t.id::text AS key, to_jsonb(t) - ARRAY['tenant_id', 'revision', 'text_key'] AS item
  FROM support_troubleshooting_ml_training t
 WHERE t.tenant_id = $1 AND t.id::text COLLATE "C" > $4::text
   AND (t.customer_id = $3 OR guiado_names(t.text, $2)
        OR t.session_id IN (SELECT s.session_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.customer_email = $2))
 ORDER BY t.id LIMIT $5;

-- name: tickets
SELECT t.ticket_id AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_tickets t
 WHERE t.tenant_id = $1 AND $3::text IS NOT NULL AND t.ticket_id COLLATE "C" > $4::text
   AND (lower(btrim(t.customer_email)) = $2
        OR (t.customer_email IS NULL
            AND EXISTS (SELECT FROM support_troubleshooting_sessions s
                         WHERE s.tenant_id = $1 AND s.ticket_id = t.ticket_id AND s.customer_email = $2)
            AND NOT EXISTS (SELECT FROM support_troubleshooting_sessions s
                             WHERE s.tenant_id = $1 AND s.ticket_id = t.ticket_id AND s.customer_email IS DISTINCT FROM $2)))
 ORDER BY t.ticket_id COLLATE "C" LIMIT $5;

-- name: events
-- Those of the customer's sessions, and those made by hand that name the address or one of the sessions.
SELECT t.event_id::text AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_outbox t
 WHERE t.tenant_id = $1 AND $3::text IS NOT NULL AND t.event_id::text COLLATE "C" > $4::text
   AND (t.session_id IN (SELECT s.session_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.customer_email = $2)
        OR (t.session_id IS NULL AND (guiado_names(t.data::text, $2) OR guiado_names_session($1, t.data::text, $2))))
 ORDER BY t.event_id LIMIT $5;

-- name: deliveries
SELECT t.delivery_id::text AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_outbox o
  JOIN support_troubleshooting_deliveries t ON t.tenant_id = o.tenant_id AND t.event_id = o.event_id
 WHERE o.tenant_id = $1 AND $3::text IS NOT NULL AND t.delivery_id::text COLLATE "C" > $4::text
   AND (o.session_id IN (SELECT s.session_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.customer_email = $2)
        OR (o.session_id IS NULL AND (guiado_names(o.data::text, $2) OR guiado_names_session($1, o.data::text, $2))))
 ORDER BY t.delivery_id LIMIT $5;

-- name: delivery_attempts
SELECT t.id::text AS key, to_jsonb(t) - 'tenant_id' AS item
  FROM support_troubleshooting_outbox o
  JOIN support_webhook_events t ON t.tenant_id = o.tenant_id AND t.event_id = o.event_id
 WHERE o.tenant_id = $1 AND $3::text IS NOT NULL AND t.id::text COLLATE "C" > $4::text
   AND (o.session_id IN (SELECT s.session_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.customer_email = $2)
        OR (o.session_id IS NULL AND (guiado_names(o.data::text, $2) OR guiado_names_session($1, o.data::text, $2))))
 ORDER BY t.id LIMIT $5;

-- name: notifications
-- Without what lets anybody write to a channel.
SELECT t.id::text AS key, to_jsonb(t) - ARRAY['tenant_id', 'dedup_key', 'leased_by', 'leased_until', 'metadata']
                          || jsonb_build_object('metadata', t.metadata - ARRAY['webhook_url', 'secret']) AS item
  FROM support_troubleshooting_notifications t
 WHERE t.tenant_id = $1 AND $3::text IS NOT NULL AND t.id::text COLLATE "C" > $4::text
   AND (t.session_id IN (SELECT s.session_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.customer_email = $2)
        OR guiado_names(t.recipient, $2)
        OR (t.session_id IS NULL AND guiado_names(concat_ws(' ', t.subject, t.message, t.metadata::text), $2)))
 ORDER BY t.id LIMIT $5;

-- name: recipients
SELECT t.channel || ' ' || t.recipient AS key, to_jsonb(t) - ARRAY['tenant_id', 'options'] AS item
  FROM support_troubleshooting_recipients t
 WHERE t.tenant_id = $1 AND $3::text IS NOT NULL AND guiado_names(t.recipient, $2)
   AND (t.channel || ' ' || t.recipient) COLLATE "C" > $4::text
 ORDER BY (t.channel || ' ' || t.recipient) COLLATE "C" LIMIT $5;

-- name: links
-- Without the secret part's hash.
SELECT t.link_id::text AS key, to_jsonb(t) - ARRAY['tenant_id', 'token_hash'] AS item
  FROM support_troubleshooting_sessions s
  JOIN support_customer_links t ON t.tenant_id = s.tenant_id AND t.session_id = s.session_id
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL AND t.link_id::text COLLATE "C" > $4::text
 ORDER BY t.link_id LIMIT $5;

-- name: attachments
-- The content is base64, so that pages of them are short.
SELECT t.attachment_id::text AS key, to_jsonb(t) - ARRAY['tenant_id', 'content']
                                     || jsonb_build_object('content', replace(encode(t.content, 'base64'), E'\n', '')) AS item
  FROM support_troubleshooting_sessions s
  JOIN support_session_attachments t ON t.tenant_id = s.tenant_id AND t.session_id = s.session_id
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND $3::text IS NOT NULL AND t.attachment_id::text COLLATE "C" > $4::text
 ORDER BY t.attachment_id LIMIT $5;

-- name: stored_answers
-- Answers kept for requests that come twice.
SELECT t.key, jsonb_build_object('key', t.key, 'answer', t.answer, 'created_at', t.created_at) AS item
  FROM support_troubleshooting_idempotency t
 WHERE t.tenant_id = $1 AND $3::text IS NOT NULL AND t.key COLLATE "C" > $4::text
   AND (guiado_names(t.key, $2) OR guiado_names(t.answer::text, $2) OR guiado_names_session($1, t.answer::text, $2))
 ORDER BY t.key COLLATE "C" LIMIT $5;

-- name: erase_mentions
-- Erases what does not hang on one of the customer's sessions: see guiado_erase_mentions. $1 tenant, $2 address, $3 sessions at most.
SELECT e.table_name, e.deleted FROM guiado_erase_mentions($1, $2, $3) e;

-- name: hide_address
-- Hides an address in what others wrote: see guiado_hide_address. $1 tenant, $2 address.
SELECT h.table_name, h.hidden AS deleted FROM guiado_hide_address($1, $2) h;

-- name: erase_batch
-- Erases sessions with all that hangs on them: see guiado_erase_batch. $1 tenant, $2 address, $3 pseudonym, $4 sessions at most.
SELECT e.table_name, e.deleted FROM guiado_erase_batch($1, $2, $3, $4) e;

-- name: note
-- Who exported or erased the data of whom. $2 audit rows of the tenant $1.
INSERT INTO support_troubleshooting_audit_log
SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_audit_log, $2) x WHERE x.tenant_id = $1;
