"""Read models of outbound work: endpoints, deliveries, notifications, recipients.

Source: contract.md §3.
"""

from __future__ import annotations

from datetime import datetime

from guiado.app.models import Model
from guiado.store.notifications import NotificationRow as NotificationRow  # noqa: PLC0414 read models of this room too
from guiado.store.outbox import DeliveryAttempt as DeliveryAttempt  # noqa: PLC0414
from guiado.store.webhooks import StatsRow as StatsRow  # noqa: PLC0414


class WebhookBody(Model):
    """An endpoint; its secret is shown once, when made or given; credentials in its address and values of headers are masked."""

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


class TestResult(Model):
    """Result of the first delivery attempt of an event at one endpoint."""

    __test__ = False

    webhook_id: str
    success: bool
    status: str
    attempts: int
    response_status: int | None
    error: str | None


class RecipientBody(Model):
    """Notification preferences of a recipient. A recipient that is a URL is shown without its key."""

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
