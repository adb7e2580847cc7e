"""The classifiers of roles and of kinds: linear heads on cues, hashed words and, where there is one, the encoder's vectors.

One head gives each clause its role in its message, another reads the whole message, and a third says from both of what kind the
message is. Their weights ship with guiado, for the encoder that ships and for words alone; another encoder's vectors are left
out. They were fitted on sentences written for it (`data/roles`), by `scripts/train_roles.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.classifier.logistic_regression import LinearHead
from guiado.detection.roles.cues import read_cues
from guiado.detection.semantic.encoder import unit_rows
from guiado.domain.message_kind import MessageKind
from guiado.text.fold import fold_text

WEIGHTS = Path(__file__).with_name("weights.npz")
KINDS = tuple(MessageKind)
_BUCKETS = 8_192
_CUE_WEIGHT, _VECTOR_WEIGHT, _WHOLE_WEIGHT = np.float32(1 / 3), np.float32(1.5), np.float32(0.5)
_RARE = 0.01
_GAP = 4
"""Words that a pair of words may have between them, less one: what "no" denies seldom stands right after it."""
_PIECE = 4
_TOKEN = re.compile(r"[^\W_]+|\?")
_MOST_TOKENS = 64


@dataclass(frozen=True, slots=True)
class RoleHeads:
    """The fitted heads of one encoder.

    Args:
        roles: of clauses, in the order of `ROLES`.
        whole: of messages by their words, in the order of `KINDS`.
        kinds: of messages by their clauses' roles and by `whole`, in the order of `KINDS`.
    """

    roles: LinearHead
    whole: LinearHead
    kinds: LinearHead


def role_chances(clauses: Sequence[str], vectors: Floats | None, whole: Floats | None, encoder: str) -> Floats:
    """Probability of each role for the clauses of one message.

    Args:
        clauses: as they were written, in order, one at least.
        vectors: of the clauses by this encoder; None where there is none.
        whole: vector of the message; None where there is none.
        encoder: its name; the vectors of one without fitted weights are not read.

    Returns:
        n x roles, in the order of `ROLES`; each row adds up to 1.
    """
    wholes = None if whole is None else whole[None]
    heads, rows = _read(clauses, vectors, np.zeros(len(clauses), np.int64), wholes, encoder)
    return np.exp(heads.roles.log_chances(rows))


def role_chances_apart(texts: Sequence[str], vectors: Floats | None, encoder: str) -> Floats:
    """Probability of each role for texts that are messages of their own; see `role_chances`."""
    heads, rows = _read(texts, vectors, np.arange(len(texts)), vectors, encoder)
    return np.exp(heads.roles.log_chances(rows))


def kind_chances(message: str, vector: Floats | None, roles: Floats, encoder: str) -> Floats:
    """Probability of each kind of message.

    Args:
        message: as it was written.
        vector: of it by this encoder; None where there is none.
        roles: chances of the roles of its clauses.
        encoder: its name.

    Returns:
        One for each of `KINDS`; they add up to 1.
    """
    wholes = None if vector is None else vector[None]
    heads, rows = _read([message], wholes, np.zeros(1, np.int64), wholes, encoder)
    return np.exp(heads.kinds.log_chances(signs_of_kind(roles, heads.whole.log_chances(rows)[0])[None]))[0]


def signs_of_kind(roles: Floats, whole: Floats) -> Floats:
    """Features that the head of kinds reads: the greatest, mean, first and last odds of each role, and the whole's kinds.

    Args:
        roles: chances of the roles of a message's clauses, n x roles.
        whole: log-probability of each kind for the whole message.
    """
    pooled = np.concatenate([roles.max(axis=0), roles.mean(axis=0), roles[0], roles[-1]])
    sure = np.clip(pooled, _RARE, 1 - _RARE)
    return np.concatenate([np.log(sure / (1 - sure)) / 5, np.log(np.maximum(np.exp(whole), _RARE)) / 3]).astype(np.float32)


def features(clauses: Sequence[str], vectors: Floats | None, messages: Rows, wholes: Floats | None) -> Floats:
    """Features of clauses: their own, the cues of their neighbours, and the vector of their whole message.

    Args:
        clauses: as they were written, message by message.
        vectors: of the clauses, n x dimensions; None for words alone.
        messages: row of each clause's message in `wholes`.
        wholes: vectors of the messages, m x dimensions; None for words alone.

    Returns:
        n x features.
    """
    cues = np.stack([read_cues(clause) for clause in clauses]) * _CUE_WEIGHT
    parts = [cues, *_neighbours(cues, messages), np.stack([_hashed(clause) for clause in clauses])]
    if vectors is not None and wholes is not None:
        parts += [_VECTOR_WEIGHT * vectors, _WHOLE_WEIGHT * wholes[messages]]
    return np.hstack(parts).astype(np.float32)


def _neighbours(cues: Floats, messages: Rows) -> tuple[Floats, Floats, Floats]:
    """The cues of the clause before and of the one after, and whether a clause is the first, the last, or both."""
    is_first = np.append(True, messages[1:] != messages[:-1])
    is_last = np.append(is_first[1:], True)
    before, after = np.roll(cues, 1, axis=0), np.roll(cues, -1, axis=0)
    before[is_first], after[is_last] = 0, 0
    return before, after, np.stack([is_first, is_last, is_first & is_last], axis=1).astype(np.float32)


def _read(
    texts: Sequence[str], vectors: Floats | None, messages: Rows, wholes: Floats | None, encoder: str
) -> tuple[RoleHeads, Floats]:
    """The heads for an encoder and the rows that they read; of an encoder made of two the second one's part, see `Joint`."""
    name = encoder if encoder in fitted_heads() else encoder.rpartition("+")[2]
    words = fitted_heads()[""]
    if vectors is None or wholes is None or name not in fitted_heads():
        return words, features(texts, None, messages, None)
    heads = fitted_heads()[name]
    if name != encoder:
        dimensions = (len(heads.roles.weights) - len(words.roles.weights)) // 2
        vectors, wholes = (unit_rows(np.asarray(each[:, -dimensions:], np.float32)) for each in (vectors, wholes))
    return heads, features(texts, vectors, messages, wholes)


@cache
def fitted_heads() -> Mapping[str, RoleHeads]:
    """The heads that ship, by the name of their encoder; "" is for words alone."""
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        names = [str(name) for name in arrays["encoders"]]
        return {name: RoleHeads(*(_head(arrays, f"{each}{at}") for each in _HEADS)) for at, name in enumerate(names)}


_HEADS = ("roles", "whole", "kinds")


def _head(arrays: Mapping[str, Floats], name: str) -> LinearHead:
    return LinearHead(arrays[f"{name}_weights"].astype(np.float32), arrays[f"{name}_bias"])


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
