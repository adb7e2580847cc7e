"""Backup of a database while guiado runs.

pg_dump and the row counts share one snapshot, so that rows per table are exact under any load.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg

from guiado import __version__, clock
from guiado.errors import DatabaseUnavailable, GuiadoError, Message
from guiado.store import pooler
from guiado.store.backup import archive
from guiado.store.backup.archive import Draft, Manifest
from guiado.store.backup.pg_programs import Clients, Report, Tracker, choose_clients
from guiado.store.backup.restore import fill
from guiado.store.backup.row_counts import Census, require_same, take_census
from guiado.store.backup.scratch_database import scratch
from guiado.store.connection import DriverConnection
from guiado.store.migrate import connect


async def server_major(dsn: str) -> int:
    """Major version of the server at an address."""
    connection = await connect(dsn)
    try:
        return await connection.fetchval("SELECT current_setting('server_version_num')::integer / 10000")
    finally:
        await connection.close(timeout=5)


async def require_direct(dsn: str, presence: pooler.Presence) -> None:
    """Refuse an address that leads through a pooler.

    pg_dump and pg_restore rely on the state of their connection, and a pooler does not know the temporary database into which
    a backup is restored.

    Raises:
        DatabaseUnavailable: there is a pooler, by the settings or by a test of the connection.
    """
    if presence == "off":
        return
    connection = await connect(dsn)
    try:
        found = presence == "on" or await pooler.is_pooled(connection)
    finally:
        await connection.close(timeout=5)
    if found:
        raise DatabaseUnavailable(
            "Este comando no funciona a través de un pooler como PgBouncer: necesita una conexión directa a PostgreSQL.\n"
            "Repítelo con DATABASE_URL=postgresql://… y el puerto del propio PostgreSQL (normalmente, 5432)."
        )


async def back_up(
    dsn: str, target: Path, report: Report, *, own: Path | None, pg_bin: Path | None, force: bool = False, verify: bool = False
) -> Manifest:
    """Back up a database to a file.

    Args:
        dsn: address of the database.
        target: of `archive.choose_target`.
        report: receives the progress.
        own: folder of the embedded server's programs, None for a server that is not ours.
        pg_bin: folder of programs that the operator named.
        force: whether an existing file may be replaced.
        verify: whether to restore the backup into a temporary database, to compare both.

    Raises:
        DatabaseUnavailable: the database cannot be read, or the backup does not match it.
        GuiadoError: there are no programs for it, or the file cannot be written.
    """
    major = await server_major(dsn)
    writers = choose_clients(own, pg_bin, major, exact=False)
    readers = choose_clients(own, pg_bin, major, exact=True) if verify else writers
    with archive.draft(target, force=force) as draft:
        manifest = await _dump(dsn, writers, draft, report)
        archive.seal(draft.path, manifest)
        await _read_back(draft.path, readers)
        if verify:
            await _prove(dsn, draft.path, readers, report)
    return manifest


async def _dump(dsn: str, clients: Clients, draft: Draft, report: Report) -> Manifest:
    connection = await connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            moment = clock.now()
            census = await take_census(connection)
            await _write(dsn, clients, draft, snapshot, Tracker(Message("Copiando"), _table_weights(census), report))
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailable(
            "No se puede leer toda la base de datos: {problem}.\nEl usuario de DATABASE_URL debe ser el dueño de sus tablas.",
            problem=str(error),
        ) from error
    finally:
        await _close(connection)
    return Manifest(__version__, moment, census.major, census.size_bytes, census.schema, census.tables, census.weights)


async def _write(dsn: str, clients: Clients, draft: Draft, snapshot: str, tracker: Tracker) -> None:
    options = ["--format=custom", f"--snapshot={snapshot}", f"--file={draft.path}", "--verbose", "--no-password"]
    await clients.run("pg_dump", *options, dsn=dsn, held=[draft.lock], hear=tracker.hear)


def _table_weights(census: Census) -> dict[str, int]:
    return {name: census.weights.get(name, 0) for name in census.tables}


async def _read_back(path: Path, clients: Clients) -> None:
    """Check a written backup: its seal over the whole file, and its table of contents."""
    manifest = archive.read_manifest(path)
    contents = await clients.run("pg_restore", "--list", path)
    missing = [name for name in manifest.tables if f" TABLE DATA {name.replace('.', ' ', 1)} " not in contents]
    if missing:
        raise GuiadoError(
            "La copia no contiene las tablas {names}. No se guardó.\nVuelve a intentarlo; si se repite, comprueba el disco.",
            names=", ".join(missing[:5]),
        )


async def _prove(dsn: str, path: Path, clients: Clients, report: Report) -> None:
    manifest = archive.read_manifest(path)
    async with scratch(dsn) as fresh:
        await fill(fresh.dsn, path, manifest, clients, Tracker(Message("Comprobando"), manifest.weights, report))
        connection = await connect(fresh.dsn)
        try:
            require_same(manifest.tables, (await take_census(connection)).tables)
        finally:
            await connection.close(timeout=5)


async def _close(connection: DriverConnection) -> None:
    try:
        await connection.close(timeout=5)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
