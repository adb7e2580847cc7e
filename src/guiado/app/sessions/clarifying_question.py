"""The clarification of an unclear description: up to three problems to choose from, and one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guiado import clock
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.detection import Candidate, detect_language
from guiado.domain.clarification import Clarification, Considered, Option, Question, Reply
from guiado.domain.guide import Guide, ProblemCategory
from guiado.errors import Message
from guiado.guidance.information_gain import NONE_OF_THESE, Inquiry, Topic, choose, update
from guiado.i18n import DEFAULT_LANGUAGE, text
from guiado.text.fold import fold
from guiado.text.tokenize import surface_words

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
    example = _example(guide, candidate, language)
    version_id = snapshot.version_ids.get(candidate.problem_id)
    return Option(candidate.problem_id, title, round(candidate.confidence, 4), example, version_id)


def _example(guide: Guide, candidate: Candidate, language: str) -> str | None:
    """A known phrase in the customer's language: the nearest of all, else the one that shares most words with theirs.

    None where nothing is near, or where it says no more than the title.
    """
    spoken = guide.in_language(language)
    known = spoken.common_issues if language in guide.translations else _of_language(guide.common_issues, language)
    nearest = candidate.example
    if nearest and (nearest in known or nearest == spoken.problem_title):
        return nearest if nearest != spoken.problem_title else None
    if nearest and detect_language(nearest) == language and not _is_written(guide, nearest):  # what another customer said
        return nearest
    evidence = {fold(word) for word in candidate.evidence}
    shared = {phrase: len(evidence & {fold(word) for word in surface_words(phrase)}) for phrase in known}
    found = max(shared, key=lambda phrase: shared[phrase], default=None)
    return found if found and shared[found] and found != spoken.problem_title else None


def _of_language(phrases: Sequence[str], language: str) -> tuple[str, ...]:
    """The author's own phrases where they are in this language; else none."""
    own = detect_language(". ".join(phrases)) or DEFAULT_LANGUAGE
    return tuple(phrases) if own == language else ()


def _is_written(guide: Guide, words: str) -> bool:
    """Whether the guide's author wrote these words, in any language."""
    texts = [guide.in_language(each) for each in (DEFAULT_LANGUAGE, *guide.translations)]
    return any(words in {*each.common_issues, each.problem_title, each.problem_description} for each in (guide, *texts))


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
    found = choose([_topic(snapshot.guides[option.problem_id].in_language(language), option) for option in options])
    return Question(str(clock.new_id()), _words(found, language), found.yes) if found else None


def _topic(guide: Guide, option: Option) -> Topic:
    subject = "" if guide.category == ProblemCategory.OTHER else str(guide.category)
    shown = (option.title, *([option.example] if option.example else []))
    return Topic(option.problem_id, option.confidence, guide.common_issues, subject, shown)


def _words(inquiry: Inquiry, language: str) -> str:
    if inquiry.phrase:
        return text(language, "¿Tu problema se parece a esto: «{phrase}»?", phrase=inquiry.phrase)
    subject = _SUBJECTS.get(inquiry.subject, f"«{inquiry.subject}»")
    return text(language, "¿Tiene que ver con {subject}?", subject=subject)
