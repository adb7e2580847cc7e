"""Notifications: messages to one recipient each, stored before anything is sent.

Source: contract.md §1, TroubleshootingNotificationManager, and §3.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from guiado import clock
from guiado.app.access.audit import act, audited_read, note, note_access
from guiado.app.commands import Notification, NotificationPage, RetryNotifications
from guiado.app.context import AppContext, UnitOfWork
from guiado.app.json_values import plain_problem
from guiado.app.outbound.models import NotificationRow
from guiado.app.outbound.recipient_address import missing_url_problem, target_problems
from guiado.delivery.channels import kind_of, normal_form, spellings
from guiado.delivery.channels.common.address import masked
from guiado.delivery.channels.common.base import one_line, plain_text
from guiado.delivery.templates import IDS, MessageTemplate, choose, fill, shown
from guiado.errors import FieldProblem, InvalidInput, Message, SessionNotFound, printable
from guiado.i18n import DEFAULT_LANGUAGE, LANGUAGES
from guiado.store import notifications, sessions
from guiado.store import templates as stored_templates
from guiado.store.sessions import uuid_or_none

_RETRIED = ("failed", "pending")
"""Statuses of notifications that can be sent again: given up, or waiting for another attempt after a failure."""
SAME_S = 600.0
"""Seconds within which the same message to the same recipient is one message, unless it is urgent."""
_TOLD = ("status", "error_message", "note", "provider_message_id")
"""Fields of the result of a first attempt."""
_LOOK_S, _LONGEST_S = 0.02, 35.0


async def store(
    work: UnitOfWork, command: Notification, metadata: Mapping[str, object] | None = None
) -> tuple[NotificationRow, bool]:
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
    if found := [*_problems(command, metadata), *await _unreachable(work, command, metadata)]:
        raise InvalidInput(found)
    session_id = await _session_id(work, command.session_id)
    message = notifications.NewNotification(
        notification_type=command.notification_type,
        channel=command.channel,
        recipient=normal_form(command.channel, command.recipient),
        priority=command.priority,
        subject=command.subject,
        message=command.message,
        session_id=session_id,
        metadata=metadata,
        dedup_key=None if command.priority == "urgent" else _sameness(work.app, command, session_id, metadata),
    )
    async with work.connection.transaction():
        stored, is_repeated = await notifications.put(work.connection, work.tenant, message, SAME_S, clock.now())
        await note(work, "send", "notification", stored.id)
    return view(stored), is_repeated


def _sameness(parts: AppContext, command: Notification, session_id: str | None, metadata: Mapping[str, object]) -> str:
    recipient = normal_form(command.channel, command.recipient)
    told = (
        parts.tenant, command.channel, recipient, command.notification_type, command.subject, command.message, session_id,
        metadata.get("webhook_url"),
    )  # fmt: skip
    return hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()


def _problems(command: Notification, metadata: Mapping[str, object]) -> list[FieldProblem]:
    found = [plain_problem("metadata", metadata), *target_problems(command.channel, command.recipient, command.webhook_url)]
    if command.subject is None and command.message is None:
        if command.notification_type not in IDS:
            found.append(FieldProblem("message", Message("Falta el texto. Escribe message o subject.")))
        elif command.session_id is None:
            why = Message("Un aviso sin texto trata de una sesión: indica session_id, o escribe message.")
            found.append(FieldProblem("message", why))
    return [problem for problem in found if problem]


async def _unreachable(work: UnitOfWork, command: Notification, metadata: Mapping[str, object]) -> list[FieldProblem]:
    """Fault of a channel that needs an address, where neither the caller gives one nor the recipient has one."""
    url = metadata.get("webhook_url")
    has_account = work.app.has_account(command.channel)
    if missing_url_problem(command.channel, command.recipient, url, has_account=has_account) is None:
        return []
    known = await notifications.recipient(
        work.connection, work.tenant, command.channel, spellings(command.channel, command.recipient)
    )
    problem = missing_url_problem(command.channel, command.recipient, known.options.get("webhook_url"), has_account=has_account)
    return [problem] if problem else []


def view(stored: NotificationRow) -> NotificationRow:
    """A notification as doors show it: without the key that a URL may hold."""
    return msgspec.structs.replace(stored, recipient=masked(stored.recipient))


@audited_read
async def page(
    work: UnitOfWork,
    wanted: NotificationPage,
    before: tuple[datetime, UUID] | None = None,
    session_id: str | None = None,
) -> tuple[list[NotificationRow], bool]:
    """One page of notifications, newest first, and whether there are more.

    Args:
        session_id: only those of this session.
        before: time and id of the last one of the page before.

    Raises:
        SessionNotFound: the session does not exist.
    """
    session_id = await _session_id(work, session_id)
    rows = await notifications.page(
        work.connection,
        work.tenant,
        wanted.limit + 1,
        session_id=uuid_or_none(session_id),
        status=wanted.status,
        channel=wanted.channel,
        before=before,
    )
    shown = [view(row) for row in rows[: wanted.limit]]
    await note_access(work, "notification", [each.id for each in shown])
    return shown, len(rows) > wanted.limit


@audited_read
async def one(work: UnitOfWork, notification_id: str) -> NotificationRow:
    """One notification.

    Raises:
        InvalidInput: there is none with this id.
    """
    key = uuid_or_none(notification_id)
    found = await notifications.one(work.connection, work.tenant, key) if key else None
    if found is None:
        why = Message("Ningún aviso tiene este identificador. Cópialo de la lista de avisos.")
        raise InvalidInput([FieldProblem("notification_id", why)])
    await note_access(work, "notification", [found.id])
    return view(found)


async def again(work: UnitOfWork, notification_id: str | None = None) -> int:
    """Send one notification once more that was given up or waits for another attempt; without an id, all that were given up.

    Returns:
        How many are on their way again.

    Raises:
        InvalidInput: no notification that failed has this id.
    """
    if notification_id is None:
        return await retry(work, RetryNotifications(status="failed"))
    key = uuid_or_none(notification_id)
    why = Message("Ningún aviso fallido tiene este identificador. Cópialo de la lista de avisos.")
    missing = InvalidInput([FieldProblem("notification_id", why)])
    if key is None:
        raise missing
    async with act(work, "retry", "notification", str(key)):
        count = await notifications.again(work.connection, work.tenant, clock.now(), _RETRIED, notification_id=key)
        if count == 0:
            raise missing
    return count


async def retry(work: UnitOfWork, wanted: RetryNotifications) -> int:
    """Send again the notifications that were given up, and at once those that wait for another attempt.

    Returns:
        How many are on their way again.
    """
    statuses = [wanted.status] if wanted.status else _RETRIED
    async with act(work, "retry", "notification") as detail:
        count = await notifications.again(
            work.connection, work.tenant, clock.now(), statuses, channel=wanted.channel, since=wanted.since
        )
        detail["count"] = count
    return count


async def first_result(parts: AppContext, notification_id: str) -> dict[str, str | None]:
    """Wait for the first attempt to send a notification, and return its result.

    Returns:
        `status error_message note provider_message_id`; of one without an attempt in time, or that waits for the end of quiet
        hours, the status is "pending".
    """
    end_s = clock.monotonic_s() + _LONGEST_S
    while True:
        async with parts.connection() as connection:
            found = await notifications.one(connection, parts.tenant, UUID(notification_id))
        if found is None:  # removed meanwhile, with its session
            return {**dict.fromkeys(_TOLD), "status": "cancelled"}
        is_told = found.status != "pending" or found.attempts > 0 or found.note is not None
        if is_told or clock.monotonic_s() > end_s:
            return {name: getattr(found, name) for name in _TOLD}
        await asyncio.sleep(_LOOK_S)


async def register_template(work: UnitOfWork, template_id: str, subject: str, body: str) -> None:
    """Store a message template; the same id again replaces it."""
    content = {"subject": subject, "body": body}
    async with act(work, "change", "message_template", template_id):
        await stored_templates.put(work.connection, work.tenant, "message", template_id, content)


async def write(
    work: UnitOfWork,
    template_id: str | None,
    context: Mapping[str, object],
    language: str = DEFAULT_LANGUAGE,
    channel: str | None = None,
) -> MessageTemplate:
    """Subject and body of a template filled with a context; without a template, the context's own.

    Args:
        language: of built-in templates.
        channel: how the message travels: built-in templates keep to the letters that it has.

    Raises:
        InvalidInput: no template has this id, or there is neither template nor text.
    """
    if template_id is None:
        subject, body = one_line(shown(context.get("subject"))), plain_text(shown(context.get("body")))
        if not subject.strip() and not body.strip():
            raise InvalidInput(
                [FieldProblem("template", Message("Falta. Indica una plantilla, o subject y body en el contexto."))]
            )
        return MessageTemplate(subject, body)
    stored = await stored_templates.listed(work.connection, work.tenant, "message")
    own = {name: {part: str(said) for part, said in content.items()} for name, content in stored.items()}
    template = choose(own, template_id, language)
    if template is None:
        known = ", ".join(sorted({*IDS, *own}))
        why = Message("No existe {id}. Plantillas: {known}.", {"id": printable(template_id), "known": known})
        raise InvalidInput([FieldProblem("template", why)])
    kind = kind_of(channel)
    if kind and template_id not in own and f"{template_id}.{language}" not in own:
        template = MessageTemplate(kind.own_words(template.subject), kind.own_words(template.body))
    return MessageTemplate(fill(template.subject, context), fill(template.body, context))


def language_in(context: Mapping[str, object], default: str | None = None) -> str:
    """The language that a context asks for, if guiado has it; else the default."""
    wished = context.get("language")
    return wished if isinstance(wished, str) and wished in LANGUAGES else default or DEFAULT_LANGUAGE


async def _session_id(work: UnitOfWork, session_id: str | None) -> str | None:
    if session_id is None:
        return None
    key = uuid_or_none(session_id)
    if key is None or await sessions.load(work.connection, work.tenant, key) is None:
        raise SessionNotFound(session_id)
    return str(key)
