"""Event and webhook operations of the terminal."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from msgspec import to_builtins

from guiado import clock
from guiado.app import commands
from guiado.app.context import AppContext, UnitOfWork
from guiado.app.models import plain
from guiado.app.outbound import events, webhooks
from guiado.app.outbound.endpoint_fields import problems
from guiado.app.outbound.first_attempts import first_results
from guiado.app.sessions.views import View
from guiado.app.validation import Command, check, check_with
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.store.registry import Endpoint
from guiado.sync import engine

_LOOK_S = 0.5
C = TypeVar("C", bound=Command)


def registered() -> list[View]:
    """Every endpoint, without its secret."""

    async def run(work: UnitOfWork) -> list[View]:
        return [_shown(endpoint) for endpoint in await webhooks.every(work)]

    return engine().do_read(run)


def shown(webhook_id: str) -> View:
    """One endpoint, without its secret."""

    async def run(work: UnitOfWork) -> View:
        return _shown(await webhooks.find(work, webhook_id))

    return engine().do_read(run)


def register(given: View) -> View:
    """Register an endpoint.

    Returns:
        It, with its secret where it is new, and `warnings` about what keeps it from working.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    command = _checked(commands.Webhook, given)

    async def run(work: UnitOfWork) -> View:
        endpoint = await webhooks.register(work, command, make_secret=True)
        return _told(endpoint, show_secret=webhooks.shows_secret(command, endpoint))

    return _warned(_write(run), command.secret)


def edit(webhook_id: str, given: View, headers: Mapping[str, str], dropped: Collection[str]) -> View:
    """Change what is given of an endpoint; see `register`.

    Args:
        headers: are added to those that it has.
        dropped: names of headers that go.
    """
    if headers or dropped:
        gone = {name.lower() for name in (*dropped, *headers)}
        kept = {name: value for name, value in shown(webhook_id)["headers"].items() if name.lower() not in gone}
        given = {**given, "headers": {**kept, **headers}}
    command = _checked(commands.WebhookChange, given)

    async def run(work: UnitOfWork) -> View:
        endpoint = await webhooks.edit(work, webhook_id, command)
        return _told(endpoint, show_secret=command.secret is not None)

    return _warned(_write(run), command.secret)


def rotate(webhook_id: str, secret: str | None, overlap_hours: float) -> View:
    """Give an endpoint a new secret; see `register`."""
    given = {"secret": secret, "overlap_hours": overlap_hours}
    command = check_with(commands.Rotate, given, problems(given))

    async def run(work: UnitOfWork) -> View:
        return _told(await webhooks.rotate(work, webhook_id, command), show_secret=True)

    return _warned(_write(run), secret)


def _write(action: Callable[[UnitOfWork], Awaitable[View]]) -> View:
    """See `Engine.write`; the secret never gets into the answer that is stored, and comes from memory instead."""
    secrets: list[View] = []

    async def run(work: UnitOfWork) -> View:
        told = await action(work)
        secrets.append({name: told[name] for name in ("secret",) if name in told})
        return {name: value for name, value in told.items() if name != "secret"}

    # Where the connection was lost and the work was done, the last run is the one that did it.
    return {**engine().do_write(run), **secrets[-1]}


def _checked(command: type[C], given: View) -> C:
    """Validate the command; an unknown event is reported under its option's name."""
    wrong = _event_problems(cast("list[str]", given.get("events") or []))
    named = {name: value for name, value in given.items() if value is not None}
    return check_with(command, {**named, "events": ["*"]} if wrong else named, [*wrong, *problems(given)])


def _event_problems(kinds: list[str]) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    for kind in kinds:
        try:
            events.check_kind("--event", kind, more=("*",))
        except InvalidInput as error:
            found += error.problems
    return found


def _told(endpoint: Endpoint, *, show_secret: bool) -> View:
    """Convert to plain values, because the answer is stored with its idempotency key."""
    return to_builtins(_shown(endpoint, show_secret=show_secret))


def _shown(endpoint: Endpoint, *, show_secret: bool = False) -> View:
    shown = plain(webhooks.view(endpoint, show_secret=show_secret))
    return shown if show_secret else {name: value for name, value in shown.items() if name != "secret"}


def _warned(told: View, secret: str | None) -> View:
    runtime = engine().runtime

    async def look(_parts: AppContext) -> list[Message]:
        return await webhooks.warnings(runtime.client, told["webhook_id"], told["url"], is_enabled=told["enabled"], secret=secret)

    return {**told, "warnings": engine().run(look)}


def switch(webhook_id: str, *, enabled: bool) -> View:
    """Enable or disable an endpoint."""

    async def run(work: UnitOfWork) -> View:
        return _told(await webhooks.switch(work, webhook_id, enabled=enabled), show_secret=False)

    return engine().do_write(run)


def remove(webhook_id: str) -> None:
    """Remove an endpoint and cancel its pending deliveries."""

    async def run(work: UnitOfWork) -> None:
        await webhooks.remove(work, webhook_id)

    engine().do_write(run)


def test(webhook_id: str) -> View:
    """Send a test event through the normal queue and wait for its first attempt; this process sends it if no other does."""

    async def run(work: UnitOfWork) -> str:
        return await webhooks.test(work, webhook_id)

    event_id = engine().do_write(run)
    (result,) = engine().run(lambda parts: first_results(parts, event_id, [webhook_id]))
    return {**plain(result), "event_id": event_id}


def attempts(webhook_id: str, limit: int) -> list[View]:
    """The latest attempts at an endpoint, newest first."""

    async def run(work: UnitOfWork) -> list[View]:
        return [plain(row) for row in await webhooks.attempts(work, webhook_id, limit)]

    return engine().do_read(run)


def replay(given: View, webhook_id: str | None, *, failed: bool = False) -> dict[str, int]:
    """See `events.replay`."""
    command = check(commands.Replay, {name: value for name, value in given.items() if value is not None})

    async def run(work: UnitOfWork) -> dict[str, int]:
        return await events.replay(work, command, webhook_id, failed=failed)

    return engine().do_write(run)


def latest(limit: int, session_id: str | None, kind: str | None) -> list[View]:
    """See `events.latest`; oldest first."""

    async def run(work: UnitOfWork) -> list[View]:
        return await events.latest(work, limit, session_id, kind)

    return engine().do_read(run)[::-1]


def follow(seen: list[View], session_id: str | None, kind: str | None) -> Iterator[View]:
    """Yield new events until the caller stops."""
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
    async def run(work: UnitOfWork) -> list[dict[str, Any]]:
        return await events.since(work, moment, session_id, kind)

    return engine().do_read(run)


def stats() -> View:
    """See `events.stats`."""

    async def run(work: UnitOfWork) -> View:
        return await events.stats(work)

    return engine().do_read(run)
