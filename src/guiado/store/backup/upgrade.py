"""Upgrade of the embedded cluster to a newer major version of PostgreSQL, by dump and restore between two servers.

The old data folder is read, never changed. The new cluster is made beside it, filled, compared and written to the disk; only
then the folders change places (see `store/embedded/data_swap.py`). The old one stays, under a dated name.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from guiado.errors import Conflict, DatabaseUnavailable, GuiadoError, Message
from guiado.store.backup.column_options import without_private_options
from guiado.store.backup.pg_programs import Clients, Report, Tracker, finish, run_sql, with_database
from guiado.store.backup.row_counts import Census, require_same, take_census
from guiado.store.backup.scratch_database import drop
from guiado.store.embedded import cluster, data_swap, postmaster
from guiado.store.embedded.binaries import Binaries, choose_binaries, choose_newer, runnable_by
from guiado.store.embedded.cluster_paths import ClusterPaths
from guiado.store.embedded.supervisor import Sole
from guiado.store.migrate import connect

# Nothing of the new cluster counts before it is whole: its server need not care for the disk until then.
_HASTE = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off", "-c", "maintenance_work_mem=256MB")
_NEW_CLUSTER_BYTES = 200_000_000
_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND datname NOT IN ('template0', 'template1', 'postgres')"
_FILE_SETTINGS = "SELECT name, setting FROM pg_file_settings WHERE error IS NULL ORDER BY seqno"
_BOUND_TO_FOLDER = {"data_directory", "hba_file", "ident_file", "config_file", "external_pid_file"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of an upgrade: the cluster, and the programs of both versions.

    Args:
        site: where the cluster is.
        lock: descriptor of the home's start lock.
        old: programs of the present version.
        new: programs of the version to come.
    """

    site: ClusterPaths
    lock: int
    old: Binaries
    new: Binaries


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Result of an upgrade.

    Args:
        kept: path of the old data folder.
        rows: number of rows in all tables of all databases.
        lost_settings: settings of the old configuration that the new version does not know.
    """

    kept: Path
    rows: int
    lost_settings: list[str]


def plan(sole: Sole, *, pg_bin: Path | None, from_bin: Path | None) -> Plan:
    """Plan an upgrade and check that it is possible; changes nothing.

    Args:
        sole: exclusive access to the home.
        pg_bin: folder of the new programs, None to take the newest of this machine.
        from_bin: folder of the old programs, None to look for them.

    Raises:
        Conflict: the server runs.
        GuiadoError: there is no cluster, or nothing newer.
        DatabaseUnavailable: programs or space are missing.
    """
    site, major = sole.site, cluster.read_major(sole.site.data)
    if major is None:
        raise GuiadoError("Todavía no hay una base de datos que actualizar.\nSe crea al arrancar: guiado serve")
    if postmaster.settled_server(site.data):
        raise Conflict("La base de datos está en marcha. No se cambió nada.\nDetenla con guiado db stop y vuelve a intentarlo.")
    new = choose_newer(pg_bin, major)
    if new is None:
        raise GuiadoError(
            "La base de datos es de PostgreSQL {major}, y aquí no hay programas de una versión más nueva.\n"
            "Si los tienes en otra carpeta, indícala con PG_BIN.",
            major=major,
        )
    old = _old_binaries(from_bin, major)
    _require_space(site)
    return Plan(site, sole.lock, runnable_by(old, site.account), runnable_by(new, site.account))


async def upgrade(work: Plan, report: Report) -> Upgraded:
    """Carry out an upgrade; on any failure the old cluster stays unchanged and in place.

    Raises:
        DatabaseUnavailable: the upgrade failed; says why.
    """
    site, fresh = work.site, data_swap.workshop(work.site)
    try:
        data_swap.prepare(site)
        report(Message("Creando la base de datos nueva"), 0.0)
        cluster.create(fresh, work.new, work.lock)
        rows, settings = await _move(work, fresh, report)
        lost = await _settle(work, fresh, settings, rows)
        report(Message("Escribiendo en el disco"), 1.0)
        cluster.flush(fresh, work.new)
        kept = data_swap.put_in_place(site, work.old.major)
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailable(
            "La actualización no se pudo terminar: {problem}.\n"
            "La base de datos sigue como estaba. Corrígelo y vuelve a intentarlo.",
            problem=str(error),
        ) from error
    finally:
        data_swap.clear(site.folder)
    return Upgraded(kept, sum(sum(tables.values()) for tables in rows.values()), lost)


async def _move(work: Plan, fresh: ClusterPaths, report: Report) -> tuple[dict[str, dict[str, int]], dict[str, str]]:
    """Copy roles and databases from the old server to the new one.

    Returns:
        Rows by database and table, and the settings in the old server's files.
    """
    clients = Clients(work.new, is_embedded=True)
    with (
        _server(work.site, work.old, data_swap.backstage(work.site)) as source,
        _server(fresh, work.new, fresh, _HASTE) as target,
    ):
        report(Message("Copiando usuarios"), 0.0)
        await _copy_roles(clients, source, target)
        old = await connect(with_database(source, "postgres"))
        try:
            settings = {row["name"]: row["setting"] for row in await old.fetch(_FILE_SETTINGS)}
            names = [str(row[0]) for row in await old.fetch(_DATABASES)]
        finally:
            await old.close(timeout=5)
        await _drop_empty(target)
        rows = {name: await _move_database(clients, with_database(source, name), target, report) for name in names}
    return rows, settings


async def _copy_roles(clients: Clients, source: str, target: str) -> None:
    said = await clients.run("pg_dumpall", "--roles-only", "--no-password", dsn=with_database(source, "postgres"))
    ours = f"CREATE ROLE {cluster.ROLE};\n"  # initdb has made it; what it may do and its password follow in the next line
    await run_sql(clients, with_database(target, "postgres"), said.replace(ours, "", 1))


async def _drop_empty(target: str) -> None:
    admin = await connect(with_database(target, "postgres"))
    try:
        await drop(admin, cluster.DATABASE)
    finally:
        await admin.close(timeout=5)


async def _move_database(clients: Clients, source: str, target: str, report: Report) -> dict[str, int]:
    """Copy one database, and return its rows by table after comparing them."""
    old = await connect(source)
    try:
        census = await take_census(old)
        name = str(await old.fetchval("SELECT current_database()"))
    finally:
        await old.close(timeout=5)
    tracker = Tracker(Message("Copiando {name}", {"name": name}), census.weights, report)
    if await _define(clients, source, with_database(target, "postgres")):
        sections = ["--section=data", "--section=post-data"]
        await _pipe(clients, source, with_database(target, name), tracker, sections)
    else:
        await _pipe(clients, source, with_database(target, "postgres"), tracker, ["--create"])
    found = await _count(with_database(target, name), analyze=True)
    require_same(census.tables, found.tables)
    return census.tables


async def _define(clients: Clients, source: str, target: str) -> bool:
    """Create a database and its tables on the new server if they have column options that it would refuse.

    Returns:
        Whether they were created; rows, indexes and constraints are still to be copied then.
    """
    written = await clients.run("pg_dump", "--create", "--section=pre-data", "--no-tablespaces", "--no-password", dsn=source)
    fitting = without_private_options(written)
    if fitting != written:
        await run_sql(clients, target, fitting)
    return fitting != written


async def _pipe(clients: Clients, source: str, target: str, tracker: Tracker, parts: Sequence[str]) -> None:
    """Run `pg_dump | pg_restore`, without an intermediate file."""
    reading, writing = os.pipe()
    try:
        options = [*parts, "--format=custom", "--compress=0", "--no-password"]
        dumping = await clients.start("pg_dump", *options, dsn=source, stdout=writing)
        options = [*parts, "--exit-on-error", "--no-tablespaces", "--verbose", "--no-password"]
        restoring = await clients.start("pg_restore", *options, dsn=target, stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    ends = [finish(dumping, "pg_dump"), finish(restoring, "pg_restore", hear=tracker.hear)]
    dumped, restored = await asyncio.gather(*ends, return_exceptions=True)
    # Each of them fails when the other one does: a broken pipe here, an early end there. The first to fail says why.
    for result in (restored, dumped) if dumping.returncode == -signal.SIGPIPE else (dumped, restored):
        if isinstance(result, BaseException):
            raise result


async def _settle(work: Plan, fresh: ClusterPaths, settings: dict[str, str], rows: dict[str, dict[str, int]]) -> list[str]:
    """Carry the configuration over, start the new cluster as it will run, compare rows, and return the lost settings."""
    with _server(fresh, work.new, fresh) as target:
        connection = await connect(with_database(target, "postgres"))
        try:
            known = {str(row[0]) for row in await connection.fetch("SELECT name FROM pg_settings")}
            own = {row["name"]: row["setting"] for row in await connection.fetch(_FILE_SETTINGS)}
        finally:
            await connection.close(timeout=5)
    changed = {name: value for name, value in settings.items() if own.get(name) != value and name not in _BOUND_TO_FOLDER}
    _carry_over(work, fresh, {name: value for name, value in changed.items() if name in known or "." in name})
    with _server(fresh, work.new, fresh) as target:
        for name, tables in rows.items():
            require_same(tables, (await _count(with_database(target, name))).tables)
    return sorted(name for name in changed if name not in known and "." not in name)


def _carry_over(work: Plan, fresh: ClusterPaths, settings: dict[str, str]) -> None:
    for name in ("pg_hba.conf", "pg_ident.conf"):
        if (work.site.data / name).is_file():
            cluster.write_private(fresh.data / name, (work.site.data / name).read_text("utf-8"))
    lines = [f"{name} = '{_quoted(value)}'" for name, value in sorted(settings.items())]
    if lines:
        title = f"# --- guiado: carried over from PostgreSQL {work.old.major} ---"
        cluster.write_private(fresh.data / "postgresql.conf", "\n".join(["", title, *lines]), os.O_APPEND)


def _quoted(value: str) -> str:
    return re.sub(r"(['\\])", r"\1\1", value)


async def _count(dsn: str, *, analyze: bool = False) -> Census:
    connection = await connect(dsn)
    try:
        if analyze:
            await connection.execute("ANALYZE")
        return await take_census(connection)
    finally:
        await connection.close(timeout=5)


@contextmanager
def _server(site: ClusterPaths, binaries: Binaries, sockets: ClusterPaths, options: Sequence[str] = ()) -> Generator[str]:
    """Run a server with a socket of its own for the body of a `with`, and yield its address."""
    server = postmaster.start(site, binaries, lambda: [*cluster.listen_options(sockets, tcp=False), *options])
    try:
        yield cluster.address(sockets, server, tcp=False)
    finally:
        postmaster.stop(site.data)


def _old_binaries(from_bin: Path | None, major: int) -> Binaries:
    if from_bin is None:
        try:
            return choose_binaries(None, major)
        except DatabaseUnavailable:
            raise DatabaseUnavailable(
                "Los datos son de PostgreSQL {major}, y para leerlos hacen falta los programas de esa versión.\n"
                "Instala PostgreSQL {major} o indica su carpeta con --from-bin.",
                major=major,
            ) from None
    found = choose_binaries(from_bin, None)
    if found.major != major:
        raise DatabaseUnavailable(
            "--from-bin: en {folder} hay PostgreSQL {found}, y los datos son de PostgreSQL {major}. No se cambió nada.\n"
            "Indica la carpeta bin de PostgreSQL {major}.",
            folder=from_bin,
            found=found.major,
            major=major,
        )
    return found


def _require_space(site: ClusterPaths) -> None:
    needed = sum(path.stat().st_size for path in site.data.rglob("*") if path.is_file()) + _NEW_CLUSTER_BYTES
    free = shutil.disk_usage(site.folder).free
    if free < needed:
        raise DatabaseUnavailable(
            "No hay espacio para la base de datos nueva en {folder}: hacen falta {needed} MB y quedan {free} MB.\n"
            "Libera espacio y vuelve a intentarlo.",
            folder=site.folder,
            needed=needed // 1_000_000 + 1,
            free=free // 1_000_000,
        )
