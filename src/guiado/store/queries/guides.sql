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

-- name: current
-- Of each of these guides the version in use, else the newest that ever was, else the newest; and the highest number.
SELECT wanted.guide_id, v.guide_version_id, v.content, v.was_used, newest.version AS newest
  FROM unnest($3::text[]) AS wanted (guide_id)
 CROSS JOIN LATERAL (
       SELECT max(n.version) AS version FROM support_troubleshooting_guide_versions n
        WHERE n.tenant_id = $1 AND n.scope = $2 AND n.guide_id = wanted.guide_id) newest
 CROSS JOIN LATERAL (
       SELECT stored.guide_version_id, stored.content, coalesce(p.state IN ('in_use', 'former'), false) AS was_used
         FROM support_troubleshooting_guide_versions stored
         LEFT JOIN support_guide_publications p
           ON p.tenant_id = stored.tenant_id AND p.scope = stored.scope AND p.guide_id = stored.guide_id
          AND p.guide_version_id = stored.guide_version_id
        WHERE stored.tenant_id = $1 AND stored.scope = $2 AND stored.guide_id = wanted.guide_id
        ORDER BY p.state = 'in_use' DESC NULLS LAST, p.state = 'former' DESC NULLS LAST, stored.version DESC LIMIT 1) v;

-- name: publish
-- New versions ($2) of a tenant ($1); a row that somebody else stored first stays theirs.
INSERT INTO support_troubleshooting_guide_versions
SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_guide_versions, $2) x WHERE x.tenant_id = $1
ON CONFLICT DO NOTHING;

-- name: load
-- One version.
SELECT v.content FROM support_troubleshooting_guide_versions v WHERE v.tenant_id = $1 AND v.guide_version_id = $2;

-- name: contents
-- Several versions. $1 tenant, $2 their ids.
SELECT v.guide_version_id, v.content FROM support_troubleshooting_guide_versions v
 WHERE v.tenant_id = $1 AND v.guide_version_id = ANY ($2::uuid[]);
