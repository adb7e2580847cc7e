-- name: add
-- A picture of the guides, by the hash of its content; one that is there already keeps its first name.
-- $2 sha256, $3 name, $4 media type, $5 width, $6 height, $7 content, $8 now.
INSERT INTO support_guide_media (tenant_id, sha256, name, media_type, width, height, size_bytes, content, created_at)
VALUES ($1, $2, $3, $4, $5, $6, octet_length($7::bytea), $7, $8)
ON CONFLICT (tenant_id, sha256) DO NOTHING;

-- name: listed
-- The pictures of the guides without their content, oldest first.
SELECT sha256, name, media_type, width, height, size_bytes, created_at
  FROM support_guide_media WHERE tenant_id = $1 ORDER BY created_at, sha256;

-- name: some
-- Those of these hashes ($2) that are there, without their content.
SELECT sha256, name, media_type, width, height, size_bytes, created_at
  FROM support_guide_media WHERE tenant_id = $1 AND sha256 = ANY ($2::text[]);

-- name: one
-- A picture with its content.
SELECT sha256, name, media_type, width, height, size_bytes, created_at, content
  FROM support_guide_media WHERE tenant_id = $1 AND sha256 = $2;

-- name: remove
DELETE FROM support_guide_media WHERE tenant_id = $1 AND sha256 = $2;

-- name: used_by
-- The guides in use, of whichever file, that name a picture.
SELECT DISTINCT p.guide_id
  FROM support_guide_publications p
  JOIN support_troubleshooting_guide_versions v
    ON v.tenant_id = p.tenant_id AND v.tenant_id = $1 AND v.guide_version_id = p.guide_version_id
 WHERE p.tenant_id = $1 AND p.state = 'in_use' AND position('media:' || $2::text || '.' IN v.content::text) > 0
 ORDER BY 1;

-- name: missing
-- The addresses of stored pictures that guides in use name and that are not there, with the first guide that does.
SELECT min(p.guide_id) AS guide_id, f.found[1] AS address
  FROM support_guide_publications p
  JOIN support_troubleshooting_guide_versions v
    ON v.tenant_id = p.tenant_id AND v.tenant_id = $1 AND v.guide_version_id = p.guide_version_id
 CROSS JOIN LATERAL regexp_matches(v.content::text, '"url": ?"(media:[^"]*)"', 'g') AS f (found)
 WHERE p.tenant_id = $1 AND p.state = 'in_use' AND position('"media:' IN v.content::text) > 0
   AND NOT EXISTS (SELECT FROM support_guide_media m
                    WHERE m.tenant_id = $1 AND f.found[1] = 'media:' || m.sha256 || CASE m.media_type WHEN 'image/png' THEN '.png' ELSE '.jpg' END)
 GROUP BY f.found[1] ORDER BY 1, 2;
