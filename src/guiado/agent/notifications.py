"""TroubleshootingNotificationManager: messages to people and channels, and the preferences of recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import EnumType, StrEnum
from typing import TYPE_CHECKING, Any

from guiado.agent.arguments import items_of, kind_problem, object_of, value_of
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.knowledge.entry_reader import is_storable
from guiado.app.models import plain
from guiado.app.outbound import notifications, recipients
from guiado.app.outbound.recipient_address import missing_url_problem, target_problems
from guiado.app.validation import check, check_with
from guiado.delivery.channels import names
from guiado.delivery.channels.common.address import url_problem
from guiado.delivery.channels.common.base import one_line, plain_text
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message
from guiado.sync import Facade
from guiado.text.json_shapes import is_mapping

_PENDING = "Guardado y pendiente de envío."


if TYPE_CHECKING:

    class _Named(EnumType):
        """Metaclass for type checkers, which cannot know the files of the channels: any name is a member."""

        def __getattr__(cls, name: str) -> NotificationChannel: ...
else:
    _Named = EnumType


class NotificationChannel(StrEnum, metaclass=_Named):
    """Channel of a message: a member for each channel, by its name in capitals."""

    vars().update({name.upper(): name for name in names()})


class NotificationPriority(StrEnum):
    """Priority of a message; urgent passes quiet hours."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class NotificationConfig:
    """Channel, recipient, template and priority of a message.

    Args:
        recipient: address, number or channel name.
        template: id of a message template; without one the context's `subject` and `body` are sent.
        metadata: `webhook_url` for Slack, Teams and Discord.
    """

    channel: NotificationChannel | str
    recipient: str
    template: str | None = None
    priority: NotificationPriority | str = NotificationPriority.NORMAL
    metadata: Mapping[str, object] | None = None


class TroubleshootingNotificationManager(Facade):
    """Writes and stores messages, and returns the result of the first delivery attempt of each."""

    def register_template(self, template_id: str, subject: str, body: str) -> None:
        """Store a message template with `{placeholders}`; the same id again replaces it.

        Raises:
            ValueError: names every bad field with the remedy.
        """
        command = check(commands.SetMessageTemplate, {"template_id": template_id, "subject": subject, "body": body})
        self._door.write(notifications.register_template, command.template_id, command.subject, command.body)

    def send_notification(self, config: NotificationConfig, context: Mapping[str, object]) -> dict[str, Any]:
        """Write a message for this context, store it, and wait for its first delivery attempt.

        A delivery that fails and may yet succeed is tried again in the background.

        Returns:
            `success channel recipient notification_id status …`; `success` is False with an `error` that says why.
        """
        return self._first_result(self._store(config, context))

    def send_bulk_notifications(
        self, configs: Sequence[NotificationConfig], context: Mapping[str, object]
    ) -> list[dict[str, Any]]:
        """`send_notification` for each of the configurations, all at a time; one that fails does not stop the others.

        Raises:
            ValueError: `configs` is no list.
        """
        stored = [self._store(config, context) for config in items_of("configs", configs)]
        return [self._first_result(one) for one in stored]

    @property
    def recipients(self) -> list[dict[str, Any]]:
        """The recipients with their notification preferences."""
        return [plain(recipients.view(one)) for one in self._door.read(recipients.every)]

    def set_recipient(self, channel: NotificationChannel | str, recipient: str, **wishes: Any) -> None:  # noqa: ANN401 fields of the command
        """Store the notification preferences of a recipient; the same channel and recipient again replaces them.

        Args:
            wishes: `events muted language time_zone quiet_from quiet_to digest_minutes webhook_url secret`.

        Raises:
            ValueError: names every bad field with the remedy.
        """
        wishes = {**wishes, "events": [value_of(event) for event in wishes.get("events") or ()]}
        command = check(commands.Recipient, {"channel": value_of(channel), "recipient": recipient, **wishes})
        self._door.write(recipients.put, command)

    def remove_recipient(self, channel: NotificationChannel | str, recipient: str) -> bool:
        """Remove a recipient.

        Returns:
            Whether there was one.
        """
        try:
            self._door.write(recipients.remove, str(value_of(channel)), str(recipient))
        except InvalidInput:
            return False
        return True

    def _store(self, config: NotificationConfig, context: Mapping[str, object]) -> dict[str, Any]:
        shown = {name: value_of(getattr(config, name, None)) for name in ("channel", "recipient")}
        try:
            return {"success": False, **shown, **self._door.write(_store, config, context)}
        except GuiadoError as error:
            return {"success": False, **shown, "error": str(error)}

    def _first_result(self, stored: dict[str, Any]) -> dict[str, Any]:
        if "notification_id" not in stored:
            return stored
        found = self._engine.run(lambda parts: notifications.first_result(parts, stored["notification_id"]))
        told = {**stored, "success": found["status"] == "sent", "status": found["status"]}
        if told["success"]:
            return {**told, "provider_message_id": found["provider_message_id"], "note": found["note"]}
        return {**told, "error": found["error_message"] or found["note"] or _PENDING}


async def _store(work: UnitOfWork, config: NotificationConfig, context: Mapping[str, object]) -> dict[str, Any]:
    stored_url = await _stored_url(work, config)
    _check(config, context, stored_url, has_account=work.app.has_account(value_of(getattr(config, "channel", None))))
    preferred = await recipients.language(work, str(value_of(config.channel)), config.recipient)
    language = preferred or notifications.language_in(context)
    channel = str(value_of(config.channel))
    written = await notifications.write(work, config.template, context, language, channel)
    given = {
        "notification_type": config.template or "custom",
        "channel": value_of(config.channel),
        "recipient": config.recipient,
        "priority": value_of(config.priority),
        "subject": " ".join(one_line(written.subject).split())[:200] or None,  # a customer's words may have several lines
        "message": plain_text(written.body)[:5_000] or None,
    }
    metadata = {**(config.metadata or {}), "language": language}
    stored, is_repeated = await notifications.store(work, check(commands.Notification, given), metadata)
    return {"notification_id": stored.id, "status": stored.status, **({"duplicate": True} if is_repeated else {})}


async def _stored_url(work: UnitOfWork, config: NotificationConfig) -> str | None:
    """The webhook address that is stored for this recipient, if any."""
    channel, recipient = (value_of(getattr(config, name, None)) for name in ("channel", "recipient"))
    if not (isinstance(channel, str) and isinstance(recipient, str) and is_storable(channel) and is_storable(recipient)):
        return None
    return (await recipients.find(work, channel, recipient)).options.get("webhook_url")


def _check(config: NotificationConfig, context: Mapping[str, object], stored_url: str | None, *, has_account: bool) -> None:
    config = object_of("config", config, NotificationConfig, "NotificationConfig(channel=…, recipient=…)")
    given = {
        "notification_type": "custom",
        "channel": value_of(config.channel),
        "recipient": config.recipient,
        "priority": value_of(config.priority),
    }
    more = [
        _channel_problem(given["channel"]),
        kind_problem("template", config.template, str, optional=True),
        kind_problem("context", context, Mapping),
        kind_problem("metadata", config.metadata, Mapping, optional=True),
        *target_problems(given["channel"], config.recipient),
        _url_problem(config, stored_url, has_account=has_account),
    ]
    check_with(commands.Notification, given, [problem for problem in more if problem])


def _channel_problem(channel: object) -> FieldProblem | None:
    """The problem of a missing channel, if any: over REST it means mail, but here every message names its channel."""
    is_blank = channel is None or (isinstance(channel, str) and not channel.strip())
    return FieldProblem("channel", Message("Falta este campo. Agrégalo."), "missing") if is_blank else None


def _url_problem(config: NotificationConfig, stored_url: str | None, *, has_account: bool) -> FieldProblem | None:
    """The problem of the webhook address of a channel that has one, if any; an address given as None is missing."""
    name, given = "metadata.webhook_url", config.metadata or {}
    if not is_mapping(given):
        return None
    url = given.get("webhook_url")
    if isinstance(url, str) and url:
        return url_problem(name, url)
    is_left_out = "webhook_url" not in given
    known_url = stored_url if is_left_out else None
    missing = missing_url_problem(value_of(config.channel), config.recipient, known_url, has_account=has_account and is_left_out)
    return FieldProblem(name, missing.message) if missing else None
