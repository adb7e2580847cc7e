"""Brings a database to the schema that this version needs.

The five files of `data/db/` hold the head state and may be run by hand with psql at any time; `data/db/migrations/` changes
what older installations have. Every file can be run again without harm, so that a start which was killed half-way, or several
starts at once, end well.

Source: ADR 0005; architecture.md, Migrations.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg

from guiado import clock
from guiado.errors import DatabaseUnavailable, SchemaMismatch
from guiado.logs import get_logger
from guiado.resources import data_path
from guiado.store.refusals import disk_full, reason

SCHEMA_FILES = (
    "support_troubleshooting_schema.sql",
    "support_troubleshooting_feedback_schema.sql",
    "support_webhooks_schema.sql",
    "support_troubleshooting_advanced_schema.sql",
    "support_troubleshooting_performance_schema.sql",
)
"""In the order in which they must run."""
APP_ROLE = "guiado_app"
_LOCK = 5207104
_WAIT_S = 120.0
_OLDEST = 120000
_VERSIONS = """CREATE TABLE IF NOT EXISTS support_schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"""
log = get_logger()


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One SQL file: its name, its text, and the SHA-256 of the text."""

    name: str
    text: str
    checksum: str

    @property
    def is_migration(self) -> bool:
        """Whether it changes what older installations have, and so must never change itself."""
        return self.name.startswith("migrations/")


def schema_files() -> list[SchemaFile]:
    """All files in the order in which they run."""
    migrations = sorted(path.name for path in data_path("db", "migrations").glob("[0-9]*.sql"))
    names = [*SCHEMA_FILES, *(f"migrations/{name}" for name in migrations)]
    return [_read(name, data_path("db", *name.split("/"))) for name in names]


def _read(name: str, path: Path) -> SchemaFile:
    text = path.read_text("utf-8").replace("\r\n", "\n")
    return SchemaFile(name, text, hashlib.sha256(text.encode()).hexdigest())


async def migrate(dsn: str) -> list[str]:
    """Apply what the database does not have yet.

    Args:
        dsn: address of the database, as a role that may create tables in it.

    Returns:
        Names of the files that were run; empty when nothing was to be done.

    Raises:
        DatabaseUnavailable: no connection, no right to create tables, or a file failed.
        SchemaMismatch: a newer version of guiado wrote this database, or a migration was edited.
    """
    connection = await connect(dsn)
    try:
        files = schema_files()
        await _require_utf8(connection)
        if not await _due(connection, files):
            return []
        await _take_turn(connection)
        await connection.execute(_VERSIONS)
        due = await _due(connection, files)
        for file in due:
            await _apply(connection, file)
        return [file.name for file in due]
    except asyncpg.DiskFullError as error:
        raise disk_full() from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(
            "No se pudo preparar la base de datos: {problem}.\n"
            "El usuario de DATABASE_URL debe poder crear tablas; revisa sus permisos y vuelve a empezar.",
            problem=reason(error),
        ) from error
    finally:
        await _close(connection)


async def _close(connection: Any) -> None:  # noqa: ANN401
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # it may be gone already
        await connection.close(timeout=5)


async def _require_utf8(connection: Any) -> None:  # noqa: ANN401
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            "La base de datos guarda el texto en {encoding}, y guiado necesita UTF8.\n"
            "Crea otra y ponla en DATABASE_URL: CREATE DATABASE guiado ENCODING 'UTF8' TEMPLATE template0;",
            encoding=encoding,
        )


async def connect(dsn: str) -> Any:  # noqa: ANN401
    """A single connection as the role of the address itself, for administration.

    Raises:
        DatabaseUnavailable: it cannot be made, or the server is too old.
    """
    try:
        connection = await cast("Any", asyncpg).connect(dsn, timeout=15, server_settings={"application_name": "guiado-admin"})
    except (OSError, ValueError, OverflowError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(
            "No se puede conectar con PostgreSQL: {problem}.\n"
            "Revisa DATABASE_URL (con la base integrada, GUIADO_HOME) y que el servidor esté en marcha.",
            problem=reason(error),
        ) from error
    if cast("int", await connection.fetchval("SELECT current_setting('server_version_num')::integer")) < _OLDEST:
        await connection.close()
        raise DatabaseUnavailable("Este PostgreSQL es anterior al 12.\nInstala una versión 12 o posterior.")
    return connection


async def may_take_role(dsn: str) -> bool:
    """Whether the role of this address may work as `guiado_app`."""
    connection = await connect(dsn)
    try:
        await connection.execute(f"SET ROLE {APP_ROLE}")
    except asyncpg.PostgresError:
        return False
    finally:
        await connection.close(timeout=5)
    return True


async def applied(dsn: str) -> dict[str, str]:
    """Name -> checksum of what the database has."""
    connection = await connect(dsn)
    try:
        return await _applied(connection)
    finally:
        await connection.close(timeout=5)


async def _applied(connection: Any) -> dict[str, str]:  # noqa: ANN401
    if await connection.fetchval("SELECT to_regclass('support_schema_migrations')") is None:
        return {}
    rows = await connection.fetch("SELECT name, checksum FROM support_schema_migrations")
    return {row["name"]: row["checksum"] for row in rows}


async def due_files(connection: Any) -> list[SchemaFile]:  # noqa: ANN401
    """The files that the database does not have yet.

    Raises:
        SchemaMismatch: as `migrate`.
    """
    return await _due(connection, schema_files())


async def _due(connection: Any, files: list[SchemaFile]) -> list[SchemaFile]:  # noqa: ANN401
    have = await _applied(connection)
    unknown = sorted(have.keys() - {file.name for file in files})
    if unknown:
        raise SchemaMismatch(
            "La base de datos es de una versión más nueva de guiado ({unknown}).\nInstala esa versión o usa otra base.",
            unknown=", ".join(unknown),
        )
    for file in files:
        if file.is_migration and have.get(file.name, file.checksum) != file.checksum:
            raise SchemaMismatch(
                "{name} cambió después de aplicarse.\nRecupera el archivo original y haz el cambio en uno nuevo.",
                name=file.name,
            )
    return [file for file in files if have.get(file.name) != file.checksum]


async def _take_turn(connection: Any) -> None:  # noqa: ANN401
    # Polled: a blocking lock holds a snapshot, for which CREATE INDEX CONCURRENTLY in the lock's owner would wait for ever.
    deadline = clock.monotonic_s() + _WAIT_S
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        if clock.monotonic_s() > deadline:
            raise DatabaseUnavailable("Otro proceso lleva más de dos minutos preparando la base.\nEspera o termínalo.")
        await asyncio.sleep(0.05)


async def _apply(connection: Any, file: SchemaFile) -> None:  # noqa: ANN401
    log.debug("schema_file_applied", file=file.name)
    own_transactions = not file.is_migration or file.text.startswith("-- no-transaction")
    if own_transactions:
        await connection.execute(file.text)
        await _record(connection, file)
        return
    async with connection.transaction():
        await connection.execute(file.text)
        await _record(connection, file)


async def _record(connection: Any, file: SchemaFile) -> None:  # noqa: ANN401
    await connection.execute(
        "INSERT INTO support_schema_migrations (name, checksum) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()",
        file.name,
        file.checksum,
    )
