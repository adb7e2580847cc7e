"""Row counts, sizes and schema of a database at one moment, to compare a backup with its original."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.errors import DatabaseUnavailable
from guiado.store.connection import DriverConnection, single

# Without what belongs to an extension: pg_dump leaves that out as well.
_OWN = """
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""
_TABLES = (
    f"SELECT n.nspname || '.' || c.relname AS name, format('%I.%I', n.nspname, c.relname) AS quoted {_OWN} AND c.relkind = 'r'"
)
_WEIGHTS = f"""SELECT n.nspname || '.' || c.relname AS name,
    CASE c.relkind WHEN 'i' THEN pg_relation_size(c.oid) ELSE pg_table_size(c.oid) END AS bytes
    {_OWN} AND c.relkind IN ('r', 'i')"""


@dataclass(frozen=True, slots=True)
class Census:
    """Row counts, sizes, schema files and server version of a database at one moment.

    Args:
        tables: qualified name -> rows.
        weights: qualified name of a table or index -> bytes.
        schema: schema file -> checksum, as recorded.
        size_bytes: of the whole database.
        major: version of the server.
    """

    tables: dict[str, int]
    weights: dict[str, int]
    schema: dict[str, str]
    size_bytes: int
    major: int


async def take_census(connection: DriverConnection) -> Census:
    """Take the census of a database, in the connection's transaction if there is one.

    Raises:
        DatabaseUnavailable: a table of another owner does not show all of its rows.
    """
    await connection.execute("SET row_security = off; SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
    tables = {row["name"]: await _count(connection, row["quoted"]) for row in await connection.fetch(_TABLES)}
    weights = {row["name"]: row["bytes"] or 0 for row in await connection.fetch(_WEIGHTS)}
    size, major = await single(
        connection, "SELECT pg_database_size(current_database()), current_setting('server_version_num')::integer / 10000"
    )
    return Census(tables, weights, await _schema(connection), size, major)


async def count_sessions(connection: DriverConnection) -> int:
    """Count the sessions of a database that may have no schema yet."""
    if await connection.fetchval("SELECT to_regclass('support_troubleshooting_sessions')") is None:
        return 0
    return await connection.fetchval("SELECT count(*) FROM support_troubleshooting_sessions")


def require_same(expected: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Require the same number of rows in every table.

    Raises:
        DatabaseUnavailable: the numbers differ; names the tables.
    """
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise DatabaseUnavailable(
            "Lo restaurado no coincide con lo copiado ({differences}). La base de datos sigue como estaba.\n"
            "Comprueba el disco y vuelve a intentarlo con otra copia.",
            differences=", ".join(f"{name}: {expected.get(name, 0)} ≠ {found.get(name, 0)}" for name in wrong[:5]),
        )


async def _count(connection: DriverConnection, quoted: str) -> int:
    # Quoted by the server itself.
    return await connection.fetchval(f"SELECT count(*) FROM {quoted}")  # noqa: S608  # nosec B608  # nosemgrep: sql-made-of-text


async def _schema(connection: DriverConnection) -> dict[str, str]:
    if await connection.fetchval("SELECT to_regclass('support_schema_migrations')") is None:
        return {}
    return {
        row["name"]: row["checksum"] for row in await connection.fetch("SELECT name, checksum FROM support_schema_migrations")
    }
