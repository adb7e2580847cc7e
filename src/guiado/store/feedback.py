"""Ratings of sessions; the newest one counts, the older ones stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from guiado import clock
from guiado.domain.events import Event
from guiado.domain.learning_signal import Lesson
from guiado.store.connection import Connection, Row
from guiado.store.lesson_rows import lesson_rows
from guiado.store.log_rows import Audit, audit_row, event_rows
from guiado.store.queries import sql


class FeedbackBody(Struct, frozen=True):
    """One rating of a session.

    Args:
        rating: 1..5.
        problem_detected: id of the problem that the session was about.
        completed_steps: steps passed at the time of the rating.
    """

    session_id: str
    ticket_id: str | None
    customer_email: str | None
    rating: int
    feedback_text: str | None
    was_helpful: bool | None
    problem_detected: str | None
    total_steps: int
    completed_steps: int
    resolved: bool
    collected_at: datetime
    id: str | None = None


async def rate(
    connection: Connection, tenant: str, feedback: FeedbackBody, event: Event, audit: Audit, lessons: Sequence[Lesson] = ()
) -> str:
    """Store a rating with its event and its lessons.

    Returns:
        Id of the row.
    """
    feedback_id, now = clock.new_id(), feedback.collected_at
    row: dict[str, object] = asdict(feedback)
    row["problem_detected_id"] = row.pop("problem_detected")
    change: dict[str, object] = {
        "feedback": {**row, "id": feedback_id, "tenant_id": tenant, "is_current": True},
        "events": event_rows(tenant, feedback.session_id, (event,), now),
        "audits": [audit_row(tenant, feedback.session_id, audit, now)],
    }
    if lessons:
        change["learning"] = lesson_rows(lessons, now)
    await connection.execute(sql("feedback", "rate"), tenant, change)
    return str(feedback_id)


async def of_session(connection: Connection, tenant: str, session_id: str) -> list[FeedbackBody]:
    """All ratings of a session, newest first."""
    rows = await connection.fetch(sql("feedback", "all"), tenant, UUID(session_id))
    return [_feedback(row) for row in rows]


def _feedback(row: Row) -> FeedbackBody:
    names = [name for name in FeedbackBody.__struct_fields__ if name not in {"session_id", "problem_detected"}]
    values = {name: row[name] for name in names}
    values["id"] = str(values["id"])
    return FeedbackBody(session_id=str(row["session_id"]), problem_detected=row["problem_detected_id"], **values)
