"""Supervision of the embedded PostgreSQL: start, sharing between processes, and stop.

Every process that joins shares one server. The first one starts it, the last one to leave stops it; locks of the kernel
count them, so a killed process is never counted, and a server that it left behind is adopted by the next one.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import shlex
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from guiado import clock
from guiado.errors import Conflict, DatabaseUnavailable, SettingsInvalid, os_reason
from guiado.store.embedded import cluster, data_swap, postmaster, programs, watchdog
from guiado.store.embedded.binaries import choose_binaries, read_version, runnable_by
from guiado.store.embedded.cluster_paths import ClusterPaths, find_folder, place, prepare_home
from guiado.store.embedded.locks import Membership, exclusive, require_locks

_log = logging.getLogger(__name__)
_START_LOCK_TIMEOUT_S = 120.0
_PATIENCE_S = 2.0
"""Seconds after a failed start until the next one: while a disk is full, many callers ask at once."""


@dataclass(frozen=True, slots=True)
class PostgresStatus:
    """Status of the embedded PostgreSQL.

    Args:
        version: for example "18.4", of the running server where it runs; None when no programs were found.
        data: its data folder, whether it exists or not.
        binaries: folder of its programs, None when none were found.
        pid: number of the server's process, None when it does not run.
        running: whether it takes connections.
        replaced: whether its programs were updated on the disk since it was started, so that it has to be restarted.
    """

    version: str | None
    data: Path
    binaries: Path | None
    pid: int | None
    running: bool
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Sole:
    """Exclusive access to a home.

    Args:
        site: location of the cluster.
        lock: descriptor of the home's start lock.
        start: starts the server and gives its address.
    """

    site: ClusterPaths
    lock: int
    start: Callable[[], str]


def default_home() -> Path:
    """Folder of guiado's own data when GUIADO_HOME is not set, by the custom of the operating system.

    Raises:
        SettingsInvalid: the user has no folder.
    """
    try:
        return platformdirs.user_data_path("guiado", appauthor=False)
    except RuntimeError:
        raise _homeless(Path("~/.local/share/guiado")) from None


class EmbeddedPostgres:
    """One process's use of the embedded PostgreSQL of a home; safe between threads and after a fork.

    Args:
        home: guiado's folder (GUIADO_HOME); created when missing.
        pg_bin: folder of PostgreSQL's programs (PG_BIN), None to look for them.
        use_tcp: listen at 127.0.0.1 with a password instead of a Unix socket; None decides by what the system offers.
    """

    def __init__(self, home: Path, *, pg_bin: Path | None = None, use_tcp: bool | None = None) -> None:
        self._home = absolute_home(home)
        self._pg_bin = pg_bin
        self._tcp = not hasattr(socket, "AF_UNIX") if use_tcp is None else use_tcp
        self._site: ClusterPaths | None = None
        self._membership: Membership | None = None
        self._process = os.getpid()
        self._mutex = threading.RLock()
        self._failed: tuple[float, DatabaseUnavailable] | None = None

    def join(self) -> str:
        """Start the server unless it runs, and register this process as one of its users; safe to repeat.

        Returns:
            The connection address; both psql and asyncpg take it.

        Raises:
            DatabaseUnavailable: the server cannot be created or started; names cause and remedy.
        """
        with self._guard(), _explained(self._home):
            require_locks()
            prepare_home(self._home)
            with self._start_lock() as lock:
                self._register()
                try:
                    return self._bring_up(lock)
                except BaseException as error:
                    # A server that is still recovering goes on; one that we were interrupted in starting does not.
                    self._resign(stop=not isinstance(error, DatabaseUnavailable))
                    raise

    def ensure(self) -> str:
        """Return the address of the running server; start it again if it died, else take under a millisecond.

        Raises:
            DatabaseUnavailable: as `join`.
        """
        with self._guard():
            if self._site and self._membership and self._membership.is_ours:
                server = postmaster.running_server(self._site.data)
                if server and not programs.were_replaced(self._site.data):
                    return cluster.address(self._site, server, tcp=self._tcp)
            return self._join_with_patience()

    def _join_with_patience(self) -> str:
        if self._failed and clock.monotonic_s() < self._failed[0] + _PATIENCE_S:
            raise self._failed[1].with_traceback(None)
        try:
            dsn = self.join()
        except DatabaseUnavailable as error:
            self._failed = (clock.monotonic_s(), error)
            raise
        self._failed = None
        return dsn

    def leave(self) -> None:
        """Unregister this process; the last user stops the server, unless it was detached. Safe to repeat."""
        with self._guard(), _explained(self._home):
            if self._membership is None:
                return
            if not self._membership.is_ours or not self._home.exists():
                self._resign(stop=False)
                return
            with self._start_lock():
                self._resign(stop=not self._kept.exists())

    def detach(self) -> None:
        """Unregister this process, and let the server run until `stop`, whichever processes join and leave in between."""
        with self._guard(), _explained(self._home):
            if self._membership is not None:
                self._kept.touch(mode=0o600)
            self._resign(stop=False)

    def stop(self) -> bool:
        """Stop a server that no process uses, for example one that was detached.

        Returns:
            Whether the server is stopped now; False when it is in use.

        Raises:
            DatabaseUnavailable: the home cannot be used.
        """
        with self._guard(), _explained(self._home):
            if not self._home.exists():
                return True
            with self._start_lock():
                self._kept.unlink(missing_ok=True)
                self._register()
                self._resign(stop=True)
                return postmaster.running_server(find_folder(self._home) / "data") is None

    @contextmanager
    def alone(self) -> Generator[Sole]:
        """Hold exclusive access to the home for the body of a `with`, without starting the server; a killed process releases it.

        Raises:
            Conflict: the server is in use.
            DatabaseUnavailable: the home cannot be used.
        """
        with self._guard(), _explained(self._home):
            require_locks()
            prepare_home(self._home)
            with self._start_lock() as lock:
                self._register()
                try:
                    yield Sole(self._place(), lock, lambda: self._bring_up(lock))
                finally:
                    self._resign(stop=not self._kept.exists())

    def dsn(self) -> str | None:
        """The connection address if the cluster exists, else None. Starts and changes nothing."""
        with _explained(self._home):
            site = ClusterPaths(find_folder(self._home), None)
            server = postmaster.running_server(site.data)
            unknown_port = self._tcp and server is None and not site.port.exists()
            if unknown_port or cluster.read_major(site.data) is None:
                return None
            return cluster.address(site, server, tcp=self._tcp)

    def status(self) -> PostgresStatus:
        """Status of the cluster. Starts and changes nothing."""
        with _explained(self._home):
            data = find_folder(self._home) / "data"
            server = postmaster.running_server(data)
            folder = self._folder_in_use(data) if server else self._folder_to_use(data)
            started = programs.read(data) if server else None
            version = started.version if started else read_version(folder) if folder else None
            replaced = server is not None and programs.were_replaced(data)
            return PostgresStatus(version, data, folder, server.pid if server else None, server is not None, replaced)

    @property
    def _kept(self) -> Path:
        """File that exists while the server runs without users: see `detach`."""
        return self._home / "keep-running"

    def _guard(self) -> threading.RLock:
        if self._process != os.getpid():  # a fork: another thread of the parent may have held the copied lock
            self._process, self._mutex = os.getpid(), threading.RLock()
        return self._mutex

    def _start_lock(self) -> AbstractContextManager[int]:
        return exclusive(self._home / "start.lock", _START_LOCK_TIMEOUT_S)

    def _register(self) -> None:
        if self._membership and not self._membership.is_ours:
            self._membership.give_back()
            self._membership = None
        if self._membership is None:
            self._membership = Membership(self._home / "users.lock")
            atexit.register(self.leave)  # for a script that ends without saying goodbye

    def _resign(self, *, stop: bool) -> None:
        membership, self._membership = self._membership, None
        atexit.unregister(self.leave)
        if membership and membership.give_back() and stop:
            postmaster.stop(find_folder(self._home) / "data")

    def _place(self) -> ClusterPaths:
        if self._membership is None or not self._membership.is_only:
            raise Conflict("La base de datos está en uso. Cierra antes los demás procesos de guiado.")
        data_swap.clear(find_folder(self._home))
        return place(self._home)

    def _bring_up(self, lock: int) -> str:
        data_swap.clear(find_folder(self._home))
        site = self._site = place(self._home)
        server = postmaster.settled_server(site.data)
        if server and programs.were_replaced(site.data):
            _log.warning("PostgreSQL was updated under its running server (process %s); restarting it", server.pid)
            postmaster.stop(site.data)
            server = None
        return cluster.address(site, server or self._start(site, lock), tcp=self._tcp)

    def _start(self, site: ClusterPaths, lock: int) -> postmaster.Server:
        major = cluster.read_major(site.data)
        binaries = runnable_by(choose_binaries(self._pg_bin, major), site.account)
        if major is None:
            cluster.create(site, binaries, lock)
        identified = programs.identify(binaries)  # before it reads them: what is replaced meanwhile counts as replaced
        server = postmaster.start(site, binaries, lambda: cluster.listen_options(site, tcp=self._tcp))
        programs.record(site.data, identified)
        watchdog.begin(self._home)
        return server

    def _folder_in_use(self, data: Path) -> Path:
        return Path(shlex.split((data / "postmaster.opts").read_text("utf-8"))[0]).parent

    def _folder_to_use(self, data: Path) -> Path | None:
        with suppress(DatabaseUnavailable):
            return choose_binaries(self._pg_bin, cluster.read_major(data)).folder
        return None


def absolute_home(home: Path) -> Path:
    """Return the absolute path of a home.

    Raises:
        SettingsInvalid: the path begins with the folder of a user that does not exist.
    """
    try:
        absolute = home.expanduser()
    except RuntimeError:
        absolute = home
    if str(absolute).startswith("~"):
        raise _homeless(home)
    # Not `Path.resolve`: it fails where links lead in circles, which is for whoever opens the folder to say.
    return Path(os.path.realpath(absolute))


def _homeless(home: Path) -> SettingsInvalid:
    return SettingsInvalid(
        "No sé dónde guardar los datos: {home} empieza por una carpeta de usuario que no existe.\n"
        "Indica con GUIADO_HOME una carpeta con su ruta completa, por ejemplo /srv/guiado.",
        home=home,
    )


@contextmanager
def _explained(home: Path) -> Generator[None]:
    """Turn errors of the file system into a `DatabaseUnavailable` with the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise postmaster.disk_full(home) from error
        raise DatabaseUnavailable(
            "No puedo usar {path} para la base de datos: {reason}.\n"
            "Da permiso de escritura a tu usuario o indica otra carpeta con GUIADO_HOME.",
            path=error.filename or home,
            reason=os_reason(error),
        ) from error
