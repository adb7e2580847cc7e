-- Qué es el mensaje con el que empezó una sesión, y los otros problemas que el cliente nombró en él.
ALTER TABLE support_troubleshooting_sessions
    ADD COLUMN IF NOT EXISTS message_kind text NOT NULL DEFAULT 'problem'
        CHECK (message_kind IN ('problem', 'solved', 'person', 'nothing_said', 'other')),
    ADD COLUMN IF NOT EXISTS also_named jsonb NOT NULL DEFAULT '[]';
