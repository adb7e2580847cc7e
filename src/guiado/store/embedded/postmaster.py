"""The server process: its state, its start as a child process, and its stop.

What counts as running: `postmaster.pid` says ready, its process is a server of this very data folder, and its socket
takes a connection. Not `pg_ctl`: it trusts a process number that may be a zombie or belong to something else by now.
Source: PostgreSQL, src/include/utils/pidfile.h, for the lines of `postmaster.pid`.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guiado import clock
from guiado.errors import DatabaseUnavailable, Message
from guiado.store.embedded import startup_errors
from guiado.store.embedded.binaries import Binaries
from guiado.store.embedded.cluster_paths import SOCKET_NAME, ClusterPaths, socket_folder
from guiado.store.embedded.locks import claim_alone, open_private
from guiado.store.embedded.os_account import environment

_PAUSE_S = 0.005
_RETRY_TIMEOUT_S = 30.0
_RECOVERY_TIMEOUT_S = 300.0
_DEAF_TIMEOUT_S = 5.0
_STOP_TIMEOUT_S = 30.0
_LONGEST_LOG_BYTES = 10_000_000
_LEAST_ROOM_BYTES = 1_000_000
# Old backends still hold the memory, a dying server still holds the file, somebody took the port: all of them pass.
_PASSING = ("pre-existing shared memory block", "lock file", "could not bind", "Address already in use")

_log = logging.getLogger(__name__)
# Our own children, so that any object of this process can reap them; keyed with our own number too: a fork copies this.
_children: dict[tuple[int, int], subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Server:
    """State of the server by `postmaster.pid`.

    Args:
        pid: number of the server's first process.
        port: TCP port, and the number in the socket's name.
        socket_folder: folder of the Unix socket, empty without one.
        host: address that it listens at, empty without TCP.
        state: "starting", "ready", "stopping" or "standby".
    """

    pid: int
    port: int
    socket_folder: str
    host: str
    state: str


def read_server(data: Path) -> Server | None:
    """Read `postmaster.pid` of a data folder, true or stale; None when there is no valid one."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
        lines += [""] * (8 - len(lines))
        return Server(int(lines[0]), int(lines[3] or 0), lines[4], lines[5], lines[7].strip() or "starting")
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None


def running_server(data: Path) -> Server | None:
    """The server of this data folder if it takes connections at this moment. Costs well below a millisecond."""
    server = read_server(data)
    if server is None or server.state != "ready" or not _is_alive(server.pid, data):
        return None
    return server if _takes_connections(server) else None


def is_alive(data: Path) -> bool:
    """Whether a server process of this data folder is alive, in any state."""
    server = read_server(data)
    return server is not None and _is_alive(server.pid, data)


def settled_server(data: Path) -> Server | None:
    """Wait until a server that is starting or stopping has done so, whichever process started it.

    Returns:
        The server when it runs, None when there is none.

    Raises:
        DatabaseUnavailable: it replays its log for longer than five minutes.
    """
    begin = clock.monotonic_s()
    while (server := read_server(data)) and _is_alive(server.pid, data):
        if server.state == "ready" and _takes_connections(server):
            return server
        waited_s = clock.monotonic_s() - begin
        if server.state == "ready" and waited_s > _DEAF_TIMEOUT_S:  # its socket was deleted: nobody can reach it again
            stop(data)
            return None
        if waited_s > _RECOVERY_TIMEOUT_S:
            raise _still_recovering(data)
        time.sleep(_PAUSE_S)
    return None


def start(site: ClusterPaths, binaries: Binaries, listen_options: Callable[[], Sequence[str]]) -> Server:
    """Start the server and wait until it takes connections; the caller made sure that none runs.

    Args:
        site: location of the cluster.
        binaries: programs of the cluster's major version.
        listen_options: gives the command-line options with the addresses to listen at, anew for every attempt.

    Raises:
        DatabaseUnavailable: the server did not start; carries the end of its log.
    """
    claim = _claim(site)
    try:
        return _start(site, binaries, listen_options, claim)
    finally:
        os.close(claim)  # our copy: the server and its children keep the lock


def _start(site: ClusterPaths, binaries: Binaries, listen_options: Callable[[], Sequence[str]], claim: int) -> Server:
    deadline = clock.monotonic_s() + _RETRY_TIMEOUT_S
    while True:
        options = listen_options()
        _forget_reused_pids(site)
        begin = _rotate(site.log)
        child = _spawn(site, binaries, options, claim)
        if server := _wait_until_ready(site.data, child):
            return server
        said = _tail(site.log, begin)
        if clock.monotonic_s() > deadline or not any(sign in said for sign in _PASSING):
            raise _not_started(site, said)
        time.sleep(0.1)


def _claim(site: ClusterPaths) -> int:
    """Take the lock that a server holds as long as any process of it lives; returns its descriptor.

    Neither process numbers nor shared memory show a server in another container that has the same volume; this lock does.
    """
    deadline = clock.monotonic_s() + _RETRY_TIMEOUT_S
    while (claim := claim_alone(site.folder / "server.lock")) is None:
        other = read_server(site.data)
        if clock.monotonic_s() > deadline or (other and other.state == "ready" and _takes_connections(other)):
            raise DatabaseUnavailable(
                "Otro PostgreSQL usa ya los datos de {data}: el de otro guiado, quizá en otro contenedor con el mismo "
                "volumen.\n"
                "Detén ese guiado y vuelve a intentarlo; para usar los dos a la vez, define DATABASE_URL.",
                data=site.data,
            )
        time.sleep(_PAUSE_S)
    return claim


def stop(data: Path) -> None:
    """Stop the server by a fast shutdown, which rolls open transactions back, and wait until its process is gone."""
    server = read_server(data)
    if server is None or not _is_alive(server.pid, data):
        return
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGINT)
    deadline = clock.monotonic_s() + _STOP_TIMEOUT_S
    while _is_alive(server.pid, data):
        if clock.monotonic_s() > deadline:
            _log.warning("PostgreSQL (process %s) did not stop in %.0f s; left alone", server.pid, _STOP_TIMEOUT_S)
            return
        time.sleep(_PAUSE_S)


def _is_alive(pid: int, data: Path) -> bool:
    """Whether a process is a living server of a data folder: not a zombie, nor another program with its number."""
    if (child := _children.get((os.getpid(), pid))) is not None:
        return not _reaped(child)
    folder = Path("/proc") / str(pid)
    if not Path("/proc/self/stat").exists():  # pragma: no cover  # macOS: Linux always has it
        return _ps_knows(pid, data)
    try:
        if (folder / "stat").read_bytes().rpartition(b")")[2].split()[0] in {b"Z", b"X"}:
            return False
        return os.fsencode(data) in (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _ps_knows(pid: int, data: Path) -> bool:  # pragma: no cover  # for systems without /proc
    answer = subprocess.run(  # noqa: S603  # our own number, no shell
        ["/bin/ps", "-ww", "-p", str(pid), "-o", "state=,command="], capture_output=True, text=True, check=False
    )
    return str(data) in answer.stdout and not answer.stdout.lstrip().startswith("Z")


def _reaped(child: subprocess.Popen[bytes]) -> bool:
    if child.poll() is None:
        return False
    _children.pop((os.getpid(), child.pid), None)
    return True


def _takes_connections(server: Server) -> bool:
    family = socket.AF_UNIX if server.socket_folder else socket.AF_INET
    unix = f"{server.socket_folder}/.s.PGSQL.{server.port}"
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(unix if server.socket_folder else (server.host, server.port))
        except BlockingIOError:  # its queue is full: busy, but there
            return True
        except OSError:
            return False
    return True


def _spawn(site: ClusterPaths, binaries: Binaries, options: Sequence[str], claim: int) -> subprocess.Popen[bytes]:
    log = open_private(site.log, os.O_WRONLY | os.O_APPEND)
    account = site.account
    try:
        child = subprocess.Popen(  # noqa: S603  # a program found by us, never a shell
            [binaries.program("postgres"), "-D", site.data, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=site.data,
            env=environment(),
            pass_fds=[claim],
            start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the server when the last user leaves
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        os.close(log)
    _children[os.getpid(), child.pid] = child
    return child


def _wait_until_ready(data: Path, child: subprocess.Popen[bytes]) -> Server | None:
    deadline = clock.monotonic_s() + _RECOVERY_TIMEOUT_S
    while not _reaped(child):
        server = read_server(data)
        if server and server.pid == child.pid and server.state == "ready" and _takes_connections(server):
            return server
        if clock.monotonic_s() > deadline:
            raise _still_recovering(data)
        time.sleep(_PAUSE_S)
    return None


def _forget_reused_pids(site: ClusterPaths) -> None:
    """Remove lock files whose process number a zombie or another program has: PostgreSQL would refuse to start.

    PostgreSQL still refuses to start over living backends: it finds their shared memory by the data folder itself.
    """
    for path in (site.data / "postmaster.pid", socket_folder(site) / f"{SOCKET_NAME}.lock"):
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(path.read_text("utf-8").split()[0]), 0)
            path.unlink()


def _rotate(log: Path) -> int:
    """Rotate a long log, and return the size of the current one in bytes."""
    try:
        size_bytes = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size_bytes <= _LONGEST_LOG_BYTES:
        return size_bytes
    log.replace(log.with_suffix(".log.1"))
    return 0


def _tail(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return b"\n".join(file.read().splitlines()[-8:]).decode(errors="replace")


def _not_started(site: ClusterPaths, said: str) -> DatabaseUnavailable:
    if cause := startup_errors.known_cause(said, site.data, site.log):
        return cause
    # On a full disk not even the log can say so.
    if startup_errors.is_disk_full(said) or shutil.disk_usage(site.folder).free < _LEAST_ROOM_BYTES:
        return disk_full(site.folder)
    return DatabaseUnavailable(
        "PostgreSQL no arranca con los datos de {data}: {said}.\n"
        "Corrige lo que indica (registro completo: {log}) y vuelve a intentarlo.",
        data=site.data,
        said=startup_errors.main_line(said) or Message("no dice por qué"),
        log=site.log,
    )


def disk_full(folder: Path) -> DatabaseUnavailable:
    """The error for a full disk."""
    return DatabaseUnavailable(
        "No queda espacio en el disco para la base de datos de {folder}.\n"
        "Libera espacio (hacen falta unos 200 MB) o indica otra carpeta con GUIADO_HOME.",
        folder=folder,
    )


def _still_recovering(data: Path) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "PostgreSQL sigue recuperando los datos de {data} después de un cierre brusco.\n"
        "Espera unos minutos y vuelve a intentarlo; no borres nada.",
        data=data,
    )
