"""Webhooks: who wants to be told of what.

Source: contract.md §1, TroubleshootingWebhookManager, and §3.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from guiado import clock
from guiado.app.commands import Webhook
from guiado.app.parts import Parts
from guiado.domain.events import Event, EventKind
from guiado.errors import FieldProblem, InvalidInput, Message, WebhookNotFound
from guiado.store import registry
from guiado.store.database import Connection
from guiado.store.registry import Endpoint

_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
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
    from guiado.delivery.urls import check_url

    if command.webhook_id is not None and not _ID.fullmatch(command.webhook_id):
        raise InvalidInput([FieldProblem("webhook_id", Message("Usa de 1 a 128 letras, números, puntos y guiones."))])
    check_url(command.url)
    headers = command.headers or {}
    _check_headers(headers)
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


async def every(parts: Parts, connection: Connection) -> list[Endpoint]:
    """All endpoints, secrets included: doors must hide them (`view`)."""
    return await registry.webhooks(connection, parts.tenant)


async def remove(parts: Parts, connection: Connection, webhook_id: str) -> None:
    """Remove an endpoint; what was still to be sent to it is cancelled.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    if "\x00" in webhook_id or not await registry.delete_webhook(connection, parts.tenant, webhook_id):
        raise WebhookNotFound(webhook_id)


async def stats(parts: Parts, connection: Connection, webhook_id: str) -> dict[str, Any]:
    """What became of the deliveries to an endpoint.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    if "\x00" in webhook_id or await registry.webhook(connection, parts.tenant, webhook_id) is None:
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


def _check_headers(headers: dict[str, str]) -> None:
    problems = [
        FieldProblem(
            f"headers.{name[:64]}",
            Message("Esta cabecera no se puede enviar. Usa letras, números y guiones, sin saltos de línea."),
        )
        for name, value in headers.items()
        if not name.replace("-", "").replace("_", "").isalnum()
        or not name.isascii()
        or name.lower() in _FORBIDDEN_HEADERS
        or not value.isprintable()
        or not value.isascii()
        or len(value) > 4_096  # noqa: PLR2004
    ]
    if problems:
        raise InvalidInput(problems)
