-- Los caminos de las sesiones y lo que duró cada paso se cuentan también en los días que ya estaban resumidos: todos se cuentan otra vez.
INSERT INTO support_troubleshooting_dirty_days (tenant_id, day)
SELECT d.tenant_id, d.day FROM support_troubleshooting_rollup_days d
ON CONFLICT DO NOTHING;
