"""Behind PgBouncer as Debian ships it: everything works, in session and in transaction mode, for every tenant."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx2
import pytest
from checker import check
from installation import BASE, Daemon, ask, free_ports, wait_for
from listeners import WANTED, Listeners
from pgbouncer import HAS_BOTH, MISSING, Cluster, PgBouncer
from secret_keys import BOX
from storm import Customer, Ledger
from test_storm import compare, misheard, told_everybody, unheard

from guiado.errors import PoolerUnfit
from guiado.store.backup.pg_programs import with_database
from guiado.store.database import Database
from guiado.store.migrate import APP_ROLE, migrate, schema_files

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.skipif(not HAS_BOTH, reason=MISSING)]
SEED, CUSTOMERS, ANSWERS = 20261128, 6, 250
NOTES = "SELECT status, attempts FROM support_troubleshooting_notifications"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
def direct(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a fresh database, without PgBouncer."""
    name = f"t{abs(hash(request.node.name)) % 10**9}"
    execute(cluster.dsn, f"CREATE DATABASE {name}")
    yield with_database(cluster.dsn, name)
    execute(cluster.dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def pgbouncer(direct: str, request: pytest.FixtureRequest) -> Iterator[PgBouncer]:
    made = PgBouncer(direct, request.param)
    made.start()
    yield made
    made.close()


def execute(dsn: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


class Service:
    """Two servers and a worker, all through PgBouncer, with receivers that listen and a person who is told."""

    def __init__(self, folder: Path, dsn: str, tenant: str, listeners: Listeners) -> None:
        self.log, self._listeners = folder / "guiado.log", listeners
        self.environment = {
            **os.environ, "DATABASE_URL": dsn, "GUIADO_TENANT": tenant, "GUIADO_ENCODER": "lexical",
            "GUIADO_HOME": str(folder / "home"), "GUIADO_PRIVATE_TARGETS": "127.0.0.0/8", "GUIADO_NOTIFICATIONS": "console",
        }  # fmt: skip
        ports = free_ports(2)
        self.roots = [f"http://127.0.0.1:{port}" for port in ports]
        self.urls = [f"{root}{BASE}" for root in self.roots]
        self._daemons = [Daemon(["serve"], {**self.environment, "PORT": str(port)}, self.log) for port in ports]
        self._daemons.append(Daemon(["worker"], self.environment, self.log))

    def start(self) -> None:
        """Start all, and have everybody listen."""
        for daemon in self._daemons:
            daemon.start()
        wait_for(lambda: all(self.ready(root) for root in self.roots), f"all servers answer: {self.said()[-2000:]}")
        for name, kinds in WANTED.items():
            body = {"url": self._listeners.url(name), "events": kinds, "webhook_id": name}
            assert httpx2.post(f"{self.urls[0]}/webhooks", json=body).status_code == 200
        someone = {"channel": "email", "recipient": "ana@example.com", "events": ["session_escalated"]}
        answer = httpx2.post(f"{self.urls[0]}/recipients", json=someone)
        assert answer.status_code == 200, answer.text

    def ready(self, root: str) -> bool:
        """Whether a server says that it can work."""
        assert all(daemon.ended is None for daemon in self._daemons), self.said()[-3000:]
        try:
            return httpx2.get(f"{root}/readyz", timeout=20).status_code == 200
        except httpx2.TransportError:
            return False

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the service is set."""
        command = [sys.executable, "-m", "guiado", *words]
        return subprocess.run(command, env=self.environment, cwd=self.log.parent, capture_output=True, text=True, check=False)

    def said(self) -> str:
        """What the processes logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self) -> None:
        """End all processes."""
        for daemon in self._daemons:
            daemon.stop()


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners(SEED)
    made.open()
    yield made
    made.close()


class Crowd:
    """Customers who lead sessions at the same time, and never give up.

    Args:
        name: begins the keys of their requests.
    """

    def __init__(self, name: str, urls: list[str], ledger: Ledger) -> None:
        self.ledger, self._over = ledger, threading.Event()
        self._customers = [Customer(f"{name}{number}", urls, ledger, self._over, SEED + number) for number in range(CUSTOMERS)]

    def until(self, count: int) -> None:
        """Wait until so many more of their requests were acknowledged."""
        goal = len(self.ledger.acknowledged) + count
        wait_for(lambda: len(self.ledger.acknowledged) >= goal or self.ledger.faults, f"{count} answers", 120)
        assert self.ledger.faults == []

    def __enter__(self) -> Self:
        for customer in self._customers:
            customer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for customer in self._customers:
            customer.join(70)


@pytest.mark.parametrize("tenant", ["default", "acme"])
@pytest.mark.parametrize("pgbouncer", ["session", "transaction"], indirect=True)
def test_everything_works_in_session_and_in_transaction_mode(
    tmp_path: Path, direct: str, pgbouncer: PgBouncer, listeners: Listeners, tenant: str
) -> None:
    service = Service(tmp_path, pgbouncer.dsn, tenant, listeners)
    two_migrations_apply_each_file_once(service, direct)
    try:
        service.start()
        ledger = Ledger()
        with Crowd("a", service.urls, ledger) as crowd:
            crowd.until(ANSWERS)
        assert ledger.retries == Counter()  # not one 503 either
        all_is_there_and_was_told(direct, ledger, listeners)
        assert [name for name, got in listeners.got.items() if len(got) != len({one.event_id for one in got})] == []
        notices = {tuple(row) for row in ask(direct, NOTES)}
        assert notices == {("sent", 1)}
        with Crowd("b", service.urls, ledger) as crowd:
            for end in (pgbouncer.stop, pgbouncer.kill):
                crowd.until(ANSWERS // 4)
                end()
                pgbouncer.start()
            crowd.until(ANSWERS // 4)
        all_is_there_and_was_told(direct, ledger, listeners)
        # One whose lease a lost connection left behind goes out when the lease ends; the wait for deliveries does not cover it.
        wait_for(lambda: everybody_was_notified(direct), "everybody was notified", 60, 0.1)
        assert check(direct) == []
        every_job_runs(direct)
        everybody_says_what_does_not_work(service)
        nothing_stays_on_the_server_connections(direct, pgbouncer)
        assert {row[0] for row in ask(direct, "SELECT DISTINCT tenant_id FROM support_troubleshooting_sessions")} == {tenant}
        assert "Traceback" not in service.said()
    finally:
        service.stop()


def two_migrations_apply_each_file_once(service: Service, direct: str) -> None:
    command = [sys.executable, "-m", "guiado", "db", "migrate"]
    running = [subprocess.Popen(command, env=service.environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    names = Counter(file.name for file in schema_files() for text in said if file.name in text)
    assert names == Counter(file.name for file in schema_files()), said
    assert ask(direct, "SELECT * FROM pg_locks WHERE locktype = 'advisory'") == []


def all_is_there_and_was_told(direct: str, ledger: Ledger, listeners: Listeners) -> None:
    events = wait_for(lambda: told_everybody(direct), "everything was sent", 60, 0.1)
    assert ledger.faults == []
    assert compare(direct, type("Told", (), {"ledger": ledger})) == ([], [])
    assert unheard(events, listeners) == []
    assert list(misheard(direct, listeners)) == []


def everybody_was_notified(direct: str) -> bool:
    """Whether every notification was sent; AssertionError when one never will be."""
    states = {row["status"] for row in ask(direct, NOTES)}
    assert states <= {"pending", "sent"}
    return states == {"sent"}


def every_job_runs(direct: str) -> None:
    moment = ask(direct, "SELECT now()")[0][0]
    execute(direct, "UPDATE support_troubleshooting_schedule SET next_at = now()")
    late = "SELECT job, last_error FROM support_troubleshooting_schedule WHERE finished_at IS NULL OR finished_at < $1 OR last_error <> ''"
    wait_for(lambda: not ask(direct, late, moment), "every job runs", 60, 0.2)


def everybody_says_what_does_not_work(service: Service) -> None:
    assert "database_pooler" in service.said()
    checks = httpx2.get(f"{service.roots[0]}/readyz").json()["checks"]
    assert checks["pooler"].startswith("ok: ")
    assert "guiado db backup" in checks["pooler"]
    doctor = service.run("doctor", "--json")
    found = {one["check"]: one for one in json.loads(doctor.stdout)["checks"]}
    assert found["pooler"]["state"] == "good"
    assert "guiado db backup" in doctor.stdout
    assert doctor.returncode == 0, doctor.stdout
    for words in (("db", "backup"), ("db", "restore", "nada.guiado")):
        refused = service.run(*words)
        assert refused.returncode != 0
        assert "no funciona a través de un pooler" in refused.stderr
        assert "DATABASE_URL=postgresql://" in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 2, refused.stderr


def nothing_stays_on_the_server_connections(direct: str, pgbouncer: PgBouncer) -> None:
    """What PgBouncer lends to the next one is as if nobody had used it before."""

    async def look() -> set[tuple[Any, ...]]:
        connections = [await asyncpg.connect(pgbouncer.dsn, statement_cache_size=0) for _ in range(12)]
        query = (
            "SELECT current_user::text, coalesce(current_setting('guiado.tenant', true), ''), current_setting('statement_timeout'),"
            " (SELECT count(*) FROM pg_prepared_statements)"
        )
        try:
            changes = [connection.transaction() for connection in connections]
            await asyncio.gather(*(change.start() for change in changes))
            return {tuple(await connection.fetchrow(query)) for connection in connections}
        finally:
            await asyncio.gather(*(connection.close() for connection in connections))

    assert asyncio.run(look()) == {("guiado", "", "0", 0)}
    assert ask(direct, "SELECT * FROM pg_locks WHERE locktype = 'advisory'") == []


@pytest.mark.parametrize("pgbouncer", ["statement"], indirect=True)
def test_a_pooler_that_splits_transactions_is_refused_and_the_remedy_helps(
    tmp_path: Path, pgbouncer: PgBouncer, listeners: Listeners
) -> None:
    service = Service(tmp_path, pgbouncer.dsn, "default", listeners)
    for words in (("db", "migrate"), ("serve",), ("worker",)):
        refused = service.run(*words)
        assert refused.returncode != 0
        assert "pool_mode = statement" in refused.stderr
        assert "Pon pool_mode = transaction" in refused.stderr
    doctor = service.run("doctor", "--json")
    assert doctor.returncode == 1
    assert {one["check"]: one["state"] for one in json.loads(doctor.stdout)["checks"]}["pooler"] == "bad"
    pgbouncer.stop()
    pgbouncer.configure("transaction")
    pgbouncer.start()
    try:
        service.start()
        pgbouncer.stop()
        pgbouncer.configure("statement")
        pgbouncer.start()
        unready = wait_for(lambda: pooler_check(service), "readyz says it")
        assert "pool_mode" in unready
    finally:
        service.stop()


def pooler_check(service: Service) -> str | None:
    answer = httpx2.get(f"{service.roots[0]}/readyz", timeout=20)
    said = answer.json()["checks"].get("pooler", "")
    return said if answer.status_code == 503 and said else None


@pytest.mark.parametrize("pgbouncer", ["transaction"], indirect=True)
def test_a_pooler_that_the_settings_deny_is_named(pgbouncer: PgBouncer) -> None:
    async def find() -> str:
        return pgbouncer.dsn

    async def work(db: Database, number: int) -> None:
        for turn in range(20):
            async with db.connection() as connection:
                await connection.fetchval(f"SELECT $1::int + {number * 100 + turn}", 1)

    async def scenario() -> list[BaseException | None]:
        await migrate(pgbouncer.dsn)
        houses = [Database(find, role=APP_ROLE, presence="off", box=BOX) for _ in range(2)]
        try:
            return await asyncio.gather(*(work(house, n) for n in range(12) for house in houses), return_exceptions=True)
        finally:
            for house in houses:
                await house.close()

    failures = [failure for failure in asyncio.run(scenario()) if failure is not None]
    assert failures
    assert {type(failure) for failure in failures} == {PoolerUnfit}
    assert "GUIADO_POOLER=on" in str(failures[0])
