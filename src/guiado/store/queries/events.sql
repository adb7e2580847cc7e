-- name: latest
-- The latest events, newest first, each with what became of its deliveries. $1 tenant, $2 session, $3 kind, $4 since; null for any;
-- $5 how many.
SELECT o.event_id::text AS event_id, o.occurred_at, o.event, o.session_id::text AS session_id, o.data, d.pending, d.delivered, d.exhausted, d.disabled, d.cancelled
  FROM (SELECT x.event_id, x.occurred_at, x.event, x.session_id, x.data FROM support_troubleshooting_outbox x
         WHERE x.tenant_id = $1 AND ($2::uuid IS NULL OR x.session_id = $2) AND ($3::text IS NULL OR x.event = $3)
           AND ($4::timestamptz IS NULL OR x.occurred_at >= $4)
         ORDER BY x.occurred_at DESC, x.event_id DESC LIMIT $5) o
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE y.state = 'pending') AS pending, count(*) FILTER (WHERE y.state = 'delivered') AS delivered,
           count(*) FILTER (WHERE y.state = 'exhausted') AS exhausted, count(*) FILTER (WHERE y.state = 'disabled') AS disabled,
           count(*) FILTER (WHERE y.state = 'cancelled') AS cancelled
      FROM support_troubleshooting_deliveries y
     WHERE y.tenant_id = $1 AND y.event_id = o.event_id) d
 ORDER BY o.occurred_at DESC, o.event_id DESC;

-- name: counts
-- How many events of each kind there were in the hour and in the day before $2.
SELECT o.event, count(*) FILTER (WHERE o.occurred_at > $2::timestamptz - interval '1 hour') AS last_hour, count(*) AS last_day
  FROM support_troubleshooting_outbox o
 WHERE o.tenant_id = $1 AND o.occurred_at > $2::timestamptz - interval '1 day'
 GROUP BY o.event ORDER BY o.event;
