-- =====================================================================================================================
-- guiado · Esquema 2 de 5: valoraciones de los clientes
--
-- Orden de ejecución: después de support_troubleshooting_schema.sql. Se puede ejecutar cuantas veces haga falta.
--   psql $DATABASE_URL < data/db/support_troubleshooting_feedback_schema.sql
-- =====================================================================================================================
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207105); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Valoraciones. Una sesión puede valorarse otra vez: la nueva fila es la vigente (is_current) y la anterior se conserva.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_feedback (
    id                  uuid        NOT NULL,
    session_id          uuid        NOT NULL,
    tenant_id           text        NOT NULL DEFAULT guiado_tenant(),
    ticket_id           text,
    customer_email      text,
    rating              smallint    NOT NULL CHECK (rating BETWEEN 1 AND 5),
    feedback_text       text,
    was_helpful         boolean,
    problem_detected_id text,
    total_steps         integer     NOT NULL DEFAULT 0,
    completed_steps     integer     NOT NULL DEFAULT 0,
    resolved            boolean     NOT NULL DEFAULT false,
    is_current          boolean     NOT NULL DEFAULT true,
    collected_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT feedback_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT feedback_session_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES support_troubleshooting_sessions (tenant_id, session_id) ON DELETE CASCADE
);
DO $$
BEGIN
    IF to_regclass('feedback_current') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE UNIQUE INDEX IF NOT EXISTS feedback_current_key
            ON support_troubleshooting_feedback (tenant_id, session_id) WHERE is_current;
        -- Sin este índice, borrar una sesión recorrería toda la tabla.
        CREATE INDEX IF NOT EXISTS feedback_of_session ON support_troubleshooting_feedback (tenant_id, session_id);
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS feedback_by_time ON support_troubleshooting_feedback (tenant_id, collected_at);

-- guiado_rate: guarda una valoración con su evento y su auditoría, y deja vigente solo la última de la sesión.
CREATE OR REPLACE FUNCTION guiado_rate(p_tenant text, p_change jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v support_troubleshooting_feedback;
    s support_troubleshooting_sessions;
BEGIN
    PERFORM guiado_enter(p_tenant);
    v := jsonb_populate_record(NULL::support_troubleshooting_feedback, p_change -> 'feedback');
    v.tenant_id := p_tenant;
    -- La fila de la sesión pone en orden a dos valoraciones simultáneas.
    SELECT x.* INTO s FROM support_troubleshooting_sessions x
     WHERE x.tenant_id = p_tenant AND x.session_id = v.session_id FOR NO KEY UPDATE;
    UPDATE support_troubleshooting_feedback f SET is_current = false
     WHERE f.tenant_id = p_tenant AND f.session_id = v.session_id AND f.is_current;
    INSERT INTO support_troubleshooting_feedback VALUES (v.*);
    PERFORM guiado_emit(p_tenant, p_change -> 'events');
    INSERT INTO support_troubleshooting_audit_log
    SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_audit_log, p_change -> 'audits') x WHERE x.tenant_id = p_tenant;
    -- Una mala valoración retira lo que la sesión había enseñado.
    IF p_change ? 'learning' THEN
        PERFORM guiado_learn(p_tenant, s, p_change -> 'learning');
    END IF;
END $$;

DO $$ BEGIN PERFORM guiado_protect(ARRAY['support_troubleshooting_feedback']); END $$;

-- Solo cuentan las valoraciones vigentes. positive: 4 o 5; negative: 1 o 2. El porcentaje de ayuda es sobre quienes
-- respondieron a esa pregunta.
CREATE OR REPLACE VIEW vw_troubleshooting_feedback_summary WITH (security_barrier) AS
SELECT f.problem_detected_id,
       count(*) AS total_feedback,
       round(avg(f.rating), 2)::double precision AS avg_rating,
       count(*) FILTER (WHERE f.rating >= 4) AS positive_count,
       count(*) FILTER (WHERE f.rating <= 2) AS negative_count,
       count(*) FILTER (WHERE f.was_helpful) AS helpful_count,
       coalesce(round(100.0 * count(*) FILTER (WHERE f.was_helpful) / nullif(count(f.was_helpful), 0), 2), 0)::double precision AS helpful_percentage,
       count(*) FILTER (WHERE f.resolved) AS resolved_count,
       max(f.collected_at) AS last_feedback,
       f.tenant_id
  FROM support_troubleshooting_feedback f
 WHERE f.tenant_id = guiado_tenant() AND f.is_current
 GROUP BY f.tenant_id, f.problem_detected_id;

-- Valoraciones vigentes recogidas en [p_start, p_end), por problema.
CREATE OR REPLACE FUNCTION get_feedback_by_problem(p_start timestamptz, p_end timestamptz)
RETURNS TABLE (
    problem_detected_id text, problem_title text, total_feedback bigint, avg_rating double precision,
    positive_count bigint, negative_count bigint, helpful_count bigint, helpful_percentage double precision,
    last_feedback timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT g.problem_id, s.detected_problem_title, g.total, g.rating, g.positive, g.negative, g.helpful, g.percentage, g.last
      FROM (SELECT f.problem_detected_id AS problem_id,
                   (array_agg(f.session_id ORDER BY f.collected_at DESC))[1] AS last_session,
                   count(*) AS total,
                   round(avg(f.rating), 2)::double precision AS rating,
                   count(*) FILTER (WHERE f.rating >= 4) AS positive,
                   count(*) FILTER (WHERE f.rating <= 2) AS negative,
                   count(*) FILTER (WHERE f.was_helpful) AS helpful,
                   coalesce(round(100.0 * count(*) FILTER (WHERE f.was_helpful) / nullif(count(f.was_helpful), 0), 2), 0)::double precision AS percentage,
                   max(f.collected_at) AS last
              FROM support_troubleshooting_feedback f
             WHERE f.tenant_id = guiado_tenant() AND f.is_current AND f.problem_detected_id IS NOT NULL AND f.problem_detected_id <> ''
               AND f.collected_at >= p_start AND f.collected_at < p_end
             GROUP BY f.problem_detected_id) g
      JOIN support_troubleshooting_sessions s ON s.tenant_id = guiado_tenant() AND s.session_id = g.last_session
     ORDER BY g.total DESC, g.problem_id
$$;

DO $$ BEGIN PERFORM guiado_share(ARRAY['vw_troubleshooting_feedback_summary']); END $$;

COMMIT;
