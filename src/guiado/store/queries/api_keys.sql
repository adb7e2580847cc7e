-- name: add
-- A new key. $2 key_id, $3 name, $4 prefix, $5 hash, $6 scopes, $7 expires_at. Nothing where a key of this name is live.
INSERT INTO support_api_keys (tenant_id, key_id, name, prefix, secret_hash, scopes, created_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6, now(), $7
 WHERE NOT EXISTS (SELECT FROM support_api_keys k
                    WHERE k.tenant_id = $1 AND k.name = $3 AND k.revoked_at IS NULL AND coalesce(k.expires_at > now(), true))
RETURNING key_id, tenant_id, name, prefix, scopes, created_at, expires_at, previous_until, revoked_at, last_used_at

-- name: lock
-- Makes the keys of a tenant be created one after the other, so that no two of them get the same name.
SELECT pg_advisory_xact_lock(hashtext('guiado api keys'), hashtext($1))

-- name: listed
-- All keys, the newest first.
SELECT key_id, tenant_id, name, prefix, scopes, created_at, expires_at, CASE WHEN previous_until > now() THEN previous_until END AS previous_until, revoked_at, last_used_at
  FROM support_api_keys WHERE tenant_id = $1 ORDER BY created_at DESC, key_id DESC

-- name: rotate
-- Gives a live key a new secret. $3 prefix, $4 hash, $5 for how many seconds the one before stays good.
UPDATE support_api_keys SET prefix = $3, previous_hash = secret_hash, previous_until = now() + make_interval(secs => $5), secret_hash = $4
 WHERE tenant_id = $1 AND key_id = $2 AND revoked_at IS NULL AND coalesce(expires_at > now(), true)
RETURNING key_id, tenant_id, name, prefix, scopes, created_at, expires_at, CASE WHEN previous_until > now() THEN previous_until END AS previous_until, revoked_at, last_used_at

-- name: revoke
-- Ends a key and both of its secrets; what was revoked before keeps its time.
UPDATE support_api_keys SET revoked_at = coalesce(revoked_at, now()), previous_hash = NULL, previous_until = NULL
 WHERE tenant_id = $1 AND key_id = $2
RETURNING key_id, tenant_id, name, prefix, scopes, created_at, expires_at, previous_until, revoked_at, last_used_at

-- name: by_hash
-- The live key with this secret, over all tenants: whoever brings one does not say whose it is.
SELECT key_id, tenant_id, name, prefix, scopes, created_at, expires_at, previous_until, revoked_at, last_used_at
  FROM support_api_keys
 WHERE (secret_hash = $1 OR (previous_hash = $1 AND previous_until > now())) AND revoked_at IS NULL AND coalesce(expires_at > now(), true)

-- name: exists
-- Whether any key was ever made, over all tenants.
SELECT EXISTS (SELECT FROM support_api_keys)

-- name: mark_used
-- Notes that a key is in use, to the minute.
UPDATE support_api_keys SET last_used_at = now()
 WHERE tenant_id = $1 AND key_id = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
