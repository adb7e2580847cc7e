"""Restoration of a backup: fills a new database and swaps it with the current one.

Everything happens beside the current database. At the end two renamings in one transaction make the change: whatever is killed
and whenever, the server holds either the database from before or the restored one, whole.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from guiado import clock
from guiado.errors import Conflict, DatabaseUnavailable, GuiadoError, Message, SchemaMismatch
from guiado.store.backup.archive import Manifest, read_manifest
from guiado.store.backup.column_options import without_private_options
from guiado.store.backup.pg_programs import Clients, Report, Tracker, finish, run_sql
from guiado.store.backup.row_counts import count_sessions, require_same, take_census
from guiado.store.backup.scratch_database import Scratch, scratch
from guiado.store.connection import DriverConnection, single
from guiado.store.driver_errors import reason
from guiado.store.migrate import APP_ROLE, connect, migrate, require_known

_MAIN_TABLE = "support_troubleshooting_sessions"
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)
_RENAME_TIMEOUT_S = 4.0
_GOODBYE_S = 1.0
"""How long the server may still list a closed connection."""
_GRANT_ENTRY = re.compile(r"^\d+; \d+ \d+ (?:DEFAULT )?ACL .*$", re.MULTILINE)
_OTHERS = """
SELECT coalesce(nullif(application_name, ''), usename, '?') AS name FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
_FOREIGN_OWNERS = """
SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND pg_get_userbyid(c.relowner) <> current_user
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
_SETTINGS = "SELECT split_part(unnest(setconfig), '=', 1) FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = $1"
_RIGHTS = """
SELECT format('GRANT %s ON DATABASE %I TO %s', a.privilege_type, $1::text,
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
  FROM pg_database d, aclexplode(d.datacl) a WHERE d.oid = $2 AND a.grantee <> d.datdba"""
_HOLDS_DATABASE = """
SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND granted AND locktype = 'object' AND mode = 'AccessExclusiveLock'
                  AND classid = 'pg_database'::regclass
                  AND objid = (SELECT oid FROM pg_database WHERE datname = current_database()))"""


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restoration.

    Args:
        sessions: in the database now.
        previous: name of the previous database, which is kept.
        missing_roles: roles that had rights in the copy and do not exist on this server.
    """

    sessions: int
    previous: str
    missing_roles: list[str]


def check(path: Path, major: int, data: Path | None) -> Manifest:
    """Check that this server can take a backup, and return its manifest; changes nothing.

    Args:
        path: the file.
        major: version of the server.
        data: folder of an embedded server's data, None for a server whose disk we cannot see.

    Raises:
        DatabaseUnavailable: there is not enough disk space.
        GuiadoError: the file is damaged or no backup.
        SchemaMismatch: a newer guiado or a newer PostgreSQL made it.
    """
    manifest = read_manifest(path)
    try:
        require_known(manifest.schema)
    except SchemaMismatch as error:
        raise SchemaMismatch(
            "La copia es de guiado {version}, más nuevo que este ({unknown}). No se cambió nada.\nInstala esa versión.",
            version=manifest.guiado,
            unknown=error.message.params["unknown"],
        ) from None
    if manifest.postgres > major:
        raise SchemaMismatch(
            "La copia es de PostgreSQL {theirs} y el servidor es de la versión {ours}. No se cambió nada.\n"
            "Restáurala en PostgreSQL {theirs} o posterior.",
            theirs=manifest.postgres,
            ours=major,
        )
    if data:
        _require_space(data, manifest.size_bytes)
    return manifest


def _require_space(data: Path, size_bytes: int) -> None:
    needed, free = size_bytes * 6 // 5, shutil.disk_usage(data).free  # a fifth more, for the log that is written first
    if free < needed:
        raise DatabaseUnavailable(
            "No hay espacio para restaurar en {folder}: hacen falta {needed} MB y quedan {free} MB. No se cambió nada.\n"
            "Libera espacio y vuelve a intentarlo.",
            folder=data,
            needed=needed // 1_000_000 + 1,
            free=free // 1_000_000,
        )


async def restore(dsn: str, path: Path, manifest: Manifest, clients: Clients, report: Report, *, force: bool) -> Restored:
    """Replace the current database by the one of a backup, and keep it under a dated name.

    Args:
        dsn: address of the current database.
        path: the backup.
        manifest: of `check`.
        clients: programs that fit the server.
        report: receives the progress.
        force: whether the current database may hold sessions.

    Raises:
        Conflict: there are sessions, or the database is in use.
        DatabaseUnavailable: the restoration failed; the current database is unchanged.
    """
    try:
        async with _kept_still(dsn, force=force) as current, scratch(dsn) as fresh:
            await fill(fresh.dsn, path, manifest, clients, Tracker(Message("Restaurando"), manifest.weights, report))
            missing_roles = await _complete(fresh.dsn, path, manifest, clients)
            await _copy_properties(dsn, fresh)
            report(Message("Cambiando la base de datos"), 1.0)
            previous = await _swap(current, fresh)
    except _LOST as error:
        raise DatabaseUnavailable(
            "La restauración no se pudo terminar: {problem}.\nLa base de datos sigue como estaba. Corrígelo y vuelve a empezar.",
            problem=reason(error),
        ) from error
    return Restored(manifest.sessions, previous, missing_roles)


async def fill(dsn: str, path: Path, manifest: Manifest, clients: Clients, tracker: Tracker) -> None:
    """Load a backup into an empty database and compare the rows per table.

    Raises:
        DatabaseUnavailable: loading failed, or rows are missing.
    """
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--verbose", "--no-password"]
    sections = await _define(dsn, path, clients)
    await clients.run("pg_restore", *options, *sections, path, dsn=dsn, hear=tracker.hear)
    connection = await connect(dsn)
    try:
        require_same(manifest.tables, (await take_census(connection)).tables)
    finally:
        await connection.close(timeout=5)


async def _define(dsn: str, path: Path, clients: Clients) -> list[str]:
    """Create the tables of a backup without the column options that this server would refuse.

    Returns:
        Options for `pg_restore` that select the remaining sections; empty when no table was created.
    """
    options = ["--section=pre-data", "--no-owner", "--no-privileges", "--file=-"]
    written = await clients.run("pg_restore", *options, path)
    fitting = without_private_options(written)
    if fitting == written:
        return []
    await run_sql(clients, dsn, fitting)
    return ["--section=data", "--section=post-data"]


async def _complete(dsn: str, path: Path, manifest: Manifest, clients: Clients) -> list[str]:
    """Migrate a filled database to this version's schema and restore its grants; return the roles that do not exist."""
    connection = await connect(dsn)
    try:
        if manifest.schema:  # the schema files make the role of the application; migrations that were applied stay so
            await connection.execute("DELETE FROM support_schema_migrations WHERE name NOT LIKE 'migrations/%'")
        await migrate(dsn)
        missing = await _grant(dsn, path, clients)
        await connection.execute("ANALYZE")
    finally:
        await connection.close(timeout=5)
    return missing


async def _grant(dsn: str, path: Path, clients: Clients) -> list[str]:
    contents = await clients.run("pg_restore", "--list", path)
    entries = "\n".join(_GRANT_ENTRY.findall(contents))
    if not entries:
        return []
    said: list[str] = []
    options = ["--no-owner", "--use-list=/dev/stdin", "--no-password"]
    process = await clients.start("pg_restore", *options, path, dsn=dsn, stdin=asyncio.subprocess.PIPE)
    await finish(process, "pg_restore", text_in=f"{entries}\n", hear=said.append, tolerant=True)
    missing = {line.partition('role "')[2].rpartition('" does not exist')[0] for line in said}
    return sorted(missing - {APP_ROLE, ""})  # without the right to create that one, guiado works without it


@asynccontextmanager
async def _kept_still(dsn: str, *, force: bool) -> AsyncGenerator[DriverConnection]:
    """Yield a connection to the current database that locks out writers."""
    current = await connect(dsn)
    try:
        await _require_nobody(current)
        if (count := await count_sessions(current)) and not force:
            raise Conflict(
                "La base de datos ya tiene sesiones ({count}). Usa --force para restaurar la copia en su lugar.\n"
                "La actual no se borra: queda aparte, con otro nombre.",
                count=count,
            )
        owners = [str(row[0]) for row in await current.fetch(_FOREIGN_OWNERS)]
        if owners:
            raise GuiadoError(
                "En la base de datos hay objetos de otros usuarios ({owners}), que cambiarían de dueño.\n"
                "Usa una base de datos solo para guiado, o restaura a mano con pg_restore.",
                owners=", ".join(owners[:5]),
            )
        await current.execute("SET idle_in_transaction_session_timeout = 0; BEGIN")
        if await current.fetchval("SELECT to_regclass($1)", _MAIN_TABLE) is not None:
            # A name of ours.
            await current.execute(f"LOCK TABLE {_MAIN_TABLE} IN EXCLUSIVE MODE")  # nosemgrep: sql-made-of-text
        yield current
    finally:
        current.terminate()


async def _require_nobody(current: DriverConnection) -> None:
    deadline = clock.monotonic_s() + _GOODBYE_S
    while names := {str(row["name"]) for row in await current.fetch(_OTHERS)}:
        if clock.monotonic_s() > deadline:
            raise Conflict(
                "Hay conexiones abiertas a la base de datos ({names}). No se cambió nada.\n"
                "Detén guiado, cierra los demás programas que la usan y vuelve a intentarlo.",
                names=", ".join(sorted(names)[:5]),
            )
        await asyncio.sleep(0.02)


async def _copy_properties(dsn: str, fresh: Scratch) -> None:
    """Copy settings and grants of the current database itself to the new one: a backup does not hold them."""
    current = await connect(dsn)  # one where the settings are in effect, and that commits
    try:
        quoted = await current.fetchval("SELECT quote_ident($1)", fresh.name)
        oid, has_rights = await single(
            current, "SELECT oid, datacl IS NOT NULL FROM pg_database WHERE datname = current_database()"
        )
        for row in await current.fetch(_SETTINGS, oid):
            # Quoted by the server itself, as is the name of the setting.
            await current.execute(f"ALTER DATABASE {quoted} SET {row[0]} FROM CURRENT")  # nosemgrep: sql-made-of-text
        if has_rights:
            # Quoted by the server itself.
            await current.execute(f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")  # nosemgrep: sql-made-of-text
            for row in await current.fetch(_RIGHTS, fresh.name, oid):
                await current.execute(row[0])
    finally:
        await current.close(timeout=5)


async def _swap(current: DriverConnection, fresh: Scratch) -> str:
    """Rename the current database to a dated name and the new one to its name, in one transaction.

    The order matters: as soon as the renaming holds its lock, nobody can connect any more. Only when no other connection is left
    do we close our own, which locks out writers.
    """
    previous = f"{fresh.current[:30]}_antes_{clock.now():%Y%m%dT%H%M%S%f}"  # two in one second must not meet
    statement = await fresh.admin.fetchval(
        "SELECT format('ALTER DATABASE %I RENAME TO %I; ALTER DATABASE %I RENAME TO %I', $1::text, $2::text, $3::text, $1::text)",
        fresh.current,
        previous,
        fresh.name,
    )
    renaming = asyncio.create_task(fresh.admin.execute(statement))  # several statements sent at once are one transaction
    try:
        await _wait_for_lock(current, fresh.admin.get_server_pid(), renaming)
        await _require_nobody(current)
    except BaseException:
        await _give_up(current, fresh.admin.get_server_pid(), renaming)
        raise
    current.terminate()
    await renaming
    return previous


async def _give_up(current: DriverConnection, pid: int, renaming: asyncio.Task[str]) -> None:
    try:
        await current.execute("SELECT pg_cancel_backend($1)", pid)
    except _LOST:
        renaming.cancel()  # the driver then asks by a connection of its own
    with suppress(asyncio.CancelledError, *_LOST):
        await renaming


async def _wait_for_lock(current: DriverConnection, pid: int, renaming: asyncio.Task[str]) -> None:
    deadline = clock.monotonic_s() + _RENAME_TIMEOUT_S
    while not await current.fetchval(_HOLDS_DATABASE, pid):
        if renaming.done() or clock.monotonic_s() > deadline:
            break
        await asyncio.sleep(0.01)
