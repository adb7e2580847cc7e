-- name: put
-- Stores a notification to be sent. Unless it is urgent, the same message ($13) to the same recipient within $14 seconds is one
-- notification: then the first one is returned.
WITH same AS (
    SELECT n.id FROM support_troubleshooting_notifications n
     WHERE n.tenant_id = $2 AND n.dedup_key = $13 AND n.created_at > $15::timestamptz - make_interval(secs => $14)
       AND n.created_at <= $15 AND n.status <> 'failed'
     ORDER BY n.created_at LIMIT 1
), stored AS (
    INSERT INTO support_troubleshooting_notifications
        (id, tenant_id, session_id, notification_type, channel, recipient, priority, subject, message, status, error_message, metadata,
         dedup_key, due_at, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, $15 WHERE NOT EXISTS (SELECT FROM same)
    RETURNING *
)
SELECT s.* FROM stored s
UNION ALL
SELECT n.* FROM support_troubleshooting_notifications n JOIN same ON same.id = n.id;

-- name: one_at_a_time
-- Whoever stores the same message at the same moment waits.
SELECT pg_advisory_xact_lock(5207105, hashtext($1));

-- name: list
-- Notifications, newest first; $2: session, $3: status, null for all.
SELECT n.* FROM support_troubleshooting_notifications n
 WHERE n.tenant_id = $1 AND ($2::uuid IS NULL OR n.session_id = $2) AND ($3::text IS NULL OR n.status = $3)
 ORDER BY n.created_at DESC, n.id DESC LIMIT $4;

-- name: one
SELECT n.* FROM support_troubleshooting_notifications n WHERE n.tenant_id = $1 AND n.id = $2;

-- name: claim
-- Leases what is due. $1 tenant, $2 messenger, $3 lease in seconds, $4 now, $5 channels, $6 how many of each. Of a digest only the
-- oldest, so that one messenger gathers the others.
WITH free AS (
    SELECT n.id FROM unnest($5::text[], $6::integer[]) AS room (channel, most)
     CROSS JOIN LATERAL (
        SELECT x.id FROM support_troubleshooting_notifications x
         WHERE x.tenant_id = $1 AND x.channel = room.channel AND x.status = 'pending' AND x.due_at <= $4
           AND (x.leased_until IS NULL OR x.leased_until <= now() OR x.leased_until > now() + make_interval(secs => 2 * $3))
           AND (x.digest_at IS NULL OR NOT EXISTS (
                SELECT FROM support_troubleshooting_notifications y
                 WHERE y.tenant_id = $1 AND y.channel = room.channel AND y.recipient = x.recipient AND y.status = 'pending'
                   AND y.digest_at IS NOT NULL AND (y.due_at, y.id) < (x.due_at, x.id)))
         ORDER BY x.due_at LIMIT room.most FOR UPDATE SKIP LOCKED) n)
UPDATE support_troubleshooting_notifications n SET leased_by = $2, leased_until = now() + make_interval(secs => $3)
  FROM free WHERE n.id = free.id
RETURNING n.*;

-- name: gather
-- Leases what goes out together with a notification ($5): what waits for a digest of the same recipient. $4: now.
WITH free AS (
    SELECT x.id FROM support_troubleshooting_notifications n
      JOIN support_troubleshooting_notifications x
        ON x.tenant_id = n.tenant_id AND x.channel = n.channel AND x.recipient = n.recipient AND x.id <> n.id
       AND x.metadata -> 'webhook_url' IS NOT DISTINCT FROM n.metadata -> 'webhook_url'
     WHERE n.tenant_id = $1 AND n.id = $5 AND x.status = 'pending' AND x.digest_at IS NOT NULL AND x.due_at <= $4
       AND (x.leased_until IS NULL OR x.leased_until <= now() OR x.leased_until > now() + make_interval(secs => 2 * $3))
     ORDER BY x.due_at LIMIT $6 FOR UPDATE OF x SKIP LOCKED)
UPDATE support_troubleshooting_notifications n SET leased_by = $2, leased_until = now() + make_interval(secs => $3)
  FROM free WHERE n.id = free.id
RETURNING n.*;

-- name: settle
-- What became of notifications ($3) that are still the messenger's ($2). What one said ($12, $13) is kept: another attempt says the same.
UPDATE support_troubleshooting_notifications n
   SET status = $4, attempts = n.attempts + $5, due_at = $6, error_message = $7, note = $8, provider_message_id = $9,
       digest_at = $10, subject = coalesce(n.subject, $12), message = coalesce(n.message, $13), sent_at = CASE WHEN $4 = 'sent' THEN $11::timestamptz END, leased_by = NULL, leased_until = NULL
 WHERE n.tenant_id = $1 AND n.id = ANY ($3::uuid[]) AND n.status = 'pending' AND n.leased_by = $2;

-- name: again
-- Sends what was given up once more; $2: this one only, null for all. Returns how many.
WITH again AS (
    UPDATE support_troubleshooting_notifications n
       SET status = 'pending', attempts = 0, due_at = $3, error_message = NULL, note = NULL, leased_by = NULL, leased_until = NULL
     WHERE n.tenant_id = $1 AND n.status = 'failed' AND ($2::uuid IS NULL OR n.id = $2)
    RETURNING n.id)
SELECT count(*) FROM again;

-- name: is_waiting
-- Whether anything is due now.
SELECT EXISTS (
    SELECT FROM support_troubleshooting_notifications n WHERE n.tenant_id = $1 AND n.status = 'pending' AND n.due_at <= $2);

-- name: figures
-- How each channel's queue is at $2, and what became of its notifications in the hour before.
SELECT n.channel,
       count(*) FILTER (WHERE n.status = 'pending') AS pending,
       coalesce(extract(epoch FROM $2::timestamptz - min(n.due_at) FILTER (WHERE n.status = 'pending' AND n.due_at <= $2)), 0)::double precision
           AS oldest_s,
       count(*) FILTER (WHERE n.status = 'sent' AND n.sent_at > $2::timestamptz - interval '1 hour') AS sent,
       count(*) FILTER (WHERE n.status = 'failed' AND n.created_at > $2::timestamptz - interval '1 day') AS failed
  FROM support_troubleshooting_notifications n
 WHERE n.tenant_id = $1 AND (n.status = 'pending' OR n.created_at > $2::timestamptz - interval '1 day')
 GROUP BY n.channel ORDER BY n.channel;

-- name: story
-- What a message about a session can say: the event that it is about ($3, may be null), and the session.
SELECT o.data, s.session_id, s.ticket_id, s.customer_name, s.customer_email, s.problem_description, s.language,
       s.detected_problem_title AS problem_title, s.current_step, s.total_steps, s.escalation_reason
  FROM support_troubleshooting_sessions s
  LEFT JOIN support_troubleshooting_outbox o ON o.event_id = $3
 WHERE s.tenant_id = $1 AND s.session_id = $2;

-- name: recipient_put
-- Who is told, and how; the same channel and recipient again replaces it.
INSERT INTO support_troubleshooting_recipients AS r
    (tenant_id, channel, recipient, events, muted, language, time_zone, quiet_from, quiet_to, digest_minutes, options)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id, channel, recipient) DO UPDATE SET
    events = excluded.events, muted = excluded.muted, language = excluded.language, time_zone = excluded.time_zone,
    quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, digest_minutes = excluded.digest_minutes,
    options = excluded.options, updated_at = now();

-- name: recipient_offer
-- The same, where there is nobody yet: what was changed by hand stays.
INSERT INTO support_troubleshooting_recipients (tenant_id, channel, recipient, events) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, channel, recipient) DO NOTHING;

-- name: recipients
SELECT r.* FROM support_troubleshooting_recipients r WHERE r.tenant_id = $1 ORDER BY r.channel, r.recipient;

-- name: recipient
SELECT r.* FROM support_troubleshooting_recipients r WHERE r.tenant_id = $1 AND r.channel = $2 AND r.recipient = $3;

-- name: recipient_delete
DELETE FROM support_troubleshooting_recipients r WHERE r.tenant_id = $1 AND r.channel = $2 AND r.recipient = $3 RETURNING true;
