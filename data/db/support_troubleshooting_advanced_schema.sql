-- =====================================================================================================================
-- guiado · Esquema 4 de 5: notificaciones, plantillas, configuración, informes y entrenamiento
--
-- Orden de ejecución: después de los tres esquemas anteriores. Se puede ejecutar cuantas veces haga falta.
--   psql $DATABASE_URL < data/db/support_troubleshooting_advanced_schema.sql
-- =====================================================================================================================
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207105); END $$;

-- Notificaciones: una fila por destinatario, con su propio estado.
CREATE TABLE IF NOT EXISTS support_troubleshooting_notifications (
    id                  uuid        NOT NULL,
    tenant_id           text        NOT NULL DEFAULT guiado_tenant(),
    session_id          uuid,
    notification_type   text        NOT NULL,                  -- plantilla o tipo libre
    channel             text        NOT NULL DEFAULT 'email' CHECK (channel ~ '^[a-z][a-z0-9_]*$'),  -- qué canales hay lo sabe el programa
    recipient           text        NOT NULL,
    priority            text        NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    subject             text,
    message             text,
    status              text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed', 'cancelled')),
    error_message       text,
    attempts            integer     NOT NULL DEFAULT 0,
    due_at              timestamptz NOT NULL DEFAULT now(),
    leased_until        timestamptz,
    leased_by           text,
    provider_message_id text,
    created_at          timestamptz NOT NULL DEFAULT now(),
    sent_at             timestamptz,
    metadata            jsonb       NOT NULL DEFAULT '{}',
    -- Lo que guiado agrega
    note                text,         -- qué se sabe además: por qué espera, cuántos segmentos tuvo un SMS
    digest_at           timestamptz,  -- sale junto con los demás avisos que esperan este momento
    dedup_key           text,         -- igual en mensajes iguales para la misma persona
    refused_since       timestamptz,  -- la cuenta, el servidor o la dirección del canal lo rechazan desde entonces,
    refused_at          timestamptz,  -- y esta fue la última vez
    CONSTRAINT notifications_key PRIMARY KEY (tenant_id, id)
);
DO $$
BEGIN  -- instalaciones anteriores
    ALTER TABLE support_troubleshooting_notifications
        ADD COLUMN IF NOT EXISTS note text,
        ADD COLUMN IF NOT EXISTS digest_at timestamptz,
        ADD COLUMN IF NOT EXISTS dedup_key text,
        ADD COLUMN IF NOT EXISTS refused_since timestamptz,
        ADD COLUMN IF NOT EXISTS refused_at timestamptz;
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'support_troubleshooting_notifications'::regclass
                  AND conname = 'support_troubleshooting_notifications_channel_check' AND pg_get_constraintdef(oid) LIKE '%email%') THEN
        ALTER TABLE support_troubleshooting_notifications DROP CONSTRAINT IF EXISTS support_troubleshooting_notifications_channel_check;
        ALTER TABLE support_troubleshooting_notifications ADD CONSTRAINT support_troubleshooting_notifications_channel_check
            CHECK (channel ~ '^[a-z][a-z0-9_]*$');
    END IF;
END $$;
DO $$
BEGIN
    IF to_regclass('notifications_by_session') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE INDEX IF NOT EXISTS notifications_of_session
            ON support_troubleshooting_notifications (tenant_id, session_id) WHERE session_id IS NOT NULL;
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS notifications_by_time ON support_troubleshooting_notifications (tenant_id, created_at);
CREATE INDEX IF NOT EXISTS notifications_waiting
    ON support_troubleshooting_notifications (tenant_id, channel, due_at) WHERE status = 'pending';
DROP INDEX IF EXISTS notifications_due;  -- de instalaciones anteriores
CREATE INDEX IF NOT EXISTS notifications_by_content
    ON support_troubleshooting_notifications (tenant_id, dedup_key, created_at) WHERE dedup_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS notifications_refused
    ON support_troubleshooting_notifications (tenant_id, channel, refused_at) WHERE refused_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS notifications_sent
    ON support_troubleshooting_notifications (tenant_id, channel, sent_at) WHERE status = 'sent';

-- A quién se avisa, de qué y cómo lo quiere: una fila por canal y destinatario.
CREATE TABLE IF NOT EXISTS support_troubleshooting_recipients (
    tenant_id      text        NOT NULL DEFAULT guiado_tenant(),
    channel        text        NOT NULL,
    recipient      text        NOT NULL,
    events         text[]      NOT NULL DEFAULT '{}',   -- de qué eventos se le avisa
    muted          text[]      NOT NULL DEFAULT '{}',   -- qué tipos de aviso no quiere
    language       text        CHECK (language IN ('es', 'en', 'pt')),
    time_zone      text        NOT NULL DEFAULT 'UTC',
    quiet_from     time,                                -- horas de silencio, en su hora local: no se le envía nada,
    quiet_to       time,                                -- salvo lo urgente
    digest_minutes integer     NOT NULL DEFAULT 0 CHECK (digest_minutes BETWEEN 0 AND 1440),  -- junta los avisos de tantos minutos
    options        jsonb       NOT NULL DEFAULT '{}',   -- del canal: webhook_url, secret
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, channel, recipient)
);

-- Quien quiere saber de un evento recibe su aviso en la misma transacción que lo causó. El identificador sale del evento y del
-- destinatario: repetir no duplica. Los eventos de prueba y los enviados a mano no son de ninguna sesión, y no avisan a nadie.
CREATE OR REPLACE FUNCTION guiado_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO support_troubleshooting_notifications
        (id, tenant_id, session_id, notification_type, channel, recipient, priority, due_at, created_at, metadata)
    SELECT md5(e.event_id::text || ' ' || r.channel || ' ' || r.recipient)::uuid, e.tenant_id, e.session_id, e.event, r.channel,
           r.recipient,
           CASE WHEN e.event <> 'session_escalated' THEN 'normal' WHEN e.data @> '{"urgent": true}' THEN 'urgent' ELSE 'high' END,
           e.occurred_at, e.occurred_at,
           jsonb_build_object('event_id', e.event_id)
      FROM emitted e
      JOIN support_troubleshooting_recipients r ON r.tenant_id = e.tenant_id AND e.event = ANY (r.events)
     WHERE e.session_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'support_troubleshooting_outbox'::regclass AND tgname = 'guiado_tell') THEN
        CREATE TRIGGER guiado_tell AFTER INSERT ON support_troubleshooting_outbox
            REFERENCING NEW TABLE AS emitted FOR EACH STATEMENT EXECUTE FUNCTION guiado_tell();
    END IF;
END $$;

-- Plantillas creadas por los usuarios (las que trae el programa viven en su archivo JSON) y plantillas de mensajes.
CREATE TABLE IF NOT EXISTS support_troubleshooting_templates (
    tenant_id      text        NOT NULL DEFAULT guiado_tenant(),
    template_id    text        NOT NULL,
    kind           text        NOT NULL DEFAULT 'guide' CHECK (kind IN ('guide', 'message')),
    content        jsonb       NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, template_id)
);

-- Ejemplos con los que aprende la detección: las palabras de un cliente, sin datos personales, y de qué problema son (o no son). Solo
-- cuentan los aceptados; los pendientes esperan a que alguien los revise. De dónde salió cada uno, y cada cambio de opinión, queda en
-- support_troubleshooting_learning. metadata.vote: la palabra de un cliente contra la detección (rejected: dijo qué era en su lugar;
-- chosen: eligió él; unsure: la detección dudaba); cuenta cuando varios clientes distintos coinciden, y quien la lee decide cuántos.
-- metadata.reviewed: una persona lo aceptó.
CREATE TABLE IF NOT EXISTS support_troubleshooting_ml_training (
    id          uuid        NOT NULL,
    tenant_id   text        NOT NULL DEFAULT guiado_tenant(),
    session_id  uuid,
    text        text        NOT NULL,
    problem_id  text,
    label       text        NOT NULL DEFAULT 'positive' CHECK (label IN ('positive', 'negative')),
    source      text        NOT NULL DEFAULT 'customer',
    status      text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'rejected')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    metadata    jsonb       NOT NULL DEFAULT '{}',
    -- Lo que guiado agrega
    scope       text        NOT NULL DEFAULT '',   -- base de conocimiento: '' = la de todos; otro valor = la privada de un agente
    customer_id text,                              -- seudónimo; se borra con la sesión
    weight      double precision NOT NULL DEFAULT 1,
    text_key    text,                              -- igual en textos que solo difieren en mayúsculas, acentos, signos u orden
    revision    bigint      NOT NULL DEFAULT 0,    -- lo pone el disparador: la transacción que lo escribió
    CONSTRAINT ml_training_key PRIMARY KEY (tenant_id, id)
);
CREATE INDEX IF NOT EXISTS ml_training_by_status ON support_troubleshooting_ml_training (tenant_id, status, created_at);
CREATE INDEX IF NOT EXISTS ml_training_by_revision ON support_troubleshooting_ml_training (tenant_id, scope, revision);
CREATE INDEX IF NOT EXISTS ml_training_by_text ON support_troubleshooting_ml_training (tenant_id, scope, text_key);
CREATE INDEX IF NOT EXISTS ml_training_by_customer ON support_troubleshooting_ml_training (tenant_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS ml_training_by_session ON support_troubleshooting_ml_training (tenant_id, session_id) WHERE session_id IS NOT NULL;

-- Cada ejemplo nuevo o cambiado lleva el número de la transacción que lo escribió. Nadie espera por él: dos sesiones que enseñan a la
-- vez no hacen cola. Quien vigila (consulta «revision» de la aplicación) sabe hasta qué número están todas terminadas, y mira aparte
-- las que aún no lo estaban: así no se salta ningún ejemplo, aunque otra transacción empezara antes y termine después.
CREATE OR REPLACE FUNCTION guiado_number_example() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := txid_current();
    RETURN NEW;
END $$;
DO $$
BEGIN
    -- Lo que ya está no se repite: crear un disparador bloquearía la tabla.
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'support_troubleshooting_ml_training'::regclass AND tgname = 'guiado_number_example') THEN
        CREATE TRIGGER guiado_number_example BEFORE INSERT OR UPDATE OF status, text, problem_id, label, weight
            ON support_troubleshooting_ml_training FOR EACH ROW EXECUTE FUNCTION guiado_number_example();
    END IF;
END $$;

-- guiado_mailbox: el buzón al que llega una dirección; ana.perez+1@gmail.com y anaperez@gmail.com son el mismo.
CREATE OR REPLACE FUNCTION guiado_mailbox(p_email text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(split_part(split_part(lower(p_email), '@', 1), '+', 1), '.', '') || '@'
           || regexp_replace(lower(substring(p_email FROM '@([^@]*)$')), '^googlemail\.com$', 'gmail.com')
$$;

-- guiado_judge: acepta, aparta o retira ejemplos, con una fila en el registro por cada uno que cambia. Devuelve cuántos cambiaron.
CREATE OR REPLACE FUNCTION guiado_judge(p_tenant text, p_ids uuid[], p_status text, p_source text, p_reason text, p_at timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    t       support_troubleshooting_ml_training;
    v_count integer := 0;
BEGIN
    PERFORM FROM support_troubleshooting_ml_training x
      WHERE x.tenant_id = p_tenant AND x.id = ANY (p_ids) ORDER BY x.id FOR UPDATE;  -- siempre en el mismo orden
    -- Aceptar es la palabra de una persona: lo que era un voto cuenta desde entonces por sí solo.
    FOR t IN UPDATE support_troubleshooting_ml_training x
                SET status = p_status,
                    metadata = CASE WHEN p_status = 'accepted' THEN x.metadata - 'vote' || '{"reviewed": true}' ELSE x.metadata END
              WHERE x.tenant_id = p_tenant AND x.id = ANY (p_ids)
                AND (x.status <> p_status OR (p_status = 'accepted' AND x.metadata ? 'vote')) RETURNING x.* LOOP
        INSERT INTO support_troubleshooting_learning (id, tenant_id, session_id, problem_id, kind, source, weight, created_at, metadata)
        VALUES (md5(t.id::text || ' ' || t.revision || ' ' || p_status)::uuid, p_tenant, t.session_id, t.problem_id,
                CASE WHEN p_status <> 'accepted' THEN 'undo' WHEN t.label = 'negative' THEN 'negative' ELSE 'example' END,
                p_source, t.weight, p_at, jsonb_build_object('example', t.id, 'status', p_status, 'reason', p_reason));
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- guiado_learn: lo que una sesión enseña, en la transacción que la cambia. Cada lección queda en el registro; un ejemplo, además, en
-- support_troubleshooting_ml_training. Lo que dice un agente cuenta siempre. Lo que dice un cliente espera revisión si contradice lo
-- que ya se sabe, si ese cliente enseñó ya demasiado o si enseña otra cosa en este momento. Lo que dice contra la detección, o donde
-- ella dudaba, es un voto entre varios; «no es esto» sin más palabras solo vale para su sesión: nadie cambia solo la detección.
-- Quien no dio su correo no es ningún cliente, y podría empezar cuantas sesiones quisiera: todo lo que dice espera revisión.
-- undo retira lo que enseñó el cliente de la sesión; con problem_id, solo que lo suyo era ese problema.
CREATE OR REPLACE FUNCTION guiado_learn(p_tenant text, p_session support_troubleshooting_sessions, p_lessons jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c_per_problem CONSTANT integer := 3;    -- ejemplos aceptados de un cliente, por problema
    c_per_day     CONSTANT integer := 5;    -- ejemplos aceptados de un cliente en 24 horas
    c_waiting     CONSTANT integer := 20;   -- ejemplos de un cliente en espera de revisión; sin correo, los de un problema entre todos
    c_sure        CONSTANT double precision := 0.6;  -- confianza con la que la detección no dudaba
    l         record;
    v_taught  record;                       -- lo que ese cliente enseñó ya
    v_scope   text;
    v_label   text;
    v_doubt   text;
    v_vote    text;                         -- por qué no cuenta por sí solo; NULL si cuenta
    v_alone   boolean := true;              -- nadie más enseña ahora en nombre de este cliente
BEGIN
    -- Sin esperar: las cuentas de un cliente solo valen si nadie más suma a la vez, y quien no está solo pasa a revisión.
    IF p_session.customer_id IS NOT NULL AND p_lessons @? '$[*] ? (@.source != "agent")' THEN
        v_alone := pg_try_advisory_xact_lock(5207107, hashtext(p_tenant || ' ' || p_session.customer_id));
    END IF;
    v_scope := coalesce((SELECT g.scope FROM support_troubleshooting_guide_versions g
                          WHERE g.tenant_id = p_tenant AND g.guide_version_id = p_session.guide_version_id),
                        p_session.metadata ->> 'scope', '');
    FOR l IN SELECT * FROM jsonb_to_recordset(p_lessons) AS x (id uuid, session_id uuid, kind text, problem_id text, source text, text text,
                                                               text_key text, weight double precision, reason text, at timestamptz) LOOP
        IF l.kind IN ('undo', 'correction') THEN
            PERFORM guiado_judge(p_tenant, ARRAY(
                SELECT t.id FROM support_troubleshooting_ml_training t
                 WHERE t.tenant_id = p_tenant AND t.session_id = coalesce(l.session_id, p_session.session_id)
                   AND (l.kind = 'correction'
                        OR (t.source <> 'agent' AND (l.problem_id IS NULL OR (t.problem_id = l.problem_id AND t.label = 'positive'))))),
                'rejected', l.source, l.reason, l.at);
        END IF;
        CONTINUE WHEN l.kind = 'undo';
        INSERT INTO support_troubleshooting_learning (id, tenant_id, session_id, problem_id, kind, source, text, weight, created_at, metadata)
        VALUES (l.id, p_tenant, p_session.session_id, l.problem_id, l.kind, l.source, l.text, l.weight, l.at,
                jsonb_build_object('reason', l.reason));
        CONTINUE WHEN l.text IS NULL OR (l.kind = 'correction' AND l.problem_id = 'otro');

        -- La última palabra de quien habla vale; repetirla no la duplica.
        v_label := CASE WHEN l.kind = 'negative' THEN 'negative' ELSE 'positive' END;
        PERFORM guiado_judge(p_tenant, ARRAY(
            SELECT t.id FROM support_troubleshooting_ml_training t
             WHERE t.tenant_id = p_tenant AND t.session_id = p_session.session_id AND t.problem_id = l.problem_id AND t.label <> v_label
               AND (l.source = 'agent' OR t.source <> 'agent')), 'rejected', l.source, l.reason, l.at);
        v_vote := CASE
            WHEN l.source = 'agent' THEN NULL
            WHEN v_label = 'negative' THEN CASE WHEN l.reason = 'rejected' THEN 'empty' ELSE 'rejected' END
            WHEN p_session.clarifications <> '[]' THEN 'chosen'
            WHEN p_session.detection_confidence < c_sure THEN 'unsure' END;
        CONTINUE WHEN v_vote = 'empty' OR EXISTS (
            SELECT FROM support_troubleshooting_ml_training t
             WHERE t.tenant_id = p_tenant AND t.session_id = p_session.session_id AND t.problem_id = l.problem_id AND t.label = v_label
               AND t.status <> 'rejected');

        SELECT count(*) FILTER (WHERE t.status = 'accepted' AND t.scope = v_scope AND t.problem_id = l.problem_id) AS of_problem,
               count(*) FILTER (WHERE t.status = 'accepted' AND t.created_at > l.at - interval '24 hours') AS of_day,
               count(*) FILTER (WHERE t.status = 'pending') AS waiting INTO v_taught
          FROM support_troubleshooting_ml_training t
         WHERE t.tenant_id = p_tenant AND t.customer_id = p_session.customer_id AND t.source <> 'agent';
        IF p_session.customer_id IS NULL THEN
            SELECT count(*) INTO v_taught.waiting FROM support_troubleshooting_ml_training t
             WHERE t.tenant_id = p_tenant AND t.status = 'pending' AND t.scope = v_scope AND t.problem_id = l.problem_id
               AND t.metadata ->> 'doubt' = 'no-customer';
        END IF;
        v_doubt := CASE
            WHEN l.source = 'agent' THEN NULL
            WHEN p_session.customer_id IS NULL THEN 'no-customer'
            WHEN EXISTS (
                SELECT FROM support_troubleshooting_ml_training t
                 WHERE t.tenant_id = p_tenant AND t.scope = v_scope AND t.text_key = l.text_key AND t.status = 'accepted'
                   -- Un voto no frena a nadie, y a un voto solo lo frena la palabra de una persona.
                   AND (t.source = 'agent' OR t.metadata ? 'reviewed' OR (v_vote IS NULL AND NOT t.metadata ? 'vote'))
                   AND CASE WHEN t.problem_id = l.problem_id THEN t.label <> v_label ELSE t.label = 'positive' AND v_label = 'positive' END)
                THEN 'contradicts'
            WHEN v_taught.of_problem >= c_per_problem THEN 'many-of-problem'
            WHEN v_taught.of_day >= c_per_day OR NOT v_alone THEN 'many-of-day' END;
        CONTINUE WHEN v_doubt IS NOT NULL AND v_taught.waiting >= c_waiting;
        INSERT INTO support_troubleshooting_ml_training
            (id, tenant_id, session_id, text, problem_id, label, source, status, created_at, metadata, scope, customer_id, weight, text_key)
        VALUES (l.id, p_tenant, p_session.session_id, l.text, l.problem_id, v_label, l.source,
                CASE WHEN v_doubt IS NULL THEN 'accepted' ELSE 'pending' END, l.at,
                jsonb_strip_nulls(jsonb_build_object('reason', l.reason, 'doubt', v_doubt, 'vote', v_vote)), v_scope, p_session.customer_id, l.weight, l.text_key);

        -- Un agente manda: lo que lo contradice espera a que alguien lo mire.
        IF l.source = 'agent' THEN
            PERFORM guiado_judge(p_tenant, ARRAY(
                SELECT t.id FROM support_troubleshooting_ml_training t
                 WHERE t.tenant_id = p_tenant AND t.scope = v_scope AND t.text_key = l.text_key AND t.status = 'accepted' AND t.id <> l.id
                   AND t.session_id IS DISTINCT FROM p_session.session_id
                   AND CASE WHEN t.problem_id = l.problem_id THEN t.label <> v_label ELSE t.label = 'positive' AND v_label = 'positive' END), 'pending', l.source, 'contradicted', l.at);
        END IF;
    END LOOP;
END $$;

-- guiado_trim_examples: olvida los ejemplos que ya no aportan nada, para que ni la tabla ni la detección crezcan sin límite. Por problema
-- y etiqueta quedan los p_most textos distintos más nuevos (los de agentes antes que los demás) y hasta 10 filas de cada texto; por
-- problema, los 1000 pendientes más nuevos; lo retirado, 90 días. Los votos van aparte, para que no desplacen lo que cuenta: 10 filas de
-- cada texto y día, durante 180 días. Devuelve cuántas filas borró.
CREATE OR REPLACE FUNCTION guiado_trim_examples(p_tenant text, p_most integer DEFAULT 200) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_rows bigint;
BEGIN
    WITH counted AS (
        SELECT t.tenant_id, t.id, t.scope, t.problem_id, t.label, t.status, t.source, t.created_at, coalesce(t.text_key, t.id::text) AS key,
               t.metadata ? 'vote' AS vote,
               row_number() OVER (PARTITION BY t.scope, t.problem_id, t.label, t.status, coalesce(t.text_key, t.id::text),
                                               CASE WHEN t.metadata ? 'vote' THEN (t.created_at AT TIME ZONE 'UTC')::date END
                                  ORDER BY t.source = 'agent' DESC, t.weight DESC, t.created_at, t.id) AS twin,
               row_number() OVER (PARTITION BY t.scope, t.problem_id, t.status ORDER BY t.created_at DESC, t.id) AS place
          FROM support_troubleshooting_ml_training t
         WHERE t.tenant_id = p_tenant
    ), texts AS (
        SELECT c.scope, c.problem_id, c.label, c.vote, c.key,
               row_number() OVER (PARTITION BY c.scope, c.problem_id, c.label, c.vote
                                  ORDER BY bool_or(c.source = 'agent') DESC, max(c.created_at) DESC, c.key) AS place
          FROM counted c WHERE c.status = 'accepted' GROUP BY c.scope, c.problem_id, c.label, c.vote, c.key
    ), gone AS (
        SELECT c.tenant_id, c.id FROM counted c
          LEFT JOIN texts x ON c.status = 'accepted' AND x.scope = c.scope AND x.problem_id IS NOT DISTINCT FROM c.problem_id
                           AND x.label = c.label AND x.vote = c.vote AND x.key = c.key
         WHERE CASE c.status WHEN 'accepted' THEN c.twin > 10 OR x.place > p_most OR (c.vote AND c.created_at < now() - interval '180 days')
                             WHEN 'pending' THEN c.place > 1000
                             ELSE c.source <> 'machine' AND c.created_at < now() - interval '90 days' END
    ), locked AS (  -- lo que alguien está cambiando ahora se deja para otra vez
        SELECT t.tenant_id, t.id FROM support_troubleshooting_ml_training t JOIN gone g ON g.tenant_id = t.tenant_id AND g.id = t.id
         WHERE t.tenant_id = p_tenant FOR UPDATE OF t SKIP LOCKED)
    DELETE FROM support_troubleshooting_ml_training t USING locked l
     WHERE t.tenant_id = p_tenant AND l.tenant_id = t.tenant_id AND t.id = l.id;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END $$;

-- Informes guardados.
CREATE TABLE IF NOT EXISTS support_troubleshooting_reports (
    id           uuid        NOT NULL,
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    report_type  text        NOT NULL,
    period_start timestamptz,
    period_end   timestamptz,
    content      jsonb       NOT NULL DEFAULT '{}',
    generated_by text,
    generated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reports_key PRIMARY KEY (tenant_id, id)
);

-- Lo que la detección ajustó para cada estado de una base de conocimiento: al arrancar se lee en vez de volver a ajustarlo, y todos
-- los procesos usan la misma versión. Solo se guardan los últimos.
CREATE TABLE IF NOT EXISTS support_troubleshooting_detectors (
    tenant_id  text        NOT NULL DEFAULT guiado_tenant(),
    scope      text        NOT NULL,
    contents   text        NOT NULL,
    version    text        NOT NULL,
    model      bytea       NOT NULL,
    fit_seconds double precision NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, contents)
);
CREATE INDEX IF NOT EXISTS detectors_by_time ON support_troubleshooting_detectors (tenant_id, scope, created_at);

-- El último ajuste se anuncia en la fila que todos los procesos consultan.
CREATE OR REPLACE FUNCTION guiado_announce_model() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO support_knowledge_revisions AS r (tenant_id, scope, model) VALUES (NEW.tenant_id, NEW.scope, NEW.version)
    ON CONFLICT (tenant_id, scope) DO UPDATE SET model = excluded.model;
    RETURN NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'support_troubleshooting_detectors'::regclass AND tgname = 'guiado_announce_model') THEN
        CREATE TRIGGER guiado_announce_model AFTER INSERT OR UPDATE OF version ON support_troubleshooting_detectors
            FOR EACH ROW EXECUTE FUNCTION guiado_announce_model();
    END IF;
END $$;

-- Lo que se aprendió del orden de los pasos de una guía, por versión: se calcula aparte y se publica entero. plan_version sube con cada
-- publicación del inquilino, y también con cada cambio de reglas (revision): todos los procesos preguntan dos veces por segundo cuál es el mayor.
CREATE TABLE IF NOT EXISTS support_troubleshooting_guidance_plans (
    tenant_id        text        NOT NULL DEFAULT guiado_tenant(),
    problem_id       text        NOT NULL,
    guide_version_id uuid        NOT NULL,
    plan_version     bigint      NOT NULL,
    fitted_at        timestamptz NOT NULL DEFAULT now(),
    sessions         bigint      NOT NULL,             -- de las que aprendió
    counted          bigint      NOT NULL,             -- las que el problema tenía contadas entonces
    rules_revision   bigint      NOT NULL DEFAULT 0,   -- de las reglas con las que se calculó
    basis            text        NOT NULL DEFAULT '',  -- huella de los ajustes con los que se calculó
    order_in_use     text        NOT NULL CHECK (order_in_use IN ('author', 'learned', 'shadow')),
    posterior        bytea       NOT NULL,
    figures          jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, problem_id, guide_version_id)
);
CREATE INDEX IF NOT EXISTS guidance_plans_by_version ON support_troubleshooting_guidance_plans (tenant_id, plan_version);

-- Lo que el autor o el operador decidió del orden de una guía: order, pinned, kept, floor, explores, costs.
CREATE TABLE IF NOT EXISTS support_troubleshooting_guidance_rules (
    tenant_id  text        NOT NULL DEFAULT guiado_tenant(),
    problem_id text        NOT NULL,
    rules      jsonb       NOT NULL DEFAULT '{}',
    revision   bigint      NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text        NOT NULL,
    PRIMARY KEY (tenant_id, problem_id)
);
CREATE INDEX IF NOT EXISTS guidance_rules_by_revision ON support_troubleshooting_guidance_rules (tenant_id, revision);

-- Configuración que se cambia sin reiniciar. La aplicación la lee en cada petición.
CREATE TABLE IF NOT EXISTS support_troubleshooting_config (
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    config_key   text        NOT NULL,
    config_value jsonb       NOT NULL,
    description  text,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, config_key)
);
INSERT INTO support_troubleshooting_config (tenant_id, config_key, config_value, description) VALUES
    ('default', 'auto_escalate_after_failures', '2', 'Intentos fallidos tras los que la sesión pide una persona'),
    ('default', 'default_timeout_minutes', '30', 'Minutos sin actividad tras los que una sesión se considera en pausa'),
    ('default', 'enable_llm_enhancement', 'true', 'Permite usar un modelo de lenguaje si además hay clave y se pide'),
    ('default', 'feedback_collection_enabled', 'true', 'Pide una valoración al terminar'),
    ('default', 'notification_channels', '["email"]', 'Canales de aviso por defecto'),
    ('default', 'max_session_duration_hours', '24', 'Horas sin actividad tras las que una sesión se da por abandonada'),
    ('default', 'waiting_days', '30', 'Días tras los que una sesión que espera a una persona sin que nadie haga nada se cierra sola')
ON CONFLICT (tenant_id, config_key) DO NOTHING;

-- Valor de configuración del inquilino de la conexión; si no tiene uno propio, el de 'default'. Para quien pregunta con psql: la
-- aplicación dice el inquilino.
CREATE OR REPLACE FUNCTION guiado_config(p_key text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT config_value FROM support_troubleshooting_config
     WHERE config_key = p_key AND tenant_id IN (guiado_tenant(), 'default')
     ORDER BY tenant_id = guiado_tenant() DESC LIMIT 1
$$;

DO $$ BEGIN PERFORM guiado_protect(ARRAY[
    'support_troubleshooting_notifications', 'support_troubleshooting_recipients', 'support_troubleshooting_templates', 'support_troubleshooting_ml_training',
    'support_troubleshooting_reports', 'support_troubleshooting_detectors', 'support_troubleshooting_guidance_plans',
    'support_troubleshooting_guidance_rules'
]); END $$;
-- La configuración de 'default' la leen todos los inquilinos; cada uno escribe solo la suya.
DO $$
BEGIN
    PERFORM guiado_protect(ARRAY['support_troubleshooting_config']);
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'support_troubleshooting_config'::regclass AND polname = 'guiado_defaults') THEN
        CREATE POLICY guiado_defaults ON support_troubleshooting_config FOR SELECT USING (tenant_id = 'default');
    END IF;
END $$;

-- Lo que pasa ahora mismo: siempre una fila, la del inquilino, aunque todavía no haya sesiones.
CREATE OR REPLACE VIEW vw_troubleshooting_realtime_metrics WITH (security_barrier) AS
SELECT (SELECT count(*) FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = guiado_tenant() AND s.status IN ('started', 'in_progress', 'needs_escalation')) AS active_sessions,
       r.resolved_last_hour,
       (SELECT count(*) FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = guiado_tenant() AND s.escalated_at >= now() - interval '1 hour'
           AND s.status IN ('needs_escalation', 'escalated')) AS escalated_last_hour,
       r.avg_resolution_time_minutes,
       (SELECT count(DISTINCT nullif(s.detected_problem_id, '')) FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = guiado_tenant() AND s.started_at >= now() - interval '24 hours') AS unique_problems_24h,
       (SELECT round(avg(f.rating), 2)::double precision FROM support_troubleshooting_feedback f
         WHERE f.tenant_id = guiado_tenant() AND f.is_current AND f.collected_at >= now() - interval '24 hours') AS avg_rating_24h,
       guiado_tenant() AS tenant_id
  FROM (SELECT count(*) FILTER (WHERE s.resolved_at >= now() - interval '1 hour') AS resolved_last_hour,
               round((avg(extract(epoch FROM s.resolved_at - s.started_at)) / 60)::numeric, 2)::double precision AS avg_resolution_time_minutes
          FROM support_troubleshooting_sessions s
         WHERE s.tenant_id = guiado_tenant() AND s.resolved_at >= now() - interval '24 hours' AND s.status = 'resolved'
           AND s.message_kind <> 'solved') r;

-- Una fila por periodo (hora, día o semana que empieza en lunes; en UTC) entre p_start y p_end, también los vacíos. Cada sesión
-- cuenta en el periodo en que empezó. Días y semanas salen del resumen del quinto esquema (también lo ya borrado por la
-- limpieza); las horas, de las sesiones que siguen guardadas.
CREATE OR REPLACE FUNCTION get_troubleshooting_metrics_by_period(p_start timestamptz, p_end timestamptz, p_period text DEFAULT 'day')
RETURNS TABLE (
    period_start timestamptz, total_sessions bigint, resolved bigint, escalated bigint, abandoned bigint, active bigint,
    resolution_rate double precision, avg_duration_minutes double precision, total_feedback bigint, avg_rating double precision
) LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
    IF p_period IS NULL OR p_period NOT IN ('hour', 'day', 'week') THEN
        RAISE EXCEPTION 'Periodo no válido: %. Usa ''hour'' (hora), ''day'' (día) o ''week'' (semana).', coalesce(quote_literal(p_period), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT (isfinite(p_start) AND isfinite(p_end)) THEN
        RAISE EXCEPTION 'El intervalo tiene que tener principio y fin: llegó de % a %.', p_start, p_end USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    WITH measured AS (
        SELECT date_trunc(p_period, d.day::timestamp) AS utc, d.total_sessions, d.resolved, d.escalated, d.abandoned, d.active,
               d.duration_seconds, d.duration_count, d.feedback, d.rating_sum
          FROM guiado_daily(guiado_tenant(), p_start, p_end) d
         WHERE p_period <> 'hour' AND d.problem_id = '*'
        UNION ALL
        SELECT date_trunc('hour', s.started_at AT TIME ZONE 'UTC'), 1, (s.status = 'resolved')::integer,
               (s.status IN ('escalated', 'needs_escalation'))::integer, (s.status = 'abandoned')::integer,
               (s.status IN ('started', 'in_progress'))::integer,
               CASE WHEN s.status = 'resolved' THEN extract(epoch FROM s.resolved_at - s.started_at)::double precision END,
               (s.status = 'resolved' AND s.resolved_at IS NOT NULL)::integer, (f.rating IS NOT NULL)::integer, f.rating
          FROM support_troubleshooting_sessions s
          LEFT JOIN support_troubleshooting_feedback f ON f.tenant_id = s.tenant_id AND f.session_id = s.session_id AND f.is_current
         WHERE p_period = 'hour' AND s.tenant_id = guiado_tenant() AND s.started_at >= p_start AND s.started_at < p_end
           AND s.message_kind <> 'solved')
    SELECT p.utc AT TIME ZONE 'UTC',
           coalesce(sum(m.total_sessions), 0)::bigint,
           coalesce(sum(m.resolved), 0)::bigint,
           coalesce(sum(m.escalated), 0)::bigint,
           coalesce(sum(m.abandoned), 0)::bigint,
           coalesce(sum(m.active), 0)::bigint,
           coalesce(round(100 * sum(m.resolved) / nullif(sum(m.total_sessions), 0), 2), 0)::double precision,
           round((sum(m.duration_seconds) / nullif(sum(m.duration_count), 0) / 60)::numeric, 2)::double precision,
           coalesce(sum(m.feedback), 0)::bigint,
           round(sum(m.rating_sum) / nullif(sum(m.feedback), 0), 2)::double precision
      FROM generate_series(date_trunc(p_period, p_start AT TIME ZONE 'UTC'), p_end AT TIME ZONE 'UTC', ('1 ' || p_period)::interval) p (utc)
      LEFT JOIN measured m ON m.utc = p.utc
     WHERE p.utc < p_end AT TIME ZONE 'UTC'
     GROUP BY p.utc
     ORDER BY p.utc;
END $$;

-- Inquilinos que se crearon o que tienen algo guardado, a saltos por los índices. guiado_app solo ve el suyo.
CREATE OR REPLACE FUNCTION guiado_tenants() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_table  text;
    v_tenant text;
    v_found  text[] := '{}';
BEGIN
    FOREACH v_table IN ARRAY ARRAY['support_troubleshooting_sessions', 'support_troubleshooting_outbox', 'support_webhook_events',
                                   'support_troubleshooting_notifications', 'support_troubleshooting_audit_log', 'support_tickets',
                                   'support_troubleshooting_idempotency', 'support_troubleshooting_performance_metrics',
                                   'support_troubleshooting_ml_training', 'support_tenants'] LOOP
        CONTINUE WHEN to_regclass(v_table) IS NULL;   -- la de accesos llega con el sexto esquema
        v_tenant := '';
        LOOP
            EXECUTE format('SELECT min(t.tenant_id) FROM %I t WHERE t.tenant_id > $1', v_table) INTO v_tenant USING v_tenant;
            EXIT WHEN v_tenant IS NULL;
            v_found := v_found || v_tenant;
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT DISTINCT f FROM unnest(v_found) f ORDER BY f;
END $$;

-- guiado_delete_session_rows: borra lo que cuelga de unas sesiones y se encuentra por ellas; el documento de búsqueda se va con cada
-- sesión. Las dos últimas tablas son del sexto esquema, que quizá no está. La retención y el borrado de un cliente la usan por igual: una tabla nueva se agrega aquí.
CREATE OR REPLACE FUNCTION guiado_delete_session_rows(p_tenant text, p_sessions uuid[])
RETURNS TABLE (table_name text, deleted bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH table_name IN ARRAY ARRAY['support_troubleshooting_notifications', 'support_troubleshooting_feedback',
                                      'support_troubleshooting_attempts', 'support_troubleshooting_decisions', 'support_troubleshooting_learning',
                                      'support_customer_links', 'support_session_attachments'] LOOP
        deleted := 0;
        IF p_sessions IS NOT NULL AND to_regclass(table_name) IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I t USING unnest($2) x (session_id) WHERE t.tenant_id = $1 AND t.session_id = x.session_id', table_name)
              USING p_tenant, p_sessions;
            GET DIAGNOSTICS deleted = ROW_COUNT;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- guiado_clean_batch: una tanda de la limpieza, para un inquilino: hasta p_most sesiones que terminaron antes de p_before, con todo lo
-- que cuelga de ellas, y hasta 10 filas de cada registro por sesión de la tanda. Cuando no queda nada, todas las cuentas son 0.
-- Cada tanda cuesta lo mismo, haya mil sesiones o diez millones: las sesiones van por orden de comienzo, para que una tanda toque
-- pocos días, y todo lo demás se busca por su índice. Quien la llama confirma entre tandas, y así nadie espera más que una.
-- Lo que otro tiene bloqueado se deja para otra vez.
-- p_kinds: otro momento para una clase de registro (deliveries, notifications, idempotency, audit, performance, links, keys, examples), en
-- lugar de p_before; con él también se van los de sesiones que siguen. Sin p_before solo se borra lo que p_kinds diga. Los ejemplos aprendidos
-- no caducan si no se pide.
DROP FUNCTION IF EXISTS guiado_clean_batch(text, timestamptz, integer);  -- de instalaciones anteriores
CREATE OR REPLACE FUNCTION guiado_clean_batch(p_tenant text, p_before timestamptz, p_most integer DEFAULT 1000, p_kinds jsonb DEFAULT '{}')
RETURNS TABLE (table_name text, deleted bigint) LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    c_sends    CONSTANT timestamptz := coalesce((p_kinds ->> 'deliveries')::timestamptz, p_before);
    c_notices  CONSTANT timestamptz := coalesce((p_kinds ->> 'notifications')::timestamptz, p_before);
    c_answers  CONSTANT timestamptz := coalesce((p_kinds ->> 'idempotency')::timestamptz, p_before);
    c_audit    CONSTANT timestamptz := coalesce((p_kinds ->> 'audit')::timestamptz, p_before);
    c_measures CONSTANT timestamptz := coalesce((p_kinds ->> 'performance')::timestamptz, p_before);
    c_links    CONSTANT timestamptz := coalesce((p_kinds ->> 'links')::timestamptz, p_before);
    c_keys     CONSTANT timestamptz := coalesce((p_kinds ->> 'keys')::timestamptz, p_before);
    c_examples CONSTANT timestamptz := (p_kinds ->> 'examples')::timestamptz;
    v_most     integer := least(greatest(p_most, 1), 5000);
    v_rows     integer := 10 * least(greatest(p_most, 1), 5000);
    v_sessions uuid[];
    v_tickets  text[];
    v_events   uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(5207106);             -- el del resumen, antes que el de ninguna tabla
    PERFORM set_config('guiado.cleanup', 'on', true);   -- los disparadores no ensucian los días que limpiamos

    -- Bloqueadas hasta el final: nadie responde ni valora una sesión a medio borrar.
    SELECT array_agg(x.session_id), array_agg(DISTINCT x.ticket_id) FILTER (WHERE x.ticket_id IS NOT NULL) INTO v_sessions, v_tickets
      FROM (SELECT s.session_id, s.ticket_id FROM support_troubleshooting_sessions s
             WHERE s.tenant_id = p_tenant AND s.started_at < p_before AND s.updated_at < p_before
               AND s.status IN ('resolved', 'escalated', 'abandoned')
             ORDER BY s.started_at, s.session_id LIMIT v_most
             FOR UPDATE SKIP LOCKED) x;
    IF v_sessions IS NULL THEN  -- al final, y solo entonces: las que alguien cambió a mano y acabaron antes de empezar
        SELECT array_agg(x.session_id), array_agg(DISTINCT x.ticket_id) FILTER (WHERE x.ticket_id IS NOT NULL) INTO v_sessions, v_tickets
          FROM (SELECT s.session_id, s.ticket_id FROM support_troubleshooting_sessions s
                 WHERE s.tenant_id = p_tenant AND s.started_at >= p_before AND s.updated_at < p_before
                   AND s.status IN ('resolved', 'escalated', 'abandoned')
                 LIMIT v_most
                 FOR UPDATE SKIP LOCKED) x;
    END IF;
    IF v_sessions IS NOT NULL THEN
        PERFORM guiado_keep(p_tenant, v_sessions);
    END IF;

    -- Los eventos de esas sesiones, y los viejos que ya no son de ninguna. Un envío pendiente retiene su evento, salvo que su destino
    -- esté desactivado: ese no saldría nunca.
    SELECT array_agg(x.event_id) INTO v_events
      FROM (SELECT o.event_id FROM unnest(v_sessions) gone (session_id)
              JOIN support_troubleshooting_outbox o ON o.tenant_id = p_tenant AND o.session_id = gone.session_id
            UNION ALL
            SELECT old.event_id
              FROM (SELECT o.event_id FROM support_troubleshooting_outbox o
                     WHERE o.tenant_id = p_tenant AND o.occurred_at < c_sends
                       AND (p_kinds ? 'deliveries'
                            OR NOT EXISTS (SELECT FROM support_troubleshooting_sessions s
                                            WHERE s.tenant_id = p_tenant AND s.session_id = o.session_id))
                       AND NOT EXISTS (
                            SELECT FROM support_troubleshooting_deliveries d
                              LEFT JOIN support_webhooks w ON w.tenant_id = d.tenant_id AND w.webhook_id = d.destination
                             WHERE d.tenant_id = p_tenant AND d.event_id = o.event_id AND d.state = 'pending' AND w.enabled IS DISTINCT FROM false)
                     ORDER BY o.occurred_at LIMIT v_rows) old) x
     WHERE NOT EXISTS (
            SELECT FROM support_troubleshooting_deliveries d
              LEFT JOIN support_webhooks w ON w.tenant_id = d.tenant_id AND w.webhook_id = d.destination
             WHERE d.tenant_id = p_tenant AND d.event_id = x.event_id AND d.state = 'pending' AND w.enabled IS DISTINCT FROM false);

    table_name := 'support_webhook_events';
    DELETE FROM support_webhook_events t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    DELETE FROM support_webhook_events t
     USING (SELECT y.id FROM support_webhook_events y WHERE y.tenant_id = p_tenant AND y.sent_at < c_sends ORDER BY y.sent_at LIMIT v_rows) x
     WHERE t.tenant_id = p_tenant AND t.id = x.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_deliveries';
    DELETE FROM support_troubleshooting_deliveries t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_outbox';
    DELETE FROM support_troubleshooting_outbox t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    -- Los ejemplos aprendidos se quedan, pero ya no se sabe de quién; el registro de quién enseñó qué se va.
    UPDATE support_troubleshooting_ml_training t SET customer_id = NULL
      FROM unnest(v_sessions) x (session_id)
     WHERE t.tenant_id = p_tenant AND t.session_id = x.session_id AND t.customer_id IS NOT NULL;
    RETURN QUERY SELECT * FROM guiado_delete_session_rows(p_tenant, v_sessions);

    table_name := 'support_troubleshooting_notifications';
    DELETE FROM support_troubleshooting_notifications t
     USING (SELECT y.id FROM support_troubleshooting_notifications y
             WHERE y.tenant_id = p_tenant AND y.created_at < c_notices
               -- También lo que espera un canal que nunca se configuró; lo que sale en este momento, no.
               AND (y.status <> 'pending' OR y.leased_until IS NULL OR y.leased_until < now())
               AND (p_kinds ? 'notifications'
                    OR NOT EXISTS (SELECT FROM support_troubleshooting_sessions s
                                    WHERE s.tenant_id = p_tenant AND s.session_id = y.session_id))
             ORDER BY y.created_at LIMIT v_rows) x
     WHERE t.tenant_id = p_tenant AND t.id = x.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_ml_training';
    DELETE FROM support_troubleshooting_ml_training t
     USING (SELECT y.id FROM support_troubleshooting_ml_training y
             WHERE y.tenant_id = p_tenant AND y.created_at < c_examples LIMIT v_rows) x
     WHERE t.tenant_id = p_tenant AND t.id = x.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_sessions';
    DELETE FROM support_troubleshooting_sessions t USING unnest(v_sessions) x (session_id)
     WHERE t.tenant_id = p_tenant AND t.session_id = x.session_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    -- El ticket que guiado escribió o completó se va con la última sesión que lo nombra; los que nunca tocó son de otro sistema.
    table_name := 'support_tickets';
    DELETE FROM support_tickets t USING unnest(v_tickets) x (ticket_id)
     WHERE t.tenant_id = p_tenant AND t.ticket_id = x.ticket_id AND t.session_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM support_troubleshooting_sessions s WHERE s.tenant_id = p_tenant AND s.ticket_id = t.ticket_id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    DELETE FROM support_tickets t
     USING (SELECT y.ticket_id FROM support_tickets y
             WHERE y.tenant_id = p_tenant AND y.session_id IS NOT NULL AND y.updated_at < p_before
               AND NOT EXISTS (SELECT FROM support_troubleshooting_sessions s
                                WHERE s.tenant_id = p_tenant AND s.session_id = y.session_id)
               AND NOT EXISTS (SELECT FROM support_troubleshooting_sessions s WHERE s.tenant_id = p_tenant AND s.ticket_id = y.ticket_id)
             LIMIT v_rows) x
     WHERE t.tenant_id = p_tenant AND t.ticket_id = x.ticket_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_idempotency';
    DELETE FROM support_troubleshooting_idempotency t
     USING (SELECT y.key FROM support_troubleshooting_idempotency y
             WHERE y.tenant_id = p_tenant AND y.created_at < c_answers ORDER BY y.created_at LIMIT v_rows) x
     WHERE t.tenant_id = p_tenant AND t.key = x.key;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    -- Enlaces y claves de API que ya no sirven; sus tablas son del sexto esquema, que quizá no está. La última clave de API se queda:
    -- donde no hay ninguna, la API está abierta.
    IF to_regclass('support_customer_links') IS NOT NULL THEN
        table_name := 'support_customer_links';
        DELETE FROM support_customer_links t
         USING (SELECT y.link_id FROM support_customer_links y
                 WHERE y.tenant_id = p_tenant AND least(y.expires_at, y.revoked_at) < c_links
                 ORDER BY least(y.expires_at, y.revoked_at) LIMIT v_rows) x
         WHERE t.tenant_id = p_tenant AND t.link_id = x.link_id;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        RETURN NEXT;
        table_name := 'support_api_keys';
        DELETE FROM support_api_keys t
         WHERE t.tenant_id = p_tenant AND least(t.expires_at, t.revoked_at) < c_keys
           AND EXISTS (SELECT FROM support_api_keys y
                        WHERE y.tenant_id = p_tenant AND (y.created_at, y.key_id) > (t.created_at, t.key_id));
        GET DIAGNOSTICS deleted = ROW_COUNT;
        RETURN NEXT;
    END IF;

    table_name := 'support_troubleshooting_audit_log';
    deleted := guiado_clean_audit(p_tenant, c_audit, v_rows);
    RETURN NEXT;

    table_name := 'support_troubleshooting_performance_metrics';
    DELETE FROM support_troubleshooting_performance_metrics t
     USING (SELECT y.id FROM support_troubleshooting_performance_metrics y
             WHERE y.tenant_id = p_tenant AND y.recorded_at < c_measures LIMIT v_rows) x
     WHERE t.tenant_id = p_tenant AND t.id = x.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    PERFORM set_config('guiado.cleanup', '', true);
END $$;

-- Borra de verdad lo que ya no se usa: las sesiones terminadas (resolved, escalated, abandoned) sin actividad en p_days días, con
-- todo lo que cuelga de ellas (también su ticket, si lo escribió guiado), y las filas de los registros más viejas que eso. No toca
-- sesiones vivas, tickets de otro sistema, guías ni los ejemplos aprendidos. Las analíticas por día no cambian: antes de borrar, lo
-- que aportaban esas sesiones se guarda aparte (guiado_keep). Un evento con envíos pendientes se queda hasta que salgan. Como dueño,
-- limpia todos los inquilinos. Lo hace todo en una transacción; el trabajador llama a guiado_clean_batch y confirma tanda a tanda.
CREATE OR REPLACE FUNCTION cleanup_old_troubleshooting_data(p_days integer)
RETURNS TABLE (table_name text, deleted bigint) LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_before timestamptz;
    v_tenant text;
    v_sum    jsonb := '{}';   -- tabla -> filas borradas
    v_round  bigint;
    v        record;
BEGIN
    IF p_days IS NULL OR p_days < 1 THEN
        RAISE EXCEPTION 'Los días deben ser un número entero de 1 en adelante; llegó %.', coalesce(p_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_before := now() - make_interval(days => least(p_days, 36500));
    PERFORM guiado_roll_up(now(), true);
    FOR v_tenant IN SELECT t FROM guiado_tenants() t LOOP
        LOOP
            v_round := 0;
            FOR v IN SELECT b.table_name, sum(b.deleted) AS deleted FROM guiado_clean_batch(v_tenant, v_before) b GROUP BY b.table_name LOOP
                v_round := v_round + v.deleted;
                v_sum := v_sum || jsonb_build_object(v.table_name, coalesce((v_sum ->> v.table_name)::bigint, 0) + v.deleted);
            END LOOP;
            EXIT WHEN v_round = 0;
        END LOOP;
    END LOOP;
    RETURN QUERY
    SELECT n.name, coalesce((v_sum ->> n.name)::bigint, 0)
      FROM unnest(ARRAY['support_webhook_events', 'support_troubleshooting_deliveries', 'support_troubleshooting_outbox',
                        'support_troubleshooting_notifications', 'support_troubleshooting_feedback', 'support_troubleshooting_attempts',
                        'support_troubleshooting_decisions', 'support_troubleshooting_learning', 'support_troubleshooting_sessions',
                        'support_tickets', 'support_troubleshooting_idempotency', 'support_troubleshooting_audit_log',
                        'support_troubleshooting_performance_metrics']) WITH ORDINALITY n (name, place)
     ORDER BY n.place;
END $$;

DO $$ BEGIN PERFORM guiado_share(ARRAY['vw_troubleshooting_realtime_metrics']); END $$;

COMMIT;
