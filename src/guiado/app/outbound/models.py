"""Read models of what leaves guiado: endpoints, deliveries, notifications, recipients.

Source: contract.md §3.
"""

from __future__ import annotations

from datetime import datetime

from guiado.app.models import Model


class WebhookBody(Model):
    """An endpoint; its secret is shown once, when it is made or given. Of its headers the names are shown, the values masked."""

    webhook_id: str
    url: str
    events: list[str]
    headers: dict[str, str]
    timeout: float
    retry_attempts: int
    enabled: bool
    thin: bool
    max_per_second: float | None
    max_parallel: int
    disabled_reason: str | None
    created_at: datetime | None
    updated_at: datetime | None
    has_secret: bool
    secret: str | None = None


class StatsRow(Model):
    """What became of the deliveries to an endpoint."""

    webhook_id: str
    url: str
    events: list[str]
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


class DeliveryAttempt(Model):
    """One attempt to send an event."""

    id: str
    event_id: str | None
    event: str
    attempt: int
    success: bool
    response_status: int | None
    response_body: str | None
    error_message: str | None
    duration_ms: float | None
    sent_at: datetime


class TestResult(Model):
    """What came of a test event at one endpoint."""

    __test__ = False

    webhook_id: str
    success: bool
    status: str
    attempts: int
    response_status: int | None
    error: str | None


class NotificationRow(Model):
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
    due_at: datetime
    sent_at: datetime | None


class RecipientBody(Model):
    """Who is told of what, and how they want it. A recipient that is a URL is shown without its key."""

    channel: str
    recipient: str
    events: list[str]
    muted: list[str]
    language: str | None
    time_zone: str
    quiet_from: str | None
    quiet_to: str | None
    digest_minutes: int
    has_webhook_url: bool
