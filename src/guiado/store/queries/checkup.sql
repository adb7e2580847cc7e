-- name: server
-- What kind of server and database this is.
SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
       current_setting('TimeZone') AS zone, current_database() AS database;

-- name: dangerous
-- Settings that are off and must not be.
SELECT name FROM pg_settings
 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name;

-- name: rights
-- What the role that logged in may do. $1: role to work as.
SELECT current_user::text AS name,
       has_schema_privilege(current_schema(), 'CREATE') AS may_create,
       EXISTS (SELECT FROM pg_roles r WHERE r.rolname = $1 AND pg_has_role(current_user, r.oid, 'MEMBER')) AS may_work_as;

-- name: connections
-- How many connections there are for others than superusers, and how many are taken.
SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer AS most,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())::integer AS taken;

-- name: latest
-- The latest start of a session, over all tenants: a jump by the index to each tenant.
WITH RECURSIVE tenant (id) AS (
    SELECT min(s.tenant_id) FROM support_troubleshooting_sessions s
    UNION ALL
    SELECT (SELECT min(s.tenant_id) FROM support_troubleshooting_sessions s WHERE s.tenant_id > t.id) FROM tenant t WHERE t.id IS NOT NULL)
SELECT max((SELECT max(s.started_at) FROM support_troubleshooting_sessions s WHERE s.tenant_id = t.id)) FROM tenant t;

-- name: outbox
-- Over all tenants: what waits to be sent, to endpoints that are in use, and what was given up in the last day.
SELECT count(*) FILTER (WHERE d.state = 'pending') AS waiting,
       coalesce(extract(epoch FROM now() - min(d.due_at) FILTER (WHERE d.state = 'pending')), 0)::double precision AS age_s,
       count(*) FILTER (WHERE d.state = 'exhausted') AS failed,
       (array_agg(DISTINCT d.destination) FILTER (WHERE d.state = 'exhausted'))[1:3] AS destinations,
       to_char((now() - interval '1 day') AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS since
  FROM (SELECT x.state, x.due_at, x.tenant_id, x.destination FROM support_troubleshooting_deliveries x
         WHERE x.state = 'pending' AND x.due_at < now()
        UNION ALL
        SELECT x.state, x.due_at, x.tenant_id, x.destination FROM support_troubleshooting_deliveries x
         WHERE x.state = 'exhausted' AND x.finished_at > now() - interval '1 day') d
  LEFT JOIN support_webhooks w ON w.tenant_id = d.tenant_id AND w.webhook_id = d.destination
 WHERE d.state = 'exhausted' OR w.enabled IS DISTINCT FROM false;

-- name: jobs
-- The periodic work over all tenants: how it ended the last time, for how many seconds it has been due, and for how many it has been running. Work for
-- a private knowledge base is done only where that is in use: late is no fault then, and what it came to long ago does not matter.
SELECT j.job, CASE WHEN NOT j.is_own OR j.late_s < 900 THEN j.last_error END AS last_error,
       CASE WHEN j.is_own THEN 0 ELSE j.late_s END AS late_s, j.running_s
  FROM (SELECT s.job, s.last_error, s.job LIKE 'refit\_detector:%' AS is_own,
               CASE WHEN s.leased_until > now() THEN 0 ELSE extract(epoch FROM now() - s.next_at) END::double precision AS late_s,
               CASE WHEN s.leased_until > now() THEN extract(epoch FROM now() - s.started_at) ELSE 0 END::double precision AS running_s
          FROM support_troubleshooting_schedule s WHERE s.job NOT LIKE 'clock:%') j
 ORDER BY j.job;

-- name: clocks
-- Workers, over all tenants, that said lately that their clock is wrong, and by how many seconds.
SELECT substr(s.job, 7) AS worker, s.last_error AS seconds FROM support_troubleshooting_schedule s
 WHERE s.job LIKE 'clock:%' AND s.started_at > now() - interval '3 minutes' ORDER BY s.job;

-- name: untold
-- Sessions, over all tenants, that wait for a person where nobody is told of them.
SELECT count(*) AS waiting FROM support_troubleshooting_sessions s
 WHERE s.status IN ('needs_escalation', 'escalated')
   AND NOT EXISTS (SELECT FROM support_webhooks w
                    WHERE w.tenant_id = s.tenant_id AND w.enabled AND 'session_escalated' = ANY (w.events))
   AND NOT EXISTS (SELECT FROM support_troubleshooting_recipients r
                    WHERE r.tenant_id = s.tenant_id AND 'session_escalated' = ANY (r.events) AND NOT 'session_escalated' = ANY (r.muted));

-- name: conflicts
-- Guides of the knowledge bases for everybody of which somebody has to say which text is the right one; over all tenants.
SELECT DISTINCT p.guide_id FROM support_guide_publications p WHERE p.scope = '' AND p.conflict ORDER BY p.guide_id;

-- name: inconsistent
-- Of the sessions that began last, over all tenants, those whose counters differ from their attempts, or that ended without saying when.
WITH RECURSIVE tenant (id) AS (
    SELECT min(s.tenant_id) FROM support_troubleshooting_sessions s
    UNION ALL
    SELECT (SELECT min(s.tenant_id) FROM support_troubleshooting_sessions s WHERE s.tenant_id > t.id) FROM tenant t WHERE t.id IS NOT NULL)
SELECT s.session_id
  FROM (SELECT id FROM tenant WHERE id IS NOT NULL LIMIT 200) t
 CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_sessions x WHERE x.tenant_id = t.id ORDER BY x.started_at DESC LIMIT 100) s
 CROSS JOIN LATERAL (
    SELECT count(*) AS attempts, count(*) FILTER (WHERE NOT a.success) AS failures
      FROM support_troubleshooting_attempts a
     WHERE a.tenant_id = s.tenant_id AND a.session_id = s.session_id AND a.corrects IS NULL AND a.retracted_at IS NULL) c
 WHERE s.attempts <> c.attempts OR s.failures <> c.failures
    OR (s.status IN ('resolved', 'escalated', 'abandoned')) <> (s.ended_at IS NOT NULL)
    OR (s.status = 'resolved') <> (s.resolved_at IS NOT NULL)
 ORDER BY s.session_id;

-- name: sealed_last
-- When the audit log was last looked at by its sealer, over all tenants.
SELECT max(s.finished_at) FROM support_troubleshooting_schedule s WHERE s.job = 'seal_audit';

-- name: unsealed
-- Rows of the audit log, over all tenants, from before a moment that are in no chain. $1 the moment.
SELECT count(*) FROM support_troubleshooting_audit_log a WHERE a.chain_seq IS NULL AND a.at < $1::timestamptz;

-- name: chains
-- Over all tenants: whose audit log was sealed last, and how far.
SELECT h.tenant_id, h.chain_seq AS seq FROM support_audit_heads h ORDER BY h.sealed_at DESC LIMIT 20;
