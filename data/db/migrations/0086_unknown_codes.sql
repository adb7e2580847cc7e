-- Los códigos de error, versiones y modelos que el cliente nombró y ninguna guía tiene.
ALTER TABLE support_troubleshooting_sessions
    ADD COLUMN IF NOT EXISTS unknown_codes jsonb NOT NULL DEFAULT '[]';
