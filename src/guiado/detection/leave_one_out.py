"""Leave-one-out: every known text as if a customer had just written it, and the knowledge base did not have it.

The score of a problem is the index's own before classifiers are fitted, see `classifier.scorer`: cosine to its nearest other
text, cosine to the centre of its other texts, and shared words. All texts are compared in a few matrix products, without
an index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import log
from zlib import crc32

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.classifier.calibration import USUAL_SHARE, judge
from guiado.detection.classifier.logistic_regression import log_softmax
from guiado.detection.classifier.scorer import CENTRE_SLOPE, LEXICAL_SLOPE, NEAREST_SLOPE, WORDS_ONLY_LEXICAL, Observation
from guiado.detection.lexical.ranker import POOLED_SHARE, VAGUENESS
from guiado.text.stopwords import FUNCTION_WORDS
from guiado.text.terms import FUNCTION_WEIGHT

_BLOCK = 512
_STEM = 6
"""Letters of a word that are compared: stemming thousands of words takes as long as all the rest."""
_NEAREST = 5
_GROUPS = 32
"""Numbers of which only the largest is compared at first: to look for the five largest of all takes ten times as long."""
_COLUMNS = 512
"""Columns of the hashed words: with one a word, two texts differ by a few hundredths, and all takes five times as long."""


@dataclass(frozen=True, slots=True)
class Mistaken:
    """A text that is nearer to another problem than to its own.

    Args:
        row: the text.
        problem: position of the other problem.
        confidence: 0..1, with which that one would be taken for it.
    """

    row: int
    problem: int
    confidence: float


def mistaken(
    words: Sequence[Collection[str]], vectors: Floats | None, owners: Rows, encoder: str = "", share: float = USUAL_SHARE
) -> Iterator[Mistaken]:
    """Find the texts that are nearer to another problem than to the rest of their own.

    Args:
        words: of each text, once.
        vectors: of the texts, of length 1 or 0; None where the words alone decide.
        owners: position of each text's problem, ascending from 0 without a gap.
        encoder: name of what made the vectors.
        share: of all queries, how many are about nothing known; 0..1.
    """
    count = int(owners[-1]) + 1 if len(owners) else 0
    if count < 2:  # noqa: PLR2004 nothing to be taken for
        return
    lexical = _Likeness(_weighted(words), owners, count, VAGUENESS)
    meaning = None if vectors is None else _Likeness(np.asarray(vectors, np.float32), owners, count)
    for first in range(0, len(owners), _BLOCK):
        rows = np.arange(first, min(first + _BLOCK, len(owners)))
        words_alike, pooled = lexical.of(rows)
        said = np.clip((1 - POOLED_SHARE) * words_alike.best + POOLED_SHARE * pooled, 0, 1)
        near = meaning.of(rows, largest=_NEAREST) if meaning else None
        scores = _scores(near, said)
        own = scores[np.arange(len(rows)), owners[rows]]
        for place in np.flatnonzero(scores.max(axis=1) > own + _LEAST_LENGTH):
            problem = int(scores[place].argmax())
            if near is None:
                confidence = float(said[place][problem])
            else:
                observed = _observed(scores[place], near[0].best[place], near[0].largest[place], float(said[place][problem]))
                sure = judge(observed, None, len(owners), share, encoder=encoder)
                confidence = sure.known * sure.right
            yield Mistaken(int(rows[place]), problem, confidence)


@dataclass(frozen=True, slots=True)
class _Nearest:
    """Cosines of some texts to the others.

    Args:
        best: to the nearest of each problem (texts x problems).
        largest: the largest of all, largest first.
    """

    best: Floats
    largest: Floats


class _Likeness:
    """Cosines of each text to the others, and to the centres of problems without it.

    Args:
        table: a row a text.
        vague: length that every row has besides, as a share of a rare word's weight.
    """

    def __init__(self, table: Floats, owners: Rows, count: int, vague: float = 0.0) -> None:
        self.table, self.owners = table, owners
        self._starts = np.searchsorted(owners, np.arange(count))
        self._sums = np.add.reduceat(table, self._starts, axis=0)
        self._asking = 1 / np.sqrt(1 + vague**2) if vague else 1.0

    def of(self, rows: Rows, largest: int = 0) -> tuple[_Nearest, Floats]:
        """The nearest texts, so many of the largest cosines, and the cosine to each problem's centre."""
        asked, own = self.table[rows], self.owners[rows]
        places = np.arange(len(rows))
        cosines = asked @ self.table.T
        cosines[places, rows] = -1
        found = _largest(cosines, min(largest, cosines.shape[1])) if largest else cosines[:, :0]
        best = np.maximum.reduceat(cosines, self._starts, axis=1)
        centres = _divided(asked @ self._sums.T, np.linalg.norm(self._sums, axis=1)[None, :])
        rest = self._sums[own] - asked
        centres[places, own] = _divided((asked * rest).sum(axis=1), np.linalg.norm(rest, axis=1))
        return _Nearest(best * self._asking, found * self._asking), centres * self._asking


def _largest(numbers: Floats, count: int) -> Floats:
    """The largest numbers of each row, largest first; they are among the groups with the largest of all groups."""
    size = numbers.shape[1] // _GROUPS
    if size > count:
        grouped, rest = numbers[:, : size * _GROUPS].reshape(-1, _GROUPS, size), numbers[:, size * _GROUPS :]
        best = np.argpartition(grouped.max(axis=1), size - count, axis=1)[:, size - count :]
        among = np.take_along_axis(grouped, best[:, None, :], axis=2).reshape(len(numbers), -1)
        numbers = np.concatenate([among, rest], axis=1)
    return np.sort(np.partition(numbers, numbers.shape[1] - count, axis=1)[:, -count:], axis=1)[:, ::-1]


def _divided(numbers: Floats, lengths: Floats) -> Floats:
    return np.divide(numbers, lengths, out=np.zeros_like(numbers), where=lengths > _LEAST_LENGTH)


_LEAST_LENGTH = 1e-6


def _scores(near: tuple[_Nearest, Floats] | None, said: Floats) -> Floats:
    if near is None:
        return WORDS_ONLY_LEXICAL * said
    return NEAREST_SLOPE * near[0].best + CENTRE_SLOPE * near[1] + LEXICAL_SLOPE * said


def _observed(strengths: Floats, nearest: Floats, five: Floats, said: float) -> Observation:
    """The signals of a text as `Scorer` gives them.

    Args:
        strengths: score of each problem.
        nearest: cosine to the nearest text of each.
        five: the largest cosines of all texts.
        said: likeness of its words to those of the best problem.
    """
    scores = log_softmax(strengths[None, :])[0]
    best = int(scores.argmax())
    rest = np.delete(scores, best)
    chance = float(scores[best]) - log(float(np.exp(rest).sum()) + _LEAST_LENGTH)
    margin = float(scores[best] - rest.max())
    signals = np.array([chance, strengths[best], margin, five[0], five.mean(), said], np.float32)
    return Observation(scores, np.clip(signals, -_MOST, _MOST), float(nearest[best]), None, fitted=False)


_MOST = 36.0


def _weighted(words: Sequence[Collection[str]]) -> Floats:
    """A row of length 1 at most for each text: its words by their rarity, hashed; those of no other text add length only."""
    cut = [{word[:_STEM]: FUNCTION_WEIGHT if word in FUNCTION_WORDS else 1.0 for word in each} for each in words]
    counts = Counter(term for each in cut for term in each)
    rarity = {term: log(len(cut) / count) for term, count in counts.items()}
    hashed = {term: crc32(term.encode()) for term, count in counts.items() if count > 1}
    table, lengths = np.zeros((len(cut), _COLUMNS), np.float32), np.zeros(len(cut), np.float32)
    for row, each in enumerate(cut):
        for term, weight in each.items():
            worth = weight * rarity[term]
            lengths[row] += worth**2
            if number := hashed.get(term):
                table[row, number // 2 % _COLUMNS] += worth if number % 2 else -worth
    return _divided(table, np.sqrt(lengths)[:, None])
