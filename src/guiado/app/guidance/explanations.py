"""Explanations of the learned order: to the customer why this step comes now, to the agent where a session stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from guiado.domain.session import LIKELIEST, QUICKEST, Outcome, Session, StepReason
from guiado.errors import Message
from guiado.i18n import text, translate

if TYPE_CHECKING:
    from guiado.guidance.handover import AgentSummary

_HOUR = 60
_HALF_MINUTE = 0.5
_HALF_HOURS = {2: Message("una hora"), 3: Message("hora y media")}
_WORDS: Mapping[tuple[str, bool], Message] = {
    (LIKELIEST, True): Message("Empezamos por este paso: es lo que más a menudo lo resuelve y toma {time}."),
    (LIKELIEST, False): Message("Ahora probamos esto: es lo más probable después de lo que ya descartamos y toma {time}."),
    (QUICKEST, True): Message("Empezamos por este paso: es lo más rápido de probar y toma {time}."),
    (QUICKEST, False): Message("Ahora probamos esto: es lo más rápido de lo que queda y toma {time}."),
}
"""Kind of the reason and whether it is the first step -> the sentence."""


def reason_in(session: Session) -> str | None:
    """The sentence that tells the customer of a session why the open step comes now; None where nothing is told."""
    if session.offered_why is None:
        return None
    outcomes = {each.outcome for each in session.answers}
    if outcomes and Outcome.NOT_HELPED not in outcomes:  # nothing was ruled out
        return None
    return customer_reason(session.offered_why, session.language, first=not outcomes) or None


def customer_reason(reason: StepReason, language: str, *, first: bool) -> str:
    """The sentence that tells a customer why this step comes now; empty for a kind that is not known.

    Args:
        first: whether nothing of the guide was tried before.
    """
    said = _WORDS.get((reason.kind, first))
    return translate(Message(said.template, {"time": time_words(reason.minutes)}), language) if said else ""


def time_words(minutes: float) -> Message:
    """A time in words: rounded to whole minutes, then to an hour, one and a half, and whole hours."""
    if minutes < _HALF_MINUTE:
        return Message("menos de un minuto")
    whole = max(1, int(minutes + _HALF_MINUTE))
    if whole == 1:
        return Message("un minuto")
    if whole < _HOUR:
        return Message("{count} minutos", {"count": whole})
    hours = _HALF_HOURS.get(int(minutes / (_HOUR / 2) + 0.5))
    return hours or Message("{count} horas", {"count": int(minutes / _HOUR + 0.5)})


def agent_lines(summary: AgentSummary, titles: Mapping[str, str], questions: Mapping[str, str], language: str) -> list[str]:
    """The summary of a session for the person who takes it over, a line each.

    Args:
        titles: step_id -> its title.
        questions: question id -> its text.
    """
    said = (
        [text(language, "Descartado: {steps}.", steps=_named(summary.ruled_out, titles, language))] if summary.ruled_out else []
    )
    if summary.unable:
        said.append(text(language, "El cliente no pudo hacerlo: {steps}.", steps=_named(summary.unable, titles, language)))
    if summary.likeliest:
        chances = [
            f"{_named((each.step_id,), titles, language)} ({_percent(each.chance, language)})" for each in summary.likeliest
        ]
        said.append(text(language, "Lo que más probablemente lo resuelva ahora: {steps}.", steps=", ".join(chances)))
    said.append(
        text(language, "Que ningún paso de los que quedan lo resuelva: {share}.", share=_percent(summary.other, language))
    )
    said.append(_next(summary, titles, questions, language))
    if summary.too_few:
        said.append(text(language, "Con pocas sesiones todavía: las probabilidades son sobre todo las del autor de la guía."))
    return said


def _next(summary: AgentSummary, titles: Mapping[str, str], questions: Mapping[str, str], language: str) -> str:
    if summary.next_step is not None:
        return text(language, "Conviene seguir con «{step}».", step=titles.get(summary.next_step, summary.next_step))
    if summary.next_question is not None:
        asked = questions.get(summary.next_question, summary.next_question)
        return text(language, "Conviene preguntar primero: {question}", question=asked)
    return text(language, "Ningún otro paso de la guía compensa el tiempo que lleva.")


def _named(steps: tuple[str, ...], titles: Mapping[str, str], language: str) -> str:
    return ", ".join(text(language, "«{step}»", step=titles.get(each, each)) for each in steps)


def _percent(share: float, language: str) -> str:
    return f"{share:.0%}" if language == "en" else f"{share * 100:.0f} %"
