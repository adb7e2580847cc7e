"""Events: the latest ones with the states of their deliveries, replay, and figures of the queues."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from guiado import clock
from guiado.app import commands
from guiado.app.access.audit import audited_read, note_access
from guiado.app.context import UnitOfWork
from guiado.app.models import Model
from guiado.app.outbound import webhooks
from guiado.domain.events import EventKind
from guiado.errors import FieldProblem, InvalidInput, Message, printable
from guiado.store import events, notifications, outbox
from guiado.store.events import EventCount, Filter, StoredEvent
from guiado.store.notifications import ChannelFigures
from guiado.store.outbox import EndpointFigures
from guiado.store.sessions import uuid_or_none

_LATE = timedelta(seconds=60)
"""Longest time between the moment of an event and the commit of its transaction."""
_MOST = 10_000


@audited_read
async def latest(work: UnitOfWork, limit: int, session_id: str | None = None, kind: str | None = None) -> list[StoredEvent]:
    """The latest events, newest first, each with the number of its deliveries in each state.

    Raises:
        InvalidInput: there is no such kind, or the id is none.
    """
    found = await events.latest(work.connection, work.tenant, _filter(session_id, kind), limit)
    await note_access(work, "event", [each.event_id for each in found])
    return found


@audited_read
async def since(
    work: UnitOfWork,
    moment: datetime,
    session_id: str | None = None,
    kind: str | None = None,
    known: Collection[str] = frozenset(),
) -> list[StoredEvent]:
    """The events since a moment, oldest first, with some from before it: an event may be committed late.

    Args:
        known: ids of the events that the caller has; they are left out.
    """
    which = replace(_filter(session_id, kind), since=moment - _LATE)
    found = [each for each in await events.latest(work.connection, work.tenant, which, _MOST) if each.event_id not in known]
    if found:
        await note_access(work, "event", [each.event_id for each in found])
    return found[::-1]


def _filter(session_id: str | None, kind: str | None) -> Filter:
    key = uuid_or_none(session_id)
    if session_id is not None and key is None:
        raise InvalidInput([FieldProblem("--session", Message("No es el identificador de una sesión. Cópialo de la lista."))])
    if kind is not None:
        check_kind("--event", kind)
    return Filter(key, kind)


def check_kind(field: str, kind: str, *, more: Sequence[str] = ()) -> None:
    """Refuse a name that is no kind of event.

    Args:
        more: further names that are permitted.

    Raises:
        InvalidInput: about this field.
    """
    if kind not in {*EventKind, *more}:
        known = ", ".join([*EventKind, *more])
        why = Message("{given} no es un evento. Usa uno de estos: {known}.", {"given": printable(kind), "known": known})
        raise InvalidInput([FieldProblem(field, why)])


async def replay(
    work: UnitOfWork, command: commands.Replay, webhook_id: str | None = None, *, failed: bool = False
) -> dict[str, int]:
    """Send events again to one endpoint or to all that are enabled; by default those that were not delivered.

    Args:
        failed: all of it, whatever the event and whenever it was.

    Returns:
        How many deliveries wait anew at each endpoint.

    Raises:
        InvalidInput: it names neither an event nor a range, or an id that is none.
        WebhookNotFound: there is no such endpoint.
    """
    is_named = any(part is not None for part in (command.event_id, command.event, command.begin, command.end))
    if not is_named and not failed:
        why = Message("Indica qué se envía otra vez: un evento, --event, --from, --to, o --failed para todo lo que no llegó.")
        raise InvalidInput([FieldProblem("EVENTO", why)])
    if webhook_id is not None:
        return {webhook_id: await webhooks.replay(work, webhook_id, command)}
    return (await webhooks.replay_all(work, command))[0]


class QueueFigures(Model):
    """Figures of events, and of the queues of endpoints and channels."""

    events: list[EventCount]
    webhooks: list[EndpointFigures]
    channels: list[ChannelFigures]


async def stats(work: UnitOfWork) -> QueueFigures:
    """Figures of events, and of the queues of endpoints and channels."""
    now = clock.now()
    return QueueFigures(
        events=await events.counts(work.connection, work.tenant, now),
        webhooks=await outbox.figures(work.connection, work.tenant, now),
        channels=await notifications.figures(work.connection, work.tenant, now),
    )
