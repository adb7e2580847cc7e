"""Approximate search among tens of thousands of texts: a coarse comparison with all problems, an exact one with a few.

The coarse comparison uses short projections of each problem's centre, and of texts that are unlike their centre (a newly learned
one may be about something that no author wrote down). The exact comparison reads the texts of some 80 problems.

Source: Deerwester et al., Indexing by Latent Semantic Analysis (1990), for the projection. ADR 0013.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from guiado.detection.arrays import Floats, Rows, spans
from guiado.detection.not_this import Denial
from guiado.detection.semantic.corpus_texts import Texts
from guiado.detection.semantic.embedding_cache import CompactVectors, VectorCache, compact
from guiado.detection.semantic.exact_search import Dense, Nearness, denial_among

MOST_EXACT_TEXTS = 20_000
"""Most texts whose vectors are kept as float32, and compared exactly: 40 MB."""
CANDIDATES = 64
"""Problems whose every text is compared, beside those that the caller names."""
MOST_EXACT_PROBLEMS = 300
"""Most problems that are all compared exactly."""
PROJECTED = 128
"""Dimensions of the coarse comparison."""
UNLIKE_CENTRE = 0.6
"""Least cosine of a text to its problem's centre; below it, the text is compared by itself."""

_SKETCHED = 32  # of the projected dimensions, for the first comparison, with all
_MOST_PROBED = 4_000  # problems in the second comparison, with all projected dimensions
_MOST_ALONE = 0.5  # texts unlike their centre, as a share of the number of problems: the least alike first
_CHUNK_TEXTS = 8_192
_SAMPLE = 20_000
_SAMPLED = 2_000
_NEAREST = 5

Vectors = Floats | CompactVectors
"""The vectors of texts: float32 where there are few, compact where there are many."""


def dense_of(texts: Texts, vectors: Vectors) -> Dense | LargeDense:
    """The search among these texts: exact or approximate, by how many there are.

    Args:
        vectors: one row a text, of length 1 or 0.
    """
    if len(texts) <= MOST_EXACT_TEXTS and len(texts.problem_ids) <= MOST_EXACT_PROBLEMS:
        return Dense(texts, vectors.expand() if isinstance(vectors, CompactVectors) else vectors)
    return LargeDense(texts, vectors if isinstance(vectors, CompactVectors) else compact(vectors.astype(np.float32)))


def encode_all(cache: VectorCache, texts: Sequence[str], pause: Callable[[], None] = lambda: None) -> Vectors:
    """The vector of each text; compact where there are many.

    Args:
        pause: called now and then; may raise to end it.

    Raises:
        EncoderUnavailable: see `Encoder.encode`.
    """
    encode = cache.encode_compact if len(texts) > MOST_EXACT_TEXTS else cache.encode
    return encode(texts, pause)


def encode_few(cache: VectorCache, texts: Sequence[str], most_new: int) -> Vectors | None:
    """The same where at most so many texts are not in the cache; else None.

    Raises:
        EncoderUnavailable: see `Encoder.encode`.
    """
    vectors = cache.encode_few(texts, most_new)
    return vectors if vectors is None or len(texts) > MOST_EXACT_TEXTS else vectors.expand()


def taken_over(known: Vectors, rows: Rows, fresh: Vectors) -> Vectors:
    """The vectors of texts of which some are known already, in the form of the known ones.

    Args:
        rows: which of the known ones each is; -1 for the next of `fresh`.
    """
    gaps = np.flatnonzero(rows < 0)
    if isinstance(known, CompactVectors):
        fresh = fresh if isinstance(fresh, CompactVectors) else compact(fresh)
        vectors = known.some(rows)
        vectors.codes[gaps], vectors.scales[gaps] = fresh.codes, fresh.scales
        return vectors
    vectors = known[rows]
    vectors[gaps] = fresh.expand() if isinstance(fresh, CompactVectors) else fresh
    return vectors


class LargeDense:
    """Approximate search among the vectors of very many known texts; see `Dense`. Immutable.

    Args:
        texts: what the vectors are of.
        vectors: one row a text.
    """

    def __init__(self, texts: Texts, vectors: CompactVectors) -> None:
        self.texts, self.vectors = texts, vectors
        self._bounds = np.searchsorted(texts.owners, np.arange(len(texts.problem_ids) + 1))
        self._lengths = _inverse_lengths(vectors)
        self._weights = np.where(texts.negative, np.float32(0), texts.trust) * self._lengths
        centres, self._centre_lengths, likeness = self._read()
        self._axes = _axes(centres)
        alone = self._alone(likeness)
        projected = centres @ self._axes
        self._probes = np.concatenate([projected, self._unit(alone) @ self._axes])
        self._sketches = np.ascontiguousarray(self._probes[:, :_SKETCHED])
        self._owners = np.concatenate([np.arange(len(centres)), texts.owners[alone]])

    def near(self, vector: Floats, also: Rows) -> Nearness:
        """The nearness of a text to each problem; problems outside the coarse candidates count as having no texts.

        Args:
            vector: of the text, of length 1.
            also: positions of problems that are to be compared in any case.
        """
        problems = np.union1d(self._coarse(vector), also)
        rows, starts, problems = self._rows_of(problems)
        count = len(self.texts.problem_ids)
        nearest, rejected = np.full(count, -1, np.float32), np.full(count, -1, np.float32)
        centre = np.zeros(count, np.float32)
        if not len(rows):
            return Nearness(nearest, centre, rejected, -1, np.zeros(0, np.float32))
        raw = np.take(self.vectors.codes, rows, axis=0).astype(np.float32) @ vector
        cosines, negative = raw * self._lengths[rows], self.texts.negative[rows]
        known = np.where(negative, np.float32(-1), cosines)
        nearest[problems] = np.maximum.reduceat(known, starts)
        rejected[problems] = np.maximum.reduceat(np.where(self.texts.denied[rows], cosines, np.float32(-1)), starts)
        centre[problems] = np.add.reduceat(raw * self._weights[rows], starts) * self._centre_lengths[problems]
        return Nearness(nearest, centre, rejected, int(rows[int(known.argmax())]), np.sort(known)[: -_NEAREST - 1 : -1])

    def nearest_text(self, vector: Floats, problem: int) -> str | None:
        """The nearest text of one problem.

        Args:
            problem: position of the problem.
        """
        begin, cosines = self._own_cosines(vector, problem)
        negative = self.texts.negative[begin : begin + len(cosines)]
        if negative.all():
            return None
        return self.texts.spoken[begin + int(np.where(negative, np.float32(-2), cosines).argmax())]

    def denial(self, vector: Floats, problem: int) -> Denial | None:
        """The nearest phrase of which a problem's author says that it is something else; see `Dense.denial`."""
        return denial_among(self.texts, *self._own_cosines(vector, problem))

    def _own_cosines(self, vector: Floats, problem: int) -> tuple[int, Floats]:
        """Row of a problem's first text, and the cosines of all its texts."""
        begin, end = int(self._bounds[problem]), int(self._bounds[problem + 1])
        return begin, (self.vectors.codes[begin:end].astype(np.float32) @ vector) * self._lengths[begin:end]

    def _coarse(self, vector: Floats) -> Rows:
        projected = vector @ self._axes
        if len(self._probes) <= CANDIDATES:
            return np.unique(self._owners)
        if len(self._probes) <= _MOST_PROBED:
            return self._owners[_best(self._probes @ projected, CANDIDATES)]
        rows = _better(self._sketches @ projected[:_SKETCHED], _MOST_PROBED)
        return self._owners[rows[_best(self._probes[rows] @ projected, CANDIDATES)]]

    def _rows_of(self, problems: Rows) -> tuple[Rows, Rows, Rows]:
        """The rows of some problems, where those of each begin among them, and the problems that have any."""
        problems = problems[self._bounds[problems + 1] > self._bounds[problems]]
        begins, ends = self._bounds[problems], self._bounds[problems + 1]
        counts = ends - begins
        return spans(begins, ends), np.cumsum(counts) - counts, problems

    def _read(self) -> tuple[Floats, Floats, Floats]:
        """The centre of each problem's texts, of length 1 or 0; the factor that scaled it; and each text's cosine to it."""
        centres = np.zeros((len(self.texts.problem_ids), self.vectors.codes.shape[1]), np.float32)
        likeness = np.ones(len(self.texts), np.float32)
        scales = np.zeros(len(centres), np.float32)
        for chunk in self._chunks():
            bounds = self._bounds[chunk[0] : chunk[-1] + 2]
            rows = slice(int(bounds[0]), int(bounds[-1]))
            codes, weights = self.vectors.codes[rows].astype(np.float32), self._weights[rows]
            for problem in chunk.tolist():  # five times as fast as one sum over all of them
                begin, end = self._bounds[problem] - rows.start, self._bounds[problem + 1] - rows.start
                np.dot(weights[begin:end], codes[begin:end], out=centres[problem])
            lengths = np.linalg.norm(centres[chunk], axis=1)
            scales[chunk] = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
            centres[chunk] *= scales[chunk, None]
            likeness[rows] = np.einsum("ij,ij->i", codes, centres[self.texts.owners[rows]]) * self._lengths[rows]
        return centres, scales, likeness

    def _chunks(self) -> Iterator[Rows]:
        """The problems that have texts, in chunks that need little memory."""
        having = np.flatnonzero(np.diff(self._bounds))
        if len(having):
            numbers = self._bounds[having] // _CHUNK_TEXTS
            yield from np.split(having, np.flatnonzero(np.diff(numbers)) + 1)

    def _alone(self, likeness: Floats) -> Rows:
        likeness = np.where(self.texts.negative | (self._lengths == 0), np.float32(1), likeness)
        rows = np.flatnonzero(likeness < UNLIKE_CENTRE)
        most = int(len(self.texts.problem_ids) * _MOST_ALONE)
        return rows[np.argsort(likeness[rows], kind="stable")[:most]]

    def _unit(self, rows: Rows) -> Floats:
        return self.vectors.codes[rows].astype(np.float32) * self._lengths[rows, None]


def _best(likeness: Floats, count: int) -> Rows:
    """Positions of the `count` largest, in no order."""
    return np.argpartition(likeness, -count)[-count:] if len(likeness) > count else np.arange(len(likeness))


def _better(likeness: Floats, count: int) -> Rows:
    """Positions of about `count` of the largest: all above a threshold that a sample gives."""
    sample = np.sort(likeness[:: max(1, len(likeness) // _SAMPLED)])
    return np.flatnonzero(likeness >= sample[-max(1, len(sample) * count // len(likeness))])


def _inverse_lengths(vectors: CompactVectors) -> Floats:
    found = np.zeros(len(vectors.codes), np.float32)
    for start in range(0, len(found), _CHUNK_TEXTS):
        codes = vectors.codes[start : start + _CHUNK_TEXTS].astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", codes, codes))
        np.divide(1, lengths, out=found[start : start + len(lengths)], where=lengths > 0)
    return np.where(vectors.scales > 0, found, np.float32(0))


def _axes(centres: Floats) -> Floats:
    """The principal axes of the centres, largest variance first: dimensions x projected."""
    sample = centres[:: max(1, len(centres) // _SAMPLE)]
    _, axes = np.linalg.eigh((sample.T @ sample).astype(np.float64))
    return np.ascontiguousarray(axes[:, : -PROJECTED - 1 : -1], dtype=np.float32)
