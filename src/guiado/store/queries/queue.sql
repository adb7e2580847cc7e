-- name: tell_alive
-- This worker ($2) is there for $3 seconds more: what is due is shared out among those that are. Those of yesterday are forgotten.
WITH dead AS (
    SELECT k.tenant_id, k.worker FROM support_troubleshooting_workers k
     WHERE k.tenant_id = $1 AND k.worker <> $2 AND k.alive_until < now() - interval '1 hour' FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM support_troubleshooting_workers k USING dead
     WHERE k.tenant_id = $1 AND dead.tenant_id = k.tenant_id AND k.worker = dead.worker)
INSERT INTO support_troubleshooting_workers AS k (tenant_id, worker, alive_until) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (tenant_id, worker) DO UPDATE SET alive_until = excluded.alive_until;

-- name: tell_gone
-- This worker ($2) ends: the others take its share at once.
DELETE FROM support_troubleshooting_workers k WHERE k.tenant_id = $1 AND k.worker = $2;

-- name: due_kinds
-- The kinds of which something can be claimed: one question for all of them, whose queries ("due_kind" in the file of each) stand in
-- place of the mark. $1 tenant, $2 now, $3 worker, $4 keys that it leaves alone, $5 failures in a row from which a target is only probed.
SELECT f.kind FROM (SELECT NULL::text AS kind WHERE false /* kinds */) f
 WHERE ($1::text, $2::timestamptz, $3::text, $4::text[], $5::integer) IS NOT NULL;
