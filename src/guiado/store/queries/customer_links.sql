-- name: add
-- A link to a session. $2 link_id, $3 session_id, $4 hash of its token, $5 seconds for which it is good. Nothing where there is no such session.
INSERT INTO support_customer_links (tenant_id, link_id, session_id, token_hash, created_at, expires_at)
SELECT $1, $2, s.session_id, $4, now(), now() + make_interval(secs => $5)
  FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.session_id = $3
RETURNING link_id, tenant_id, session_id, created_at, expires_at, opened_at, revoked_at

-- name: listed
-- The links to a session, the newest first.
SELECT link_id, tenant_id, session_id, created_at, expires_at, opened_at, revoked_at
  FROM support_customer_links WHERE tenant_id = $1 AND session_id = $2 ORDER BY created_at DESC, link_id DESC

-- name: revoke
-- Ends a link; one that was revoked before keeps its time.
UPDATE support_customer_links SET revoked_at = coalesce(revoked_at, now())
 WHERE tenant_id = $1 AND session_id = $2 AND link_id = $3
RETURNING link_id, tenant_id, session_id, created_at, expires_at, opened_at, revoked_at

-- name: by_hash
-- The live link with this token, over all tenants: whoever brings one does not say whose it is.
SELECT link_id, tenant_id, session_id, created_at, expires_at, opened_at, revoked_at
  FROM support_customer_links WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > now()

-- name: expired_by_hash
-- The link with this token that expired and was not revoked, over all tenants, as above.
SELECT link_id, tenant_id, session_id, created_at, expires_at, opened_at, revoked_at
  FROM support_customer_links WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at <= now()

-- name: mark_opened
-- Notes when a link was opened for the first time.
UPDATE support_customer_links SET opened_at = now() WHERE tenant_id = $1 AND link_id = $2 AND opened_at IS NULL
