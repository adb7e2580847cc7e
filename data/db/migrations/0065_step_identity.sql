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
            WHERE a.session_id = s.session_id AND coalesce(a.guide_version_id, s.guide_version_id) = s.guide_version_id), '[]')
  FROM support_troubleshooting_guide_versions g
 WHERE g.guide_version_id = s.guide_version_id
   AND (s.status NOT IN ('resolved', 'escalated') OR s.updated_at > now() - interval '2 days');

-- El resumen cuenta por step_id. De las filas que no lo tenían lo dice la versión de la guía; si no, queda el lugar: '#3'.
DO $$
DECLARE
    v_table text;
    v_key   text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['support_troubleshooting_rollup_steps', 'support_troubleshooting_rollup_steps_kept'] LOOP
        SELECT conname INTO v_key FROM pg_constraint
         WHERE conrelid = v_table::regclass AND contype = 'p' AND pg_get_constraintdef(oid) LIKE '%step_number%';
        CONTINUE WHEN v_key IS NULL;
        EXECUTE format('CREATE TEMP TABLE named_steps ON COMMIT DROP AS
            SELECT r.tenant_id, r.day, r.problem_id, r.guide_version, min(r.step_number) AS step_number,
                   coalesce(nullif(r.step_id, ''''), nullif(g.content -> ''steps'' -> (r.step_number - 1) ->> ''step_id'', ''''),
                            ''#'' || r.step_number) AS step_id,
                   max(r.step_title) AS step_title, sum(r.total_attempts)::bigint AS total_attempts, sum(r.failed)::bigint AS failed,
                   sum(r.solved)::bigint AS solved, sum(r.not_helped)::bigint AS not_helped, sum(r.active_seconds) AS active_seconds
              FROM %1$I r
              LEFT JOIN support_troubleshooting_guide_versions g ON g.guide_version_id::text = r.guide_version AND r.step_id = ''''
             GROUP BY 1, 2, 3, 4, 6', v_table);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', v_table, v_key);
        EXECUTE format('DELETE FROM %I', v_table);
        EXECUTE format('INSERT INTO %I SELECT * FROM named_steps', v_table);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN step_id DROP DEFAULT', v_table);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (tenant_id, day, problem_id, guide_version, step_id)', v_table, v_key);
        DROP TABLE named_steps;
    END LOOP;
END $$;
