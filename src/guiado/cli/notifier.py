"""Notification and recipient operations of the terminal."""

from __future__ import annotations

from typing import Any

from guiado.app import commands
from guiado.app.context import AppContext
from guiado.app.outbound import notifications, recipients
from guiado.app.outbound.events import check_kind
from guiado.app.sessions.views import View
from guiado.app.validation import check
from guiado.store.database import Connection
from guiado.sync import engine


def latest(given: View, session_id: str | None) -> list[View]:
    """The newest notifications; see `notifications.page`."""
    wanted = check(commands.NotificationPage, _given(given))

    async def run(parts: AppContext, connection: Connection) -> list[View]:
        found, _ = await notifications.page(parts, connection, wanted, session_id=session_id)
        return found

    return engine().read(run)


def one(notification_id: str) -> View:
    """See `notifications.one`."""

    async def run(parts: AppContext, connection: Connection) -> View:
        return await notifications.one(parts, connection, notification_id)

    return engine().read(run)


def again(notification_id: str) -> int:
    """See `notifications.again`."""

    async def run(parts: AppContext, connection: Connection) -> int:
        return await notifications.again(parts, connection, notification_id)

    return engine().write(run)


def retry(given: View) -> int:
    """See `notifications.retry`."""
    wanted = check(commands.RetryNotifications, _given(given))

    async def run(parts: AppContext, connection: Connection) -> int:
        return await notifications.retry(parts, connection, wanted)

    return engine().write(run)


def send(given: View) -> View:
    """Store a message and wait for its first attempt; this process sends it if no other does."""
    command = check(commands.Notification, _given(given))

    async def run(parts: AppContext, connection: Connection) -> View:
        stored, _ = await notifications.store(parts, connection, command)
        return stored

    stored = engine().write(run)
    told = engine().run(lambda parts: notifications.first_result(parts, stored["id"]))
    return {**stored, **{name: told[name] for name in ("status", "error_message", "note", "provider_message_id")}}


def told() -> list[View]:
    """List all recipients."""

    async def run(parts: AppContext, connection: Connection) -> list[View]:
        return [recipients.view(one) for one in await recipients.every(parts, connection)]

    return engine().read(run)


def tell(given: View) -> View:
    """See `recipients.put`."""
    for kind in given["events"]:
        check_kind("--event", kind)
    command = check(commands.Recipient, _given(given))

    async def run(parts: AppContext, connection: Connection) -> View:
        return recipients.view(await recipients.put(parts, connection, command))

    return engine().write(run)


def forget(channel: str, recipient: str) -> None:
    """See `recipients.remove`."""

    async def run(parts: AppContext, connection: Connection) -> None:
        await recipients.remove(parts, connection, channel, recipient)

    engine().write(run)


def _given(options: View) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
