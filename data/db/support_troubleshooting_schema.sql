-- =====================================================================================================================
-- guiado · Esquema 1 de 5: sesiones, pasos, intentos, versiones de guías, eventos
--
-- Orden de ejecución: este archivo va primero. Se puede ejecutar cuantas veces haga falta: no borra ni duplica nada.
--   psql $DATABASE_URL < data/db/support_troubleshooting_schema.sql
-- Requiere PostgreSQL 12 o posterior y ninguna extensión.
--
-- Ideas que conviene conocer antes de leer:
--   * Los identificadores son UUIDv7 y los crea la aplicación: crecen con el tiempo y no dependen de secuencias.
--   * Todas las tablas llevan tenant_id, que va primero en cada clave y está en cada JOIN. Sin configurar nada, el inquilino es
--     'default'. Las funciones de guiado reciben el inquilino como argumento; el ajuste guiado.tenant es solo el segundo candado
--     (la seguridad por filas), el valor por omisión de la columna y lo que usa quien pregunta con psql.
--   * Los hechos se agregan y no se corrigen: una corrección es una fila nueva. Las tasas siempre se calculan.
--   * Cada respuesta del cliente se guarda con UNA llamada a guiado_commit(): la sesión, el intento, la decisión, el
--     evento y la auditoría quedan juntos o no queda nada.
-- =====================================================================================================================
BEGIN;
SET LOCAL client_min_messages = warning;

-- Dos instalaciones a la vez esperan su turno; el candado se suelta al terminar la transacción.
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207105); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Roles. El rol que ejecuta este archivo es el dueño y lo ve todo. guiado_app es el rol con el que trabaja la aplicación:
-- solo ve su inquilino. Si este usuario no puede crear roles, todo funciona igual con el rol dueño.
-- ---------------------------------------------------------------------------------------------------------------------
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guiado_app') THEN
        CREATE ROLE guiado_app NOLOGIN;
    END IF;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
    NULL;
END $$;
-- Sin ser miembro, la aplicación no podría tomar el rol (un superusuario no lo necesita).
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'guiado_app') AND NOT pg_has_role(current_user, 'guiado_app', 'MEMBER') THEN
        EXECUTE format('GRANT guiado_app TO %I', current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$;

-- Inquilino de la transacción: lo fija la aplicación con set_config('guiado.tenant', …, true).
CREATE OR REPLACE FUNCTION guiado_tenant() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('guiado.tenant', true), ''), 'default') $$;

-- guiado_enter: el inquilino de lo que sigue en la transacción, que es el que nombra el argumento de quien la llama. A quien la seguridad
-- por filas sujeta a un inquilino no lo deja pasar a otro: si no, bastaría con nombrarlo.
CREATE OR REPLACE FUNCTION guiado_enter(p_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(nullif(current_setting('guiado.tenant', true), ''), 'default') = p_tenant THEN
        RETURN;
    END IF;
    IF row_security_active('support_troubleshooting_sessions') THEN
        RAISE EXCEPTION 'Esta transacción trabaja para otra organización, no para %.', quote_literal(p_tenant) USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('guiado.tenant', p_tenant, true);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Tickets del sistema de soporte. Una sesión puede nombrar un ticket que esta tabla no conoce: por eso no hay clave
-- foránea. Al escalar, guiado crea o actualiza aquí la fila del ticket.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_tickets (
    tenant_id       text        NOT NULL DEFAULT guiado_tenant(),
    ticket_id       text        NOT NULL,
    customer_email  text,
    customer_name   text,
    subject         text,
    description     text,
    status          text        NOT NULL DEFAULT 'open',
    priority        text        NOT NULL DEFAULT 'normal',
    category        text,
    assigned_to     text,
    notes           text,
    session_id      uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    resolved_at     timestamptz,
    metadata        jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, ticket_id)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Versiones de las guías: inmutables, identificadas por el resumen (hash) de su contenido. Una sesión sigue para siempre
-- la versión con la que empezó, aunque la guía cambie.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_guide_versions (
    guide_version_id uuid        NOT NULL,
    tenant_id        text        NOT NULL DEFAULT guiado_tenant(),
    scope            text        NOT NULL DEFAULT '',          -- '' = publicada para todos; otro valor = archivo privado de un agente
    guide_id         text        NOT NULL,
    version          integer     NOT NULL,
    content_hash     text        NOT NULL,                     -- SHA-256 en hexadecimal de la entrada tal como se escribió
    parent_id        uuid,                                     -- versión anterior de la misma guía
    author           text,
    published_at     timestamptz NOT NULL DEFAULT now(),
    content          jsonb       NOT NULL,                     -- guía completa, con step_id y revisión en cada paso
    CONSTRAINT guide_versions_key PRIMARY KEY (tenant_id, guide_version_id),
    CONSTRAINT guide_versions_hash_key UNIQUE (tenant_id, scope, guide_id, content_hash),
    CONSTRAINT guide_versions_version_key UNIQUE (tenant_id, scope, guide_id, version)
);

-- Cuáles son guías de pasos: lo pregunta el resumen, y leer su contenido para saberlo sería lo que más cuesta.
CREATE INDEX IF NOT EXISTS guide_versions_of_steps ON support_troubleshooting_guide_versions (tenant_id, guide_version_id)
    WHERE coalesce(content ->> 'kind', 'guide') = 'guide';

-- ---------------------------------------------------------------------------------------------------------------------
-- Qué versión de cada guía está en uso: lo dice esta tabla, y no el archivo del que salió ni el número más alto. Todos los procesos
-- arman su índice con ella. Las versiones no se borran: una sesión sigue con la suya, y volver a una anterior es publicarla otra vez.
--   in_use: la que se usa, una por guía · draft: borrador · approved: borrador aprobado · former: se usó antes ·
--   discarded: borrador descartado
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_guide_publications (
    tenant_id        text        NOT NULL DEFAULT guiado_tenant(),
    scope            text        NOT NULL DEFAULT '',
    guide_id         text        NOT NULL,
    guide_version_id uuid        NOT NULL,
    state            text        NOT NULL CHECK (state IN ('in_use', 'draft', 'approved', 'former', 'discarded')),
    origin           text        NOT NULL,                     -- de dónde vino su texto: file, editor, import…
    changed_by       text        NOT NULL,                     -- quién la puso en este estado
    changed_at       timestamptz NOT NULL DEFAULT now(),
    revision         bigint      NOT NULL DEFAULT 0,           -- de support_knowledge_revisions.guides, al cambiar de estado
    conflict         boolean     NOT NULL DEFAULT false,       -- el archivo cambió sin conocer este texto, y alguien debe decidir
    PRIMARY KEY (tenant_id, scope, guide_id, guide_version_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS guide_publications_in_use ON support_guide_publications (tenant_id, scope, guide_id) WHERE state = 'in_use';
CREATE INDEX IF NOT EXISTS guide_publications_by_revision ON support_guide_publications (tenant_id, scope, revision);
CREATE INDEX IF NOT EXISTS guide_publications_conflicts ON support_guide_publications (tenant_id, scope) WHERE conflict;

-- Quién publicó, retiró, guardó, aprobó o descartó qué versión, y cuándo. Solo se agrega.
CREATE TABLE IF NOT EXISTS support_guide_publication_log (
    tenant_id        text        NOT NULL DEFAULT guiado_tenant(),
    scope            text        NOT NULL DEFAULT '',
    guide_id         text        NOT NULL,
    revision         bigint      NOT NULL,
    guide_version_id uuid        NOT NULL,
    action           text        NOT NULL CHECK (action IN ('publish', 'withdraw', 'draft', 'approve', 'discard', 'conflict')),
    by               text        NOT NULL,
    at               timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, guide_id, revision, guide_version_id, action)
);

-- Lo último que se tomó del archivo de una base de conocimiento, guía por guía: así se sabe qué se editó en él, y lo que no se editó
-- no pisa lo que otros publicaron mientras tanto.
CREATE TABLE IF NOT EXISTS support_guide_files (
    tenant_id    text NOT NULL DEFAULT guiado_tenant(),
    scope        text NOT NULL DEFAULT '',
    guide_id     text NOT NULL,
    content_hash text NOT NULL,
    PRIMARY KEY (tenant_id, scope, guide_id)
);

-- Una fila por base de conocimiento: dice con un número si cambiaron las guías, y qué ajuste de la detección es el último. Todos los
-- procesos la consultan dos veces por segundo. La cambian quienes publican o ajustan, uno detrás de otro; las sesiones, nunca.
CREATE TABLE IF NOT EXISTS support_knowledge_revisions (
    tenant_id text   NOT NULL DEFAULT guiado_tenant(),
    scope     text   NOT NULL DEFAULT '',
    guides    bigint NOT NULL DEFAULT 0,                       -- sube con cada publicación
    model     text   NOT NULL DEFAULT '',                      -- versión del último ajuste
    files     bigint NOT NULL DEFAULT 0,                       -- sube cada vez que se toma algo del archivo
    file      text,                                            -- cuál fue: su ruta, o '' si es el que trae el programa
    PRIMARY KEY (tenant_id, scope)
) WITH (fillfactor = 50);

-- Toma el turno para cambiar las publicaciones de una base de conocimiento y devuelve el número del cambio. Quien publica espera a
-- quien publica, y a nadie más.
CREATE OR REPLACE FUNCTION guiado_next_revision(p_tenant text, p_scope text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO support_knowledge_revisions AS r (tenant_id, scope, guides) VALUES (p_tenant, p_scope, 1)
    ON CONFLICT (tenant_id, scope) DO UPDATE SET guides = r.guides + 1
    RETURNING r.guides
$$;

-- guiado_publish_file: pone en uso lo que se editó en el archivo (p_ids, p_hashes y p_versions, en paralelo) y retira lo que se quitó de
-- él (p_gone); todo o nada. Lo que otros hayan escrito de esas guías queda como borrador en conflicto. p_files es el número de la
-- última toma que conoce quien llama: si ya hubo otra, no hace nada y devuelve NULL. Si no, devuelve las guías en conflicto.
CREATE OR REPLACE FUNCTION guiado_publish_file(p_tenant text, p_scope text, p_file text, p_files bigint, p_by text, p_at timestamptz,
                                               p_ids text[], p_hashes text[], p_versions uuid[], p_gone text[])
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_revision  bigint;
    v_files     bigint;
    v_conflicts text[];
BEGIN
    PERFORM guiado_enter(p_tenant);
    v_revision := guiado_next_revision(p_tenant, p_scope);
    SELECT r.files INTO v_files FROM support_knowledge_revisions r WHERE r.tenant_id = p_tenant AND r.scope = p_scope;
    IF v_files <> p_files THEN
        UPDATE support_knowledge_revisions SET guides = guides - 1 WHERE tenant_id = p_tenant AND scope = p_scope;
        RETURN NULL;
    END IF;

    WITH edited AS (
        SELECT e.guide_id, e.version_id FROM unnest(p_ids, p_versions) AS e (guide_id, version_id)
        UNION ALL
        SELECT g.guide_id, NULL FROM unnest(p_gone) AS g (guide_id)
    ), kept AS (
        UPDATE support_guide_publications p
           SET state = 'draft', conflict = true, changed_by = p_by, changed_at = p_at, revision = v_revision
          FROM edited e
         WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = e.guide_id AND p.origin <> 'file'
           AND p.state IN ('in_use', 'draft', 'approved') AND p.guide_version_id IS DISTINCT FROM e.version_id
        RETURNING p.guide_id)
    SELECT coalesce(array_agg(DISTINCT k.guide_id ORDER BY k.guide_id), '{}') INTO v_conflicts FROM kept k;

    UPDATE support_guide_publications p
       SET state = 'former', changed_by = p_by, changed_at = p_at, revision = v_revision
      FROM unnest(p_ids || p_gone, p_versions) AS e (guide_id, version_id)
     WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = e.guide_id AND p.state = 'in_use'
       AND p.guide_version_id IS DISTINCT FROM e.version_id;

    INSERT INTO support_guide_publications AS p (tenant_id, scope, guide_id, guide_version_id, state, origin, changed_by, changed_at, revision)
    SELECT p_tenant, p_scope, e.guide_id, e.version_id, 'in_use', 'file', p_by, p_at, v_revision
      FROM unnest(p_ids, p_versions) AS e (guide_id, version_id)
    ON CONFLICT (tenant_id, scope, guide_id, guide_version_id) DO UPDATE
       SET state = 'in_use', origin = 'file', conflict = false, changed_by = excluded.changed_by, changed_at = excluded.changed_at,
           revision = excluded.revision
     WHERE p.state <> 'in_use' OR p.origin <> 'file';

    INSERT INTO support_guide_publication_log (tenant_id, scope, guide_id, revision, guide_version_id, action, by, at)
    SELECT p_tenant, p_scope, p.guide_id, v_revision, p.guide_version_id,
           CASE p.state WHEN 'in_use' THEN 'publish' WHEN 'draft' THEN 'conflict' ELSE 'withdraw' END, p_by, p_at
      FROM support_guide_publications p
     WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.revision = v_revision
       AND (p.state <> 'former' OR p.guide_id = ANY (p_gone));

    INSERT INTO support_guide_files AS f (tenant_id, scope, guide_id, content_hash)
    SELECT p_tenant, p_scope, e.guide_id, e.content_hash FROM unnest(p_ids, p_hashes) AS e (guide_id, content_hash)
    ON CONFLICT (tenant_id, scope, guide_id) DO UPDATE SET content_hash = excluded.content_hash;
    DELETE FROM support_guide_files f WHERE f.tenant_id = p_tenant AND f.scope = p_scope AND f.guide_id = ANY (p_gone);
    UPDATE support_knowledge_revisions r SET files = r.files + 1, file = p_file WHERE r.tenant_id = p_tenant AND r.scope = p_scope;
    RETURN v_conflicts;
END $$;

-- guiado_publish: cambia el estado de una versión de una guía, con su línea en el registro. in_use la pone en uso en lugar de la de
-- ahora, y con eso alguien decidió: los conflictos de esa guía quedan resueltos. former retira la que se usa. Devuelve false si ya
-- estaba así, o si lo que se pide no se puede: guardar o aprobar lo que está en uso, retirar o descartar lo que no lo está.
CREATE OR REPLACE FUNCTION guiado_publish(p_tenant text, p_scope text, p_guide text, p_version uuid, p_state text, p_origin text,
                                          p_by text, p_at timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_revision bigint;
    v_was      text;
    v_settled  boolean := false;
BEGIN
    PERFORM guiado_enter(p_tenant);
    v_revision := guiado_next_revision(p_tenant, p_scope);
    SELECT p.state INTO v_was FROM support_guide_publications p
     WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = p_guide AND p.guide_version_id = p_version;
    IF p_state = 'in_use' THEN
        UPDATE support_guide_publications p SET conflict = false
         WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = p_guide AND p.conflict;
        v_settled := FOUND;
        UPDATE support_guide_publications p SET state = 'former', changed_by = p_by, changed_at = p_at, revision = v_revision
         WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = p_guide AND p.state = 'in_use' AND p.guide_version_id <> p_version;
    END IF;
    IF v_was IS NOT DISTINCT FROM p_state OR NOT (CASE p_state
            WHEN 'in_use' THEN true
            WHEN 'draft' THEN v_was IS DISTINCT FROM 'in_use'
            WHEN 'approved' THEN v_was = 'draft'
            WHEN 'former' THEN v_was = 'in_use'
            ELSE v_was IN ('draft', 'approved') END) THEN
        RETURN v_settled;
    END IF;
    INSERT INTO support_guide_publications AS p (tenant_id, scope, guide_id, guide_version_id, state, origin, changed_by, changed_at, revision)
    VALUES (p_tenant, p_scope, p_guide, p_version, p_state, p_origin, p_by, p_at, v_revision)
    ON CONFLICT (tenant_id, scope, guide_id, guide_version_id) DO UPDATE
       SET state = excluded.state, changed_by = excluded.changed_by, changed_at = excluded.changed_at, revision = excluded.revision,
           conflict = p.conflict AND excluded.state IN ('draft', 'approved');
    INSERT INTO support_guide_publication_log (tenant_id, scope, guide_id, revision, guide_version_id, action, by, at)
    VALUES (p_tenant, p_scope, p_guide, v_revision, p_version,
            CASE p_state WHEN 'in_use' THEN 'publish' WHEN 'former' THEN 'withdraw' WHEN 'approved' THEN 'approve'
                         WHEN 'discarded' THEN 'discard' ELSE 'draft' END, p_by, p_at);
    RETURN true;
END $$;

-- guiado_publish_import: pone en uso todas las guías de una importación (p_ids y p_versions, en paralelo) y retira las que deja fuera
-- (p_gone); lo que ya está así no se toca. Como con guiado_publish, alguien decidió: los conflictos de esas guías quedan resueltos. No
-- toca support_guide_files: para el archivo nada cambió, y no deshace la importación. Devuelve cuántas guías cambiaron.
CREATE OR REPLACE FUNCTION guiado_publish_import(p_tenant text, p_scope text, p_by text, p_at timestamptz, p_ids text[], p_versions uuid[],
                                                 p_gone text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_revision bigint;
    v_changed  bigint;
BEGIN
    PERFORM guiado_enter(p_tenant);
    v_revision := guiado_next_revision(p_tenant, p_scope);
    UPDATE support_guide_publications p SET conflict = false
      FROM unnest(p_ids) AS e (guide_id)
     WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = e.guide_id AND p.conflict;

    UPDATE support_guide_publications p
       SET state = 'former', changed_by = p_by, changed_at = p_at, revision = v_revision
      FROM unnest(p_ids || p_gone, p_versions) AS e (guide_id, version_id)
     WHERE p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = e.guide_id AND p.state = 'in_use'
       AND p.guide_version_id IS DISTINCT FROM e.version_id;

    INSERT INTO support_guide_publications AS p (tenant_id, scope, guide_id, guide_version_id, state, origin, changed_by, changed_at, revision)
    SELECT p_tenant, p_scope, e.guide_id, e.version_id, 'in_use', p_by, p_by, p_at, v_revision
      FROM unnest(p_ids, p_versions) AS e (guide_id, version_id)
    ON CONFLICT (tenant_id, scope, guide_id, guide_version_id) DO UPDATE
       SET state = 'in_use', conflict = false, changed_by = excluded.changed_by, changed_at = excluded.changed_at,
           revision = excluded.revision
     WHERE p.state <> 'in_use';

    INSERT INTO support_guide_publication_log (tenant_id, scope, guide_id, revision, guide_version_id, action, by, at)
    SELECT p_tenant, p_scope, e.guide_id, v_revision, p.guide_version_id, CASE p.state WHEN 'in_use' THEN 'publish' ELSE 'withdraw' END,
           p_by, p_at
      FROM unnest(p_ids || p_gone, p_versions) AS e (guide_id, version_id)
      JOIN support_guide_publications p ON p.tenant_id = p_tenant AND p.scope = p_scope AND p.guide_id = e.guide_id
     WHERE p.revision = v_revision AND (p.state = 'in_use' OR e.version_id IS NULL);
    GET DIAGNOSTICS v_changed = ROW_COUNT;
    RETURN v_changed;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Sesiones: un cliente, un problema, una guía.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_sessions (
    session_id             uuid        NOT NULL,
    tenant_id              text        NOT NULL DEFAULT guiado_tenant(),
    ticket_id              text,
    customer_email         text,                               -- NULL: empezó sin correo; puede darlo después
    customer_name          text,
    problem_description    text        NOT NULL,
    detected_problem_id    text,
    detected_problem_title text,
    status                 text        NOT NULL DEFAULT 'started'
        CHECK (status IN ('started', 'in_progress', 'resolved', 'needs_escalation', 'escalated', 'abandoned')),
    current_step           integer     NOT NULL DEFAULT 0,     -- pasos superados: de 0 a total_steps
    total_steps            integer     NOT NULL DEFAULT 0,
    started_at             timestamptz NOT NULL DEFAULT now(),
    resolved_at            timestamptz,
    escalated_at           timestamptz,
    updated_at             timestamptz NOT NULL DEFAULT now(), -- última actividad
    notes                  text,
    metadata               jsonb       NOT NULL DEFAULT '{}',
    -- Lo que guiado agrega
    version                integer     NOT NULL DEFAULT 1,     -- sube con cada cambio: dos respuestas a la vez no se pisan
    failures               integer     NOT NULL DEFAULT 0,     -- intentos fallidos en toda la sesión
    attempts               integer     NOT NULL DEFAULT 0,     -- intentos en total
    decisions              integer     NOT NULL DEFAULT 0,     -- ofertas hechas al cliente
    guide_version_id       uuid,
    customer_id            text,                               -- seudónimo estable del cliente: no revela su correo
    language               text        NOT NULL DEFAULT 'es',
    channel                text,                               -- api, facade, terminal, web…
    source                 text,                               -- lo que indique quien llama
    device                 text,
    product                text,
    detector_version       text,
    detection_confidence   double precision,
    alternatives           jsonb       NOT NULL DEFAULT '[]',  -- otros problemas posibles, con su confianza
    clarifications         jsonb       NOT NULL DEFAULT '[]',  -- qué se preguntó sobre el problema y qué dijo el cliente
    already_tried          jsonb       NOT NULL DEFAULT '[]',  -- pasos que el cliente dijo haber probado
    policy                 text,                               -- quién eligió el primer paso de la guía; el de cada paso, en su decisión
    policy_version         text,
    resolution             text        CHECK (resolution IN ('confirmed', 'assumed')),
    ended_at               timestamptz,
    ended_how              text        CHECK (ended_how IN ('solved', 'escalated', 'abandoned', 'expired')),
    ended_by               text        CHECK (ended_by IN ('customer', 'machine', 'agent', 'assumed')),
    escalation_reason      text,
    recontact_until        timestamptz,                        -- hasta cuándo un segundo contacto desmiente la solución
    recontact_of           uuid,                               -- sesión resuelta de la que esta es un segundo contacto
    true_problem_id        text,                               -- lo que el agente humano dijo al cerrar
    true_step_id           text,
    agent_minutes          double precision,
    urgent                 boolean     NOT NULL DEFAULT false, -- llamó a una persona antes de cualquier paso
    offered_step_id        text,                               -- el paso que espera respuesta; NULL si no queda ninguno
    answers                jsonb       NOT NULL DEFAULT '[]',  -- qué pasó con los pasos de esta guía, en orden: step_id, outcome, action
    message_kind           text        NOT NULL DEFAULT 'problem'  -- qué es lo que escribió: solo problem cuenta un problema
        CHECK (message_kind IN ('problem', 'solved', 'person', 'nothing_said', 'other')),
    also_named             jsonb       NOT NULL DEFAULT '[]',  -- los problemas que nombró juntos: problem_id, title
    unknown_codes          jsonb       NOT NULL DEFAULT '[]',  -- los códigos que nombró y ninguna guía tiene
    variant                text,                               -- la variante de la guía que usa el cliente: windows, wifi…; NULL si no se sabe
    offered_why            jsonb,                              -- por qué ese paso: kind, minutes; NULL si no se dice nada
    asked_question_id      text,                               -- la pregunta de la guía que espera respuesta junto al paso; NULL si ninguna
    guide_answers          jsonb       NOT NULL DEFAULT '[]',  -- qué se sabe de las preguntas de esta guía, en orden: question_id, answer_id (null si
                                                               -- la pasó por alto), after (intentos con esta guía antes), known (sin preguntar)
    CONSTRAINT sessions_key PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT sessions_guide_version_fkey FOREIGN KEY (tenant_id, guide_version_id)
        REFERENCES support_troubleshooting_guide_versions (tenant_id, guide_version_id),
    CONSTRAINT sessions_step_range CHECK (current_step >= 0 AND total_steps >= 0 AND current_step <= total_steps)
) WITH (fillfactor = 80);
ALTER TABLE support_troubleshooting_sessions  -- instalaciones anteriores: las vistas y funciones de abajo ya las leen
    ADD COLUMN IF NOT EXISTS message_kind text NOT NULL DEFAULT 'problem'
        CHECK (message_kind IN ('problem', 'solved', 'person', 'nothing_said', 'other')),
    ADD COLUMN IF NOT EXISTS also_named jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS unknown_codes jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS variant text,
    ADD COLUMN IF NOT EXISTS offered_why jsonb,
    ADD COLUMN IF NOT EXISTS urgent boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS offered_step_id text,
    ADD COLUMN IF NOT EXISTS asked_question_id text,
    ADD COLUMN IF NOT EXISTS guide_answers jsonb NOT NULL DEFAULT '[]';

CREATE INDEX IF NOT EXISTS sessions_by_start ON support_troubleshooting_sessions (tenant_id, started_at, session_id);
CREATE INDEX IF NOT EXISTS sessions_by_customer ON support_troubleshooting_sessions (tenant_id, customer_email, started_at);
CREATE INDEX IF NOT EXISTS sessions_by_ticket ON support_troubleshooting_sessions (tenant_id, ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS sessions_by_problem ON support_troubleshooting_sessions (tenant_id, detected_problem_id, started_at);
-- Solo las sesiones vivas: pequeño aunque la tabla crezca. Lo usan el panel y el trabajo que marca las abandonadas. Ningún índice
-- lleva updated_at ni otro dato que cambie con cada respuesta: así PostgreSQL guarda la respuesta sin tocar los índices (HOT), en el
-- sitio que fillfactor deja libre en la misma página.
CREATE INDEX IF NOT EXISTS sessions_live ON support_troubleshooting_sessions (tenant_id, status, started_at)
    WHERE status IN ('started', 'in_progress', 'needs_escalation');
CREATE INDEX IF NOT EXISTS sessions_recontact ON support_troubleshooting_sessions (tenant_id, customer_id, resolved_at)
    WHERE status = 'resolved';
-- Los segundos contactos de una sesión: pocos.
CREATE INDEX IF NOT EXISTS sessions_recontacts ON support_troubleshooting_sessions (tenant_id, recontact_of) WHERE recontact_of IS NOT NULL;
-- Para buscarlas por estado. session_id va al final para que las páginas salgan en orden sin ordenar.
CREATE INDEX IF NOT EXISTS sessions_by_status ON support_troubleshooting_sessions (tenant_id, status, started_at, session_id);
-- La referencia corta de una sesión es el final de su identificador, que es al azar (el principio es la hora).
CREATE INDEX IF NOT EXISTS sessions_by_reference ON support_troubleshooting_sessions
    (tenant_id, (reverse(right(session_id::text, 12)) COLLATE "C"));
-- Lo que terminó en la última hora, para el panel. Una sesión viva no está en ellos.
CREATE INDEX IF NOT EXISTS sessions_by_resolution ON support_troubleshooting_sessions (tenant_id, resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS sessions_by_escalation ON support_troubleshooting_sessions (tenant_id, escalated_at) WHERE escalated_at IS NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------------
-- Decisiones: cada oferta hecha al cliente (un paso, una pregunta, elegir entre varios problemas, pasar con una persona). Solo se
-- agregan.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_decisions (
    session_id    uuid        NOT NULL,
    number        integer     NOT NULL,
    tenant_id     text        NOT NULL DEFAULT guiado_tenant(),
    offered_at    timestamptz NOT NULL DEFAULT now(),
    kind          text        NOT NULL CHECK (kind IN ('step', 'question', 'options', 'escalation')),
    step_number   integer,                            -- posición en esta sesión, desde 1
    step_id       text,
    step_revision integer,
    candidates    jsonb       NOT NULL DEFAULT '[]',  -- opciones consideradas (problemas, pasos), con su puntuación
    rule          text        NOT NULL,               -- qué regla decidió
    explored      boolean,                            -- si se eligió para aprender de ello
    probability   double precision,                   -- con la que se eligió; NULL en las de versiones anteriores: era la única
    policy        text,                               -- quién eligió entre los pasos; NULL si una regla no dejó elegir
    policy_version text,
    CONSTRAINT decisions_key PRIMARY KEY (tenant_id, session_id, number),
    CONSTRAINT decisions_session_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES support_troubleshooting_sessions (tenant_id, session_id) ON DELETE CASCADE
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Intentos: la respuesta del cliente a una oferta.
--   outcome: solved (el problema desapareció) · done (el paso salió bien) · not_helped (lo hizo y no sirvió) ·
--            could_not (no pudo hacerlo)
--   success: true si el paso se hizo (solved, done, not_helped); false si no se pudo.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_attempts (
    id               uuid        NOT NULL,
    session_id       uuid        NOT NULL,
    tenant_id        text        NOT NULL DEFAULT guiado_tenant(),
    step_number      integer     NOT NULL,            -- posición en esta sesión, desde 1; el paso lo dice step_id
    step_title       text,
    success          boolean     NOT NULL,
    notes            text,
    attempted_at     timestamptz NOT NULL DEFAULT now(),
    duration_seconds double precision,                -- desde que se ofreció el paso hasta la respuesta
    step_type        text,
    -- Lo que guiado agrega
    step_id          text,
    step_revision    integer,
    outcome          text        NOT NULL DEFAULT 'done' CHECK (outcome IN ('solved', 'done', 'not_helped', 'could_not')),
    decision_number  integer,
    first_seen_at    timestamptz,
    active_seconds   double precision,                -- tiempo con la página a la vista
    source           text        NOT NULL DEFAULT 'customer' CHECK (source IN ('customer', 'machine', 'agent')),
    reason           text,                            -- por qué no pudo (could_not)
    corrects         uuid,                            -- intento anterior al que esta fila corrige
    guide_version_id uuid,                            -- la guía de entonces: la sesión puede seguir otra después
    author_position  integer,                         -- lugar del paso en la guía, desde 1; NULL: el mismo que step_number
    retracted_at     timestamptz,                     -- el cliente la deshizo: la fila se queda y no cuenta en ninguna parte
    CONSTRAINT attempts_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT attempts_session_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES support_troubleshooting_sessions (tenant_id, session_id) ON DELETE CASCADE
);
DO $$
BEGIN  -- instalaciones anteriores; lo demás que cambió está en migrations/0065
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'support_troubleshooting_attempts'::regclass AND attname = 'author_position') THEN
        ALTER TABLE support_troubleshooting_attempts ADD COLUMN author_position integer;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'support_troubleshooting_attempts'::regclass AND attname = 'retracted_at') THEN
        ALTER TABLE support_troubleshooting_attempts ADD COLUMN retracted_at timestamptz;
    END IF;
END $$;

DO $$
BEGIN
    IF to_regclass('attempts_by_session') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE INDEX IF NOT EXISTS attempts_of_session ON support_troubleshooting_attempts (tenant_id, session_id, attempted_at);
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS attempts_corrected ON support_troubleshooting_attempts (corrects) WHERE corrects IS NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------------
-- Aprendizaje: el registro de lo que se dijo, quién y cuándo, sin datos personales. Solo se agrega: también un cambio de opinión es una
-- fila. De aquí salen los ejemplos de support_troubleshooting_ml_training, que son los que lee la detección.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_learning (
    id          uuid        NOT NULL,
    tenant_id   text        NOT NULL DEFAULT guiado_tenant(),
    session_id  uuid,
    problem_id  text,
    kind        text        NOT NULL CHECK (kind IN ('example', 'negative', 'correction', 'undo')),
    source      text        NOT NULL CHECK (source IN ('customer', 'machine', 'agent', 'author')),
    text        text,
    weight      double precision NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    metadata    jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT learning_key PRIMARY KEY (tenant_id, id)
);
CREATE INDEX IF NOT EXISTS learning_by_problem ON support_troubleshooting_learning (tenant_id, problem_id, created_at);
DO $$
BEGIN
    IF to_regclass('learning_by_session') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE INDEX IF NOT EXISTS learning_of_session ON support_troubleshooting_learning (tenant_id, session_id) WHERE session_id IS NOT NULL;
    END IF;
END $$;

-- Respuestas ya dadas a una Idempotency-Key: repetir la petición devuelve lo mismo sin hacerlo otra vez.
CREATE TABLE IF NOT EXISTS support_troubleshooting_idempotency (
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    key          text        NOT NULL,
    request_hash text        NOT NULL,
    answer       jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX IF NOT EXISTS idempotency_by_time ON support_troubleshooting_idempotency (created_at);

-- guiado_set_contact: pone o cambia a quién se escribe en una sesión, y en lo que cuelga de ella: un correo equivocado, que puede ser
-- de otra persona, no queda en ningún sitio. Un ticket que ya tenía otro correo conserva el suyo. Devuelve la sesión como queda.
CREATE OR REPLACE FUNCTION guiado_set_contact(p_tenant text, p_before support_troubleshooting_sessions, p_contact jsonb)
RETURNS support_troubleshooting_sessions LANGUAGE plpgsql AS $$
DECLARE
    v support_troubleshooting_sessions;
BEGIN
    UPDATE support_troubleshooting_sessions s
       SET customer_email = p_contact ->> 'customer_email', customer_name = p_contact ->> 'customer_name',
           customer_id = p_contact ->> 'customer_id'
     WHERE s.tenant_id = p_tenant AND s.session_id = p_before.session_id
    RETURNING s.* INTO v;
    UPDATE support_tickets t SET customer_email = v.customer_email, customer_name = coalesce(v.customer_name, t.customer_name)
     WHERE t.tenant_id = p_tenant AND t.ticket_id = v.ticket_id AND t.session_id = v.session_id
       AND t.customer_email IS NOT DISTINCT FROM p_before.customer_email;
    UPDATE support_troubleshooting_feedback f SET customer_email = v.customer_email
     WHERE f.tenant_id = p_tenant AND f.session_id = v.session_id;
    UPDATE support_troubleshooting_ml_training t SET customer_id = v.customer_id
     WHERE t.tenant_id = p_tenant AND t.session_id = v.session_id;
    UPDATE support_troubleshooting_outbox o SET data = o.data || jsonb_build_object('customer_email', v.customer_email)
     WHERE o.tenant_id = p_tenant AND o.session_id = v.session_id AND o.data ->> 'customer_email' = p_before.customer_email;
    RETURN v;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- guiado_commit: la única escritura de una sesión. Recibe un documento con las claves
--   session   obligatoria: la fila completa de una sesión nueva; de otra, su session_id y todo lo que puede cambiar
--   expected  versión que el autor del cambio leyó; null = sesión nueva
--   found     solo si la detección cambió de parecer: el problema, su guía y lo que se aclaró
--   contact   solo si cambió a quién se escribe: customer_email, customer_name, customer_id
--   attempts, decisions, events, audits        listas de filas
--   retracted opcional: el intento que el cliente deshace
--   learning  opcional: lo que la sesión enseña a la detección (guiado_learn, en el cuarto esquema)
-- Todo es del inquilino p_tenant: una fila que diga otro no se escribe.
-- Devuelve false, sin haber escrito nada, si la sesión ya no está en la versión esperada.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_commit(p_tenant text, p_change jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v support_troubleshooting_sessions;
    v_found support_troubleshooting_sessions;
    v_expected integer := (p_change ->> 'expected')::integer;
    v_undone timestamptz;  -- de cuándo es el intento que se deshace
BEGIN
    PERFORM guiado_enter(p_tenant);
    v := jsonb_populate_record(NULL::support_troubleshooting_sessions, p_change -> 'session');
    v.tenant_id := p_tenant;
    v.urgent := coalesce(v.urgent, false);
    v.answers := coalesce(v.answers, '[]');
    v.message_kind := coalesce(v.message_kind, 'problem');
    v.also_named := coalesce(v.also_named, '[]');
    v.unknown_codes := coalesce(v.unknown_codes, '[]');
    v.guide_answers := coalesce(v.guide_answers, '[]');
    -- Un proceso de una versión anterior, mientras se actualizan todos: cuenta pasos y sigue el orden de la guía.
    IF NOT p_change -> 'session' ? 'offered_step_id' THEN
        v.offered_step_id := (SELECT g.content -> 'steps' -> v.current_step ->> 'step_id' FROM support_troubleshooting_guide_versions g
             WHERE g.tenant_id = p_tenant AND g.guide_version_id = coalesce((p_change #>> '{found,guide_version_id}')::uuid, v.guide_version_id,
                (SELECT s.guide_version_id FROM support_troubleshooting_sessions s WHERE s.tenant_id = p_tenant AND s.session_id = v.session_id)));
        v.answers := CASE WHEN p_change ? 'found' THEN '[]' ELSE
            coalesce((SELECT s.answers FROM support_troubleshooting_sessions s WHERE s.tenant_id = p_tenant AND s.session_id = v.session_id), '[]')
            || coalesce(p_change -> 'attempts', '[]') END;
    END IF;
    IF v_expected IS NULL THEN
        INSERT INTO support_troubleshooting_sessions VALUES (v.*) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE support_troubleshooting_sessions s SET
            ticket_id = v.ticket_id, status = v.status, current_step = v.current_step, updated_at = v.updated_at,
            resolved_at = v.resolved_at, escalated_at = v.escalated_at, notes = v.notes, version = v.version,
            failures = v.failures, attempts = v.attempts, decisions = v.decisions, resolution = v.resolution,
            ended_at = v.ended_at, ended_how = v.ended_how, ended_by = v.ended_by,
            escalation_reason = v.escalation_reason, recontact_until = v.recontact_until,
            true_problem_id = v.true_problem_id, true_step_id = v.true_step_id, agent_minutes = v.agent_minutes, urgent = v.urgent,
            offered_step_id = v.offered_step_id, offered_why = v.offered_why, answers = v.answers,
            -- Un proceso de una versión anterior no los nombra: se quedan como están, sin pregunta abierta.
            variant = CASE WHEN p_change -> 'session' ? 'variant' THEN v.variant ELSE s.variant END,
            asked_question_id = v.asked_question_id,
            guide_answers = CASE WHEN p_change -> 'session' ? 'guide_answers' THEN v.guide_answers
                                 WHEN p_change ? 'found' THEN '[]' ELSE s.guide_answers END
         WHERE s.tenant_id = p_tenant AND s.session_id = v.session_id AND s.version = v_expected
        RETURNING s.* INTO v;
    END IF;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Aparte, para que una respuesta normal no toque las columnas que llevan índice.
    IF p_change ? 'found' THEN
        v_found := jsonb_populate_record(NULL::support_troubleshooting_sessions, p_change -> 'found');
        UPDATE support_troubleshooting_sessions s SET
            detected_problem_id = v_found.detected_problem_id, detected_problem_title = v_found.detected_problem_title,
            guide_version_id = v_found.guide_version_id, total_steps = v_found.total_steps,
            detection_confidence = v_found.detection_confidence, alternatives = v_found.alternatives,
            clarifications = v_found.clarifications, recontact_of = v_found.recontact_of,
            already_tried = coalesce(v_found.already_tried, '[]'), message_kind = coalesce(v_found.message_kind, s.message_kind),
            also_named = coalesce(v_found.also_named, s.also_named), unknown_codes = coalesce(v_found.unknown_codes, s.unknown_codes),
            policy = v_found.policy, policy_version = v_found.policy_version
         WHERE s.tenant_id = p_tenant AND s.session_id = v.session_id
        RETURNING s.* INTO v;
    END IF;
    IF p_change ? 'contact' THEN
        v := guiado_set_contact(p_tenant, v, p_change -> 'contact');
    END IF;
    INSERT INTO support_troubleshooting_attempts
    SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_attempts, p_change -> 'attempts') x WHERE x.tenant_id = p_tenant;
    INSERT INTO support_troubleshooting_decisions
    SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_decisions, p_change -> 'decisions') x WHERE x.tenant_id = p_tenant;
    IF p_change ? 'retracted' THEN
        UPDATE support_troubleshooting_attempts a SET retracted_at = v.updated_at
         WHERE a.tenant_id = p_tenant AND a.session_id = v.session_id AND a.id = (p_change ->> 'retracted')::uuid
        RETURNING a.attempted_at INTO v_undone;
        -- Los avisos que causó y que aún esperan ya no dicen la verdad. Lo que alguien está enviando ahora, sale.
        UPDATE support_troubleshooting_notifications n SET status = 'cancelled', note = 'El cliente deshizo su respuesta.'
         WHERE n.tenant_id = p_tenant AND n.session_id = v.session_id AND n.status = 'pending' AND n.created_at = v_undone
           AND (n.leased_until IS NULL OR n.leased_until <= now());
        -- El ticket que pasó con una persona por esa respuesta vuelve a estar como empezó.
        UPDATE support_tickets t SET status = 'open', notes = NULL, updated_at = v.updated_at
         WHERE t.tenant_id = p_tenant AND t.ticket_id = v.ticket_id AND t.session_id = v.session_id AND t.status = 'escalated'
           AND v.escalation_reason IS NULL;
    END IF;
    PERFORM guiado_emit(p_tenant, p_change -> 'events');
    INSERT INTO support_troubleshooting_audit_log
    SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_audit_log, p_change -> 'audits') x WHERE x.tenant_id = p_tenant;
    IF p_change ? 'learning' THEN
        PERFORM guiado_learn(p_tenant, v, p_change -> 'learning');
    END IF;
    -- Al pasar con una persona, la fila del ticket cuenta la historia a quien lo atienda.
    IF v.ticket_id IS NOT NULL AND v.escalation_reason IS NOT NULL THEN
        INSERT INTO support_tickets AS t (tenant_id, ticket_id, customer_email, customer_name, subject, description, status, notes, session_id, updated_at, metadata)
        VALUES (p_tenant, v.ticket_id, v.customer_email, v.customer_name, coalesce(v.detected_problem_title, left(v.problem_description, 120)),
                v.problem_description, 'escalated', v.escalation_reason, v.session_id, v.updated_at,
                jsonb_build_object('language', v.language, 'alternatives', v.alternatives, 'clarifications', v.clarifications,
                                   'already_tried', v.already_tried, 'message_kind', v.message_kind, 'also_named', v.also_named,
                                   'unknown_codes', v.unknown_codes)
                || jsonb_strip_nulls(jsonb_build_object('original_sender', v.metadata ->> 'original_sender')))
        ON CONFLICT (tenant_id, ticket_id) DO UPDATE SET
            status = CASE WHEN v.status = 'resolved' THEN 'resolved' ELSE 'escalated' END,
            resolved_at = v.resolved_at, notes = excluded.notes, session_id = excluded.session_id, updated_at = excluded.updated_at,
            metadata = t.metadata || excluded.metadata;
    END IF;
    RETURN true;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Segundo candado entre inquilinos: quien trabaja como guiado_app solo ve el suyo. El dueño de las tablas lo ve todo.
-- Cada esquema llama a esta función con sus tablas; sin el rol (no se pudo crear) no hace nada.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_protect(p_tables text[], p_rights text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_table text;
    v_right text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guiado_app') THEN
        RETURN;
    END IF;
    FOREACH v_table IN ARRAY p_tables LOOP
        -- Lo que ya está hecho no se repite: cambiar una política bloquearía la tabla.
        IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = v_table::regclass AND polname = 'guiado_same_tenant') THEN
            EXECUTE format('CREATE POLICY guiado_same_tenant ON %I USING (tenant_id = guiado_tenant()) WITH CHECK (tenant_id = guiado_tenant())', v_table);
        END IF;
        IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = v_table::regclass) THEN
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', v_table);
        END IF;
        -- Una copia restaurada sin permisos trae la política, pero no esto.
        FOREACH v_right IN ARRAY ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] LOOP
            IF has_table_privilege('guiado_app', v_table::regclass, v_right) THEN
                IF v_right <> ALL (p_rights) THEN
                    EXECUTE format('REVOKE %s ON %I FROM guiado_app', v_right, v_table);
                END IF;
            ELSIF v_right = ANY (p_rights) THEN
                EXECUTE format('GRANT %s ON %I TO guiado_app', v_right, v_table);
            END IF;
        END LOOP;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION guiado_protect(p_tables text[]) RETURNS void LANGUAGE sql AS $$
    SELECT guiado_protect(p_tables, ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
$$;

DO $$ BEGIN PERFORM guiado_protect(ARRAY[
    'support_tickets', 'support_troubleshooting_guide_versions', 'support_troubleshooting_sessions',
    'support_troubleshooting_decisions', 'support_troubleshooting_attempts', 'support_troubleshooting_learning',
    'support_troubleshooting_idempotency', 'support_guide_publications', 'support_guide_publication_log', 'support_guide_files',
    'support_knowledge_revisions'
]); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Vistas. Una vista simple trabaja con los permisos de su dueño, así que la seguridad por filas no la alcanza: cada una
-- filtra por el inquilino. Con security_barrier, nadie se cuela por delante de ese filtro.
-- Un intento corregido por otro de su sesión (corrects) no se cuenta: vale la corrección. El que el cliente deshizo (retracted_at), tampoco.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION guiado_share(p_views text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_view text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guiado_app') THEN
        RETURN;
    END IF;
    FOREACH v_view IN ARRAY p_views LOOP
        IF NOT has_table_privilege('guiado_app', v_view, 'SELECT') THEN
            EXECUTE format('GRANT SELECT ON %I TO guiado_app', v_view);
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE VIEW vw_troubleshooting_sessions_summary WITH (security_barrier) AS
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description,
       s.detected_problem_id, s.detected_problem_title, s.status, s.current_step, s.total_steps,
       s.started_at, s.resolved_at, s.escalated_at, s.updated_at, s.notes,
       a.total_attempts, a.successful_attempts, a.failed_attempts,
       -- Hasta que terminó; en una sesión viva, hasta su última actividad.
       round((extract(epoch FROM coalesce(s.resolved_at, s.ended_at, s.updated_at) - s.started_at) / 60)::numeric, 2)::double precision
           AS duration_minutes,
       s.resolution, s.language, s.channel, s.tenant_id
  FROM support_troubleshooting_sessions s
 CROSS JOIN LATERAL (
    SELECT count(*) AS total_attempts,
           count(*) FILTER (WHERE t.success) AS successful_attempts,
           count(*) FILTER (WHERE NOT t.success) AS failed_attempts
      FROM support_troubleshooting_attempts t
     WHERE t.tenant_id = s.tenant_id AND t.session_id = s.session_id AND t.retracted_at IS NULL
       AND NOT EXISTS (SELECT FROM support_troubleshooting_attempts c
                        WHERE c.tenant_id = t.tenant_id AND c.corrects IS NOT NULL AND c.corrects = t.id AND c.session_id = t.session_id)
 ) a
 WHERE s.tenant_id = guiado_tenant();

CREATE OR REPLACE VIEW vw_troubleshooting_active_sessions WITH (security_barrier) AS
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description,
       s.detected_problem_id, s.detected_problem_title, s.status, s.current_step, s.total_steps, s.failures,
       s.started_at, s.updated_at,
       round((extract(epoch FROM now() - s.started_at) / 60)::numeric, 2)::double precision AS minutes_active,
       round((extract(epoch FROM now() - s.updated_at) / 60)::numeric, 2)::double precision AS minutes_since_last_activity,
       s.channel, s.tenant_id
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = guiado_tenant() AND s.status IN ('started', 'in_progress', 'needs_escalation');

CREATE OR REPLACE VIEW vw_troubleshooting_common_problems WITH (security_barrier) AS
SELECT s.detected_problem_id,
       (array_agg(s.detected_problem_title ORDER BY s.started_at DESC))[1] AS detected_problem_title,
       count(*) AS total_sessions,
       count(*) FILTER (WHERE s.status = 'resolved') AS resolved_count,
       count(*) FILTER (WHERE s.status IN ('escalated', 'needs_escalation')) AS escalated_count,
       round(100.0 * count(*) FILTER (WHERE s.status = 'resolved') / count(*), 2)::double precision AS resolution_rate,
       round((avg(extract(epoch FROM s.resolved_at - s.started_at)) FILTER (WHERE s.status = 'resolved') / 60)::numeric, 2)::double precision
           AS avg_duration_minutes,
       max(s.started_at) AS last_occurrence,
       s.tenant_id
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = guiado_tenant() AND s.detected_problem_id IS NOT NULL AND s.detected_problem_id <> ''
 GROUP BY s.tenant_id, s.detected_problem_id;

-- Cifras de las sesiones que empezaron en [p_start, p_end), exactas al momento: lee el resumen diario del quinto esquema, por eso
-- cuenta también las sesiones que la limpieza ya borró. Acepta fechas: valen desde las 00:00 de la zona horaria de la conexión.
-- Escaladas: escalated y needs_escalation. Sin sesiones, las tasas son 0 y las medias, NULL.
CREATE OR REPLACE FUNCTION get_troubleshooting_stats(p_start timestamptz, p_end timestamptz)
RETURNS TABLE (
    total_sessions bigint, resolved bigint, confirmed bigint, assumed bigint, escalated bigint, abandoned bigint,
    active bigint, resolution_rate double precision, escalation_rate double precision,
    avg_duration_minutes double precision,      -- de las resueltas
    avg_steps double precision,                 -- pasos superados, de las resueltas
    avg_attempts double precision,              -- intentos por sesión, de todas
    unique_problems bigint
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT d.total, d.resolved, d.confirmed, d.resolved - d.confirmed, d.escalated, d.abandoned, d.active,
           coalesce(round(100.0 * d.resolved / nullif(d.total, 0), 2), 0)::double precision,
           coalesce(round(100.0 * d.escalated / nullif(d.total, 0), 2), 0)::double precision,
           round((d.seconds / nullif(d.durations, 0) / 60)::numeric, 2)::double precision,
           round(1.0 * d.steps / nullif(d.resolved, 0), 2)::double precision,
           round(1.0 * a.attempts / nullif(d.total, 0), 2)::double precision,
           d.problems
      FROM (SELECT coalesce(sum(m.total_sessions) FILTER (WHERE m.problem_id = '*'), 0)::bigint AS total,
                   coalesce(sum(m.resolved) FILTER (WHERE m.problem_id = '*'), 0)::bigint AS resolved,
                   coalesce(sum(m.resolved_confirmed) FILTER (WHERE m.problem_id = '*'), 0)::bigint AS confirmed,
                   coalesce(sum(m.escalated) FILTER (WHERE m.problem_id = '*'), 0)::bigint AS escalated,
                   coalesce(sum(m.abandoned) FILTER (WHERE m.problem_id = '*'), 0)::bigint AS abandoned,
                   coalesce(sum(m.active) FILTER (WHERE m.problem_id = '*'), 0)::bigint AS active,
                   sum(m.duration_seconds) FILTER (WHERE m.problem_id = '*') AS seconds,
                   sum(m.duration_count) FILTER (WHERE m.problem_id = '*') AS durations,
                   sum(m.steps_to_resolution) FILTER (WHERE m.problem_id = '*') AS steps,
                   count(DISTINCT m.problem_id) FILTER (WHERE m.problem_id NOT IN ('', '*')) AS problems
              FROM guiado_daily(guiado_tenant(), p_start, p_end) m) d,
           (SELECT coalesce(sum(s.total_attempts), 0) AS attempts FROM guiado_steps_daily(guiado_tenant(), p_start, p_end) s) a;
END $$;

DO $$ BEGIN PERFORM guiado_share(ARRAY[
    'vw_troubleshooting_sessions_summary', 'vw_troubleshooting_active_sessions', 'vw_troubleshooting_common_problems'
]); END $$;

COMMIT;
