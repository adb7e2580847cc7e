"""When a person takes over, and why, in words.

Source: contract.md §6, rules 1, 4 and 5.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from guiado.domain import events
from guiado.domain.events import Event
from guiado.domain.session import Actor, Escalate, Session, Status

NOTHING_DETECTED = "La descripción no coincide con ningún problema conocido."
STEPS_EXHAUSTED = "El cliente hizo todos los pasos y el problema sigue."
REQUESTED = "El cliente pidió hablar con una persona."
REQUESTED_BY_OTHERS = "El equipo decidió que la atienda una persona."


def too_many_failures(failures: int) -> str:
    """The reason when `failures` attempts could not be carried out."""
    return f"{failures} intentos fallidos."


def call_person(session: Session, reason: str, now: datetime) -> tuple[Session, tuple[Event, ...]]:
    """The session as one that needs a person, and the event if this is the first time that it does.

    Args:
        session: a session that still takes answers.
        reason: why, in words.
        now: the present moment.
    """
    if session.escalation_reason is not None:
        return replace(session, status=Status.NEEDS_ESCALATION), ()
    asked = replace(session, status=Status.NEEDS_ESCALATION, escalation_reason=reason, escalated_at=now)
    return asked, (events.session_escalated(asked),)


def add_reason(session: Session, wish: Escalate) -> str:
    """The reasons so far with the one of this wish added, each once; one is made up only where there is none."""
    known = session.escalation_reason
    if wish.reason is None:
        return known or (REQUESTED if wish.by is Actor.CUSTOMER else REQUESTED_BY_OTHERS)
    if known is None or wish.reason in known.split("\n"):
        return known or wish.reason
    return f"{known}\n{wish.reason}"
