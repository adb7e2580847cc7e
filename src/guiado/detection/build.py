"""Builds the index of a knowledge base, taking over from the previous one all problems that did not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

import numpy as np

from guiado.detection.arrays import Rows
from guiado.detection.classifier.calibration import USUAL_SHARE
from guiado.detection.classifier.fitted_model import FittedModel
from guiado.detection.index import Index
from guiado.detection.lexical.ranker import build_lexical
from guiado.detection.prepared.readings import NOTHING, shipped
from guiado.detection.problem import Problem
from guiado.detection.semantic.approximate_search import Vectors, taken_over
from guiado.detection.semantic.corpus_texts import ReadTexts, Texts, texts_of
from guiado.detection.semantic.encoder import Encoder
from guiado.errors import EncoderUnavailable


def build_index(
    problems: Iterable[Problem],
    previous: Index | None = None,
    *,
    encoder: Encoder | None = None,
    vectors_of: Callable[[Sequence[str]], Vectors | None] | None = None,
    model: FittedModel | None = None,
    share: float = USUAL_SHARE,
) -> Index:
    """Build the index of a knowledge base.

    Args:
        problems: in any order; texts of equal ids are put together.
        previous: an index whose work is taken over for every problem that did not change; the result is the same without it.
        encoder: turns texts into vectors; None where the words alone decide.
        vectors_of: asks the encoder, or a cache of what it said; None from it leaves the vectors for later. By default the
            encoder itself.
        model: what was fitted before; the previous index's own by default.

    Returns:
        An index whose version changes with the model and with the contents only.
    """
    together = _together(problems)
    readings = NOTHING if previous is not None and len(previous) else shipped()
    lexical = build_lexical(together, previous.lexical if previous else None, readings)
    texts, before = texts_of(together, ReadTexts(previous.problems, previous.texts) if previous else None, readings)
    vectors = None
    if encoder is not None:
        try:
            vectors = _vectors(texts, before, encoder, vectors_of or encoder.encode, previous)
        except EncoderUnavailable:
            vectors = None
    model = model or (previous.model if previous else None)
    return Index(together, lexical, texts, encoder, vectors, model, share, previous, readings)


def _vectors(
    texts: Texts,
    before: Rows,
    encoder: Encoder,
    vectors_of: Callable[[Sequence[str]], Vectors | None],
    previous: Index | None,
) -> Vectors | None:
    """Return the vectors of texts; those of unchanged texts are taken over where they are the majority."""
    if previous is None or previous.vectors is None or previous.encoder is None or previous.encoder.name != encoder.name:
        return vectors_of(texts.clean)
    new = np.flatnonzero(before < 0)
    if len(new) > _MOST_NEW * len(texts):
        return vectors_of(texts.clean)
    fresh = vectors_of([texts.clean[int(row)] for row in new]) if len(new) else np.zeros((0, encoder.dimensions), np.float32)
    return None if fresh is None else taken_over(previous.vectors, before, fresh)


_MOST_NEW = 0.5  # of the texts: of fewer the others are taken over


def _together(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems by id; texts of equal ids are put together, in an order of their own."""
    by_id = sorted(problems, key=attrgetter("problem_id"))
    if len({problem.problem_id for problem in by_id}) == len(by_id):
        return tuple(by_id)
    found: dict[str, Problem] = {}
    for problem in sorted(by_id, key=lambda problem: (problem.problem_id, problem.texts)):
        known = found.get(problem.problem_id)
        found[problem.problem_id] = problem if known is None else _joined(known, problem)
    return tuple(found.values())


def _joined(one: Problem, other: Problem) -> Problem:
    phrases = (*one.phrases, other.title, other.description, *other.phrases)
    learned, disputed = one.learned + other.learned, one.disputed + other.disputed
    codes, not_this = one.codes + other.codes, one.not_this + other.not_this
    is_none = one.is_none and other.is_none
    return Problem(one.problem_id, one.title, one.description, phrases, learned, disputed, codes, not_this, is_none)
