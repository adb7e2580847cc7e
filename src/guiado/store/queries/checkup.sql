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
-- The latest start of a session, over all tenants.
SELECT max(s.started_at) FROM support_troubleshooting_sessions s;

-- name: outbox
-- What waits to be sent.
SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(d.due_at)), 0)::double precision AS age_s
  FROM support_troubleshooting_deliveries d WHERE d.state = 'pending' AND d.due_at < now();

-- name: jobs
-- The periodic work: how it ended the last time, and for how many seconds it has been due.
SELECT j.job, j.last_error, extract(epoch FROM now() - j.next_at)::double precision AS late_s
  FROM support_troubleshooting_schedule j ORDER BY j.job;

-- name: inconsistent
-- Of the sessions that began last, those whose counters differ from their attempts, or that ended without saying when.
SELECT s.session_id
  FROM (SELECT * FROM support_troubleshooting_sessions ORDER BY tenant_id DESC, started_at DESC LIMIT 500) s
 CROSS JOIN LATERAL (
    SELECT count(*) AS attempts, count(*) FILTER (WHERE NOT a.success) AS failures
      FROM support_troubleshooting_attempts a WHERE a.session_id = s.session_id AND a.corrects IS NULL) t
 WHERE s.attempts <> t.attempts OR s.failures <> t.failures
    OR (s.status IN ('resolved', 'escalated', 'abandoned')) <> (s.ended_at IS NOT NULL)
    OR (s.status = 'resolved') <> (s.resolved_at IS NOT NULL)
 ORDER BY s.session_id;
