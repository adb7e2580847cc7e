-- name: known
-- Version ids of entries by content: $3 and $4 are parallel arrays of guide id and hash.
SELECT v.guide_id, v.content_hash, v.guide_version_id
  FROM support_troubleshooting_guide_versions v
  JOIN unnest($3::text[], $4::text[]) AS wanted (guide_id, content_hash) USING (guide_id, content_hash)
 WHERE v.tenant_id = $1 AND v.scope = $2;

-- name: latest
-- Newest version of each of these guides.
SELECT DISTINCT ON (v.guide_id) v.guide_id, v.guide_version_id, v.version, v.content
  FROM support_troubleshooting_guide_versions v
 WHERE v.tenant_id = $1 AND v.scope = $2 AND ($3::text[] IS NULL OR v.guide_id = ANY ($3::text[]))
 ORDER BY v.guide_id, v.version DESC;

-- name: publish
-- New versions; a row that somebody else stored first stays theirs.
INSERT INTO support_troubleshooting_guide_versions
SELECT * FROM jsonb_populate_recordset(NULL::support_troubleshooting_guide_versions, $1)
ON CONFLICT DO NOTHING;

-- name: load
-- One version.
SELECT v.content FROM support_troubleshooting_guide_versions v WHERE v.guide_version_id = $1 AND v.tenant_id = $2;
