-- name: known
-- Version ids of entries by content: $3 and $4 are parallel arrays of guide id and hash. One look into the index for each: where
-- statistics are missing, as after a first load, a join would read the whole table for every batch.
SELECT wanted.guide_id, wanted.content_hash, v.guide_version_id
  FROM unnest($3::text[], $4::text[]) AS wanted (guide_id, content_hash)
 CROSS JOIN LATERAL (
       SELECT stored.guide_version_id
         FROM support_troubleshooting_guide_versions stored
        WHERE stored.tenant_id = $1 AND stored.scope = $2
          AND stored.guide_id = wanted.guide_id AND stored.content_hash = wanted.content_hash
       OFFSET 0) v;

-- name: latest
-- Newest version of each of these guides.
SELECT DISTINCT ON (v.guide_id) v.guide_id, v.guide_version_id, v.version, v.content
  FROM support_troubleshooting_guide_versions v
 WHERE v.tenant_id = $1 AND v.scope = $2 AND ($3::text[] IS NULL OR v.guide_id = ANY ($3::text[]))
 ORDER BY v.guide_id, v.version DESC;

-- name: mark
-- Another text whenever anything was published.
SELECT count(*) || ' ' || coalesce(max(v.published_at)::text, '')
  FROM support_troubleshooting_guide_versions v WHERE v.tenant_id = $1 AND v.scope = $2;

-- name: publish
-- New versions ($2) of a tenant ($1); a row that somebody else stored first stays theirs.
INSERT INTO support_troubleshooting_guide_versions
SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_guide_versions, $2) x WHERE x.tenant_id = $1
ON CONFLICT DO NOTHING;

-- name: load
-- One version.
SELECT v.content FROM support_troubleshooting_guide_versions v WHERE v.tenant_id = $1 AND v.guide_version_id = $2;
