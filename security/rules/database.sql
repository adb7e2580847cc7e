# ruleid: dynamic-sql-unquoted
EXECUTE format('DROP TABLE %s', name);
# ruleid: dynamic-sql-unquoted
EXECUTE 'DROP TABLE ' || name;
# ok: dynamic-sql-unquoted
EXECUTE format('DROP TABLE %I', name);
# ok: dynamic-sql-unquoted
EXECUTE 'SELECT 1 WHERE x = $1' USING name;
# ruleid: definer-without-a-search-path
LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$;
# ok: definer-without-a-search-path
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT 1 $$;
