"""The clarification of an unclear description: up to three problems to choose from, and one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guiado import clock
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.language import example_in, phrases_in
from guiado.detection import Candidate
from guiado.domain.clarification import Clarification, Considered, Option, Question, Reply
from guiado.domain.guide import Guide, ProblemCategory
from guiado.errors import Message
from guiado.guidance.information_gain import NONE_OF_THESE, Inquiry, Topic, choose, update
from guiado.i18n import text

_SHOWN = 3
_LEAST_SHOWN = 0.05
"""Least confidence of a problem that is shown; the best one is always shown."""
_SUBJECTS: Mapping[str, Message] = {
    ProblemCategory.INSTALLATION: Message("la instalación de un programa"),
    ProblemCategory.CONFIGURATION: Message("la configuración"),
    ProblemCategory.CONNECTIVITY: Message("la conexión"),
    ProblemCategory.PERFORMANCE: Message("la lentitud"),
    ProblemCategory.ERROR: Message("un programa que falla"),
    ProblemCategory.BILLING: Message("un cobro o una factura"),
    ProblemCategory.ACCOUNT: Message("tu cuenta o tu contraseña"),
    ProblemCategory.FEATURE: Message("cómo usar una función"),
    ProblemCategory.SECURITY: Message("la seguridad"),
}


def considered_of(candidates: Sequence[Candidate]) -> Considered:
    """The candidates as they are stored with a decision."""
    return tuple(
        {"problem_id": c.problem_id, "confidence": round(c.confidence, 4), "words": list(c.evidence)} for c in candidates
    )


def inquire(snapshot: Snapshot, candidates: Sequence[Candidate], language: str, *, may_ask: bool = True) -> Clarification:
    """The clarification of a ranking: its likeliest problems as options, and a question that tells them apart.

    Args:
        candidates: best first, as shares.
        language: of the session.
        may_ask: whether a question may come with the options: a customer is asked one at most.
    """
    likely = [c for place, c in enumerate(candidates[:_SHOWN]) if place == 0 or c.confidence >= _LEAST_SHOWN]
    options = tuple(option_of(snapshot, candidate, language) for candidate in likely)
    return Clarification(options, _question(snapshot, options, language) if may_ask else None)


def option_of(snapshot: Snapshot, candidate: Candidate, language: str) -> Option:
    """The option that shows a candidate to the customer."""
    guide = snapshot.guides[candidate.problem_id]
    title = guide.in_language(language).problem_title
    example = example_in(guide, candidate, language, is_for_customer=True)
    version_id = snapshot.version_ids.get(candidate.problem_id)
    return Option(candidate.problem_id, title, round(candidate.confidence, 4), example, version_id)


def reweigh(asked: Clarification, reply: Reply) -> tuple[Option, ...]:
    """The options after an answer to the question, best first."""
    if asked.question is None or reply is Reply.UNKNOWN:
        return asked.options
    priors = {option.problem_id: option.confidence for option in asked.options}
    priors[NONE_OF_THESE] = max(0.0, 1 - sum(priors.values()))
    after = update(priors, asked.question.yes, reply is Reply.YES)
    weighed = [Option(o.problem_id, o.title, round(after[o.problem_id], 4), o.example, o.guide_version_id) for o in asked.options]
    return tuple(sorted(weighed, key=lambda option: -option.confidence))


def _question(snapshot: Snapshot, options: Sequence[Option], language: str) -> Question | None:
    found = choose([_topic(snapshot.guides[option.problem_id], option, language) for option in options])
    return Question(str(clock.new_id()), _words(found, language), found.yes) if found else None


def _topic(guide: Guide, option: Option, language: str) -> Topic:
    subject = "" if guide.category == ProblemCategory.OTHER else str(guide.category)
    shown = (option.title, *([option.example] if option.example else []))
    return Topic(option.problem_id, option.confidence, phrases_in(guide, language), subject, shown)


def _words(inquiry: Inquiry, language: str) -> str:
    if inquiry.phrase:
        return text(language, "¿Tu problema se parece a esto: «{phrase}»?", phrase=inquiry.phrase)
    subject = _SUBJECTS.get(inquiry.subject, f"«{inquiry.subject}»")
    return text(language, "¿Tiene que ver con {subject}?", subject=subject)
