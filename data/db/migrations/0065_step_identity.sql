-- Cada sesión sabe qué paso ofrece y qué pasó con los anteriores, en vez de contarlos; cada decisión, quién la tomó.
ALTER TABLE support_troubleshooting_sessions
    ADD COLUMN IF NOT EXISTS offered_step_id text,
    ADD COLUMN IF NOT EXISTS answers jsonb NOT NULL DEFAULT '[]',
    ALTER COLUMN policy DROP NOT NULL, ALTER COLUMN policy DROP DEFAULT,
    ALTER COLUMN policy_version DROP NOT NULL, ALTER COLUMN policy_version DROP DEFAULT;
ALTER TABLE support_troubleshooting_decisions
    ADD COLUMN IF NOT EXISTS policy text,
    ADD COLUMN IF NOT EXISTS policy_version text,
    ALTER COLUMN explored DROP NOT NULL, ALTER COLUMN explored DROP DEFAULT;

-- Las sesiones que pueden seguir, y las que terminaron hace poco (una respuesta repetida recibe lo mismo que la primera vez): hasta hoy
-- el orden era el de la guía.
UPDATE support_troubleshooting_sessions s
   SET offered_step_id = g.content -> 'steps' -> s.current_step ->> 'step_id',
       answers = coalesce((
           SELECT jsonb_agg(jsonb_build_object(
                      'step_id', coalesce(nullif(a.step_id, ''), g.content -> 'steps' -> (a.step_number - 1) ->> 'step_id', ''),
                      'outcome', a.outcome,
                      'action', CASE WHEN a.outcome = 'solved' THEN 'resolved'
                                     WHEN a.step_number < s.total_steps OR NOT a.success THEN 'continue'
                                     WHEN a.outcome = 'done' THEN 'resolved' ELSE 'escalate' END)
                      ORDER BY a.attempted_at, a.id)
             FROM support_troubleshooting_attempts a
            WHERE a.tenant_id = s.tenant_id AND a.session_id = s.session_id AND coalesce(a.guide_version_id, s.guide_version_id) = s.guide_version_id), '[]')
  FROM support_troubleshooting_guide_versions g
 WHERE g.tenant_id = s.tenant_id AND g.guide_version_id = s.guide_version_id
   AND (s.status NOT IN ('resolved', 'escalated') OR s.updated_at > now() - interval '2 days');
