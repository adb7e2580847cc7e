"""What the terminal asks of guiado about events and webhooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from guiado import clock
from guiado.agent.engine import engine
from guiado.app import commands, events, webhooks
from guiado.app.fields import check, check_with
from guiado.app.parts import Parts
from guiado.app.views import View
from guiado.store.database import Connection
from guiado.store.registry import Endpoint

_LOOK_S = 0.5


def registered() -> list[View]:
    """Every endpoint, without its secret."""

    async def run(parts: Parts, connection: Connection) -> list[View]:
        return [webhooks.view(endpoint) for endpoint in await webhooks.every(parts, connection)]

    return engine().read(run)


def register(given: View) -> View:
    """Register an endpoint.

    Returns:
        It, with its secret: the only time that it is shown.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    for kind in given["events"]:
        events.check_kind("--event", kind)
    command = check_with(commands.Webhook, given, webhooks.problems(given))

    async def run(parts: Parts, connection: Connection) -> View:
        return _told(await webhooks.register(parts, connection, command, make_secret=True))

    return engine().write(run)


def rotate(webhook_id: str, secret: str | None, overlap_hours: float) -> View:
    """Give an endpoint a new secret; see `register`."""
    command = check(commands.Rotate, {"secret": secret, "overlap_hours": overlap_hours})

    async def run(parts: Parts, connection: Connection) -> View:
        return _told(await webhooks.rotate(parts, connection, webhook_id, command))

    return engine().write(run)


def _told(endpoint: Endpoint) -> View:
    return {"webhook_id": endpoint.webhook_id, "url": endpoint.url, "secret": endpoint.secret}


def switch(webhook_id: str, *, enabled: bool) -> None:
    """Begin or cease to send to an endpoint."""

    async def run(parts: Parts, connection: Connection) -> None:
        await webhooks.switch(parts, connection, webhook_id, enabled=enabled)

    engine().write(run)


def remove(webhook_id: str) -> None:
    """Remove an endpoint; what was still to be sent to it is cancelled."""

    async def run(parts: Parts, connection: Connection) -> None:
        await webhooks.remove(parts, connection, webhook_id)

    engine().write(run)


def test(webhook_id: str) -> View:
    """Send a test event the way of all others, and wait for the first attempt; this process sends where no other does."""

    async def run(parts: Parts, connection: Connection) -> str:
        return await webhooks.test(parts, connection, webhook_id)

    event_id = engine().write(run)
    (result,) = engine().run(lambda parts: webhooks.first_results(parts, event_id))
    return {**result, "event_id": event_id}


def attempts(webhook_id: str, limit: int) -> list[View]:
    """The latest attempts at an endpoint, newest first."""

    async def run(parts: Parts, connection: Connection) -> list[View]:
        return await webhooks.attempts(parts, connection, webhook_id, limit)

    return engine().read(run)


def replay(given: View, webhook_id: str | None) -> int:
    """See `events.replay`."""
    command = check(commands.Replay, {name: value for name, value in given.items() if value is not None})

    async def run(parts: Parts, connection: Connection) -> int:
        return await events.replay(parts, connection, command, webhook_id)

    return engine().write(run)


def latest(limit: int, session_id: str | None, kind: str | None) -> list[View]:
    """See `events.latest`; oldest first."""

    async def run(parts: Parts, connection: Connection) -> list[View]:
        return await events.latest(parts, connection, limit, session_id, kind)

    return engine().read(run)[::-1]


def follow(seen: list[View], session_id: str | None, kind: str | None) -> Iterator[View]:
    """The events that come after those that were seen, as long as somebody asks."""
    known, looked_at = {event["event_id"] for event in seen}, clock.now()
    while True:
        time.sleep(_LOOK_S)
        begin = clock.now()
        for event in _since(looked_at, session_id, kind):
            if event["event_id"] not in known:
                known.add(event["event_id"])
                yield event
        looked_at = begin


def _since(moment: datetime, session_id: str | None, kind: str | None) -> list[View]:
    async def run(parts: Parts, connection: Connection) -> list[dict[str, Any]]:
        return await events.since(parts, connection, moment, session_id, kind)

    return engine().read(run)


def stats() -> View:
    """See `events.stats`."""

    async def run(parts: Parts, connection: Connection) -> View:
        return await events.stats(parts, connection)

    return engine().read(run)
