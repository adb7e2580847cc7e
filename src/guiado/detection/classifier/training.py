"""Training: fits the classifiers of a knowledge base, and measures its profile, which the calibration needs.

The profile comes from queries that the knowledge base makes itself: texts held out of their problems ("inside"), and texts of
problems held out as a whole ("outside"). Everything here takes seconds to minutes, and belongs into the background.

Source: ADR 0013.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.classifier.feature_hashing import Sketcher
from guiado.detection.classifier.logistic_regression import fit_head
from guiado.detection.classifier.scorer import SIGNALS, Heads, Scorer
from guiado.detection.lexical.ranker import LexicalIndex, build_lexical
from guiado.detection.problem import Problem
from guiado.detection.semantic.approximate_search import MOST_EXACT_TEXTS, Vectors, dense_of
from guiado.detection.semantic.corpus_texts import Texts
from guiado.detection.semantic.embedding_cache import CompactVectors
from guiado.text.tokenize import meaningful_part

LEAST_TEXTS_EACH = 2.0
"""Fewest texts a problem for which a classifier is better than the nearest text."""
MOST_CELLS = 8_000_000
"""Most texts times problems of a fit: with more it would take over some minutes, so that no classifier is fitted."""
_MEANING_STRENGTH, _WORDS_STRENGTH = 30.0, 10.0
_FOLDS = 5
_FEW_FOLDS = 2
_MANY_TEXTS = 1_500
_ROWS_A_FOLD = 80
_BOTH = (False, True)


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of each signal over some queries.

    Args:
        mean, deviation: one for each of `SIGNALS`.
        rows: how many queries; 0 where nothing could be measured.
    """

    mean: Floats
    deviation: Floats
    rows: int

    @classmethod
    def of(cls, signals: list[Floats]) -> Spread:
        """The spread of some queries' signals; one row of `signals` a query."""
        if not signals:
            return cls(np.zeros(len(SIGNALS), np.float32), np.ones(len(SIGNALS), np.float32), 0)
        table = np.nan_to_num(np.stack(signals))
        return cls(table.mean(axis=0), table.std(axis=0), len(table))


@dataclass(frozen=True, slots=True)
class Profile:
    """The spreads of a knowledge base's own queries: about problems that it knows, and about others.

    Args:
        inside: texts of problems that it knows.
        outside: texts of problems that it does not.
        foreign_inside, foreign_outside: the same by their meaning alone, as for texts in another language.
        closeness: for each problem, the usual cosine between one of its texts and the nearest other.
        closeness_deviation: of all texts around that.
    """

    inside: Spread
    outside: Spread
    foreign_inside: Spread
    foreign_outside: Spread
    closeness: Floats
    closeness_deviation: float


def can_fit(texts: Texts) -> bool:
    """Whether a fit of classifiers is useful and feasible for these texts."""
    problems = len(texts.problem_ids)
    count = int((~texts.negative).sum())
    return problems > 1 and count >= LEAST_TEXTS_EACH * problems and count * problems <= MOST_CELLS


def fit_heads(texts: Texts, vectors: Vectors | None, pause: Callable[[], None] = lambda: None) -> Heads:
    """Fit the classifiers of a knowledge base.

    Args:
        vectors: one row a text; None where there is no encoder.
        pause: called now and then; may raise to end it.
    """
    rows = np.flatnonzero(~texts.negative)
    owners, trust, count = texts.owners[rows], texts.trust[rows], len(texts.problem_ids)
    clean = [texts.clean[row] for row in rows]
    sketcher = Sketcher.of(clean)
    words = fit_head(sketcher.sketch(clean), owners, trust, count, _WORDS_STRENGTH, pause)
    meaning = None if vectors is None else fit_head(vectors[rows], owners, trust, count, _MEANING_STRENGTH, pause)
    return Heads(texts.problem_ids, meaning, words, sketcher)


def profile(texts: Texts, vectors: Vectors | None, lexical: LexicalIndex, pause: Callable[[], None], shared: int = 0) -> Profile:
    """Measure the profile of a knowledge base by held-out texts and held-out problems.

    Args:
        lexical: of the same texts.
        pause: called between parts of the work; may raise to end it.
        shared: see `Scorer`.
    """
    found: dict[tuple[bool, bool], list[Floats]] = {(inside, foreign): [] for inside in _BOTH for foreign in _BOTH}
    fitted = can_fit(texts)  # asked of all texts: a fold may be small enough for classifiers that the whole has none of
    for inside, kept, asked in _folds(texts):
        pause()
        scorer = _scorer_of(texts, vectors, kept, lexical, fitted, pause, shared)
        for row in map(int, asked):
            vector = None if vectors is None else vectors[np.array([row])][0]
            for foreign in _BOTH if vector is not None else (False,):
                observed = scorer.observe(meaningful_part(texts.spoken[row]), texts.clean[row], vector, foreign=foreign)
                found[inside, foreign].append(observed.signals)
    closeness, deviation = _closeness(texts, vectors)
    return Profile(
        inside=Spread.of(found[True, False]),
        outside=Spread.of(found[False, False]),
        foreign_inside=Spread.of(found[True, True]),
        foreign_outside=Spread.of(found[False, True]),
        closeness=closeness,
        closeness_deviation=deviation,
    )


def _folds(texts: Texts) -> Iterator[tuple[bool, Rows, Rows]]:
    """The folds, the same every time: whether the queries are inside, the rows that stay, the rows that are asked."""
    order = np.random.default_rng(0).permutation(len(texts))
    own = order[(~texts.negative & ~texts.heading)[order]]
    counts = np.bincount(texts.owners[~texts.negative], minlength=len(texts.problem_ids))
    many = len(texts) > MOST_EXACT_TEXTS  # to read a fifth anew would take minutes, and a few out of so many change nothing
    folds = _FOLDS if len(texts) <= _MANY_TEXTS else _FEW_FOLDS
    for number in range(folds):
        held = own[number::_FOLDS]
        held = held[counts[texts.owners[held]] > 1]
        if many:
            held = held[:_ROWS_A_FOLD]
        if len(held):
            yield True, np.setdiff1d(np.arange(len(texts)), held), held[:_ROWS_A_FOLD]
    problems = np.random.default_rng(1).permutation(len(texts.problem_ids))
    for number in range(folds):
        without = np.isin(texts.owners, problems[number::_FOLDS][: _ROWS_A_FOLD if many else None])
        asked = own[without[own]]
        if len(asked) and not without.all():
            yield False, np.flatnonzero(~without), asked[:_ROWS_A_FOLD]


def _scorer_of(
    texts: Texts,
    vectors: Vectors | None,
    rows: Rows,
    lexical: LexicalIndex,
    fitted: bool,
    pause: Callable[[], None],
    shared: int,
) -> Scorer:
    """A scorer of these rows only, and of the problems that have any of them."""
    some = texts.only(rows)
    present, owners = np.unique(some.owners, return_inverse=True)
    ids = tuple(texts.problem_ids[int(place)] for place in present)
    kept = Texts(ids, some.spoken, some.clean, owners.astype(np.int64), some.trust, some.negative, some.heading)
    own = vectors.some(rows) if isinstance(vectors, CompactVectors) else None if vectors is None else vectors[rows]
    heads = fit_heads(kept, own, pause) if fitted and can_fit(kept) else None
    return Scorer(ids, build_lexical(_as_problems(kept), lexical), None if own is None else dense_of(kept, own), heads, shared)


def _as_problems(texts: Texts) -> list[Problem]:
    phrases: list[list[str]] = [[] for _ in texts.problem_ids]
    for spoken, owner, negative in zip(texts.spoken, texts.owners, texts.negative, strict=True):
        if not negative:
            phrases[int(owner)].append(spoken)
    return [Problem(problem_id, "", "", tuple(those)) for problem_id, those in zip(texts.problem_ids, phrases, strict=True)]


_PRIOR_ROWS = 3.0


def _closeness(texts: Texts, vectors: Vectors | None) -> tuple[Floats, float]:
    """For each problem the usual cosine of a text to the nearest other one, shrunk towards the mean of all."""
    sums, counts = np.zeros(len(texts.problem_ids), np.float32), np.zeros(len(texts.problem_ids), np.float32)
    seen: list[float] = []
    for owner, rows in _by_problem(texts):
        if vectors is None or len(rows) < 2:  # noqa: PLR2004
            continue
        cosines = vectors[rows] @ vectors[rows].T
        np.fill_diagonal(cosines, -1)
        nearest = cosines.max(axis=1)
        sums[owner], counts[owner] = nearest.sum(), len(rows)
        seen += nearest.tolist()
    mean, deviation = (float(np.mean(seen)), float(np.std(seen))) if seen else (_USUAL_CLOSENESS, _USUAL_DEVIATION)
    return ((sums + _PRIOR_ROWS * mean) / (counts + _PRIOR_ROWS)).astype(np.float32), max(deviation, _LEAST_DEVIATION)


_USUAL_CLOSENESS, _USUAL_DEVIATION, _LEAST_DEVIATION = 0.6, 0.15, 0.05
_MOST_COMPARED = 200


def _by_problem(texts: Texts) -> Iterator[tuple[int, Rows]]:
    rows = np.flatnonzero(~texts.negative)
    for group in np.split(rows, np.flatnonzero(np.diff(texts.owners[rows])) + 1):
        if len(group):
            yield int(texts.owners[group[0]]), group[:_MOST_COMPARED]
