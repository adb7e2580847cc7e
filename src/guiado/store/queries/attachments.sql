-- name: lock
-- Waits until no other transaction adds a picture for this tenant: what is counted then stays until the end of this one.
SELECT pg_advisory_xact_lock($2, hashtext($1));

-- name: usage
-- The pictures of a session, and the bytes of all pictures of the tenant. Nothing where there is no such session.
SELECT (SELECT count(*) FROM support_session_attachments a WHERE a.tenant_id = $1 AND a.session_id = s.session_id) AS in_session,
       (SELECT coalesce(sum(a.size_bytes), 0)::bigint FROM support_session_attachments a WHERE a.tenant_id = $1) AS total_bytes
  FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.session_id = $2;

-- name: hold
-- Keeps a session from being deleted until the end of the transaction; whoever is deleting it is waited for.
SELECT s.session_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.session_id = $2 FOR KEY SHARE;

-- name: add
-- A picture of a session that is held. $2 attachment_id, $3 session_id, $4 and $5 its step, $6 media type, $7 width, $8 height, $9 content, $10 now.
INSERT INTO support_session_attachments (tenant_id, attachment_id, session_id, step_number, step_id, media_type, width, height, size_bytes,
                                         content, created_at)
SELECT $1, $2, s.session_id, $4, $5, $6, $7, $8, octet_length($9::bytea), $9, $10
  FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.session_id = $3
RETURNING attachment_id, session_id, step_number, step_id, media_type, width, height, size_bytes, created_at;

-- name: listed
-- The pictures of a session without their content, oldest first.
SELECT attachment_id, session_id, step_number, step_id, media_type, width, height, size_bytes, created_at
  FROM support_session_attachments WHERE tenant_id = $1 AND session_id = $2 ORDER BY created_at, attachment_id;

-- name: one
-- A picture with its content.
SELECT attachment_id, session_id, step_number, step_id, media_type, width, height, size_bytes, created_at, content
  FROM support_session_attachments WHERE tenant_id = $1 AND session_id = $2 AND attachment_id = $3;
