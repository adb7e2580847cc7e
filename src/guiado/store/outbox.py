"""Deliveries to webhooks: leases of endpoints, due deliveries, and their attempts.

A worker leases an endpoint, reads its oldest deliveries, and sends them with no transaction open: one after the other, or several
at a time where the endpoint allows it. So an endpoint's events leave in their order, until one fails: those behind it overtake it
while it waits for its next attempt. An endpoint that is slow or dead holds no other up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from guiado.store.connection import Connection, converted
from guiado.store.queries import sql
from guiado.store.webhooks import Endpoint, endpoint_of
from guiado.text.json_shapes import JsonObject


@dataclass(frozen=True, slots=True)
class Waiting:
    """One pending delivery.

    Args:
        attempts: number made so far.
        created_at: when it was stored, or asked for again.
    """

    delivery_id: UUID
    event_id: UUID
    attempts: int
    due_at: datetime
    created_at: datetime
    event: str
    data: JsonObject
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Leased:
    """An endpoint leased to a worker, and its failures in a row.

    Args:
        failures: attempts that failed in a row.
        failing_since: when the first of them was made.
    """

    endpoint: Endpoint
    failures: int
    failing_since: datetime | None


DUE = sql("outbox", "due_kind")
"""SQL that tells whether an endpoint with due deliveries can be leased; part of the query of `queue.join_due`."""


async def claim(
    connection: Connection,
    tenant: str,
    worker: str,
    lease_s: float,
    most: int,
    now: datetime,
    probe_from: int,
    besides: Collection[str] = (),
    *,
    busy: int = 0,
    extra: int = 0,
) -> list[Leased]:
    """Lease endpoints with due deliveries: this worker's share of them, among all workers that are alive.

    Args:
        lease_s: after so many seconds without `renew` the worker counts as dead.
        most: number of endpoints at most, whatever the share.
        probe_from: failures in a row from which an endpoint is only probed.
        besides: endpoints that the worker still works on, or leaves to others. Another lease of its own is one whose end could
            not be written down, as while PostgreSQL was gone: free.
        busy: number of endpoints that the worker works on: they count towards its share.
        extra: number of endpoints beyond its share.
    """
    rows = await connection.fetch(
        sql("outbox", "claim"), tenant, worker, lease_s, most, now, probe_from, list(besides), busy, extra
    )
    return [Leased(endpoint_of(row, connection.box), row["failures"], row["failing_since"]) for row in rows]


async def renew(connection: Connection, tenant: str, sender: str, lease_s: float, webhook_ids: Sequence[str]) -> set[str]:
    """Renew the leases of endpoints.

    Returns:
        The endpoints that are still leased to this worker.
    """
    rows = await connection.fetch(sql("outbox", "renew"), tenant, sender, lease_s, list(webhook_ids))
    return {row["webhook_id"] for row in rows}


async def give_back(connection: Connection, tenant: str, worker: str, webhook_ids: Sequence[str]) -> None:
    """End the leases of a worker whose work was interrupted."""
    await connection.execute(sql("outbox", "give_back"), tenant, worker, list(webhook_ids))


async def versions(connection: Connection, tenant: str, sender: str, webhook_ids: Collection[str]) -> dict[str, datetime]:
    """Time of the last change by endpoint id, for the enabled ones of these endpoints that the sender still leases."""
    rows = await connection.fetch(sql("outbox", "versions"), tenant, sender, sorted(webhook_ids))
    return {row["webhook_id"]: row["updated_at"] for row in rows}


async def due(
    connection: Connection,
    tenant: str,
    webhook_id: str,
    now: datetime,
    most: int,
    *,
    early: bool = False,
    after: UUID | None = None,
) -> list[Waiting]:
    """The oldest due deliveries to an endpoint.

    Args:
        early: include those that are not due yet.
        after: only of events after this one.
    """
    rows = await connection.fetch(sql("outbox", "due"), tenant, webhook_id, now, most, early, after)
    return [Waiting(**{name: row[name] for name in Waiting.__slots__}) for row in rows]


@dataclass(frozen=True, slots=True)
class Settled:
    """State of an endpoint at the end of its lease.

    Args:
        failures: attempts that failed in a row.
        failing_since: when the first of them was made.
        paused_until: nothing is sent to it until then.
        version: of the endpoint; where it was changed since, only the lease ends.
    """

    webhook_id: str
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    version: datetime | None


async def record(
    connection: Connection,
    tenant: str,
    sender: str,
    attempts: Sequence[Mapping[str, object]],
    settled: Sequence[Settled] = (),
) -> None:
    """Record attempts and the new state of their deliveries, and end leases.

    Args:
        sender: holder of the leases; those of others are left alone.
        attempts: each with the columns of the query `record`; an endpoint's in their order.
    """
    await connection.execute(sql("outbox", "record"), tenant, sender, list(attempts), list(settled))


async def bring_forward(connection: Connection, tenant: str, webhook_id: str, now: datetime) -> None:
    """Make all pending deliveries to an endpoint due now."""
    await connection.execute(sql("outbox", "bring_forward"), tenant, webhook_id, now)


async def expire(connection: Connection, tenant: str, webhook_id: str, before: datetime, now: datetime) -> None:
    """Give up the pending deliveries to an endpoint that were stored before a moment."""
    await connection.execute(sql("outbox", "expire"), tenant, webhook_id, before, now)


async def disable(
    connection: Connection, tenant: str, webhook_id: str, why: str, now: datetime, version: datetime | None
) -> None:
    """Disable an endpoint, unless it was changed since; its pending deliveries are kept.

    Args:
        version: time of its last change, as far as is known.
    """
    await connection.execute(sql("outbox", "disable"), tenant, webhook_id, why, now, version)


@dataclass(frozen=True, slots=True)
class Range:
    """Selection of the events to send again.

    Args:
        event_id: this one only.
        begin: events from then on.
        end: events before then.
        delivered: include deliveries that arrived already.
        event: of this kind only.
    """

    event_id: UUID | None = None
    begin: datetime | None = None
    end: datetime | None = None
    delivered: bool = False
    event: str | None = None


async def replay(connection: Connection, tenant: str, webhook_id: str, which: Range, now: datetime) -> int:
    """Replay deliveries to an endpoint, with all attempts anew.

    Returns:
        Number of deliveries that are pending again.
    """
    async with connection.transaction():
        count = await connection.fetchval(
            sql("outbox", "replay"), tenant, webhook_id, which.event_id, which.begin, which.end, which.delivered, now, which.event
        )
        await connection.execute(sql("outbox", "wake"), tenant, webhook_id)
    return int(count)


class DeliveryAttempt(Struct, kw_only=True):
    """One attempt to deliver an event."""

    id: str
    event_id: str | None
    event: str
    attempt: int
    success: bool
    response_status: int | None
    response_body: str | None
    error_message: str | None
    duration_ms: float | None
    sent_at: datetime


class FirstAttempt(Struct, frozen=True):
    """State of a delivery so far; without its endpoint, `timeout` and `enabled` are None."""

    destination: str
    state: str
    attempts: int
    last_error: str | None = None
    timeout: float | None = None
    enabled: bool | None = None
    paused: bool | None = None
    response_status: int | None = None


class EndpointFigures(Struct, frozen=True):
    """Figures of an endpoint: its queue, and its attempts in the last hour."""

    webhook_id: str
    enabled: bool
    failures: int
    pending: int
    oldest_s: float
    successes: int
    failed: int
    seconds: float


async def attempts(
    connection: Connection, tenant: str, webhook_id: str, most: int, before: tuple[datetime, UUID] | None = None
) -> list[DeliveryAttempt]:
    """The latest attempts to deliver to an endpoint, newest first.

    Args:
        before: time and id of an attempt; only those before it.
    """
    rows = await connection.fetch(sql("outbox", "attempts"), tenant, webhook_id, most, *(before or (None, None)))
    return [converted(row, DeliveryAttempt) for row in rows]


async def is_waiting(connection: Connection, tenant: str, now: datetime, besides: Collection[str] = ()) -> bool:
    """Whether any delivery is due now to an enabled endpoint that is not paused.

    Args:
        besides: endpoints that do not count.
    """
    return bool(await connection.fetchval(sql("outbox", "is_waiting"), tenant, now, list(besides)))


async def first_attempts(
    connection: Connection, tenant: str, event_id: UUID, now: datetime, webhook_ids: Sequence[str] | None
) -> list[FirstAttempt]:
    """State of an event's deliveries at each of these endpoints, by default all of them."""
    rows = await connection.fetch(sql("outbox", "first_attempts"), tenant, event_id, now, webhook_ids)
    return [converted(row, FirstAttempt) for row in rows]


async def figures(connection: Connection, tenant: str, now: datetime) -> list[EndpointFigures]:
    """Figures of each endpoint."""
    rows = await connection.fetch(sql("outbox", "figures"), tenant, now)
    return [converted(row, EndpointFigures) for row in rows]
