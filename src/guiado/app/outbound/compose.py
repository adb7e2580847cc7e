"""Composition of a notification: its own words, or a template filled with the facts of its session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from guiado.app.access import customer_links
from guiado.app.context import UnitOfWork
from guiado.app.guidance.stand import stand_of
from guiado.app.outbound.notifications import language_in, write
from guiado.app.sessions import views
from guiado.app.sessions.answer import load
from guiado.delivery.channels import Button, Outgoing, kind_of, normal_form
from guiado.delivery.templates import NEW_LINK
from guiado.domain.recipient import RecipientPreferences
from guiado.errors import FieldProblem, InvalidInput, Message, SessionNotFound
from guiado.i18n import text
from guiado.store import notifications, sessions
from guiado.store.notifications import Due, Story
from guiado.store.recipient_place import CREDENTIALS
from guiado.store.secret_box import require_open
from guiado.store.sessions import StoredAttempt, uuid_or_none
from guiado.text.json_shapes import JsonObject, items_in, object_in

_MAX_SUBJECT, _MAX_BUTTONS, _MAX_LABEL = 200, 5, 40
_UNKNOWN = "—"
_PRIORITIES = ("low", "normal", "high", "urgent")


async def compose(work: UnitOfWork, due: Sequence[Due], recipient: RecipientPreferences) -> Outgoing:
    """Compose one message from a notification, or from several that were gathered for the same recipient.

    Raises:
        InvalidInput: its template is gone.
        SecretUnreadable: where it goes, or its secret, could not be decrypted.
    """
    first = due[0]
    options = {**recipient.options, **{name: value for name, value in first.metadata.items() if name in CREDENTIALS and value}}
    require_open((first.recipient, *map(str, options.values())))
    written = [await _words(work, one, recipient) for one in due]
    subject, body, language = written[0] if len(due) == 1 else _digest(written, recipient)
    return Outgoing(
        notification_id=str(first.id),
        recipient=first.recipient,
        subject=" ".join((subject or "").split())[:_MAX_SUBJECT] or None,  # a customer's words may have several lines
        text=body,
        priority=max((one.priority for one in due), key=_PRIORITIES.index),
        language=language,
        session_id=str(first.session_id) if first.session_id and len(due) == 1 else None,
        buttons=_buttons(first.metadata.get("buttons")),
        options={name: str(value) for name, value in options.items()},
    )


async def _words(work: UnitOfWork, due: Due, recipient: RecipientPreferences) -> tuple[str | None, str, str]:
    language = recipient.language or language_in(due.metadata)
    if due.message is not None or due.subject is not None:
        return due.subject, due.message or due.subject or "", language
    event_id = uuid_or_none(due.metadata.get("event_id"))
    told = await notifications.story(work.connection, work.tenant, due.session_id, event_id) if due.session_id else None
    if recipient.language is None and told and _is_customer(told, due):
        language = language_in({"language": told.language})
    tried = await sessions.attempts(work.connection, work.tenant, str(due.session_id)) if told else []
    known = await _known(work, told, due, language) if told else []
    context: Mapping[str, object] = _context(told, tried, known, language, due.channel)
    if due.notification_type == NEW_LINK:
        context = {**context, "link": await _new_link(work, told, due), "team": work.app.team}
    written = await write(work, due.notification_type, context, language, due.channel)
    return written.subject, written.body.rstrip(), language


async def _new_link(work: UnitOfWork, told: Story | None, due: Due) -> str:
    """Make a link to the session of a notification, for its customer.

    Raises:
        InvalidInput: the session is gone, or has another address by now.
    """
    base_url, days = due.metadata.get("base_url"), due.metadata.get("days")
    gone = InvalidInput([FieldProblem("recipient", Message("La sesión ya no existe, o tiene otro correo."))])
    if told is None or not _is_customer(told, due) or not isinstance(base_url, str) or not isinstance(days, int):
        raise gone
    try:
        made = await customer_links.create(work, told.session_id, base_url, days)
    except SessionNotFound:
        raise gone from None
    return made.url or ""


async def _known(work: UnitOfWork, told: Story, due: Due, language: str) -> list[str]:
    """Lines on what the customer answered and on where the session stands by what was learned; none for the customer."""
    if _is_customer(told, due):
        return []
    try:
        loaded, guide = await load(work, told.session_id)
    except SessionNotFound:  # gone meanwhile
        return []
    answers = views.guide_answers_view(loaded.session, guide, language)
    unknown = text(language, "no lo sabe")
    said = [f"• {each.question} {each.answer or unknown}" for each in answers]
    found = stand_of(work.app.policy, loaded.session, guide, language)
    return [*([text(language, "Lo que contestó:")] if said else []), *said, *(found.lines if found else [])]


def _is_customer(told: Story, due: Due) -> bool:
    email = told.customer_email
    return email is not None and normal_form("email", email) == normal_form(due.channel, due.recipient)


def _context(
    told: Story | None, tried: Sequence[StoredAttempt], known: Sequence[str], language: str, channel: str
) -> dict[str, object]:
    facts: JsonObject = {**structs.asdict(told), **(told.data or {})} if told else {}
    facts["customer_name"] = (told.customer_name or told.customer_email or _nobody(language, channel)) if told else None
    facts["reason"] = facts.get("reason") or (told.escalation_reason if told else None)
    shown: dict[str, object] = {name: _UNKNOWN if facts.get(name) is None else facts[name] for name in {*facts, *_NAMES}}
    return {**shown, "tried": _list_tried(tried, known, language, channel), "pictures": _pictures(told, language, channel)}


def _nobody(language: str, channel: str) -> str:
    """The name of a customer of whom neither name nor address is known."""
    kind, said = kind_of(channel), text(language, "Un cliente sin correo")
    return kind.own_words(said) if kind else said


_NAMES = (
    "customer_name", "problem_description", "step_number", "ticket_id", "reason", "notes", "rating", "feedback_text", "attempt",
    "problem_title", "current_step", "total_steps",
)  # fmt: skip
"""Placeholders of the built-in templates."""


def _list_tried(tried: Sequence[StoredAttempt], known: Sequence[str], language: str, channel: str) -> str:
    """The list of the steps already tried, and what else is known, for the person who takes over."""
    kind = kind_of(channel)
    say = kind.own_words if kind else str
    if not tried:
        return "\n".join([say(text(language, "Todavía no se intentó nada.")), *known])
    lines = [f"{'✓' if one.attempt.success else '✗'} {_line(one)}" for one in tried]
    return "\n".join([say(text(language, "Ya se intentó:")), *lines, *known])


def _pictures(told: Story | None, language: str, channel: str) -> str:
    """How many pictures the customer sent and how to see them; empty where there are none."""
    if told is None or not told.pictures:
        return ""
    kind, command = kind_of(channel), f"guiado sessions attachments {views.reference(str(told.session_id))}"
    words = text(language, "Imágenes del cliente: {count}. Para guardarlas: {command}", count=told.pictures, command=command)
    return (kind.own_words if kind else str)(words)


def _line(one: StoredAttempt) -> str:
    title = one.attempt.step_title or one.attempt.step_id
    return f"{title} ({one.attempt.notes})" if one.attempt.notes else title


def _digest(written: Sequence[tuple[str | None, str, str]], recipient: RecipientPreferences) -> tuple[str, str, str]:
    language = recipient.language or written[0][2]
    subject = text(language, "{count} avisos", count=len(written))
    each = [f"• {title}\n{body}" if title and title != body else f"• {body}" for title, body, _ in written]
    return subject, "\n\n".join(each), language


def _buttons(given: object) -> tuple[Button, ...]:
    """The buttons in a caller's value; items that are no buttons are left out."""
    return tuple(filter(None, map(_button, items_in(given)[:_MAX_BUTTONS])))


def _button(given: object) -> Button | None:
    asked = object_in(given)
    label, url, action = (asked.get(name) for name in ("label", "url", "action"))
    if not isinstance(label, str) or not label.strip():
        return None
    return Button(label.strip()[:_MAX_LABEL], url if isinstance(url, str) else None, action if isinstance(action, str) else None)
