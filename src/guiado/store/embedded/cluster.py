"""Creation of the embedded cluster, whole or not at all, and its connection addresses.

Everything happens in a temporary folder that is renamed into place at the end, after it was written to the disk, so a
`kill -9` or a power cut in the middle leaves nothing that looks like a cluster.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from guiado import clock
from guiado.errors import DatabaseUnavailable
from guiado.store.embedded import startup_errors
from guiado.store.embedded.binaries import Binaries
from guiado.store.embedded.cluster_paths import ClusterPaths, make_private, prepare_socket_folder, socket_folder
from guiado.store.embedded.locks import open_private
from guiado.store.embedded.os_account import run_as
from guiado.store.embedded.postmaster import Server, disk_full

ROLE = DATABASE = "guiado"
SOCKET_PORT = 5432
_LOOPBACK = "127.0.0.1"
_BUILTIN_LOCALES_SINCE = 17

_SETTINGS = """
# --- guiado: defaults for one machine; change them here, guiado does not write this file again ---
fsync = on
max_connections = 100
shared_buffers = 64MB
jit = off
autovacuum = on
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_error_verbosity = terse
log_min_error_statement = panic
password_encryption = 'scram-sha-256'
"""

_ACCESS = """\
# Written by guiado. The socket lies in a folder that only its owner and root can enter; TCP asks for the password.
local all all trust
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""


def read_major(data: Path) -> int | None:
    """Major version of the cluster in a data folder, None when there is none yet.

    Raises:
        DatabaseUnavailable: the folder holds something else.
    """
    try:
        return int((data / "PG_VERSION").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        if not data.exists() or (data.is_dir() and not any(data.iterdir())):
            return None
    raise DatabaseUnavailable(
        "La carpeta {data} existe pero no contiene una base de datos de PostgreSQL.\n"
        "Muévela a otro sitio o indica otra carpeta con GUIADO_HOME.",
        data=data,
    )


def create(site: ClusterPaths, binaries: Binaries, lock: int) -> None:
    """Create the cluster with its role and its empty database.

    Args:
        site: location of the cluster.
        binaries: programs to make it with.
        lock: descriptor of the home's start lock, which the caller holds.

    Raises:
        DatabaseUnavailable: initdb failed; carries its output.
    """
    for left in site.folder.glob("new-*"):  # of a killed process; its programs have ended too, or we would not be here
        shutil.rmtree(left)
    making = _Making(site, binaries, site.folder / f"new-{clock.token(6)}", lock)
    make_private(making.folder, site.account)
    try:
        _fill(making)
        making.folder.rename(site.data)
    except BaseException:
        shutil.rmtree(making.folder, ignore_errors=True)
        raise
    sync_path(site.folder)


def listen_options(site: ClusterPaths, *, tcp: bool) -> list[str]:
    """Command-line options with the server's listen address, which no configuration file may override."""
    if tcp:
        return ["-c", f"listen_addresses={_LOOPBACK}", "-c", "unix_socket_directories=", "-p", str(_tcp_port(site))]
    sockets = f'unix_socket_directories="{prepare_socket_folder(site)}"'  # quoted: the setting is a list
    return ["-c", "listen_addresses=", "-c", sockets, "-c", "unix_socket_permissions=0700", "-p", str(SOCKET_PORT)]


def flush(site: ClusterPaths, binaries: Binaries) -> None:
    """Sync a stopped cluster to the disk, after its server ran without fsync.

    Raises:
        DatabaseUnavailable: the sync failed.
    """
    _require_success(site, run_as([binaries.program("initdb"), "--sync-only", "-D", site.data], site.account))


def address(site: ClusterPaths, server: Server | None, *, tcp: bool) -> str:
    """Connection address of the cluster, for libpq and asyncpg.

    Args:
        site: location of the cluster.
        server: the running server, which knows best where it listens; None when it does not run.
        tcp: whether it will listen on TCP, when it does not run.
    """
    if server.host if server else tcp:
        port = server.port if server else site.port.read_text("utf-8").strip()
        return f"postgresql://{ROLE}:{site.password.read_text('utf-8').strip()}@{_LOOPBACK}:{port}/{DATABASE}"
    folder = server.socket_folder if server else str(socket_folder(site))
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(folder)}&port={server.port if server else SOCKET_PORT}"


@dataclass(frozen=True, slots=True)
class _Making:
    """A cluster that is being created: `folder` is its temporary data folder."""

    site: ClusterPaths
    binaries: Binaries
    folder: Path
    lock: int

    def run(self, program: str, first: str, *options: str, text_in: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [self.binaries.program(program), first, "-D", self.folder, *options]  # --single has to come first
        # They hold the lock as well: when we are killed, whoever comes next waits for them before it clears up.
        return run_as(command, self.site.account, text_in, held=[self.lock])


def _fill(making: _Making) -> None:
    _require_success(making.site, _initialise(making))
    write_private(making.folder / "postgresql.conf", _SETTINGS, os.O_APPEND)
    write_private(making.folder / "pg_hba.conf", _ACCESS)
    write_private(making.site.password, password := clock.token())
    # One session without a server, before the first start. It flushes nothing: the whole folder is flushed at the end.
    statements = f"ALTER ROLE {ROLE} PASSWORD '{password}';\nCREATE DATABASE {DATABASE};\n"
    options = ["-F", "-c", "exit_on_error=true", "postgres"]
    _require_success(making.site, making.run("postgres", "--single", *options, text_in=statements))
    _require_success(making.site, making.run("initdb", "--sync-only"))


def _initialise(making: _Making) -> subprocess.CompletedProcess[str]:
    base = [f"--username={ROLE}", "--encoding=UTF8", "--auth=trust", "--data-checksums", "--no-sync"]
    *attempts, last = _locales(making.binaries)
    for locale in attempts:
        answer = making.run("initdb", *base, *locale)
        if answer.returncode == 0 or "locale" not in answer.stderr:  # else it lacks that one, and initdb cleaned up
            return answer
    return making.run("initdb", *base, *last)


def _locales(binaries: Binaries) -> Iterator[list[str]]:
    yield ["--locale=C.UTF-8"]
    if binaries.major >= _BUILTIN_LOCALES_SINCE:
        yield ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    yield ["--no-locale"]


def _require_success(site: ClusterPaths, answer: subprocess.CompletedProcess[str]) -> None:
    if answer.returncode == 0:
        return
    said = answer.stderr + answer.stdout
    if cause := startup_errors.known_cause(said, site.data, site.log):
        raise cause
    if startup_errors.is_disk_full(said):
        raise disk_full(site.folder)
    raise DatabaseUnavailable(
        "No pude crear la base de datos en {folder}: {said}.\n"
        "Corrige lo que indica PostgreSQL o indica otra base de datos con DATABASE_URL.",
        folder=site.folder,
        said=startup_errors.main_line(answer.stderr),
    )


def _tcp_port(site: ClusterPaths) -> int:
    """Choose and remember a TCP port: the last one when it is free, else any free one."""
    try:
        wanted = int(site.port.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        wanted = 0
    port = _free_port(wanted) or _free_port(0)
    write_private(site.port, str(port))
    return port


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, wanted))
        except OSError:
            return 0
        return probe.getsockname()[1]


def write_private(path: Path, text: str, how: int = os.O_TRUNC) -> None:
    """Write text to a file that only its owner can read, and sync it to the disk; `how` is a flag of `os.open`."""
    with open(open_private(path, os.O_WRONLY | how), "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Sync a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
