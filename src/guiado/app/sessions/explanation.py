"""Explanation of a detection in the reader's language: what each part of the text does, what speaks for and against, the verdict.

The API gives it as sentences, the terminal as a table of the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from guiado.detection import Candidate
from guiado.detection.roles.role import Role
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.errors import Message
from guiado.i18n import translate

if TYPE_CHECKING:
    from guiado.app.sessions.detect import Detected

MOST_CLAUSES = 12
LEAST_TOLD = 0.005
"""Least confidence of a candidate that is shown: lower ones round to 0 %."""
_CLAUSE_CHARS = 160
ROLES: Mapping[Role, Message] = {
    Role.WRONG: Message("Algo falla"),
    Role.WORKS: Message("Ya funciona"),
    Role.DENIED: Message("Dice que no es esto"),
    Role.WISH: Message("Pide o pregunta algo"),
    Role.THANKS: Message("Agradece o felicita"),
    Role.NOTHING: Message("No dice nada del problema"),
    Role.PERSON: Message("Quiere una persona"),
    Role.TRIED: Message("Ya lo probó"),
    Role.AUTOMATIC: Message("Texto automático o citado"),
}
"""Roles of the parts of a message, in words."""
FOR, AGAINST = Message("A favor"), Message("En contra")
_KINDS: Mapping[MessageKind, Message] = {
    MessageKind.SOLVED: Message("Dice que ya está resuelto: no se empieza ninguna guía."),
    MessageKind.PERSON: Message("Pide hablar con una persona: lo atiende una persona."),
    MessageKind.NOTHING_SAID: Message("No dice qué pasa: se le pregunta."),
    MessageKind.OTHER: Message("No cuenta ningún problema: lo atiende una persona."),
}
"""The verdict on a message that reports no problem."""


def explanation(detected: Detected, guides: Mapping[str, Guide], language: str) -> list[str]:
    """The way from a text to its verdict, a sentence each.

    Args:
        guides: of the knowledge base that was searched.
        language: of the sentences.
    """
    told = [*_clauses(detected), *_facts(detected, guides, language), *_reasons(detected, guides, language)]
    return [translate(each, language) for each in (*told, verdict_message(detected, guides, language))]


def verdict_message(detected: Detected, guides: Mapping[str, Guide], language: str) -> Message:
    """The verdict, with what follows from it."""
    reading = detected.reading
    if detected.verdict is Verdict.NONE:
        known = Message("No es ninguno de los problemas conocidos: lo atiende una persona.")
        return _KINDS.get(detected.kind, known)
    if detected.verdict is Verdict.ACCEPT:
        return Message("Se reconoce: {title}.", {"title": title_of(guides, detected.candidates[0].problem_id, language)})
    if len(reading.several) > 1:
        return Message("Cuenta varios problemas: conviene preguntar por cuál empezar.")
    return Message("No está claro: conviene preguntar cuál es.")


def reasons_of(candidate: Candidate) -> Iterator[tuple[Message, Message]]:
    """The reasons that an author's exact words give for and against a candidate: which side, and why."""
    if candidate.codes:
        yield FOR, Message("la guía trata de {codes}", {"codes": ", ".join(candidate.codes)})
    if candidate.other_codes:
        yield AGAINST, Message("la guía no trata de {codes}", {"codes": ", ".join(candidate.other_codes)})
    if candidate.not_this:
        phrase = shortened(candidate.not_this, _CLAUSE_CHARS)
        yield AGAINST, Message("se parece más a «{phrase}», que según la guía es otra cosa", {"phrase": phrase})


def title_of(guides: Mapping[str, Guide], problem_id: str, language: str) -> str:
    """The title of a problem; its id where it has no guide any more."""
    guide = guides.get(problem_id)
    return guide.in_language(language).problem_title if guide else problem_id


def titles_of(guides: Mapping[str, Guide], problem_ids: Iterable[str], language: str) -> str:
    """The titles of problems in a row."""
    return ", ".join(title_of(guides, each, language) for each in problem_ids)


def shortened(text: str, limit: int = _CLAUSE_CHARS) -> str:
    """The beginning of a text that is too long to be shown."""
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"


def _clauses(detected: Detected) -> Iterator[Message]:
    clauses = detected.reading.clauses
    for each in clauses[:MOST_CLAUSES]:
        yield Message("{role}: «{text}».", {"role": ROLES[each.role], "text": shortened(each.text)})
    if len(clauses) > MOST_CLAUSES:
        yield Message("Partes del texto que no se muestran: {count}.", {"count": len(clauses) - MOST_CLAUSES})


def _facts(detected: Detected, guides: Mapping[str, Guide], language: str) -> Iterator[Message]:
    reading = detected.reading
    if reading.denied:
        yield Message("Niega que sea: {titles}.", {"titles": titles_of(guides, reading.denied, language)})
    if len(reading.several) > 1:
        yield Message("Nombra a la vez: {titles}.", {"titles": titles_of(guides, reading.several, language)})
    if reading.unknown_codes:
        yield Message("Código desconocido: {codes}.", {"codes": ", ".join(reading.unknown_codes)})


def _reasons(detected: Detected, guides: Mapping[str, Guide], language: str) -> Iterator[Message]:
    for candidate in (each for each in detected.candidates if each.confidence >= LEAST_TOLD):
        title = title_of(guides, candidate.problem_id, language)
        for side, why in reasons_of(candidate):
            if side is FOR:
                yield Message("A favor de «{title}»: {reason}.", {"title": title, "reason": why})
            else:
                yield Message("En contra de «{title}»: {reason}.", {"title": title, "reason": why})
