"""Events of a session, and the data that their receivers get."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guiado.domain.session import Attempt, Session


class EventKind(StrEnum):
    """Kind of an event; receivers get its value.

    Source: contract.md §1, WebhookEvent.
    """

    SESSION_STARTED = "session_started"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    SESSION_RESOLVED = "session_resolved"
    SESSION_ESCALATED = "session_escalated"
    FEEDBACK_RECEIVED = "feedback_received"
    PROBLEM_DETECTED = "problem_detected"
    SESSION_ABANDONED = "session_abandoned"
    RETRY_ATTEMPT = "retry_attempt"


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a session, with the data for its receivers.

    Source: contract.md §3, `data`.
    """

    kind: EventKind
    data: dict[str, object]


def session_started(session: Session) -> Event:
    """The event of a new session."""
    return Event(
        EventKind.SESSION_STARTED,
        {
            "session_id": session.session_id,
            "ticket_id": session.ticket_id,
            "customer_email": session.customer_email,
            "problem_description": session.problem_description,
            "detected_problem": session.problem_id,
            "message_kind": session.message_kind.value,
        },
    )


def problem_detected(session: Session) -> Event:
    """The event of a recognised problem."""
    return Event(
        EventKind.PROBLEM_DETECTED,
        {
            "session_id": session.session_id,
            "detected_problem": session.problem_id,
            "problem_title": session.problem_title,
            "confidence": session.facts.get("detection_confidence"),
        },
    )


def step_answered(session: Session, attempt: Attempt) -> Event:
    """The event of an attempt at a step: completed, or failed."""
    place = {"step_number": attempt.step_number, "step_id": attempt.step_id}
    data: dict[str, object] = {"session_id": session.session_id, **place}
    if attempt.success:
        return Event(EventKind.STEP_COMPLETED, {**data, "success": True, "outcome": attempt.outcome.value})
    return Event(EventKind.STEP_FAILED, {**data, "notes": attempt.notes, "outcome": attempt.outcome.value})


def retry_attempt(session: Session, attempt: Attempt, number: int) -> Event:
    """The event of a failed step that is offered again; `number` counts the tries of this step, from 2."""
    place = {"step_number": attempt.step_number, "step_id": attempt.step_id}
    return Event(EventKind.RETRY_ATTEMPT, {"session_id": session.session_id, **place, "attempt": number})


def session_resolved(session: Session) -> Event:
    """The event of a resolved session; `resolution` tells whether it is confirmed or assumed."""
    return Event(
        EventKind.SESSION_RESOLVED,
        {
            "session_id": session.session_id,
            "ticket_id": session.ticket_id,
            "total_steps": session.total_steps,
            "resolution": session.resolution,
            "resolved_by": session.ended_by,
        },
    )


def session_escalated(session: Session) -> Event:
    """The event of a session that needs a person; `urgent` tells whether at once."""
    return Event(
        EventKind.SESSION_ESCALATED,
        {
            "session_id": session.session_id,
            "ticket_id": session.ticket_id,
            "reason": session.escalation_reason,
            "urgent": session.urgent,
        },
    )


def session_abandoned(session: Session) -> Event:
    """The event of a session that was abandoned, or expired while it waited for a person."""
    return Event(
        EventKind.SESSION_ABANDONED,
        {
            "session_id": session.session_id,
            "ticket_id": session.ticket_id,
            "current_step": session.current_step,
            "ended_how": session.ended_how,
        },
    )


def feedback_received(session: Session, rating: int, was_helpful: bool | None, feedback_text: str | None) -> Event:
    """The event of a customer's rating of the session."""
    return Event(
        EventKind.FEEDBACK_RECEIVED,
        {
            "session_id": session.session_id,
            "ticket_id": session.ticket_id,
            "rating": rating,
            "was_helpful": was_helpful,
            "feedback_text": feedback_text,
        },
    )
