"""Languages of sessions: that of a customer's message, and of what a guide's author wrote.

Source: contract.md §6, rule 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from guiado.detection import Candidate, detect_language
from guiado.detection.spoken_language import KnownPhrase, Spoken, spoken_language
from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.text.fold import fold
from guiado.text.json_shapes import items_in
from guiado.text.tokenize import surface_words


def message_language(text: str, candidates: Sequence[Candidate], guides: Mapping[str, Guide]) -> Spoken:
    """The language that a customer writes in; every door asks here.

    Args:
        text: the customer's words.
        candidates: of this text, best first: the known phrase that matched best counts where the words leave it open.
        guides: of the knowledge base that was searched.
    """
    best = candidates[0] if candidates else None
    guide = guides.get(best.problem_id) if best else None
    language = text_language(guide, best.example) if guide and best and best.example else None
    return spoken_language(text, KnownPhrase(best.example, language) if best and best.example and language else None)


def text_language(guide: Guide, words: str) -> str | None:
    """The language of a known text of a guide; None where it is the same in several, or nobody can tell."""
    found = {language for language, texts in _texts(guide) if words in texts}
    if not found:  # what another customer said
        return detect_language(words)
    return found.pop() if len(found) == 1 else None


def own_language(guide: Guide) -> str:
    """The language that a guide was written in, before it was translated."""
    return _detected(". ".join((guide.problem_title, guide.problem_description, *guide.common_issues))) or DEFAULT_LANGUAGE


def phrases_in(guide: Guide, language: str) -> tuple[str, ...]:
    """Customers' phrases of a guide in one language; empty where its author wrote none in it."""
    if language in guide.translations:
        return tuple(map(str, items_in(guide.translations[language].get("common_issues"))))
    return guide.common_issues if own_language(guide) == language else ()


def example_in(guide: Guide, candidate: Candidate, language: str, *, is_for_customer: bool = False) -> str | None:
    """Known words of a problem in one language: the nearest of all, else those that share most words with the customer's.

    Args:
        is_for_customer: leaves out the author's description, and the title, which is shown beside it.

    Returns:
        None where there is nothing near in this language.
    """
    title, known = guide.in_language(language).problem_title, phrases_in(guide, language)
    if (nearest := candidate.example) and text_language(guide, nearest) in {language, None}:
        if not is_for_customer or nearest in known or not _is_written(guide, nearest):
            return nearest
        if nearest == title:
            return None
    evidence = {fold(word) for word in candidate.evidence}
    shared = {phrase: len(evidence & {fold(word) for word in surface_words(phrase)}) for phrase in known}
    found = max(shared, key=lambda phrase: shared[phrase], default=None)
    return found if found and shared[found] and found != title else None


def _is_written(guide: Guide, words: str) -> bool:
    """Whether the author wrote this, in whatever language."""
    return any(words in texts for _, texts in _texts(guide))


def _texts(guide: Guide) -> Iterator[tuple[str, Sequence[str]]]:
    yield own_language(guide), (guide.problem_title, guide.problem_description, *guide.common_issues)
    for language, texts in guide.translations.items():
        given = (texts.get("problem_title"), texts.get("problem_description"), *items_in(texts.get("common_issues")))
        yield language, [str(text) for text in given if text]


_detected = lru_cache(2_000)(detect_language)
