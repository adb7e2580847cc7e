"""All checks of a knowledge base, as its authors, its readers and detection see it.

Every warning has a kind, a JSON path, what it quotes, and the remedy. Time grows with the number of phrases, not with its square.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.lint.actions import doubt_several_actions
from guiado.app.knowledge.lint.alike import doubt_alike
from guiado.app.knowledge.lint.dangers import doubt_dangers
from guiado.app.knowledge.lint.markup import doubt_markup, doubt_tags
from guiado.app.knowledge.lint.nearer import Build, doubt_taken, find_taken
from guiado.app.knowledge.lint.phrases import (
    Phrase,
    denied_phrases,
    doubt_alarming,
    doubt_codes,
    doubt_criteria,
    doubt_few,
    doubt_phrase,
    phrases_of,
)
from guiado.app.knowledge.lint.references import doubt_references
from guiado.app.knowledge.lint.sentences import doubt_long_sentences, doubt_readability
from guiado.app.knowledge.lint.shown_texts import shown_texts
from guiado.app.knowledge.lint.structure import doubt_structure
from guiado.app.knowledge.lint.titles import doubt_near_titles
from guiado.app.knowledge.lint.translated import doubt_languages, doubt_translations
from guiado.app.sessions.alarms import UrgentCriteria
from guiado.detection import build_index
from guiado.detection.prepared.readings import shipped
from guiado.domain.guide import Guide, GuideKind

MOST_TRIED = 15_000
"""Most phrases that are compared with all others: what that takes grows with their square, and 50,000 take a minute."""


def lint(guides: Mapping[str, Guide], none_below: float, accept_from: float, build: Build = build_index) -> Findings:
    """Warnings about a knowledge base.

    Args:
        guides: the knowledge base.
        none_below, accept_from: the two thresholds of detection, 0..1.
        build: makes the index of some problems, as the service does.
    """
    findings = Findings()
    if len(guides) == 1:
        findings.of("one_problem").warn(
            "$", "Hay un solo problema, y nada con qué compararlo. Agrega otros para que se distinga mejor."
        )
    doubt_languages(guides, findings)
    for guide in guides.values():
        _doubt_guide(guide, guides, findings)
    _doubt_phrases(guides, (none_below, accept_from), build, findings)
    return findings


def can_try(guides: Mapping[str, Guide]) -> bool:
    """Whether a knowledge base is small enough to compare every phrase with all others."""
    return sum(len(problem_of(guide).phrases) for guide in guides.values()) <= MOST_TRIED


def _doubt_guide(guide: Guide, guides: Mapping[str, Guide], findings: Findings) -> None:
    """The checks of one guide by itself."""
    texts = tuple(shown_texts(guide))
    doubt_few(guide, findings)
    doubt_criteria(guide, findings)
    doubt_structure(guide, findings)
    doubt_dangers(guide, findings)
    doubt_readability(guide, texts, findings)
    doubt_long_sentences(texts, findings)
    if guide.kind == GuideKind.GUIDE.value:  # an answer is prose
        doubt_several_actions(texts, findings)
    doubt_references(guide, texts, guides.keys(), findings)
    doubt_translations(guide, findings)
    doubt_markup(texts, findings)
    doubt_tags(guide, findings)


def _doubt_phrases(guides: Mapping[str, Guide], thresholds: tuple[float, float], build: Build, findings: Findings) -> None:
    """The checks of phrases: one by one, and across guides."""
    phrases, urgent, readings = list[Phrase](), UrgentCriteria(guides.values()), shipped()
    for guide in guides.values():
        for phrase in phrases_of(guide, readings):
            if guide.kind == GuideKind.NONE:  # nobody reads them, and they are to be near to nothing
                phrases.append(replace(phrase, is_customers=False))
                continue
            phrases.append(phrase)
            doubt_phrase(phrase, findings)
            doubt_alarming(phrase, guide, urgent, findings)
        for phrase in denied_phrases(guide, readings):
            doubt_phrase(phrase, findings)
    doubt_codes(guides.values(), findings)
    twins = doubt_alike(phrases, guides, findings)
    encoder = build(()).encoder
    if encoder:
        doubt_near_titles(guides, encoder, twins, findings)
    if len(guides) > 1 and can_try(guides):
        doubt_taken(find_taken(guides, phrases, build, thresholds, encoder), phrases, guides, twins, findings)
