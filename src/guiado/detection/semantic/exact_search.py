"""Exact search: the nearness of a customer's text to all known texts of a knowledge base, by their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.not_this import Denial
from guiado.detection.semantic.corpus_texts import Texts

_NEAREST = 5


@dataclass(frozen=True, slots=True)
class Nearness:
    """The nearness of a text to each problem.

    Args:
        nearest: cosine to the nearest known text of each problem, -1 where there is none.
        centre: cosine to the centre of each problem's texts, 0 where there is none.
        rejected: cosine to the nearest text of which a session taught that it is not about the problem, -1 where there is none.
        row: the known text that is the nearest of all; -1 where there is none.
        best: the largest cosines of all texts, largest first, at most five.
    """

    nearest: Floats
    centre: Floats
    rejected: Floats
    row: int
    best: Floats


class Dense:
    """Exact search among the vectors of known texts. Immutable.

    Args:
        texts: what the vectors are of.
        vectors: one row a text, of length 1 or 0.
    """

    def __init__(self, texts: Texts, vectors: Floats) -> None:
        self.texts, self.vectors = texts, vectors

    def only(self, rows: Rows) -> Dense:
        """The search among these rows only; all problems stay."""
        return Dense(self.texts.only(rows), self.vectors[rows])

    def near(self, vector: Floats, also: Rows | None = None) -> Nearness:
        """The nearness of a text to each problem.

        Args:
            vector: of the text, of length 1.
            also: problems that are to be compared in any case; here all are.
        """
        del also
        count = len(self.texts.problem_ids)
        cosines = self.vectors @ vector
        nearest, rejected = np.full(count, -1, np.float32), np.full(count, -1, np.float32)
        negative, denied = self.texts.negative, self.texts.denied
        np.maximum.at(rejected, self.texts.owners[denied], cosines[denied])
        cosines = np.where(negative, np.float32(-1), cosines)
        self._take_best(cosines, nearest)
        row = int(cosines.argmax()) if len(cosines) else -1
        best = np.sort(cosines[np.argpartition(cosines, -_NEAREST)[-_NEAREST:]] if len(cosines) > _NEAREST else cosines)[::-1]
        return Nearness(nearest, self._centres @ vector, rejected, row, best)

    def nearest_text(self, vector: Floats, problem: int) -> str | None:
        """The nearest text of one problem.

        Args:
            problem: position of the problem.
        """
        first, end = np.searchsorted(self.texts.owners, [problem, problem + 1])
        rows = first + np.flatnonzero(~self.texts.negative[first:end])
        return self.texts.spoken[int(rows[int((self.vectors[rows] @ vector).argmax())])] if len(rows) else None

    def denial(self, vector: Floats, problem: int) -> Denial | None:
        """The nearest phrase of which a problem's author says that it is something else; None where there is none.

        Args:
            problem: position of the problem.
        """
        first, end = np.searchsorted(self.texts.owners, [problem, problem + 1])
        return denial_among(self.texts, int(first), self.vectors[first:end] @ vector)

    def prepare(self) -> None:
        """Compute the centres, for which the first query would have to wait."""
        _ = self._centres

    def _take_best(self, cosines: Floats, nearest: Floats) -> None:
        if len(cosines):
            starts, owners = self._starts
            nearest[owners] = np.maximum.reduceat(cosines, starts)

    @cached_property
    def _starts(self) -> tuple[Rows, Rows]:
        owners, starts = np.unique(self.texts.owners, return_index=True)
        return starts, owners

    @cached_property
    def _centres(self) -> Floats:
        sums = np.zeros((len(self.texts.problem_ids), self.vectors.shape[1]), np.float32)
        weights = np.where(self.texts.negative, np.float32(0), self.texts.trust)[:, None]
        starts, owners = self._starts
        for owner, first, end in zip(owners, starts, [*starts[1:], len(weights)], strict=True):
            sums[owner] = np.add.reduce(self.vectors[first:end] * weights[first:end], axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)


def denial_among(texts: Texts, first: int, cosines: Floats) -> Denial | None:
    """The nearest phrase that is something else among the texts of one problem.

    Args:
        first: row of the problem's first text.
        cosines: of all its texts.
    """
    rows = slice(first, first + len(cosines))
    others, own = texts.negative[rows] & ~texts.denied[rows], ~texts.negative[rows]
    if not others.any():
        return None
    nearest = int(np.where(others, cosines, np.float32(-2)).argmax())
    own_likeness = float(cosines[own].max()) if own.any() else -1.0
    return Denial(texts.spoken[first + nearest], float(cosines[nearest]), own_likeness)


def joined(parts: Sequence[Floats], dimensions: int) -> Floats:
    """Concatenate the rows of several matrices."""
    return np.concatenate(parts) if parts else np.zeros((0, dimensions), np.float32)
