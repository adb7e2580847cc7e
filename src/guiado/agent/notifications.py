"""TroubleshootingNotificationManager: messages to people and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from guiado.agent.engine import Facade
from guiado.app import commands, notifications
from guiado.app.fields import check
from guiado.app.parts import Parts
from guiado.errors import GuiadoError
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


_NEEDS_URL = {NotificationChannel.SLACK, NotificationChannel.TEAMS, NotificationChannel.DISCORD, NotificationChannel.WEBHOOK}


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
        shown = {"channel": str(config.channel), "recipient": str(config.recipient)}
        url = (config.metadata or {}).get("webhook_url")
        if config.channel in _NEEDS_URL and not url:
            return {"success": False, **shown, "error": "metadata.webhook_url: falta la dirección del canal. Indícala."}

        async def run(parts: Parts, connection: Connection) -> dict[str, Any]:
            return await self._store(parts, connection, config, context)

        try:
            stored = self._engine.write(run)
        except GuiadoError as error:
            return {"success": False, **shown, "error": str(error)}
        return {"success": False, **shown, "notification_id": stored["id"], "status": stored["status"], "error": _PENDING}

    def send_bulk_notifications(self, configs: Sequence[NotificationConfig], context: Mapping[str, Any]) -> list[dict[str, Any]]:
        """`send_notification` for each of the configurations; one that fails does not stop the others."""
        return [self.send_notification(config, context) for config in configs]

    @staticmethod
    async def _store(
        parts: Parts, connection: Connection, config: NotificationConfig, context: Mapping[str, Any]
    ) -> dict[str, Any]:
        written = await notifications.write(parts, connection, config.template, context)
        given = {
            "notification_type": config.template or "custom",
            "channel": str(config.channel),
            "recipient": config.recipient,
            "priority": str(config.priority),
            "subject": " ".join(written.subject.split())[:200] or None,  # a customer's words may have several lines
            "message": written.body[:5_000] or None,
        }
        stored = await notifications.store(parts, connection, check(commands.Notification, given), config.metadata)
        return {"id": stored["id"], "status": stored["status"]}
