"""What others are told about a session, and what the message says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guiado.domain.session import Attempt, Session


class EventKind(StrEnum):
    """The kinds of event; the value is what receivers see.

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
    """Something that happened, with what receivers get to know.

    Source: contract.md §3, `data`.
    """

    kind: EventKind
    data: dict[str, object]


def session_started(session: Session) -> Event:
    """A customer began."""
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
    """A known problem was recognised."""
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
    """A step was carried out, or could not be."""
    place = {"step_number": attempt.step_number, "step_id": attempt.step_id}
    data: dict[str, object] = {"session_id": session.session_id, **place}
    if attempt.success:
        return Event(EventKind.STEP_COMPLETED, {**data, "success": True, "outcome": attempt.outcome.value})
    return Event(EventKind.STEP_FAILED, {**data, "notes": attempt.notes, "outcome": attempt.outcome.value})


def retry_attempt(session: Session, attempt: Attempt, number: int) -> Event:
    """A step that failed is offered again; `number` counts the tries of this step, from 2."""
    place = {"step_number": attempt.step_number, "step_id": attempt.step_id}
    return Event(EventKind.RETRY_ATTEMPT, {"session_id": session.session_id, **place, "attempt": number})


def session_resolved(session: Session) -> Event:
    """The problem is solved; `resolution` tells whether somebody said so."""
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
    """A person is needed; `urgent` tells whether at once."""
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
    """Nothing was heard for too long."""
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
    """The customer rated the session."""
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
