"""Message templates: `{name}` is replaced as plain text; a name that is not given leaves a gap, never an error.

Source: contract.md §1, TroubleshootingNotificationManager.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{([^\W\d]\w{0,63})\}")
_MAX_VALUE = 2_000


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """Subject and body with `{placeholders}`."""

    subject: str
    body: str


BUILT_IN: Mapping[str, MessageTemplate] = {
    "session_started": MessageTemplate(
        "Empezamos a resolver tu problema",
        "Hola {customer_name}:\n\nRecibimos tu mensaje: «{problem_description}». Ya puedes seguir la guía paso a paso.\n\n"
        "Ticket: {ticket_id}",
    ),
    "step_completed": MessageTemplate(
        "Paso {step_number} completado", "Hola {customer_name}:\n\nCompletaste el paso {step_number}. Vamos con el siguiente."
    ),
    "session_resolved": MessageTemplate(
        "Problema resuelto",
        "Hola {customer_name}:\n\nDamos por resuelto tu problema: «{problem_description}». Si vuelve a pasar, escríbenos.\n\n"
        "Ticket: {ticket_id}",
    ),
    "session_escalated": MessageTemplate(
        "Una persona debe atender el ticket {ticket_id}",
        "{customer_name} necesita ayuda de una persona.\n\nProblema: «{problem_description}»\nTicket: {ticket_id}\n"
        "Motivo: {reason}",
    ),
}


def fill(text: str, context: Mapping[str, object]) -> str:
    """The text with its placeholders replaced, once."""
    return _PLACEHOLDER.sub(lambda found: shown(context.get(found[1])), text)


def shown(value: object) -> str:
    """A value as a message says it: nothing for None, and for a number of thousands of digits."""
    try:
        return "" if value is None else str(value)[:_MAX_VALUE]
    except ValueError:
        return ""
