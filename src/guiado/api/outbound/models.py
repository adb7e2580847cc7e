"""Answers of the routes of webhooks, notifications and recipients.

Source: contract.md §3.
"""

from __future__ import annotations

from guiado.app.models import Model
from guiado.app.outbound.models import DeliveryAttempt, NotificationRow, RecipientBody, StatsRow, TestResult, WebhookBody


class WebhookOut(Model):
    """An endpoint that was registered or changed; `warning` says what keeps it from working."""

    success: bool
    webhook_id: str
    webhook: WebhookBody
    message: str
    warning: str | None = None


class WebhookFound(Model):
    """One endpoint."""

    success: bool
    webhook_id: str
    webhook: WebhookBody


class WebhookList(Model):
    """All endpoints."""

    success: bool
    webhooks: list[WebhookBody]
    total: int


class Done(Model):
    """Something was done."""

    success: bool
    message: str


class WebhookStats(Model):
    """What became of the deliveries to an endpoint."""

    success: bool
    webhook_id: str
    stats: StatsRow


class WebhookAttempts(Model):
    """A page of the attempts at an endpoint, newest first; `next_cursor` leads to the next one."""

    success: bool
    webhook_id: str
    attempts: list[DeliveryAttempt]
    total: int
    next_cursor: str | None = None


class Replayed(Model):
    """How much is on its way again."""

    success: bool
    webhook_id: str
    replayed: int
    message: str


class ReplayedOne(Model):
    """How much is on its way again to one endpoint."""

    webhook_id: str
    replayed: int


class ReplayedAll(Model):
    """How much is on its way again, in all and to each endpoint; `disabled` got nothing."""

    success: bool
    replayed: int
    webhooks: list[ReplayedOne]
    disabled: list[str]
    message: str


class Tested(Model):
    """What came of a test event; `success` is that of its first attempt."""

    success: bool
    webhook_id: str
    event_id: str
    results: list[TestResult]


class NotificationList(Model):
    """A page of notifications, newest first; `next_cursor` leads to the next one."""

    success: bool
    notifications: list[NotificationRow]
    next_cursor: str | None


class NotificationOut(Model):
    """A notification that was stored; `message` says whether it is on its way or what it waits for."""

    success: bool
    notification: NotificationRow
    message: str


class NotificationsRetried(Model):
    """How many notifications are on their way again."""

    success: bool
    retried: int
    message: str


class RecipientOut(Model):
    """A recipient that was stored; `warning` says what keeps messages from its address."""

    success: bool
    recipient: RecipientBody
    warning: str | None = None


class RecipientList(Model):
    """Everybody who is told something."""

    success: bool
    recipients: list[RecipientBody]
    total: int
