-- name: mark
-- Whether guides, examples or model of a knowledge base changed: one row, asked for twice a second by every process. Of the examples
-- it has the newest change in three parts: the newest one of those transactions that all older ones have ended before, the rows of
-- later ones, and, in a database that was restored, what another server numbered. $1 tenant, $2 scope.
SELECT coalesce(r.guides, 0) AS guides, coalesce(r.model, '') AS model, concat_ws(' ',
       (SELECT t.revision FROM support_troubleshooting_ml_training t
         WHERE t.tenant_id = $1 AND t.scope = $2 AND t.revision < x.oldest ORDER BY t.revision DESC LIMIT 1),
       (SELECT md5(string_agg(t.id || ' ' || t.revision, ',' ORDER BY t.id)) FROM support_troubleshooting_ml_training t
         WHERE t.tenant_id = $1 AND t.scope = $2 AND t.revision >= x.oldest AND t.revision < x.next),
       (SELECT t.revision FROM support_troubleshooting_ml_training t
         WHERE t.tenant_id = $1 AND t.scope = $2 AND t.revision >= x.next ORDER BY t.revision DESC LIMIT 1)) AS examples
  FROM (SELECT txid_snapshot_xmin(s) AS oldest, txid_snapshot_xmax(s) AS next FROM txid_current_snapshot() s) x
  LEFT JOIN support_knowledge_revisions r ON r.tenant_id = $1 AND r.scope = $2;

-- name: changed
-- Publications that changed since a revision, and whether they are in use now; since the beginning, those in use, in the order in
-- which their guides first came. One look into the index for each: where statistics are missing, as after a first load, a join would
-- read all versions for every publication. $1 tenant, $2 scope, $3 revision.
SELECT p.guide_id, p.guide_version_id, p.state = 'in_use' AS in_use
  FROM support_guide_publications p
  LEFT JOIN LATERAL (
       SELECT stored.guide_version_id
         FROM support_troubleshooting_guide_versions stored
        WHERE stored.tenant_id = p.tenant_id AND stored.scope = p.scope AND stored.guide_id = p.guide_id AND stored.version = 1
       OFFSET 0) f ON true
 WHERE p.tenant_id = $1 AND p.scope = $2 AND p.revision > $3 AND ($3 > 0 OR p.state = 'in_use')
 ORDER BY f.guide_version_id, p.guide_id;

-- name: taken
-- What was taken from the file of a knowledge base the last time: how often by then, and from which. $1 tenant, $2 scope.
SELECT r.files, r.file FROM support_knowledge_revisions r WHERE r.tenant_id = $1 AND r.scope = $2;

-- name: file_hashes
-- The guides as they were taken from the file the last time. $1 tenant, $2 scope.
SELECT f.guide_id, f.content_hash FROM support_guide_files f WHERE f.tenant_id = $1 AND f.scope = $2;

-- name: publish_file
-- Puts into use what was edited in the file: see guiado_publish_file in the schema.
SELECT guiado_publish_file($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: publish
-- Changes the state of a version: see guiado_publish in the schema.
SELECT guiado_publish($1, $2, $3, $4, $5, $6, $7, $8);

-- name: lock_import
-- Waits until no other transaction stores or publishes guides of an import for this tenant. $1 tenant, $2 the lock's number.
SELECT pg_advisory_xact_lock($2, hashtext($1));

-- name: in_use
-- The version of every guide in use, with the hash of its text. $1 tenant, $2 scope.
SELECT p.guide_id, p.guide_version_id, v.content_hash
  FROM support_guide_publications p
  JOIN support_troubleshooting_guide_versions v ON v.tenant_id = p.tenant_id AND v.guide_version_id = p.guide_version_id
 WHERE p.tenant_id = $1 AND p.scope = $2 AND p.state = 'in_use';

-- name: publish_import
-- Puts the guides of an import into use: see guiado_publish_import in the schema.
SELECT guiado_publish_import($1, $2, $3, $4, $5, $6, $7);

-- name: listed
-- Every version of each of these guides, or of all, newest first, with its state. $1 tenant, $2 scope, $3 guides or null.
SELECT p.guide_id, p.guide_version_id, v.version, p.state, p.origin, p.changed_by, p.changed_at, p.conflict
  FROM support_guide_publications p
  JOIN support_troubleshooting_guide_versions v ON v.tenant_id = p.tenant_id AND v.guide_version_id = p.guide_version_id
 WHERE p.tenant_id = $1 AND p.scope = $2 AND ($3::text[] IS NULL OR p.guide_id = ANY ($3::text[]))
 ORDER BY p.guide_id, v.version DESC;

-- name: replaced
-- Guides of which another version came into use, and the one before it, the last changed first. $1 tenant, $2 scope, $3 since, $4 most rows.
SELECT p.guide_id, p.guide_version_id AS used, f.guide_version_id AS former
  FROM support_guide_publications p
 CROSS JOIN LATERAL (
       SELECT o.guide_version_id FROM support_guide_publications o
        WHERE o.tenant_id = p.tenant_id AND o.scope = p.scope AND o.guide_id = p.guide_id AND o.state = 'former'
        ORDER BY o.changed_at DESC LIMIT 1) f
 WHERE p.tenant_id = $1 AND p.scope = $2 AND p.state = 'in_use' AND p.changed_at >= $3
 ORDER BY p.changed_at DESC, p.guide_id LIMIT $4;

-- name: history
-- Who did what with the versions of a guide, newest first. $1 tenant, $2 scope, $3 guide.
SELECT l.guide_id, l.action, v.version, l.by, l.at
  FROM support_guide_publication_log l
  JOIN support_troubleshooting_guide_versions v ON v.tenant_id = l.tenant_id AND v.guide_version_id = l.guide_version_id
 WHERE l.tenant_id = $1 AND l.scope = $2 AND l.guide_id = $3
 ORDER BY l.revision DESC, v.version DESC;

-- name: recent
-- Who did what with the versions of all guides, newest first. $1 tenant, $2 scope, $3 most rows.
SELECT l.guide_id, l.action, v.version, l.by, l.at
  FROM support_guide_publication_log l
  JOIN support_troubleshooting_guide_versions v ON v.tenant_id = l.tenant_id AND v.guide_version_id = l.guide_version_id
 WHERE l.tenant_id = $1 AND l.scope = $2
 ORDER BY l.revision DESC, l.guide_id, v.version DESC LIMIT $3;

-- name: conflicts
-- Guides of which somebody has to say which text is the right one. $1 tenant, $2 scope.
SELECT DISTINCT p.guide_id FROM support_guide_publications p
 WHERE p.tenant_id = $1 AND p.scope = $2 AND p.conflict ORDER BY p.guide_id;
