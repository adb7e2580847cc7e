"""Webhooks: registering, changing, testing and replaying to endpoints.

Source: contract.md §1, TroubleshootingWebhookManager, and §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec import UNSET

from guiado import clock
from guiado.app.access.audit import act, audited_read, note, note_access
from guiado.app.commands import Replay, Rotate, Webhook, WebhookChange
from guiado.app.context import UnitOfWork
from guiado.app.knowledge.entry_reader import is_storable
from guiado.app.outbound.endpoint_fields import BUILT_IN, KESTRA, problems, secret_problems
from guiado.app.outbound.first_attempts import first_results as first_results  # noqa: PLC0414 they belong together for callers
from guiado.app.outbound.models import DeliveryAttempt, StatsRow, WebhookBody
from guiado.delivery.signing import is_standard_secret
from guiado.domain.events import Event, EventKind
from guiado.errors import FieldProblem, InvalidInput, Message, WebhookNotFound
from guiado.store import outbox
from guiado.store import webhooks as stored_webhooks
from guiado.store.sessions import uuid_or_none
from guiado.store.webhooks import MASK, Endpoint, shown_url
from guiado.text.url_credentials import HIDDEN

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

_OVERLAP = timedelta(hours=24)
"""Time for which the previous secret signs too, where a command names none."""
_TRIES = 3


async def register(work: UnitOfWork, command: Webhook, *, make_secret: bool) -> Endpoint:
    """Register an endpoint. The same id again changes the given fields and leaves the others, such as the secret, as they are.

    Args:
        make_secret: give a new endpoint a secret when the caller brought none.

    Returns:
        The endpoint with its secret; doors show that only where `shows_secret` says so.

    Raises:
        InvalidInput: a field cannot be used.
    """
    webhook_id = command.webhook_id or f"wh_{clock.new_id().hex}"
    stored = await stored_webhooks.one(work.connection, work.tenant, webhook_id)
    _refuse(command, stored)
    changes, until = _changes(command, stored), clock.now() + _OVERLAP
    fresh = _fresh(webhook_id, command, clock.secret() if make_secret else None)
    async with act(work, "register", "webhook", webhook_id):
        for _ in range(_TRIES):  # somebody may register or remove the same id in between
            found = await stored_webhooks.add(work.connection, work.tenant, fresh)
            found = found or await stored_webhooks.change(work.connection, work.tenant, webhook_id, changes, until, anew=True)
            if found:
                return found
        raise WebhookNotFound(webhook_id)


def shows_secret(command: Webhook, endpoint: Endpoint) -> bool:
    """Whether the answer to a registration shows the secret: where the caller gave it, or where the endpoint is new."""
    return command.secret is not None or endpoint.created_at == endpoint.updated_at


def _fresh(webhook_id: str, command: Webhook, made: str | None) -> Endpoint:
    return Endpoint(
        webhook_id=webhook_id,
        url=command.url,
        events=_events(command.events),
        secret=command.secret or made,
        headers=_stripped(command.headers or {}),
        timeout=10.0 if command.timeout is UNSET else command.timeout,
        retry_attempts=10 if command.retry_attempts is UNSET else command.retry_attempts,
        enabled=command.enabled is not False,
        thin=command.thin is True,
        max_per_second=command.max_per_second or None,
        max_parallel=1 if command.max_parallel is UNSET else command.max_parallel,
    )


async def edit(work: UnitOfWork, webhook_id: str, command: WebhookChange) -> Endpoint:
    """Change the given fields of an endpoint; the others, such as the secret, stay as they are.

    Raises:
        WebhookNotFound: there is none with this id.
        InvalidInput: a field cannot be used.
    """
    stored = await find(work, webhook_id)
    if webhook_id in BUILT_IN and command.url is not None:
        raise InvalidInput([FieldProblem("url", Message("Esta dirección se define en el entorno. Cámbiala allí."))])
    _refuse(command, stored)
    until, changes = _until(command.overlap_hours), _changes(command, stored)
    async with act(work, "change", "webhook", webhook_id, fields=sorted(changes)):
        found = await stored_webhooks.change(work.connection, work.tenant, webhook_id, changes, until)
        if found is None:
            raise WebhookNotFound(webhook_id)
    return found


def _refuse(command: Webhook | WebhookChange, stored: Endpoint | None) -> None:
    given = msgspec.structs.asdict(command)
    found = problems(given, stored.headers if stored else {})
    if command.url is not None and HIDDEN in command.url and not _keeps_url(command, stored):
        found.append(FieldProblem("url", Message("Los asteriscos ocultan parte de la dirección. Escríbela entera.")))
    if found:
        raise InvalidInput(found)


def _keeps_url(command: Webhook | WebhookChange, stored: Endpoint | None) -> bool:
    """Whether a caller sends back the address as lists show it, which leaves it as it is."""
    return stored is not None and command.url == shown_url(stored.url)


def _changes(command: Webhook | WebhookChange, stored: Endpoint | None) -> dict[str, object]:
    given = msgspec.structs.asdict(command)
    changes = {
        name: value for name, value in given.items() if value not in (None, UNSET) and name not in {"webhook_id", "overlap_hours"}
    }
    if _keeps_url(command, stored):
        changes.pop("url", None)
    if command.events is not None:
        changes["events"] = _events(command.events)
    if command.headers is not None:
        changes["headers"] = _stripped(command.headers)
    return changes


def _events(events: Sequence[str]) -> list[str]:
    named = [str(event) for event in dict.fromkeys(events)]
    return ["*"] if "*" in named else named


def _stripped(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in headers.items()}


async def warnings(
    client: GuardedClient, webhook_id: str, url: str, *, is_enabled: bool, secret: str | None = None
) -> list[Message]:
    """Warnings about an endpoint that will not work as expected. Looks its name up: hold no connection meanwhile.

    Args:
        secret: the one that the caller brought.
    """
    found: list[Message] = []
    refusal = await client.refusal(url) if webhook_id not in BUILT_IN else None
    if refusal is not None:
        found.append(Message("Por ahora no se le puede enviar nada. {why}", {"why": refusal}))
    if secret and not is_standard_secret(secret):
        found.append(
            Message("Las bibliotecas de Standard Webhooks no comprueban este secreto: solo los que empiezan por whsec_.")
        )
    if not is_enabled:
        found.append(Message("Está desactivado: no se le envía nada. {how}", {"how": _how_to_enable(webhook_id)}))
    return found


def _how_to_enable(webhook_id: str) -> Message:
    return Message("Actívalo con PATCH /webhooks/{id} y «enabled: true», o con: guiado webhooks enable {id}", {"id": webhook_id})


async def offer_kestra(work: UnitOfWork) -> None:
    """Register the operator's Kestra for every event, unless it is registered already."""
    async with work.connection.transaction():
        if await stored_webhooks.offer(work.connection, work.tenant, KESTRA, [kind.value for kind in EventKind]):
            await note(work, "register", "webhook", KESTRA)


async def every(work: UnitOfWork) -> list[Endpoint]:
    """All endpoints, secrets included: doors must hide them (`view`)."""
    return await stored_webhooks.listed(work.connection, work.tenant)


async def switch(work: UnitOfWork, webhook_id: str, *, enabled: bool) -> Endpoint:
    """Enable or disable an endpoint; events that occur while it is disabled are kept, and can be sent again.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    return await edit(work, webhook_id, WebhookChange(enabled=enabled))


async def remove(work: UnitOfWork, webhook_id: str) -> None:
    """Remove an endpoint; its waiting deliveries are cancelled.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    if not is_storable(webhook_id):
        raise WebhookNotFound(webhook_id)
    async with act(work, "remove", "webhook", webhook_id):
        if not await stored_webhooks.delete(work.connection, work.tenant, webhook_id):
            raise WebhookNotFound(webhook_id)


async def stats(work: UnitOfWork, webhook_id: str) -> StatsRow:
    """Figures of the deliveries to an endpoint, by state.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    await find(work, webhook_id)
    found = await stored_webhooks.stats(work.connection, work.tenant, webhook_id)
    if found is None:
        raise WebhookNotFound(webhook_id)
    return found


async def trigger(
    work: UnitOfWork, kind: EventKind, data: Mapping[str, object], webhook_id: str | None = None
) -> tuple[str, list[str]]:
    """Store an event for the endpoints that want it.

    Args:
        webhook_id: for this endpoint alone.

    Returns:
        Id of the event, and the endpoints that it waits for.
    """
    return await stored_webhooks.emit(work.connection, work.tenant, Event(kind, dict(data)), webhook_id)


async def replay(work: UnitOfWork, webhook_id: str, command: Replay) -> int:
    """Send events to an endpoint again; by default those that were not delivered.

    Returns:
        How many deliveries wait anew.

    Raises:
        WebhookNotFound: there is none with this id.
        InvalidInput: the endpoint is off, the event's id is none, or the range ends before it begins.
    """
    await _find_enabled(work, webhook_id)
    which = _range(command)
    async with act(work, "replay", "webhook", webhook_id, event_id=command.event_id) as detail:
        count = await outbox.replay(work.connection, work.tenant, webhook_id, which, clock.now())
        detail["count"] = count
    return count


async def replay_all(work: UnitOfWork, command: Replay) -> tuple[dict[str, int], list[str]]:
    """Send events again to every endpoint that is enabled; by default those that were not delivered.

    Returns:
        How many deliveries wait anew at each of them, and the endpoints that are off.

    Raises:
        InvalidInput: see `replay`.
    """
    which, found = _range(command), await stored_webhooks.listed(work.connection, work.tenant)
    async with act(work, "replay", "webhook", event_id=command.event_id) as detail:
        counts = {
            endpoint.webhook_id: await outbox.replay(work.connection, work.tenant, endpoint.webhook_id, which, clock.now())
            for endpoint in found
            if endpoint.enabled
        }
        detail["counts"] = counts
    return counts, [endpoint.webhook_id for endpoint in found if not endpoint.enabled]


def _range(command: Replay) -> outbox.Range:
    event_id = uuid_or_none(command.event_id)
    if command.event_id is not None and event_id is None:
        raise InvalidInput([FieldProblem("event_id", Message("No es el identificador de un evento. Cópialo de los intentos."))])
    if command.begin is not None and command.end is not None and command.begin >= command.end:
        raise InvalidInput([FieldProblem("end", Message("Debe ser posterior al comienzo (begin)."))])
    return outbox.Range(event_id, command.begin, command.end, command.delivered, command.event)


async def rotate(work: UnitOfWork, webhook_id: str, command: Rotate) -> Endpoint:
    """Give an endpoint a new secret; for some hours the previous one signs too.

    Returns:
        The endpoint with its new secret.

    Raises:
        WebhookNotFound: there is none with this id.
        InvalidInput: the secret cannot be used.
    """
    if found := secret_problems(command.secret or ""):
        raise InvalidInput(found)
    if not is_storable(webhook_id):
        raise WebhookNotFound(webhook_id)
    changes = {"secret": command.secret or clock.secret()}
    async with act(work, "rotate", "webhook", webhook_id):
        endpoint = await stored_webhooks.change(work.connection, work.tenant, webhook_id, changes, _until(command.overlap_hours))
        if endpoint is None:
            raise WebhookNotFound(webhook_id)
    return endpoint


def _until(overlap_hours: float) -> datetime | None:
    return clock.now() + timedelta(hours=overlap_hours) if overlap_hours else None


async def test(work: UnitOfWork, webhook_id: str) -> str:
    """Store a test event for one endpoint; it goes through the normal delivery queue.

    Returns:
        Id of the event.

    Raises:
        WebhookNotFound: there is none with this id.
        InvalidInput: the endpoint is off.
    """
    endpoint = await _find_enabled(work, webhook_id)
    kind = EventKind.SESSION_STARTED if "*" in endpoint.events else EventKind(endpoint.events[0])
    async with act(work, "test", "webhook", webhook_id) as detail:
        event_id, _ = await stored_webhooks.emit(work.connection, work.tenant, Event(kind, {"test": True}), webhook_id)
        detail["event_id"] = event_id
    return event_id


@audited_read
async def attempts(
    work: UnitOfWork, webhook_id: str, most: int, before: tuple[datetime, UUID] | None = None
) -> list[DeliveryAttempt]:
    """The latest attempts at an endpoint, newest first.

    Args:
        before: time and id of an attempt; only those before it.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    await find(work, webhook_id)
    rows = await outbox.attempts(work.connection, work.tenant, webhook_id, most, before)
    found = [msgspec.convert(row, DeliveryAttempt, from_attributes=True) for row in rows]
    await note_access(work, "delivery_attempt", [each.id for each in found], webhook_id=webhook_id)
    return found


async def _find_enabled(work: UnitOfWork, webhook_id: str) -> Endpoint:
    endpoint = await find(work, webhook_id)
    if not endpoint.enabled:
        why = Message("Está desactivado. {how}", {"how": _how_to_enable(webhook_id)})
        raise InvalidInput([FieldProblem("webhook_id", why)])
    return endpoint


async def find(work: UnitOfWork, webhook_id: str) -> Endpoint:
    """One endpoint, secrets included: doors must hide them (`view`).

    Raises:
        WebhookNotFound: there is none with this id.
    """
    found = await stored_webhooks.one(work.connection, work.tenant, webhook_id) if is_storable(webhook_id) else None
    if found is None:
        raise WebhookNotFound(webhook_id)
    return found


def view(endpoint: Endpoint, *, show_secret: bool = False) -> WebhookBody:
    """An endpoint as doors show it: its address without a credential, its headers without their values, which are often keys."""
    return WebhookBody(
        webhook_id=endpoint.webhook_id,
        url=shown_url(endpoint.url),
        events=list(endpoint.events),
        headers=dict.fromkeys(endpoint.headers, MASK),
        timeout=endpoint.timeout,
        retry_attempts=endpoint.retry_attempts,
        enabled=endpoint.enabled,
        thin=endpoint.thin,
        max_per_second=endpoint.max_per_second,
        max_parallel=endpoint.max_parallel,
        disabled_reason=endpoint.disabled_reason,
        created_at=endpoint.created_at,
        updated_at=endpoint.updated_at,
        has_secret=endpoint.secret is not None,
        secret=endpoint.secret if show_secret else None,
    )
