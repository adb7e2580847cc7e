"""Bodies of the events that webhooks receive, for the OpenAPI document.

Source: contract.md §3, `data`; `domain.events` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from guiado.domain.events import EventKind
from guiado.domain.session import Outcome


class EventData(msgspec.Struct, kw_only=True):
    """Fields in the data of every event."""

    session_id: str


class SessionStartedData(EventData):
    """Data of `session_started`: a customer began a session."""

    ticket_id: str | None
    customer_email: str | None
    problem_description: str
    detected_problem: str | None
    message_kind: str


class ProblemDetectedData(EventData):
    """Data of `problem_detected`: a known problem was recognised."""

    detected_problem: str
    problem_title: str
    confidence: float | None


class StepCompletedData(EventData):
    """Data of `step_completed`: a step was carried out."""

    step_number: int
    step_id: str
    success: bool
    outcome: Outcome


class StepFailedData(EventData):
    """Data of `step_failed`: a step could not be carried out."""

    step_number: int
    step_id: str
    notes: str | None
    outcome: Outcome


class RetryAttemptData(EventData):
    """Data of `retry_attempt`: a failed step is offered again."""

    step_number: int
    step_id: str
    attempt: int


class SessionResolvedData(EventData):
    """Data of `session_resolved`: the problem is solved."""

    ticket_id: str | None
    total_steps: int
    resolution: str | None
    resolved_by: str | None


class SessionEscalatedData(EventData):
    """Data of `session_escalated`: a person is needed."""

    ticket_id: str | None
    reason: str | None
    urgent: bool


class SessionAbandonedData(EventData):
    """Data of `session_abandoned`: the customer did not answer for too long."""

    ticket_id: str | None
    current_step: int
    ended_how: str


class FeedbackReceivedData(EventData):
    """Data of `feedback_received`: the customer rated the session."""

    ticket_id: str | None
    rating: int
    was_helpful: bool | None
    feedback_text: str | None


DATA: Mapping[EventKind, type[EventData]] = {
    EventKind.SESSION_STARTED: SessionStartedData,
    EventKind.STEP_COMPLETED: StepCompletedData,
    EventKind.STEP_FAILED: StepFailedData,
    EventKind.SESSION_RESOLVED: SessionResolvedData,
    EventKind.SESSION_ESCALATED: SessionEscalatedData,
    EventKind.FEEDBACK_RECEIVED: FeedbackReceivedData,
    EventKind.PROBLEM_DETECTED: ProblemDetectedData,
    EventKind.SESSION_ABANDONED: SessionAbandonedData,
    EventKind.RETRY_ATTEMPT: RetryAttemptData,
}


class EventBody(msgspec.Struct, kw_only=True):
    """The body of a delivery; `data` depends on the event."""

    event: EventKind
    timestamp: datetime
    data: EventData
    webhook_id: str
    signature: str | None = None
