"""Index of words by their parts, as plain numbers: millions of parts take little memory, and are found in a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Rows, spans

SMALLEST_GRAM, LARGEST_GRAM = 3, 5
_SHARED_CHANGES = 2_000  # with more of them than that, to start anew is quicker
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 1 << 64)

Hashes = NDArray[np.uint64]


class Parts(NamedTuple):
    """Parts of some words, each part of a word once, by ascending hash.

    Args:
        hashes: of the parts; equal ones for equal parts, in every process.
        owners: position of the word that each is part of.
        sizes: how many parts each word has.
    """

    hashes: Hashes
    owners: Rows
    sizes: Rows


PartsOf = Callable[[Sequence[str]], Parts]
"""Function from words to the parts that they are indexed by."""


def grams(words: Sequence[str]) -> Parts:
    """Return the character n-grams inside each word, its ends marked."""
    letters = _Letters([f"<{word}>" for word in words])
    hashes, owners = list[Hashes](), list[Rows]()
    for size in range(SMALLEST_GRAM, LARGEST_GRAM + 1):
        counts = np.maximum(letters.ends - letters.begins - size + 1, 0)
        starts = spans(letters.begins, letters.begins + counts)
        hashes.append(letters.hash(starts, starts + size))
        owners.append(np.repeat(np.arange(len(words)), counts))
    return _distinct(np.concatenate(hashes), np.concatenate(owners), len(words))


def deletions(words: Sequence[str]) -> Parts:
    """Return each word and every form with one letter less: two words one edit apart share one of them."""
    letters = _Letters(words)
    places = spans(letters.begins, letters.ends + 1)  # of the letter that is left out; that after the last leaves out none
    owners = np.repeat(np.arange(len(words)), letters.ends + 1 - letters.begins)
    begins, ends = letters.begins[owners], letters.ends[owners]
    rest = letters.hash(np.minimum(places + 1, ends), ends)
    return _distinct(letters.hash(begins, places) + rest * letters.powers[places - begins], owners, len(words))


class _Letters:
    """The letters of words, one word after the other, of which every part is hashed at once: as the digits of a number.

    Args:
        words: any.
    """

    def __init__(self, words: Sequence[str]) -> None:
        codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
        self.ends: Rows = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
        self.begins: Rows = np.concatenate([[0], self.ends[:-1]])[: len(words)]
        self.powers = _powers(_BASE, len(codes) + 1)
        self._inverses = _powers(_INVERSE, len(codes) + 1)
        self._sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(codes * self.powers[:-1], dtype=np.uint64)])

    def hash(self, begins: Rows, ends: Rows) -> Hashes:
        """The hashes of the letters from each beginning to its end."""
        return (self._sums[ends] - self._sums[begins]) * self._inverses[begins]


def _powers(base: int, count: int) -> Hashes:
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


def _distinct(hashes: Hashes, owners: Rows, count: int) -> Parts:
    """Return parts each once; `owners` of equal hashes ascend."""
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return Parts(hashes[first], owners[first], np.bincount(owners[first], minlength=count))


class NgramIndex:
    """Index of words by their parts. Immutable.

    Args:
        words: each once.
        parts: says what words are filed under.
    """

    __slots__ = ("_hashes", "_owners", "_standing", "parts", "sizes", "words")

    def __init__(self, words: Iterable[str], parts: PartsOf) -> None:
        self.words, self.parts = tuple(words), parts
        self._standing = frozenset(self.words)
        self._hashes, owners, self.sizes = parts(self.words)
        self._owners = owners.astype(np.int32)

    def with_words(self, words: Iterable[str]) -> NgramIndex:
        """Return an index of other words by the same parts; all that both have in common is shared."""
        words = tuple(words)
        standing = frozenset(words)
        new, gone = [word for word in words if word not in self._standing], self._standing - standing
        if len(self.words) - len(self._standing) + len(new) + len(gone) > _SHARED_CHANGES:
            return NgramIndex(words, self.parts)
        return self._changed(new, gone, standing) if new or gone else self

    def _changed(self, new: Sequence[str], gone: AbstractSet[str], standing: frozenset[str]) -> NgramIndex:
        """Return an index with words added and removed; those removed keep their positions, and are never found."""
        changed = NgramIndex(new, self.parts)
        changed._standing = standing
        stays = np.ones(len(self._owners), np.bool_)
        if gone:
            out = [row for row, word in enumerate(self.words) if word in gone]
            stays = np.isin(self._owners, out, invert=True)
        at = np.searchsorted(self._hashes[stays], changed._hashes)
        owners = changed._owners + np.int32(len(self.words))
        changed._hashes = np.insert(self._hashes[stays], at, changed._hashes)
        changed._owners = np.insert(self._owners[stays], at, owners)
        changed.sizes = np.concatenate([self.sizes, changed.sizes])
        changed.words = self.words + changed.words
        return changed

    def alike(self, words: Sequence[str], least: float) -> list[list[tuple[str, float]]]:
        """Find the known words that have much the same parts.

        Args:
            words: any; together they are looked up in a fraction of the time.
            least: smallest cosine of two words' sets of parts that counts, over 0 up to 1.

        Returns:
            For each word the known ones with their cosines.
        """
        if not words:
            return []
        hashes, askers, sizes = self.parts(words)
        owners, counts = self._under(hashes)
        pairs, shared = np.unique(np.repeat(askers, counts) * len(self.words) + owners, return_counts=True)
        some = shared >= least * least * sizes.min()  # with fewer in common the cosine is smaller, whatever the word
        whose, rows = np.divmod(pairs[some], max(1, len(self.words)))
        cosines = shared[some] / np.sqrt(self.sizes[rows] * sizes[whose])
        near = cosines >= least
        found = [list[tuple[str, float]]() for _ in words]
        for at in np.flatnonzero(near):
            found[int(whose[at])].append((self.words[int(rows[at])], float(cosines[at])))
        return found

    def sharing(self, word: str) -> set[str]:
        """Find the known words that have any part of this one."""
        owners, _ = self._under(self.parts([word]).hashes)
        return {self.words[row] for row in owners.tolist()}

    def _under(self, hashes: Hashes) -> tuple[Rows, Rows]:
        """Return the positions of the words with each part, one part after the other, and the number of words of each."""
        begins, ends = np.searchsorted(self._hashes, hashes), np.searchsorted(self._hashes, hashes, "right")
        return self._owners[spans(begins, ends)], ends - begins
