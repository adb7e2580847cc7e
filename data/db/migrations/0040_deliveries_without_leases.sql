-- Se arrienda el destino entero, no cada envío: estas columnas nunca se usaron.
ALTER TABLE support_troubleshooting_deliveries
    DROP COLUMN IF EXISTS leased_until,
    DROP COLUMN IF EXISTS leased_by;
