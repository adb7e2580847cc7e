"""A storm: customers who never give up, over processes that somebody keeps killing with SIGKILL.

Installation   real `guiado serve` and `guiado worker` processes over one embedded database, with full durability
Customer       a thread that leads sessions over REST, and repeats a request with its Idempotency-Key until it has an answer
Ledger         what was acknowledged
Storm          kills at random moments under load, and starts again what somebody would start again
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from clusters import remove_cluster

from guiado.store.embedded import EmbeddedPostgres

DEADLINE_S = 60
_PAUSE_S = 0.01
_RETRY_S = 0.08
BASE = "/api/support/troubleshooting"
WORDS = ["no me deja instalar el programa", "no puedo conectarme a internet", "no puedo entrar a mi cuenta", "xyzzy plugh"]


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Poll until the condition holds; AssertionError when it does not in time."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(_PAUSE_S)
    raise AssertionError(f"not within {deadline_s} s: {what}")


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
    """guiado as a user runs it, in a folder of its own: servers, one worker, the embedded database."""

    def __init__(self, folder: Path, servers: int = 1, *, worker: bool = False) -> None:
        self.home = folder / "home"
        self.log = folder / "guiado.log"
        self.database = EmbeddedPostgres(self.home)
        base = self.environment = {**os.environ, "GUIADO_HOME": str(self.home), "GUIADO_LOG_LEVEL": "WARNING"}
        ports = _free_ports(servers)
        self.urls = [f"http://127.0.0.1:{port}{BASE}" for port in ports]
        self.servers = [Daemon(["serve"], {**base, "PORT": str(port)}, self.log) for port in ports]
        self.worker = Daemon(["worker"], base, self.log) if worker else None
        self.daemons = [*self.servers, *([self.worker] if self.worker else [])]

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


def _free_ports(count: int) -> list[int]:
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


@dataclass(frozen=True)
class Acknowledged:
    """A request that was answered with 200."""

    kind: str
    path: str
    key: str
    body: dict[str, Any]
    answer: dict[str, Any]


@dataclass
class Ledger:
    """What customers were told. Lists only grow, so that threads need no lock."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    """When the first try of each acknowledged request left."""
    faults: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    retries: Counter[str] = field(default_factory=Counter)

    def of(self, kind: str) -> list[Acknowledged]:
        """The acknowledged requests of one kind."""
        return [one for one in self.acknowledged if one.kind == kind]


class Customer(threading.Thread):
    """Leads one session after the other until the storm is over.

    Args:
        name: unique; begins every key.
        urls: of the servers; whichever answers is fine.
        seed: of every choice.
    """

    def __init__(self, name: str, urls: list[str], ledger: Ledger, over: threading.Event, seed: int) -> None:
        super().__init__(name=name)
        self._urls, self._ledger, self._over = list(urls), ledger, over
        self._random, self._count = random.Random(seed), 0  # noqa: S311 no secret
        self._http = httpx2.Client(timeout=30)

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._lead_one_session()
        except Exception as error:  # noqa: BLE001 the test reads it from the ledger
            self._ledger.faults.append(f"{self.name}: {type(error).__name__}: {error}")
        finally:
            self._http.close()

    def _lead_one_session(self) -> None:
        words = self._random.choices(WORDS, [8, 8, 8, 1])[0]
        key = self._next_key()
        begun = self._say("start", "/start", key, {"problem_description": words, "customer_email": f"{key}@example.com"})
        if begun is None:
            return
        one, number = begun["session_id"], 1
        self._ledger.sessions.append(one)
        while not self._over.is_set() and self._random.random() > 0.1:
            # Now and then somebody else's session: two at once.
            elsewhere = self._random.random() < 0.15
            target = self._random.choice(self._ledger.sessions[-20:]) if elsewhere else one
            answer = self._act(target, None if elsewhere else number)
            if not elsewhere:
                if answer is None:
                    return
                number = answer.get("session", {}).get("current_step", number - 1) + 1

    def _act(self, session_id: str, number: int | None) -> dict[str, Any] | None:
        kind = self._random.choices(["step", "feedback", "escalate", "resolve"], [20, 3, 1, 1])[0]
        key = self._next_key()
        if kind == "step":
            outcome = self._random.choices(["done", "not_helped", "could_not", "solved"], [12, 3, 4, 1])[0]
            body = {"success": outcome != "could_not", "outcome": outcome, "notes": key, "step_number": number}
        else:
            rating = {"rating": self._random.randint(1, 5), "feedback_text": key}
            body = {"feedback": rating, "escalate": {"reason": key}, "resolve": {"notes": key}}[kind]
        return self._say(kind, f"/{session_id}/{kind}", key, body)

    def _next_key(self) -> str:
        self._count += 1
        return f"{self.name}-{self._count}"

    def _say(self, kind: str, path: str, key: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Ask until there is an answer; None when it was a refusal that fits the state."""
        begun = time.monotonic()
        while time.monotonic() < begun + DEADLINE_S:
            answer = self._try(path, key, body)
            if answer is None:
                continue
            if answer.status_code == 200:
                self._ledger.acknowledged.append(Acknowledged(kind, path, key, body, answer.json()))
                self._ledger.begun.append(begun)
                return answer.json()
            if answer.status_code != 409:
                self._ledger.faults.append(f"{kind} {key}: {answer.status_code} {answer.text[:300]}")
            return None
        self._ledger.faults.append(f"{kind} {key}: no answer within {DEADLINE_S} s")
        return None

    def _try(self, path: str, key: str, body: dict[str, Any]) -> httpx2.Response | None:
        try:
            answer = self._http.post(f"{self._urls[0]}{path}", json=body, headers={"Idempotency-Key": key})
        except httpx2.TransportError as error:
            answer, why = None, type(error).__name__
        else:
            why = str(answer.status_code)
            if answer.status_code < 500:
                return answer
            if answer.status_code != 503:
                self._ledger.faults.append(f"{path} {key}: {answer.status_code} {answer.text[:300]}")
        self._ledger.retries[why] += 1
        self._urls.append(self._urls.pop(0))
        time.sleep(_RETRY_S)
        return None


class Storm:
    """Customers, and somebody with a seeded die who kills.

    Args:
        installation: already running.
        customers: threads.
    """

    KINDS = ("postmaster", "server", "worker", "all")
    WEIGHTS = (11, 4, 4, 1)

    def __init__(self, installation: Installation, customers: int, seed: int) -> None:
        self.installation, self.ledger = installation, Ledger()
        self.kills: Counter[str] = Counter()
        self.gave_up, self.longest_s = 0, defaultdict[str, float](float)
        self._random, self._over = random.Random(seed), threading.Event()  # noqa: S311 no secret
        self._customers = [
            Customer(f"c{number}", installation.urls, self.ledger, self._over, seed * 1000 + number)
            for number in range(customers)
        ]

    def rage(self, kills: int) -> None:
        """Kill that many times under load, then let everybody have their last answer."""
        for customer in self._customers:
            customer.start()
        try:
            for number in range(kills):
                self._await_writes(self._random.randint(1, 40))
                # The first round has one of each kind, whatever the die says.
                dice = self._random.choices(self.KINDS, self.WEIGHTS)[0]
                self._kill(self.KINDS[number] if number < len(self.KINDS) else dice)
            self._await_writes(20)
        except AssertionError as error:
            error.add_note(self.installation.tail())
            raise
        finally:
            self._over.set()
            for customer in self._customers:
                customer.join(DEADLINE_S + 30)
        wait_for(self._all_answer, "all servers answer again")

    def figures(self) -> dict[str, Any]:
        """What there is to tell."""
        told = Counter(one.kind for one in self.ledger.acknowledged)
        return {
            "kills": dict(self.kills),
            "acknowledged": dict(told),
            "retries": dict(self.ledger.retries),
            "longest_recovery_s": {kind: round(seconds, 2) for kind, seconds in self.longest_s.items()},
            "starts_given_up": self.gave_up,
        }

    def _kill(self, kind: str) -> None:
        self._make_jobs_due()
        server = self._random.choice(self.installation.servers)
        victims = {"server": [server], "worker": [self.installation.worker], "all": self.installation.daemons}.get(kind, [])
        begun, down = time.monotonic(), None
        for victim in victims:
            victim.kill()
        if kind in {"postmaster", "all"}:
            down = (
                wait_for(self.installation.postmaster, "a database to kill") if kind != "all" else self.installation.postmaster()
            )
        if down:
            os.kill(down, signal.SIGKILL)
        for victim in victims:
            victim.start()
        self.kills[kind] += 1
        self._await_recovery(begun, down, kind)
        self.longest_s[kind] = max(self.longest_s[kind], time.monotonic() - begun)

    def _await_recovery(self, begun: float, down: int | None, kind: str) -> None:
        why = f"a write after the kill of {kind}"
        if down:
            # Its orphans may still finish what they were doing: only what the next one takes counts.
            wait_for(lambda: self._tend() and self.installation.postmaster(ready=True) not in {None, down}, why)
            begun = time.monotonic()
        wait_for(lambda: self._tend() and self._wrote_since(begun), why)

    def _wrote_since(self, moment: float) -> bool:
        return any(begun > moment for begun in self.ledger.begun[-50:])

    def _await_writes(self, count: int) -> None:
        goal = len(self.ledger.begun) + count
        wait_for(lambda: self._tend() and len(self.ledger.begun) >= goal, f"{count} writes")

    def _tend(self) -> bool:
        """Start what gave up while it started: whoever runs guiado (systemd, say) does the same."""
        for daemon in self.installation.daemons:
            if daemon.ended is not None:
                self.gave_up += 1
                daemon.start()
        return True

    def _all_answer(self) -> bool:
        self._tend()
        return self.installation.answers()

    def _make_jobs_due(self) -> None:
        """Let every job be due now, and let the leases of the dead end as if their time had passed."""
        living = [f"{socket.gethostname()}:{daemon.process.pid}" for daemon in self.installation.daemons]

        async def update(dsn: str) -> None:
            connection = await asyncpg.connect(dsn, timeout=5)
            try:
                await connection.execute(
                    "UPDATE support_troubleshooting_schedule SET next_at = now(), leased_until ="
                    " CASE WHEN leased_by = ANY ($1) THEN leased_until ELSE now() END",
                    living,
                )
            finally:
                await connection.close()

        try:
            asyncio.run(update(self.installation.database.dsn()))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return  # it is down from the last kill
