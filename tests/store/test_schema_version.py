"""Which guiado may use a database: not an older one; and rights that disagree with the role are put right."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from guiado.errors import DatabaseUnavailable, SchemaMismatch
from guiado.resources import data_path
from guiado.settings import read_settings
from guiado.store import advisory_locks, migrate, schema_version
from guiado.store.backup.pg_programs import with_database
from guiado.store.migrate import applied, may_take_role, unprotected_tables
from guiado.wiring import Runtime

ROOT = Path(__file__).parents[2]
UNPROTECT = """
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('DROP POLICY IF EXISTS guiado_same_tenant ON %I', t.relname);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t.relname);
    END LOOP;
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM guiado_app;
END $$"""


async def ask(dsn: str, *statements: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def test_the_number_belongs_to_the_files_as_they_are() -> None:
    _, checksum = schema_version.read_version(data_path("db"))
    assert checksum == schema_version.checksum_of(data_path("db")), "run: .venv/bin/python scripts/schema_version.py"


def test_the_checksum_sees_every_file(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    seen = set[str]()
    for name in ("support_x_schema.sql", "support_y_schema.sql", "migrations/0001_z.sql"):
        (tmp_path / name).write_text("SELECT 1;\n")
        seen.add(schema_version.checksum_of(tmp_path))
    (tmp_path / "support_x_schema.sql").write_bytes(b"SELECT 1;\r\n")
    seen.add(schema_version.checksum_of(tmp_path))
    assert len(seen) == 3


def test_an_older_program_leaves_a_newer_database_alone(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = "SELECT md5(string_agg(prosrc, '' ORDER BY oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"

    async def scenario() -> None:
        raised = f"UPDATE support_schema_migrations SET checksum = '{schema_version.SCHEMA_VERSION + 1}'"
        other = "UPDATE support_schema_migrations SET checksum = 'x' WHERE name = 'support_webhooks_schema.sql'"
        before = await ask(dsn, f"{raised} WHERE name = '{schema_version.ROW}'", other, functions)
        with pytest.raises(SchemaMismatch, match="más nueva"):
            await migrate.migrate(dsn)
        monkeypatch.setenv("DATABASE_URL", dsn)
        with pytest.raises(SchemaMismatch):
            await Runtime.open(read_settings())
        assert await ask(dsn, functions) == before

    asyncio.run(scenario())


def test_a_database_from_before_the_numbers_gets_one(dsn: str) -> None:
    async def scenario() -> None:
        noted = f"SELECT checksum FROM support_schema_migrations WHERE name = '{schema_version.ROW}'"
        await ask(dsn, f"DELETE FROM support_schema_migrations WHERE name = '{schema_version.ROW}'", "SELECT 1")
        await migrate.migrate(dsn)
        assert await ask(dsn, noted) == str(schema_version.SCHEMA_VERSION)
        assert await migrate.migrate(dsn) == []
        assert schema_version.ROW not in await applied(dsn)

    asyncio.run(scenario())


@pytest.fixture
def plain(pg_server: str, template_database: str) -> Iterator[str]:
    """A database whose owner may nothing else: it has the schema, but not what only comes with the role of the application."""
    assert template_database
    admin, dsn = with_database(pg_server, "postgres"), with_database(pg_server, "simple")
    asyncio.run(ask(admin, "CREATE ROLE plain LOGIN", "CREATE DATABASE simple OWNER plain TEMPLATE template0", "SELECT 1"))
    own = dsn.replace("postgresql://guiado@", "postgresql://plain@")
    try:
        asyncio.run(migrate.migrate(own))
        asyncio.run(ask(dsn, UNPROTECT, "SELECT 1"))
        yield own
    finally:
        asyncio.run(ask(admin, "DROP DATABASE simple WITH (FORCE)", "DROP ROLE plain", "SELECT 1"))


def test_the_role_is_taken_only_with_its_rights_and_migrate_gives_them(plain: str, pg_server: str) -> None:
    async def unprotected() -> list[str]:
        connection = await migrate.connect(plain)
        try:
            return await unprotected_tables(connection)
        finally:
            await connection.close()

    async def scenario() -> None:
        assert not await may_take_role(plain)
        await ask(with_database(pg_server, "postgres"), "GRANT guiado_app TO plain", "SELECT 1")
        assert not await may_take_role(plain), "it could read nothing"
        assert "support_tickets" in await unprotected()
        await migrate.migrate(plain)
        assert await unprotected() == []
        assert await may_take_role(plain)
        assert await migrate.migrate(plain) == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE support_tickets DISABLE ROW LEVEL SECURITY",
        "DROP POLICY guiado_same_tenant ON support_webhooks",
        "REVOKE DELETE ON support_troubleshooting_outbox FROM guiado_app",
        "REVOKE SELECT ON vw_webhook_stats FROM guiado_app",
    ],
)
def test_what_somebody_took_away_comes_back_with_the_next_start(dsn: str, damage: str) -> None:
    async def scenario() -> None:
        await ask(dsn, damage, "SELECT 1")
        assert not await may_take_role(dsn)
        await migrate.migrate(dsn)
        assert await may_take_role(dsn)

    asyncio.run(scenario())


def test_a_table_of_somebody_else_is_no_reason_to_do_it_again(dsn: str) -> None:
    async def scenario() -> None:
        await ask(dsn, "CREATE TABLE support_propia (tenant_id text)", "SELECT 1")
        assert await migrate.migrate(dsn) == []
        assert await may_take_role(dsn)

    asyncio.run(scenario())


def test_tables_that_no_released_version_made_are_not_blamed_on_rights(dsn: str) -> None:
    async def scenario() -> None:
        older = "ALTER TABLE support_troubleshooting_ml_training DROP COLUMN scope CASCADE"
        again = "DELETE FROM support_schema_migrations WHERE name LIKE '%.sql'"
        await ask(dsn, older, again, "SELECT 1")
        with pytest.raises(DatabaseUnavailable) as caught:
            await migrate.migrate(dsn)
        assert "scope" in str(caught.value)
        assert "permiso" not in str(caught.value)
        assert "otra base de datos" in str(caught.value)

    asyncio.run(scenario())


def test_every_lock_number_has_its_place_and_one_meaning() -> None:
    known = {name: value for name, value in vars(advisory_locks).items() if name.isupper()}
    assert len(set(known.values())) == len(known)
    files = [*(ROOT / "data/db").rglob("*.sql"), *(ROOT / "src").rglob("*.sql"), *(ROOT / "src").rglob("*.py")]
    used = {path: set(map(int, re.findall(r"\b52071\d\d\b", path.read_text("utf-8")))) for path in files}
    assert set().union(*used.values()) == set(known.values())
    assert {path.name for path in used if path.suffix == ".py" and used[path]} == {"advisory_locks.py"}
