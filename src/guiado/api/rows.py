"""What lists and maps in the API's answers hold, so that a generated client knows it by name and type.

The rows themselves come from the store and the views as they are; a test compares their names with the ones here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from guiado.domain.events import EventKind
from guiado.domain.session import Status


def shown(rows: object) -> Any:  # noqa: ANN401
    """Rows as the store or a view made them: they are encoded as they are."""
    return rows


class Row(msgspec.Struct, kw_only=True):
    """Base of every row."""


class FieldError(Row):
    """What is wrong with one field or parameter."""

    field: str
    code: str
    message: str


class ResourceRow(Row):
    """A page or file that helps with a step."""

    title: str
    url: str


class SaidRow(Row):
    """Words of the customer."""

    words: str


class SessionRow(Row):
    """A session in a list."""

    session_id: str
    ticket_id: str | None
    customer_email: str
    customer_name: str | None
    problem_description: str
    detected_problem_id: str | None
    detected_problem_title: str | None
    status: Status
    current_step: int
    total_steps: int
    started_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    escalated_at: datetime | None
    escalation_reason: str | None
    resolution: str | None


class ActiveRow(Row):
    """A session that goes on right now."""

    session_id: str
    detected_problem_id: str | None
    detected_problem_title: str | None
    status: Status
    current_step: int
    total_steps: int
    started_at: datetime
    updated_at: datetime
    idle_minutes: float


class TopProblem(Row):
    """A problem that is met often."""

    detected_problem_id: str
    detected_problem_title: str | None
    total_sessions: int
    resolved: int


class ConsideredRow(Row):
    """A problem that was considered."""

    problem_id: str
    confidence: float
    words: list[str] = []


class ChoiceRow(Row):
    """A problem that was offered."""

    problem_id: str
    title: str
    example: str | None
    confidence: float


class HeardRow(Row):
    """What was asked about the problem, and what the customer said."""

    options: list[ChoiceRow]
    question: str | None
    rejected: str | None
    said: dict[str, Any] | None


class StatsRow(Row):
    """What became of the deliveries to an endpoint."""

    webhook_id: str
    url: str
    events: list[EventKind]
    enabled: bool
    total_deliveries: int
    pending: int
    delivered: int
    exhausted: int
    cancelled: int
    total_attempts: int
    successful_attempts: int
    failed_attempts: int
    success_rate: float
    avg_duration_ms: float | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None


class DeliveryAttempt(Row):
    """One attempt to send an event."""

    id: str
    event_id: str
    event: str
    attempt: int
    success: bool
    response_status: int | None
    response_body: str | None
    error_message: str | None
    duration_ms: float | None
    sent_at: datetime


class TestResult(Row):
    """What came of a test event at one endpoint."""

    __test__ = False

    webhook_id: str
    success: bool
    status: str
    attempts: int
    response_status: int | None
    error: str | None


class TemplateRow(Row):
    """A template in a list."""

    template_id: str
    name: str
    description: str
    category: str
    variables_count: int
    steps_count: int


class VariableRow(Row):
    """One variable of a template."""

    name: str
    description: str = ""
    required: bool = False
    type: str = "string"
    default: str | None = None


class StepText(Row):
    """A step of a template or of the guide that it makes."""

    title: str
    step_number: int | None = None
    description: str | None = None
    instructions: list[str] = []
    expected_result: str | None = None
    warnings: list[str] = []
    resources: list[ResourceRow] = []


class TemplateWhole(Row):
    """A template with its variables and steps."""

    name: str
    category: str
    variables: list[VariableRow]
    steps_template: list[StepText]
    template_id: str | None = None
    description: str | None = None
    problem_title: str | None = None
    problem_description: str | None = None
    metadata: dict[str, Any] | None = None


class RenderedGuide(Row):
    """The guide that a template made."""

    template_id: str
    problem_title: str
    problem_description: str
    category: str
    steps: list[StepText]
    metadata: dict[str, Any] | None = None


class NotificationRow(Row):
    """A message to one recipient, and what became of it."""

    id: str
    session_id: str | None
    notification_type: str
    channel: str
    recipient: str
    priority: str
    subject: str | None
    message: str | None
    status: str
    error_message: str | None
    note: str | None
    attempts: int
    provider_message_id: str | None
    created_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
