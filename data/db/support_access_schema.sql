-- =====================================================================================================================
-- guiado · Esquema de accesos: inquilinos, claves de API y enlaces de clientes
--
-- Orden de ejecución: después de los cinco esquemas de la guía. guiado lo ejecuta solo al empezar; se puede repetir cuantas veces haga falta.
--   psql $DATABASE_URL < data/db/support_access_schema.sql
-- De cada secreto se guarda su SHA-256, nunca el secreto: quien lea esta base no puede entrar con lo que ve.
-- =====================================================================================================================
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207105); END $$;

-- Inquilinos que se crearon. El de la instalación existe siempre, aunque no tenga fila.
CREATE TABLE IF NOT EXISTS support_tenants (
    tenant_id  text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id)
);

-- Claves de API. Al cambiar el secreto, el anterior vale hasta previous_until: dos vivos a la vez como mucho.
CREATE TABLE IF NOT EXISTS support_api_keys (
    tenant_id      text        NOT NULL DEFAULT guiado_tenant(),
    key_id         uuid        NOT NULL,
    name           text        NOT NULL,
    prefix         text        NOT NULL,               -- lo que se enseña de la clave, para reconocerla
    secret_hash    text        NOT NULL,               -- SHA-256 de la clave entera, en hexadecimal
    previous_hash  text,
    previous_until timestamptz,
    scopes         text[]      NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz,
    revoked_at     timestamptz,
    last_used_at   timestamptz,
    PRIMARY KEY (tenant_id, key_id)
);
-- Quien trae una clave no dice de qué inquilino es: eso lo dice la clave.
CREATE INDEX IF NOT EXISTS api_keys_by_secret ON support_api_keys (secret_hash);
CREATE INDEX IF NOT EXISTS api_keys_by_previous ON support_api_keys (previous_hash) WHERE previous_hash IS NOT NULL;

-- Enlaces con los que un cliente entra en su sesión, y en ninguna otra.
CREATE TABLE IF NOT EXISTS support_customer_links (
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    link_id      uuid        NOT NULL,
    session_id   uuid        NOT NULL,
    token_hash   text        NOT NULL,                 -- SHA-256 de la parte secreta del enlace, en hexadecimal
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    opened_at    timestamptz,                          -- la primera vez que alguien pulsó el botón
    revoked_at   timestamptz,
    PRIMARY KEY (tenant_id, link_id)
);
CREATE INDEX IF NOT EXISTS customer_links_by_token ON support_customer_links (token_hash);
CREATE INDEX IF NOT EXISTS customer_links_by_session ON support_customer_links (tenant_id, session_id);
CREATE INDEX IF NOT EXISTS customer_links_by_end ON support_customer_links (tenant_id, least(expires_at, revoked_at));

-- Imágenes que un cliente agrega a su sesión, ya revisadas y sin metadatos. El contenido está fuera de la fila (TOAST) y sin comprimir
-- otra vez: contarlas no lo lee.
CREATE TABLE IF NOT EXISTS support_session_attachments (
    tenant_id     text        NOT NULL DEFAULT guiado_tenant(),
    attachment_id uuid        NOT NULL,
    session_id    uuid        NOT NULL,
    step_number   integer,                             -- el paso que esperaba respuesta al enviarla, si había uno
    step_id       text,
    media_type    text        NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg')),
    width         integer     NOT NULL CHECK (width > 0),
    height        integer     NOT NULL CHECK (height > 0),
    size_bytes    integer     NOT NULL CHECK (size_bytes = octet_length(content)),
    content       bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, attachment_id)
);
DO $$
BEGIN
    IF (SELECT attstorage FROM pg_attribute WHERE attrelid = 'support_session_attachments'::regclass AND attname = 'content') <> 'e' THEN
        ALTER TABLE support_session_attachments ALTER COLUMN content SET STORAGE EXTERNAL;
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS session_attachments_by_session ON support_session_attachments (tenant_id, session_id);
CREATE INDEX IF NOT EXISTS session_attachments_by_size ON support_session_attachments (tenant_id, size_bytes);

-- Imágenes de las guías, ya revisadas y sin metadatos: su nombre es el SHA-256 de su contenido, y con él las nombra una guía
-- (media:<sha256>.png).
CREATE TABLE IF NOT EXISTS support_guide_media (
    tenant_id  text        NOT NULL DEFAULT guiado_tenant(),
    sha256     text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name       text        NOT NULL DEFAULT '',            -- del archivo del que vino, para reconocerla
    media_type text        NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg')),
    width      integer     NOT NULL CHECK (width > 0),
    height     integer     NOT NULL CHECK (height > 0),
    size_bytes integer     NOT NULL CHECK (size_bytes = octet_length(content)),
    content    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sha256)
);
DO $$
BEGIN
    IF (SELECT attstorage FROM pg_attribute WHERE attrelid = 'support_guide_media'::regclass AND attname = 'content') <> 'e' THEN
        ALTER TABLE support_guide_media ALTER COLUMN content SET STORAGE EXTERNAL;
    END IF;
END $$;

-- Con qué clave de cifrado se guardaron los secretos de esta base (los de webhooks y destinatarios): su nombre y un valor que permite
-- reconocerla, y nada con lo que descifrar. Es de la base de datos entera. guiado no empieza si falta alguna de estas.
CREATE TABLE IF NOT EXISTS support_secret_key (
    key_id      text        NOT NULL,
    check_value text        NOT NULL,                  -- HMAC que solo ella puede dar
    created_at  timestamptz NOT NULL DEFAULT now(),
    audit_key   text,                                  -- la clave de la cadena de la auditoría, envuelta con esta
    PRIMARY KEY (key_id)
);
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'guiado_app')
       AND NOT has_table_privilege('guiado_app', 'support_secret_key'::regclass, 'SELECT') THEN
        GRANT SELECT, INSERT ON support_secret_key TO guiado_app;
    END IF;
END $$;

-- Avisos con un secreto sin cifrar, de versiones anteriores o escritos a mano: el próximo arranque los cifra. Normalmente está vacío.
CREATE INDEX IF NOT EXISTS notifications_in_clear ON support_troubleshooting_notifications (tenant_id, id)
 WHERE recipient LIKE '%://%' OR metadata ->> 'webhook_url' NOT LIKE 'guiado:v1:%' OR metadata ->> 'secret' NOT LIKE 'guiado:v1:%';

DO $$ BEGIN PERFORM guiado_protect(ARRAY['support_tenants', 'support_api_keys', 'support_customer_links', 'support_session_attachments', 'support_guide_media']); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Borrado de un cliente a petición suya (ADR 0033). p_email va en minúsculas y sin espacios alrededor, como se guarda.
--   guiado_erase_batch     hasta p_most de sus sesiones, con todo lo que cuelga de ellas. Cuando no queda nada, todas las cuentas son 0.
--   guiado_erase_mentions  lo suyo que no cuelga de una sesión suya.
--   guiado_hide_address    su dirección en lo de otras personas: se tapa.
-- Quien llama confirma entre tandas: repetir es inocuo, y lo interrumpido se sigue después. La auditoría no se toca: solo tiene
-- identificadores. Las cifras por día no cambian (guiado_keep); una sesión viva queda contada como abandonada.
-- ---------------------------------------------------------------------------------------------------------------------

-- Reconoce una dirección dentro de un texto, y no otra que termine o empiece igual.
CREATE OR REPLACE FUNCTION guiado_address_pattern(p_email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '(?<![[:alnum:]_.+-])' || regexp_replace(p_email, '([^[:alnum:]@_])', '\\\1', 'g') || '(?![[:alnum:]_-]|\.[[:alnum:]])'
$$;
CREATE OR REPLACE FUNCTION guiado_names(p_text text, p_email text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN position(p_email IN lower(p_text)) > 0 THEN p_text ~* guiado_address_pattern(p_email) ELSE false END
$$;
CREATE OR REPLACE FUNCTION guiado_hide(p_text text, p_email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(p_text, guiado_address_pattern(p_email), '[correo]', 'gi')
$$;
-- En un documento, y se olvida de quién era el correo que reenviaron, si era suyo.
CREATE OR REPLACE FUNCTION guiado_hide_in(p_document jsonb, p_email text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT guiado_hide((CASE WHEN guiado_names(p_document ->> 'original_sender', p_email) THEN p_document - 'original_sender'
                             ELSE p_document END)::text, p_email)::jsonb
$$;

CREATE OR REPLACE FUNCTION guiado_erase_batch(p_tenant text, p_email text, p_customer text, p_most integer DEFAULT 1000)
RETURNS TABLE (table_name text, deleted bigint) LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_sessions uuid[];
    v_tickets  text[];
    v_events   uuid[];
    v_scopes   text[];
BEGIN
    PERFORM pg_advisory_xact_lock(5207106);             -- el del resumen, antes que el de ninguna tabla
    PERFORM set_config('guiado.cleanup', 'on', true);   -- los disparadores no ensucian los días: lo que se borra queda contado

    -- Aquí se espera a quien esté respondiendo o valorando: después, ya no encuentra su sesión.
    SELECT array_agg(x.session_id), array_agg(DISTINCT x.ticket_id) FILTER (WHERE x.ticket_id IS NOT NULL) INTO v_sessions, v_tickets
      FROM (SELECT s.session_id, s.ticket_id FROM support_troubleshooting_sessions s
             WHERE s.tenant_id = p_tenant AND s.customer_email = p_email
             ORDER BY s.started_at, s.session_id LIMIT least(greatest(p_most, 1), 5000)
             FOR UPDATE) x;
    IF v_sessions IS NOT NULL THEN
        UPDATE support_troubleshooting_sessions s SET status = 'abandoned'
          FROM unnest(v_sessions) x (session_id)
         WHERE s.tenant_id = p_tenant AND s.session_id = x.session_id AND s.status IN ('started', 'in_progress');
        PERFORM guiado_keep(p_tenant, v_sessions);
    END IF;
    SELECT array_agg(o.event_id) INTO v_events
      FROM unnest(v_sessions) x (session_id)
      JOIN support_troubleshooting_outbox o ON o.tenant_id = p_tenant AND o.session_id = x.session_id;

    table_name := 'support_troubleshooting_deliveries';
    deleted := guiado_erase_events(p_tenant, v_events);
    RETURN NEXT;

    table_name := 'support_webhook_events';             -- después: quien estaba enviando ya apuntó, o ya no encuentra su envío
    DELETE FROM support_webhook_events t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_outbox';
    DELETE FROM support_troubleshooting_outbox t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    RETURN QUERY SELECT * FROM guiado_delete_session_rows(p_tenant, v_sessions);

    -- Con un ejemplo que queda se avisa a los procesos: ellos buscan lo que cambió, no lo que falta.
    table_name := 'support_troubleshooting_ml_training';
    WITH gone AS (
        DELETE FROM support_troubleshooting_ml_training t
         WHERE t.tenant_id = p_tenant AND (t.customer_id = p_customer OR t.session_id = ANY (v_sessions))
        RETURNING t.scope)
    SELECT array_agg(g.scope), count(*) INTO v_scopes, deleted FROM gone g;
    UPDATE support_troubleshooting_ml_training t SET weight = t.weight
      FROM (SELECT DISTINCT u.scope FROM unnest(v_scopes) u (scope)) u
     CROSS JOIN LATERAL (SELECT y.id FROM support_troubleshooting_ml_training y
                          WHERE y.tenant_id = p_tenant AND y.scope = u.scope ORDER BY y.revision DESC LIMIT 1) newest
     WHERE t.tenant_id = p_tenant AND t.id = newest.id;
    RETURN NEXT;

    table_name := 'support_troubleshooting_sessions';
    DELETE FROM support_troubleshooting_sessions t USING unnest(v_sessions) x (session_id)
     WHERE t.tenant_id = p_tenant AND t.session_id = x.session_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    -- Sus tickets. En el de otra persona se quita lo que una sesión de este cliente escribió en él.
    table_name := 'support_tickets';
    DELETE FROM support_tickets t USING unnest(v_tickets) x (ticket_id)
     WHERE t.tenant_id = p_tenant AND t.ticket_id = x.ticket_id
       AND (lower(btrim(t.customer_email)) = p_email
            OR (t.customer_email IS NULL
                AND NOT EXISTS (SELECT FROM support_troubleshooting_sessions s WHERE s.tenant_id = p_tenant AND s.ticket_id = t.ticket_id)));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    UPDATE support_tickets t
       SET notes = NULL, session_id = NULL,
           metadata = t.metadata - ARRAY['language', 'alternatives', 'clarifications', 'already_tried', 'message_kind', 'also_named',
                                         'unknown_codes', 'original_sender']
      FROM unnest(v_tickets) x (ticket_id)
     WHERE t.tenant_id = p_tenant AND t.ticket_id = x.ticket_id AND t.session_id = ANY (v_sessions);
    RETURN NEXT;

    PERFORM set_config('guiado.cleanup', '', true);
END $$;

-- Quita los envíos de unos eventos, también los que alguien está enviando ahora: se espera a que apunte lo que hizo.
CREATE OR REPLACE FUNCTION guiado_erase_events(p_tenant text, p_events uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_deliveries uuid[];
BEGIN
    v_deliveries := ARRAY(
        SELECT d.delivery_id FROM unnest(p_events) e (event_id)
          JOIN support_troubleshooting_deliveries d ON d.tenant_id = p_tenant AND d.event_id = e.event_id);
    -- Siempre en el mismo orden, como quien apunta intentos.
    PERFORM FROM support_troubleshooting_deliveries d
      WHERE d.tenant_id = p_tenant AND d.delivery_id = ANY (v_deliveries) ORDER BY d.delivery_id FOR UPDATE;
    DELETE FROM support_troubleshooting_deliveries d USING unnest(v_deliveries) x (delivery_id)
     WHERE d.tenant_id = p_tenant AND d.delivery_id = x.delivery_id;
    RETURN cardinality(v_deliveries);
END $$;

-- Si un documento nombra una sesión del cliente.
CREATE OR REPLACE FUNCTION guiado_names_session(p_tenant text, p_document text, p_email text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM regexp_matches(p_document, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'g') m (found)
          JOIN support_troubleshooting_sessions s ON s.tenant_id = p_tenant AND s.session_id = m.found[1]::uuid AND s.customer_email = p_email)
$$;

CREATE OR REPLACE FUNCTION guiado_erase_mentions(p_tenant text, p_email text, p_most integer DEFAULT 1000)
RETURNS TABLE (table_name text, deleted bigint) LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_events uuid[];
BEGIN
    -- Como en guiado_erase_batch, y en el mismo orden: así nadie guarda una respuesta sobre una de estas sesiones después de mirar aquí.
    PERFORM pg_advisory_xact_lock(5207106);
    PERFORM FROM support_troubleshooting_sessions s
      WHERE s.tenant_id = p_tenant AND s.customer_email = p_email
      ORDER BY s.started_at, s.session_id LIMIT least(greatest(p_most, 1), 5000) FOR UPDATE;

    -- Respuestas guardadas: primero, mientras se sabe qué sesiones son suyas.
    table_name := 'support_troubleshooting_idempotency';
    DELETE FROM support_troubleshooting_idempotency t
     WHERE t.tenant_id = p_tenant AND (guiado_names(t.key, p_email) OR guiado_names(t.answer::text, p_email)
                                       OR guiado_names_session(p_tenant, t.answer::text, p_email));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    -- Eventos hechos a mano, que no son de ninguna sesión.
    SELECT array_agg(o.event_id) INTO v_events FROM support_troubleshooting_outbox o
     WHERE o.tenant_id = p_tenant AND o.session_id IS NULL
       AND (guiado_names(o.data::text, p_email) OR guiado_names_session(p_tenant, o.data::text, p_email));
    table_name := 'support_troubleshooting_deliveries';
    deleted := guiado_erase_events(p_tenant, v_events);
    RETURN NEXT;
    table_name := 'support_webhook_events';
    DELETE FROM support_webhook_events t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_troubleshooting_outbox';
    DELETE FROM support_troubleshooting_outbox t USING unnest(v_events) e (event_id) WHERE t.tenant_id = p_tenant AND t.event_id = e.event_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'support_troubleshooting_notifications';
    DELETE FROM support_troubleshooting_notifications t
     WHERE t.tenant_id = p_tenant
       AND (guiado_names(t.recipient, p_email)
            OR (t.session_id IS NULL AND guiado_names(concat_ws(' ', t.subject, t.message, t.metadata::text), p_email)));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_troubleshooting_recipients';
    DELETE FROM support_troubleshooting_recipients t WHERE t.tenant_id = p_tenant AND guiado_names(t.recipient, p_email);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_tickets';
    DELETE FROM support_tickets t WHERE t.tenant_id = p_tenant AND lower(btrim(t.customer_email)) = p_email;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_troubleshooting_ml_training';
    DELETE FROM support_troubleshooting_ml_training t WHERE t.tenant_id = p_tenant AND guiado_names(t.text, p_email);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_troubleshooting_cache';
    DELETE FROM support_troubleshooting_cache t WHERE t.tenant_id = p_tenant AND guiado_names(t.cache_key || ' ' || t.value::text, p_email);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_troubleshooting_reports';
    DELETE FROM support_troubleshooting_reports t WHERE t.tenant_id = p_tenant AND guiado_names(t.content::text, p_email);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
    table_name := 'support_troubleshooting_performance_metrics';
    DELETE FROM support_troubleshooting_performance_metrics t WHERE t.tenant_id = p_tenant AND guiado_names(t.metadata::text, p_email);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
END $$;

-- Tapa la dirección en cada texto libre de lo que queda: cuántas filas cambiaron en cada tabla. Una tabla nueva con textos de personas se
-- agrega aquí. Lo recorre todo: una vez por cliente, y no por tanda.
DROP FUNCTION IF EXISTS guiado_hide_address(text, text);  -- de instalaciones anteriores: no devolvía nada
CREATE OR REPLACE FUNCTION guiado_hide_address(p_tenant text, p_email text) RETURNS TABLE (table_name text, hidden bigint)
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v       record;
    v_set   text;
    v_texts text;
BEGIN
    PERFORM set_config('guiado.cleanup', 'on', true);   -- ninguna cifra cambia por un texto
    FOR v IN SELECT * FROM (VALUES
        ('support_troubleshooting_sessions', ARRAY['problem_description', 'notes', 'escalation_reason', 'device', 'product', 'source'],
         ARRAY['metadata', 'clarifications', 'already_tried', 'unknown_codes']),
        ('support_troubleshooting_attempts', ARRAY['notes', 'reason'], ARRAY[]::text[]),
        ('support_troubleshooting_feedback', ARRAY['feedback_text'], ARRAY[]::text[]),
        ('support_troubleshooting_learning', ARRAY['text'], ARRAY['metadata']),
        ('support_troubleshooting_ml_training', ARRAY[]::text[], ARRAY['metadata']),
        ('support_troubleshooting_outbox', ARRAY[]::text[], ARRAY['data']),
        ('support_troubleshooting_deliveries', ARRAY['last_error'], ARRAY[]::text[]),
        ('support_webhook_events', ARRAY['response_body', 'error_message'], ARRAY[]::text[]),
        ('support_troubleshooting_notifications', ARRAY['subject', 'message', 'error_message', 'note'], ARRAY['metadata']),
        ('support_tickets', ARRAY['subject', 'description', 'notes'], ARRAY['metadata'])
    ) t (name, texts, documents) LOOP
        SELECT string_agg(format(CASE WHEN c.is_text THEN '%1$I = guiado_hide(t.%1$I, $2)' ELSE '%1$I = guiado_hide_in(t.%1$I, $2)' END, c.name), ', '),
               string_agg(format('t.%I', c.name), ', ')
          INTO v_set, v_texts
          FROM (SELECT unnest(v.texts), true UNION ALL SELECT unnest(v.documents), false) c (name, is_text);
        EXECUTE format('UPDATE %I t SET %s WHERE t.tenant_id = $1 AND guiado_names(concat_ws('' '', %s), $2)', v.name, v_set, v_texts)
          USING p_tenant, p_email;
        table_name := v.name;
        GET DIAGNOSTICS hidden = ROW_COUNT;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('guiado.cleanup', '', true);
END $$;

COMMIT;
