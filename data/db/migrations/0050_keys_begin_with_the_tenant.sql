-- no-transaction
-- La organización (tenant_id) va primero en cada clave y en cada clave foránea. Cada párrafo se ejecuta por separado: los índices se
-- construyen sin detener a nadie (CONCURRENTLY), el cambio de las claves son instantes, y las claves foráneas se comprueban después.
-- Donde el esquema ya se creó así no cambia nada.
--
-- Lo que dejó a medias un intento interrumpido.
DO $$
DECLARE
    v_index regclass;
BEGIN
    FOR v_index IN SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace AND (c.relname LIKE '%\_key' OR c.relname LIKE '%\_of\_%') LOOP
        EXECUTE format('DROP INDEX %s', v_index);
    END LOOP;
END $$;

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS guide_versions_key ON support_troubleshooting_guide_versions (tenant_id, guide_version_id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS sessions_key ON support_troubleshooting_sessions (tenant_id, session_id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS decisions_key ON support_troubleshooting_decisions (tenant_id, session_id, number);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS attempts_key ON support_troubleshooting_attempts (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS learning_key ON support_troubleshooting_learning (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS feedback_key ON support_troubleshooting_feedback (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS feedback_current_key
    ON support_troubleshooting_feedback (tenant_id, session_id) WHERE is_current;

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS outbox_key ON support_troubleshooting_outbox (tenant_id, event_id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS deliveries_key ON support_troubleshooting_deliveries (tenant_id, delivery_id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_key ON support_webhook_events (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS notifications_key ON support_troubleshooting_notifications (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ml_training_key ON support_troubleshooting_ml_training (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS reports_key ON support_troubleshooting_reports (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS audit_key ON support_troubleshooting_audit_log (tenant_id, audit_id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS performance_key ON support_troubleshooting_performance_metrics (tenant_id, id);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS search_key ON support_troubleshooting_search (tenant_id, session_id);

-- Y los índices por los que se busca lo que cuelga de una sesión o de un evento: sin la organización delante, sin estadísticas, el
-- planificador los combinaría con la clave entera.
CREATE INDEX CONCURRENTLY IF NOT EXISTS attempts_of_session ON support_troubleshooting_attempts (tenant_id, session_id, attempted_at);

CREATE INDEX CONCURRENTLY IF NOT EXISTS learning_of_session ON support_troubleshooting_learning (tenant_id, session_id) WHERE session_id IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS feedback_of_session ON support_troubleshooting_feedback (tenant_id, session_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_of_session ON support_troubleshooting_outbox (tenant_id, session_id) WHERE session_id IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_of_event ON support_troubleshooting_deliveries (tenant_id, event_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_of_event ON support_webhook_events (tenant_id, event_id) WHERE event_id IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_of_session ON support_troubleshooting_notifications (tenant_id, session_id) WHERE session_id IS NOT NULL;

-- El cambio: todo o nada. Las tablas se bloquean en el orden en que escribe la aplicación, para que nadie espere en círculo.
DO $$
DECLARE
    v record;
    f record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'sessions_key' AND conrelid = 'support_troubleshooting_sessions'::regclass) THEN
        LOCK TABLE support_troubleshooting_guide_versions, support_troubleshooting_sessions, support_troubleshooting_search,
            support_troubleshooting_feedback, support_troubleshooting_attempts, support_troubleshooting_decisions,
            support_troubleshooting_outbox, support_troubleshooting_deliveries, support_webhook_events,
            support_troubleshooting_notifications, support_troubleshooting_audit_log, support_troubleshooting_ml_training,
            support_troubleshooting_learning, support_troubleshooting_reports, support_troubleshooting_performance_metrics
            IN ACCESS EXCLUSIVE MODE;
    END IF;
    FOR v IN SELECT t.tab::regclass AS tab, t.key, p.conname AS old
               FROM (VALUES ('support_troubleshooting_guide_versions', 'guide_versions_key'), ('support_troubleshooting_sessions', 'sessions_key'),
                            ('support_troubleshooting_decisions', 'decisions_key'), ('support_troubleshooting_attempts', 'attempts_key'),
                            ('support_troubleshooting_learning', 'learning_key'), ('support_troubleshooting_feedback', 'feedback_key'),
                            ('support_troubleshooting_outbox', 'outbox_key'), ('support_troubleshooting_deliveries', 'deliveries_key'),
                            ('support_webhook_events', 'webhook_events_key'), ('support_troubleshooting_notifications', 'notifications_key'),
                            ('support_troubleshooting_ml_training', 'ml_training_key'), ('support_troubleshooting_reports', 'reports_key'),
                            ('support_troubleshooting_audit_log', 'audit_key'), ('support_troubleshooting_performance_metrics', 'performance_key'),
                            ('support_troubleshooting_search', 'search_key')) t (tab, key)
               LEFT JOIN pg_constraint p ON p.conrelid = t.tab::regclass AND p.contype = 'p'
              WHERE p.conname IS DISTINCT FROM t.key LOOP
        FOR f IN SELECT c.conrelid::regclass AS tab, c.conname FROM pg_constraint c JOIN pg_class k ON k.oid = c.conrelid
                  WHERE c.contype = 'f' AND c.confrelid = v.tab AND k.relname LIKE 'support\_troubleshooting\_%' LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', f.tab, f.conname);
        END LOOP;
        IF v.old IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v.tab, v.old);
        END IF;
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY USING INDEX %I', v.tab, v.key, v.key);
    END LOOP;
    FOR v IN SELECT t.tab::regclass AS tab, t.name, t.col, t.parent, t.action
               FROM (VALUES ('support_troubleshooting_sessions', 'sessions_guide_version_fkey', 'guide_version_id', 'support_troubleshooting_guide_versions', ''),
                            ('support_troubleshooting_decisions', 'decisions_session_fkey', 'session_id', 'support_troubleshooting_sessions', 'ON DELETE CASCADE'),
                            ('support_troubleshooting_attempts', 'attempts_session_fkey', 'session_id', 'support_troubleshooting_sessions', 'ON DELETE CASCADE'),
                            ('support_troubleshooting_feedback', 'feedback_session_fkey', 'session_id', 'support_troubleshooting_sessions', 'ON DELETE CASCADE'),
                            ('support_troubleshooting_search', 'search_session_fkey', 'session_id', 'support_troubleshooting_sessions', 'ON DELETE CASCADE'),
                            ('support_troubleshooting_deliveries', 'deliveries_event_fkey', 'event_id', 'support_troubleshooting_outbox', 'ON DELETE CASCADE')
                    ) t (tab, name, col, parent, action)
              WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = t.tab::regclass AND c.conname = t.name) LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (tenant_id, %I) REFERENCES %I (tenant_id, %I) %s NOT VALID',
                       v.tab, v.name, v.col, v.parent, v.col, v.action);
    END LOOP;
    DROP INDEX IF EXISTS feedback_current, attempts_by_session, learning_by_session, feedback_by_session, outbox_by_session,
        deliveries_by_event, webhook_events_by_event, notifications_by_session;
END $$;

-- La comprobación. Una fila importada sin decir su organización recibe la de su sesión o su evento; una sesión que sigue la guía de
-- otra organización se queda con una copia propia.
DO $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT c.conrelid::regclass AS tab, c.confrelid::regclass AS parent, c.conname, a.attname AS col
               FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[2]
              WHERE c.contype = 'f' AND NOT c.convalidated
                AND c.conname IN ('sessions_guide_version_fkey', 'decisions_session_fkey', 'attempts_session_fkey', 'feedback_session_fkey',
                                  'search_session_fkey', 'deliveries_event_fkey') LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', v.tab, v.conname);
        EXCEPTION WHEN foreign_key_violation THEN
            IF v.conname = 'sessions_guide_version_fkey' THEN
                INSERT INTO support_troubleshooting_guide_versions
                    (guide_version_id, tenant_id, scope, guide_id, version, content_hash, parent_id, author, published_at, content)
                SELECT DISTINCT ON (s.tenant_id, g.guide_version_id) g.guide_version_id, s.tenant_id, g.scope, g.guide_id, g.version,
                       g.content_hash, g.parent_id, g.author, g.published_at, g.content
                  FROM support_troubleshooting_sessions s
                  JOIN support_troubleshooting_guide_versions g ON g.guide_version_id = s.guide_version_id
                 WHERE NOT EXISTS (SELECT FROM support_troubleshooting_guide_versions o
                                    WHERE o.tenant_id = s.tenant_id AND o.guide_version_id = s.guide_version_id)
                ON CONFLICT DO NOTHING;
            ELSE
                EXECUTE format('UPDATE %1$s c SET tenant_id = p.tenant_id FROM %2$s p WHERE p.%3$I = c.%3$I AND p.tenant_id <> c.tenant_id',
                               v.tab, v.parent, v.col);
            END IF;
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', v.tab, v.conname);
        END;
    END LOOP;
END $$;
