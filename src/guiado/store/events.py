"""Events as an operator looks at them: the latest ones, and how many there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from guiado.store.connection import Connection
from guiado.store.queries import sql


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are looked at.

    Args:
        session_id: those of this session.
        event: those of this kind.
        since: those from then on.
    """

    session_id: UUID | None = None
    event: str | None = None
    since: datetime | None = None


async def latest(connection: Connection, tenant: str, which: Filter, most: int) -> list[dict[str, Any]]:
    """The latest events, newest first.

    Returns:
        `event_id occurred_at event session_id data`, and how many deliveries are in each state.
    """
    rows = await connection.fetch(sql("events", "latest"), tenant, which.session_id, which.event, which.since, most)
    found = [dict(cast("Mapping[str, Any]", row)) for row in rows]
    return [{**row, "event_id": str(row["event_id"]), "session_id": _text(row["session_id"])} for row in found]


async def counts(connection: Connection, tenant: str, now: datetime) -> list[dict[str, Any]]:
    """How many events of each kind there were: `event last_hour last_day`."""
    return [dict(cast("Mapping[str, Any]", row)) for row in await connection.fetch(sql("events", "counts"), tenant, now)]


def _text(key: UUID | None) -> str | None:
    return str(key) if key else None
