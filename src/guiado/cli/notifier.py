"""Notification and recipient operations of the terminal."""

from __future__ import annotations

from typing import Any

from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.models import plain
from guiado.app.outbound import notifications, recipients
from guiado.app.outbound.events import check_kind
from guiado.app.sessions.views import View
from guiado.app.validation import check
from guiado.sync import engine


def latest(given: View, session_id: str | None) -> list[View]:
    """The newest notifications; see `notifications.page`."""
    wanted = check(commands.NotificationPage, _given(given))

    async def run(work: UnitOfWork) -> list[View]:
        found, _ = await notifications.page(work, wanted, session_id=session_id)
        return [plain(row) for row in found]

    return engine().do_read(run)


def one(notification_id: str) -> View:
    """See `notifications.one`."""

    async def run(work: UnitOfWork) -> View:
        return plain(await notifications.one(work, notification_id))

    return engine().do_read(run)


def again(notification_id: str) -> int:
    """See `notifications.again`."""

    async def run(work: UnitOfWork) -> int:
        return await notifications.again(work, notification_id)

    return engine().do_write(run)


def retry(given: View) -> int:
    """See `notifications.retry`."""
    wanted = check(commands.RetryNotifications, _given(given))

    async def run(work: UnitOfWork) -> int:
        return await notifications.retry(work, wanted)

    return engine().do_write(run)


def send(given: View) -> View:
    """Store a message and wait for its first attempt; this process sends it if no other does."""
    command = check(commands.Notification, _given(given))

    async def run(work: UnitOfWork) -> View:
        stored, _ = await notifications.store(work, command)
        return plain(stored)

    stored = engine().do_write(run)
    told = engine().run(lambda parts: notifications.first_result(parts, stored["id"]))
    return {**stored, **{name: told[name] for name in ("status", "error_message", "note", "provider_message_id")}}


def told() -> list[View]:
    """List all recipients."""

    async def run(work: UnitOfWork) -> list[View]:
        return [plain(recipients.view(one)) for one in await recipients.every(work)]

    return engine().do_read(run)


def tell(given: View) -> View:
    """See `recipients.put`."""
    for kind in given["events"]:
        check_kind("--event", kind)
    command = check(commands.Recipient, _given(given))

    async def run(work: UnitOfWork) -> View:
        return plain(recipients.view(await recipients.put(work, command)))

    return engine().do_write(run)


def forget(channel: str, recipient: str) -> None:
    """See `recipients.remove`."""

    async def run(work: UnitOfWork) -> None:
        await recipients.remove(work, channel, recipient)

    engine().do_write(run)


def _given(options: View) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
