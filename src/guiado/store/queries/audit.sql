-- name: write
-- Appends rows to the audit log. $2 rows.
INSERT INTO support_troubleshooting_audit_log
SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_audit_log, $2::jsonb) x WHERE x.tenant_id = $1;

-- name: page
-- One page of the audit log, the newest first. $2 actor, $3 action, $4 from when on, $5 until when, $6 and $7 time and id of the last
-- row of the page before; null for any. $8 rows at most.
SELECT a.audit_id::text AS audit_id, a.at, a.actor, a.action, a.object_type, a.object_id, a.request_id, a.detail,
       a.chain_seq
  FROM support_troubleshooting_audit_log a
 WHERE a.tenant_id = $1 AND ($2::text IS NULL OR a.actor = $2) AND ($3::text IS NULL OR a.action = $3)
   AND ($4::timestamptz IS NULL OR a.at >= $4) AND ($5::timestamptz IS NULL OR a.at < $5)
   AND ($6::timestamptz IS NULL OR (a.at, a.audit_id) < ($6, $7::uuid))
 ORDER BY a.at DESC, a.audit_id DESC LIMIT $8;

-- name: begin_sealing
-- Whether this transaction may seal, and no other does; it may change the log from then on.
SELECT CASE WHEN has_table_privilege('support_troubleshooting_audit_log', 'UPDATE') AND pg_try_advisory_xact_lock(5207108)
            THEN set_config('guiado.audit_change', 'on', true) = 'on' ELSE false END;

-- name: unsealed
-- The rows that are in no chain yet, over all tenants, the oldest first. $1 rows at most.
SELECT a.tenant_id, a.audit_id::text AS audit_id, to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
       a.actor, a.action, a.object_type, a.object_id, a.request_id, a.detail::text AS detail
  FROM support_troubleshooting_audit_log a WHERE a.chain_seq IS NULL ORDER BY a.audit_id LIMIT $1;

-- name: heads
-- The ends of chains, over all tenants that are named. $1 tenants.
SELECT h.tenant_id, h.chain_seq AS seq, h.chain_hash AS digest, h.seal FROM support_audit_heads h WHERE h.tenant_id = ANY ($1::text[]);

-- name: seal
-- Gives rows their places in the chains of their tenants, over all tenants. $1 rows (tenant_id, audit_id, chain_seq, chain_hash).
UPDATE support_troubleshooting_audit_log a SET chain_seq = x.chain_seq, chain_hash = x.chain_hash
  FROM jsonb_to_recordset($1::jsonb) x (tenant_id text, audit_id uuid, chain_seq bigint, chain_hash text)
 WHERE a.tenant_id = x.tenant_id AND a.audit_id = x.audit_id AND a.chain_seq IS NULL;

-- name: put_head
-- Stores the end of a tenant's chain. $2 number and $3 digest of its last row, $4 seal.
INSERT INTO support_audit_heads (tenant_id, chain_seq, chain_hash, sealed_at, seal) VALUES ($1, $2, $3, clock_timestamp(), $4)
ON CONFLICT (tenant_id) DO UPDATE
   SET chain_seq = excluded.chain_seq, chain_hash = excluded.chain_hash, sealed_at = excluded.sealed_at, seal = excluded.seal;

-- name: checkpoints_to_seal
-- The beginnings of chains that have no seal yet, over all tenants.
SELECT c.tenant_id, c.chain_seq AS seq, c.chain_hash AS digest, c.deleted,
       to_char(c.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, c.seal
  FROM support_audit_checkpoints c WHERE c.seal IS NULL;

-- name: allow_change
-- Lets this transaction change the log: see guiado_append_only in the schema.
SELECT set_config('guiado.audit_change', 'on', true);

-- name: seal_checkpoint
-- Seals the beginning of a tenant's chain. $2 number of its row, $3 seal.
UPDATE support_audit_checkpoints c SET seal = $3 WHERE c.tenant_id = $1 AND c.chain_seq = $2 AND c.seal IS NULL;

-- name: chain
-- The rows of a tenant's chain in its order. $2 and $3 number and id of the row before, $4 rows at most.
SELECT a.chain_seq AS seq, a.chain_hash AS digest, a.tenant_id, a.audit_id::text AS audit_id,
       to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
       a.actor, a.action, a.object_type, a.object_id, a.request_id, a.detail::text AS detail
  FROM support_troubleshooting_audit_log a
 WHERE a.tenant_id = $1 AND a.chain_seq IS NOT NULL AND (a.chain_seq, a.audit_id) > ($2::bigint, $3::uuid)
 ORDER BY a.chain_seq, a.audit_id LIMIT $4;

-- name: head
-- The end of a tenant's chain.
SELECT h.chain_seq AS seq, h.chain_hash AS digest, h.seal FROM support_audit_heads h WHERE h.tenant_id = $1;

-- name: checkpoint
-- The beginning of a tenant's chain, where retention deleted rows.
SELECT c.chain_seq AS seq, c.chain_hash AS digest, c.deleted,
       to_char(c.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, c.seal
  FROM support_audit_checkpoints c WHERE c.tenant_id = $1;

-- name: waiting
-- How many rows of a tenant are in no chain yet, and the oldest of them; and until when it is sealed.
SELECT count(*) AS unsealed, min(a.at) AS oldest, (SELECT h.sealed_at FROM support_audit_heads h WHERE h.tenant_id = $1) AS sealed_at
  FROM support_troubleshooting_audit_log a WHERE a.tenant_id = $1 AND a.chain_seq IS NULL;
