"""The score of each problem, from words and meaning together, and the signals for the calibration.

Its parts: a linear classifier on the meaning (the best single judge from two texts a problem on), one on
hashed words (tells apart what means nearly the same), the tolerant lexical model (typing errors, rare words), and the nearest
known text (what was confirmed a moment ago counts at once; what was denied counts against).

Source: ADR 0013.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.classifier.feature_hashing import Sketcher
from guiado.detection.classifier.logistic_regression import LinearHead, log_softmax
from guiado.detection.lexical.ranker import LexicalIndex, LexicalMatch
from guiado.detection.semantic.approximate_search import LargeDense
from guiado.detection.semantic.encoder import shared_part
from guiado.detection.semantic.exact_search import Dense, Nearness

WORDS_SHARE = 0.4
"""Weight of the classifier on words; that of the one on meaning is 1."""
LEXICAL_SHARE = 1.5
"""Weight of the lexical confidence, in log-probabilities for a confidence of 1."""
NEAREST_SLOPE, CENTRE_SLOPE, LEXICAL_SLOPE = 9.0, 11.0, 6.0
"""Without a classifier: the weights of the cosine to the nearest text, of that to the centre, and of the lexical confidence."""
WORDS_ONLY_LEXICAL = 6.0
"""Weight of the lexical confidence where there is no encoder."""
SAME_COSINE = 0.85
"""Least cosine of two texts that say the same in nearly the same words."""
SAME_WORTH = 6.0
"""Weight of a known text that says the same."""
_STRONGEST = 16  # of the classifiers' problems, to be compared text by text
_CLIP = 12.0
_LEAST_CHANCE = 1e-9

SIGNALS = ("chance", "strength", "margin", "nearest", "best", "words")


@dataclass(frozen=True)
class Heads:
    """The fitted classifiers of a knowledge base.

    Args:
        problem_ids: the classes, in order.
        meaning: on vectors of the encoder; None where there is none.
        words: on sketches.
        sketcher: makes the sketches.
    """

    problem_ids: tuple[str, ...]
    meaning: LinearHead | None
    words: LinearHead
    sketcher: Sketcher

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The column of each problem."""
        return {problem_id: column for column, problem_id in enumerate(self.problem_ids)}


@dataclass(frozen=True, slots=True)
class Observation:
    """The scores and signals of one text against a knowledge base.

    Args:
        scores: one for each problem, in logarithms of chances.
        signals: of the best problem, in the order of `SIGNALS`; nan for one that says nothing here.
        closeness: cosine to the nearest known text of the best problem.
        found: the lexical candidates; None where words do not count.
        fitted: whether classifiers decided, or likeness alone.
    """

    scores: Floats
    signals: Floats
    closeness: float
    found: LexicalMatch | None
    fitted: bool = True

    @property
    def best(self) -> int:
        """Position of the problem with the highest score."""
        return int(self.scores.argmax())


class Scorer:
    """Scores texts against the problems of a knowledge base. Immutable.

    Args:
        problem_ids: in alphabetical order.
        lexical: the lexical model of the same problems.
        dense: their texts as vectors, where there is an encoder.
        heads: the classifiers, once they were fitted.
        shared: the first dimension that compares texts of different languages.
    """

    def __init__(
        self,
        problem_ids: tuple[str, ...],
        lexical: LexicalIndex,
        dense: Dense | LargeDense | None,
        heads: Heads | None,
        shared: int = 0,
    ) -> None:
        self.problem_ids, self.lexical, self.dense, self._shared = problem_ids, lexical, dense, shared
        self.heads = heads if heads and self._serves(heads) else None
        self._columns = self._find_columns() if self.heads else None

    def observe(self, part: str, clean: str, vector: Floats | None, *, foreign: bool = False) -> Observation:
        """Score a text against all problems.

        Args:
            part: the meaningful part of it, as the customer wrote it.
            clean: as the encoder reads it.
            vector: its embedding, of length 1; None where there is no encoder.
            foreign: whether it is in a language that the knowledge base is not written in: then words count nothing.
        """
        dense = self.dense if vector is not None else None
        foreign = foreign and dense is not None
        if foreign and vector is not None:
            vector = shared_part(vector, self._shared)
        found = None if foreign else self.lexical.find(part, forms=dense is None)
        words = np.zeros(len(self.problem_ids), np.float32)
        if found is not None:
            words[found.problems] = found.confidences
        heads = self.heads if self.heads and (self.heads.meaning is None) == (dense is None) else None
        strong = self._ask_heads(heads, "" if foreign else clean, vector) + LEXICAL_SHARE * words if heads else None
        near = dense.near(vector, _promising(words, strong)) if dense and vector is not None else None
        strengths = _likeness(near, words) if strong is None else strong
        if near is not None:
            strengths = strengths + SAME_WORTH * (_sameness(near.nearest) - _sameness(near.rejected))
        scores = log_softmax(strengths[None, :])[0]
        signals, closeness = self._judge(scores, strengths, near, words)
        return Observation(scores, signals, closeness, found, heads is not None)

    def _ask_heads(self, heads: Heads, clean: str, vector: Floats | None) -> Floats:
        if heads.meaning is not None and vector is not None and not clean:
            return heads.meaning.scores(vector[None, :])[0][self._columns]
        words = heads.words.scores_of_few(heads.sketcher.sketch([clean])[0])
        if heads.meaning is None or vector is None:
            return words[self._columns]
        return (heads.meaning.scores(vector[None, :])[0] + WORDS_SHARE * words)[self._columns]

    def _judge(self, scores: Floats, strengths: Floats, near: Nearness | None, words: Floats) -> tuple[Floats, float]:
        best = int(scores.argmax())
        rest = scores.copy()
        rest[best] = -np.inf
        # With one problem only there is no second one to compare it with: nan, no signal.
        margin = float(scores[best] - rest.max()) if len(rest) > 1 else np.nan
        chance = float(scores[best]) - log(float(np.exp(rest).sum()) + _LEAST_CHANCE) if len(rest) > 1 else np.nan
        nearest = float(near.best[0]) if near is not None and len(near.best) else float(words.max())
        five = float(near.best.mean()) if near is not None and len(near.best) else float(np.sort(words)[-5:].mean())
        closeness = float(near.nearest[best]) if near is not None else float(words[best])
        signals = np.array([chance, strengths[best], margin, nearest, five, words[best]], np.float32)
        return np.clip(signals, -_CLIP * 3, _CLIP * 3), closeness

    def _serves(self, heads: Heads) -> bool:
        return all(problem_id in heads.places for problem_id in self.problem_ids)

    def _find_columns(self) -> Rows:
        places: Mapping[str, int] = self.heads.places if self.heads else {}
        return np.array([places[problem_id] for problem_id in self.problem_ids], np.int64)


def _promising(words: Floats, strong: Floats | None) -> Rows:
    """The problems with any lexical confidence, and those with the highest scores, to be compared text by text."""
    having = np.flatnonzero(words)
    if strong is None or len(strong) <= _STRONGEST:
        return having
    return np.concatenate([having, np.argpartition(strong, -_STRONGEST)[-_STRONGEST:]])


def _likeness(near: Nearness | None, words: Floats) -> Floats:
    """The score of each problem where no classifier was fitted."""
    if near is None:
        return WORDS_ONLY_LEXICAL * words
    return NEAREST_SLOPE * near.nearest + CENTRE_SLOPE * near.centre + LEXICAL_SLOPE * words


def _sameness(cosines: Floats) -> Floats:
    return np.clip((cosines - SAME_COSINE) / (1 - SAME_COSINE), 0, 1)
