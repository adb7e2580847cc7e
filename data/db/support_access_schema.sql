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

DO $$ BEGIN PERFORM guiado_protect(ARRAY['support_tenants', 'support_api_keys', 'support_customer_links']); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Borrado de un cliente a petición suya (ADR 0033). p_email va en minúsculas y sin espacios alrededor, como se guarda.
--   guiado_erase_batch     hasta p_most de sus sesiones, con todo lo que cuelga de ellas. Cuando no queda nada, todas las cuentas son 0.
--   guiado_erase_mentions  lo suyo que no cuelga de una sesión suya, y su dirección en lo de otras personas.
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

    -- En lo que otras personas escribieron se tapa la dirección, y se olvida de quién era el correo que reenviaron.
    PERFORM guiado_hide_address(p_tenant, p_email);
END $$;

-- Las sesiones de otros que la nombran se buscan por el índice del buscador.
CREATE OR REPLACE FUNCTION guiado_hide_address(p_tenant text, p_email text) RETURNS void LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_sessions uuid[];
BEGIN
    SELECT array_agg(s.session_id) INTO v_sessions
      FROM support_troubleshooting_search x
      JOIN support_troubleshooting_sessions s ON s.tenant_id = x.tenant_id AND s.session_id = x.session_id
     WHERE x.tenant_id = p_tenant AND x.document @@ plainto_tsquery('pg_catalog.spanish'::regconfig, p_email) AND s.customer_email IS DISTINCT FROM p_email
       AND guiado_names(concat_ws(' ', s.problem_description, s.metadata ->> 'original_sender'), p_email);
    UPDATE support_troubleshooting_sessions s
       SET problem_description = guiado_hide(s.problem_description, p_email), notes = guiado_hide(s.notes, p_email),
           metadata = CASE WHEN guiado_names(s.metadata ->> 'original_sender', p_email) THEN s.metadata - 'original_sender' ELSE s.metadata END
      FROM unnest(v_sessions) x (session_id)
     WHERE s.tenant_id = p_tenant AND s.session_id = x.session_id;
    UPDATE support_troubleshooting_outbox o SET data = guiado_hide(o.data::text, p_email)::jsonb
      FROM unnest(v_sessions) x (session_id)
     WHERE o.tenant_id = p_tenant AND o.session_id = x.session_id AND guiado_names(o.data::text, p_email);
    UPDATE support_troubleshooting_notifications n
       SET subject = guiado_hide(n.subject, p_email), message = guiado_hide(n.message, p_email)
     WHERE n.tenant_id = p_tenant AND guiado_names(concat_ws(' ', n.subject, n.message), p_email);
    UPDATE support_tickets t
       SET subject = guiado_hide(t.subject, p_email), description = guiado_hide(t.description, p_email), notes = guiado_hide(t.notes, p_email),
           metadata = CASE WHEN guiado_names(t.metadata ->> 'original_sender', p_email) THEN t.metadata - 'original_sender' ELSE t.metadata END
     WHERE t.tenant_id = p_tenant
       AND guiado_names(concat_ws(' ', t.subject, t.description, t.notes, t.metadata ->> 'original_sender'), p_email);
    UPDATE support_webhook_events e
       SET response_body = guiado_hide(e.response_body, p_email), error_message = guiado_hide(e.error_message, p_email)
     WHERE e.tenant_id = p_tenant AND guiado_names(concat_ws(' ', e.response_body, e.error_message), p_email);
    UPDATE support_troubleshooting_deliveries d SET last_error = guiado_hide(d.last_error, p_email)
     WHERE d.tenant_id = p_tenant AND guiado_names(d.last_error, p_email);
END $$;

COMMIT;
