"""Webhooks that operators register, and the events emitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct, convert, structs

from guiado import clock
from guiado.domain.events import Event, EventKind
from guiado.store.connection import Connection, Row, converted
from guiado.store.endpoint_place import MASK as MASK  # noqa: PLC0414 callers know it from here
from guiado.store.endpoint_place import EndpointPlace, shown_beside
from guiado.store.endpoint_place import shown_url as shown_url  # noqa: PLC0414
from guiado.store.log_rows import event_rows
from guiado.store.queries import sql
from guiado.store.secret_box import SecretBox, is_sealed, require_open
from guiado.text.json_shapes import object_in

_MOST_SECRETS = 5
"""Number of secrets, at most, that sign a message, all in one header."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registered webhook, its credentials decrypted; one that cannot be decrypted is as it stands in the database.

    Args:
        timeout: seconds for one attempt.
        retry_attempts: attempts in all.
        thin: send identifiers only.
        max_per_second: messages a second at most; None for any number.
        max_parallel: requests at a time; with more than one the order of events is not kept.
        disabled_reason: reason for which guiado itself stopped sending.
        previous_secret: signs too until `previous_secret_until`.
        older_secrets: those before it that still sign: `secret until` each.
    """

    webhook_id: str
    url: str = field(repr=False)
    events: Sequence[str]
    secret: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    timeout: float
    retry_attempts: int
    enabled: bool
    thin: bool = False
    max_per_second: float | None = None
    max_parallel: int = 1
    disabled_reason: str | None = None
    previous_secret: str | None = field(default=None, repr=False)
    previous_secret_until: datetime | None = None
    older_secrets: Sequence[Mapping[str, str]] = field(default=(), repr=False)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def secrets(self, now: datetime) -> list[str]:
        """Secrets that sign messages now: the current one, and during a rotation the earlier ones, the latest first."""
        until = self.previous_secret_until
        old = [self.previous_secret] if until and now < until else []
        older = [one["secret"] for one in self.older_secrets if now < datetime.fromisoformat(one["until"])]
        usable = (secret for secret in (self.secret, *old, *reversed(older)) if secret and not is_sealed(secret))
        return list(dict.fromkeys(usable))[:_MOST_SECRETS]

    def require_readable(self) -> None:
        """Check that everything that a message needs could be decrypted.

        Raises:
            SecretUnreadable: the secret, a header or the address could not.
        """
        require_open((self.secret, self.url, *self.headers.values()))


async def add(connection: Connection, tenant: str, endpoint: Endpoint) -> Endpoint | None:
    """Register an endpoint; None when there is one with its id."""
    place = EndpointPlace(connection.box, tenant, endpoint.webhook_id)
    row = await connection.fetchrow(
        sql("webhooks", "add"), tenant, endpoint.webhook_id, place.seal_url(endpoint.url), list(endpoint.events),
        endpoint.secret and place.seal_secret(endpoint.secret), place.seal_headers(endpoint.headers), endpoint.timeout,
        endpoint.retry_attempts, endpoint.enabled, endpoint.thin, endpoint.max_per_second, endpoint.max_parallel,
        shown_beside(endpoint.url),
    )  # fmt: skip
    return endpoint_of(row, connection.box) if row else None


async def change(
    connection: Connection,
    tenant: str,
    webhook_id: str,
    changes: Mapping[str, object],
    overlap_until: datetime | None,
    *,
    anew: bool = False,
) -> Endpoint | None:
    """Change an endpoint; None when it does not exist.

    Args:
        changes: by the names of `Endpoint`; what is left out stays. A header whose value is `MASK` keeps its value;
            `max_per_second` 0 takes the limit away.
        overlap_until: where the secret changes, the one before signs too until then; None: none of those before it does.
        anew: reset its failures, as enabling it or changing its address also does.
    """
    sealed = _sealed(EndpointPlace(connection.box, tenant, webhook_id), changes)
    row = await connection.fetchrow(sql("webhooks", "change"), tenant, webhook_id, sealed, MASK, overlap_until, anew)
    return endpoint_of(row, connection.box) if row else None


async def is_told(connection: Connection, tenant: str, kind: EventKind) -> bool:
    """Whether any endpoint or recipient subscribes to events of this kind."""
    return bool(await connection.fetchval(sql("webhooks", "is_told"), tenant, kind.value))


async def offer(connection: Connection, tenant: str, webhook_id: str, events: Sequence[str]) -> bool:
    """Register an endpoint whose address is in the environment; False where it is known: changes made by hand stay."""
    return bool(await connection.fetchval(sql("webhooks", "offer"), tenant, webhook_id, list(events)))


async def listed(connection: Connection, tenant: str) -> list[Endpoint]:
    """All endpoints."""
    return [endpoint_of(row, connection.box) for row in await connection.fetch(sql("webhooks", "listed"), tenant)]


async def one(connection: Connection, tenant: str, webhook_id: str) -> Endpoint | None:
    """One endpoint, or None."""
    row = await connection.fetchrow(sql("webhooks", "one"), tenant, webhook_id)
    return endpoint_of(row, connection.box) if row else None


async def delete(connection: Connection, tenant: str, webhook_id: str) -> bool:
    """Remove an endpoint; False when there is none."""
    return bool(await connection.fetchval(sql("webhooks", "delete"), tenant, webhook_id))


class StatsRow(Struct, kw_only=True):
    """Statistics of the deliveries to an endpoint; its address is shown without a credential."""

    webhook_id: str
    url: str
    events: list[str]
    enabled: bool
    total_deliveries: int
    pending: int
    delivered: int
    exhausted: int
    cancelled: int
    total_attempts: int
    successful_attempts: int
    failed_attempts: int
    success_rate: float
    avg_duration_ms: float | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None


async def stats(connection: Connection, tenant: str, webhook_id: str) -> StatsRow | None:
    """Statistics of the deliveries to one endpoint; None when it does not exist."""
    row = await connection.fetchrow(sql("webhooks", "stats"), tenant, webhook_id)
    if row is None:
        return None
    found, place = converted(row, StatsRow), EndpointPlace(connection.box, tenant, webhook_id)
    return structs.replace(found, url=shown_url(place.open_url(found.url)))


async def emit(connection: Connection, tenant: str, event: Event, only: str | None = None) -> tuple[str, list[str]]:
    """Store an event that a caller triggers, with a delivery for each endpoint that subscribes to it.

    Args:
        only: deliver to this endpoint alone.

    Returns:
        Id of the event, and the endpoints that it goes to; a disabled one only when it is `only`.
    """
    rows = event_rows(tenant, None, (event,), clock.now())
    event_id = rows[0]["event_id"]
    await connection.execute(sql("webhooks", "emit"), tenant, rows)
    if only is not None:
        await connection.execute(sql("webhooks", "narrow"), tenant, event_id, only)
    deliveries = await connection.fetch(sql("webhooks", "deliveries_of"), tenant, event_id, only)
    return str(event_id), [row["destination"] for row in deliveries]


def endpoint_of(row: Row, box: SecretBox) -> Endpoint:
    """An endpoint from a row of `support_webhooks`."""
    place = EndpointPlace(box, row["tenant_id"], row["webhook_id"])
    return convert({**dict(row), **place.opened(row)}, Endpoint)


def _sealed(place: EndpointPlace, changes: Mapping[str, object]) -> dict[str, object]:
    """Changes with their credentials encrypted; a masked header stays masked."""
    sealed, url, secret = dict(changes), changes.get("url"), changes.get("secret")
    if isinstance(url, str):
        sealed |= {"url": place.seal_url(url), "url_shown": shown_beside(url)}
    if isinstance(secret, str):
        sealed["secret"] = place.seal_secret(secret)
    if "headers" in changes:
        sealed["headers"] = place.seal_headers({name: str(value) for name, value in object_in(changes["headers"]).items()})
    return sealed
