"""Escalation to a person: the alarms that call one, and the reasons in words.

Source: contract.md §6, rules 1, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from guiado.domain import events
from guiado.domain.events import Event
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.session import Actor, Session, Status
from guiado.domain.session_commands import Alarm, EscalateSession
from guiado.errors import Message

Speak = Callable[[Message, str], str]
"""Function that renders a reason in a language: (message, language code) -> text."""
NOTHING_DETECTED = Message("La descripción no coincide con ningún problema conocido.")
NONE_OF_THEM = Message("El cliente dijo que su problema no era ninguno de los que le mostramos.")
NOT_ANSWERED = Message("El cliente leyó la respuesta y no era lo que buscaba.")
STEPS_EXHAUSTED = Message("El cliente hizo todos los pasos y el problema sigue.")
REQUESTED = Message("El cliente pidió hablar con una persona.")
WISH = Message("El cliente pide o pregunta algo: no cuenta ningún problema.")
PRAISE = Message("El cliente agradece o felicita: no cuenta ningún problema.")
AUTOMATIC = Message("Parece un mensaje automático: no cuenta ningún problema.")
NO_PROBLEM = Message("El mensaje no cuenta ningún problema.")
STILL_NOTHING = Message("Le preguntamos al cliente qué le pasa y no lo dijo.")
REQUESTED_BY_OTHERS = Message("El equipo decidió que la atienda una persona.")


def in_spanish(reason: Message, _language: str) -> str:
    """The reason in Spanish, whatever the language; the default `Speak`."""
    return str(reason)


def too_many_failures(failures: int) -> Message:
    """The reason when `failures` attempts could not be carried out."""
    return Message("{count} intentos fallidos.", {"count": failures})


def nothing_detected(session: Session) -> Message:
    """The reason when no problem was recognised; it names the codes that no guide has."""
    if not session.unknown_codes:
        return NOTHING_DETECTED
    codes: dict[str, object] = {"codes": ", ".join(session.unknown_codes)}
    return Message("La descripción no coincide con ningún problema conocido. Código desconocido: {codes}.", codes)


def denied(title: str | None, words: object) -> Message:
    """The reason when the customer rejected the problem whose guide they followed.

    Args:
        title: of that guide, in the session's language.
        words: what they said it is instead, if anything.
    """
    if not words:
        return Message("El cliente dijo que no era «{title}».", {"title": title or ""})
    return Message("El cliente dijo que no era «{title}» y lo contó así: «{text}».", {"title": title or "", "text": words})


def alarm_of(session: Session, guide: Guide | None, heard: Alarm | None, speak: Speak) -> Alarm | None:
    """The alarm that calls a person before the first step, of an urgent guide, of one that goes to a person, or of words.

    Args:
        heard: the alarm of the customer's words, if any.
    """
    if guide is not None and guide.urgent:
        title = guide.in_language(session.language).problem_title
        return Alarm(speak(Message("Problema urgente: {title}.", {"title": title}), session.language), urgent=True)
    if guide is not None and guide.kind == GuideKind.PERSON and heard is None:
        return Alarm(guide.in_language(session.language).problem_title)
    return heard


def is_known(session: Session, alarm: Alarm) -> bool:
    """Whether the session already waits for a person because of this alarm."""
    told = alarm.reason in (session.escalation_reason or "").split("\n")
    return told and session.status is Status.NEEDS_ESCALATION


def sound(session: Session, alarm: Alarm, now: datetime) -> tuple[Session, tuple[Event, ...]]:
    """Call a person for an alarm; return the session, and the event if this is its first call."""
    known = session.escalation_reason
    others = [line for line in (known or "").split("\n") if line and line != alarm.reason]
    reasons = [alarm.reason, *others] if alarm.urgent else [*others, alarm.reason]
    asked = replace(
        session,
        status=Status.NEEDS_ESCALATION,
        urgent=session.urgent or alarm.urgent,
        escalation_reason="\n".join(reasons),
        escalated_at=session.escalated_at or now,
    )
    return asked, () if known is not None else (events.session_escalated(asked),)


def call_person(session: Session, reason: Message, now: datetime, speak: Speak) -> tuple[Session, tuple[Event, ...]]:
    """Call a person for a session; return the session, and the event if this is its first call.

    Args:
        session: a session that still takes answers.
        reason: why; it is stored in the session's language.
        now: the present moment.
    """
    if session.escalation_reason is not None:
        return replace(session, status=Status.NEEDS_ESCALATION), ()
    said = speak(reason, session.language)
    asked = replace(session, status=Status.NEEDS_ESCALATION, escalation_reason=said, escalated_at=now)
    return asked, (events.session_escalated(asked),)


def add_reason(session: Session, wish: EscalateSession, speak: Speak) -> str:
    """The escalation reasons of the session with that of this wish, each once; a default reason where there is none."""
    known = session.escalation_reason
    if wish.reason is None:
        return known or speak(REQUESTED if wish.by is Actor.CUSTOMER else REQUESTED_BY_OTHERS, session.language)
    if known is None or wish.reason in known.split("\n"):
        return known or wish.reason
    return f"{known}\n{wish.reason}"
