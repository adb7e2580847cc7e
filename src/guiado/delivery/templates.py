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
    """A message template: subject and body with `{placeholders}`."""

    subject: str
    body: str


_SPANISH = {
    "session_started": MessageTemplate(
        "Empezamos a resolver tu problema",
        "Hola, {customer_name}:\n\nRecibimos tu mensaje: «{problem_description}». Ya puedes seguir la guía paso a paso.\n\n"
        "Ticket: {ticket_id}",
    ),
    "problem_detected": MessageTemplate(
        "Problema reconocido: {problem_title}",
        "{customer_name} escribió: «{problem_description}».\n\nParece ser «{problem_title}».\nTicket: {ticket_id}",
    ),
    "step_completed": MessageTemplate(
        "Paso {step_number} completado", "Hola, {customer_name}:\n\nCompletaste el paso {step_number}. Vamos con el siguiente."
    ),
    "step_failed": MessageTemplate(
        "El paso {step_number} no salió bien",
        "{customer_name} no pudo completar el paso {step_number}.\n\nProblema: «{problem_description}»\nNotas: {notes}\n"
        "Ticket: {ticket_id}",
    ),
    "retry_attempt": MessageTemplate(
        "Otro intento en el paso {step_number}",
        "{customer_name} va por el intento {attempt} del paso {step_number}.\n\nProblema: «{problem_description}»\n"
        "Ticket: {ticket_id}",
    ),
    "session_resolved": MessageTemplate(
        "Problema resuelto",
        "Hola, {customer_name}:\n\nDamos por resuelto tu problema: «{problem_description}». Si vuelve a pasar, escríbenos.\n\n"
        "Ticket: {ticket_id}",
    ),
    "session_escalated": MessageTemplate(
        "Una persona debe atender el ticket {ticket_id}",
        "{customer_name} necesita ayuda de una persona.\n\nProblema: «{problem_description}»\nTicket: {ticket_id}\n"
        "Motivo: {reason}\n{tried}\n{pictures}",
    ),
    "session_abandoned": MessageTemplate(
        "{customer_name} dejó la guía a medias",
        "{customer_name} dejó de contestar en el paso {current_step} de {total_steps}.\n\nProblema: «{problem_description}»\n"
        "Ticket: {ticket_id}",
    ),
    "feedback_received": MessageTemplate(
        "Valoración recibida: {rating} de 5",
        "{customer_name} valoró la ayuda con {rating} de 5.\n\n{feedback_text}\n\nProblema: «{problem_description}»\n"
        "Ticket: {ticket_id}",
    ),
}
_ENGLISH = {
    "session_started": MessageTemplate(
        "We are on it",
        "Hello {customer_name},\n\nWe have received your message: “{problem_description}”. You can now follow the guide step by "
        "step.\n\nTicket: {ticket_id}",
    ),
    "problem_detected": MessageTemplate(
        "Problem recognised: {problem_title}",
        "{customer_name} wrote: “{problem_description}”.\n\nIt looks like “{problem_title}”.\nTicket: {ticket_id}",
    ),
    "step_completed": MessageTemplate(
        "Step {step_number} done", "Hello {customer_name},\n\nYou have completed step {step_number}. On to the next one."
    ),
    "step_failed": MessageTemplate(
        "Step {step_number} did not work",
        "{customer_name} could not complete step {step_number}.\n\nProblem: “{problem_description}”\nNotes: {notes}\n"
        "Ticket: {ticket_id}",
    ),
    "retry_attempt": MessageTemplate(
        "Another attempt at step {step_number}",
        "{customer_name} is on attempt {attempt} of step {step_number}.\n\nProblem: “{problem_description}”\nTicket: {ticket_id}",
    ),
    "session_resolved": MessageTemplate(
        "Problem solved",
        "Hello {customer_name},\n\nYour problem is now marked as solved: “{problem_description}”. If it comes back, write "
        "to us.\n\nTicket: {ticket_id}",
    ),
    "session_escalated": MessageTemplate(
        "Ticket {ticket_id} needs a person",
        "{customer_name} needs help from a person.\n\nProblem: “{problem_description}”\nTicket: {ticket_id}\n"
        "Reason: {reason}\n{tried}\n{pictures}",
    ),
    "session_abandoned": MessageTemplate(
        "{customer_name} left the guide halfway",
        "{customer_name} stopped answering at step {current_step} of {total_steps}.\n\nProblem: “{problem_description}”\n"
        "Ticket: {ticket_id}",
    ),
    "feedback_received": MessageTemplate(
        "Rating received: {rating} out of 5",
        "{customer_name} rated the help {rating} out of 5.\n\n{feedback_text}\n\nProblem: “{problem_description}”\n"
        "Ticket: {ticket_id}",
    ),
}
_PORTUGUESE = {
    "session_started": MessageTemplate(
        "Já estamos resolvendo o seu problema",
        "Olá, {customer_name}:\n\nRecebemos a sua mensagem: “{problem_description}”. Você já pode seguir o guia passo a "
        "passo.\n\nTicket: {ticket_id}",
    ),
    "problem_detected": MessageTemplate(
        "Problema reconhecido: {problem_title}",
        "{customer_name} escreveu: “{problem_description}”.\n\nParece ser “{problem_title}”.\nTicket: {ticket_id}",
    ),
    "step_completed": MessageTemplate(
        "Passo {step_number} concluído", "Olá, {customer_name}:\n\nVocê concluiu o passo {step_number}. Vamos ao próximo."
    ),
    "step_failed": MessageTemplate(
        "O passo {step_number} não deu certo",
        "{customer_name} não conseguiu concluir o passo {step_number}.\n\nProblema: “{problem_description}”\nNotas: {notes}\n"
        "Ticket: {ticket_id}",
    ),
    "retry_attempt": MessageTemplate(
        "Nova tentativa no passo {step_number}",
        "{customer_name} está na tentativa {attempt} do passo {step_number}.\n\nProblema: “{problem_description}”\n"
        "Ticket: {ticket_id}",
    ),
    "session_resolved": MessageTemplate(
        "Problema resolvido",
        "Olá, {customer_name}:\n\nMarcamos o seu problema como resolvido: “{problem_description}”. Se acontecer de novo, "
        "escreva para nós.\n\nTicket: {ticket_id}",
    ),
    "session_escalated": MessageTemplate(
        "O ticket {ticket_id} precisa de uma pessoa",
        "{customer_name} precisa da ajuda de uma pessoa.\n\nProblema: “{problem_description}”\nTicket: {ticket_id}\n"
        "Motivo: {reason}\n{tried}\n{pictures}",
    ),
    "session_abandoned": MessageTemplate(
        "{customer_name} deixou o guia pela metade",
        "{customer_name} parou de responder no passo {current_step} de {total_steps}.\n\nProblema: “{problem_description}”\n"
        "Ticket: {ticket_id}",
    ),
    "feedback_received": MessageTemplate(
        "Avaliação recebida: {rating} de 5",
        "{customer_name} avaliou a ajuda com {rating} de 5.\n\n{feedback_text}\n\nProblema: “{problem_description}”\n"
        "Ticket: {ticket_id}",
    ),
}
BUILT_IN: Mapping[str, Mapping[str, MessageTemplate]] = {"es": _SPANISH, "en": _ENGLISH, "pt": _PORTUGUESE}
"""Built-in templates: language -> template id -> template, one for each kind of event."""
IDS = frozenset(_SPANISH)


NEW_LINK = "new_link"
"""Template of the mail with a new link, filled by the process alone: `{link}` lets somebody in, `{team}` is a name."""
_NEW_LINK = {
    "es": MessageTemplate(
        "Tu nuevo enlace · {team}",
        "Hola:\n\nPediste un enlace nuevo para seguir con tu caso. Ábrelo aquí:\n{link}\n\n"
        "Si no lo pediste, no tienes que hacer nada.\n\n{team}",
    ),
    "en": MessageTemplate(
        "Your new link · {team}",
        "Hello,\n\nYou asked for a new link to go on with your case. Open it here:\n{link}\n\n"
        "If you did not ask for it, you do not have to do anything.\n\n{team}",
    ),
    "pt": MessageTemplate(
        "O seu novo link · {team}",
        "Olá:\n\nVocê pediu um novo link para continuar o seu caso. Abra aqui:\n{link}\n\n"
        "Se não foi você que pediu, não precisa fazer nada.\n\n{team}",
    ),
}


def choose(own: Mapping[str, Mapping[str, str]], template_id: str, language: str) -> MessageTemplate | None:
    """Choose the template of this id in a language; the operator's own go before the built-in ones.

    Args:
        own: template id -> `subject body`; an id that ends in ".pt" is for Portuguese alone.
    """
    found = own.get(f"{template_id}.{language}") or own.get(template_id)
    if found:
        return MessageTemplate(found["subject"], found["body"])
    return _NEW_LINK[language] if template_id == NEW_LINK else BUILT_IN[language].get(template_id)


def fill(text: str, context: Mapping[str, object]) -> str:
    """Replace the placeholders of a text, once."""
    return _PLACEHOLDER.sub(lambda found: shown(context.get(found[1])), text)


def shown(value: object) -> str:
    """Format a value for a message; empty for None, and for a number of thousands of digits."""
    try:
        return "" if value is None else str(value)[:_MAX_VALUE]
    except ValueError:
        return ""
