-- name: take
-- Takes a job that is due and that nobody runs. $1 tenant, $2 job, $3 worker, $4 seconds between starts, $5 lease in seconds.
INSERT INTO support_troubleshooting_schedule AS s (tenant_id, job, next_at, leased_by, leased_until, started_at)
VALUES ($1, $2, now() + make_interval(secs => $4), $3, now() + make_interval(secs => $5), now())
ON CONFLICT (tenant_id, job) DO UPDATE SET
    next_at = now() + make_interval(secs => $4), leased_by = excluded.leased_by, leased_until = excluded.leased_until,
    started_at = now()
 WHERE (s.next_at <= now() OR s.next_at > now() + make_interval(secs => 2 * $4))
   AND (s.leased_until IS NULL OR s.leased_until <= now() OR s.leased_until > now() + make_interval(secs => 2 * $5))
RETURNING true;

-- name: renew
-- A job's runner lives. $1 tenant, $2 job, $3 worker, $4 lease in seconds.
UPDATE support_troubleshooting_schedule SET leased_until = now() + make_interval(secs => $4)
 WHERE tenant_id = $1 AND job = $2 AND leased_by = $3;

-- name: hasten
-- A job is due now, and so is every "job:part" that ever ran; what is running runs once more after that.
INSERT INTO support_troubleshooting_schedule AS s (tenant_id, job, next_at)
SELECT $1, due.job, now()
  FROM (SELECT $2::text AS job
         UNION
        SELECT known.job FROM support_troubleshooting_schedule known
         WHERE known.tenant_id = $1 AND starts_with(known.job, $2::text || ':')) due
 ORDER BY due.job
ON CONFLICT (tenant_id, job) DO UPDATE SET next_at = now();

-- name: last_run
-- When a job was last finished, and what went wrong then.
SELECT s.finished_at, s.last_error FROM support_troubleshooting_schedule s WHERE s.tenant_id = $1 AND s.job = $2;

-- name: finish
-- Gives the job back.
UPDATE support_troubleshooting_schedule
   SET leased_until = NULL, leased_by = NULL, finished_at = now(), last_error = $4
 WHERE tenant_id = $1 AND job = $2 AND leased_by = $3;

-- name: give_back
-- Gives back a job that was broken off: whoever is free goes on with it.
UPDATE support_troubleshooting_schedule
   SET leased_until = NULL, leased_by = NULL, next_at = now()
 WHERE tenant_id = $1 AND job = $2 AND leased_by = $3;

-- name: as_owner
-- Works as the role that logged in, until the transaction ends: refreshing a view is the owner's right.
SET LOCAL ROLE NONE;

-- name: maintain
-- The hourly upkeep over all tenants, task by task: see maintenance_troubleshooting_tables in the schema.
SELECT task, result, rows_affected FROM maintenance_troubleshooting_tables();

-- name: roll_up
-- Every day that can be closed is, over all tenants, before sessions are deleted: see guiado_roll_up in the schema.
SELECT guiado_roll_up(now(), true);

-- name: clean_up
-- One batch of the retention: see guiado_clean_batch in the schema. $1 tenant, $2 days, null for ever, $3 sessions at most, $4 days of
-- the kinds of records that have a number of their own.
SELECT coalesce(sum(b.deleted), 0)::bigint AS deleted
  FROM guiado_clean_batch($1, now() - make_interval(days => $2), $3, (
       SELECT coalesce(jsonb_object_agg(k.key, now() - make_interval(days => k.value::integer)), '{}') FROM jsonb_each_text($4) k)) b;

-- name: trim_examples
-- Forgets the examples that are too many: see guiado_trim_examples in the schema. $1 tenant.
SELECT guiado_trim_examples($1) AS deleted;

-- name: forget_jobs
-- Rows of work that nobody does any more, as that of a knowledge base that was removed. $1 tenant, $2 names that stay.
DELETE FROM support_troubleshooting_schedule s
 WHERE s.tenant_id = $1 AND s.job <> ALL ($2::text[]) AND s.next_at < now() - interval '7 days'
   AND (s.leased_until IS NULL OR s.leased_until < now());

-- name: tenants
-- Over all tenants: those of which anything is stored; the role of the application sees its own only.
SELECT t.tenant_id FROM guiado_tenants() AS t (tenant_id);

-- name: now
-- The database's present moment.
SELECT clock_timestamp();

-- name: tell_clock
-- Notes for doctor that a worker's clock is wrong, for as long as it says so. $1 tenant, $2 worker, $3 seconds, text.
INSERT INTO support_troubleshooting_schedule AS s (tenant_id, job, next_at, started_at, last_error)
VALUES ($1, 'clock:' || $2, now(), now(), $3)
ON CONFLICT (tenant_id, job) DO UPDATE SET started_at = now(), next_at = now(), last_error = excluded.last_error;

-- name: clear_clock
-- The worker's clock is right again. $1 tenant, $2 worker.
DELETE FROM support_troubleshooting_schedule s WHERE s.tenant_id = $1 AND s.job = 'clock:' || $2;

-- name: refresh
-- The materialized views, up to date, over all tenants.
SELECT refresh_troubleshooting_views();
