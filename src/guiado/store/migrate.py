"""Migration of a database to the schema that this version needs.

The five files of `data/db/` hold the head state and may be run by hand with psql at any time; `data/db/migrations/` changes
what older installations have. Every file can be run again without harm, so that a start which was killed half-way, or several
starts at once, end well.

Source: ADR 0005; architecture.md, Migrations.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from guiado import clock
from guiado.errors import DatabaseUnavailable, GuiadoError, SchemaMismatch, SettingsInvalid
from guiado.logs import get_logger
from guiado.resources import data_path
from guiado.store.advisory_locks import MIGRATION
from guiado.store.connect import dial
from guiado.store.connection import DriverConnection
from guiado.store.driver_errors import disk_full, is_programs_fault, reason
from guiado.store.embedded.programs import replaced_error
from guiado.store.pooler import unfit
from guiado.store.queries import sql
from guiado.store.schema_version import ROW, SCHEMA_VERSION

SCHEMA_FILES = (
    "support_troubleshooting_schema.sql",
    "support_troubleshooting_feedback_schema.sql",
    "support_webhooks_schema.sql",
    "support_troubleshooting_advanced_schema.sql",
    "support_troubleshooting_performance_schema.sql",
    "support_access_schema.sql",
)
"""Schema files in the order in which they must run."""
APP_ROLE = "guiado_app"
_MADE = re.compile(r"^CREATE (?:UNLOGGED )?(?:TABLE IF NOT EXISTS|OR REPLACE VIEW|VIEW) (\w+)", re.MULTILINE)
# A column or a function that should be there is not: such tables no file of ours made.
_STRANGE = (
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedObjectError,
    asyncpg.DatatypeMismatchError,
    asyncpg.InvalidTableDefinitionError,
    asyncpg.WrongObjectTypeError,
)
_LOCK = MIGRATION
_CONNECT_TIMEOUT_S = 10.0
_FAILED = (OSError, ValueError, OverflowError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
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
        """Whether the file changes existing installations, and so must never change itself."""
        return self.name.startswith("migrations/")

    @property
    def parts(self) -> list[str]:
        """Parts that are sent to the server one at a time: the whole file, or each paragraph of a migration.

        PostgreSQL builds an index concurrently only in a statement that comes alone.
        """
        return self.text.split("\n\n") if self.is_migration else [self.text]


def schema_files() -> list[SchemaFile]:
    """All schema files and migrations in the order in which they run."""
    migrations = sorted(path.name for path in data_path("db", "migrations").glob("[0-9]*.sql"))
    names = [*SCHEMA_FILES, *(f"migrations/{name}" for name in migrations)]
    return [_read(name, data_path("db", *name.split("/"))) for name in names]


def _read(name: str, path: Path) -> SchemaFile:
    text = path.read_text("utf-8").replace("\r\n", "\n")
    return SchemaFile(name, text, hashlib.sha256(text.encode()).hexdigest())


async def migrate(dsn: str) -> list[str]:
    """Apply the schema files and migrations that the database lacks.

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
        if not await _work(connection, files):
            return []
        async with _turn(dsn):
            return await _run_due(connection, files)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise failure_of(error) from error
    finally:
        await _close(connection)


def failure_of(error: Exception) -> GuiadoError:
    """The error of a migration that failed, with the remedy."""
    if isinstance(error, asyncpg.DiskFullError):
        return disk_full()
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return DatabaseUnavailable(
            "No se pudo preparar la base de datos: {problem}.\n"
            "El usuario de DATABASE_URL debe poder crear tablas; revisa sus permisos y vuelve a empezar.",
            problem=reason(error),
        )
    if isinstance(error, _STRANGE):
        return DatabaseUnavailable(
            "Las tablas de esta base de datos no son las que esta versión espera: {problem}.\n"
            "Las creó una versión de prueba, o alguien las cambió. Usa otra base de datos, o la versión que las creó.",
            problem=reason(error),
        )
    if is_programs_fault(error):
        return replaced_error()
    return unfit(error) or DatabaseUnavailable(
        "No se pudo preparar la base de datos: {problem}.\nCorrígelo en el servidor y vuelve a empezar.",
        problem=reason(error),
    )


async def _run_due(connection: DriverConnection, files: list[SchemaFile]) -> list[str]:
    await connection.execute(_VERSIONS)
    due = await _work(connection, files)
    # First the number: when we are killed half-way, an older program leaves the rest alone.
    await _write(connection, ROW, str(SCHEMA_VERSION))
    for file in due:
        await _apply(connection, file)
    return [file.name for file in due]


async def _close(connection: DriverConnection) -> None:
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # it may be gone already
        await connection.close(timeout=5)


async def _require_utf8(connection: DriverConnection) -> None:
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            "La base de datos guarda el texto en {encoding}, y guiado necesita UTF8.\n"
            "Crea otra y ponla en DATABASE_URL: CREATE DATABASE guiado ENCODING 'UTF8' TEMPLATE template0;",
            encoding=encoding,
        )


async def connect(dsn: str, *, command_timeout_s: float | None = None) -> DriverConnection:
    """Open a single connection for administration, as the role of the address itself.

    Its prepared statements have no names: it works behind a pooler too.

    Args:
        command_timeout_s: how long one statement may take; None for no limit.

    Raises:
        DatabaseUnavailable: no connection, also because of a wrong address, or the server is too old.
    """
    arguments = {"application_name": "guiado-admin", "command_timeout": command_timeout_s}
    try:
        connection = (await dial(dsn, _CONNECT_TIMEOUT_S, DriverConnection, **arguments, statement_cache_size=0)).connection
    except SettingsInvalid as error:
        raise _unreachable(error.message.params["problem"]) from None
    except _FAILED as error:
        raise _unreachable(reason(error)) from error
    number: int = await connection.fetchval("SELECT current_setting('server_version_num')::integer")
    if number < _OLDEST:
        await connection.close()
        raise DatabaseUnavailable("Este PostgreSQL es anterior al 12.\nInstala una versión 12 o posterior.")
    return connection


def _unreachable(problem: object) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "No se puede conectar con PostgreSQL: {problem}.\n"
        "Revisa DATABASE_URL (con la base integrada, GUIADO_HOME) y que el servidor esté en marcha.",
        problem=problem,
    )


async def may_take_role(dsn: str) -> bool:
    """Whether the role of this address may work as `guiado_app`, and that role has all rights that it needs."""
    connection = await connect(dsn)
    try:
        unprotected = await unprotected_tables(connection)
        may_enter = not unprotected and await connection.fetchval(sql("schema", "may_enter"), APP_ROLE)
        async with connection.transaction():
            # A name of ours.
            await connection.execute(f"SET LOCAL ROLE {APP_ROLE}")  # nosemgrep: sql-made-of-text
    except asyncpg.PostgresError:
        return False
    finally:
        await connection.close(timeout=5)
    if unprotected or not may_enter:
        log.warning("role_not_taken", role=APP_ROLE, lacking=", ".join(unprotected[:5]))
    return bool(may_enter)


async def unprotected_tables(connection: DriverConnection) -> list[str]:
    """Tables and views that `guiado_app` may not use, or whose rows are not limited to a tenant; none without that role."""
    ours = sorted({name for file in schema_files() for name in _MADE.findall(file.text)})
    return [row["name"] for row in await connection.fetch(sql("schema", "unprotected"), APP_ROLE, ours)]


async def applied(dsn: str) -> dict[str, str]:
    """Checksums of the files that were applied to a database, by name.

    Raises:
        DatabaseUnavailable: no connection, or no right to read it.
    """
    connection = await connect(dsn)
    try:
        return {name: checksum for name, checksum in (await _applied(connection)).items() if name != ROW}
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailable(
            "El usuario de DATABASE_URL no puede ver las tablas de guiado: {problem}.\n"
            "Usa el usuario que las creó, o dale permiso: GRANT SELECT ON support_schema_migrations TO su_usuario.",
            problem=reason(error),
        ) from error
    finally:
        await _close(connection)


async def _applied(connection: DriverConnection) -> dict[str, str]:
    if await connection.fetchval("SELECT to_regclass('support_schema_migrations')") is None:
        return {}
    rows = await connection.fetch("SELECT name, checksum FROM support_schema_migrations")
    return {row["name"]: row["checksum"] for row in rows}


async def due_files(connection: DriverConnection) -> list[SchemaFile]:
    """Files that the database lacks.

    Raises:
        SchemaMismatch: as `migrate`.
    """
    return _lacking(await _applied(connection), schema_files())


async def _work(connection: DriverConnection, files: list[SchemaFile]) -> list[SchemaFile]:
    """Files that `migrate` has to run; all schema files when the schema version or rights of the role are not up to date."""
    have = await _applied(connection)
    due = _lacking(have, files)
    if due:
        return due
    if have.get(ROW) != str(SCHEMA_VERSION) or await _may_protect(connection):
        return [file for file in files if not file.is_migration]
    return []


async def _may_protect(connection: DriverConnection) -> bool:
    """Whether the role `guiado_app` lacks rights that this connection may grant as owner of the tables."""
    return bool(await unprotected_tables(connection)) and bool(await connection.fetchval(sql("schema", "owns_tables")))


def _lacking(have: Mapping[str, str], files: list[SchemaFile]) -> list[SchemaFile]:
    require_known(have)
    for file in files:
        if file.is_migration and have.get(file.name, file.checksum) != file.checksum:
            raise SchemaMismatch(
                "{name} cambió después de aplicarse.\nRecupera el archivo original y haz el cambio en uno nuevo.",
                name=file.name,
            )
    return [file for file in files if have.get(file.name) != file.checksum]


def require_known(have: Mapping[str, str]) -> None:
    """Refuse a database, or a copy of one, that a newer guiado wrote.

    Args:
        have: name -> checksum, as `applied`.

    Raises:
        SchemaMismatch: a newer version wrote it.
    """
    ours = {ROW, *(file.name for file in schema_files())}
    unknown = sorted(have.keys() - ours)
    version = have.get(ROW, "0")
    if version.isdecimal() and int(version) > SCHEMA_VERSION:
        unknown.insert(0, f"{ROW} {version} > {SCHEMA_VERSION}")
    if unknown:
        raise SchemaMismatch(
            (
                "La base de datos es de una versión más nueva de guiado ({unknown}).\n"
                "Instala esa versión o usa otra base de datos."
            ),
            unknown=", ".join(unknown),
        )


@contextlib.asynccontextmanager
async def _turn(dsn: str) -> AsyncGenerator[None]:
    """Hold the lock of the migration for the body of an `async with`.

    It belongs to a transaction on a connection of its own: a pooler keeps its server connection for so long, while a lock of
    the connection would pass to the next client. Between two statements this transaction holds no snapshot, for
    which CREATE INDEX CONCURRENTLY would wait for ever; for the same reason the lock is polled.
    """
    holder = await connect(dsn)
    deadline = clock.monotonic_s() + _WAIT_S
    try:
        while not await _lock(holder):
            if clock.monotonic_s() > deadline:
                raise DatabaseUnavailable(
                    "Otro proceso lleva más de dos minutos preparando la base de datos.\nEspera a que termine, o ciérralo."
                )
            await asyncio.sleep(0.05)
        yield
        await holder.execute("ROLLBACK")
    finally:
        await _close(holder)


async def _lock(holder: DriverConnection) -> bool:
    await holder.execute("BEGIN")
    if await holder.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        # After the lock: a simple query closes the portal of the one before, and with it that one's snapshot.
        await holder.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return True
    await holder.execute("ROLLBACK")
    return False


async def _apply(connection: DriverConnection, file: SchemaFile) -> None:
    log.debug("schema_file_applied", file=file.name)
    own_transactions = not file.is_migration or file.text.startswith("-- no-transaction")
    if own_transactions:
        for part in file.parts:
            await connection.execute(part)
        await _record(connection, file)
        return
    async with connection.transaction():
        await connection.execute(file.text)
        await _record(connection, file)


async def _record(connection: DriverConnection, file: SchemaFile) -> None:
    await _write(connection, file.name, file.checksum)


async def _write(connection: DriverConnection, name: str, checksum: str) -> None:
    await connection.execute(
        "INSERT INTO support_schema_migrations (name, checksum) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()",
        name,
        checksum,
    )
