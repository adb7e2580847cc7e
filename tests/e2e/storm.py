"""A storm: customers who never give up, over processes that somebody keeps killing with SIGKILL, and receivers that listen.

Installation   real processes over one embedded database, with full durability
Customer       a thread that leads sessions over REST, and repeats a request with its Idempotency-Key until it has an answer
Ledger     what was acknowledged
Listeners      receivers of webhooks in the test's own process, with a journal
Storm          kills at random moments under load, and starts again what somebody would start again
"""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2
from installation import DEADLINE_S, Daemon, Installation, ask, wait_for
from listeners import Listeners

_RETRY_S = 0.08
LEASING = ("support_webhooks", "support_troubleshooting_notifications", "support_troubleshooting_schedule")
"""Tables whose rows are leased to processes."""
WORDS = ["no me deja instalar el programa", "no puedo conectarme a internet", "no puedo entrar a mi cuenta", "xyzzy plugh"]


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
        listeners: already listening.
        kills: how often each kind of victim is killed: postmaster, server, worker, or all at once.
        customers: threads.
    """

    def __init__(
        self, installation: Installation, listeners: Listeners, kills: dict[str, int], customers: int, seed: int
    ) -> None:
        self.installation, self.listeners, self.ledger = installation, listeners, Ledger()
        self.killed: Counter[str] = Counter()
        self._kills = [kind for kind, times in kills.items() for _ in range(times)]
        self.gave_up, self.longest_s = 0, defaultdict[str, float](float)
        self._random, self._over = random.Random(seed), threading.Event()  # noqa: S311 no secret
        self._customers = [
            Customer(f"c{number}", installation.urls, self.ledger, self._over, seed * 1000 + number)
            for number in range(customers)
        ]

    def rage(self) -> None:
        """Kill under load, in a random order, then let everybody have their last answer."""
        for customer in self._customers:
            customer.start()
        try:
            for kind in self._random.sample(self._kills, len(self._kills)):
                self._await_writes(self._random.randint(1, 12))
                self._kill(kind)
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
            "killed": dict(self.killed),
            "acknowledged": dict(told),
            "retries": dict(self.ledger.retries),
            "longest_recovery_s": {kind: round(seconds, 2) for kind, seconds in self.longest_s.items()},
            "starts_given_up": self.gave_up,
        }

    def kill_one_that_holds_a_lease(self) -> None:
        """And start it again: what it was sending is now up to others, once its leases have ended by themselves."""
        daemons = {daemon.process.pid: daemon for daemon in self.installation.daemons}
        query = "SELECT split_part(leased_by, ':', 2)::integer FROM support_webhooks WHERE leased_until > now()"

        def held() -> list[Daemon]:
            found = [daemons[row[0]] for row in ask(self.installation.database.dsn(), query) if row[0] in daemons]
            for daemon in found[:1]:
                daemon.kill()
            return found[:1]

        for daemon in wait_for(held, "somebody sends", pause_s=0.05):
            daemon.start()

    def let_leases_of_the_dead_end(self) -> None:
        """As if their time had passed; and let every job be due now."""
        living = [f"{socket.gethostname()}:{daemon.process.pid}:%" for daemon in self.installation.daemons]
        # It may be down from the last kill.
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            for table in LEASING:
                ended = f"UPDATE {table} SET leased_until = now() WHERE leased_until > now() AND NOT leased_by LIKE ANY ($1)"
                ask(self.installation.database.dsn(), ended, living)
            ask(self.installation.database.dsn(), "UPDATE support_troubleshooting_schedule SET next_at = now()")

    def _kill(self, kind: str) -> None:
        self.let_leases_of_the_dead_end()
        server, worker = self._random.choice(self.installation.servers), self._random.choice(self.installation.workers)
        victims = {"server": [server], "worker": [worker], "all": self.installation.daemons}.get(kind, [])
        begun, down = time.monotonic(), None
        for victim in victims:
            victim.kill()
            self.killed["worker" if victim in self.installation.workers else "server"] += 1
        if kind in {"postmaster", "all"}:
            down = (
                wait_for(self.installation.postmaster, "a database to kill") if kind != "all" else self.installation.postmaster()
            )
        if down:
            os.kill(down, signal.SIGKILL)
            self.killed["postmaster"] += 1
        for victim in victims:
            victim.start()
        self._await_recovery(begun, down, kind)
        self.longest_s[kind] = max(self.longest_s[kind], time.monotonic() - begun)

    def _await_recovery(self, begun: float, down: int | None, kind: str) -> None:
        why = f"a write after the kill of {kind}"
        if down:
            # Its orphans may still finish what they were doing: only what the next one takes counts.
            wait_for(lambda: self._tend() and self.installation.postmaster(ready=True) not in {None, down}, why)
            begun, ready_s = time.monotonic(), time.time()
        wait_for(lambda: self._tend() and self._wrote_since(begun), why)
        if down:
            self.longest_s["write after the database"] = max(self.longest_s["write after the database"], time.monotonic() - begun)
        if kind == "postmaster":
            wait_for(lambda: self._tend() and self.listeners.made_and_got_since(ready_s), "a delivery after the database")
            self.longest_s["delivery after the database"] = max(
                self.longest_s["delivery after the database"], time.monotonic() - begun
            )

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
