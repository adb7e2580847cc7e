-- name: patterns
-- The patterns of the sessions of a guide ($2), exact to the moment: see guiado_patterns in the schema. $1 tenant.
SELECT p.day, p.guide_version, p.pattern, p.sessions FROM guiado_patterns($1, $2, '-infinity', 'infinity') p;

-- name: times
-- How long each step of a guide ($2) took: see guiado_step_times in the schema. $1 tenant.
SELECT t.step_id, t.attempts, t.seconds FROM guiado_step_times($1, $2, '-infinity', 'infinity') t;

-- name: counts
-- From how many sessions of each problem there is something to learn: see guiado_pattern_counts in the schema. $1 tenant.
SELECT c.problem_id, c.sessions FROM guiado_pattern_counts($1) c;

-- name: closed_days
-- The days whose figures are read from the roll-up, the oldest first. $1 tenant.
SELECT d.day FROM guiado_closed_days($1, '-infinity', 'infinity') d (day) ORDER BY d.day;

-- name: differing
-- Those of these days ($2) whose patterns are not what the tables say: see guiado_differing_patterns in the schema. $1 tenant.
SELECT d.day FROM guiado_differing_patterns($1, $2) d (day) ORDER BY d.day;

-- name: miscounted
-- Problems whose sum over all days is not the sum of their days. $1 tenant.
SELECT coalesce(t.problem_id, x.problem_id) AS problem_id
  FROM (SELECT y.problem_id, y.sessions FROM support_troubleshooting_pattern_totals y WHERE y.tenant_id = $1) t
  FULL JOIN (SELECT y.problem_id, sum(y.sessions) AS sessions FROM support_troubleshooting_rollup_patterns y
              WHERE y.tenant_id = $1 GROUP BY y.problem_id) x ON x.problem_id = t.problem_id
 WHERE x.sessions IS DISTINCT FROM t.sessions
 ORDER BY 1;

-- name: recount
-- These days ($2) are due, and the sums are made anew: see guiado_recount_patterns in the schema. $1 tenant.
SELECT guiado_recount_patterns($1, $2);
