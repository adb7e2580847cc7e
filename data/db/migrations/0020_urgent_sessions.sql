-- Sesiones urgentes: la columna que el primer esquema trae desde ahora.
ALTER TABLE support_troubleshooting_sessions ADD COLUMN IF NOT EXISTS urgent boolean NOT NULL DEFAULT false;
