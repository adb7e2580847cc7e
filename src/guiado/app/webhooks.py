"""Webhooks: who wants to be told of what.

Source: contract.md §1, TroubleshootingWebhookManager, and §3.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from guiado import clock
from guiado.app.commands import Replay, Rotate, Webhook
from guiado.app.parts import Parts
from guiado.domain.events import Event, EventKind
from guiado.domain.knowledge import is_storable
from guiado.errors import FieldProblem, InvalidInput, Message, WebhookNotFound
from guiado.store import outbox, registry
from guiado.store.database import Connection
from guiado.store.registry import Endpoint
from guiado.store.sessions import uuid_or_none

_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
_MAX_HEADER = 4_096
_FORBIDDEN_HEADERS = {
    "host", "content-length", "content-type", "transfer-encoding", "connection", "te", "expect", "upgrade", "x-webhook-event",
    "x-webhook-attempt", "x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature",
}  # fmt: skip
"""Headers that are ours or the protocol's to set."""
KESTRA = "KESTRA_WEBHOOK_URL"
"""Id of the endpoint that the setting of this name makes. Its address, which is a key too, stays in the environment: the row
has the name in its place, and whoever has the setting sends."""
BUILT_IN = frozenset({KESTRA})
_UNSHOWN = frozenset({"previous_secret", "previous_secret_until"})


async def register(parts: Parts, connection: Connection, command: Webhook, *, make_secret: bool) -> Endpoint:
    """Register an endpoint; the same id again replaces it.

    Args:
        make_secret: give the endpoint a secret when the caller brought none.

    Returns:
        The endpoint with its secret: the only time that it is shown.

    Raises:
        InvalidInput: a field cannot be used.
    """
    headers = command.headers or {}
    if found := problems({"webhook_id": command.webhook_id, "url": command.url, "headers": headers}):
        raise InvalidInput(found)
    secret = command.secret or (clock.secret() if make_secret else None)
    return await registry.put_webhook(
        connection,
        parts.tenant,
        Endpoint(
            webhook_id=command.webhook_id or f"wh_{clock.new_id().hex}",
            url=command.url,
            events=list(dict.fromkeys(event.value for event in command.events)),
            secret=secret,
            headers=headers,
            timeout=command.timeout,
            retry_attempts=command.retry_attempts,
            enabled=command.enabled,
            thin=command.thin,
            max_per_second=command.max_per_second,
        ),
    )


def problems(given: Mapping[str, object]) -> list[FieldProblem]:
    """What is wrong with the id, the address and the headers of an endpoint, as far as they are of the right kind.

    Args:
        given: fields of the command `Webhook`, unchecked.
    """
    from guiado.delivery.urls import check_url

    webhook_id, url, headers = given.get("webhook_id"), given.get("url"), given.get("headers")
    found: list[FieldProblem] = []
    if isinstance(webhook_id, str) and not _ID.fullmatch(webhook_id.strip()):
        found.append(FieldProblem("webhook_id", Message("Usa de 1 a 128 letras, números, puntos y guiones.")))
    if isinstance(webhook_id, str) and webhook_id.strip() in BUILT_IN:
        why = Message("Este identificador es del destino que se define en el entorno. Elige otro.")
        found.append(FieldProblem("webhook_id", why))
    if isinstance(url, str):
        try:
            check_url(url.strip())
        except InvalidInput as error:
            found += error.problems
    if isinstance(headers, Mapping):
        found += _header_problems(cast("Mapping[object, object]", headers))
    return found


async def offer_kestra(parts: Parts, connection: Connection) -> None:
    """Let every event go to the operator's Kestra, until somebody wants it otherwise."""
    await registry.offer_webhook(connection, parts.tenant, KESTRA, [kind.value for kind in EventKind])


async def every(parts: Parts, connection: Connection) -> list[Endpoint]:
    """All endpoints, secrets included: doors must hide them (`view`)."""
    return await registry.webhooks(connection, parts.tenant)


async def switch(parts: Parts, connection: Connection, webhook_id: str, *, enabled: bool) -> Endpoint:
    """Begin or cease to send to an endpoint; what comes meanwhile is kept, and can be sent again.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    endpoint = await _find(parts, connection, webhook_id)
    return await registry.put_webhook(connection, parts.tenant, replace(endpoint, enabled=enabled))


async def remove(parts: Parts, connection: Connection, webhook_id: str) -> None:
    """Remove an endpoint; what was still to be sent to it is cancelled.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    if not is_storable(webhook_id) or not await registry.delete_webhook(connection, parts.tenant, webhook_id):
        raise WebhookNotFound(webhook_id)


async def stats(parts: Parts, connection: Connection, webhook_id: str) -> dict[str, Any]:
    """What became of the deliveries to an endpoint.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    await _find(parts, connection, webhook_id)
    found = await registry.webhook_stats(connection, webhook_id)
    return {name: value for name, value in found.items() if name != "tenant_id"}


async def trigger(
    parts: Parts, connection: Connection, kind: EventKind, data: dict[str, Any], webhook_id: str | None = None
) -> tuple[str, list[str]]:
    """Store an event for the endpoints that want it.

    Args:
        webhook_id: for this endpoint alone.

    Returns:
        Id of the event, and the endpoints that it waits for.
    """
    return await registry.emit(connection, parts.tenant, Event(kind, data), webhook_id)


async def first_results(parts: Parts, event_id: str) -> list[dict[str, Any]]:
    """What came of the first attempt to send an event, at each of its endpoints; waits for them.

    Returns:
        `webhook_id success status attempts response_status error` each; of one that was not asked in time the status is
        "pending".
    """
    began_s = clock.monotonic_s()
    while True:
        async with parts.db.connection() as connection:
            found = await outbox.first_attempts(connection, UUID(event_id), clock.now())
        longest_s = max((row["timeout"] or 0.0 for row in found), default=0.0)
        if all(map(_is_told, found)) or clock.monotonic_s() > began_s + longest_s + _GRACE_S:
            return [_result(row) for row in found]
        await asyncio.sleep(_LOOK_S)


def _is_told(row: Mapping[str, Any]) -> bool:
    return row["state"] != "pending" or row["attempts"] > 0 or row["paused"] or not row["enabled"]


def _result(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "webhook_id": row["destination"],
        "success": row["state"] == "delivered",
        "status": row["state"],
        "attempts": row["attempts"],
        "response_status": row["response_status"],
        "error": None if row["state"] == "delivered" else row["last_error"] or _WAITING,
    }


_GRACE_S, _LOOK_S = 2.0, 0.01
_WAITING = "Guardado y pendiente de envío."


async def replay(parts: Parts, connection: Connection, webhook_id: str, command: Replay) -> int:
    """Send again what an endpoint did not get.

    Returns:
        How many deliveries wait anew.

    Raises:
        WebhookNotFound: there is none with this id.
        InvalidInput: the endpoint is off.
    """
    await _find_enabled(parts, connection, webhook_id)
    event_id = uuid_or_none(command.event_id)
    if command.event_id is not None and event_id is None:
        raise InvalidInput([FieldProblem("event_id", Message("No es el identificador de un evento. Cópialo de los intentos."))])
    which = outbox.Range(event_id, command.begin, command.end, command.delivered)
    return await outbox.replay(connection, parts.tenant, webhook_id, which, clock.now())


async def rotate(parts: Parts, connection: Connection, webhook_id: str, command: Rotate) -> Endpoint:
    """Give an endpoint a new secret; for some hours the one before signs too.

    Returns:
        The endpoint with its new secret.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    secret, until = command.secret or clock.secret(), clock.now() + timedelta(hours=command.overlap_hours)
    found = await outbox.rotate(connection, parts.tenant, webhook_id, secret, until) if is_storable(webhook_id) else None
    if found is None:
        raise WebhookNotFound(webhook_id)
    return found


async def test(parts: Parts, connection: Connection, webhook_id: str) -> str:
    """Store a test event for one endpoint; it takes the very way of all others.

    Returns:
        Id of the event.

    Raises:
        WebhookNotFound: there is none with this id.
        InvalidInput: the endpoint is off.
    """
    endpoint = await _find_enabled(parts, connection, webhook_id)
    kind = EventKind(endpoint.events[0])
    async with connection.transaction():
        event_id, _ = await registry.emit(connection, parts.tenant, Event(kind, {"test": True}), webhook_id)
    return event_id


async def attempts(parts: Parts, connection: Connection, webhook_id: str, most: int) -> list[dict[str, Any]]:
    """The latest attempts at an endpoint, newest first.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    await _find(parts, connection, webhook_id)
    return await outbox.attempts(connection, parts.tenant, webhook_id, most)


async def _find_enabled(parts: Parts, connection: Connection, webhook_id: str) -> Endpoint:
    endpoint = await _find(parts, connection, webhook_id)
    if not endpoint.enabled:
        why = Message("Está desactivado. Regístralo otra vez con enabled: true, y repite.")
        raise InvalidInput([FieldProblem("webhook_id", why)])
    return endpoint


async def _find(parts: Parts, connection: Connection, webhook_id: str) -> Endpoint:
    found = await registry.webhook(connection, parts.tenant, webhook_id) if is_storable(webhook_id) else None
    if found is None:
        raise WebhookNotFound(webhook_id)
    return found


def view(endpoint: Endpoint, *, show_secret: bool = False) -> dict[str, Any]:
    """An endpoint as doors show it."""
    shown = endpoint if show_secret else replace(endpoint, secret=None)
    values: dict[str, Any] = {name: getattr(shown, name) for name in Endpoint.__slots__ if name not in _UNSHOWN}
    if not show_secret:
        values.pop("secret")
    return {**values, "has_secret": endpoint.secret is not None}


def _header_problems(headers: Mapping[object, object]) -> list[FieldProblem]:
    why = Message("Esta cabecera no se puede enviar. Usa letras, números y guiones, sin saltos de línea.")
    pairs = [(name, value) for name, value in headers.items() if isinstance(name, str) and isinstance(value, str)]
    return [FieldProblem(f"headers.{ascii(name)[1:-1][:64]}", why) for name, value in pairs if not _is_sendable(name, value)]


def _is_sendable(name: str, value: str) -> bool:
    is_name = name.isascii() and name.replace("-", "").replace("_", "").isalnum() and name.lower() not in _FORBIDDEN_HEADERS
    return is_name and value.isprintable() and value.isascii() and len(value) <= _MAX_HEADER
