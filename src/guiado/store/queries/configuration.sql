-- name: value
-- A setting that is changed without a restart: the tenant's own, else the one for all. $1 tenant, $2 key.
SELECT c.config_value FROM support_troubleshooting_config c
 WHERE c.config_key = $2 AND c.tenant_id IN ($1, 'default')
 ORDER BY c.tenant_id = $1 DESC LIMIT 1
