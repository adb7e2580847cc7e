-- =====================================================================================================================
-- guiado · Esquema 5 de 5: auditoría, límites, resúmenes, vistas materializadas y mantenimiento
--
-- Orden de ejecución: después de los cuatro esquemas anteriores. Se puede ejecutar cuantas veces haga falta.
--   psql $DATABASE_URL < data/db/support_troubleshooting_performance_schema.sql
-- =====================================================================================================================
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207105); END $$;
-- El candado del resumen se toma antes que el de ninguna tabla: quien esté resumiendo termina primero.
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207106); END $$;

-- Auditoría: quién hizo qué, solo con identificadores. Se inserta sin encadenar, en la transacción de lo que anota; un proceso aparte la
-- sella por lotes, en el orden de chain_seq: cada chain_hash es el HMAC de la fila y del chain_hash anterior. Nadie la cambia ni la borra;
-- la retención quita el principio de la cadena y deja en su lugar un punto de partida (support_audit_checkpoints).
CREATE TABLE IF NOT EXISTS support_troubleshooting_audit_log (
    audit_id    uuid        NOT NULL,
    tenant_id   text        NOT NULL DEFAULT guiado_tenant(),
    at          timestamptz NOT NULL DEFAULT now(),
    actor       text        NOT NULL,
    action      text        NOT NULL,
    object_type text        NOT NULL,
    object_id   text,
    request_id  text,
    detail      jsonb       NOT NULL DEFAULT '{}',
    chain_seq   bigint,
    chain_hash  text,
    CONSTRAINT audit_key PRIMARY KEY (tenant_id, audit_id)
);
CREATE INDEX IF NOT EXISTS audit_by_time ON support_troubleshooting_audit_log (tenant_id, at);
CREATE INDEX IF NOT EXISTS audit_unsealed ON support_troubleshooting_audit_log (audit_id) WHERE chain_seq IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS audit_by_chain ON support_troubleshooting_audit_log (tenant_id, chain_seq) WHERE chain_seq IS NOT NULL;

-- Hasta dónde está sellada la cadena de cada inquilino: así se nota si alguien le corta el final. seal es el HMAC de la fila.
CREATE TABLE IF NOT EXISTS support_audit_heads (
    tenant_id  text        NOT NULL DEFAULT guiado_tenant(),
    chain_seq  bigint      NOT NULL,
    chain_hash text        NOT NULL,
    sealed_at  timestamptz NOT NULL,
    seal       text        NOT NULL,
    PRIMARY KEY (tenant_id)
);

-- Desde dónde empieza la cadena de cada inquilino, cuando la retención borró lo anterior. seal es el HMAC de la fila; lo que borra psql
-- lo deja sin sello, y el trabajador lo sella en segundos.
CREATE TABLE IF NOT EXISTS support_audit_checkpoints (
    tenant_id  text        NOT NULL DEFAULT guiado_tenant(),
    chain_seq  bigint      NOT NULL,                    -- la última fila borrada
    chain_hash text        NOT NULL,                    -- su chain_hash
    deleted    bigint      NOT NULL,                    -- cuántas se han borrado desde el principio
    at         timestamptz NOT NULL,
    seal       text,
    PRIMARY KEY (tenant_id)
);

-- La auditoría solo crece: nadie cambia ni borra, salvo quien la sella y la retención, que lo dicen en su transacción con
-- guiado.audit_change. Donde hay roles, guiado_app ni siquiera tiene permiso. Para el dueño de las tablas es una barrera contra
-- descuidos; lo que prueba que nadie tocó nada es la cadena.
CREATE OR REPLACE FUNCTION guiado_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('guiado.audit_change', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'La auditoría no se cambia ni se borra (% en %).', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['support_troubleshooting_audit_log', 'support_audit_heads', 'support_audit_checkpoints'] LOOP
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = v_table::regclass AND tgname = 'guiado_append_only') THEN
            EXECUTE format('CREATE TRIGGER guiado_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                           ' FOR EACH STATEMENT EXECUTE FUNCTION guiado_append_only()', v_table);
        END IF;
    END LOOP;
END $$;

-- Retención de la auditoría, para un inquilino: hasta p_most filas anteriores a p_before, y solo del principio de la cadena, con el punto
-- de partida de lo que queda; y hasta p_most de las que todavía no están en ella. Quien no puede borrar no borra nada.
CREATE OR REPLACE FUNCTION guiado_clean_audit(p_tenant text, p_before timestamptz, p_most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_seq     bigint;
    v_hash    text;
    v_sealed  bigint := 0;
    v_waiting bigint;
BEGIN
    IF NOT has_table_privilege('support_troubleshooting_audit_log', 'DELETE') THEN
        RETURN 0;
    END IF;
    PERFORM set_config('guiado.audit_change', 'on', true);
    SELECT x.chain_seq, x.chain_hash INTO v_seq, v_hash
      FROM (SELECT y.chain_seq, y.chain_hash, bool_and(y.at < p_before) OVER (ORDER BY y.chain_seq) AS is_old
              FROM (SELECT a.chain_seq, a.chain_hash, a.at FROM support_troubleshooting_audit_log a
                     WHERE a.tenant_id = p_tenant AND a.chain_seq IS NOT NULL ORDER BY a.chain_seq LIMIT p_most) y) x
     WHERE x.is_old ORDER BY x.chain_seq DESC LIMIT 1;
    IF v_seq IS NOT NULL THEN
        DELETE FROM support_troubleshooting_audit_log t WHERE t.tenant_id = p_tenant AND t.chain_seq <= v_seq;
        GET DIAGNOSTICS v_sealed = ROW_COUNT;
        INSERT INTO support_audit_checkpoints AS c (tenant_id, chain_seq, chain_hash, deleted, at)
        VALUES (p_tenant, v_seq, coalesce(v_hash, ''), v_sealed, now())
        ON CONFLICT (tenant_id) DO UPDATE
           SET chain_seq = excluded.chain_seq, chain_hash = excluded.chain_hash, deleted = c.deleted + excluded.deleted,
               at = excluded.at, seal = NULL;
    END IF;
    DELETE FROM support_troubleshooting_audit_log t
     USING (SELECT y.audit_id FROM support_troubleshooting_audit_log y
             WHERE y.tenant_id = p_tenant AND y.at < p_before AND y.chain_seq IS NULL ORDER BY y.at LIMIT p_most) x
     WHERE t.tenant_id = p_tenant AND t.audit_id = x.audit_id;
    GET DIAGNOSTICS v_waiting = ROW_COUNT;
    PERFORM set_config('guiado.audit_change', '', true);
    RETURN v_sealed + v_waiting;
END $$;

-- Los ajustes que alguien cambia en la base de datos quedan anotados: cuál y quién, no a qué valor.
CREATE OR REPLACE FUNCTION guiado_audit_config() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v support_troubleshooting_config;
BEGIN
    IF TG_OP = 'DELETE' THEN
        v := OLD;
    ELSE
        v := NEW;
    END IF;
    INSERT INTO support_troubleshooting_audit_log (audit_id, tenant_id, at, actor, action, object_type, object_id)
    VALUES (md5(random()::text || clock_timestamp()::text || v.config_key)::uuid, v.tenant_id, clock_timestamp(),
            'database:' || session_user, CASE WHEN TG_OP = 'DELETE' THEN 'remove' ELSE 'change' END, 'setting', v.config_key);
    RETURN NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'support_troubleshooting_config'::regclass AND tgname = 'audit_config') THEN
        CREATE TRIGGER audit_config AFTER INSERT OR UPDATE OR DELETE ON support_troubleshooting_config
            FOR EACH ROW EXECUTE FUNCTION guiado_audit_config();
    END IF;
END $$;

-- Agenda del trabajo periódico: quién hace qué y cuándo toca otra vez. Un solo proceso a la vez hace cada trabajo.
CREATE TABLE IF NOT EXISTS support_troubleshooting_schedule (
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    job          text        NOT NULL,
    next_at      timestamptz NOT NULL DEFAULT now(),
    leased_by    text,
    leased_until timestamptz,
    started_at   timestamptz,
    finished_at  timestamptz,
    last_error   text,
    PRIMARY KEY (tenant_id, job)
);

-- Caché con caducidad.
CREATE TABLE IF NOT EXISTS support_troubleshooting_cache (
    tenant_id  text        NOT NULL DEFAULT guiado_tenant(),
    cache_key  text        NOT NULL,
    value      jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, cache_key)
);
CREATE INDEX IF NOT EXISTS cache_by_expiry ON support_troubleshooting_cache (expires_at);

-- Ventanas de los límites de uso. UNLOGGED: no frenan las escrituras y se pueden perder sin daño.
CREATE UNLOGGED TABLE IF NOT EXISTS support_troubleshooting_rate_limits (
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    identifier   text        NOT NULL,              -- dirección IP o clave
    limit_type   text        NOT NULL,
    window_start timestamptz NOT NULL,
    window_minutes integer   NOT NULL,
    requests     integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, identifier, limit_type, window_minutes, window_start)
);
CREATE INDEX IF NOT EXISTS rate_limits_by_time ON support_troubleshooting_rate_limits (window_start);

-- Medidas de rendimiento de la propia aplicación.
CREATE TABLE IF NOT EXISTS support_troubleshooting_performance_metrics (
    id           uuid        NOT NULL,
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    metric_name  text        NOT NULL,
    metric_value double precision NOT NULL,
    unit         text        NOT NULL DEFAULT 'ms',
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    metadata     jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT performance_key PRIMARY KEY (tenant_id, id)
);
CREATE INDEX IF NOT EXISTS performance_by_name ON support_troubleshooting_performance_metrics (tenant_id, metric_name, recorded_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Resumen diario: lo calcula guiado_roll_up() y de él leen las analíticas y las vistas materializadas. Los días son UTC.
-- problem_id = '*' es el total del día; '' son las sesiones sin problema detectado.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_daily (
    tenant_id          text    NOT NULL DEFAULT guiado_tenant(),
    day                date    NOT NULL,
    problem_id         text    NOT NULL,
    guide_version      text    NOT NULL DEFAULT '',    -- guide_version_id como texto; '' si no hay guía o en el total
    problem_title      text,
    total_sessions     bigint  NOT NULL DEFAULT 0,
    resolved           bigint  NOT NULL DEFAULT 0,
    resolved_confirmed bigint  NOT NULL DEFAULT 0,
    escalated          bigint  NOT NULL DEFAULT 0,     -- escalated y needs_escalation
    abandoned          bigint  NOT NULL DEFAULT 0,
    active             bigint  NOT NULL DEFAULT 0,     -- started e in_progress
    duration_seconds   double precision NOT NULL DEFAULT 0,  -- suma, de las resueltas
    duration_count     bigint  NOT NULL DEFAULT 0,
    steps_to_resolution bigint NOT NULL DEFAULT 0,     -- suma de pasos superados, de las resueltas
    unique_customers   bigint  NOT NULL DEFAULT 0,
    unique_problems    bigint  NOT NULL DEFAULT 0,
    last_started_at    timestamptz,
    feedback           bigint  NOT NULL DEFAULT 0,
    rating_sum         bigint  NOT NULL DEFAULT 0,
    positive           bigint  NOT NULL DEFAULT 0,     -- valoración de 4 o 5
    negative           bigint  NOT NULL DEFAULT 0,     -- valoración de 1 o 2
    helpful            bigint  NOT NULL DEFAULT 0,
    helpful_answers    bigint  NOT NULL DEFAULT 0,
    last_feedback_at   timestamptz,
    PRIMARY KEY (tenant_id, day, problem_id, guide_version)
);

CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_steps (
    tenant_id      text    NOT NULL DEFAULT guiado_tenant(),
    day            date    NOT NULL,
    problem_id     text    NOT NULL,
    guide_version  text    NOT NULL DEFAULT '',
    step_number    integer NOT NULL,                   -- lugar del paso en la guía, desde 1
    step_id        text    NOT NULL,                   -- '#3' si solo se sabe que era el tercero
    step_title     text,
    total_attempts bigint  NOT NULL DEFAULT 0,
    failed         bigint  NOT NULL DEFAULT 0,
    solved         bigint  NOT NULL DEFAULT 0,
    not_helped     bigint  NOT NULL DEFAULT 0,
    active_seconds double precision NOT NULL DEFAULT 0,
    timed          bigint  NOT NULL DEFAULT 0,         -- intentos de los que se sabe cuánto duraron, uno por cliente, sin los de muestra
    timed_seconds  double precision NOT NULL DEFAULT 0,  -- lo que duraron, hasta una hora cada uno
    PRIMARY KEY (tenant_id, day, problem_id, guide_version, step_id)
);

-- Los mensajes que no cuentan un problema, por clase. Los que sí lo cuentan son el resto del total del día.
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_kinds (
    tenant_id      text    NOT NULL DEFAULT guiado_tenant(),
    day            date    NOT NULL,
    message_kind   text    NOT NULL,                   -- solved, person, nothing_said, other
    total_sessions bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, day, message_kind)
);

-- De qué aprende el orden de los pasos: cuántas sesiones terminadas siguieron cada camino (qué se probó, en qué orden, y cómo acabó).
-- El camino es el JSON compacto de guiado.guidance.patterns: [variante, indicio, [["step", "paso@revisión", resultado] o ["ask", pregunta,
-- respuesta]…], final, paso o pregunta en que se fue o null, si volvió]. Puede ser largo: la clave lleva su huella.
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_patterns (
    tenant_id     text   NOT NULL DEFAULT guiado_tenant(),
    day           date   NOT NULL,
    problem_id    text   NOT NULL,
    guide_version text   NOT NULL,
    pattern       text   NOT NULL,
    sessions      bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS rollup_patterns_key
    ON support_troubleshooting_rollup_patterns (tenant_id, day, problem_id, guide_version, md5(pattern));

-- La suma de esa tabla por problema, para saber sin recorrerla de qué guías hay sesiones nuevas.
CREATE TABLE IF NOT EXISTS support_troubleshooting_pattern_totals (
    tenant_id  text   NOT NULL DEFAULT guiado_tenant(),
    problem_id text   NOT NULL,
    sessions   bigint NOT NULL,
    PRIMARY KEY (tenant_id, problem_id)
);

-- Días cerrados (su resumen vale) y días sucios (algo cambió después de cerrarlos).
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_days (
    tenant_id text        NOT NULL DEFAULT guiado_tenant(),
    day       date        NOT NULL,
    rolled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, day)
);
CREATE TABLE IF NOT EXISTS support_troubleshooting_dirty_days (
    tenant_id text NOT NULL DEFAULT guiado_tenant(),
    day       date NOT NULL,
    PRIMARY KEY (tenant_id, day)
);

-- Lo que aportaban a un día las sesiones que borró la limpieza: el resumen de un día es esto más lo que siga en las tablas.
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_daily_kept (LIKE support_troubleshooting_rollup_daily INCLUDING ALL);
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_steps_kept (LIKE support_troubleshooting_rollup_steps INCLUDING ALL);
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_kinds_kept (LIKE support_troubleshooting_rollup_kinds INCLUDING ALL);
CREATE TABLE IF NOT EXISTS support_troubleshooting_rollup_patterns_kept (LIKE support_troubleshooting_rollup_patterns INCLUDING ALL);
DO $$
DECLARE  -- instalaciones anteriores; que sus días se cuenten otra vez lo pide migrations/0100
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['support_troubleshooting_rollup_steps', 'support_troubleshooting_rollup_steps_kept'] LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = v_table::regclass AND attname = 'timed') THEN
            EXECUTE format('ALTER TABLE %I ADD COLUMN timed bigint NOT NULL DEFAULT 0, ADD COLUMN timed_seconds double precision NOT NULL DEFAULT 0', v_table);
        END IF;
    END LOOP;
END $$;

-- El resumen cuenta por step_id. De las filas que no lo tenían lo dice la versión de la guía; si no, queda el lugar: '#3'.
DO $$
DECLARE  -- instalaciones anteriores
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
              LEFT JOIN support_troubleshooting_guide_versions g ON g.tenant_id = r.tenant_id AND g.guide_version_id::text = r.guide_version AND r.step_id = ''''
             GROUP BY 1, 2, 3, 4, 6', v_table);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', v_table, v_key);
        EXECUTE format('DELETE FROM %I', v_table);
        EXECUTE format('INSERT INTO %I SELECT * FROM named_steps', v_table);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN step_id DROP DEFAULT', v_table);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (tenant_id, day, problem_id, guide_version, step_id)', v_table, v_key);
        DROP TABLE named_steps;
    END LOOP;
END $$;

-- Quien cambie una sesión de otro día (la aplicación, un import o una persona en psql) ensucia ese día. La condición WHEN
-- hace que las sesiones de hoy, casi todas, no paguen nada. La limpieza no ensucia: ya dejó guardado lo que borra. Tampoco ensucia
-- quien carga o quita sesiones de muestra: marca él los días, cada uno una vez.
--
-- La marca queda bloqueada (compartida) hasta el COMMIT de quien la puso: así el resumen no puede retirarla antes de ver
-- el cambio que la causó.
CREATE OR REPLACE FUNCTION guiado_mark_dirty(p_tenant text, p_day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        INSERT INTO support_troubleshooting_dirty_days (tenant_id, day) VALUES (p_tenant, p_day) ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        PERFORM FROM support_troubleshooting_dirty_days WHERE tenant_id = p_tenant AND day = p_day FOR KEY SHARE;
        EXIT WHEN FOUND;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION guiado_mark_dirty_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        PERFORM guiado_mark_dirty(NEW.tenant_id, (NEW.started_at AT TIME ZONE 'UTC')::date);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM guiado_mark_dirty(OLD.tenant_id, (OLD.started_at AT TIME ZONE 'UTC')::date);
    END IF;
    RETURN NULL;
END $$;

-- Intentos y valoraciones cuentan en el día de su sesión.
CREATE OR REPLACE FUNCTION guiado_mark_dirty_child() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_tenant  text := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
    v_started timestamptz;
BEGIN
    SELECT s.started_at INTO v_started FROM support_troubleshooting_sessions s
     WHERE s.tenant_id = v_tenant AND s.session_id = CASE WHEN TG_OP = 'DELETE' THEN OLD.session_id ELSE NEW.session_id END;
    IF v_started < date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' THEN
        PERFORM guiado_mark_dirty(v_tenant, (v_started AT TIME ZONE 'UTC')::date);
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.tenant_id, NEW.session_id) <> (OLD.tenant_id, OLD.session_id) THEN
        PERFORM guiado_mark_dirty(s.tenant_id, (s.started_at AT TIME ZONE 'UTC')::date)
           FROM support_troubleshooting_sessions s WHERE s.tenant_id = OLD.tenant_id AND s.session_id = OLD.session_id;
    END IF;
    RETURN NULL;
END $$;

-- Un segundo contacto desmiente la solución de otra sesión: cambia el día de aquella.
CREATE OR REPLACE FUNCTION guiado_mark_dirty_recontact() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_tenant text := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
    v_first  uuid[] := ARRAY[CASE WHEN TG_OP <> 'DELETE' THEN NEW.recontact_of END, CASE WHEN TG_OP <> 'INSERT' THEN OLD.recontact_of END];
BEGIN
    PERFORM guiado_mark_dirty(v_tenant, d.day)
       FROM (SELECT DISTINCT (s.started_at AT TIME ZONE 'UTC')::date AS day FROM support_troubleshooting_sessions s
              WHERE s.tenant_id = v_tenant AND s.session_id = ANY (v_first)
                AND s.started_at < date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') d;
    RETURN NULL;
END $$;

-- TRUNCATE no recorre filas: ensucia todos los días que tienen resumen.
CREATE OR REPLACE FUNCTION guiado_mark_dirty_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM guiado_mark_dirty(r.tenant_id, r.day)
       FROM (SELECT d.tenant_id, d.day FROM support_troubleshooting_rollup_daily d WHERE d.problem_id = '*'
             UNION SELECT k.tenant_id, k.day FROM support_troubleshooting_rollup_kinds k) r;
    RETURN NULL;
END $$;

-- Búsqueda en español, sin distinguir mayúsculas ni acentos: 'contrasena' encuentra 'Contraseñas'. El texto de una sesión no cambia
-- con cada respuesta: su vector se calcula una vez y vive en su propia tabla, y las respuestas no pagan por el índice GIN.
CREATE OR REPLACE FUNCTION guiado_fold(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(lower(p_text), 'áàâãäÁÀÂÃÄéèêëÉÈÊËíìîïÍÌÎÏóòôõöÓÒÔÕÖúùûüÚÙÛÜñÑçÇ', 'aaaaaaaaaaeeeeeeeeiiiiiiiioooooooooouuuuuuuunncc')
$$;

-- Cada palabra entra dos veces: con su raíz en español, que necesita los acentos (instalación e instalar comparten raíz), y
-- sin acentos, como escribe mucha gente (contrasena).
-- Solo entran los primeros 20.000 caracteres: un texto enorme no puede hacer fallar el alta de una sesión.
CREATE OR REPLACE FUNCTION guiado_search_vector(p_text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('pg_catalog.spanish'::regconfig, left(coalesce(p_text, ''), 20000))
        || to_tsvector('pg_catalog.spanish'::regconfig, guiado_fold(left(coalesce(p_text, ''), 20000)))
$$;

CREATE TABLE IF NOT EXISTS support_troubleshooting_search (
    session_id uuid     NOT NULL,
    tenant_id  text     NOT NULL DEFAULT guiado_tenant(),
    document   tsvector NOT NULL,
    CONSTRAINT search_key PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT search_session_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES support_troubleshooting_sessions (tenant_id, session_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS search_by_word ON support_troubleshooting_search USING gin (document);

CREATE OR REPLACE FUNCTION guiado_index_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_document tsvector := guiado_search_vector(concat_ws(' ', NEW.problem_description, NEW.detected_problem_title));
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE support_troubleshooting_search x SET tenant_id = NEW.tenant_id, session_id = NEW.session_id, document = v_document
         WHERE x.tenant_id = OLD.tenant_id AND x.session_id = OLD.session_id;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO support_troubleshooting_search (session_id, tenant_id, document) VALUES (NEW.session_id, NEW.tenant_id, v_document)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- Crear un disparador bloquea su tabla: solo se hace si falta o si su definición cambió (el comentario guarda su huella).
DO $do$
DECLARE
    v_today text := $q$date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'$q$;
    v_live  text := $q$current_setting('guiado.cleanup', true) IS DISTINCT FROM 'on'$q$;
    v_fresh boolean := NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'support_troubleshooting_sessions'::regclass AND tgname = 'sessions_search_insert');
    v       record;
BEGIN
    FOR v IN SELECT * FROM (VALUES
        ('sessions_dirty_insert', 'support_troubleshooting_sessions', 'AFTER INSERT', 'ROW',
            'NEW.started_at < ' || v_today || ' AND ' || v_live, 'guiado_mark_dirty_session'),
        ('sessions_dirty_update', 'support_troubleshooting_sessions', 'AFTER UPDATE', 'ROW',
            'OLD.started_at < ' || v_today || ' OR NEW.started_at <> OLD.started_at OR NEW.tenant_id <> OLD.tenant_id', 'guiado_mark_dirty_session'),
        -- También hoy: si se borra su última sesión, el resumen de hoy tiene que quedar vacío.
        ('sessions_dirty_delete', 'support_troubleshooting_sessions', 'AFTER DELETE', 'ROW', v_live, 'guiado_mark_dirty_session'),
        ('sessions_dirty_truncate', 'support_troubleshooting_sessions', 'AFTER TRUNCATE', 'STATEMENT', 'true', 'guiado_mark_dirty_all'),
        ('sessions_recontact_insert', 'support_troubleshooting_sessions', 'AFTER INSERT', 'ROW',
            'NEW.recontact_of IS NOT NULL AND ' || v_live, 'guiado_mark_dirty_recontact'),
        ('sessions_recontact_update', 'support_troubleshooting_sessions', 'AFTER UPDATE OF recontact_of', 'ROW',
            'NEW.recontact_of IS DISTINCT FROM OLD.recontact_of', 'guiado_mark_dirty_recontact'),
        ('sessions_recontact_delete', 'support_troubleshooting_sessions', 'AFTER DELETE', 'ROW',
            'OLD.recontact_of IS NOT NULL AND ' || v_live, 'guiado_mark_dirty_recontact'),
        -- Quien carga muchas de una vez las agrega él al buscador, todas juntas.
        ('sessions_search_insert', 'support_troubleshooting_sessions', 'AFTER INSERT', 'ROW', v_live, 'guiado_index_session'),
        ('sessions_search_update', 'support_troubleshooting_sessions', 'AFTER UPDATE OF problem_description, detected_problem_title, tenant_id', 'ROW',
            'true', 'guiado_index_session'),
        -- Un intento de hoy llega con un cambio de su sesión, que ya ensucia; aquí se vigilan los importados con su fecha.
        ('attempts_dirty_insert', 'support_troubleshooting_attempts', 'AFTER INSERT', 'ROW', 'NEW.attempted_at < ' || v_today || ' AND ' || v_live,
            'guiado_mark_dirty_child'),
        ('attempts_dirty', 'support_troubleshooting_attempts', 'AFTER UPDATE OR DELETE', 'ROW', v_live, 'guiado_mark_dirty_child'),
        ('attempts_dirty_truncate', 'support_troubleshooting_attempts', 'AFTER TRUNCATE', 'STATEMENT', 'true', 'guiado_mark_dirty_all'),
        ('feedback_dirty', 'support_troubleshooting_feedback', 'AFTER INSERT OR UPDATE OR DELETE', 'ROW', v_live, 'guiado_mark_dirty_child'),
        ('feedback_dirty_truncate', 'support_troubleshooting_feedback', 'AFTER TRUNCATE', 'STATEMENT', 'true', 'guiado_mark_dirty_all')
    ) t (name, tab, event, level, cond, func) LOOP
        IF md5(v::text) IS DISTINCT FROM (SELECT obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgrelid = v.tab::regclass AND tgname = v.name) THEN
            EXECUTE format('DROP TRIGGER IF EXISTS %I ON %I', v.name, v.tab);
            EXECUTE format('CREATE TRIGGER %I %s ON %I FOR EACH %s WHEN (%s) EXECUTE FUNCTION %I()', v.name, v.event, v.tab, v.level, v.cond, v.func);
            EXECUTE format('COMMENT ON TRIGGER %I ON %I IS %L', v.name, v.tab, md5(v::text));
        END IF;
    END LOOP;
    -- Las sesiones que ya había cuando se crea el buscador.
    IF v_fresh THEN
        INSERT INTO support_troubleshooting_search (session_id, tenant_id, document)
        SELECT s.session_id, s.tenant_id, guiado_search_vector(concat_ws(' ', s.problem_description, s.detected_problem_title))
          FROM support_troubleshooting_sessions s
        ON CONFLICT DO NOTHING;
    END IF;
END $do$;

DO $$ BEGIN PERFORM guiado_protect(ARRAY['support_troubleshooting_audit_log'], ARRAY['SELECT', 'INSERT']); END $$;
DO $$ BEGIN PERFORM guiado_protect(ARRAY['support_audit_heads', 'support_audit_checkpoints'], ARRAY['SELECT']); END $$;
DO $$ BEGIN PERFORM guiado_protect(ARRAY[
    'support_troubleshooting_cache', 'support_troubleshooting_rate_limits',
    'support_troubleshooting_performance_metrics', 'support_troubleshooting_schedule', 'support_troubleshooting_rollup_daily',
    'support_troubleshooting_rollup_steps', 'support_troubleshooting_rollup_days', 'support_troubleshooting_dirty_days',
    'support_troubleshooting_rollup_daily_kept', 'support_troubleshooting_rollup_steps_kept', 'support_troubleshooting_search',
    'support_troubleshooting_rollup_kinds', 'support_troubleshooting_rollup_kinds_kept', 'support_troubleshooting_rollup_patterns',
    'support_troubleshooting_rollup_patterns_kept', 'support_troubleshooting_pattern_totals'
]); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Qué se mide, definido una sola vez: de aquí salen el resumen y la lectura en vivo.
--   guiado_count_sessions, guiado_count_steps   lo que dicen las tablas sobre las sesiones que empezaron en unos rangos
--   guiado_measure, guiado_measure_steps        lo mismo, más lo guardado de sesiones ya borradas en los días completos
-- Los rangos son tres listas paralelas: inquilino, desde (incluido) y hasta (excluido). Como dueño se ven todos los
-- inquilinos; guiado_app, por la seguridad por filas, solo el suyo. p_without: sesiones que se dejan fuera, unos miles como mucho: lo
-- que no cabe en memoria se recorrería entero por cada fila.
-- Hoy cuenta como día completo en un rango que llega hasta ahora: también hoy se puede borrar a un cliente.
-- OFFSET 0 hace que todo se lea por los índices, tenga la base el tamaño que tenga: sin él, el planificador supone rangos enormes
-- y recorre las tablas enteras para mirar un día.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_count_sessions(p_tenants text[], p_from timestamptz[], p_to timestamptz[], p_without uuid[] DEFAULT NULL)
RETURNS SETOF support_troubleshooting_rollup_daily LANGUAGE sql STABLE AS $$
    SELECT x.tenant_id, x.day,
           CASE WHEN grouping(x.problem_id) = 1 THEN '*' ELSE x.problem_id END,
           CASE WHEN grouping(x.problem_id) = 1 THEN '' ELSE x.guide_version END,
           CASE WHEN grouping(x.problem_id) = 1 THEN NULL ELSE max(x.problem_title) END,
           count(*),
           count(*) FILTER (WHERE x.status = 'resolved'),
           count(*) FILTER (WHERE x.status = 'resolved' AND x.resolution = 'confirmed'),
           count(*) FILTER (WHERE x.status IN ('escalated', 'needs_escalation')),
           count(*) FILTER (WHERE x.status = 'abandoned'),
           count(*) FILTER (WHERE x.status IN ('started', 'in_progress')),
           coalesce(sum(x.duration_seconds), 0),
           count(x.duration_seconds),
           coalesce(sum(x.current_step) FILTER (WHERE x.status = 'resolved'), 0),
           count(DISTINCT x.customer_email),
           count(DISTINCT nullif(x.problem_id, '')),
           max(x.started_at),
           count(x.rating),
           coalesce(sum(x.rating), 0),
           count(*) FILTER (WHERE x.rating >= 4),
           count(*) FILTER (WHERE x.rating <= 2),
           count(*) FILTER (WHERE x.was_helpful),
           count(x.was_helpful),
           max(x.collected_at)
      FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
     CROSS JOIN LATERAL (
            SELECT s.session_id, s.tenant_id, (s.started_at AT TIME ZONE 'UTC')::date AS day,
                   coalesce(nullif(s.detected_problem_id, '*'), '') COLLATE "C" AS problem_id,
                   coalesce(s.guide_version_id::text, '') COLLATE "C" AS guide_version,
                   s.detected_problem_title AS problem_title, s.status, s.resolution, s.current_step, s.started_at,
                   s.customer_email COLLATE "C" AS customer_email,
                   CASE WHEN s.status = 'resolved' THEN extract(epoch FROM s.resolved_at - s.started_at)::double precision END AS duration_seconds,
                   f.rating, f.was_helpful, f.collected_at
              FROM support_troubleshooting_sessions s
              LEFT JOIN LATERAL (
                    SELECT y.rating, y.was_helpful, y.collected_at FROM support_troubleshooting_feedback y
                     WHERE y.tenant_id = s.tenant_id AND y.session_id = s.session_id AND y.is_current OFFSET 0) f ON true
             -- Quien escribió que todo anda no trajo un problema: no cuenta en ninguna tasa.
             WHERE s.tenant_id = r.tenant_id AND s.started_at >= r.lo AND s.started_at < r.hi AND s.message_kind <> 'solved'
            OFFSET 0) x
     WHERE x.session_id NOT IN (SELECT w FROM unnest(p_without) w)
     GROUP BY GROUPING SETS ((x.tenant_id, x.day, x.problem_id, x.guide_version), (x.tenant_id, x.day))
$$;

CREATE OR REPLACE FUNCTION guiado_count_steps(p_tenants text[], p_from timestamptz[], p_to timestamptz[], p_without uuid[] DEFAULT NULL)
RETURNS SETOF support_troubleshooting_rollup_steps LANGUAGE sql STABLE AS $$
    -- El título es el de la guía: el de un intento lo escribió quien llamó, y el resumen sobrevive a la sesión.
    SELECT x.tenant_id, x.day, x.problem_id, x.guide_version, min(x.author_position), x.step_id,
           coalesce((SELECT g.step ->> 'title'
                       FROM (SELECT jsonb_array_elements(v.content -> 'steps') AS step FROM support_troubleshooting_guide_versions v
                              WHERE v.tenant_id = x.tenant_id AND v.guide_version_id = nullif(x.guide_version, '')::uuid) g
                      WHERE g.step ->> 'step_id' = x.step_id LIMIT 1), max(x.step_title)),
           count(*),
           count(*) FILTER (WHERE NOT x.success),
           count(*) FILTER (WHERE x.outcome = 'solved'),
           count(*) FILTER (WHERE x.outcome = 'not_helped'),
           coalesce(sum(x.active_seconds), 0),
           count(x.known_seconds),
           coalesce(sum(x.known_seconds), 0)
      FROM (
    SELECT x.*, CASE WHEN row_number() OVER (
               PARTITION BY x.tenant_id, x.day, x.problem_id, x.guide_version, x.step_id, x.customer
               ORDER BY x.seconds IS NULL, x.attempted_at, x.id) = 1 THEN x.seconds END AS known_seconds
      FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
     CROSS JOIN LATERAL (
            -- Un intento cuenta para la guía con la que se hizo, aunque la sesión siga otra ahora.
            SELECT s.session_id, s.tenant_id, (s.started_at AT TIME ZONE 'UTC')::date AS day,
                   coalesce(nullif(CASE WHEN a.guide_version_id IS NULL OR a.guide_version_id = s.guide_version_id THEN s.detected_problem_id
                                        ELSE (SELECT g.guide_id FROM support_troubleshooting_guide_versions g
                                               WHERE g.tenant_id = s.tenant_id AND g.guide_version_id = a.guide_version_id) END, '*'), '') COLLATE "C" AS problem_id,
                   coalesce(a.guide_version_id::text, s.guide_version_id::text, '') COLLATE "C" AS guide_version,
                   -- De un intento sin step_id (importado), el paso que la guía tenía en ese lugar.
                   a.id, coalesce(a.author_position, a.step_number) AS author_position,
                   coalesce(nullif(a.step_id, ''),
                            (SELECT nullif(g.content -> 'steps' -> (a.step_number - 1) ->> 'step_id', '')
                               FROM support_troubleshooting_guide_versions g
                              WHERE g.tenant_id = s.tenant_id AND g.guide_version_id = coalesce(a.guide_version_id, s.guide_version_id)),
                            '#' || a.step_number) COLLATE "C" AS step_id,
                   a.step_title, a.success, a.outcome, a.active_seconds, a.attempted_at,
                   -- Cuánto duró: con la página a la vista, si se sabe; si no, desde la oferta, salvo que pasara más de una hora. Lo imposible no se
                   -- cuenta (NaN es mayor que todo), ni lo de muestra; de un cliente, una vez por paso y día.
                   CASE WHEN s.source = 'demo' AND s.metadata @> '{"demo": true}' THEN NULL
                        WHEN a.active_seconds > 0 AND a.active_seconds < 'infinity' THEN least(a.active_seconds, 3600)
                        WHEN a.duration_seconds > 0 AND a.duration_seconds <= 3600 THEN a.duration_seconds END AS seconds,
                   coalesce(s.customer_id, a.id::text) AS customer
              FROM support_troubleshooting_sessions s
             CROSS JOIN LATERAL (
                    SELECT y.id, y.step_number, y.author_position, y.step_id, y.step_title, y.success, y.outcome, y.active_seconds, y.guide_version_id,
                           y.attempted_at, y.duration_seconds
                      FROM support_troubleshooting_attempts y
                     WHERE y.tenant_id = s.tenant_id AND y.session_id = s.session_id AND y.retracted_at IS NULL OFFSET 0) a
             WHERE s.tenant_id = r.tenant_id AND s.started_at >= r.lo AND s.started_at < r.hi
            OFFSET 0) x
     WHERE x.session_id NOT IN (SELECT w FROM unnest(p_without) w)
       -- Un intento corregido por otro de su sesión no cuenta: vale la corrección.
       AND NOT EXISTS (SELECT FROM support_troubleshooting_attempts c
                        WHERE c.tenant_id = x.tenant_id AND c.corrects IS NOT NULL AND c.corrects = x.id AND c.session_id = x.session_id
                       OFFSET 0)) x
     GROUP BY x.tenant_id, x.day, x.problem_id, x.guide_version, x.step_id
$$;

-- Las sesiones de las que se aprende el orden de los pasos: las terminadas que siguieron una guía de pasos. No las urgentes (las atiende una
-- persona), ni las de muestra, ni las de más de 200 respuestas. De un cliente, una por guía y día, la primera: por mucho que insista, nadie mueve solo una guía. Quien no dio su
-- correo no es ningún cliente: cada sesión suya cuenta. p_problem: solo las de ese problema.
CREATE OR REPLACE FUNCTION guiado_learnable(
    p_tenants text[], p_from timestamptz[], p_to timestamptz[], p_without uuid[] DEFAULT NULL, p_problem text DEFAULT NULL)
RETURNS TABLE (
    tenant_id text, session_id uuid, day date, problem_id text, guide_version_id uuid, variant text, status text, ended_by text,
    escalated_at timestamptz, offered_step_id text, asked_question_id text, guide_answers jsonb, is_returned boolean
) LANGUAGE sql STABLE AS $$
    WITH begun AS MATERIALIZED (
        SELECT x.*
          FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
         CROSS JOIN LATERAL (
                SELECT s.tenant_id, s.session_id, (s.started_at AT TIME ZONE 'UTC')::date AS day, s.started_at, s.customer_id,
                       s.detected_problem_id AS problem_id, s.guide_version_id, s.variant, s.status, s.ended_by, s.escalated_at, s.offered_step_id,
                       s.asked_question_id, s.guide_answers,
                       s.metadata @> '{"returned": true}' AS is_returned
                  FROM support_troubleshooting_sessions s
                 WHERE s.tenant_id = r.tenant_id AND s.started_at >= r.lo AND s.started_at < r.hi
                   AND s.status IN ('resolved', 'escalated', 'abandoned') AND s.ended_at IS NOT NULL
                   AND s.guide_version_id IS NOT NULL AND (p_problem IS NULL OR s.detected_problem_id = p_problem)
                   AND NOT s.urgent AND s.message_kind <> 'solved' AND s.attempts <= 200
                   AND (s.source IS DISTINCT FROM 'demo' OR NOT s.metadata @> '{"demo": true}')
                OFFSET 0) x
         WHERE x.session_id NOT IN (SELECT w FROM unnest(p_without) w)
    ), guides AS MATERIALIZED (  -- el contenido de una guía es grande: su clase está en un índice, y aquí no se lee
        SELECT g.tenant_id, g.guide_version_id, g.guide_id
          FROM (SELECT DISTINCT b.tenant_id, b.guide_version_id FROM begun b) d
         CROSS JOIN LATERAL (
                SELECT y.tenant_id, y.guide_version_id, y.guide_id FROM support_troubleshooting_guide_versions y
                 WHERE y.tenant_id = d.tenant_id AND y.guide_version_id = d.guide_version_id AND coalesce(y.content ->> 'kind', 'guide') = 'guide'
                OFFSET 0) g)
    SELECT y.tenant_id, y.session_id, y.day, y.problem_id, y.guide_version_id, y.variant, y.status, y.ended_by, y.escalated_at,
           y.offered_step_id, y.asked_question_id, y.guide_answers, y.is_returned
      FROM (SELECT b.*, row_number() OVER (PARTITION BY b.tenant_id, b.day, b.problem_id, coalesce(b.customer_id, b.session_id::text)
                                           ORDER BY b.started_at, b.session_id) AS place
              FROM begun b
              JOIN guides g ON g.tenant_id = b.tenant_id AND g.guide_version_id = b.guide_version_id AND g.guide_id = b.problem_id) y
     WHERE y.place = 1
$$;

-- El camino de cada una, y cuántas hay de cada. Un intento deshecho, corregido o hecho con otra guía no está en él. Cómo acabó:
--   solved     el cliente lo dijo en un paso, antes de que nadie llamara a una persona; si después volvió, es «returned»
--   escalated  hizo falta una persona, o fue ella quien la cerró
--   abandoned  el cliente se fue; se dice en qué paso
--   assumed    hizo todos los pasos y no dijo nada: no se sabe
CREATE OR REPLACE FUNCTION guiado_count_patterns(
    p_tenants text[], p_from timestamptz[], p_to timestamptz[], p_without uuid[] DEFAULT NULL, p_problem text DEFAULT NULL)
RETURNS SETOF support_troubleshooting_rollup_patterns LANGUAGE sql STABLE AS $$
    WITH one AS MATERIALIZED (
        SELECT * FROM guiado_learnable(p_tenants, p_from, p_to, p_without, p_problem)
    ), variants AS MATERIALIZED (
        SELECT d.*
          FROM (SELECT DISTINCT o.tenant_id, o.guide_version_id, o.variant FROM one o WHERE o.variant IS NOT NULL) d
         CROSS JOIN LATERAL (
                SELECT FROM support_troubleshooting_guide_versions y
                 WHERE y.tenant_id = d.tenant_id AND y.guide_version_id = d.guide_version_id AND y.content -> 'variants' ? d.variant OFFSET 0) g)
    SELECT z.tenant_id, z.day, z.problem_id COLLATE "C", z.guide_version_id::text COLLATE "C",
           concat('[', z.variant, ',"",[', z.events, '],"', z.ending, '",',
                  coalesce(CASE WHEN z.ending <> 'abandoned' THEN NULL WHEN z.asked_question_id IS NOT NULL THEN to_json(z.asked_question_id)
                                ELSE to_json(z.offered_step_id || '@' || coalesce(
                      (SELECT d.step_revision FROM support_troubleshooting_decisions d
                        WHERE d.tenant_id = z.tenant_id AND d.session_id = z.session_id AND d.step_id = z.offered_step_id AND d.step_revision IS NOT NULL
                        ORDER BY d.number DESC LIMIT 1)::text,
                      (SELECT e.step ->> 'revision'
                         FROM (SELECT jsonb_array_elements(v.content -> 'steps') AS step FROM support_troubleshooting_guide_versions v
                                WHERE v.tenant_id = z.tenant_id AND v.guide_version_id = z.guide_version_id) e
                        WHERE e.step ->> 'step_id' = z.offered_step_id LIMIT 1), '1')) END::text, 'null'),
                  CASE WHEN z.ending IN ('solved', 'assumed') AND z.has_returned THEN ',true]' ELSE ',false]' END) COLLATE "C",
           count(*)
      FROM (SELECT o.tenant_id, o.session_id, o.day, o.problem_id, o.guide_version_id, o.offered_step_id, o.asked_question_id,
                   to_json(coalesce(v.variant, ''))::text AS variant, a.events,
                   CASE WHEN a.outcome = 'solved' AND a.source <> 'agent' AND o.status <> 'abandoned'
                             AND (o.escalated_at > a.attempted_at OR (o.escalated_at IS NULL AND o.ended_by IS DISTINCT FROM 'agent')) THEN 'solved'
                        WHEN o.status = 'escalated' OR o.escalated_at IS NOT NULL OR o.ended_by = 'agent' THEN 'escalated'
                        WHEN o.status = 'abandoned' THEN 'abandoned'
                        ELSE 'assumed' END AS ending,
                   o.is_returned OR o.escalated_at IS NOT NULL
                   OR EXISTS (SELECT FROM support_troubleshooting_sessions r
                               WHERE r.tenant_id = o.tenant_id AND r.recontact_of = o.session_id AND r.recontact_of IS NOT NULL OFFSET 0) AS has_returned
              FROM one o
              LEFT JOIN variants v ON v.tenant_id = o.tenant_id AND v.guide_version_id = o.guide_version_id AND v.variant = o.variant
             CROSS JOIN LATERAL (
                    SELECT string_agg(t.event, ',' ORDER BY t.place, t.turn) AS events,
                           (array_agg(t.outcome ORDER BY t.place DESC) FILTER (WHERE t.turn = 0))[1] AS outcome,
                           (array_agg(t.source ORDER BY t.place DESC) FILTER (WHERE t.turn = 0))[1] AS source,
                           (array_agg(t.attempted_at ORDER BY t.place DESC) FILTER (WHERE t.turn = 0))[1] AS attempted_at
                      FROM (SELECT concat('["step",', to_json(concat(w.step_id, '@', w.revision))::text, ',"', w.outcome, '"]') AS event, w.place,
                                   0::bigint AS turn, w.outcome, w.source, w.attempted_at
                              FROM (SELECT y.outcome, y.source, y.attempted_at,
                                           row_number() OVER (ORDER BY y.decision_number, y.attempted_at, y.id) AS place,
                                           -- De un intento sin step_id (importado), el paso que la guía tenía en ese lugar.
                                           coalesce(nullif(y.step_id, ''),
                                                    (SELECT nullif(g.content -> 'steps' -> (y.step_number - 1) ->> 'step_id', '')
                                                       FROM support_troubleshooting_guide_versions g
                                                      WHERE g.tenant_id = o.tenant_id AND g.guide_version_id = o.guide_version_id),
                                                    '#' || y.step_number) AS step_id,
                                           coalesce(y.step_revision, 1) AS revision
                                      FROM support_troubleshooting_attempts y
                                     WHERE y.tenant_id = o.tenant_id AND y.session_id = o.session_id AND y.retracted_at IS NULL
                                       AND (y.guide_version_id IS NULL OR y.guide_version_id = o.guide_version_id)
                                       AND NOT EXISTS (SELECT FROM support_troubleshooting_attempts c
                                                        WHERE c.tenant_id = y.tenant_id AND c.corrects IS NOT NULL AND c.corrects = y.id
                                                          AND c.session_id = y.session_id OFFSET 0)
                                    OFFSET 0) w
                            UNION ALL
                            -- Lo que el cliente dijo a las preguntas de la guía, cada cosa en su lugar; lo que pasó por alto no dice nada.
                            SELECT concat('["ask",', q.given -> 'question_id', ',', q.given -> 'answer_id', ']'), (q.given ->> 'after')::bigint,
                                   q.turn, NULL, NULL, NULL
                              FROM jsonb_array_elements(o.guide_answers) WITH ORDINALITY q (given, turn)
                             WHERE q.given ->> 'answer_id' IS NOT NULL) t) a) z
     GROUP BY 1, 2, 3, 4, 5
$$;

CREATE OR REPLACE FUNCTION guiado_measure(p_tenants text[], p_from timestamptz[], p_to timestamptz[])
RETURNS SETOF support_troubleshooting_rollup_daily LANGUAGE sql STABLE AS $$
    SELECT m.tenant_id, m.day, m.problem_id, m.guide_version, max(m.problem_title),
           sum(m.total_sessions)::bigint, sum(m.resolved)::bigint, sum(m.resolved_confirmed)::bigint,
           sum(m.escalated)::bigint, sum(m.abandoned)::bigint, sum(m.active)::bigint, sum(m.duration_seconds),
           sum(m.duration_count)::bigint, sum(m.steps_to_resolution)::bigint, sum(m.unique_customers)::bigint,
           sum(m.unique_problems)::bigint, max(m.last_started_at), sum(m.feedback)::bigint, sum(m.rating_sum)::bigint,
           sum(m.positive)::bigint, sum(m.negative)::bigint, sum(m.helpful)::bigint, sum(m.helpful_answers)::bigint,
           max(m.last_feedback_at)
      FROM (SELECT * FROM guiado_count_sessions(p_tenants, p_from, p_to)
            UNION ALL
            SELECT k.*
              FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
              JOIN support_troubleshooting_rollup_daily_kept k
                ON k.tenant_id = r.tenant_id AND k.day::timestamp AT TIME ZONE 'UTC' >= r.lo AND least((k.day + 1)::timestamp AT TIME ZONE 'UTC', now() - interval '5 minutes') <= r.hi) m
     GROUP BY m.tenant_id, m.day, m.problem_id, m.guide_version
$$;

CREATE OR REPLACE FUNCTION guiado_measure_steps(p_tenants text[], p_from timestamptz[], p_to timestamptz[])
RETURNS SETOF support_troubleshooting_rollup_steps LANGUAGE sql STABLE AS $$
    SELECT m.tenant_id, m.day, m.problem_id, m.guide_version, min(m.step_number), m.step_id, max(m.step_title),
           sum(m.total_attempts)::bigint, sum(m.failed)::bigint, sum(m.solved)::bigint, sum(m.not_helped)::bigint,
           sum(m.active_seconds), sum(m.timed)::bigint, sum(m.timed_seconds)
      FROM (SELECT * FROM guiado_count_steps(p_tenants, p_from, p_to)
            UNION ALL
            SELECT k.*
              FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
              JOIN support_troubleshooting_rollup_steps_kept k
                ON k.tenant_id = r.tenant_id AND k.day::timestamp AT TIME ZONE 'UTC' >= r.lo AND least((k.day + 1)::timestamp AT TIME ZONE 'UTC', now() - interval '5 minutes') <= r.hi) m
     GROUP BY m.tenant_id, m.day, m.problem_id, m.guide_version, m.step_id
$$;

CREATE OR REPLACE FUNCTION guiado_measure_kinds(p_tenants text[], p_from timestamptz[], p_to timestamptz[])
RETURNS SETOF support_troubleshooting_rollup_kinds LANGUAGE sql STABLE AS $$
    SELECT m.tenant_id, m.day, m.message_kind, sum(m.total_sessions)::bigint
      FROM (SELECT x.tenant_id, x.day, x.message_kind, 1 AS total_sessions
              FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
             CROSS JOIN LATERAL (
                    SELECT s.tenant_id, (s.started_at AT TIME ZONE 'UTC')::date AS day, s.message_kind
                      FROM support_troubleshooting_sessions s
                     WHERE s.tenant_id = r.tenant_id AND s.started_at >= r.lo AND s.started_at < r.hi AND s.message_kind <> 'problem'
                    OFFSET 0) x
            UNION ALL
            SELECT k.*
              FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
              JOIN support_troubleshooting_rollup_kinds_kept k
                ON k.tenant_id = r.tenant_id AND k.day::timestamp AT TIME ZONE 'UTC' >= r.lo AND least((k.day + 1)::timestamp AT TIME ZONE 'UTC', now() - interval '5 minutes') <= r.hi) m
     GROUP BY m.tenant_id, m.day, m.message_kind
$$;

-- Lo guardado puede restar: si se borró la primera sesión de un cliente y queda otra del mismo día, esta cuenta ahora en las tablas.
CREATE OR REPLACE FUNCTION guiado_measure_patterns(p_tenants text[], p_from timestamptz[], p_to timestamptz[], p_problem text DEFAULT NULL)
RETURNS SETOF support_troubleshooting_rollup_patterns LANGUAGE sql STABLE AS $$
    SELECT m.tenant_id, m.day, m.problem_id, m.guide_version, m.pattern, sum(m.sessions)::bigint
      FROM (SELECT * FROM guiado_count_patterns(p_tenants, p_from, p_to, NULL, p_problem)
            UNION ALL
            SELECT k.*
              FROM unnest(p_tenants, p_from, p_to) r (tenant_id, lo, hi)
              JOIN support_troubleshooting_rollup_patterns_kept k
                ON k.tenant_id = r.tenant_id AND k.day::timestamp AT TIME ZONE 'UTC' >= r.lo AND least((k.day + 1)::timestamp AT TIME ZONE 'UTC', now() - interval '5 minutes') <= r.hi
             WHERE p_problem IS NULL OR k.problem_id = p_problem) m
     GROUP BY m.tenant_id, m.day, m.problem_id, m.guide_version, m.pattern
    HAVING sum(m.sessions) > 0
$$;

-- Días sueltos como rangos, con los seguidos unidos en uno.
CREATE OR REPLACE FUNCTION guiado_day_ranges(p_tenants text[], p_days date[])
RETURNS TABLE (tenant_id text, lo timestamptz, hi timestamptz) LANGUAGE sql STABLE AS $$
    SELECT x.tenant_id, min(x.day)::timestamp AT TIME ZONE 'UTC', (max(x.day) + 1)::timestamp AT TIME ZONE 'UTC'
      FROM (SELECT d.tenant_id, d.day, d.day - (row_number() OVER (PARTITION BY d.tenant_id ORDER BY d.day))::integer AS island
              FROM (SELECT DISTINCT u.tenant_id, u.day FROM unnest(p_tenants, p_days) u (tenant_id, day)) d) x
     GROUP BY x.tenant_id, x.island
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- guiado_roll_up: pone al día el resumen y devuelve cuántos días (de todos los inquilinos) recalculó: los sucios, los que tienen
-- sesiones y aún no están cerrados, y hoy. Un día se cierra diez minutos después de terminar, para no perder lo que se
-- estaba guardando a medianoche. Se puede llamar a la vez desde muchos sitios: van por turno.
--   p_until   resumir como si fuera este momento (nunca el futuro)
--   p_all     buscar días sin cerrar en toda la historia; si no, solo desde el último cerrado de cada inquilino
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_roll_up(p_until timestamptz DEFAULT now(), p_all boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SET jit = off SET work_mem = '64MB' SET enable_sort = off AS $$   -- agrupar por hash: aquí siempre es más rápido
DECLARE
    v_until   timestamptz := least(coalesce(p_until, now()), clock_timestamp());
    v_today   date := (v_until AT TIME ZONE 'UTC')::date;
    v_closed  date := ((v_until - interval '10 minutes') AT TIME ZONE 'UTC')::date - 1;   -- último día que se puede cerrar
    v_tenants text[];
    v_days    date[];
    v_names   text[];
    v_from    timestamptz[];
    v_to      timestamptz[];
BEGIN
    PERFORM pg_advisory_xact_lock(5207106);

    -- Primero se retiran las marcas y después se mira: un cambio posterior vuelve a marcar. Las que alguien está poniendo
    -- ahora se dejan (SKIP LOCKED); su día se recalcula igual, y otra vez cuando terminen.
    WITH gone AS (
        DELETE FROM support_troubleshooting_dirty_days
         WHERE (tenant_id, day) IN (SELECT d.tenant_id, d.day FROM support_troubleshooting_dirty_days d WHERE d.day <= v_today FOR UPDATE SKIP LOCKED)
        RETURNING tenant_id, day)
    SELECT array_agg(tenant_id), array_agg(day) INTO v_tenants, v_days FROM gone;

    -- Los demás días se buscan a saltos por el índice (un salto por día), sin recorrer la tabla.
    WITH RECURSIVE tenant (id) AS (
        SELECT min(s.tenant_id) FROM support_troubleshooting_sessions s
        UNION ALL
        SELECT (SELECT min(s.tenant_id) FROM support_troubleshooting_sessions s WHERE s.tenant_id > t.id) FROM tenant t WHERE t.id IS NOT NULL
    ), first_day (id, day) AS (
        SELECT t.id, CASE WHEN NOT p_all THEN (SELECT max(d.day) FROM support_troubleshooting_rollup_days d WHERE d.tenant_id = t.id) + 1 END
          FROM tenant t WHERE t.id IS NOT NULL
    ), found (id, day) AS (
        SELECT f.id, (SELECT (min(s.started_at) AT TIME ZONE 'UTC')::date FROM support_troubleshooting_sessions s
                       WHERE s.tenant_id = f.id AND s.started_at >= coalesce(f.day::timestamp AT TIME ZONE 'UTC', '-infinity'))
          FROM first_day f
        UNION ALL
        SELECT f.id, (SELECT (min(s.started_at) AT TIME ZONE 'UTC')::date FROM support_troubleshooting_sessions s
                       WHERE s.tenant_id = f.id AND s.started_at >= (f.day + 1)::timestamp AT TIME ZONE 'UTC')
          FROM found f WHERE f.day < v_today
    ), due AS (
        SELECT f.id, f.day FROM found f
         WHERE f.day <= v_today
           AND NOT EXISTS (SELECT FROM support_troubleshooting_rollup_days d WHERE d.tenant_id = f.id AND d.day = f.day)
        UNION
        SELECT d.tenant_id, d.day FROM support_troubleshooting_dirty_days d WHERE d.day <= v_today
        UNION
        SELECT u.tenant_id, u.day FROM unnest(v_tenants, v_days) u (tenant_id, day))
    SELECT array_agg(id), array_agg(day) INTO v_tenants, v_days FROM due;
    IF v_days IS NULL THEN
        RETURN 0;
    END IF;
    SELECT array_agg(r.tenant_id), array_agg(r.lo), array_agg(r.hi) INTO v_names, v_from, v_to FROM guiado_day_ranges(v_tenants, v_days) r;

    DELETE FROM support_troubleshooting_rollup_daily t USING unnest(v_tenants, v_days) u (tenant_id, day)
     WHERE t.tenant_id = u.tenant_id AND t.day = u.day;
    INSERT INTO support_troubleshooting_rollup_daily SELECT * FROM guiado_measure(v_names, v_from, v_to);
    DELETE FROM support_troubleshooting_rollup_steps t USING unnest(v_tenants, v_days) u (tenant_id, day)
     WHERE t.tenant_id = u.tenant_id AND t.day = u.day;
    INSERT INTO support_troubleshooting_rollup_steps SELECT * FROM guiado_measure_steps(v_names, v_from, v_to);
    DELETE FROM support_troubleshooting_rollup_kinds t USING unnest(v_tenants, v_days) u (tenant_id, day)
     WHERE t.tenant_id = u.tenant_id AND t.day = u.day;
    INSERT INTO support_troubleshooting_rollup_kinds SELECT * FROM guiado_measure_kinds(v_names, v_from, v_to);
    WITH gone AS (
        DELETE FROM support_troubleshooting_rollup_patterns t USING unnest(v_tenants, v_days) u (tenant_id, day)
         WHERE t.tenant_id = u.tenant_id AND t.day = u.day
        RETURNING t.tenant_id, t.problem_id, t.sessions)
    UPDATE support_troubleshooting_pattern_totals t SET sessions = t.sessions - g.sessions
      FROM (SELECT o.tenant_id, o.problem_id, sum(o.sessions)::bigint AS sessions FROM gone o GROUP BY 1, 2) g
     WHERE t.tenant_id = g.tenant_id AND t.problem_id = g.problem_id;
    WITH added AS (
        INSERT INTO support_troubleshooting_rollup_patterns SELECT * FROM guiado_measure_patterns(v_names, v_from, v_to)
        RETURNING tenant_id, problem_id, sessions)
    INSERT INTO support_troubleshooting_pattern_totals AS t (tenant_id, problem_id, sessions)
    SELECT a.tenant_id, a.problem_id, sum(a.sessions)::bigint FROM added a GROUP BY 1, 2
    ON CONFLICT (tenant_id, problem_id) DO UPDATE SET sessions = t.sessions + excluded.sessions;
    DELETE FROM support_troubleshooting_pattern_totals t WHERE t.sessions = 0;
    INSERT INTO support_troubleshooting_rollup_days (tenant_id, day, rolled_at)
    SELECT u.tenant_id, u.day, now() FROM unnest(v_tenants, v_days) u (tenant_id, day) WHERE u.day <= v_closed
    ON CONFLICT (tenant_id, day) DO UPDATE SET rolled_at = excluded.rolled_at;
    RETURN cardinality(v_days);
END $$;

-- guiado_keep: guarda lo que estas sesiones aportan a sus días, justo antes de que la limpieza las borre. Se calcula como la
-- diferencia entre el día con ellas y sin ellas, para que también cuadren los clientes distintos. De las sesiones de muestra no se guarda
-- nada: sus días quedan sucios, y el resumen los cuenta sin ellas.
DROP FUNCTION IF EXISTS guiado_keep(uuid[]);  -- de instalaciones anteriores
CREATE OR REPLACE FUNCTION guiado_keep(p_tenant text, p_sessions uuid[]) RETURNS void LANGUAGE plpgsql SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    v_names text[];
    v_from  timestamptz[];
    v_to    timestamptz[];
    v_demo  uuid[];
BEGIN
    v_demo := ARRAY(SELECT s.session_id FROM unnest(p_sessions) w (session_id)
                      JOIN support_troubleshooting_sessions s ON s.tenant_id = p_tenant AND s.session_id = w.session_id
                     WHERE s.source = 'demo' AND s.metadata @> '{"demo": true}');
    IF v_demo <> '{}' THEN
        PERFORM guiado_mark_dirty(p_tenant, d.day)
           FROM (SELECT DISTINCT (s.started_at AT TIME ZONE 'UTC')::date AS day FROM unnest(v_demo) w (session_id)
                   JOIN support_troubleshooting_sessions s ON s.tenant_id = p_tenant AND s.session_id = w.session_id) d;
        p_sessions := ARRAY(SELECT w FROM unnest(p_sessions) w WHERE w <> ALL (v_demo));
    END IF;
    SELECT array_agg(r.tenant_id), array_agg(r.lo), array_agg(r.hi) INTO v_names, v_from, v_to
      FROM (SELECT array_agg(d.tenant_id) AS tenants, array_agg(d.day) AS days
              FROM (SELECT DISTINCT s.tenant_id, (s.started_at AT TIME ZONE 'UTC')::date AS day
                      FROM unnest(p_sessions) w (session_id)
                      JOIN support_troubleshooting_sessions s ON s.tenant_id = p_tenant AND s.session_id = w.session_id) d) x,
           LATERAL guiado_day_ranges(x.tenants, x.days) r;
    INSERT INTO support_troubleshooting_rollup_daily_kept AS k
    SELECT b.tenant_id, b.day, b.problem_id, b.guide_version, b.problem_title,
           b.total_sessions - coalesce(a.total_sessions, 0), b.resolved - coalesce(a.resolved, 0),
           b.resolved_confirmed - coalesce(a.resolved_confirmed, 0), b.escalated - coalesce(a.escalated, 0),
           b.abandoned - coalesce(a.abandoned, 0), b.active - coalesce(a.active, 0),
           b.duration_seconds - coalesce(a.duration_seconds, 0), b.duration_count - coalesce(a.duration_count, 0),
           b.steps_to_resolution - coalesce(a.steps_to_resolution, 0), b.unique_customers - coalesce(a.unique_customers, 0),
           b.unique_problems - coalesce(a.unique_problems, 0), b.last_started_at, b.feedback - coalesce(a.feedback, 0),
           b.rating_sum - coalesce(a.rating_sum, 0), b.positive - coalesce(a.positive, 0),
           b.negative - coalesce(a.negative, 0), b.helpful - coalesce(a.helpful, 0),
           b.helpful_answers - coalesce(a.helpful_answers, 0), b.last_feedback_at
      FROM guiado_count_sessions(v_names, v_from, v_to) b
      LEFT JOIN guiado_count_sessions(v_names, v_from, v_to, p_sessions) a
        ON a.tenant_id = b.tenant_id AND a.day = b.day AND a.problem_id = b.problem_id AND a.guide_version = b.guide_version
     WHERE b.total_sessions > coalesce(a.total_sessions, 0)
    ON CONFLICT (tenant_id, day, problem_id, guide_version) DO UPDATE SET
           total_sessions = k.total_sessions + excluded.total_sessions, resolved = k.resolved + excluded.resolved,
           resolved_confirmed = k.resolved_confirmed + excluded.resolved_confirmed,
           escalated = k.escalated + excluded.escalated, abandoned = k.abandoned + excluded.abandoned,
           active = k.active + excluded.active, duration_seconds = k.duration_seconds + excluded.duration_seconds,
           duration_count = k.duration_count + excluded.duration_count,
           steps_to_resolution = k.steps_to_resolution + excluded.steps_to_resolution,
           unique_customers = k.unique_customers + excluded.unique_customers,
           unique_problems = k.unique_problems + excluded.unique_problems,
           last_started_at = greatest(k.last_started_at, excluded.last_started_at),
           feedback = k.feedback + excluded.feedback, rating_sum = k.rating_sum + excluded.rating_sum,
           positive = k.positive + excluded.positive, negative = k.negative + excluded.negative,
           helpful = k.helpful + excluded.helpful, helpful_answers = k.helpful_answers + excluded.helpful_answers,
           last_feedback_at = greatest(k.last_feedback_at, excluded.last_feedback_at);
    INSERT INTO support_troubleshooting_rollup_steps_kept AS k
    SELECT b.tenant_id, b.day, b.problem_id, b.guide_version, b.step_number, b.step_id, b.step_title,
           b.total_attempts - coalesce(a.total_attempts, 0), b.failed - coalesce(a.failed, 0),
           b.solved - coalesce(a.solved, 0), b.not_helped - coalesce(a.not_helped, 0),
           b.active_seconds - coalesce(a.active_seconds, 0), b.timed - coalesce(a.timed, 0), b.timed_seconds - coalesce(a.timed_seconds, 0)
      FROM guiado_count_steps(v_names, v_from, v_to) b
      LEFT JOIN guiado_count_steps(v_names, v_from, v_to, p_sessions) a
        ON a.tenant_id = b.tenant_id AND a.day = b.day AND a.problem_id = b.problem_id AND a.guide_version = b.guide_version
       AND a.step_id = b.step_id
     WHERE b.total_attempts > coalesce(a.total_attempts, 0)
    ON CONFLICT (tenant_id, day, problem_id, guide_version, step_id) DO UPDATE SET
           total_attempts = k.total_attempts + excluded.total_attempts, failed = k.failed + excluded.failed,
           solved = k.solved + excluded.solved, not_helped = k.not_helped + excluded.not_helped,
           active_seconds = k.active_seconds + excluded.active_seconds, timed = k.timed + excluded.timed,
           timed_seconds = k.timed_seconds + excluded.timed_seconds;
    -- De quien volvió queda dicho en la primera sesión, si esta sigue y la segunda se va.
    UPDATE support_troubleshooting_sessions s SET metadata = s.metadata || '{"returned": true}'
      FROM unnest(p_sessions) w (session_id)
      JOIN support_troubleshooting_sessions r ON r.tenant_id = p_tenant AND r.session_id = w.session_id
     WHERE s.tenant_id = p_tenant AND s.session_id = r.recontact_of AND s.session_id <> ALL (p_sessions) AND NOT s.metadata @> '{"returned": true}';
    INSERT INTO support_troubleshooting_rollup_patterns_kept AS k
    SELECT coalesce(b.tenant_id, a.tenant_id), coalesce(b.day, a.day), coalesce(b.problem_id, a.problem_id),
           coalesce(b.guide_version, a.guide_version), coalesce(b.pattern, a.pattern), coalesce(b.sessions, 0) - coalesce(a.sessions, 0)
      FROM guiado_count_patterns(v_names, v_from, v_to) b
      FULL JOIN guiado_count_patterns(v_names, v_from, v_to, p_sessions) a
        ON a.tenant_id = b.tenant_id AND a.day = b.day AND a.problem_id = b.problem_id AND a.guide_version = b.guide_version
       AND a.pattern = b.pattern
     WHERE coalesce(b.sessions, 0) <> coalesce(a.sessions, 0)
    ON CONFLICT (tenant_id, day, problem_id, guide_version, md5(pattern)) DO UPDATE SET sessions = k.sessions + excluded.sessions;
    DELETE FROM support_troubleshooting_rollup_patterns_kept k USING unnest(v_names, v_from, v_to) r (tenant_id, lo, hi)
     WHERE k.tenant_id = r.tenant_id AND k.sessions = 0 AND k.day::timestamp AT TIME ZONE 'UTC' >= r.lo AND k.day::timestamp AT TIME ZONE 'UTC' < r.hi;
    INSERT INTO support_troubleshooting_rollup_kinds_kept AS k
    SELECT s.tenant_id, (s.started_at AT TIME ZONE 'UTC')::date, s.message_kind, count(*)
      FROM (SELECT DISTINCT w.session_id FROM unnest(p_sessions) w (session_id)) w
      JOIN support_troubleshooting_sessions s ON s.tenant_id = p_tenant AND s.session_id = w.session_id
     WHERE s.message_kind <> 'problem'
     GROUP BY 1, 2, 3
    ON CONFLICT (tenant_id, day, message_kind) DO UPDATE SET total_sessions = k.total_sessions + excluded.total_sessions;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Lectura exacta al momento, para un inquilino: los días cerrados y limpios salen del resumen; hoy, los días sucios
-- y los trozos de día de los extremos se calculan de las tablas. Todo en una consulta: todo se ve en el mismo instante.
-- De un trozo de día no se sabe nada de sus sesiones ya borradas: esas cuentan solo en días completos.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_closed_days(p_tenant text, p_from timestamptz, p_to timestamptz) RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT d.day FROM support_troubleshooting_rollup_days d
     WHERE d.tenant_id = p_tenant
       AND d.day::timestamp AT TIME ZONE 'UTC' >= p_from AND (d.day + 1)::timestamp AT TIME ZONE 'UTC' <= p_to
       AND NOT EXISTS (SELECT FROM support_troubleshooting_dirty_days x WHERE x.tenant_id = d.tenant_id AND x.day = d.day)
$$;

-- Lo que queda de [p_from, p_to) entre los días cerrados.
CREATE OR REPLACE FUNCTION guiado_live_ranges(p_tenant text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (lo timestamptz, hi timestamptz) LANGUAGE sql STABLE AS $$
    SELECT x.lo, x.hi
      FROM (SELECT coalesce(lag(c.ends) OVER (ORDER BY c.starts), p_from) AS lo, c.starts AS hi
              FROM (SELECT d.day::timestamp AT TIME ZONE 'UTC' AS starts, (d.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
                      FROM guiado_closed_days(p_tenant, p_from, p_to) d (day)
                    UNION ALL
                    SELECT p_to, p_to) c) x
     WHERE x.lo < x.hi
$$;

CREATE OR REPLACE FUNCTION guiado_daily(p_tenant text, p_from timestamptz, p_to timestamptz)
RETURNS SETOF support_troubleshooting_rollup_daily LANGUAGE sql STABLE SET jit = off AS $$
    SELECT r.*
      FROM guiado_closed_days(p_tenant, p_from, p_to) c (day)
     CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_rollup_daily x WHERE x.tenant_id = p_tenant AND x.day = c.day OFFSET 0) r
    UNION ALL
    SELECT m.*
      FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(r.lo) AS los, array_agg(r.hi) AS his
              FROM guiado_live_ranges(p_tenant, p_from, p_to) r) x,
           LATERAL guiado_measure(x.tenants, x.los, x.his) m
$$;

CREATE OR REPLACE FUNCTION guiado_steps_daily(p_tenant text, p_from timestamptz, p_to timestamptz)
RETURNS SETOF support_troubleshooting_rollup_steps LANGUAGE sql STABLE SET jit = off AS $$
    SELECT r.*
      FROM guiado_closed_days(p_tenant, p_from, p_to) c (day)
     CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_rollup_steps x WHERE x.tenant_id = p_tenant AND x.day = c.day OFFSET 0) r
    UNION ALL
    SELECT m.*
      FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(r.lo) AS los, array_agg(r.hi) AS his
              FROM guiado_live_ranges(p_tenant, p_from, p_to) r) x,
           LATERAL guiado_measure_steps(x.tenants, x.los, x.his) m
$$;

CREATE OR REPLACE FUNCTION guiado_kinds_daily(p_tenant text, p_from timestamptz, p_to timestamptz)
RETURNS SETOF support_troubleshooting_rollup_kinds LANGUAGE sql STABLE SET jit = off AS $$
    SELECT r.*
      FROM guiado_closed_days(p_tenant, p_from, p_to) c (day)
     CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_rollup_kinds x WHERE x.tenant_id = p_tenant AND x.day = c.day OFFSET 0) r
    UNION ALL
    SELECT m.*
      FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(r.lo) AS los, array_agg(r.hi) AS his
              FROM guiado_live_ranges(p_tenant, p_from, p_to) r) x,
           LATERAL guiado_measure_kinds(x.tenants, x.los, x.his) m
$$;

-- Los caminos de las sesiones de una guía: de ellos aprende el orden de los pasos.
CREATE OR REPLACE FUNCTION guiado_patterns(p_tenant text, p_problem text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (day date, guide_version text, pattern text, sessions bigint) LANGUAGE sql STABLE SET jit = off AS $$
    SELECT r.day, r.guide_version, r.pattern, r.sessions
      FROM guiado_closed_days(p_tenant, p_from, p_to) c (day)
     CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_rollup_patterns x
                          WHERE x.tenant_id = p_tenant AND x.day = c.day AND x.problem_id = p_problem OFFSET 0) r
    UNION ALL
    SELECT m.day, m.guide_version, m.pattern, m.sessions
      FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(r.lo) AS los, array_agg(r.hi) AS his
              FROM guiado_live_ranges(p_tenant, p_from, p_to) r) x,
           LATERAL guiado_measure_patterns(x.tenants, x.los, x.his, p_problem) m
$$;

-- Cuánto duró cada paso de una guía: de cuántos intentos se sabe, y los segundos de todos juntos.
CREATE OR REPLACE FUNCTION guiado_step_times(p_tenant text, p_problem text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (step_id text, attempts bigint, seconds double precision) LANGUAGE sql STABLE SET jit = off AS $$
    SELECT y.step_id, sum(y.timed)::bigint, sum(y.timed_seconds)
      FROM (SELECT r.step_id, r.timed, r.timed_seconds
              FROM guiado_closed_days(p_tenant, p_from, p_to) c (day)
             CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_rollup_steps x
                                  WHERE x.tenant_id = p_tenant AND x.day = c.day AND x.problem_id = p_problem OFFSET 0) r
            UNION ALL
            SELECT m.step_id, m.timed, m.timed_seconds
              FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(r.lo) AS los, array_agg(r.hi) AS his
                      FROM guiado_live_ranges(p_tenant, p_from, p_to) r) x,
                   LATERAL guiado_measure_steps(x.tenants, x.los, x.his) m
             WHERE m.problem_id = p_problem) y
     GROUP BY y.step_id
    HAVING sum(y.timed) > 0
$$;

-- De cuántas sesiones de cada problema se puede aprender: lo que dice el resumen, con los días abiertos y sucios contados ahora. Cuesta lo que
-- esos días, y no lo que haya guardado.
CREATE OR REPLACE FUNCTION guiado_pattern_counts(p_tenant text) RETURNS TABLE (problem_id text, sessions bigint) LANGUAGE sql STABLE SET jit = off AS $$
    WITH open AS MATERIALIZED (
        SELECT d.day::timestamp AT TIME ZONE 'UTC' AS lo, (d.day + 1)::timestamp AT TIME ZONE 'UTC' AS hi
          FROM support_troubleshooting_dirty_days d
         WHERE d.tenant_id = p_tenant AND d.day <= (SELECT max(r.day) FROM support_troubleshooting_rollup_days r WHERE r.tenant_id = p_tenant)
        UNION ALL
        SELECT coalesce((SELECT (max(r.day) + 1)::timestamp AT TIME ZONE 'UTC' FROM support_troubleshooting_rollup_days r WHERE r.tenant_id = p_tenant), '-infinity'),
               'infinity'
    ), counted AS (
        SELECT t.problem_id, t.sessions FROM support_troubleshooting_pattern_totals t WHERE t.tenant_id = p_tenant
        UNION ALL
        SELECT x.problem_id, -x.sessions
          FROM open o
         CROSS JOIN LATERAL (SELECT y.problem_id, y.sessions FROM support_troubleshooting_rollup_patterns y
                              WHERE y.tenant_id = p_tenant AND y.day >= (o.lo AT TIME ZONE 'UTC')::date AND y.day < (o.hi AT TIME ZONE 'UTC')::date OFFSET 0) x
        UNION ALL
        SELECT x.problem_id, x.sessions
          FROM open o
         CROSS JOIN LATERAL (SELECT y.problem_id, y.sessions FROM support_troubleshooting_rollup_patterns_kept y
                              WHERE y.tenant_id = p_tenant AND y.day >= (o.lo AT TIME ZONE 'UTC')::date AND y.day < (o.hi AT TIME ZONE 'UTC')::date OFFSET 0) x
        UNION ALL
        SELECT l.problem_id, 1
          FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(o.lo) AS los, array_agg(o.hi) AS his FROM open o) r,
               LATERAL guiado_learnable(r.tenants, r.los, r.his) l)
    SELECT c.problem_id, sum(c.sessions)::bigint FROM counted c GROUP BY c.problem_id HAVING sum(c.sessions) > 0
$$;

-- De estos días cerrados y limpios, los que no dicen lo que dicen las tablas con lo guardado; los demás no se miran.
CREATE OR REPLACE FUNCTION guiado_differing_patterns(p_tenant text, p_days date[]) RETURNS SETOF date LANGUAGE sql STABLE SET jit = off AS $$
    WITH clean AS MATERIALIZED (
        SELECT d.day
          FROM unnest(p_days) u (day)
          JOIN support_troubleshooting_rollup_days d ON d.tenant_id = p_tenant AND d.day = u.day
         WHERE NOT EXISTS (SELECT FROM support_troubleshooting_dirty_days x WHERE x.tenant_id = d.tenant_id AND x.day = d.day)
    ), fresh AS MATERIALIZED (
        SELECT m.*
          FROM (SELECT array_agg(r.tenant_id) AS tenants, array_agg(r.lo) AS los, array_agg(r.hi) AS his
                  FROM (SELECT array_agg(p_tenant) AS tenants, array_agg(c.day) AS days FROM clean c) a,
                       LATERAL guiado_day_ranges(a.tenants, a.days) r) x,
               LATERAL guiado_measure_patterns(x.tenants, x.los, x.his) m
    ), stored AS MATERIALIZED (
        SELECT y.* FROM clean c
         CROSS JOIN LATERAL (SELECT * FROM support_troubleshooting_rollup_patterns x WHERE x.tenant_id = p_tenant AND x.day = c.day OFFSET 0) y)
    SELECT DISTINCT coalesce(f.day, t.day)
      FROM fresh f
      FULL JOIN stored t ON t.day = f.day AND t.problem_id = f.problem_id AND t.guide_version = f.guide_version AND t.pattern = f.pattern
     WHERE f.sessions IS DISTINCT FROM t.sessions
$$;

-- Hace que estos días se cuenten otra vez en el próximo resumen, y suma de nuevo lo que hay.
CREATE OR REPLACE FUNCTION guiado_recount_patterns(p_tenant text, p_days date[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5207106);             -- el del resumen: nadie suma a la vez
    PERFORM guiado_mark_dirty(p_tenant, u.day) FROM unnest(p_days) u (day);
    DELETE FROM support_troubleshooting_pattern_totals t WHERE t.tenant_id = p_tenant;
    INSERT INTO support_troubleshooting_pattern_totals (tenant_id, problem_id, sessions)
    SELECT p_tenant, x.problem_id, sum(x.sessions) FROM support_troubleshooting_rollup_patterns x WHERE x.tenant_id = p_tenant GROUP BY x.problem_id;
END $$;

-- Lo mismo para el inquilino de la conexión: para quien pregunta con psql.
CREATE OR REPLACE FUNCTION guiado_daily(p_from timestamptz, p_to timestamptz)
RETURNS SETOF support_troubleshooting_rollup_daily LANGUAGE sql STABLE AS $$ SELECT * FROM guiado_daily(guiado_tenant(), p_from, p_to) $$;
CREATE OR REPLACE FUNCTION guiado_steps_daily(p_from timestamptz, p_to timestamptz)
RETURNS SETOF support_troubleshooting_rollup_steps LANGUAGE sql STABLE AS $$ SELECT * FROM guiado_steps_daily(guiado_tenant(), p_from, p_to) $$;
CREATE OR REPLACE FUNCTION guiado_kinds_daily(p_from timestamptz, p_to timestamptz)
RETURNS SETOF support_troubleshooting_rollup_kinds LANGUAGE sql STABLE AS $$ SELECT * FROM guiado_kinds_daily(guiado_tenant(), p_from, p_to) $$;
-- Qué fueron los mensajes de los últimos 30 días: siempre una fila por clase. Los que ya estaban resueltos (solved) no están en ninguna otra cifra.
CREATE OR REPLACE VIEW vw_troubleshooting_message_kinds WITH (security_barrier) AS
SELECT v.message_kind,
       CASE v.message_kind
            WHEN 'problem' THEN (SELECT coalesce(sum(d.total_sessions), 0) FROM guiado_daily(now() - interval '30 days', now()) d WHERE d.problem_id = '*')
                              - (SELECT coalesce(sum(k.total_sessions), 0) FROM guiado_kinds_daily(now() - interval '30 days', now()) k WHERE k.message_kind <> 'solved')
            ELSE (SELECT coalesce(sum(k.total_sessions), 0) FROM guiado_kinds_daily(now() - interval '30 days', now()) k WHERE k.message_kind = v.message_kind)
       END::bigint AS total_sessions,
       guiado_tenant() AS tenant_id
  FROM (VALUES ('problem'), ('solved'), ('person'), ('nothing_said'), ('other')) v (message_kind);
DO $$ BEGIN PERFORM guiado_share(ARRAY['vw_troubleshooting_message_kinds']); END $$;
DROP FUNCTION IF EXISTS guiado_live_ranges(timestamptz, timestamptz);  -- de instalaciones anteriores
DROP FUNCTION IF EXISTS guiado_closed_days(timestamptz, timestamptz);

-- ---------------------------------------------------------------------------------------------------------------------
-- Vistas materializadas, sobre el resumen: recalcularlas cuesta lo mismo con mil sesiones que con diez millones. No tienen
-- seguridad por filas, así que son solo del dueño; tenant_id va al final.
-- ---------------------------------------------------------------------------------------------------------------------
DO $$ BEGIN PERFORM guiado_roll_up(now(), true); END $$;   -- que nazcan con contenido

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_daily_troubleshooting_summary AS
SELECT r.day AS date, r.total_sessions, r.resolved, r.escalated, r.active,
       round((r.duration_seconds / nullif(r.duration_count, 0) / 60)::numeric, 2)::double precision AS avg_duration_minutes,
       r.unique_problems, r.unique_customers, r.tenant_id
  FROM support_troubleshooting_rollup_daily r
 WHERE r.problem_id = '*'
  WITH DATA;
CREATE UNIQUE INDEX IF NOT EXISTS mv_daily_key ON mv_daily_troubleshooting_summary (tenant_id, date);

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_top_problems AS
SELECT r.problem_id AS detected_problem_id,
       (array_agg(r.problem_title ORDER BY r.last_started_at DESC) FILTER (WHERE r.problem_title IS NOT NULL))[1] AS detected_problem_title,
       sum(r.total_sessions)::bigint AS total_sessions,
       sum(r.resolved)::bigint AS resolved_count,
       sum(r.escalated)::bigint AS escalated_count,
       round(100 * sum(r.resolved) / sum(r.total_sessions), 2)::double precision AS resolution_rate,
       round((sum(r.duration_seconds) / nullif(sum(r.duration_count), 0) / 60)::numeric, 2)::double precision AS avg_duration_minutes,
       max(r.last_started_at) AS last_occurrence,
       r.tenant_id
  FROM support_troubleshooting_rollup_daily r
 WHERE r.problem_id NOT IN ('', '*')
 GROUP BY r.tenant_id, r.problem_id
  WITH DATA;
CREATE UNIQUE INDEX IF NOT EXISTS mv_top_problems_key ON mv_top_problems (tenant_id, detected_problem_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_feedback_summary AS
SELECT r.problem_id AS problem_detected_id,
       sum(r.feedback)::bigint AS total_feedback,
       round(sum(r.rating_sum) / sum(r.feedback), 2)::double precision AS avg_rating,
       sum(r.positive)::bigint AS positive_count,
       sum(r.negative)::bigint AS negative_count,
       sum(r.helpful)::bigint AS helpful_count,
       coalesce(round(100 * sum(r.helpful) / nullif(sum(r.helpful_answers), 0), 2), 0)::double precision AS helpful_percentage,
       max(r.last_feedback_at) AS last_feedback,
       r.tenant_id
  FROM support_troubleshooting_rollup_daily r
 WHERE r.problem_id NOT IN ('', '*')
 GROUP BY r.tenant_id, r.problem_id
HAVING sum(r.feedback) > 0
  WITH DATA;
CREATE UNIQUE INDEX IF NOT EXISTS mv_feedback_key ON mv_feedback_summary (tenant_id, problem_detected_id);

-- Pone al día el resumen y las tres vistas, sin estorbar a quien las lee. Solo el dueño puede.
CREATE OR REPLACE FUNCTION refresh_troubleshooting_views() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_days integer := guiado_roll_up();
    v_view text;
BEGIN
    FOREACH v_view IN ARRAY ARRAY['mv_daily_troubleshooting_summary', 'mv_top_problems', 'mv_feedback_summary'] LOOP
        -- Una vista sin contenido (creada WITH NO DATA, por ejemplo al restaurar una copia) no admite CONCURRENTLY.
        EXECUTE 'REFRESH MATERIALIZED VIEW '
             || CASE WHEN (SELECT relispopulated FROM pg_class WHERE oid = v_view::regclass) THEN 'CONCURRENTLY ' ELSE '' END || v_view;
    END LOOP;
    RETURN format('Vistas actualizadas; días recalculados: %s', v_days);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Caché, límites y medidas
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION cleanup_expired_cache() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_deleted integer;
BEGIN
    DELETE FROM support_troubleshooting_cache WHERE expires_at <= now();
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END $$;

-- guiado_take_requests: cuenta p_count peticiones de cada quien y devuelve cuántas llevaba ya en la ventana fija de p_minutes, y los
-- segundos que le quedan a esta. Es el único contador: la API lo llama con las peticiones que le llegan a la vez, check_rate_limit con una.
-- Quien ya se pasó de p_max solo lee: un abuso no llega a escribir. Las filas se toman por orden, para que dos procesos no se esperen
-- el uno al otro.
CREATE OR REPLACE FUNCTION guiado_take_requests(p_tenant text, p_identifiers text[], p_type text, p_counts integer[], p_max integer, p_minutes integer)
RETURNS TABLE (taker text, used_before integer, left_s double precision) LANGUAGE plpgsql AS $$
DECLARE
    v_now      timestamptz := clock_timestamp();
    v_window   timestamptz := to_timestamp(floor(extract(epoch FROM v_now)::double precision / (60.0 * p_minutes)) * 60.0 * p_minutes);
    v_count    integer;
BEGIN
    left_s := extract(epoch FROM v_window - v_now)::double precision + 60.0 * p_minutes;
    FOR taker, v_count IN SELECT x.i, x.n FROM unnest(p_identifiers, p_counts) x (i, n) ORDER BY x.i LOOP
        SELECT r.requests INTO used_before FROM support_troubleshooting_rate_limits r
         WHERE r.tenant_id = p_tenant AND r.identifier = taker AND r.limit_type = p_type
           AND r.window_minutes = p_minutes AND r.window_start = v_window;
        IF used_before IS NULL OR used_before <= p_max THEN
            INSERT INTO support_troubleshooting_rate_limits AS r (tenant_id, identifier, limit_type, window_start, window_minutes, requests)
            VALUES (p_tenant, taker, p_type, v_window, p_minutes, v_count)
            ON CONFLICT (tenant_id, identifier, limit_type, window_minutes, window_start)
                DO UPDATE SET requests = r.requests + v_count WHERE r.requests <= p_max
            RETURNING r.requests - v_count INTO used_before;
            used_before := coalesce(used_before, p_max + 1);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- check_rate_limit: cuenta esta petición y dice si cabe (true) en p_max por cada ventana fija de p_minutes.
CREATE OR REPLACE FUNCTION check_rate_limit(p_tenant text, p_identifier text, p_type text, p_max integer, p_minutes integer)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_identifier IS NULL OR p_type IS NULL OR p_max IS NULL OR p_max < 0 OR p_minutes IS NULL OR p_minutes < 1 THEN
        RAISE EXCEPTION 'Límite no válido: identificador %, tipo %, máximo % (de 0 en adelante), minutos % (de 1 en adelante).',
            p_identifier, p_type, p_max, p_minutes USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN (SELECT t.used_before < p_max FROM guiado_take_requests(p_tenant, ARRAY[p_identifier], p_type, ARRAY[1], p_max, p_minutes) t);
END $$;

-- Lo mismo para el inquilino de la conexión.
CREATE OR REPLACE FUNCTION check_rate_limit(p_identifier text, p_type text, p_max integer, p_minutes integer) RETURNS boolean
LANGUAGE sql AS $$ SELECT check_rate_limit(guiado_tenant(), p_identifier, p_type, p_max, p_minutes) $$;

-- Medidas de las últimas p_hours horas; p_name NULL, todas.
CREATE OR REPLACE FUNCTION get_performance_stats(p_name text DEFAULT NULL, p_hours integer DEFAULT 24)
RETURNS TABLE (
    metric_name text, samples bigint, avg double precision, p50 double precision, p95 double precision,
    p99 double precision, min double precision, max double precision
) LANGUAGE sql STABLE AS $$
    SELECT m.metric_name, count(*), avg(m.metric_value),
           percentile_cont(0.50) WITHIN GROUP (ORDER BY m.metric_value),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY m.metric_value),
           percentile_cont(0.99) WITHIN GROUP (ORDER BY m.metric_value),
           min(m.metric_value), max(m.metric_value)
      FROM support_troubleshooting_performance_metrics m
     WHERE m.tenant_id = guiado_tenant() AND (p_name IS NULL OR m.metric_name = p_name)
       AND m.recorded_at >= now() - make_interval(hours => least(p_hours, 876000))
     GROUP BY m.metric_name
     ORDER BY m.metric_name
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Mantenimiento de cada hora: cada tarea va por su lado; si una falla, su fila dice por qué y las demás siguen. Como dueño atiende a
-- todos los inquilinos.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_maintain(p_task text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_rows  bigint := 0;
    v_table text;
BEGIN
    CASE p_task
        WHEN 'cleanup_expired_cache' THEN
            v_rows := cleanup_expired_cache();
        WHEN 'cleanup_rate_limits' THEN
            DELETE FROM support_troubleshooting_rate_limits
             WHERE window_start < now() - interval '1 hour' AND window_start + make_interval(mins => window_minutes) < now() - interval '1 hour';
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        WHEN 'cleanup_idempotency' THEN
            DELETE FROM support_troubleshooting_idempotency WHERE created_at < now() - interval '48 hours';
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        WHEN 'roll_up' THEN
            v_rows := guiado_roll_up(now(), true);
        WHEN 'refresh_views' THEN
            PERFORM refresh_troubleshooting_views();
            v_rows := (SELECT count(*) FROM mv_daily_troubleshooting_summary) + (SELECT count(*) FROM mv_top_problems)
                    + (SELECT count(*) FROM mv_feedback_summary);
        WHEN 'analyze' THEN
            FOREACH v_table IN ARRAY ARRAY[
                'support_tickets', 'support_troubleshooting_sessions', 'support_troubleshooting_attempts', 'support_troubleshooting_decisions',
                'support_troubleshooting_feedback', 'support_troubleshooting_outbox', 'support_troubleshooting_deliveries',
                'support_webhook_events', 'support_troubleshooting_notifications', 'support_troubleshooting_audit_log',
                'support_troubleshooting_rollup_daily', 'support_troubleshooting_rollup_steps', 'support_troubleshooting_rollup_patterns', 'mv_daily_troubleshooting_summary'
            ] LOOP
                EXECUTE 'ANALYZE ' || v_table;
                v_rows := v_rows + 1;
            END LOOP;
    END CASE;
    RETURN v_rows;
END $$;

CREATE OR REPLACE FUNCTION maintenance_troubleshooting_tables() RETURNS TABLE (task text, result text, rows_affected bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH task IN ARRAY ARRAY['cleanup_expired_cache', 'cleanup_rate_limits', 'cleanup_idempotency', 'roll_up', 'refresh_views', 'analyze'] LOOP
        BEGIN
            rows_affected := guiado_maintain(task);
            result := 'ok';
        EXCEPTION WHEN OTHERS THEN
            rows_affected := 0;
            result := 'error: ' || SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Búsqueda de sesiones por lo que contó el cliente: la mejor coincidencia primero y, a igualdad, la más nueva (los identificadores
-- crecen con el tiempo). p_text admite "frase exacta", or y -palabra, y cualquier otra cosa que se escriba. De 1 a 1000 filas.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION search_troubleshooting_sessions(p_text text, p_limit integer DEFAULT 20)
RETURNS TABLE (
    session_id uuid, customer_email text, problem_description text, detected_problem_title text, status text,
    started_at timestamptz, rank real
) LANGUAGE sql STABLE AS $$
    SELECT s.session_id, s.customer_email, s.problem_description, s.detected_problem_title, s.status, s.started_at, best.rank
      FROM (SELECT x.session_id, ts_rank(x.document, q.query) AS rank
              FROM (SELECT websearch_to_tsquery('pg_catalog.spanish'::regconfig, left(p_text, 1000))
                        || websearch_to_tsquery('pg_catalog.spanish'::regconfig, guiado_fold(left(p_text, 1000)))) q (query)
              JOIN support_troubleshooting_search x ON x.document @@ q.query AND x.tenant_id = guiado_tenant()
             ORDER BY 2 DESC, 1 DESC
             LIMIT least(greatest(coalesce(p_limit, 20), 1), 1000)) best
      JOIN support_troubleshooting_sessions s ON s.tenant_id = guiado_tenant() AND s.session_id = best.session_id
     ORDER BY best.rank DESC, s.session_id DESC
$$;

-- Con pg_cron instalado en esta base, las vistas se refrescan cada hora. Sin pg_cron lo hace el proceso de guiado.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        EXECUTE $q$SELECT cron.schedule('guiado-refresh-views', '0 * * * *', 'SELECT refresh_troubleshooting_views();')$q$;
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_function OR invalid_schema_name OR feature_not_supported THEN
    NULL;
END $$;

COMMIT;
