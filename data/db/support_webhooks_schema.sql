-- =====================================================================================================================
-- guiado · Esquema 3 de 5: eventos, webhooks y sus envíos
--
-- Orden de ejecución: después de los dos esquemas anteriores. Se puede ejecutar cuantas veces haga falta.
--   psql $DATABASE_URL < data/db/support_webhooks_schema.sql
-- =====================================================================================================================
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(5207105); END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Eventos y su cola de salida. El evento se escribe en la misma transacción que el cambio que lo causó. Cada destino
-- que lo quiere recibe una fila en deliveries: esa fila ES el trabajo pendiente.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_troubleshooting_outbox (
    event_id    uuid        NOT NULL,
    tenant_id   text        NOT NULL DEFAULT guiado_tenant(),
    session_id  uuid,
    event       text        NOT NULL,
    data        jsonb       NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_key PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX IF NOT EXISTS outbox_by_time ON support_troubleshooting_outbox (tenant_id, occurred_at);
DO $$
BEGIN
    IF to_regclass('outbox_by_session') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE INDEX IF NOT EXISTS outbox_of_session ON support_troubleshooting_outbox (tenant_id, session_id) WHERE session_id IS NOT NULL;
    END IF;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Webhooks registrados. El identificador lo elige quien registra; registrar otra vez el mismo cambia lo que se diga y conserva lo demás.
-- events: tipos de evento, o «*» para todos.
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS support_webhooks (
    tenant_id      text        NOT NULL DEFAULT guiado_tenant(),
    webhook_id     text        NOT NULL,
    url            text        NOT NULL,
    events         text[]      NOT NULL,
    secret         text,
    headers        jsonb       NOT NULL DEFAULT '{}',
    timeout        double precision NOT NULL DEFAULT 10 CHECK (timeout > 0),     -- segundos
    retry_attempts integer     NOT NULL DEFAULT 10 CHECK (retry_attempts >= 1), -- intentos en total
    enabled        boolean     NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    -- Orden por destino: quien envía arrienda el destino entero.
    leased_until   timestamptz,
    leased_by      text,
    -- Lo que guiado agrega
    previous_secret       text,                      -- tras cambiar el secreto se firma también con el anterior…
    previous_secret_until timestamptz,               -- …hasta este momento
    older_secrets  jsonb       NOT NULL DEFAULT '[]',  -- y los de antes de ese que todavía firman: secret, until
    thin           boolean     NOT NULL DEFAULT false, -- enviar solo identificadores, sin palabras ni datos de clientes
    max_per_second double precision CHECK (max_per_second > 0),
    max_parallel   integer     NOT NULL DEFAULT 1 CHECK (max_parallel BETWEEN 1 AND 32),  -- envíos a la vez; con más de 1, sin orden
    failures       integer     NOT NULL DEFAULT 0,   -- intentos fallidos seguidos
    failing_since  timestamptz,
    paused_until   timestamptz,                      -- hasta entonces no se le envía nada: lo pidió él, o no responde
    disabled_reason text,
    url_shown      text,                             -- lo que se enseña de una url que se guarda cifrada, para reconocerla
    PRIMARY KEY (tenant_id, webhook_id)
);

-- Cola de salida: una fila por evento y destino. Esa fila ES el trabajo; nada más lo guarda.
--   destination: el webhook_id. state: pending (por enviar) · delivered · exhausted (sin intentos) · disabled (el destino
--   estaba desactivado) · cancelled (se quitó el destino). Las agotadas y las desactivadas se pueden volver a enviar.
CREATE TABLE IF NOT EXISTS support_troubleshooting_deliveries (
    delivery_id  uuid        NOT NULL,
    tenant_id    text        NOT NULL DEFAULT guiado_tenant(),
    event_id     uuid        NOT NULL,
    destination  text        NOT NULL,
    state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'exhausted', 'disabled', 'cancelled')),
    attempts     integer     NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    last_error   text,
    CONSTRAINT deliveries_key PRIMARY KEY (tenant_id, delivery_id),
    CONSTRAINT deliveries_event_fkey FOREIGN KEY (tenant_id, event_id)
        REFERENCES support_troubleshooting_outbox (tenant_id, event_id) ON DELETE CASCADE
);
DO $$
BEGIN  -- instalaciones anteriores
    ALTER TABLE support_webhooks
        ADD COLUMN IF NOT EXISTS previous_secret text,
        ADD COLUMN IF NOT EXISTS previous_secret_until timestamptz,
        ADD COLUMN IF NOT EXISTS older_secrets jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN IF NOT EXISTS thin boolean NOT NULL DEFAULT false,
        ADD COLUMN IF NOT EXISTS max_per_second double precision CHECK (max_per_second > 0),
        ADD COLUMN IF NOT EXISTS max_parallel integer NOT NULL DEFAULT 1 CHECK (max_parallel BETWEEN 1 AND 32),
        ADD COLUMN IF NOT EXISTS failures integer NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS failing_since timestamptz,
        ADD COLUMN IF NOT EXISTS paused_until timestamptz,
        ADD COLUMN IF NOT EXISTS disabled_reason text,
        ADD COLUMN IF NOT EXISTS url_shown text;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'support_troubleshooting_deliveries'::regclass
                      AND pg_get_constraintdef(oid) LIKE '%disabled%') THEN
        ALTER TABLE support_troubleshooting_deliveries DROP CONSTRAINT IF EXISTS support_troubleshooting_deliveries_state_check;
        ALTER TABLE support_troubleshooting_deliveries ADD CONSTRAINT support_troubleshooting_deliveries_state_check
            CHECK (state IN ('pending', 'delivered', 'exhausted', 'disabled', 'cancelled'));
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS deliveries_waiting
    ON support_troubleshooting_deliveries (tenant_id, destination, event_id) INCLUDE (due_at) WHERE state = 'pending';
DROP INDEX IF EXISTS deliveries_due;  -- de instalaciones anteriores
-- Sin este índice, borrar un evento recorrería toda la cola.
DO $$
BEGIN
    IF to_regclass('deliveries_by_event') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE INDEX IF NOT EXISTS deliveries_of_event ON support_troubleshooting_deliveries (tenant_id, event_id);
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS deliveries_by_destination ON support_troubleshooting_deliveries (tenant_id, destination, delivery_id);

-- Procesos que envían y están vivos: lo que hay por enviar se reparte entre ellos. Cada uno renueva su fila cada pocos segundos;
-- UNLOGGED: no frenan las escrituras y se pueden perder sin daño.
CREATE UNLOGGED TABLE IF NOT EXISTS support_troubleshooting_workers (
    tenant_id   text        NOT NULL DEFAULT guiado_tenant(),
    worker      text        NOT NULL,                -- máquina, proceso y marca: la de leased_by
    alive_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, worker)
);

-- Historial de envíos: una fila por INTENTO.
CREATE TABLE IF NOT EXISTS support_webhook_events (
    id              uuid        NOT NULL,
    tenant_id       text        NOT NULL DEFAULT guiado_tenant(),
    webhook_id      text        NOT NULL,
    event_id        uuid,
    event           text        NOT NULL,
    attempt         integer     NOT NULL DEFAULT 1,
    success         boolean     NOT NULL,
    response_status integer,
    response_body   text,
    error_message   text,
    duration_ms     double precision,
    sent_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_events_key PRIMARY KEY (tenant_id, id)
);
CREATE INDEX IF NOT EXISTS webhook_events_by_webhook ON support_webhook_events (tenant_id, webhook_id, sent_at);
-- Los dos que usa la limpieza: sin ellos, cada tanda recorrería la tabla.
CREATE INDEX IF NOT EXISTS webhook_events_by_time ON support_webhook_events (tenant_id, sent_at);
DO $$
BEGIN
    IF to_regclass('webhook_events_by_event') IS NULL THEN  -- el de instalaciones anteriores: la migración 0050 lo cambia sin parar a nadie
        CREATE INDEX IF NOT EXISTS webhook_events_of_event ON support_webhook_events (tenant_id, event_id) WHERE event_id IS NOT NULL;
    END IF;
END $$;

-- guiado_emit: guarda eventos y crea un envío por cada webhook que los pidió; los de uno desactivado esperan a que alguien los pida.
-- Los identificadores de envío salen del evento y del destino: repetir no duplica. Un evento de otro inquilino no se guarda.
-- ON CONFLICT no nombra la clave: así la función sirve también mientras una instalación anterior cambia la suya.
CREATE OR REPLACE FUNCTION guiado_emit(p_tenant text, p_events jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH emitted AS (
        INSERT INTO support_troubleshooting_outbox
        SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_outbox, p_events) x WHERE x.tenant_id = p_tenant
        RETURNING tenant_id, event_id, event, occurred_at
    )
    INSERT INTO support_troubleshooting_deliveries (delivery_id, tenant_id, event_id, destination, state, due_at, created_at)
    SELECT md5(e.event_id::text || ' ' || w.webhook_id)::uuid, p_tenant, e.event_id, w.webhook_id,
           CASE WHEN w.enabled THEN 'pending' ELSE 'disabled' END, e.occurred_at, e.occurred_at
      FROM emitted e
      JOIN support_webhooks w ON w.tenant_id = e.tenant_id AND (e.event = ANY (w.events) OR '*' = ANY (w.events))
     WHERE e.tenant_id = p_tenant AND w.tenant_id = p_tenant
    ON CONFLICT DO NOTHING;
END $$;

DO $$ BEGIN PERFORM guiado_protect(ARRAY[
    'support_troubleshooting_outbox', 'support_webhooks', 'support_troubleshooting_deliveries', 'support_webhook_events',
    'support_troubleshooting_workers'
]); END $$;

-- Cómo le va a cada webhook. Los envíos (deliveries) dicen cómo terminó cada evento; los intentos, cuántas veces se probó.
CREATE OR REPLACE VIEW vw_webhook_stats WITH (security_barrier) AS
SELECT w.webhook_id, CASE WHEN w.url LIKE 'guiado:v1:%' THEN coalesce(w.url_shown, '********') ELSE w.url END AS url, w.events, w.enabled,
       d.total_deliveries, d.pending, d.delivered, d.exhausted, d.cancelled,
       a.total_attempts, a.successful_attempts, a.failed_attempts,
       coalesce(round(100.0 * a.successful_attempts / nullif(a.total_attempts, 0), 2), 0)::double precision AS success_rate,
       a.avg_duration_ms, a.last_attempt_at, a.last_success_at, a.last_failure_at,
       coalesce(e.last_error, d.last_error) AS last_error,
       w.tenant_id
  FROM support_webhooks w
 CROSS JOIN LATERAL (
    SELECT count(*) AS total_deliveries,
           count(*) FILTER (WHERE x.state = 'pending') AS pending,
           count(*) FILTER (WHERE x.state = 'delivered') AS delivered,
           count(*) FILTER (WHERE x.state = 'exhausted') AS exhausted,
           count(*) FILTER (WHERE x.state = 'cancelled') AS cancelled,
           (array_agg(x.last_error ORDER BY x.delivery_id DESC) FILTER (WHERE x.last_error IS NOT NULL))[1] AS last_error
      FROM support_troubleshooting_deliveries x
     WHERE x.tenant_id = w.tenant_id AND x.destination = w.webhook_id
 ) d
 CROSS JOIN LATERAL (
    SELECT count(*) AS total_attempts,
           count(*) FILTER (WHERE x.success) AS successful_attempts,
           count(*) FILTER (WHERE NOT x.success) AS failed_attempts,
           round(avg(x.duration_ms)::numeric, 2)::double precision AS avg_duration_ms,
           max(x.sent_at) AS last_attempt_at,
           max(x.sent_at) FILTER (WHERE x.success) AS last_success_at,
           max(x.sent_at) FILTER (WHERE NOT x.success) AS last_failure_at
      FROM support_webhook_events x
     WHERE x.tenant_id = w.tenant_id AND x.webhook_id = w.webhook_id
 ) a
  LEFT JOIN LATERAL (
    SELECT coalesce(x.error_message, 'HTTP ' || x.response_status) AS last_error
      FROM support_webhook_events x
     WHERE x.tenant_id = w.tenant_id AND x.webhook_id = w.webhook_id AND NOT x.success
     ORDER BY x.sent_at DESC LIMIT 1
 ) e ON true
 WHERE w.tenant_id = guiado_tenant();

DO $$ BEGIN PERFORM guiado_share(ARRAY['vw_webhook_stats']); END $$;

COMMIT;
