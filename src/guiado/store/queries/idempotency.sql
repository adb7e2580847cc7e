-- name: claim
-- Takes a key. Waits for a transaction that holds the same key, and gives no row when that one committed.
INSERT INTO support_troubleshooting_idempotency (tenant_id, key, request_hash) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING true;

-- name: record
-- Remembers what was answered.
UPDATE support_troubleshooting_idempotency SET answer = $3 WHERE tenant_id = $1 AND key = $2;

-- name: answer
-- What was answered to this key before, and to which request.
SELECT request_hash, answer FROM support_troubleshooting_idempotency WHERE tenant_id = $1 AND key = $2;
