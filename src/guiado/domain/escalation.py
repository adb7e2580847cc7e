"""When a person takes over, and why, in words.

Source: contract.md §6, rules 1, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from guiado.domain import events
from guiado.domain.events import Event
from guiado.domain.session import Actor, Escalate, Session, Status
from guiado.errors import Message

Speak = Callable[[Message, str], str]
"""Puts a reason into words: what is said, in which language."""
NOTHING_DETECTED = Message("La descripción no coincide con ningún problema conocido.")
NONE_OF_THEM = Message("El cliente dijo que no es ninguno de los problemas que reconocimos.")
STEPS_EXHAUSTED = Message("El cliente hizo todos los pasos y el problema sigue.")
REQUESTED = Message("El cliente pidió hablar con una persona.")
REQUESTED_BY_OTHERS = Message("El equipo decidió que la atienda una persona.")


def in_spanish(reason: Message, _language: str) -> str:
    """The words of who knows no other language."""
    return str(reason)


def too_many_failures(failures: int) -> Message:
    """The reason when `failures` attempts could not be carried out."""
    return Message("{count} intentos fallidos.", {"count": failures})


def call_person(session: Session, reason: Message, now: datetime, speak: Speak) -> tuple[Session, tuple[Event, ...]]:
    """The session as one that needs a person, and the event if this is the first time that it does.

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


def add_reason(session: Session, wish: Escalate, speak: Speak) -> str:
    """The reasons so far with the one of this wish added, each once; one is made up only where there is none."""
    known = session.escalation_reason
    if wish.reason is None:
        return known or speak(REQUESTED if wish.by is Actor.CUSTOMER else REQUESTED_BY_OTHERS, session.language)
    if known is None or wish.reason in known.split("\n"):
        return known or wish.reason
    return f"{known}\n{wish.reason}"
