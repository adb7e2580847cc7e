"""Ratings of sessions by their customers."""

from __future__ import annotations

from msgspec.structs import replace

from guiado import clock
from guiado.app.access.audit import audited_read, note_access
from guiado.app.commands import Rate
from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import load
from guiado.domain import events
from guiado.domain.learning_signal import withdrawn
from guiado.domain.session import Session, Status
from guiado.store import feedback
from guiado.store.configuration import is_on
from guiado.store.feedback import FeedbackBody

_ASKED_KEY = "feedback_collection_enabled"
_POOR = 2
"""Highest rating, of five, that says that the session did not help."""


async def rate(work: UnitOfWork, session_id: object, command: Rate) -> tuple[Session, FeedbackBody]:
    """Store the customer's rating of a session, in whatever state it is. The newest rating of a session counts.

    Raises:
        SessionNotFound: no session has this id.
    """
    loaded, _ = await load(work, session_id)
    session = loaded.session
    given = _feedback(session, command)
    event = events.feedback_received(session, command.rating, command.was_helpful, command.feedback_text)
    # Who was not helped did not confirm that the problem was the right one.
    lessons = (withdrawn("rated"),) if command.rating <= _POOR or command.was_helpful is False else ()
    feedback_id = await feedback.rate(work.connection, work.tenant, given, event, work.scope.audit("rate"), lessons)
    return session, replace(given, id=feedback_id)


async def is_asked_for(work: UnitOfWork) -> bool:
    """Whether customers are asked for a rating at the end: `feedback_collection_enabled`. What they give unasked is taken."""
    return await is_on(work.connection, work.tenant, _ASKED_KEY)


@audited_read
async def ratings(work: UnitOfWork, session_id: object) -> list[FeedbackBody]:
    """All ratings of a session, newest first.

    Raises:
        SessionNotFound: no session has this id.
    """
    loaded, _ = await load(work, session_id)
    found = await feedback.of_session(work.connection, work.tenant, loaded.session.session_id)
    await note_access(work, "session", [loaded.session.session_id])
    return found


def _feedback(session: Session, command: Rate) -> FeedbackBody:
    return FeedbackBody(
        session_id=session.session_id,
        ticket_id=session.ticket_id,
        customer_email=session.customer_email,
        rating=command.rating,
        feedback_text=command.feedback_text,
        was_helpful=command.was_helpful,
        problem_detected=session.problem_id,
        total_steps=session.total_steps,
        completed_steps=session.current_step,
        resolved=session.status is Status.RESOLVED,
        collected_at=clock.now(),
    )
