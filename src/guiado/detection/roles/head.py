"""The classifier of roles: a linear head on cues, hashed words and, where there is one, the encoder's vector.

Its weights ship with guiado, for the encoder that ships and for words alone; another encoder's vectors are left out. They were
fitted on sentences written for it (`data/roles`), by `scripts/train_roles.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.classifier.logistic_regression import LinearHead
from guiado.detection.roles.cues import NAMES, read_cues
from guiado.detection.semantic.encoder import unit_rows
from guiado.text.fold import fold_text

WEIGHTS = Path(__file__).with_name("weights.npz")
_BUCKETS = 8_192
_CUE_WEIGHT, _VECTOR_WEIGHT = np.float32(1 / 3), np.float32(1.5)
_GAP = 4
"""Words that a pair of words may have between them, less one: what "no" denies seldom stands right after it."""
_PIECE = 4
_TOKEN = re.compile(r"[^\W_]+|\?")
_MOST_TOKENS = 64


def features(clauses: Sequence[str], vectors: Floats | None) -> Floats:
    """Features of a clause that the head reads.

    Args:
        clauses: as they were written.
        vectors: of the clauses, n x dimensions; None for words alone.

    Returns:
        n x (dimensions + cues + buckets).
    """
    cues = np.stack([read_cues(clause) for clause in clauses]) * _CUE_WEIGHT
    parts = [cues, np.stack([_hashed(clause) for clause in clauses])]
    return np.hstack([_VECTOR_WEIGHT * vectors, *parts] if vectors is not None else parts).astype(np.float32)


def chances(clauses: Sequence[str], vectors: Floats | None, encoder: str) -> Floats:
    """Probability of each role.

    Args:
        clauses: as they were written, one at least.
        vectors: of the clauses by this encoder; None where there is none.
        encoder: its name; the vectors of one without fitted weights are not read.

    Returns:
        n x roles, in the order of `ROLES`; each row adds up to 1.
    """
    if vectors is not None and encoder not in _heads():
        vectors, encoder = last_part(vectors, encoder)
    head = _heads().get(encoder) if vectors is not None else None
    if head is None:
        return np.exp(_heads()[""].log_chances(features(clauses, None)))
    return np.exp(head.log_chances(features(clauses, vectors)))


def last_part(vectors: Floats, encoder: str) -> tuple[Floats, str]:
    """The vectors of the last part of an encoder made of several, and its name; see `Joint`."""
    name = encoder.rpartition("+")[2]
    head = _heads().get(name)
    if head is None:
        return vectors, encoder
    dimensions = len(head.weights) - width(0)
    return unit_rows(np.asarray(vectors[:, -dimensions:], np.float32)), name


def width(dimensions: int) -> int:
    """How many features a clause has.

    Args:
        dimensions: of the encoder's vectors; 0 for words alone.
    """
    return dimensions + len(NAMES) + _BUCKETS


@cache
def _heads() -> dict[str, LinearHead]:
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        names = [str(name) for name in arrays["encoders"]]
        stored = [(arrays[f"weights{at}"].astype(np.float32), arrays[f"bias{at}"]) for at in range(len(names))]
    return {name: LinearHead(weights, bias) for name, (weights, bias) in zip(names, stored, strict=True)}


def _hashed(clause: str) -> Floats:
    """Words, pairs and triples of them, pairs with a gap, and pieces of words, hashed; of length 1."""
    row = np.zeros(_BUCKETS, np.float32)
    for term in _terms(["<", *_TOKEN.findall(fold_text(clause))[:_MOST_TOKENS], ">"]):
        row[crc32(term.encode()) % _BUCKETS] += 1
    return row / np.float32(np.linalg.norm(row))


def _terms(words: Sequence[str]) -> Iterator[str]:
    yield from words
    yield from (f"{one} {other}" for one, other in pairwise(words))
    yield from (" ".join(words[at : at + 3]) for at in range(len(words) - 2))
    yield from (f"{word}_{other}" for at, word in enumerate(words) for other in words[at + 2 : at + 1 + _GAP])
    for marked in (f"<{word}>" for word in words):
        yield from (f"#{marked[at : at + _PIECE]}" for at in range(max(1, len(marked) - _PIECE + 1)))
