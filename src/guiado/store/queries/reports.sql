-- name: daily
-- Measures per day, problem and guide version between $2 and $3, exact to the moment: see guiado_daily in the schema.
SELECT d.* FROM guiado_daily($1, $2, $3) d;

-- name: steps
-- Measures per step over a period; its place in the guide and its title are the latest ones.
SELECT d.problem_id, d.step_id, (array_agg(d.step_number ORDER BY d.day DESC, d.step_number))[1] AS step_number,
       (array_agg(d.step_title ORDER BY d.day DESC, d.step_title))[1] AS step_title, sum(d.total_attempts)::bigint AS total_attempts,
       sum(d.failed)::bigint AS failed
  FROM guiado_steps_daily($1, $2, $3) d
 GROUP BY d.problem_id, d.step_id;

-- name: kinds
-- Messages that report no problem over a period, by kind.
SELECT d.message_kind, sum(d.total_sessions)::bigint AS total_sessions FROM guiado_kinds_daily($1, $2, $3) d GROUP BY d.message_kind;

-- name: realtime
-- The present moment: the row of vw_troubleshooting_realtime_metrics, which people read, but for the tenant $1 whatever the connection
-- is set to.
SELECT (SELECT count(*) FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = $1 AND s.status IN ('started', 'in_progress', 'needs_escalation')) AS active_sessions,
       r.resolved_last_hour,
       (SELECT count(*) FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = $1 AND s.escalated_at >= now() - interval '1 hour'
           AND s.status IN ('needs_escalation', 'escalated')) AS escalated_last_hour,
       r.avg_resolution_time_minutes,
       (SELECT count(DISTINCT nullif(s.detected_problem_id, '')) FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = $1 AND s.started_at >= now() - interval '24 hours') AS unique_problems_24h,
       (SELECT round(avg(f.rating), 2)::double precision FROM support_troubleshooting_feedback f
         WHERE f.tenant_id = $1 AND f.is_current AND f.collected_at >= now() - interval '24 hours') AS avg_rating_24h
  FROM (SELECT count(*) FILTER (WHERE s.resolved_at >= now() - interval '1 hour') AS resolved_last_hour,
               round((avg(extract(epoch FROM s.resolved_at - s.started_at)) / 60)::numeric, 2)::double precision AS avg_resolution_time_minutes
          FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = $1 AND s.resolved_at >= now() - interval '24 hours' AND s.status = 'resolved'
           AND s.message_kind <> 'solved') r;

-- name: top_problems
-- Most frequent problems since $2, each once: its title may be stored in several languages and wordings; the newest is told.
SELECT s.detected_problem_id, (array_agg(s.detected_problem_title ORDER BY s.started_at DESC))[1] AS detected_problem_title,
       count(*) AS total_sessions,
       count(*) FILTER (WHERE s.status = 'resolved') AS resolved
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.started_at >= $2 AND s.detected_problem_id IS NOT NULL
 GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 10;

-- name: frequent_problems
-- The problems that most sessions between $2 and $3 were about, $4 at most.
SELECT d.problem_id
  FROM guiado_daily($1, $2, $3) d
 WHERE d.problem_id NOT IN ('*', '')
 GROUP BY d.problem_id ORDER BY sum(d.total_sessions) DESC, d.problem_id LIMIT $4;

-- name: active
-- Sessions that are going on, latest activity first.
SELECT s.session_id, s.detected_problem_id, s.detected_problem_title, s.status, s.current_step, s.total_steps, s.started_at,
       s.updated_at
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.status IN ('started', 'in_progress', 'needs_escalation')
 ORDER BY s.updated_at DESC LIMIT $2;
