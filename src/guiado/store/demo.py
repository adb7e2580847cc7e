"""Synthetic sessions: written by COPY with everything that hangs on a session, found by their mark, and removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guiado.store import schedule
from guiado.store.advisory_locks import DEMO
from guiado.store.connection import Connection
from guiado.store.queries import sql

SOURCE = "demo"
"""Value of `source` in every synthetic session; its `metadata` says `{"demo": true}` too, which no caller can."""
_TIMEOUT_S = 600.0


class StoredSession(NamedTuple):
    """A synthetic session."""

    session_id: UUID
    ticket_id: str | None
    customer_email: str | None
    customer_name: str | None
    problem_description: str
    detected_problem_id: str | None
    detected_problem_title: str | None
    status: str
    current_step: int
    total_steps: int
    started_at: datetime
    resolved_at: datetime | None
    escalated_at: datetime | None
    updated_at: datetime
    notes: str | None
    metadata: object
    version: int
    failures: int
    attempts: int
    decisions: int
    guide_version_id: UUID | None
    customer_id: str | None
    language: str
    channel: str
    source: str
    device: str | None
    product: str | None
    detector_version: str
    detection_confidence: float
    alternatives: object
    clarifications: object
    already_tried: object
    policy: str | None
    policy_version: str | None
    resolution: str | None
    ended_at: datetime | None
    ended_how: str | None
    ended_by: str | None
    escalation_reason: str | None
    recontact_until: datetime | None
    recontact_of: UUID | None
    true_problem_id: str | None
    true_step_id: str | None
    agent_minutes: float | None
    urgent: bool
    offered_step_id: str | None
    answers: object
    message_kind: str


class StoredDecision(NamedTuple):
    """An offer of a synthetic session."""

    session_id: UUID
    number: int
    offered_at: datetime
    kind: str
    step_number: int | None
    step_id: str | None
    step_revision: int | None
    candidates: object
    rule: str
    explored: bool
    probability: float
    policy: str | None
    policy_version: str | None


class StoredTry(NamedTuple):
    """An attempt of a synthetic session."""

    id: UUID
    session_id: UUID
    step_number: int
    step_title: str | None
    success: bool
    notes: str | None
    attempted_at: datetime
    duration_seconds: float
    step_type: str
    step_id: str
    step_revision: int
    outcome: str
    decision_number: int
    first_seen_at: datetime | None
    active_seconds: float | None
    source: str
    reason: str | None
    guide_version_id: UUID | None
    author_position: int | None


class StoredRating(NamedTuple):
    """A rating of a synthetic session."""

    id: UUID
    session_id: UUID
    ticket_id: str | None
    customer_email: str | None
    rating: int
    feedback_text: str | None
    was_helpful: bool | None
    problem_detected_id: str | None
    total_steps: int
    completed_steps: int
    resolved: bool
    collected_at: datetime


class StoredTicket(NamedTuple):
    """The ticket that a synthetic session was handed over with."""

    ticket_id: str
    customer_email: str | None
    customer_name: str | None
    subject: str
    description: str
    status: str
    notes: str | None
    session_id: UUID
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    metadata: object


@dataclass(slots=True)
class Batch:
    """Rows of some synthetic sessions, which are written together or not at all."""

    sessions: list[StoredSession] = field(default_factory=list[StoredSession])
    decisions: list[StoredDecision] = field(default_factory=list[StoredDecision])
    attempts: list[StoredTry] = field(default_factory=list[StoredTry])
    ratings: list[StoredRating] = field(default_factory=list[StoredRating])
    tickets: list[StoredTicket] = field(default_factory=list[StoredTicket])

    @property
    def days(self) -> list[date]:
        """The days whose figures these sessions are part of."""
        return sorted({row.started_at.date() for row in self.sessions})


async def take_turn(connection: Connection, tenant: str) -> bool:
    """Take the tenant's turn to load or remove synthetic sessions, until the transaction ends; False where another has it."""
    taken: bool = await connection.fetchval(sql("demo", "take_turn"), DEMO, tenant)
    return taken


async def may_copy(connection: Connection) -> bool:
    """Whether the connection's role may write by COPY: row-level security forbids it to all but the tables' owner."""
    may: bool = await connection.fetchval(sql("demo", "may_copy"))
    return may


async def has_real(connection: Connection, tenant: str) -> bool:
    """Whether there are sessions that are not synthetic."""
    has: bool = await connection.fetchval(sql("demo", "has_real"), tenant)
    return has


async def count(connection: Connection, tenant: str) -> int:
    """Number of synthetic sessions."""
    rows = await connection.fetch(sql("demo", "count"), tenant, timeout=_TIMEOUT_S)
    counted: int = rows[0]["count"]
    return counted


async def write(connection: Connection, tenant: str, batch: Batch) -> None:
    """Write a batch in the transaction of the connection, and mark the roll-ups of its days due.

    No event is written: an event is what gets sent.
    """
    await _begin(connection)
    # COPY is binary, and the connection's jsonb is text; both mean the same to whoever uses the connection next.
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary")
    for table, rows in (
        ("support_troubleshooting_sessions", batch.sessions),
        ("support_troubleshooting_decisions", batch.decisions),
        ("support_troubleshooting_attempts", batch.attempts),
        ("support_troubleshooting_feedback", batch.ratings),
        ("support_tickets", batch.tickets),
    ):
        await _copy(connection, tenant, table, rows)
    await connection.fetch(sql("demo", "index"), tenant, [row.session_id for row in batch.sessions], timeout=_TIMEOUT_S)
    await connection.fetch(sql("demo", "mark"), tenant, batch.days)


async def remove(connection: Connection, tenant: str, after: UUID, most: int) -> tuple[int, UUID | None]:
    """Remove up to `most` synthetic sessions with everything that hangs on them, and mark the roll-ups of their days due.

    Args:
        after: id of the last session of the batch before.

    Returns:
        Number of sessions removed, and the id of the last one.
    """
    await _begin(connection)
    found = await connection.fetch(sql("demo", "next"), tenant, after, most, timeout=_TIMEOUT_S)
    if not found:
        return 0, None
    ids = [row["session_id"] for row in found]
    for name in ("remove_events", "remove_examples", "remove_rows", "remove_tickets", "remove_sessions"):
        await connection.fetch(sql("demo", name), tenant, ids, timeout=_TIMEOUT_S)
    await connection.fetch(sql("demo", "mark"), tenant, sorted({row["day"] for row in found}))
    return len(ids), ids[-1]


async def _begin(connection: Connection) -> None:
    await schedule.as_owner(connection)
    await connection.execute(sql("demo", "begin"))


async def _copy(connection: Connection, tenant: str, table: str, rows: Sequence[NamedTuple]) -> None:
    if not rows:
        return
    columns = ("tenant_id", *rows[0]._fields)
    await connection.copy_records_to_table(table, records=_records(tenant, rows), columns=columns, timeout=_TIMEOUT_S)


def _records(tenant: str, rows: Iterable[NamedTuple]) -> Iterable[tuple[object, ...]]:
    return ((tenant, *row) for row in rows)


def _encode(value: object) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode(data: bytes) -> Any:  # noqa: ANN401
    return msgspec.json.decode(data[1:])
