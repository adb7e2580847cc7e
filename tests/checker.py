"""An independent book-keeper: plays every session again from its audit rows, attempts and decisions, and compares.

It reads the tables and imports nothing of guiado, so that a fault of guiado's own rules cannot hide here. Every use case leaves
one audit row in the transaction that did the work; in their order, with the attempts by their offer and the offers by their
number, they are the whole history of a session. What the history comes to must be what the session's row says.

Rules: contract.md §6. For a history written without setting the clock back, and not thinned out by the retention.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

Row = asyncpg.Record
RECONTACT = timedelta(days=7)
ENDED = {"resolved", "escalated", "abandoned"}
CHANGING = {"start", "answer", "clarify", "reject", "escalate", "resolve", "abandon"}
ASKS = {"question", "options"}
_TABLES = {
    "sessions": "SELECT * FROM support_troubleshooting_sessions ORDER BY started_at, session_id",
    "attempts": "SELECT * FROM support_troubleshooting_attempts ORDER BY decision_number, attempted_at",
    "decisions": "SELECT * FROM support_troubleshooting_decisions ORDER BY number",
    "outbox": "SELECT * FROM support_troubleshooting_outbox ORDER BY event_id",
    "deliveries": "SELECT * FROM support_troubleshooting_deliveries",
    "audits": "SELECT * FROM support_troubleshooting_audit_log WHERE object_type = 'session' ORDER BY at, audit_id",
    "feedback": "SELECT * FROM support_troubleshooting_feedback ORDER BY collected_at, id",
    "versions": "SELECT * FROM support_troubleshooting_guide_versions",
    "allowed": "SELECT config_value FROM support_troubleshooting_config WHERE config_key = 'auto_escalate_after_failures'",
}


async def inconsistencies(dsn: str) -> list[str]:
    """Everything that does not fit together in the database of this address, each named by its session or row."""
    connection = await asyncpg.connect(dsn)
    try:
        # One snapshot: it may be asked while others write.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await inconsistencies_seen_by(connection)
    finally:
        await connection.close()


async def inconsistencies_seen_by(connection: asyncpg.Connection) -> list[str]:
    """The same as this connection's transaction sees it."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads, format="text")
    return list(_inconsistencies({name: await connection.fetch(query) for name, query in _TABLES.items()}))


def check(dsn: str) -> list[str]:
    """`inconsistencies`, for callers without an event loop."""
    return asyncio.run(inconsistencies(dsn))


def _inconsistencies(tables: dict[str, list[Row]]) -> Iterator[str]:
    groups = {name: _by(tables[name], "session_id") for name in ("attempts", "decisions", "outbox", "feedback")}
    audits = defaultdict(list)
    for audit in tables["audits"]:
        audits[uuid.UUID(audit["object_id"])].append(audit)
    steps = {row["guide_version_id"]: row["content"]["steps"] for row in tables["versions"]}
    allowed = int(tables["allowed"][0]["config_value"]) if tables["allowed"] else 2
    known = {row["session_id"] for row in tables["sessions"]}
    for row in tables["sessions"]:
        one = row["session_id"]
        facts = Facts(row, audits[one], *(groups[name][one] for name in ("attempts", "decisions", "outbox", "feedback")))
        yield from (f"session {one}: {fault}" for fault in _session(facts, steps, allowed))
    for name, group in (*groups.items(), ("audits", audits)):
        yield from (f"{name} of session {one}, which does not exist" for one in group if one is not None and one not in known)
    yield from _deliveries(tables["deliveries"], tables["outbox"])


def _by(rows: Iterable[Row], column: str) -> defaultdict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


@dataclass
class Facts:
    """All rows of one session."""

    row: Row
    audits: list[Row]
    attempts: list[Row]
    decisions: list[Row]
    events: list[Row]
    feedback: list[Row]


def _session(facts: Facts, steps: dict[Any, list[dict[str, Any]]], allowed: int) -> Iterator[str]:
    play = Play(facts, steps, allowed)
    yield from _children(facts)
    yield from _ratings(facts)
    try:
        play.run()
    except LookupError as error:
        # The rows contradict each other so much that there is no state to compare with.
        yield from (*play.faults, f"history: {error.args[0]}")
        return
    yield from play.faults
    yield from _differences(facts.row, play.expected())
    told = Counter((row["event"], *_gist(row["data"])) for row in facts.events)
    due = Counter(play.told)
    yield from (f"event missing: {event}" for event in (due - told).elements())
    yield from (f"event too many: {event}" for event in (told - due).elements())


def _differences(row: Row, expected: dict[str, Any]) -> Iterator[str]:
    for column, value in expected.items():
        if row[column] != value:
            yield f"{column} is {row[column]!r}, the history says {value!r}"
    if row["status"] == "abandoned" and (row["ended_at"] is None or row["ended_at"] < row["updated_at"]):
        yield f"it was abandoned at {row['ended_at']!r}, before its last activity"


def _children(facts: Facts) -> Iterator[str]:
    tenant = facts.row["tenant_id"]
    for name in ("audits", "attempts", "decisions", "events", "feedback"):
        strangers = {row["tenant_id"] for row in getattr(facts, name)} - {tenant}
        if strangers:
            yield f"{name} belong to another tenant: {strangers}"
    answered = Counter(attempt["decision_number"] for attempt in facts.attempts)
    yield from (f"decision {number} was answered {times} times" for number, times in answered.items() if times > 1)
    for attempt in facts.attempts:
        if attempt["success"] != (attempt["outcome"] != "could_not"):
            yield f"attempt {attempt['id']}: success is {attempt['success']}, outcome {attempt['outcome']}"


def _ratings(facts: Facts) -> Iterator[str]:
    rated = [audit for audit in facts.audits if audit["action"] == "rate"]
    if len(rated) != len(facts.feedback):
        yield f"{len(facts.feedback)} ratings, {len(rated)} of them audited"
    current = [row for row in facts.feedback if row["is_current"]]
    if len(current) != min(1, len(facts.feedback)):
        yield f"{len(current)} of {len(facts.feedback)} ratings are the valid one"


def _deliveries(deliveries: list[Row], outbox: list[Row]) -> Iterator[str]:
    events = {row["event_id"] for row in outbox}
    pairs = Counter((row["event_id"], row["destination"]) for row in deliveries)
    yield from (f"event {pair[0]} goes to {pair[1]} {times} times" for pair, times in pairs.items() if times > 1)
    for row in deliveries:
        name = f"delivery {row['delivery_id']}"
        if row["event_id"] not in events:
            yield f"{name}: event {row['event_id']} does not exist"
        digest = hashlib.md5(f"{row['event_id']} {row['destination']}".encode(), usedforsecurity=False).hexdigest()
        if row["delivery_id"] != uuid.UUID(digest):
            yield f"{name}: its id is not that of its event and destination"
        if (row["state"] == "pending") != (row["finished_at"] is None):
            yield f"{name}: state {row['state']}, finished_at {row['finished_at']}"


def _gist(data: dict[str, Any]) -> tuple[Any, ...]:
    """What tells one event of a session from another of its kind."""
    return tuple(data.get(name) for name in ("session_id", "step_number", "outcome", "attempt", "resolution", "rating"))


@dataclass
class Play:
    """The history of one session, played again by the rules."""

    facts: Facts
    guides: dict[Any, list[dict[str, Any]]]
    allowed: int
    guide: uuid.UUID | None = None
    asked: int = 0
    heard: int = 0
    status: str = "started"
    step: int = 0
    failures: int = 0
    version: int = 0
    answered: int = 0
    offered: int = 0
    resolution: str | None = None
    resolved_at: datetime | None = None
    called_at: datetime | None = None
    ended_at: datetime | None = None
    ended_how: str | None = None
    ended_by: str | None = None
    last: datetime | None = None
    faults: list[str] = field(default_factory=list)
    told: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of the guide that is followed at the time."""
        return self.guides.get(self.guide, [])

    def run(self) -> None:
        """Play everything; LookupError where the rows make no history."""
        for audit in self.facts.audits:
            if audit["action"] in CHANGING:
                self._play(audit)
        rest = len(self.facts.attempts) - self.answered, len(self.facts.decisions) - self.offered
        if any(rest):
            self.faults.append(f"rows that no audited command left: {rest[0]} attempts, {rest[1]} decisions")
        for rating in self.facts.feedback:
            self._tell("feedback_received", rating=rating["rating"])

    def expected(self) -> dict[str, Any]:
        """What the row must say."""
        row = self.facts.row
        expected = {
            "status": self.status,
            "current_step": self.step,
            "guide_version_id": self.guide,
            "total_steps": len(self.steps),
            "failures": self.failures,
            "attempts": self.answered,
            "decisions": self.offered,
            "version": self.version,
            "resolution": self.resolution,
            "resolved_at": self.resolved_at,
            "escalated_at": self.called_at,
            "ended_at": self.ended_at,
            "ended_how": self.ended_how,
            "ended_by": self.ended_by,
            "recontact_until": self.resolved_at + RECONTACT if self.resolved_at else None,
            "started_at": self.facts.audits[0]["at"] if self.facts.audits else None,
            "updated_at": self.last,
        }
        said = [each["said"] is not None for each in row["clarifications"]]
        if (len(said), sum(said)) != (self.asked, self.heard):
            self.faults.append(f"{said} was asked and answered, the history says {self.asked} and {self.heard}")
        has_reason = row["escalation_reason"] is not None
        return expected | ({} if has_reason == (self.called_at is not None) else {"escalation_reason": "the opposite"})

    def _play(self, audit: Row) -> None:
        action, detail, was = audit["action"], audit["detail"], self.status
        if (action == "start") != (self.version == 0):
            raise LookupError(f"it does not begin with exactly one start, but with {action} as change {self.version + 1}")
        if was in ENDED and (
            was == "abandoned" or action not in {"escalate", "resolve"} or (was, action) == ("resolved", "resolve")
        ):
            self.faults.append(f"{action} was taken when it was {was} already")
        self.version += 1
        if action != "abandon":
            self.last = audit["at"]
        getattr(self, f"_{action}")(audit)
        if action != "start" and (detail.get("before"), detail.get("after")) != (was, self.status):
            self.faults.append(f"{action} was audited as {detail}, the history says {was} to {self.status}")

    def _start(self, audit: Row) -> None:
        self._tell("session_started")
        self._turn(audit, "nothing-detected")

    def _clarify(self, audit: Row) -> None:
        if self.guide is not None or self.heard == self.asked:
            self.faults.append("something was clarified that was not asked")
        self.heard += 1
        said = self._said(self.asked - 1)
        self._turn(audit, "none-of-them" if "none" in said else "nothing-detected")

    def _reject(self, audit: Row) -> None:
        if self.guide is None:
            self.faults.append("a guide was rejected where none was followed")
        self.asked += 1
        self.heard += 1
        self._said(self.asked - 1)
        self._turn(audit, "none-of-them")

    def _said(self, place: int) -> dict[str, Any]:
        turns = self.facts.row["clarifications"]
        if place >= len(turns) or turns[place]["said"] is None:
            raise LookupError(f"clarification {place + 1} of {len(turns)} was not answered")
        return turns[place]["said"]

    def _turn(self, audit: Row, rule: str) -> None:
        """It goes on with the first step of a guide, with a question, or with a person."""
        named = audit["detail"].get("guide_version_id")
        self.guide, self.step = uuid.UUID(named) if named else None, 0
        if self.steps:
            self._tell("problem_detected")
            self._offer("author-order", 1)
        elif self.offered < len(self.facts.decisions) and self.facts.decisions[self.offered]["kind"] in ASKS:
            self.asked += 1
            self._offer("unclear", kind=self.facts.decisions[self.offered]["kind"])
        else:
            self._call(audit["at"])
            self._offer(rule)

    def _answer(self, audit: Row) -> None:
        if self.step == len(self.steps):
            # With no step open there is nothing to attempt: the customer said that the problem is gone.
            self._resolve(audit, audit["detail"].get("ended_by"))
            return
        attempt = self._attempt(audit["at"])
        if self.status == "started":
            self.status = "in_progress"
        if attempt["outcome"] == "could_not":
            self._fail(attempt)
        else:
            self._pass(attempt)

    def _attempt(self, at: datetime) -> Row:
        if self.answered == len(self.facts.attempts):
            raise LookupError(f"{self.answered + 1} answers were audited, {self.answered} attempts are there")
        attempt = self.facts.attempts[self.answered]
        self.answered += 1
        offer = self.facts.decisions[self.offered - 1]
        step = self.steps[self.step]
        wanted = (self.offered, self.step + 1, step["step_id"], step["revision"], at)
        found = tuple(attempt[name] for name in ("decision_number", "step_number", "step_id", "step_revision", "attempted_at"))
        if attempt["guide_version_id"] != self.guide:
            self.faults.append(f"attempt {attempt['id']} belongs to guide {attempt['guide_version_id']}, not {self.guide}")
        if found != wanted or tuple(offer[name] for name in ("number", "step_number", "step_id", "step_revision")) != wanted[:4]:
            self.faults.append(f"attempt {attempt['id']} is {found}, the history says {wanted}")
        return attempt

    def _fail(self, attempt: Row) -> None:
        self.failures += 1
        self._tell("step_failed", step_number=self.step + 1, outcome="could_not")
        if self.failures < self.allowed:
            self._tell("retry_attempt", step_number=self.step + 1, attempt=self.failures + 1)
            self._offer("try-again", self.step + 1)
            return
        self._call(attempt["attempted_at"])
        self._offer("too-many-failures")
        self._offer("still-open", self.step + 1)

    def _pass(self, attempt: Row) -> None:
        self.step += 1
        outcome, was_last = attempt["outcome"], self.step == len(self.steps)
        self._tell("step_completed", step_number=self.step, outcome=outcome)
        if outcome == "solved" or (was_last and outcome == "done"):
            self._end_solved(attempt["attempted_at"], attempt["source"] if outcome == "solved" else "assumed")
        elif was_last:
            self._call(attempt["attempted_at"])
            self._offer("steps-exhausted")
        else:
            self._offer("author-order", self.step + 1)

    def _escalate(self, audit: Row) -> None:
        if self.status != "escalated":
            self.ended_at = audit["at"]
        if self.called_at is None:
            self._call(audit["at"])
        self._offer("requested")
        self.status, self.ended_how, self.ended_by = "escalated", "escalated", audit["detail"].get("ended_by")
        self.resolution = self.resolved_at = None

    def _resolve(self, audit: Row, by: str = "agent") -> None:
        self._end_solved(audit["at"], by)

    def _abandon(self, _audit: Row) -> None:
        if self.status in ENDED:
            self.faults.append(f"it was abandoned when it was {self.status}")
        how = "expired" if self.status == "needs_escalation" else "abandoned"
        self.status, self.ended_how, self.ended_by = "abandoned", how, "assumed"
        self.ended_at = self.facts.row["ended_at"]  # it says when it was noticed; no other row does
        self._tell("session_abandoned")

    def _end_solved(self, at: datetime, by: str) -> None:
        self.status, self.ended_how, self.ended_by = "resolved", "solved", by
        self.resolution = "assumed" if by == "assumed" else "confirmed"
        self.resolved_at = self.ended_at = at
        self._tell("session_resolved", resolution=self.resolution)

    def _call(self, at: datetime) -> None:
        """A person is needed; others are told once."""
        self.status = "needs_escalation"
        if self.called_at is None:
            self.called_at = at
            self._tell("session_escalated")

    def _offer(self, rule: str, step_number: int | None = None, kind: str | None = None) -> None:
        self.offered += 1
        if self.offered > len(self.facts.decisions):
            raise LookupError(f"decision {self.offered} ({rule}) is missing")
        offer = self.facts.decisions[self.offered - 1]
        kind = kind or ("escalation" if step_number is None else "step")
        if rule == "author-order" and step_number is not None and self._was_tried(step_number, offer):
            rule = "already-tried"
        wanted = (self.offered, kind, rule, step_number)
        found = tuple(offer[name] for name in ("number", "kind", "rule", "step_number"))
        if found != wanted and not (self.version == 1 and offer["rule"] == "language-model" and found[:2] == wanted[:2]):
            self.faults.append(f"decision {self.offered} is {found}, the history says {wanted}")

    def _was_tried(self, step_number: int, offer: Row) -> bool:
        """Whether the customer said that they did the step; of a guide that was left, only its offer knows."""
        if self.guide != self.facts.row["guide_version_id"]:
            return bool(offer["rule"] == "already-tried")
        step_id = self.steps[step_number - 1]["step_id"]
        return step_id in {tried["step_id"] for tried in self.facts.row["already_tried"] or ()}

    def _tell(self, event: str, **data: Any) -> None:
        self.told.append((event, *_gist({"session_id": str(self.facts.row["session_id"]), **data})))
