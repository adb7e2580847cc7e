-- Qué versión está en uso: hasta ahora, la de número más alto de cada guía. Lo que había salió todo de archivos, así que también es lo
-- último que se tomó de ellos: al arrancar, quien tenga el archivo ve qué cambió desde entonces.
-- Una versión guardada antes de que las guías llevaran sus avisos (triggers) se vuelve a leer: su resumen deja de coincidir.
UPDATE support_troubleshooting_guide_versions v SET content_hash = 'old:' || v.content_hash
 WHERE NOT v.content ? 'triggers' AND v.content_hash NOT LIKE 'old:%';

WITH newest AS (
    SELECT DISTINCT ON (v.tenant_id, v.scope, v.guide_id) v.tenant_id, v.scope, v.guide_id, v.guide_version_id, v.content_hash, v.published_at
      FROM support_troubleshooting_guide_versions v
     WHERE NOT EXISTS (SELECT FROM support_guide_publications p
                        WHERE p.tenant_id = v.tenant_id AND p.scope = v.scope AND p.guide_id = v.guide_id)
     ORDER BY v.tenant_id, v.scope, v.guide_id, v.version DESC
), published AS (
    INSERT INTO support_guide_publications (tenant_id, scope, guide_id, guide_version_id, state, origin, changed_by, changed_at, revision)
    SELECT n.tenant_id, n.scope, n.guide_id, n.guide_version_id, 'in_use', 'file', 'file', n.published_at, 1 FROM newest n
), logged AS (
    INSERT INTO support_guide_publication_log (tenant_id, scope, guide_id, revision, guide_version_id, action, by, at)
    SELECT n.tenant_id, n.scope, n.guide_id, 1, n.guide_version_id, 'publish', 'file', n.published_at FROM newest n
), taken AS (
    INSERT INTO support_guide_files (tenant_id, scope, guide_id, content_hash)
    SELECT n.tenant_id, n.scope, n.guide_id, n.content_hash FROM newest n
    ON CONFLICT (tenant_id, scope, guide_id) DO NOTHING
)
INSERT INTO support_knowledge_revisions AS r (tenant_id, scope, guides)
SELECT DISTINCT n.tenant_id, n.scope, 1 FROM newest n
ON CONFLICT (tenant_id, scope) DO UPDATE SET guides = r.guides + 1;

-- Versiones que ya no se usan.
INSERT INTO support_guide_publications (tenant_id, scope, guide_id, guide_version_id, state, origin, changed_by, changed_at)
SELECT v.tenant_id, v.scope, v.guide_id, v.guide_version_id, 'former', 'file', 'file', v.published_at
  FROM support_troubleshooting_guide_versions v
ON CONFLICT (tenant_id, scope, guide_id, guide_version_id) DO NOTHING;

INSERT INTO support_knowledge_revisions AS r (tenant_id, scope, model)
SELECT DISTINCT ON (d.tenant_id, d.scope) d.tenant_id, d.scope, d.version
  FROM support_troubleshooting_detectors d ORDER BY d.tenant_id, d.scope, d.created_at DESC
ON CONFLICT (tenant_id, scope) DO UPDATE SET model = excluded.model;
