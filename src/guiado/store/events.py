"""Queries of events for operators: the latest ones, and counts by kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from guiado.store.connection import Connection, converted
from guiado.store.queries import sql
from guiado.text.json_shapes import JsonObject


@dataclass(frozen=True, slots=True)
class Filter:
    """Filter of events.

    Args:
        session_id: those of this session.
        event: those of this kind.
        since: those from then on.
    """

    session_id: UUID | None = None
    event: str | None = None
    since: datetime | None = None


class StoredEvent(Struct, frozen=True):
    """An event with the number of its deliveries in each state."""

    event_id: str
    occurred_at: datetime
    event: str
    session_id: str | None
    data: JsonObject
    pending: int
    delivered: int
    exhausted: int
    disabled: int
    cancelled: int


class EventCount(Struct, frozen=True):
    """Number of events of a kind in the last hour and the last day."""

    event: str
    last_hour: int
    last_day: int


async def latest(connection: Connection, tenant: str, which: Filter, most: int) -> list[StoredEvent]:
    """The latest events, newest first."""
    rows = await connection.fetch(sql("events", "latest"), tenant, which.session_id, which.event, which.since, most)
    return [converted(row, StoredEvent) for row in rows]


async def counts(connection: Connection, tenant: str, now: datetime) -> list[EventCount]:
    """Number of events of each kind in the last hour and the last day."""
    return [converted(row, EventCount) for row in await connection.fetch(sql("events", "counts"), tenant, now)]
