"""Nothing that was acknowledged is lost or doubled, and all who listen hear of it, whatever is killed with SIGKILL, whenever."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from checker import check
from installation import Installation, ask, wait_for
from listeners import WANTED, Listeners
from prepared import Prepared
from storm import LEASING, Acknowledged, Storm

SEED = 20261122
STUCK_S = 60


@pytest.fixture
def installation(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")  # whoever is killed so often should start quickly
    made = Installation(tmp_path, servers=2, workers=1)
    try:
        made.start()
        prepared.fit(made.database.dsn())  # or every process would begin to, and be killed in the middle
        yield made
    finally:
        made.close()


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners(SEED)
    made.open()
    yield made
    made.close()


# About 30 s on two cores, much more on busy ones: a process takes two seconds of a core to start.
@pytest.mark.timeout(400)
def test_kills_lose_nothing_and_double_nothing(
    installation: Installation, listeners: Listeners, record_property: Callable[..., None]
) -> None:
    record_property("storm", weather(installation, listeners, {"postmaster": 2, "server": 8, "worker": 7, "all": 1}))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "kills", [{"server": 95, "worker": 93, "all": 4}, {"postmaster": 50}], ids=["200 processes", "PostgreSQL 50 times"]
)
def test_many_kills_lose_nothing_and_double_nothing(
    installation: Installation, listeners: Listeners, record_property: Callable[..., None], kills: dict[str, int]
) -> None:
    record_property("storm", weather(installation, listeners, kills, patient=True))


def weather(
    installation: Installation, listeners: Listeners, kills: dict[str, int], *, patient: bool = False
) -> dict[str, object]:
    """Let a storm pass and look at what is left.

    Args:
        patient: at the end leases have to end by themselves.
    """
    prepare(installation, listeners)
    storm = Storm(installation, listeners, kills, customers=6, seed=SEED)
    storm.rage()
    dsn = installation.database.dsn()
    if patient:
        storm.kill_one_that_holds_a_lease()
    else:
        storm.let_leases_of_the_dead_end()
    killed_s = time.monotonic()
    events = wait_for(lambda: told_everybody(dsn), "everything was sent", STUCK_S, 0.1)
    waited_s = time.monotonic() - killed_s
    arrivals = {"events": len(events), "arrived": sum(map(len, listeners.got.values())), "all_sent_after_s": round(waited_s, 1)}
    (arrivals["failed_attempts"],) = ask(dsn, "SELECT count(*) FROM support_webhook_events WHERE NOT success")[0]
    lost, doubled = compare(dsn, storm)
    lost += unheard(events, listeners)
    figures = {"seed": SEED, **storm.figures(), **arrivals, "lost": len(lost), "doubled": len(doubled)}
    print(json.dumps(figures))  # noqa: T201 figures to read
    assert storm.ledger.faults == []
    assert (lost, doubled) == ([], [])
    assert list(misheard(dsn, listeners)) == []
    assert max((storm.longest_s[what] for what in storm.longest_s if "after the database" in what), default=0) <= 10
    assert check(dsn) == []
    assert repeat_everything(installation, storm) == []
    assert compare(dsn, storm) == ([], [])
    assert check(dsn) == []
    every = kills.get("all", 0)
    assert storm.killed["server"] + storm.killed["worker"] == kills.get("server", 0) + kills.get("worker", 0) + 3 * every
    assert min(figures["acknowledged"].get(kind, 0) for kind in ("start", "step", "feedback", "escalate", "resolve")) > 0
    prove_that_no_lease_is_stuck(dsn)
    return figures


def prepare(installation: Installation, listeners: Listeners) -> None:
    """Somebody listens to every event; sessions that nobody touches are abandoned within seconds."""
    for name, kinds in WANTED.items():
        body = {"url": listeners.url(name), "events": kinds, "webhook_id": name}
        assert httpx2.post(f"{installation.urls[0]}/webhooks", json=body).status_code == 200
    statement = "UPDATE support_troubleshooting_config SET config_value = '0.001' WHERE config_key = 'max_session_duration_hours'"
    ask(installation.database.dsn(), statement)
    durable = "SELECT string_agg(setting, ' ') FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
    assert ask(installation.database.dsn(), durable)[0][0] == "on on on"


def told_everybody(dsn: str) -> list[Any]:
    """All events, once every delivery was made; nothing before."""
    query = (
        "SELECT o.event_id::text, o.session_id::text, o.event FROM support_troubleshooting_outbox o WHERE NOT EXISTS"
        " (SELECT FROM support_troubleshooting_deliveries d WHERE d.state <> 'delivered') ORDER BY o.event_id"
    )
    return ask(dsn, query)


def unheard(events: list[Any], listeners: Listeners) -> list[str]:
    """Events that an endpoint wants and never got."""
    heard = {name: {arrival.event_id for arrival in listeners.got[name]} for name in WANTED}
    return [
        f"{row['event']} {row['event_id']} did not arrive at {name}"
        for row in events
        for name, kinds in WANTED.items()
        if row["event"] in kinds and row["event_id"] not in heard[name]
    ]


def misheard(dsn: str, listeners: Listeners) -> Iterator[str]:
    """What arrived and should not have: never stored, with other words, where nobody asked for it, or in another order."""
    stored = {
        row[0]: row
        for row in ask(dsn, "SELECT event_id::text, session_id::text, event, data FROM support_troubleshooting_outbox")
    }
    for name, kinds in WANTED.items():
        for arrival in listeners.got[name]:
            row = stored.get(arrival.event_id)
            if (
                row is None
                or (arrival.event, arrival.data) != (row["event"], json.loads(row["data"]))
                or row["event"] not in kinds
            ):
                yield f"{name} got {arrival}, stored is {row}"
        of_session: dict[str, list[str]] = {}
        for event_id in dict.fromkeys(arrival.event_id for arrival in listeners.got[name]):
            of_session.setdefault(stored[event_id]["session_id"], []).append(event_id)
        yield from (f"{name} heard of {one} in another order" for one, ids in of_session.items() if ids != sorted(ids))


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


def compare(dsn: str, storm: Storm) -> tuple[list[str], list[str]]:
    """What was acknowledged and is not there as it was acknowledged, and what is there twice."""
    attempts, sessions, told, ratings, untold = [ask(dsn, query) for query in (ATTEMPTS, SESSIONS, EVENTS, RATINGS, UNTOLD)]
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


def prove_that_no_lease_is_stuck(dsn: str) -> None:
    """Whoever was killed keeps nothing for longer than a minute; after that, every job runs again."""
    for table in LEASING:
        assert ask(dsn, f"SELECT * FROM {table} WHERE leased_until > now() + make_interval(secs => {STUCK_S})") == []
    # As if the leases' time had passed.
    moment = ask(dsn, "SELECT now()")[0][0]
    ask(dsn, "UPDATE support_troubleshooting_schedule SET next_at = now(), leased_until = LEAST(leased_until, now())")
    running = (
        "SELECT * FROM support_troubleshooting_schedule WHERE leased_until IS NOT NULL OR finished_at < $1 OR last_error <> ''"
    )
    with suppress(AssertionError):
        wait_for(lambda: not ask(dsn, running, moment), "every job runs again", STUCK_S, 0.1)
    assert ask(dsn, running, moment) == []
