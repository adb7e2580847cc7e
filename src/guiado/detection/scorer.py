"""One score for each problem, from words and meaning together, and the signals by which its worth is judged.

The parts, and what each is for: a linear classifier on the meaning (the best single judge from two texts a problem on), one on
hashed words (tells apart what means nearly the same), the tolerant lexical model (typing errors, rare words), and the nearest
known text (what was confirmed a moment ago counts at once; what was denied counts against).

Source: ADR 0013.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.dense import Dense, Nearness
from guiado.detection.large import LargeDense
from guiado.detection.lexical import LexicalIndex
from guiado.detection.linear import LinearHead, log_softmax
from guiado.detection.problem import Candidate
from guiado.detection.sketch import Sketcher

WORDS_SHARE = 0.4
"""What the classifier on words counts against the one on meaning."""
LEXICAL_SHARE = 1.5
"""What a lexical confidence of 1 is worth, in logarithms of chances."""
NEAREST_SLOPE, CENTRE_SLOPE, LEXICAL_SLOPE = 9.0, 11.0, 6.0
"""Without a classifier: what the cosine to the nearest text, to the centre, and the lexical confidence are worth."""
WORDS_ONLY_LEXICAL = 6.0
"""The same where there are words only."""
SAME_COSINE = 0.85
"""Two texts over this cosine say the same in nearly the same words."""
SAME_WORTH = 6.0
"""What it is worth that a known text says the very same."""
_LEXICAL_LIMIT = 14
_CLIP = 12.0
_LEAST_CHANCE = 1e-9

SIGNALS = ("chance", "strength", "margin", "nearest", "best", "words")


@dataclass(frozen=True)
class Heads:
    """The classifiers of a knowledge base.

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
    """A text against a knowledge base.

    Args:
        scores: one for each problem, in logarithms of chances.
        signals: of the best problem, in the order of `SIGNALS`; nan for one that says nothing here.
        closeness: cosine to the nearest known text of the best problem.
        lexical: what the lexical model found, by problem.
        fitted: whether classifiers decided, or likeness alone.
    """

    scores: Floats
    signals: Floats
    closeness: float
    lexical: Mapping[str, Candidate]
    fitted: bool = True

    @property
    def best(self) -> int:
        """Position of the problem with the highest score."""
        return int(self.scores.argmax())


class Scorer:
    """Scores texts. Immutable.

    Args:
        problem_ids: in alphabetical order.
        lexical: the lexical model of the same problems.
        dense: their texts as vectors, where there is an encoder.
        heads: the classifiers, once they were fitted.
    """

    def __init__(
        self, problem_ids: tuple[str, ...], lexical: LexicalIndex, dense: Dense | LargeDense | None, heads: Heads | None
    ) -> None:
        self.problem_ids, self.lexical, self.dense = problem_ids, lexical, dense
        self._places = {problem_id: place for place, problem_id in enumerate(problem_ids)}
        self.heads = heads if heads and self._serves(heads) else None
        self._columns = self._find_columns() if self.heads else None

    def observe(self, text: str, clean: str, vector: Floats | None, *, foreign: bool = False) -> Observation:
        """A text against all problems.

        Args:
            text: as the customer wrote it.
            clean: as the encoder reads it.
            vector: its meaning, of length 1; None where there is no encoder.
            foreign: whether it is in a language that the knowledge base is not written in: then words count nothing.
        """
        foreign = foreign and vector is not None and self.dense is not None
        ranked = () if foreign else self.lexical.rank(text, _LEXICAL_LIMIT)
        lexical = {found.problem_id: found for found in ranked}
        words = np.zeros(len(self.problem_ids), np.float32)
        for problem_id, found in lexical.items():
            words[self._places[problem_id]] = found.confidence
        near = self.dense.near(vector, np.flatnonzero(words)) if self.dense and vector is not None else None
        scores, strengths = self._score("" if foreign else clean, vector, near, words)
        signals, closeness = self._judge(scores, strengths, near, words)
        return Observation(scores, signals, closeness, lexical, self._asks_heads(near))

    def _score(self, clean: str, vector: Floats | None, near: Nearness | None, words: Floats) -> tuple[Floats, Floats]:
        """Logarithms of chances, and how strong the case for each problem is by itself."""
        if self.heads is None or not self._asks_heads(near):
            strengths = WORDS_ONLY_LEXICAL * words if near is None else _likeness(near, words)
        else:
            strengths = self._ask_heads(self.heads, clean, vector) + LEXICAL_SHARE * words
        if near is not None:
            strengths = strengths + SAME_WORTH * (_sameness(near.nearest) - _sameness(near.rejected))
        return log_softmax(strengths[None, :])[0], strengths

    def _asks_heads(self, near: Nearness | None) -> bool:
        return self.heads is not None and (self.heads.meaning is None) == (near is None)

    def _ask_heads(self, heads: Heads, clean: str, vector: Floats | None) -> Floats:
        if heads.meaning is not None and vector is not None and not clean:
            return heads.meaning.scores(vector[None, :])[0][self._columns]
        words = heads.words.scores_of_few(heads.sketcher.sketch([clean])[0])
        if heads.meaning is None or vector is None:
            return words[self._columns]
        return (heads.meaning.scores(vector[None, :])[0] + WORDS_SHARE * words)[self._columns]

    def _judge(self, scores: Floats, strengths: Floats, near: Nearness | None, words: Floats) -> tuple[Floats, float]:
        best = int(scores.argmax())
        rest = np.delete(scores, best)
        # With one problem only there is nothing that it could be told from: nan, no signal.
        margin = float(scores[best] - rest.max()) if len(rest) else np.nan
        chance = float(scores[best]) - float(np.log(np.exp(rest).sum() + _LEAST_CHANCE)) if len(rest) else np.nan
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


def _likeness(near: Nearness, words: Floats) -> Floats:
    return NEAREST_SLOPE * near.nearest + CENTRE_SLOPE * near.centre + LEXICAL_SLOPE * words


def _sameness(cosines: Floats) -> Floats:
    return np.clip((cosines - SAME_COSINE) / (1 - SAME_COSINE), 0, 1)
