"""TroubleshootingNotificationManager: messages to people and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from guiado.agent.arguments import items_of, kind_problem, object_of, value_of
from guiado.agent.engine import Facade
from guiado.app import commands, notifications
from guiado.app.fields import check, check_with, email_problem
from guiado.app.parts import Parts
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message
from guiado.store.database import Connection

_PENDING = "Guardado y pendiente de envío."


class NotificationChannel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"
    WEBHOOK = "webhook"


class NotificationPriority(StrEnum):
    """How much it matters; urgent passes quiet hours."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class NotificationConfig:
    """Where a message goes and how.

    Args:
        recipient: address, number or channel name.
        template: id of a message template; without one the context's `subject` and `body` are sent.
        metadata: `webhook_url` for Slack, Teams and Discord.
    """

    channel: NotificationChannel | str
    recipient: str
    template: str | None = None
    priority: NotificationPriority | str = NotificationPriority.NORMAL
    metadata: Mapping[str, Any] | None = None


_NEEDS_URL = (NotificationChannel.SLACK, NotificationChannel.TEAMS, NotificationChannel.DISCORD, NotificationChannel.WEBHOOK)


class TroubleshootingNotificationManager(Facade):
    """Writes messages and stores them to be sent."""

    def register_template(self, template_id: str, subject: str, body: str) -> None:
        """Store a message template with `{placeholders}`; the same id again replaces it.

        Raises:
            ValueError: names every bad field with the remedy.
        """
        command = check(commands.MessageTemplate, {"template_id": template_id, "subject": subject, "body": body})

        async def run(parts: Parts, connection: Connection) -> None:
            await notifications.register_template(parts, connection, command.template_id, command.subject, command.body)

        self._engine.write(run)

    def send_notification(self, config: NotificationConfig, context: Mapping[str, Any]) -> dict[str, Any]:
        """Write a message for this context and store it.

        Returns:
            `success channel recipient …`; `success` is False with an `error` that says why.
        """
        shown = {name: value_of(getattr(config, name, None)) for name in ("channel", "recipient")}

        async def run(parts: Parts, connection: Connection) -> dict[str, Any]:
            return await self._store(parts, connection, config, context)

        try:
            _check(config, context)
            stored = self._engine.write(run)
        except GuiadoError as error:
            return {"success": False, **shown, "error": str(error)}
        return {"success": False, **shown, "notification_id": stored["id"], "status": stored["status"], "error": _PENDING}

    def send_bulk_notifications(self, configs: Sequence[NotificationConfig], context: Mapping[str, Any]) -> list[dict[str, Any]]:
        """`send_notification` for each of the configurations; one that fails does not stop the others.

        Raises:
            ValueError: `configs` is no list.
        """
        return [self.send_notification(config, context) for config in items_of("configs", configs)]

    @staticmethod
    async def _store(
        parts: Parts, connection: Connection, config: NotificationConfig, context: Mapping[str, Any]
    ) -> dict[str, Any]:
        written = await notifications.write(parts, connection, config.template, context)
        given = {
            "notification_type": config.template or "custom",
            "channel": value_of(config.channel),
            "recipient": config.recipient,
            "priority": value_of(config.priority),
            "subject": " ".join(written.subject.split())[:200] or None,  # a customer's words may have several lines
            "message": written.body[:5_000] or None,
        }
        stored = await notifications.store(parts, connection, check(commands.Notification, given), config.metadata)
        return {"id": stored["id"], "status": stored["status"]}


def _check(config: NotificationConfig, context: Mapping[str, Any]) -> None:
    config = object_of("config", config, NotificationConfig, "NotificationConfig(channel=…, recipient=…)")
    given = {
        "notification_type": "custom",
        "channel": value_of(config.channel),
        "recipient": config.recipient,
        "priority": value_of(config.priority),
    }
    url, email = _url_problem(config), config.recipient if config.channel == NotificationChannel.EMAIL else None
    more = [
        kind_problem("template", config.template, str, optional=True),
        kind_problem("context", context, Mapping),
        kind_problem("metadata", config.metadata, Mapping, optional=True),
        email_problem("recipient", email) if isinstance(email, str) else None,
        url,
    ]
    check_with(commands.Notification, given, [problem for problem in more if problem])


def _url_problem(config: NotificationConfig) -> FieldProblem | None:
    """What is wrong with the address of a channel that has one."""
    from guiado.delivery.urls import check_url

    metadata = cast("object", config.metadata or {})
    if value_of(config.channel) not in _NEEDS_URL or not isinstance(metadata, Mapping):
        return None
    url = cast("Mapping[str, object]", metadata).get("webhook_url")
    if not isinstance(url, str) or not url:
        return FieldProblem("metadata.webhook_url", Message("Falta la dirección del canal. Indícala."))
    try:
        check_url(url)
    except InvalidInput as error:
        return FieldProblem("metadata.webhook_url", error.problems[0].message)
    return None
