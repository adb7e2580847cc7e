-- name: unprotected
-- Tables and views that the role of the application cannot use, or whose rows it sees of all tenants, or where it may change what only
-- grows (see guiado_append_only in the schema); none while there is no such role. $1: the role, $2: names of the tables and views that
-- the schema files make.
SELECT c.relname::text AS name
  FROM pg_class c
  JOIN pg_roles r ON r.rolname = $1
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ($2::text[]) AND (
    (c.relkind = 'r'
     AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
     AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
              AND has_table_privilege(r.oid, c.oid, 'SELECT')
              AND CASE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'guiado_append_only')
                  THEN has_table_privilege(r.oid, c.oid, 'INSERT') = (c.relname = 'support_troubleshooting_audit_log')
                       AND NOT has_table_privilege(r.oid, c.oid, 'UPDATE, DELETE, TRUNCATE')
                  ELSE has_table_privilege(r.oid, c.oid, 'INSERT') AND has_table_privilege(r.oid, c.oid, 'UPDATE')
                       AND has_table_privilege(r.oid, c.oid, 'DELETE') END))
    OR (c.relkind = 'v' AND NOT has_table_privilege(r.oid, c.oid, 'SELECT')))
 ORDER BY c.relname;

-- name: may_enter
-- Whether the role of the application may use the schema itself. $1: the role.
SELECT has_schema_privilege($1, current_schema(), 'USAGE');

-- name: owns_tables
-- Whether the present role owns the tables of ours, and so may say who uses them.
SELECT coalesce(bool_and(pg_has_role(current_user, c.relowner, 'USAGE')), false)
  FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'support\_%';
