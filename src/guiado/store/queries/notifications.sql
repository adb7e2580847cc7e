-- name: put
-- Stores a notification to be sent. $1 tenant, $2 id. Unless it is urgent, the same message ($13) to the same recipient within $14
-- seconds is one notification: then the first one is returned.
WITH same AS (
    SELECT n.tenant_id, n.id FROM support_troubleshooting_notifications n
     WHERE n.tenant_id = $1 AND n.dedup_key = $13 AND n.created_at > $15::timestamptz - make_interval(secs => $14)
       AND n.created_at <= $15 AND n.status <> 'failed'
     ORDER BY n.created_at LIMIT 1
), stored AS (
    INSERT INTO support_troubleshooting_notifications
        (tenant_id, id, session_id, notification_type, channel, recipient, priority, subject, message, status, error_message, metadata,
         dedup_key, due_at, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, $15 WHERE NOT EXISTS (SELECT FROM same)
    RETURNING *
)
SELECT s.* FROM stored s
UNION ALL
SELECT n.* FROM support_troubleshooting_notifications n JOIN same ON same.tenant_id = n.tenant_id AND same.id = n.id
 WHERE n.tenant_id = $1;

-- name: one_at_a_time
-- Whoever stores the same message ($2) of the tenant $1 at the same moment waits.
SELECT pg_advisory_xact_lock(5207105, hashtext($1::text || ' ' || $2::text));

-- name: list
-- One page, newest first; $2: session, $3: status, $4: channel, null for all. $6 and $7 are the last row of the page before.
SELECT n.* FROM support_troubleshooting_notifications n
 WHERE n.tenant_id = $1 AND ($2::uuid IS NULL OR n.session_id = $2) AND ($3::text IS NULL OR n.status = $3)
   AND ($4::text IS NULL OR n.channel = $4)
   AND ($6::timestamptz IS NULL OR (n.created_at, n.id) < ($6, $7::uuid))
 ORDER BY n.created_at DESC, n.id DESC LIMIT $5;

-- name: one
SELECT n.* FROM support_troubleshooting_notifications n WHERE n.tenant_id = $1 AND n.id = $2;

-- name: claim
-- Leases what is due. $1 tenant, $2 messenger, $3 lease in seconds, $4 now, $5 channels, $6 how many of each. Of a digest only the
-- oldest, so that one messenger gathers the others.
WITH free AS (
    SELECT n.tenant_id, n.id FROM unnest($5::text[], $6::integer[]) AS room (channel, most)
     CROSS JOIN LATERAL (
        SELECT x.tenant_id, x.id FROM support_troubleshooting_notifications x
         WHERE x.tenant_id = $1 AND x.channel = room.channel AND x.status = 'pending' AND x.due_at <= $4
           AND (x.leased_until IS NULL OR x.leased_until <= now() OR x.leased_until > now() + interval '2 minutes')
           AND (x.digest_at IS NULL OR NOT EXISTS (
                SELECT FROM support_troubleshooting_notifications y
                 WHERE y.tenant_id = $1 AND y.channel = room.channel AND y.recipient = x.recipient AND y.status = 'pending'
                   AND y.digest_at IS NOT NULL AND (y.due_at, y.id) < (x.due_at, x.id)))
         ORDER BY x.due_at LIMIT room.most FOR UPDATE SKIP LOCKED) n)
UPDATE support_troubleshooting_notifications n SET leased_by = $2, leased_until = now() + make_interval(secs => $3)
  FROM free WHERE n.tenant_id = $1 AND free.tenant_id = n.tenant_id AND n.id = free.id
RETURNING n.*;

-- name: due_kind
-- Whether a notification that is due can be leased; for `store.queue`, which says what the parameters are.
SELECT 'notification' AS kind
 WHERE EXISTS (
    SELECT FROM support_troubleshooting_notifications n
     WHERE n.tenant_id = $1 AND n.status = 'pending' AND n.due_at <= $2
       AND (n.leased_until IS NULL OR n.leased_until <= now() OR n.leased_until > now() + interval '2 minutes'));

-- name: renew
-- Keeps leases. $1 tenant, $2 worker, $3 lease in seconds, $4 notifications. Returns those that are still the worker's.
WITH held AS (  -- in one order: whoever waits for another's rows must not be waited for
    SELECT n.tenant_id, n.id FROM support_troubleshooting_notifications n
     WHERE n.tenant_id = $1 AND n.leased_by = $2 AND n.status = 'pending' AND n.id = ANY ($4::uuid[])
     ORDER BY n.id FOR UPDATE)
UPDATE support_troubleshooting_notifications n SET leased_until = now() + make_interval(secs => $3)
  FROM held WHERE n.tenant_id = $1 AND held.tenant_id = n.tenant_id AND n.id = held.id
RETURNING n.id;

-- name: give_back
-- Ends leases of the worker $2 whose work was broken off. $3: notifications.
UPDATE support_troubleshooting_notifications n SET leased_by = NULL, leased_until = NULL
 WHERE n.tenant_id = $1 AND n.leased_by = $2 AND n.status = 'pending' AND n.id = ANY ($3::uuid[]);

-- name: gather
-- Leases what goes out together with a notification ($5): what waits for a digest of the same recipient. $4: now.
WITH free AS (
    SELECT x.tenant_id, x.id FROM support_troubleshooting_notifications n
      JOIN support_troubleshooting_notifications x
        ON x.tenant_id = n.tenant_id AND x.channel = n.channel AND x.recipient = n.recipient AND x.id <> n.id
       AND x.metadata -> 'webhook_url' IS NOT DISTINCT FROM n.metadata -> 'webhook_url'
     WHERE n.tenant_id = $1 AND x.tenant_id = $1 AND n.id = $5 AND x.status = 'pending' AND x.digest_at IS NOT NULL AND x.due_at <= $4
       AND (x.leased_until IS NULL OR x.leased_until <= now() OR x.leased_until > now() + interval '2 minutes')
     ORDER BY x.due_at LIMIT $6 FOR UPDATE OF x SKIP LOCKED)
UPDATE support_troubleshooting_notifications n SET leased_by = $2, leased_until = now() + make_interval(secs => $3)
  FROM free WHERE n.tenant_id = $1 AND free.tenant_id = n.tenant_id AND n.id = free.id
RETURNING n.*;

-- name: settle
-- What became of notifications ($3) that are still the messenger's ($2). What one said ($12, $13) is kept: another attempt says the same.
-- $14: whether the channel was refused; null where nothing was tried.
UPDATE support_troubleshooting_notifications n
   SET status = $4, attempts = n.attempts + $5, due_at = $6, error_message = $7, note = $8, provider_message_id = $9,
       digest_at = $10, subject = coalesce(n.subject, $12), message = coalesce(n.message, $13),
       sent_at = CASE WHEN $4 = 'sent' THEN $11::timestamptz END, leased_by = NULL, leased_until = NULL,
       refused_since = CASE WHEN $14::boolean IS NULL THEN n.refused_since WHEN $14 THEN coalesce(n.refused_since, $11) END,
       refused_at = CASE WHEN $14 IS NULL THEN n.refused_at WHEN $14 THEN $11::timestamptz END
 WHERE n.tenant_id = $1 AND n.id = ANY ($3::uuid[]) AND n.status = 'pending' AND n.leased_by = $2;

-- name: again
-- Sends once more, at $3: what was given up, or is waiting for another attempt ($4: those statuses). $2: this one only, $5: of this
-- channel, $6: stored since then; null for all. Returns how many.
WITH again AS (
    UPDATE support_troubleshooting_notifications n
       SET status = 'pending', attempts = 0, due_at = $3, error_message = NULL, note = NULL, sent_at = NULL,
           leased_by = NULL, leased_until = NULL
     WHERE n.tenant_id = $1 AND n.status = ANY ($4::text[]) AND (n.status = 'failed' OR n.attempts > 0)
       AND (n.leased_until IS NULL OR n.leased_until <= now()) AND ($2::uuid IS NULL OR n.id = $2)
       AND ($5::text IS NULL OR n.channel = $5) AND ($6::timestamptz IS NULL OR n.created_at >= $6)
    RETURNING n.id)
SELECT count(*) FROM again;

-- name: is_waiting
-- Whether anything is due now.
SELECT EXISTS (
    SELECT FROM support_troubleshooting_notifications n WHERE n.tenant_id = $1 AND n.status = 'pending' AND n.due_at <= $2);

-- name: figures
-- How each channel's queue is at $2: what waits, the age of the oldest that is due or failed before, what was sent in the hour
-- before, and what was stored in the day before and given up.
SELECT n.channel,
       count(*) FILTER (WHERE n.status = 'pending') AS pending,
       coalesce(extract(epoch FROM $2::timestamptz - min(CASE WHEN n.attempts > 0 THEN n.created_at ELSE n.due_at END)
           FILTER (WHERE n.status = 'pending' AND (n.attempts > 0 OR n.due_at <= $2))), 0)::double precision AS oldest_s,
       count(*) FILTER (WHERE n.status = 'sent' AND n.sent_at > $2::timestamptz - interval '1 hour') AS sent,
       count(*) FILTER (WHERE n.status = 'failed' AND n.created_at > $2::timestamptz - interval '1 day') AS failed
  FROM support_troubleshooting_notifications n
 WHERE n.tenant_id = $1 AND (n.status = 'pending' OR n.created_at > $2::timestamptz - interval '1 day')
 GROUP BY n.channel ORDER BY n.channel;

-- name: refused
-- Channels that are refused at $2, and since when: by their own account, or, where each recipient has an address ($3), by that one.
-- Whatever was sent since shows that it is over; what was given up more than a week ago is not told any more.
WITH refused AS (
    SELECT n.tenant_id, n.channel, n.status, n.refused_since, n.refused_at, n.error_message,
           CASE WHEN n.channel = ANY ($3::text[]) THEN n.recipient END AS recipient
      FROM support_troubleshooting_notifications n
     WHERE n.tenant_id = $1 AND n.refused_at > $2::timestamptz - interval '7 days'
       AND n.status IN ('pending', 'failed'))
SELECT r.channel, r.recipient, min(r.refused_since) AS since, extract(epoch FROM $2::timestamptz - min(r.refused_since))::double precision AS refused_s,
       count(*) AS count, (array_agg(r.error_message ORDER BY r.refused_at DESC))[1] AS reason
  FROM refused r
 WHERE NOT EXISTS (
    SELECT FROM support_troubleshooting_notifications s
     WHERE s.tenant_id = $1 AND s.channel = r.channel AND s.status = 'sent' AND s.sent_at > r.refused_at
       AND (r.recipient IS NULL OR s.recipient = r.recipient))
 GROUP BY r.channel, r.recipient ORDER BY since, r.channel, r.recipient;

-- name: story
-- What a message about a session can say: the event that it is about ($3, may be null), the session, and its pictures.
SELECT o.data, s.session_id, s.ticket_id, s.customer_name, s.customer_email, s.problem_description, s.language,
       s.detected_problem_title AS problem_title, s.current_step, s.total_steps, s.escalation_reason,
       (SELECT count(*) FROM support_session_attachments a WHERE a.tenant_id = $1 AND a.session_id = s.session_id) AS pictures
  FROM support_troubleshooting_sessions s
  LEFT JOIN support_troubleshooting_outbox o ON o.tenant_id = s.tenant_id AND o.tenant_id = $1 AND o.event_id = $3
 WHERE s.tenant_id = $1 AND s.session_id = $2;

-- name: recipient_put
-- Who is told, and how; the same channel and recipient again replaces it. $12: other spellings of the same address.
WITH misspelt AS (
    DELETE FROM support_troubleshooting_recipients o
     WHERE o.tenant_id = $1 AND o.channel = $2 AND o.recipient = ANY ($12::text[]) AND o.recipient <> $3)
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
ON CONFLICT (tenant_id, channel, recipient) DO NOTHING
RETURNING true;

-- name: recipients
SELECT r.* FROM support_troubleshooting_recipients r WHERE r.tenant_id = $1 ORDER BY r.channel, r.recipient;

-- name: recipient
-- $3: the spellings of one address, the best first.
SELECT r.* FROM support_troubleshooting_recipients r
 WHERE r.tenant_id = $1 AND r.channel = $2 AND r.recipient = ANY ($3::text[])
 ORDER BY array_position($3::text[], r.recipient) LIMIT 1;

-- name: recipient_delete
WITH gone AS (
    DELETE FROM support_troubleshooting_recipients r
     WHERE r.tenant_id = $1 AND r.channel = $2 AND r.recipient = ANY ($3::text[]) RETURNING true)
SELECT EXISTS (SELECT FROM gone);
