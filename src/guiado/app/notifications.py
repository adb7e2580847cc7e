"""Notifications: messages to one recipient each, stored before anything is sent.

Source: contract.md §1, TroubleshootingNotificationManager, and §3.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from guiado import clock
from guiado.app.commands import Notification
from guiado.app.parts import Parts
from guiado.app.plain import plain_problem
from guiado.app.targets import target_problems
from guiado.delivery.templates import IDS, MessageTemplate, choose, fill, shown
from guiado.errors import FieldProblem, InvalidInput, Message, SessionNotFound, printable
from guiado.i18n import DEFAULT_LANGUAGE, LANGUAGES
from guiado.store import notifications, registry, sessions
from guiado.store.database import Connection
from guiado.store.sessions import uuid_or_none

STATUSES = ("pending", "sent", "failed", "cancelled")
SAME_S = 600.0
"""The same message to the same recipient within so many seconds is one message, unless it is urgent."""
_PAGE = 100
_LOOK_S, _LONGEST_S = 0.02, 35.0


async def store(
    parts: Parts, connection: Connection, command: Notification, metadata: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], bool]:
    """Store a notification to be sent.

    Args:
        metadata: `webhook_url`, `secret`, `buttons` and `language`, besides what the caller wants to remember.

    Returns:
        The notification, with its id and status; and whether the same one was stored a moment ago, so that it counts.

    Raises:
        SessionNotFound: it names a session that does not exist.
        InvalidInput: it has nothing to say, or cannot be sent.
    """
    metadata = {**(metadata or {}), **({"webhook_url": command.webhook_url} if command.webhook_url else {})}
    if found := _problems(command, metadata):
        raise InvalidInput(found)
    session_id = await _session_id(parts, connection, command.session_id)
    message = notifications.Message(
        notification_type=command.notification_type,
        channel=command.channel,
        recipient=command.recipient,
        priority=command.priority,
        subject=command.subject,
        message=command.message,
        session_id=session_id,
        metadata=metadata,
        dedup_key=None if command.priority == "urgent" else _sameness(parts, command, session_id, metadata),
    )
    async with connection.transaction():
        return await notifications.put(connection, parts.tenant, message, SAME_S, clock.now())


def _sameness(parts: Parts, command: Notification, session_id: str | None, metadata: Mapping[str, Any]) -> str:
    told = (
        parts.tenant, command.channel, command.recipient, command.notification_type, command.subject, command.message, session_id,
        metadata.get("webhook_url"),
    )  # fmt: skip
    return hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()


def _problems(command: Notification, metadata: Mapping[str, Any]) -> list[FieldProblem]:
    found = [plain_problem("metadata", metadata), *target_problems(command.channel, command.recipient, command.webhook_url)]
    if command.subject is None and command.message is None:
        if command.notification_type not in IDS:
            found.append(FieldProblem("message", Message("Falta el texto. Escribe message o subject.")))
        elif command.session_id is None:
            why = Message("Sin texto, el aviso cuenta algo de una sesión: indica session_id, o escribe message.")
            found.append(FieldProblem("message", why))
    return [problem for problem in found if problem]


async def every(
    parts: Parts, connection: Connection, session_id: str | None = None, status: str | None = None
) -> list[dict[str, Any]]:
    """The latest notifications, of one session or of all.

    Args:
        status: only those with it.

    Raises:
        SessionNotFound: the session does not exist.
        InvalidInput: there is no such status.
    """
    if status is not None and status not in STATUSES:
        why = Message(
            "{given} no es un estado. Usa uno de estos: {known}.", {"given": printable(status), "known": ", ".join(STATUSES)}
        )
        raise InvalidInput([FieldProblem("status", why)])
    key = uuid_or_none(await _session_id(parts, connection, session_id)) if session_id else None
    return await notifications.page(connection, parts.tenant, key, status, _PAGE)


async def again(parts: Parts, connection: Connection, notification_id: str | None = None) -> int:
    """Send what was given up once more: one notification, or all of them.

    Returns:
        How many wait anew.

    Raises:
        InvalidInput: none with this id was given up.
    """
    key = uuid_or_none(notification_id)
    count = await notifications.again(connection, parts.tenant, key, clock.now()) if key or notification_id is None else 0
    if notification_id is not None and count == 0:
        why = Message("Ningún aviso fallido tiene este identificador. Cópialo de la lista de avisos.")
        raise InvalidInput([FieldProblem("notification_id", why)])
    return count


async def first_result(parts: Parts, notification_id: str) -> dict[str, Any]:
    """What came of the first attempt to send a notification; waits for it.

    Returns:
        The notification; one that nobody tried in time, or that waits for the end of quiet hours, is "pending".
    """
    end_s = clock.monotonic_s() + _LONGEST_S
    while True:
        async with parts.db.connection() as connection:
            found = await notifications.one(connection, parts.tenant, UUID(notification_id))
        if found is None:  # removed meanwhile, with its session
            return {"status": "cancelled", "error_message": None, "note": None, "provider_message_id": None}
        is_told = found["status"] != "pending" or found["attempts"] > 0 or found["note"] is not None
        if is_told or clock.monotonic_s() > end_s:
            return found
        await asyncio.sleep(_LOOK_S)


async def register_template(parts: Parts, connection: Connection, template_id: str, subject: str, body: str) -> None:
    """Store a message template; the same id again replaces it."""
    content = {"subject": subject, "body": body}
    await registry.put_template(connection, parts.tenant, "message", template_id, content)


async def write(
    parts: Parts, connection: Connection, template_id: str | None, context: Mapping[str, object], language: str = DEFAULT_LANGUAGE
) -> MessageTemplate:
    """Subject and body for this context; without a template, the context's own.

    Args:
        language: of built-in templates.

    Raises:
        InvalidInput: no template has this id, or there is neither template nor text.
    """
    if template_id is None:
        subject, body = shown(context.get("subject")), shown(context.get("body"))
        if not subject.strip() and not body.strip():
            raise InvalidInput(
                [FieldProblem("template", Message("Falta. Indica una plantilla, o subject y body en el contexto."))]
            )
        return MessageTemplate(subject, body)
    own = await registry.templates(connection, parts.tenant, "message")
    template = choose(own, template_id, language)
    if template is None:
        known = ", ".join(sorted({*IDS, *own}))
        why = Message("No existe {id}. Plantillas: {known}.", {"id": printable(template_id), "known": known})
        raise InvalidInput([FieldProblem("template", why)])
    return MessageTemplate(fill(template.subject, context), fill(template.body, context))


def language_in(context: Mapping[str, object], default: str | None = None) -> str:
    """The language that a context asks for, if it is one of ours."""
    wished = context.get("language")
    return cast("str", wished) if wished in LANGUAGES else default or DEFAULT_LANGUAGE


async def _session_id(parts: Parts, connection: Connection, session_id: str | None) -> str | None:
    if session_id is None:
        return None
    key = uuid_or_none(session_id)
    if key is None or await sessions.load(connection, parts.tenant, key) is None:
        raise SessionNotFound(session_id)
    return str(key)
