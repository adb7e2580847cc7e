"""Messages to the customer: Spanish first, English and Portuguese from the catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guiado.app.sessions.answer import Answered
from guiado.domain.escalation import REQUESTED
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Actor, NextAction, Outcome, Resolution, Session, Status
from guiado.i18n import text
from guiado.store.sessions import RunningSession
from guiado.text.foreign_language import foreign_language
from guiado.text.tokenize import meaningful_part

_WE_SPEAK = "guiado answers in Spanish, English and Portuguese."
"""For whoever writes in another language, in the one that most of them read."""


def after_start(session: Session, alternatives: int, guide: Guide | None = None, running: RunningSession | None = None) -> str:
    """Message when a session begins, or goes on with another guide.

    Args:
        alternatives: number of other possible problems.
        guide: the one that the session follows.
        running: the customer's session that is offered to be closed.
    """
    told = offer_to_close(session.language, running) if running else _after_start(session, alternatives, guide)
    is_foreign = foreign_language(meaningful_part(session.problem_description)) is not None
    return f"{told}\n{_WE_SPEAK}" if is_foreign else told


def _after_start(session: Session, alternatives: int, guide: Guide | None) -> str:
    if session.urgent:
        return urgent(session, guide)
    if session.open_clarification or session.problem_title is None:
        return _without_problem(session) or _without_guide(session)
    if session.status is Status.NEEDS_ESCALATION:
        title = text(session.language, "Parece que se trata de: {title}.", title=session.problem_title)
        return f"{title} {needs_person(session)}{_meanwhile(session)}{_at_hand(session, guide)}"
    return _which_problem(session, alternatives, guide)


def _which_problem(session: Session, alternatives: int, guide: Guide | None) -> str:
    """Message that names the problem whose guide the session follows."""
    if is_answer(guide):
        return text(session.language, "Parece que preguntas esto: «{title}». Si no es eso, dínoslo.", title=session.problem_title)
    if any(each.handled for each in session.also_named):
        return text(session.language, "Ahora vemos «{title}». Vamos paso a paso.", title=session.problem_title)
    if alternatives:
        return text(session.language, "Parece que se trata de: {title}. Si no es eso, dínoslo.", title=session.problem_title)
    return text(session.language, "Parece que se trata de: {title}. Vamos paso a paso.", title=session.problem_title)


def is_answer(guide: Guide | None) -> bool:
    """Whether a guide is an answer, which the customer reads instead of following steps."""
    return guide is not None and guide.kind == GuideKind.ANSWER


def to_have_at_hand(session: Session, guide: Guide | None) -> list[str]:
    """The things that the customer should have at hand, or say, when a person takes over; none where the guide names none."""
    if guide is None or guide.kind != GuideKind.PERSON:
        return []
    return [line for step in guide.in_language(session.language).steps for line in step.instructions]


def _at_hand(session: Session, guide: Guide | None) -> str:
    lines = to_have_at_hand(session, guide)
    return "\n".join(["", text(session.language, "Ten esto a mano:"), *(f"- {line}" for line in lines)]) if lines else ""


def offer_to_close(language: str, running: RunningSession) -> str:
    """Question to a customer who writes that all is well: whether their running session is to be closed."""
    return f"{text(language, '¡Qué bueno!')} {close_question(language, running.title)}"


def close_question(language: str, title: str | None) -> str:
    """Question whether a running session is to be closed.

    Args:
        title: of its problem; None where none was recognised.
    """
    if title is None:
        return text(language, "¿Cerramos tu caso, que sigue abierto?")
    return text(language, "¿Cerramos tu caso «{title}», que sigue abierto?", title=title)


def _without_guide(session: Session) -> str:
    """Message where it is not clear what the problem is, or where it is no known one."""
    if session.open_clarification:
        return text(session.language, "Queremos estar seguros de entenderte. ¿Es alguno de estos problemas?")
    return f"{text(session.language, 'No reconocemos este problema.')} {needs_person(session)}"


def _without_problem(session: Session) -> str | None:
    """Message in reply to words that report no problem; None to those that do."""
    language = session.language
    match session.message_kind:
        case MessageKind.SOLVED if session.status is Status.RESOLVED:
            return text(language, "¡Qué bueno! No hace falta hacer nada más. Si vuelve a pasar, escríbenos.")
        case MessageKind.NOTHING_SAID if session.open_clarification:
            return text(language, "Cuéntanos qué te pasa, con tus palabras, o elige uno de los más frecuentes.")
        case MessageKind.NOTHING_SAID:
            return _still_unknown(session)
        case MessageKind.OTHER:
            why = text(language, "Gracias por escribirnos. No parece un problema que podamos resolver paso a paso.")
            return f"{why} {needs_person(session)}"
        case MessageKind.PERSON:
            return needs_person(session)
        case _:
            return None


def _still_unknown(session: Session) -> str:
    """Message to a customer who was asked what is wrong and still did not say it."""
    if session.customer_email is None:
        nobody = "Todavía no sabemos qué te pasa. Déjanos un correo, y te lo preguntará una persona del equipo."
        return text(session.language, nobody)
    unknown = "Todavía no sabemos qué te pasa, así que te lo preguntará una persona del equipo. Te escribiremos a {email}."
    return text(session.language, unknown, email=session.customer_email)


def _asked_for_person(session: Session) -> bool:
    """Whether the customer asked for the person who takes over."""
    asked = text(session.language, str(REQUESTED))
    return session.message_kind is MessageKind.PERSON or asked in (session.escalation_reason or "").split("\n")


def after_answered(result: Answered) -> str:
    """Message after an answer to a step, with the offer to close the session where the customer's words call for it."""
    told = after_answer(result.session, result.outcome, result.action, result.failures_allowed)
    if result.running is None:
        return told
    return f"{told} {text(result.session.language, 'Si ya está resuelto, dínoslo y cerramos tu caso.')}"


def after_answer(session: Session, outcome: Outcome, action: NextAction, failures_allowed: int) -> str:
    """Message after an answer to a step."""
    language = session.language
    if action is NextAction.RESOLVED:
        return after_solution(session)
    if action is NextAction.ESCALATE:
        return urgent(session, None) if session.urgent else needs_person(session)
    if session.status is Status.NEEDS_ESCALATION:
        return f"{needs_person(session)}{_meanwhile(session)}"
    if not outcome.success:
        return _try_again(session, failures_allowed)
    number, total = session.step_number, session.total_steps
    if outcome is Outcome.NOT_HELPED:
        return text(language, "Gracias por probarlo. Sigamos con el paso {number} de {total}.", number=number, total=total)
    return text(language, "¡Bien! Sigamos con el paso {number} de {total}.", number=number, total=total)


def after_question(session: Session) -> str:
    """Message when a question of the guide was answered or passed over."""
    language = session.language
    if session.status is Status.NEEDS_ESCALATION:
        return f"{needs_person(session)}{_meanwhile(session)}"
    if session.asked_question_id is not None:
        return text(language, "De acuerdo. Una pregunta más.")
    number, total = session.step_number, session.total_steps
    return text(language, "De acuerdo. Sigamos con el paso {number} de {total}.", number=number, total=total)


def after_solution(session: Session) -> str:
    """Message when the problem is solved, or taken to be, with what else the customer named."""
    if session.message_kind is MessageKind.SOLVED:
        return _without_problem(session) or ""
    titles = ", ".join(f"«{each.title}»" for each in session.other_problems)
    rest = text(session.language, "También nos contaste: {titles}. Si quieres, ahora vemos eso.", titles=titles) if titles else ""
    return f"{_solved(session)} {rest}".strip()


def _solved(session: Session) -> str:
    if session.resolution is Resolution.CONFIRMED:
        return text(session.language, "¡Qué bien! Damos el problema por resuelto.")
    return text(
        session.language, "Completaste todos los pasos, así que damos el problema por resuelto. Si vuelve a pasar, escríbenos."
    )


def after_closing(language: str, session: Session) -> str:
    """Message to the agent or the customer who closed a session as solved."""
    if session.ended_by is Actor.CUSTOMER:
        return after_solution(session)
    return text(language, "Sesión cerrada como resuelta.")


def after_resuming(session: Session, guide: Guide | None) -> str:
    """Message when an abandoned session is open again."""
    if session.urgent or session.open_clarification or session.problem_title is None or is_answer(guide):
        return after_start(session, 0, guide)
    if session.offered_step_id is None:
        return needs_person(session)
    number, total = session.step_number, session.total_steps
    return text(session.language, "Seguimos donde lo dejaste: paso {number} de {total}.", number=number, total=total)


def after_undoing(session: Session, guide: Guide | None = None) -> str:
    """Message when the last answer to a step was taken back."""
    if is_answer(guide):
        return text(session.language, "Quitamos tu última respuesta.")
    number, total = session.step_number, session.total_steps
    told = text(
        session.language,
        "Quitamos tu última respuesta. Estás otra vez en el paso {number} de {total}.",
        number=number,
        total=total,
    )
    return f"{told} {needs_person(session)}" if session.status is Status.NEEDS_ESCALATION else told


def needs_person(session: Session) -> str:
    """Message when a person takes over; where nobody knows the customer's address, it asks for one."""
    language, email = session.language, session.customer_email
    if email is None:
        return _needs_address(session)
    if _asked_for_person(session):
        return text(language, "Como lo pediste, te atenderá una persona del equipo. Te escribiremos a {email}.", email=email)
    if session.attempts:
        return text(language, "Tu caso pasa al equipo con todo lo que probaste. Te escribiremos a {email}.", email=email)
    return text(language, "Tu caso pasa al equipo con lo que nos contaste. Te escribiremos a {email}.", email=email)


def _needs_address(session: Session) -> str:
    language = session.language
    if _asked_for_person(session):
        return text(language, "Como lo pediste, te atenderá una persona del equipo. Déjanos un correo para poder escribirte.")
    if session.attempts:
        return text(language, "Tu caso pasa al equipo con todo lo que probaste. Déjanos un correo para poder escribirte.")
    return text(language, "Tu caso pasa al equipo con lo que nos contaste. Déjanos un correo para poder escribirte.")


def after_contact(session: Session) -> str:
    """Message when the customer's address was noted."""
    return text(session.language, "Gracias. Te escribiremos a {email}.", email=session.customer_email)


def urgent(session: Session, guide: Guide | None) -> str:
    """Message to a customer who needs a person at once: first what to do now, then who takes over.

    Args:
        guide: the one that the session follows; of an urgent one the author's first step is what to do.
    """
    spoken = guide.in_language(session.language) if guide is not None and guide.urgent else None
    first = next(iter(spoken.steps), None) if spoken else None
    numbered = [f"{i}. {line}" for i, line in enumerate(first.instructions, 1)] if first else []
    to_do = [first.title, *numbered] if first else [(session.escalation_reason or "").split("\n")[0]]
    return "\n".join([*to_do, "", _handed_over_at_once(session)])


def _handed_over_at_once(session: Session) -> str:
    email = session.customer_email
    if email is None:
        return text(session.language, "Es urgente: tu caso ya pasó al equipo. Déjanos un correo para poder escribirte.")
    return text(session.language, "Es urgente: tu caso ya pasó al equipo. Te escribiremos a {email}.", email=email)


def _meanwhile(session: Session) -> str:
    if session.offered_step_id is None:
        return ""
    return f" {text(session.language, 'Mientras tanto, puedes seguir con los pasos.')}"


def _try_again(session: Session, failures_allowed: int) -> str:
    if failures_allowed - session.failures <= 1:
        return text(session.language, "No hay problema. Inténtalo una vez más o pide que te ayude una persona.")
    return text(session.language, "No hay problema. Inténtalo de nuevo o pide que te ayude una persona.")


def nothing_to_do(session: Session, guide: Guide | None = None) -> str:
    """Message when a step is asked for and there is none."""
    match session.status:
        case Status.RESOLVED:
            return after_solution(session)
        case Status.ABANDONED:
            return text(
                session.language, "Esta sesión se cerró por falta de actividad. Ábrela de nuevo y sigue donde la dejaste."
            )
        case _ if session.urgent or session.total_steps == 0:
            return after_start(session, 0, guide)
        case _ if guide is not None and guide.kind == GuideKind.PERSON:
            return f"{needs_person(session)}{_at_hand(session, guide)}"
        case _:
            return needs_person(session)


def after_correction(session: Session) -> str:
    """Message to an agent who corrected the problem of a session."""
    return text(session.language, "Gracias. Queda anotado, y la detección ya lo usa para reconocer este problema.")


def thanks(language: str) -> str:
    """Message after a rating."""
    return text(language, "Gracias por tu opinión. Nos ayuda a mejorar.")


def render_step(step: Mapping[str, Any], language: str = "es") -> str:
    """The message with one step: title, numbered instructions, precautions, resources, what to expect, how long it takes.

    Args:
        step: a step or one of the two `status` forms, as the facade gives them.
        language: es, en or pt.

    Source: contract.md §1, format_step_response.
    """
    if "step_number" not in step:
        return _render_status(step, language)
    if step.get("type") == ANSWER:
        return _render_answer(step, language)
    total = step.get("total_steps") or step["step_number"]
    warnings: list[str] = step.get("warnings") or []
    resources: list[Mapping[str, str]] = step.get("resources") or []
    lines = [
        text(language, "Paso {number} de {total}: {title}", number=step["step_number"], total=total, title=step.get("title", ""))
    ]
    lines += [str(step["why"])] if step.get("why") else []
    lines += _already(step, language)
    lines += ["", str(step["description"])] if step.get("description") else []
    lines += _block(text(language, "Precauciones:"), [f"⚠ {warning}" for warning in warnings])
    numbered = [f"{i}. {line}" for i, line in enumerate(step.get("instructions") or [], 1)]
    lines += _block(text(language, "Qué hacer:"), numbered)
    lines += _render_media(step, language)
    lines += _block(text(language, "Resultado esperado:"), [str(step["expected_result"])] if step.get("expected_result") else [])
    links = [f"- {item.get('title', '')}: {item.get('url', '')}" for item in resources]
    lines += _block(text(language, "Recursos:"), links)
    if step.get("estimated_time"):
        lines += ["", text(language, "Tiempo estimado de toda la guía: {time}", time=step["estimated_time"])]
    return "\n".join(lines)


ANSWER = "answer"
"""Type of the only step of a guide that is an answer."""


def _render_answer(step: Mapping[str, Any], language: str) -> str:
    resources: list[Mapping[str, str]] = step.get("resources") or []
    links = [f"- {item.get('title', '')}: {item.get('url', '')}" for item in resources]
    said: list[str] = step.get("instructions") or []
    paragraphs = [line for each in said for line in ("", each)]
    return "\n".join([str(step.get("title", "")), *paragraphs, *_block(text(language, "Recursos:"), links)])


def _render_media(step: Mapping[str, Any], language: str) -> list[str]:
    media: list[Mapping[str, str]] = step.get("media") or []
    told = [f"- {each.get('caption') or each.get('alt') or each.get('url', '')}: {each.get('url', '')}" for each in media]
    return _block(text(language, "Imágenes y videos:"), told)


def _already(step: Mapping[str, Any], language: str) -> list[str]:
    said: Mapping[str, str] | None = step.get("already_tried")
    if not said:
        return []
    return ["", text(language, "Dices que ya hiciste esto («{words}»). Si es así, sáltalo.", words=said["words"])]


def _block(heading: str, lines: list[str]) -> list[str]:
    return ["", heading, *lines] if lines else []


def _render_status(step: Mapping[str, Any], language: str) -> str:
    lines = [str(step.get("message") or step.get("error") or "")]
    if step.get("suggest_escalation"):
        lines.append(text(language, "Una persona del equipo puede seguir contigo desde aquí."))
    return "\n".join(filter(None, lines))
