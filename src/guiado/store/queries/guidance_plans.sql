-- name: mark
-- The number of the last plan or rule, asked for by every process all the time: two looks into an index. $1 tenant.
SELECT greatest(
       (SELECT p.plan_version FROM support_troubleshooting_guidance_plans p WHERE p.tenant_id = $1 ORDER BY p.plan_version DESC LIMIT 1),
       (SELECT r.revision FROM support_troubleshooting_guidance_rules r WHERE r.tenant_id = $1 ORDER BY r.revision DESC LIMIT 1), 0);

-- name: lock
-- Takes the turn to publish a plan or a rule, and returns its number. $1 tenant, $2 the lock's number.
SELECT pg_advisory_xact_lock($2, hashtext($1));

-- name: changed
-- Plans that changed, or whose rules did, after a number ($2), those of the most sessions first. $1 tenant, $3 most rows.
SELECT p.problem_id, p.guide_version_id, p.plan_version, p.fitted_at, p.sessions, p.order_in_use, p.posterior, p.figures,
       coalesce(r.rules, '{}') AS rules
  FROM support_troubleshooting_guidance_plans p
  LEFT JOIN support_troubleshooting_guidance_rules r ON r.tenant_id = p.tenant_id AND r.problem_id = p.problem_id
 WHERE p.tenant_id = $1 AND (p.plan_version > $2 OR r.revision > $2)
 ORDER BY p.sessions DESC, p.problem_id LIMIT $3;

-- name: of_problem
-- The plans of a guide, the newest first. $1 tenant, $2 guide.
SELECT p.problem_id, p.guide_version_id, p.plan_version, p.fitted_at, p.sessions, p.order_in_use, p.posterior, p.figures,
       coalesce(r.rules, '{}') AS rules
  FROM support_troubleshooting_guidance_plans p
  LEFT JOIN support_troubleshooting_guidance_rules r ON r.tenant_id = p.tenant_id AND r.problem_id = p.problem_id
 WHERE p.tenant_id = $1 AND p.problem_id = $2
 ORDER BY p.plan_version DESC;

-- name: used
-- The versions in use of these guides ($2), or of those with rules, each with what its plan was made from. $1 tenant.
SELECT g.guide_id AS problem_id, g.scope, g.guide_version_id, coalesce(r.rules, '{}') AS rules, coalesce(r.revision, 0) AS revision,
       p.plan_version, p.counted, p.rules_revision, p.basis, p.order_in_use, coalesce(a.amended, 0) AS amended
  FROM support_guide_publications g
  LEFT JOIN support_troubleshooting_guidance_rules r ON r.tenant_id = g.tenant_id AND r.problem_id = g.guide_id
  LEFT JOIN support_troubleshooting_guidance_plans p
         ON p.tenant_id = g.tenant_id AND p.problem_id = g.guide_id AND p.guide_version_id = g.guide_version_id
  LEFT JOIN LATERAL (  -- solutions that were denied since: of the last days, since whoever runs looks every few seconds
       SELECT count(*) AS amended
         FROM support_troubleshooting_sessions s
         JOIN support_troubleshooting_sessions f ON f.tenant_id = s.tenant_id AND f.session_id = s.recontact_of
        WHERE s.tenant_id = g.tenant_id AND s.started_at > greatest(p.fitted_at, now() - interval '1 day')
          AND s.recontact_of IS NOT NULL AND f.detected_problem_id = g.guide_id) a ON p.plan_version IS NOT NULL
 WHERE g.tenant_id = $1 AND g.state = 'in_use' AND (g.guide_id = ANY ($2::text[]) OR r.revision IS NOT NULL)
 ORDER BY g.guide_id, g.scope;

-- name: lineage
-- The versions of a guide in a knowledge base, oldest first. $1 tenant, $2 scope, $3 guide, $4 most.
SELECT x.guide_version_id, x.parent_id, x.steps
  FROM (SELECT v.guide_version_id, v.parent_id, v.version, v.content -> 'steps' AS steps
          FROM support_troubleshooting_guide_versions v
         WHERE v.tenant_id = $1 AND v.scope = $2 AND v.guide_id = $3 ORDER BY v.version DESC LIMIT $4) x
 ORDER BY x.version;

-- name: posterior
-- What was learned for the first of these versions ($3) that has a plan. $1 tenant, $2 guide.
SELECT p.posterior FROM support_troubleshooting_guidance_plans p
 WHERE p.tenant_id = $1 AND p.problem_id = $2 AND p.guide_version_id = ANY ($3::uuid[])
 ORDER BY array_position($3::uuid[], p.guide_version_id) LIMIT 1;

-- name: publish
-- Publishes a plan. $1 tenant, $2 guide, $3 version, $4 number, $5 sessions, $6 counted, $7 revision of the rules, $8 basis, $9 order,
-- $10 posterior, $11 figures.
INSERT INTO support_troubleshooting_guidance_plans
    (tenant_id, problem_id, guide_version_id, plan_version, fitted_at, sessions, counted, rules_revision, basis, order_in_use, posterior, figures)
VALUES ($1, $2, $3, $4, clock_timestamp(), $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id, problem_id, guide_version_id) DO UPDATE SET
    plan_version = excluded.plan_version, fitted_at = excluded.fitted_at, sessions = excluded.sessions, counted = excluded.counted,
    rules_revision = excluded.rules_revision, basis = excluded.basis, order_in_use = excluded.order_in_use,
    posterior = excluded.posterior, figures = excluded.figures;

-- name: forget
-- Deletes the plans of versions that are not in use, but for the newest of the guide. $1 tenant, $2 guide, $3 how many stay.
DELETE FROM support_troubleshooting_guidance_plans p
 WHERE p.tenant_id = $1 AND p.problem_id = $2
   AND NOT EXISTS (SELECT FROM support_guide_publications g
                    WHERE g.tenant_id = $1 AND g.guide_id = $2 AND g.guide_version_id = p.guide_version_id AND g.state = 'in_use')
   AND p.plan_version < (SELECT min(n.plan_version) FROM (
        SELECT k.plan_version FROM support_troubleshooting_guidance_plans k
         WHERE k.tenant_id = $1 AND k.problem_id = $2 ORDER BY k.plan_version DESC LIMIT $3) n);

-- name: rules
-- What was decided of the order of a guide. $1 tenant, $2 guide.
SELECT r.rules FROM support_troubleshooting_guidance_rules r WHERE r.tenant_id = $1 AND r.problem_id = $2;

-- name: put_rules
-- Decides about the order of a guide. $1 tenant, $2 guide, $3 rules, $4 number, $5 when, $6 by.
INSERT INTO support_troubleshooting_guidance_rules (tenant_id, problem_id, rules, revision, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, problem_id) DO UPDATE SET
    rules = excluded.rules, revision = excluded.revision, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
