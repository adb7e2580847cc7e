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
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_by_secret ON support_api_keys (secret_hash);
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
CREATE UNIQUE INDEX IF NOT EXISTS customer_links_by_token ON support_customer_links (token_hash);
CREATE INDEX IF NOT EXISTS customer_links_by_session ON support_customer_links (tenant_id, session_id);

-- Con qué clave de cifrado se guardaron los secretos de esta base (los de webhooks y destinatarios): su nombre y un valor que permite
-- reconocerla, y nada con lo que descifrar. Es de la base de datos entera. guiado no empieza si falta alguna de estas.
CREATE TABLE IF NOT EXISTS support_secret_key (
    key_id      text        NOT NULL,
    check_value text        NOT NULL,                  -- HMAC que solo ella puede dar
    created_at  timestamptz NOT NULL DEFAULT now(),
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

COMMIT;
