"""An installation as a user has it: real `guiado serve` and `guiado worker` processes over one embedded database."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from clusters import remove_cluster
from seven_guides import SEVEN_GUIDES

from guiado.store.embedded import EmbeddedPostgres

DEADLINE_S = 60
_PAUSE_S = 0.01
BASE = "/api/support/troubleshooting"


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S, pause_s: float = _PAUSE_S) -> Any:
    """Poll until the condition holds; AssertionError when it does not in time."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(pause_s)
    raise AssertionError(f"not within {deadline_s} s: {what}")


def ask(dsn: str, query: str, *arguments: object) -> list[Any]:
    """Rows, over a connection of its own."""

    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(fetch())


class Daemon:
    """One `guiado …` process that is started again and again.

    Args:
        words: of the command line.
        environment: of the process.
        log: where its output goes.
    """

    def __init__(self, words: list[str], environment: dict[str, str], log: Path) -> None:
        self._command = [sys.executable, "-m", "guiado", *words]
        self._environment, self._log = environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            folder = self._log.parent
            self.process = subprocess.Popen(self._command, env=self._environment, cwd=folder, stderr=log, stdout=log)

    def kill(self) -> None:
        """SIGKILL; nothing of it is left behind."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def ended(self) -> int | None:
        """Its exit code when it is gone."""
        return self.process.poll()


class Installation:
    """guiado as a user runs it, in a folder of its own: servers, workers, the embedded database."""

    def __init__(self, folder: Path, servers: int = 1, workers: int = 0) -> None:
        self.home = folder / "home"
        self.log = folder / "guiado.log"
        self.database = EmbeddedPostgres(self.home)
        base = self.environment = {**os.environ, "GUIADO_HOME": str(self.home), "GUIADO_LOG_LEVEL": "WARNING"}
        base["GUIADO_PRIVATE_TARGETS"] = "127.0.0.0/8"
        base["GUIADO_GUIDANCE_ORDER"] = "author"  # the one that the book-keeper plays
        ports = free_ports(servers)
        self.urls = [f"http://127.0.0.1:{port}{BASE}" for port in ports]
        self.servers = [Daemon(["serve"], {**base, "PORT": str(port)}, self.log) for port in ports]
        self.workers = [Daemon(["worker"], base, self.log) for _ in range(workers)]
        self.daemons = [*self.servers, *self.workers]

    def start(self) -> None:
        for daemon in self.daemons:
            daemon.start()
        wait_for(self.answers, "all servers answer")

    def answers(self) -> bool:
        """Whether every server answers."""
        assert all(daemon.ended is None for daemon in self.daemons), self.tail()
        try:
            return all(httpx2.get(f"{url}/realtime", timeout=20).status_code == 200 for url in self.urls)
        except httpx2.TransportError:
            return False

    def postmaster(self, *, ready: bool = False) -> int | None:
        """Number of the database's first process.

        Args:
            ready: only when it takes connections; else one that still recovers counts as well.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid, state = int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
        except (FileNotFoundError, IndexError):
            return None
        # The file outlives a killed process.
        alive = _names(f"/proc/{pid}/cmdline", self.data)
        return pid if alive and (state == "ready" or not ready) else None

    @cached_property
    def data(self) -> Path:
        """The database's data folder; it is decided at the first start."""
        return self.database.status().data

    def tail(self) -> str:
        """The end of what the processes said."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def close(self) -> None:
        """End everything, whatever state a failing test left it in, and leave no process and no file."""
        for daemon in self.daemons:
            daemon.stop()
        # By hand, not by the product: what a broken supervisor leaves behind must go as well.
        for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if pid := self.postmaster():
                os.kill(pid, order)
                with suppress(AssertionError):
                    wait_for(lambda: self.postmaster() is None, "the database stops", 10)
        remove_cluster(self.database, self.home)
        assert self.postmaster() is None, "a PostgreSQL is left that nobody will ever stop"


@contextmanager
def serving(dsn: str, folder: Path, host: str = "localhost", **settings: str) -> Iterator[tuple[str, Daemon]]:
    """A `guiado serve` over a database until the end of the block: its address, and its process.

    Args:
        folder: for its log and, in `home`, its GUIADO_HOME.
        host: that its address names.
        settings: environment variables.
    """
    (port,) = free_ports(1)
    base = {name: value for name, value in os.environ.items() if not name.startswith("GUIADO_")}
    own = {"DATABASE_URL": dsn, "GUIADO_HOME": str(folder / "home"), "PORT": str(port), "GUIADO_RATE_PER_IP_MINUTE": "0"}
    own["GUIADO_KB_PATH"] = str(SEVEN_GUIDES)
    url = f"http://{host}:{port}"
    daemon = Daemon(["serve"], {**base, **own, "GUIADO_ENCODER": "lexical", **settings}, folder / "guiado.log")
    daemon.start()
    try:
        wait_for(lambda: is_ready(url), "the server answers")
        yield url, daemon
    finally:
        daemon.stop()


def is_ready(url: str) -> bool:
    """Whether a server is ready to work."""
    try:
        return httpx2.get(f"{url}/readyz", timeout=20).status_code == 200
    except httpx2.TransportError:
        return False


def latest(url: str) -> dict[str, Any]:
    """The state of the session that was begun last."""
    found = httpx2.get(f"{url}{BASE}/sessions", params={"limit": 1}, timeout=30).json()["sessions"][0]
    return httpx2.get(f"{url}{BASE}/{found['session_id']}", timeout=30).json()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody uses."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


def _names(cmdline: str | Path, data: Path) -> bool:
    """Whether a process has this data folder on its command line."""
    try:
        return os.fsencode(data) in Path(cmdline).read_bytes().split(b"\0")
    except OSError:
        return False
