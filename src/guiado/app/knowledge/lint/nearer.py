"""Check of customers' phrases that are nearer to another guide than to their own, and of guides that overlap.

The measure is that of detection. Every phrase is compared with all others at once, without itself; in a small knowledge base
detection itself then judges each that was found, without knowing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.lint.phrases import Phrase
from guiado.app.knowledge.lint.shown_texts import shortened
from guiado.app.sessions.detect import detect
from guiado.detection import Index, Problem
from guiado.detection.arrays import Floats
from guiado.detection.leave_one_out import mistaken
from guiado.detection.semantic.encoder import Encoder
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide
from guiado.errors import EncoderUnavailable

Build = Callable[[Iterable[Problem]], Index]
Taken = tuple[Phrase, str]
"""A phrase, and the problem that it is taken for."""
_MOST_DETECTED = 600
"""Most phrases of a knowledge base in which detection itself judges those that were found: more would take seconds."""
_FOLDS = 5
"""A fifth of the phrases at most is left out at once: without more of them it is another knowledge base."""
_OVERLAP, _LEAST_OVERLAP = 0.3, 4
"""Share and number of a guide's phrases that are taken for one other guide, from which on the two overlap."""


def find_taken(
    guides: Mapping[str, Guide], phrases: Sequence[Phrase], build: Build, thresholds: tuple[float, float], encoder: Encoder | None
) -> list[Taken]:
    """Customers' phrases that detection, without knowing them, takes for another problem with confidence.

    Args:
        phrases: of all guides.
        build: makes the index of some problems, as the service does.
        thresholds: the two of detection, 0..1.
        encoder: of texts into vectors; None where words alone decide.
    """
    known = sorted((phrase for phrase in phrases if phrase.words), key=lambda phrase: phrase.problem_id)
    ids = sorted({phrase.problem_id for phrase in known})
    place = {problem_id: number for number, problem_id in enumerate(ids)}
    owners = np.array([place[phrase.problem_id] for phrase in known], np.int64)
    vectors = _vectors(known, encoder)
    name = encoder.name if encoder else ""
    found = [
        (known[each.row], ids[each.problem], each.confidence)
        for each in mistaken([phrase.distinct for phrase in known], vectors, owners, name)
        if known[each.row].is_customers
    ]
    if len(phrases) <= _MOST_DETECTED:
        return list(_detected(guides, [phrase for phrase, _, _ in found], build, thresholds, len(phrases) // _FOLDS))
    return [(phrase, problem_id) for phrase, problem_id, confidence in found if confidence >= max(thresholds)]


def _vectors(phrases: Sequence[Phrase], encoder: Encoder | None) -> Floats | None:
    if encoder is None:
        return None
    try:
        return encoder.encode([phrase.clean for phrase in phrases])
    except EncoderUnavailable:
        return None


def _detected(
    guides: Mapping[str, Guide], suspects: Sequence[Phrase], build: Build, thresholds: tuple[float, float], most: int
) -> Iterator[Taken]:
    """Those of some phrases that detection without them accepts as another problem.

    Args:
        most: phrases that are left out at once.
    """
    problems = [problem_of(guide) for guide in guides.values()]
    folds = ceil(len(suspects) / max(1, most))
    for fold in range(folds):
        held = suspects[fold::folds]
        out = {(phrase.problem_id, phrase.text) for phrase in held}
        index = build(_without(problem, out) for problem in problems)
        for phrase in held:
            found = detect(index, guides, phrase.text, *thresholds)
            # An urgent problem that is named beside another goes first, however much less likely it is.
            likeliest = max(found.candidates, key=lambda each: each.confidence, default=None)
            if found.verdict is Verdict.ACCEPT and likeliest is not None and likeliest.problem_id != phrase.problem_id:
                yield phrase, likeliest.problem_id


def _without(problem: Problem, out: Collection[tuple[str, str]]) -> Problem:
    return replace(problem, phrases=tuple(text for text in problem.phrases if (problem.problem_id, text) not in out))


def doubt_taken(
    taken: Sequence[Taken], phrases: Sequence[Phrase], guides: Mapping[str, Guide], twins: set[frozenset[str]], findings: Findings
) -> None:
    """Name guides that overlap, and phrases that are nearer to another guide; those of twins and overlaps only as a whole."""
    told = {warning.field for warning in findings.warnings}
    overlaps = _overlaps(taken, phrases) - {tuple(pair) for twin in twins for pair in (sorted(twin), sorted(twin)[::-1])}
    for own, other in sorted(overlaps):
        _doubt_overlap(own, other, taken, guides, findings)
    for phrase, other in taken:
        pair = phrase.problem_id, other
        if phrase.path not in told and frozenset(pair) not in twins and pair not in overlaps:
            findings.of("nearer_to_another").warn(
                phrase.path,
                "La frase «{phrase}» se parece más a la guía {other}. Escríbela de otra manera, pásala a esa guía o agrega aquí "
                "más frases parecidas.",
                phrase=shortened(phrase.text),
                other=other,
            )


def _overlaps(taken: Iterable[Taken], phrases: Iterable[Phrase]) -> set[tuple[str, ...]]:
    sizes = Counter(phrase.problem_id for phrase in phrases if phrase.is_customers)
    counts = Counter((phrase.problem_id, other) for phrase, other in taken)
    return {pair for pair, count in counts.items() if count >= max(_LEAST_OVERLAP, _OVERLAP * sizes[pair[0]])}


def _doubt_overlap(own: str, other: str, taken: Sequence[Taken], guides: Mapping[str, Guide], findings: Findings) -> None:
    lost = [phrase for phrase, near in taken if phrase.problem_id == own and near == other]
    findings.of("overlap").warn(
        f"$.{own}",
        "{count} de sus frases, como «{phrase}», se parecen más a «{near}», de {other}. Escribe en cada guía lo que la "
        "distingue, o únelas.",
        count=len(lost),
        phrase=shortened(lost[0].text),
        near=shortened(guides[other].problem_title),
        other=f"$.{other}",
    )
