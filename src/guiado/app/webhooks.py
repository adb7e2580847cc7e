"""Webhooks: who wants to be told of what.

Source: contract.md §1, TroubleshootingWebhookManager, and §3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from guiado import clock
from guiado.app.commands import Webhook
from guiado.app.parts import Parts
from guiado.domain.events import Event, EventKind
from guiado.domain.knowledge import is_storable
from guiado.errors import FieldProblem, InvalidInput, Message, WebhookNotFound
from guiado.store import registry
from guiado.store.database import Connection
from guiado.store.registry import Endpoint

_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
_MAX_HEADER = 4_096
_FORBIDDEN_HEADERS = {
    "host", "content-length", "content-type", "transfer-encoding", "connection", "te", "expect", "upgrade", "x-webhook-event",
    "x-webhook-attempt", "x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature",
}  # fmt: skip
"""Headers that are ours or the protocol's to set."""


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
    if isinstance(url, str):
        try:
            check_url(url.strip())
        except InvalidInput as error:
            found += error.problems
    if isinstance(headers, Mapping):
        found += _header_problems(cast("Mapping[object, object]", headers))
    return found


async def every(parts: Parts, connection: Connection) -> list[Endpoint]:
    """All endpoints, secrets included: doors must hide them (`view`)."""
    return await registry.webhooks(connection, parts.tenant)


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
    if not is_storable(webhook_id) or await registry.webhook(connection, parts.tenant, webhook_id) is None:
        raise WebhookNotFound(webhook_id)
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


def view(endpoint: Endpoint, *, show_secret: bool = False) -> dict[str, Any]:
    """An endpoint as doors show it."""
    shown = endpoint if show_secret else replace(endpoint, secret=None)
    values: dict[str, Any] = {name: getattr(shown, name) for name in Endpoint.__slots__}
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
