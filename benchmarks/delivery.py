"""Webhooks: how many a second, how soon, what one dead and one slow receiver cost the others, and what events cost a step.

Everything on the loopback; the receiver is a process of its own. What counts are the ratios, whose two sides are measured in turn
in the same run: the sender against a bare loop of the same guarded HTTP client, and a step with subscribers against one without.

`make bench ARGS="delivery"`; parts of it: `.venv/bin/python benchmarks/delivery.py rate delay ill step`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

sys.path.insert(0, str(Path(__file__).parent))
import step_route
from _installation import Installation
from _receiver import SLOW_S, Receiver

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound import webhooks
from guiado.app.outbound.queue import Queue
from guiado.app.outbound.webhook_sender import WebhookSender
from guiado.delivery.guarded_client import GuardedClient
from guiado.delivery.ip_policy import TargetPolicy
from guiado.delivery.webhook_message import write_body, write_headers
from guiado.domain.events import EventKind
from guiado.store.database import Database
from guiado.store.migrate import APP_ROLE, migrate
from guiado.store.secret_box import SecretBox, SecretKey

ENDPOINTS, EVENTS_EACH, ROUNDS, SECONDS = 50, 200, 5, 3.0
DELAYS, EVERY_S = 300, 0.03
ILL_EVENTS, ILL_EVERY_S = 50, 0.15
STEP_ROUNDS, STEP_SECONDS = 5, 3.0
SUBSCRIBERS = ((0, 0), (1, 0), (3, 0), (3, 2))
"""Webhooks that want every event, and people who are told of escalations."""
LOOPBACK = "127.0.0.0/8"
DATA = {"session_id": "0193b2c4-7d1e-7c3a-9a51-3f2b6d8e9a10", "step_number": 3, "success": True, "outcome": "done"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 of nobody
Row = tuple[str, float | str, str, str]


class House:
    """A database, a receiver, and what a process that sends works with."""

    def __init__(self, made: Installation, parts: AppContext, receiver: Receiver, owner: Any) -> None:  # noqa: ANN401 the driver has no types
        self.made, self.parts, self.receiver, self.owner = made, parts, receiver, owner

    async def run(self, query: str, *args: object) -> Any:  # noqa: ANN401
        """First value of a statement's answer."""
        async with self.parts.db.connection() as connection:
            return await connection.fetchval(query, *args)

    async def register(self, ports: list[int], timeout_s: float = 10.0) -> None:
        """An endpoint for each port, instead of all that were there; its id is its port."""
        await self.run("TRUNCATE support_webhooks, support_troubleshooting_outbox, support_webhook_events CASCADE")
        urls = [f"http://127.0.0.1:{port}/avisos" for port in ports]
        statement = """INSERT INTO support_webhooks (webhook_id, url, events, secret, timeout)
            SELECT split_part(split_part(u, ':', 3), '/', 1), u, '{step_completed}', $2, $3 FROM unnest($1::text[]) AS u"""
        await self.run(statement, urls, SECRET, timeout_s)

    async def trigger(self, only: str | None = None) -> tuple[str, float]:
        """Store one event by the use case of the API: its id, and the moment of the commit."""
        async with self.parts.db.transaction() as connection:
            event_id, _ = await webhooks.trigger(self.parts.work(connection), EventKind.STEP_COMPLETED, DATA, only)
        committed = time.monotonic()
        self.parts.wrote()
        return event_id, committed

    async def store(self, events: int) -> None:
        """Many events at once, for all endpoints."""
        now = clock.now()
        row = {"tenant_id": "default", "session_id": None, "event": "step_completed", "data": DATA, "occurred_at": now}
        await self.run("SELECT guiado_emit('default', $1)", [{**row, "event_id": clock.new_id()} for _ in range(events)])
        await self.owner.execute("ANALYZE")  # as PostgreSQL does by itself within a minute


@asynccontextmanager
async def open_house() -> AsyncGenerator[House]:
    """An installation with a receiver, ready to send."""
    with Installation(GUIADO_PRIVATE_TARGETS=LOOPBACK) as made, Receiver(ENDPOINTS) as receiver:
        dsn = await asyncio.to_thread(made.database.join)
        await migrate(dsn)

        async def find() -> str:
            return dsn

        owner = await asyncpg.connect(dsn)  # measuring wants to empty tables, which the application may not
        await owner.execute(f"GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}")
        db = Database(find, role=APP_ROLE, box=SecretBox([SecretKey(bytes(32))]))
        try:
            yield House(made, AppContext(db, "default", 0.4), receiver, owner)
        finally:
            await owner.close()
            await db.close()


@asynccontextmanager
async def sending(house: House) -> AsyncGenerator[Queue]:
    """The queue of this process, at work."""
    client = GuardedClient(TargetPolicy.parse(LOOPBACK))
    sender = Queue(house.parts, "medidor", [WebhookSender(house.parts, lambda: client, "medidor")])
    house.parts.wrote = sender.wake
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        house.parts.wrote = lambda: None
        sender.stop()
        await task
        await client.aclose()


async def _bare_rate(ports: list[int], seconds: float) -> float:
    """Requests per second of the client alone: the messages of the sender, ready made, one after the other at each port."""
    client, done = GuardedClient(TargetPolicy.parse(LOOPBACK)), 0
    body = write_body("step_completed", clock.now(), DATA, "50000", SECRET)
    headers = write_headers("step_completed", str(clock.new_id()), 1, body, [SECRET], 1_700_000_000, {})
    began = time.monotonic()

    async def send(port: int) -> None:
        nonlocal done
        while time.monotonic() < began + seconds:
            answer = await client.post(f"http://127.0.0.1:{port}/avisos", body, headers, timeout_s=10)
            assert answer.status == 204  # noqa: PLR2004 the receiver's
            done += 1

    await asyncio.gather(*map(send, ports))
    passed = time.monotonic() - began
    await client.aclose()
    return done / passed


async def _sender_rate(house: House) -> float:
    """Deliveries per second of one sender that finds them waiting, until all are sent and written down."""
    await house.register(house.receiver.healthy)
    await house.store(EVENTS_EACH)
    house.receiver.arrivals()
    began = time.monotonic()
    async with sending(house) as sender:
        await sender.drain(60)
        passed = time.monotonic() - began
    assert len(house.receiver.arrivals()) == ENDPOINTS * EVENTS_EACH
    return ENDPOINTS * EVENTS_EACH / passed


async def _costing(rate: Awaitable[float]) -> tuple[float, float]:
    """A rate, and the processor seconds of this process meanwhile."""
    began_s = time.process_time()
    return await rate, time.process_time() - began_s


async def _rates(house: House) -> list[Row]:
    await _bare_rate(house.receiver.healthy, 1)
    await _sender_rate(house)
    pairs: list[tuple[float, float]] = []
    costs: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        sent, cost = await _costing(_sender_rate(house))
        bare, least = await _costing(_bare_rate(house.receiver.healthy, SECONDS))
        pairs.append((sent, bare))
        costs.append((cost / (ENDPOINTS * EVENTS_EACH), least / (bare * SECONDS)))
    ratios = sorted(sent / bare for sent, bare in pairs)
    spread = f"{statistics.median(ratios):.2f} of the bare loop ({ratios[0]:.2f} to {ratios[-1]:.2f}; floor 0.6)"
    rate, most = statistics.median(sent for sent, _ in pairs), max(sent for sent, _ in pairs)
    dearest = statistics.median(least / cost for cost, least in costs)
    cost_us = statistics.median(cost for cost, _ in costs) * 1e6
    return [
        ("Processor time of the sending process, a delivery", cost_us, "us", f"the bare loop: {dearest:.2f} of it"),
        (f"Deliveries, {ENDPOINTS} endpoints, one sender", rate, "1/s", spread),
        ("The same, best round", most, "1/s", f"{most / 2_000:.2f} of the goal (2000)"),
        ("The guarded client alone", statistics.median(bare for _, bare in pairs), "1/s", "1"),
    ]


def _percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Percentiles 50, 95 and 99, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return cuts[49] * 1_000, cuts[94] * 1_000, cuts[98] * 1_000


async def _arrived(house: House, wanted: int, seconds: float) -> list[tuple[int, str, float]]:
    found = house.receiver.arrivals()
    end = time.monotonic() + seconds
    while len(found) < wanted and time.monotonic() < end:
        await asyncio.sleep(0.05)
        found += house.receiver.arrivals()
    return found


async def _delays(house: House) -> list[float]:
    """Seconds from commit to first byte, of events that are triggered one at a time for one endpoint each."""
    await house.register(house.receiver.healthy)
    house.receiver.arrivals()
    committed: dict[str, float] = {}
    for number in range(DELAYS):
        event_id, at = await house.trigger(str(house.receiver.healthy[number % ENDPOINTS]))
        committed[event_id] = at
        await asyncio.sleep(EVERY_S)
    found = await _arrived(house, DELAYS, 10)
    assert len(found) == DELAYS, f"{len(found)} of {DELAYS} arrived"
    return [at - committed[event_id] for _, event_id, at in found]


def _delay_rows(name: str, delays: list[float]) -> list[Row]:
    half, _, worst = _percentiles(delays)
    return [
        (f"Commit to first byte, {name}, p50", half, "ms", f"{half / 50:.2f} of the limit (50 ms)"),
        (f"Commit to first byte, {name}, p99", worst, "ms", f"{worst / 300:.2f} of the limit (300 ms)"),
    ]


@contextlib.contextmanager
def worker_process(made: Installation) -> Any:  # noqa: ANN401
    """A worker in a process of its own."""
    with (made.home / "worker.log").open("ab") as log:
        command = [sys.executable, "-m", "guiado", "worker"]
        process = subprocess.Popen(command, env=made.environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _idle_share(house: House, pid: int, seconds: float = 10.0) -> float:
    """Share of a core that a worker with 50 endpoints and nothing to send takes, with its part of PostgreSQL, in percent."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'guiado' AND pid <> pg_backend_pid()"
    async with house.parts.db.connection() as connection:
        pids = [pid, *(row["pid"] for row in await connection.fetch(query))]
    began_s, began = sum(map(_cpu_s, pids)), time.monotonic()
    await asyncio.sleep(seconds)
    return (sum(map(_cpu_s, pids)) - began_s) / (time.monotonic() - began) * 100


async def _delay(house: House) -> list[Row]:
    async with sending(house):
        await asyncio.sleep(0.5)
        rows = _delay_rows("sender in the same process", await _delays(house))
    with worker_process(house.made) as process:
        await house.register(house.receiver.healthy)
        await _until_sent(house)
        rows += _delay_rows("sender in another process", await _delays(house))
        idle = await _idle_share(house, process.pid)
    return [*rows, ("A worker with nothing to do", idle, "% of a core", "")]


async def _until_sent(house: House) -> None:
    """Wait for a worker process to be there."""
    await house.trigger()
    await _arrived(house, ENDPOINTS, 60)


async def _ill_p95(house: House, ill: list[int]) -> float:
    """Percentile 95 of commit to arrival at the healthy endpoints, in seconds."""
    healthy = house.receiver.healthy[: ENDPOINTS - 3]
    await house.register([*healthy, *ill], timeout_s=2 * SLOW_S)
    house.receiver.arrivals()
    committed: dict[str, float] = {}
    async with sending(house):
        for _ in range(ILL_EVENTS):
            event_id, at = await house.trigger()
            committed[event_id] = at
            await asyncio.sleep(ILL_EVERY_S)
        found = await _arrived(house, ILL_EVENTS * len(healthy), 30)
    assert len(found) == ILL_EVENTS * len(healthy), f"{len(found)} arrived"
    return statistics.quantiles([at - committed[event_id] for _, event_id, at in found], n=100)[94]


async def _ill(house: House) -> list[Row]:
    receiver = house.receiver
    ill = [receiver.refusing, receiver.silent, receiver.slow]
    await _ill_p95(house, [])
    pairs = [(await _ill_p95(house, ill), await _ill_p95(house, [])) for _ in range(ROUNDS)]
    with_them = statistics.median(p95 for p95, _ in pairs)
    ratios = sorted(p95 / without for p95, without in pairs)
    told = f"{with_them / 2:.3f} of the limit (2 s); {statistics.median(ratios):.2f} of that without them"
    told += f" ({ratios[0]:.2f} to {ratios[-1]:.2f}; limit 1.2)"
    return [("Arrival at 47 endpoints, beside 1 that refuses, 1 silent, 1 slow: p95", with_them * 1_000, "ms", told)]


async def _subscribe(dsn: str, count: int, people: int) -> None:
    """Webhooks that want every event and may not be sent to for now, and people: only writing is measured."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("DELETE FROM support_webhooks; DELETE FROM support_troubleshooting_recipients")
    told = """INSERT INTO support_troubleshooting_recipients (tenant_id, channel, recipient, events)
        SELECT 'default', 'email', 'p' || n || '@example.com', '{session_escalated}' FROM generate_series(1, $1::int) AS n"""
    await connection.execute(told, people)
    statement = """INSERT INTO support_webhooks (tenant_id, webhook_id, url, events, paused_until)
        SELECT 'default', 'w' || n, 'http://127.0.0.1:9/', $2::text[], now() + interval '1 day'
          FROM generate_series(1, $1::int) AS n"""
    await connection.execute(statement, count, [kind.value for kind in EventKind])
    await connection.close()


def _steps() -> list[Row]:
    with Installation(GUIADO_POOL_SIZE="16") as made:
        guide = made.home / "guide.json"
        guide.write_text(json.dumps(step_route.long_guide()), "utf-8")
        made.environment["GUIADO_KB_PATH"] = str(guide)
        dsn = made.database.join()
        made.start()
        wanted = step_route.CONNECTIONS * step_route.SESSIONS_EACH
        sessions = [step_route.start_session(made.port) for _ in range(wanted)]
        rounds: list[dict[tuple[int, int], float]] = []
        for number in range(STEP_ROUNDS + 1):
            rates: dict[tuple[int, int], float] = {}
            for count in SUBSCRIBERS if number % 2 else reversed(SUBSCRIBERS):
                asyncio.run(_subscribe(dsn, *count))
                rates[count] = step_route.http_rate(made.port, sessions, STEP_SECONDS)
            rounds.append(rates)
    return [_step_row(count, rounds[1:]) for count in SUBSCRIBERS]


def _step_row(count: tuple[int, int], rounds: list[dict[tuple[int, int], float]]) -> Row:
    shares = sorted(rates[count] / rates[0, 0] for rates in rounds)
    told = f"{statistics.median(shares):.2f} of that with nobody ({shares[0]:.2f} to {shares[-1]:.2f}; floor 0.85)"
    rate = statistics.median(rates[count] for rates in rounds)
    endpoints, people = count
    return (f"POST /step, {endpoints} webhooks, {people} people, nothing sent", rate, "req/s", told if endpoints else "1")


PARTS: dict[str, Callable[[House], Awaitable[list[Row]]]] = {"rate": _rates, "delay": _delay, "ill": _ill}


def main(*chosen: str) -> list[Row]:
    """Rates, delays, what ill receivers cost, and what events cost a step."""

    async def sent() -> list[Row]:
        async with open_house() as house:
            return [row for name, part in PARTS.items() if not chosen or name in chosen for row in await part(house)]

    rows = uvloop.run(sent()) if not chosen or set(chosen) & PARTS.keys() else []
    return [*rows, *(_steps() if not chosen or "step" in chosen else ())]


if __name__ == "__main__":
    for row in main(*sys.argv[1:]):
        print(*row, sep="  ")
