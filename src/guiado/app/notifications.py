"""Notifications: messages to one recipient each, stored before anything is sent.

Source: contract.md §1, TroubleshootingNotificationManager, and §3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guiado.app.commands import Notification
from guiado.app.fields import email_problem
from guiado.app.parts import Parts
from guiado.app.plain import plain_problem
from guiado.delivery.templates import BUILT_IN, MessageTemplate, fill, shown
from guiado.errors import FieldProblem, InvalidInput, Message, SessionNotFound, printable
from guiado.store import registry, sessions
from guiado.store.database import Connection
from guiado.store.sessions import uuid_or_none

_PAGE = 100


async def store(
    parts: Parts, connection: Connection, command: Notification, metadata: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Store a notification to be sent.

    Returns:
        The notification, with its id and status.

    Raises:
        SessionNotFound: it names a session that does not exist.
        InvalidInput: it has nothing to say.
    """
    if found := _problems(command, metadata):
        raise InvalidInput(found)
    session_id = await _session_id(parts, connection, command.session_id)
    message = registry.Message(
        notification_type=command.notification_type,
        channel=command.channel,
        recipient=command.recipient,
        priority=command.priority,
        subject=command.subject,
        message=command.message,
        session_id=session_id,
        metadata=metadata,
    )
    return await registry.put_notification(connection, parts.tenant, message)


def _problems(command: Notification, metadata: Mapping[str, Any] | None) -> list[FieldProblem]:
    found = [plain_problem("metadata", metadata)]
    if command.subject is None and command.message is None and command.notification_type not in BUILT_IN:
        found.append(FieldProblem("message", Message("Falta el texto. Escribe message o subject.")))
    if command.channel == "email":
        found.append(email_problem("recipient", command.recipient))
    return [problem for problem in found if problem]


async def every(parts: Parts, connection: Connection, session_id: str | None = None) -> list[dict[str, Any]]:
    """The latest notifications, of one session or of all.

    Raises:
        SessionNotFound: the session does not exist.
    """
    key = uuid_or_none(await _session_id(parts, connection, session_id)) if session_id else None
    return await registry.notifications(connection, parts.tenant, key, _PAGE)


async def register_template(parts: Parts, connection: Connection, template_id: str, subject: str, body: str) -> None:
    """Store a message template; the same id again replaces it."""
    content = {"subject": subject, "body": body}
    await registry.put_template(connection, parts.tenant, "message", template_id, content)


async def write(parts: Parts, connection: Connection, template_id: str | None, context: Mapping[str, object]) -> MessageTemplate:
    """Subject and body for this context; without a template, the context's own.

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
    found = own.get(template_id)
    template = MessageTemplate(found["subject"], found["body"]) if found else BUILT_IN.get(template_id)
    if template is None:
        known = ", ".join(sorted({*BUILT_IN, *own}))
        why = Message("No existe {id}. Plantillas: {known}.", {"id": printable(template_id), "known": known})
        raise InvalidInput([FieldProblem("template", why)])
    return MessageTemplate(fill(template.subject, context), fill(template.body, context))


async def _session_id(parts: Parts, connection: Connection, session_id: str | None) -> str | None:
    if session_id is None:
        return None
    key = uuid_or_none(session_id)
    if key is None or await sessions.load(connection, parts.tenant, key) is None:
        raise SessionNotFound(session_id)
    return str(key)
