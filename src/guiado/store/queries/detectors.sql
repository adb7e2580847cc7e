-- name: last_fit
-- What was fitted last, how long that took and how long ago it was. $1 tenant, $2 scope.
SELECT d.contents, d.fit_seconds, extract(epoch FROM clock_timestamp() - d.created_at)::double precision AS age_s
  FROM support_troubleshooting_detectors d
 WHERE d.tenant_id = $1 AND d.scope = $2 ORDER BY d.created_at DESC LIMIT 1;

-- name: load
-- The model for exactly these contents, else the one that was fitted last. $1 tenant, $2 scope, $3 contents.
SELECT d.contents, d.model FROM support_troubleshooting_detectors d
 WHERE d.tenant_id = $1 AND d.scope = $2 ORDER BY d.contents = $3 DESC, d.created_at DESC LIMIT 1;

-- name: keep
-- Stores a model. $1 tenant, $2 scope, $3 contents, $4 version, $5 model, $6 seconds that the fit took.
INSERT INTO support_troubleshooting_detectors (tenant_id, scope, contents, version, model, fit_seconds, created_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())
ON CONFLICT (tenant_id, scope, contents) DO UPDATE SET
    version = excluded.version, model = excluded.model, fit_seconds = excluded.fit_seconds, created_at = excluded.created_at;

-- name: forget
-- Keeps the newest models only. $1 tenant, $2 scope, $3 how many.
DELETE FROM support_troubleshooting_detectors d
 WHERE d.tenant_id = $1 AND d.scope = $2
   AND d.created_at < (SELECT min(n.created_at) FROM (
        SELECT k.created_at FROM support_troubleshooting_detectors k
         WHERE k.tenant_id = $1 AND k.scope = $2 ORDER BY k.created_at DESC LIMIT $3) n);

-- name: judged
-- Detections of which somebody said whether they were right, newest first: confidence, what had been added to its log-odds, right. Of
-- one customer's mailbox the $5 newest and of one domain's day the $6 newest, unless an agent said so; the sessions without an address
-- are one mailbox. $1 tenant, $2 scope, $3 how long ago at most, $4 rows at most.
SELECT x.confidence, x.intercept, x.was_right
  FROM (SELECT s.started_at, s.detection_confidence AS confidence, s.true_problem_id,
               coalesce((s.metadata ->> 'detection_intercept')::double precision, 0) AS intercept,
               (s.true_problem_id IS NULL OR s.true_problem_id = s.detected_problem_id)
               AND NOT EXISTS (SELECT FROM support_troubleshooting_learning l
                                WHERE l.tenant_id = $1 AND l.session_id = s.session_id AND l.kind = 'negative') AS was_right,
               row_number() OVER (PARTITION BY s.true_problem_id IS NULL, guiado_mailbox(s.customer_email)
                                  ORDER BY s.started_at DESC, s.session_id DESC) AS of_mailbox,
               row_number() OVER (PARTITION BY s.true_problem_id IS NULL, substring(guiado_mailbox(s.customer_email) FROM '@.*'),
                                               (s.started_at AT TIME ZONE 'UTC')::date
                                  ORDER BY s.started_at DESC, s.session_id DESC) AS of_domain
          FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = $1 AND s.started_at >= now() - $3::interval
           AND coalesce(s.metadata ->> 'scope', '') = $2
           AND s.detected_problem_id IS NOT NULL AND s.detection_confidence > 0
           AND (s.resolution = 'confirmed' OR s.true_problem_id IS NOT NULL)) x
 WHERE x.true_problem_id IS NOT NULL OR (x.of_mailbox <= $5 AND x.of_domain <= $6)
 ORDER BY x.started_at DESC LIMIT $4;
