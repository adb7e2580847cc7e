"""Answers of the routes of webhooks, notifications and recipients.

Source: contract.md §3.
"""

from __future__ import annotations

from guiado.app.models import Model
from guiado.app.outbound.models import DeliveryAttempt, NotificationRow, RecipientBody, StatsRow, TestResult, WebhookBody


class WebhookOut(Model):
    """Answer to registering or changing an endpoint; `warning` says what keeps it from working."""

    success: bool
    webhook_id: str
    webhook: WebhookBody
    message: str
    warning: str | None = None


class WebhookFound(Model):
    """Answer with one endpoint."""

    success: bool
    webhook_id: str
    webhook: WebhookBody


class WebhookList(Model):
    """Answer with all endpoints."""

    success: bool
    webhooks: list[WebhookBody]
    total: int


class Done(Model):
    """Confirmation of a change that returns nothing else."""

    success: bool
    message: str


class WebhookStats(Model):
    """Figures of the deliveries to an endpoint."""

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
    """Number of deliveries to one endpoint that are queued again."""

    success: bool
    webhook_id: str
    replayed: int
    message: str


class ReplayedOne(Model):
    """Number of deliveries to one of several endpoints that are queued again."""

    webhook_id: str
    replayed: int


class ReplayedAll(Model):
    """Number of deliveries that are queued again, in all and for each endpoint; `disabled` endpoints get nothing."""

    success: bool
    replayed: int
    webhooks: list[ReplayedOne]
    disabled: list[str]
    message: str


class Tested(Model):
    """Result of a test event at an endpoint; `success` is that of its first attempt."""

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
    """Answer to storing a notification; `message` says whether it is on its way or what it waits for."""

    success: bool
    notification: NotificationRow
    message: str


class NotificationsRetried(Model):
    """Number of notifications that are queued again."""

    success: bool
    retried: int
    message: str


class RecipientOut(Model):
    """Answer to storing a recipient; `warning` says what keeps messages from its address."""

    success: bool
    recipient: RecipientBody
    warning: str | None = None


class RecipientList(Model):
    """Answer with all recipients."""

    success: bool
    recipients: list[RecipientBody]
    total: int
