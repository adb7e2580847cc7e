"""Nothing that was acknowledged is lost or doubled, whatever is killed with SIGKILL, whenever."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from checker import check
from storm import Acknowledged, Installation, Storm

SEED = 20261122


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, servers=2, worker=True)
    try:
        yield made
    finally:
        made.close()


# About 40 s on two cores, much more on busy ones.
@pytest.mark.timeout(400)
def test_25_kills_lose_nothing_and_double_nothing(installation: Installation, record_property: Callable[..., None]) -> None:
    weather(installation, 25, record_property)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_200_kills_lose_nothing_and_double_nothing(installation: Installation, record_property: Callable[..., None]) -> None:
    weather(installation, 200, record_property)


def weather(installation: Installation, kills: int, record_property: Callable[..., None]) -> None:
    installation.start()
    prepare(installation)
    storm = Storm(installation, customers=6, seed=SEED)
    storm.rage(kills)
    dsn = installation.database.dsn()
    lost, doubled = asyncio.run(compare(dsn, storm))
    figures = {**storm.figures(), "lost": len(lost), "doubled": len(doubled)}
    record_property("storm", figures)
    print(json.dumps(figures))  # noqa: T201 figures to read
    assert storm.ledger.faults == []
    assert (lost, doubled) == ([], [])
    assert check(dsn) == []
    assert repeat_everything(installation, storm) == []
    assert asyncio.run(compare(dsn, storm)) == ([], [])
    assert check(dsn) == []
    assert sum(storm.kills.values()) == kills
    assert min(figures["acknowledged"].get(kind, 0) for kind in ("start", "step", "feedback", "escalate", "resolve")) > 0
    asyncio.run(prove_that_no_lease_is_stuck(dsn))


def prepare(installation: Installation) -> None:
    """Somebody listens to every event; sessions that nobody touches are abandoned within seconds."""
    kinds = ["session_started", "step_completed", "step_failed", "session_resolved", "session_escalated", "session_abandoned"]
    body = {"url": "https://example.com/hook", "events": kinds, "webhook_id": "oyente"}
    assert httpx2.post(f"{installation.urls[0]}/webhooks", json=body).status_code == 200
    statement = "UPDATE support_troubleshooting_config SET config_value = '0.001' WHERE config_key = 'max_session_duration_hours'"
    asyncio.run(execute(installation.database.dsn(), statement))
    durable = "SELECT string_agg(setting, ' ') FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
    assert asyncio.run(execute(installation.database.dsn(), durable))[0][0] == "on on on"


async def execute(dsn: str, query: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


ATTEMPTS = "SELECT id::text, session_id::text, step_number, outcome, notes, attempted_at FROM support_troubleshooting_attempts"
SESSIONS = (
    "SELECT session_id::text, customer_email, problem_description, detected_problem_id, escalation_reason, notes"
    " FROM support_troubleshooting_sessions"
)
EVENTS = "SELECT session_id::text, event, data FROM support_troubleshooting_outbox"
RATINGS = "SELECT id::text, session_id::text, rating, feedback_text FROM support_troubleshooting_feedback"
UNTOLD = (
    "SELECT e.event_id::text FROM support_troubleshooting_outbox e JOIN support_webhooks w ON e.event = ANY (w.events)"
    " LEFT JOIN support_troubleshooting_deliveries d ON d.event_id = e.event_id AND d.destination = w.webhook_id"
    " WHERE d.delivery_id IS NULL"
)


async def compare(dsn: str, storm: Storm) -> tuple[list[str], list[str]]:
    """What was acknowledged and is not there as it was acknowledged, and what is there twice."""
    attempts, sessions, told, ratings, untold = [
        await execute(dsn, query) for query in (ATTEMPTS, SESSIONS, EVENTS, RATINGS, UNTOLD)
    ]
    seen = Seen(attempts, sessions, told, ratings)
    lost = [f"{one.kind} {one.key}: {why}" for one in storm.ledger.acknowledged for why in seen.missing(one)]
    lost += [f"event {row[0]} goes to nobody" for row in untold]
    twice = Counter(
        [("attempt", row["notes"]) for row in attempts]
        + [("session", row["customer_email"]) for row in sessions]
        + [("rating", row["feedback_text"]) for row in ratings]
        + [("note", line) for row in sessions for line in (row["notes"] or "").split("\n") if line]
    )
    return lost, [f"{times} times {what}" for what, times in twice.items() if times > 1]


class Seen:
    """What the database says, by what customers know of it."""

    def __init__(self, attempts: list[Any], sessions: list[Any], events: list[Any], ratings: list[Any]) -> None:
        self.attempts = {row["id"]: row for row in attempts}
        self.sessions = {row["session_id"]: row for row in sessions}
        self.ratings = {row["id"]: row for row in ratings}
        self.events: Counter[tuple[Any, ...]] = Counter()
        for row in events:
            data = json.loads(row["data"])
            # Failures of one step are told apart by the customer's note, which is the key of the request.
            detail = data.get("notes") or data.get("feedback_text") or data.get("step_number")
            self.events[row["session_id"], row["event"], detail] += 1

    def missing(self, one: Acknowledged) -> Iterator[str]:
        """Why this acknowledged request is not in the database as it was acknowledged."""
        yield from getattr(self, f"_{one.kind}")(one)

    def _start(self, one: Acknowledged) -> Iterator[str]:
        answer = one.answer
        row = self.sessions.get(answer["session_id"])
        yield from _differs(row, customer_email=one.body["customer_email"], detected_problem_id=answer["problem_detected"])
        yield from self._told_once(answer["session_id"], "session_started", None)

    def _step(self, one: Acknowledged) -> Iterator[str]:
        attempt, session = one.answer["attempt"], one.answer["session"]["session_id"]
        if attempt is None:
            # With no step open only "solved" is taken; its words are a note of the session.
            yield from _has_line(self.sessions.get(session), "notes", one.key)
            return
        expected = {name: attempt[name] for name in ("step_number", "outcome", "notes")}
        yield from _differs(self.attempts.get(attempt["id"]), session_id=session, **expected)
        if attempt["outcome"] != one.body["outcome"]:
            yield f"{attempt['outcome']} was recorded, {one.body['outcome']} was said"
        failed = attempt["outcome"] == "could_not"
        kind, detail = ("step_failed", attempt["notes"]) if failed else ("step_completed", attempt["step_number"])
        yield from self._told_once(session, kind, detail)

    def _feedback(self, one: Acknowledged) -> Iterator[str]:
        rating = one.answer["feedback"]
        yield from _differs(self.ratings.get(rating["id"]), session_id=rating["session_id"], feedback_text=one.key)
        yield from self._told_once(rating["session_id"], "feedback_received", one.key)

    def _escalate(self, one: Acknowledged) -> Iterator[str]:
        yield from _has_line(self.sessions.get(one.answer["session_id"]), "escalation_reason", one.key)
        yield from self._told_once(one.answer["session_id"], "session_escalated", None)

    def _resolve(self, one: Acknowledged) -> Iterator[str]:
        yield from _has_line(self.sessions.get(one.answer["session"]["session_id"]), "notes", one.key)

    def _told_once(self, session: str, event: str, detail: object) -> Iterator[str]:
        times = self.events[session, event, detail]
        if times != 1:
            yield f"{event} was told {times} times"


def _differs(row: Any, **expected: object) -> Iterator[str]:
    if row is None:
        yield "it is not there"
        return
    yield from (f"{name} is {row[name]!r}, {value!r} was told" for name, value in expected.items() if row[name] != value)


def _has_line(row: Any, column: str, line: str) -> Iterator[str]:
    if row is None or (row[column] or "").split("\n").count(line) != 1:
        yield f"not exactly once in {column}"


def repeat_everything(installation: Installation, storm: Storm) -> list[str]:
    """Send every acknowledged request again with its key; the answers that are not the same."""
    with httpx2.Client(timeout=30) as http, ThreadPoolExecutor(4) as threads:

        def repeat(numbered: tuple[int, Acknowledged]) -> str | None:
            number, one = numbered
            url = installation.urls[number % len(installation.urls)]
            again = http.post(f"{url}{one.path}", json=one.body, headers={"Idempotency-Key": one.key})
            same = again.status_code == 200 and again.json() == one.answer
            return None if same else f"{one.kind} {one.key}: {one.answer} became {again.status_code} {again.text}"

        return [said for said in threads.map(repeat, enumerate(storm.ledger.acknowledged)) if said]


async def prove_that_no_lease_is_stuck(dsn: str) -> None:
    """A worker that was killed keeps its job for the lease at most; after that, every job runs again."""
    longest = "SELECT job FROM support_troubleshooting_schedule WHERE leased_until > now() + interval '30 minutes'"
    assert await execute(dsn, longest) == []
    # As if the leases' time had passed.
    moment = (await execute(dsn, "SELECT now()"))[0][0]
    await execute(dsn, "UPDATE support_troubleshooting_schedule SET next_at = now(), leased_until = LEAST(leased_until, now())")
    running = (
        "SELECT job FROM support_troubleshooting_schedule WHERE leased_until IS NOT NULL OR finished_at < $1 OR last_error <> ''"
    )
    async with asyncio.timeout(30):
        while await execute(dsn, running, moment):
            await asyncio.sleep(0.02)
