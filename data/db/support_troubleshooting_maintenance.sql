-- =====================================================================================================================
-- guiado · Mantenimiento a mano
--
--   psql $DATABASE_URL < data/db/support_troubleshooting_maintenance.sql
--
-- El proceso de guiado (o pg_cron, donde esté instalado) ya hace esto cada hora. Este archivo sirve para hacerlo ahora: después de
-- importar sesiones, antes de un informe o cuando el servicio lleva tiempo parado. Se ejecuta como dueño de las tablas, cuantas
-- veces haga falta y con el servicio en marcha: no borra sesiones.
-- =====================================================================================================================

-- 1. Todas las tareas de una vez: caché y límites caducados, resumen diario, vistas materializadas y estadísticas del planificador.
--    Una fila por tarea; result dice «ok» o por qué falló.
SELECT * FROM maintenance_troubleshooting_tables();

-- 2. Recupera el espacio de las filas que ya no existen. No bloquea a nadie.
VACUUM (ANALYZE) support_troubleshooting_sessions;
VACUUM (ANALYZE) support_troubleshooting_attempts;
VACUUM (ANALYZE) support_troubleshooting_outbox;
VACUUM (ANALYZE) support_troubleshooting_deliveries;
VACUUM (ANALYZE) support_troubleshooting_notifications;

-- 3. Cuánto ocupa cada tabla, con sus índices: la más grande primero.
SELECT relname AS tabla, n_live_tup AS filas, n_dead_tup AS filas_muertas, pg_size_pretty(pg_total_relation_size(relid)) AS espacio
  FROM pg_stat_user_tables
 WHERE relname LIKE 'support\_%'
 ORDER BY pg_total_relation_size(relid) DESC
 LIMIT 15;

-- 4. Medidas de las últimas 24 horas, si la aplicación guardó alguna.
SELECT * FROM get_performance_stats(NULL, 24);

-- 5. Retención: borra de verdad las sesiones terminadas hace más de un año, con todo lo que cuelga de ellas. Las analíticas por día
--    no cambian. Quita los guiones cuando hayas decidido cuánto guardas.
-- SELECT * FROM cleanup_old_troubleshooting_data(365);
