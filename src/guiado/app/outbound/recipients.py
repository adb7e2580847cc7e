"""Recipients of notifications and their preferences: events, language, quiet hours."""

from __future__ import annotations

from datetime import time
from functools import cache
from zoneinfo import available_timezones

from guiado.app import commands
from guiado.app.access.audit import act, note
from guiado.app.context import AppContext, UnitOfWork
from guiado.app.knowledge.entry_reader import is_storable
from guiado.app.outbound.endpoint_fields import secret_problems
from guiado.app.outbound.models import RecipientBody
from guiado.app.outbound.recipient_address import missing_url_problem, target_problems
from guiado.app.sessions.start import pseudonym
from guiado.delivery.channels import normal_form, spellings
from guiado.delivery.channels.common.address import masked
from guiado.delivery.guarded_client import GuardedClient
from guiado.domain.events import EventKind
from guiado.domain.recipient import RecipientPreferences
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.store import notifications

SLACK_DESK = "soporte"
"""Recipient that the operator's `SLACK_WEBHOOK_URL` reaches."""


async def put(work: UnitOfWork, command: commands.Recipient) -> RecipientPreferences:
    """Store the notification preferences of a recipient; the same channel and recipient again replaces them.

    Address and secret, which cannot be read back, stay where the command has none.

    Raises:
        InvalidInput: a field cannot be used.
    """
    known = spellings(command.channel, command.recipient)
    stored = (await notifications.recipient(work.connection, work.tenant, command.channel, known)).options
    if found := _problems(work.app, command, stored.get("webhook_url")):
        raise InvalidInput(found)
    given = {"webhook_url": command.webhook_url, "secret": command.secret}
    recipient = RecipientPreferences(
        channel=command.channel,
        recipient=normal_form(command.channel, command.recipient),
        events=tuple(dict.fromkeys(event.value for event in command.events or ())),
        muted=tuple(dict.fromkeys(command.muted or ())),
        language=command.language,
        time_zone=command.time_zone,
        quiet_from=_time(command.quiet_from),
        quiet_to=_time(command.quiet_to),
        digest_minutes=command.digest_minutes,
        options={**stored, **{name: value for name, value in given.items() if value}},
    )
    async with act(work, "change", "recipient", _audited(work, recipient.channel, recipient.recipient)):
        await notifications.put_recipient(work.connection, work.tenant, recipient, known)
    return recipient


def _audited(work: UnitOfWork, channel: str, recipient: str) -> str:
    """The name of a recipient in the audit log, which shows no address."""
    return f"{channel}:{pseudonym(work.tenant, recipient)}"


async def warning(client: GuardedClient, command: commands.Recipient) -> Message | None:
    """Warning that a recipient's address cannot be sent to; None if it can. Looks its name up: hold no connection meanwhile."""
    url = command.webhook_url or (command.recipient if command.channel == "webhook" else None)
    refusal = await client.refusal(url) if url and "://" in url else None
    return Message("Por ahora no se le puede enviar nada. {why}", {"why": refusal}) if refusal else None


async def offer_slack(work: UnitOfWork) -> None:
    """Store the operator's Slack as a recipient of escalations, unless it is stored already."""
    events = [EventKind.SESSION_ESCALATED.value]
    async with work.connection.transaction():
        if await notifications.offer_recipient(work.connection, work.tenant, "slack", SLACK_DESK, events):
            await note(work, "change", "recipient", _audited(work, "slack", SLACK_DESK))


async def every(work: UnitOfWork) -> list[RecipientPreferences]:
    """All stored recipients, with their notification preferences."""
    return await notifications.recipients(work.connection, work.tenant)


async def find(work: UnitOfWork, channel: str, recipient: str) -> RecipientPreferences:
    """Notification preferences of a recipient, in any spelling of the address; the defaults for an unknown one."""
    return await notifications.recipient(work.connection, work.tenant, channel, spellings(channel, recipient))


async def language(work: UnitOfWork, channel: str, recipient: str) -> str | None:
    """The language that a recipient prefers; None where none is stored."""
    return (await find(work, channel, recipient)).language


async def remove(work: UnitOfWork, channel: str, recipient: str) -> None:
    """Remove the preferences of a recipient; notifications that wait already are still sent.

    Args:
        recipient: in any spelling, or masked as `view` shows it.

    Raises:
        InvalidInput: there is no such recipient.
    """
    can_be = is_storable(channel) and is_storable(recipient)
    known = await _meant(work, channel, recipient) if can_be else []
    why = Message("No hay nadie con este canal y destinatario. Cópialos de la lista de destinatarios.")
    missing = InvalidInput([FieldProblem("recipient", why)])
    if not known:
        raise missing
    async with act(work, "remove", "recipient", _audited(work, channel, normal_form(channel, known[0]))):
        if not await notifications.delete_recipient(work.connection, work.tenant, channel, known):
            raise missing


async def _meant(work: UnitOfWork, channel: str, recipient: str) -> list[str]:
    if "…" not in recipient:
        return spellings(channel, recipient)
    stored = await notifications.recipients(work.connection, work.tenant)
    return [
        one.recipient for one in stored if one.channel == channel and recipient.strip() in (one.recipient, masked(one.recipient))
    ]


def view(recipient: RecipientPreferences) -> RecipientBody:
    """A recipient as doors show it: without the address of a hook, which is a key."""
    return RecipientBody(
        channel=recipient.channel,
        recipient=masked(recipient.recipient),
        events=list(recipient.events),
        muted=list(recipient.muted),
        language=recipient.language,
        time_zone=recipient.time_zone,
        quiet_from=_written(recipient.quiet_from),
        quiet_to=_written(recipient.quiet_to),
        digest_minutes=recipient.digest_minutes,
        has_webhook_url="webhook_url" in recipient.options,
    )


def _problems(parts: AppContext, command: commands.Recipient, stored_url: str | None) -> list[FieldProblem]:
    found = target_problems(command.channel, command.recipient, command.webhook_url)
    url = command.webhook_url or stored_url
    missing = missing_url_problem(command.channel, command.recipient, url, has_account=parts.has_account(command.channel))
    found += [missing] if missing else []
    found += secret_problems(command.secret or "")
    if command.time_zone not in _zones():
        why = Message("No es una zona horaria. Escríbela como Europe/Madrid o America/Mexico_City.")
        found.append(FieldProblem("time_zone", why))
    begin, end = command.quiet_from, command.quiet_to
    if (begin is None) != (end is None) or (begin is not None and begin == end):
        why = Message("Las horas de silencio necesitan principio y fin, y que sean distintos: quiet_from y quiet_to.")
        found.append(FieldProblem("quiet_to", why))
    return found


@cache
def _zones() -> set[str]:
    return available_timezones()


def _written(moment: time | None) -> str | None:
    return moment.strftime("%H:%M") if moment else None


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None
