-- name: create
-- Notes a tenant ($1) with its name ($2). Nothing comes back where it is there already.
INSERT INTO support_tenants AS t (tenant_id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (tenant_id) DO NOTHING RETURNING true;

-- name: created
-- Over all tenants: those that were created, by name; the role of the application sees its own only.
SELECT t.tenant_id, t.created_at FROM support_tenants t ORDER BY t.tenant_id;

-- name: waiting
-- Over all tenants: those that were created and have something to send, now or later. One look in an index for each, so the limits.
SELECT t.tenant_id FROM support_tenants t CROSS JOIN LATERAL (
    SELECT d.tenant_id FROM support_troubleshooting_deliveries d WHERE d.tenant_id = t.tenant_id AND d.state = 'pending' LIMIT 1) w
UNION
SELECT t.tenant_id FROM support_tenants t CROSS JOIN LATERAL (
    SELECT n.tenant_id FROM support_troubleshooting_notifications n WHERE n.tenant_id = t.tenant_id AND n.status = 'pending' LIMIT 1) w;
