"""Storage of sessions with their attempts and offers; one call of a database function writes a change."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from guiado.domain.clarification import Clarification
from guiado.domain.events import Event
from guiado.domain.given_answer import GivenAnswer
from guiado.domain.learning_signal import Lesson
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import (
    Actor,
    Attempt,
    NamedProblem,
    Offer,
    Outcome,
    Resolution,
    Session,
    Status,
    StepAnswer,
    StepReason,
)
from guiado.store.connection import Connection, Row
from guiado.store.lesson_rows import lesson_rows
from guiado.store.log_rows import Audit, audit_row, event_rows
from guiado.store.queries import sql

_MOST_FAILURES = 1_000
_LAST_GROUP = 12
_COLUMN_OF = {"problem_id": "detected_problem_id", "problem_title": "detected_problem_title"}
_STATE = tuple(each.name for each in fields(Session) if each.name != "facts")
_FIXED = frozenset(
    ("customer_email", "customer_name", "problem_description", "problem_id", "problem_title", "guide_version_id", "total_steps",
     "language", "started_at", "clarifications", "message_kind", "also_named", "unknown_codes")
)  # fmt: skip
"""Fields of a session that do not change, unless the customer clarifies the problem or says where to write to."""
_FOUND = ("problem_id", "problem_title", "guide_version_id", "total_steps", "clarifications", "message_kind", "also_named",
          "unknown_codes")  # fmt: skip
_FOUND_FACTS = ("alternatives", "detection_confidence", "recontact_of", "already_tried")
_KEPT_FACTS = ("alternatives", "detection_confidence", "already_tried", "original_sender", "device", "product")
_CHANGING = tuple(name for name in _STATE if name not in _FIXED)
_ATTEMPT = tuple(each.name for each in fields(Attempt))
_OFFER = tuple(each.name for each in fields(Offer))


@dataclass(frozen=True, slots=True)
class Change:
    """Changes of one command to a session, written together or not at all.

    Args:
        session: the new state.
        expected: the version that was read; None for a new session.
        now: time of the change.
        attempt: recorded with `attempt_id`.
        clarified: whether the problem was clarified, or is asked for again.
        contact: the customer's pseudonym, where their address or name changed.
        lessons: lessons for detection.
        retracted: id of the attempt that is taken back.
        also: further entries of the audit log for the same moment.
    """

    session: Session
    expected: int | None
    now: datetime
    audit: Audit
    events: tuple[Event, ...] = ()
    attempt: Attempt | None = None
    attempt_id: UUID | None = None
    offers: tuple[Offer, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    clarified: bool = False
    retracted: str | None = None
    also: tuple[Audit, ...] = ()
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A session with the number of failures that its tenant allows."""

    session: Session
    failures_allowed: int


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """An attempt with the id of its row."""

    attempt_id: str
    attempt: Attempt


def uuid_or_none(text: object) -> UUID | None:
    """Parse a UUID; None for a malformed one."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


async def load(connection: Connection, tenant: str, session_id: UUID) -> Loaded | None:
    """The session with this id, or None."""
    row = await connection.fetchrow(sql("sessions", "load"), tenant, session_id)
    return _loaded(row) if row else None


async def commit(connection: Connection, tenant: str, change: Change) -> bool:
    """Write a change to a session.

    Returns:
        False, with nothing written, when the session is no longer at the expected version.
    """
    is_written: bool = await connection.fetchval(sql("sessions", "commit"), tenant, _document(tenant, change))
    return is_written


async def attempts(connection: Connection, tenant: str, session_id: str) -> list[StoredAttempt]:
    """The attempts of a session that were not taken back, in order."""
    return [_attempt(row) for row in await connection.fetch(sql("sessions", "attempts"), tenant, UUID(session_id))]


async def passing_attempt(connection: Connection, tenant: str, session_id: str, step: int) -> StoredAttempt | None:
    """The attempt with which the step of this number was passed."""
    row = await connection.fetchrow(sql("sessions", "passing_attempt"), tenant, UUID(session_id), step)
    return _attempt(row) if row else None


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """The answer to a step that a session got last.

    Args:
        led_to: rule of the offer that followed it; None where none did.
        taken_over: whether a person works on the session's ticket.
    """

    stored: StoredAttempt
    led_to: str | None
    taken_over: bool


async def last_answer(connection: Connection, tenant: str, session_id: str) -> LastAnswer | None:
    """The answer to a step that a session got last, of those that were not taken back."""
    row = await connection.fetchrow(sql("sessions", "last_answer"), tenant, UUID(session_id))
    return LastAnswer(_attempt(row), row["led_to"], row["taken_over"]) if row else None


async def solved_before(
    connection: Connection, tenant: str, customer_id: str, now: datetime, problem_id: str | None
) -> str | None:
    """Id of the customer's latest solved session about this problem that a new contact calls into doubt."""
    found = await connection.fetchval(sql("sessions", "solved_before"), tenant, customer_id, now, problem_id)
    return str(found) if found else None


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session that still takes answers, in short.

    Args:
        title: of its problem, in its language; None where none was recognised.
    """

    session_id: str
    problem_id: str | None
    title: str | None
    status: str


async def running(connection: Connection, tenant: str, customer_email: str, limit: int) -> list[RunningSession]:
    """The sessions of a customer that still take answers to a problem, latest activity first."""
    rows = await connection.fetch(sql("sessions", "running"), tenant, customer_email, limit)
    return [_running(row) for row in rows]


async def continued(connection: Connection, tenant: str, session_id: str, limit: int) -> list[RunningSession]:
    """The sessions about other problems that began from this one, or from one of those, and still take answers."""
    rows = await connection.fetch(sql("sessions", "continued"), tenant, UUID(session_id), limit)
    return [_running(row) for row in rows]


def _running(row: Row) -> RunningSession:
    return RunningSession(str(row["session_id"]), row["problem_id"], row["title"], row["status"])


async def scope(connection: Connection, tenant: str, session_id: str) -> str:
    """The knowledge base that a session is about: "" for the one that is published for everybody."""
    found: str | None = await connection.fetchval(sql("sessions", "scope"), tenant, UUID(session_id))
    return found or ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filter of sessions; None matches all.

    Args:
        since: begun at this moment or later.
        until: begun before this moment.
    """

    status: str | None = None
    ticket_id: str | None = None
    customer_email: str | None = None
    problem_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def query(self) -> str:
        """Name of the query that starts from the most selective condition."""
        led = (
            ("ticket", self.ticket_id),
            ("customer", self.customer_email),
            ("problem", self.problem_id),
            ("status", self.status),
        )
        return next((f"list_{name}" for name, value in led if value is not None), "list")


async def page(
    connection: Connection, tenant: str, limit: int, *, before: tuple[datetime, UUID] | None = None, wanted: Wanted = Wanted()
) -> list[dict[str, object]]:
    """One page of sessions, newest first.

    Args:
        limit: rows at most.
        before: start and id of the last row of the page before.
        wanted: filter of the sessions.
    """
    conditions = (wanted.status, wanted.ticket_id, wanted.customer_email, wanted.problem_id, wanted.since, wanted.until)
    rows = await connection.fetch(sql("sessions", wanted.query), tenant, limit, *(before or (None, None)), *conditions)
    return [{**dict(row), "session_id": str(row["session_id"])} for row in rows]


async def by_reference(connection: Connection, tenant: str, digits: str) -> list[str]:
    """Ids of sessions that begin or end with these hexadecimal digits, two at most.

    Args:
        digits: lower case, 6 to 32, without hyphens; of the end 12 at most count.
    """
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    # The last group of an id has 12 digits; a longer end is no end.
    end = digits[::-1] if len(digits) <= _LAST_GROUP else "~"
    rows = await connection.fetch(sql("sessions", "by_reference"), tenant, first, last, end, f"{end}~")
    return [str(row["session_id"]) for row in rows]


async def idle(connection: Connection, tenant: str, hours: float) -> list[Loaded]:
    """Up to 500 sessions in progress without a change for this many hours, by the database's clock."""
    return await _untouched(connection, tenant, hours, [Status.STARTED, Status.IN_PROGRESS])


async def waiting(connection: Connection, tenant: str, hours: float) -> list[Loaded]:
    """Up to 500 sessions that have waited for a person for this many hours, by the database's clock."""
    return await _untouched(connection, tenant, hours, [Status.NEEDS_ESCALATION])


async def _untouched(connection: Connection, tenant: str, hours: float, statuses: list[Status]) -> list[Loaded]:
    rows = await connection.fetch(sql("sessions", "untouched"), tenant, statuses, hours)
    return [_loaded(row) for row in rows]


# ------------------------------------------------------------------------------------------------------------------- rows


def _loaded(row: Row) -> Loaded:
    allowed = row["failures_allowed"]
    is_number = isinstance(allowed, (int, float)) and not isinstance(allowed, bool)
    return Loaded(session_from_row(row), int(min(max(allowed, 1), _MOST_FAILURES)) if is_number else 2)


def session_from_row(row: Row) -> Session:
    """Build a session from a row with the columns of `load`."""
    values: dict[str, Any] = {name: row[name] for name in _STATE}
    version_id, resolution, ended_by = values["guide_version_id"], values["resolution"], values["ended_by"]
    values["session_id"] = str(values["session_id"])
    values["guide_version_id"] = None if version_id is None else str(version_id)
    values["status"] = Status(values["status"])
    values["resolution"] = Resolution(resolution) if resolution else None
    values["ended_by"] = Actor(ended_by) if ended_by else None
    values["clarifications"] = _clarifications(values["clarifications"])
    values["answers"] = _answers(values["answers"])
    values["guide_answers"] = _guide_answers(values["guide_answers"])
    values["message_kind"] = MessageKind(values["message_kind"])
    values["also_named"] = msgspec.convert(values["also_named"], tuple[NamedProblem, ...])
    values["unknown_codes"] = tuple(map(str, values["unknown_codes"]))
    values["offered_why"] = msgspec.convert(values["offered_why"], StepReason | None)
    return Session(**values, facts={name: row[name] for name in _KEPT_FACTS})


def _clarifications(stored: list[object]) -> tuple[Clarification, ...]:
    return msgspec.convert(stored, tuple[Clarification, ...]) if stored else ()


def _answers(stored: list[object]) -> tuple[StepAnswer, ...]:
    return msgspec.convert(stored, tuple[StepAnswer, ...]) if stored else ()


def _guide_answers(stored: list[object]) -> tuple[GivenAnswer, ...]:
    return msgspec.convert(stored, tuple[GivenAnswer, ...]) if stored else ()


def _attempt(row: Row) -> StoredAttempt:
    return StoredAttempt(
        str(row["id"]),
        Attempt(
            step_number=row["step_number"],
            step_title=row["step_title"],
            step_id=row["step_id"] or "",
            step_revision=row["step_revision"] or 1,
            step_type=row["step_type"] or "fix",
            outcome=Outcome(row["outcome"]),
            notes=row["notes"],
            attempted_at=row["attempted_at"],
            duration_seconds=float(row["duration_seconds"] or 0),
            active_seconds=row["active_seconds"],
            first_seen_at=row["first_seen_at"],
            decision_number=row["decision_number"] or 0,
            source=Actor(row["source"]),
            reason=row["reason"],
            guide_version_id=str(row["guide_version_id"]) if row["guide_version_id"] else None,
            author_position=row["author_position"],
        ),
    )


def _document(tenant: str, change: Change) -> dict[str, object]:
    session = change.session
    session_id = session.session_id
    found = {"found": {**_found_row(session), **_policy_row(change.offers)}} if change.clarified else {}
    learning = {"learning": lesson_rows(change.lessons, change.now)} if change.lessons else {}
    contact: dict[str, object] = {"contact": _contact_row(session, change.contact)} if change.contact else {}
    retracted = {"retracted": change.retracted} if change.retracted else {}
    return {
        **found,
        **learning,
        **contact,
        **retracted,
        "expected": change.expected,
        "session": _new_row(tenant, change) if change.expected is None else {name: getattr(session, name) for name in _CHANGING},
        "attempts": [_attempt_row(tenant, session_id, change.attempt, change.attempt_id)] if change.attempt else [],
        "decisions": [_offer_row(tenant, session_id, offer) for offer in change.offers],
        "events": event_rows(tenant, session_id, change.events, change.now),
        "audits": [audit_row(tenant, session_id, each, change.now) for each in (change.audit, *change.also)],
    }


def _contact_row(session: Session, customer_id: str) -> dict[str, object]:
    return {"customer_email": session.customer_email, "customer_name": session.customer_name, "customer_id": customer_id}


def _found_row(session: Session) -> dict[str, object]:
    columns = {_COLUMN_OF.get(name, name): getattr(session, name) for name in _FOUND}
    return {**columns, **{name: session.facts.get(name) for name in _FOUND_FACTS}}


def _new_row(tenant: str, change: Change) -> dict[str, object]:
    row = {_COLUMN_OF.get(name, name): getattr(change.session, name) for name in _STATE}
    defaults: dict[str, object] = {"alternatives": [], "already_tried": [], "metadata": {}}
    return {**row, "tenant_id": tenant, **defaults, **_policy_row(change.offers), **change.session.facts}


def _policy_row(offers: tuple[Offer, ...]) -> dict[str, object]:
    """Columns of the policy with which a session, or its next guide, began; each later decision stores its own."""
    first = next((offer for offer in offers if offer.policy), None)
    return {"policy": first.policy if first else None, "policy_version": first.policy_version if first else None}


def _attempt_row(tenant: str, session_id: str, attempt: Attempt, attempt_id: UUID | None) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(attempt, name) for name in _ATTEMPT}
    return {**row, "id": attempt_id, "session_id": session_id, "tenant_id": tenant, "success": attempt.success}


def _offer_row(tenant: str, session_id: str, offer: Offer) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(offer, name) for name in _OFFER}
    return {**row, "session_id": session_id, "tenant_id": tenant}
