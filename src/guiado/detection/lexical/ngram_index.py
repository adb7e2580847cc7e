"""Index of words by their parts, as plain numbers: millions of parts take little memory, and are found in a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Rows, spans

SMALLEST_GRAM, LARGEST_GRAM = 3, 5
_SHARED_CHANGES = 2_000  # with more of them than that, to start anew is quicker

PartsOf = Callable[[str], AbstractSet[str]]
"""Function from a word to the parts that it is indexed by."""


def grams(word: str) -> frozenset[str]:
    """Return the character n-grams inside one word, its ends marked."""
    marked = f"<{word}>"
    sizes = range(SMALLEST_GRAM, LARGEST_GRAM + 1)
    return frozenset([marked[i : i + size] for size in sizes for i in range(len(marked) - size + 1)])


def deletions(word: str) -> frozenset[str]:
    """Return a word and every form with one letter less: two words one edit apart share one of them."""
    return frozenset([word, *[word[:i] + word[i + 1 :] for i in range(len(word))]])


class NgramIndex:
    """Index of words by their parts. Immutable.

    Args:
        words: each once.
        parts: says what a word is filed under. Parts are known by their hashes, which hold in this process only.
    """

    __slots__ = ("_hashes", "_owners", "_standing", "parts", "sizes", "words")

    def __init__(self, words: Iterable[str], parts: PartsOf) -> None:
        self.words, self.parts = tuple(words), parts
        self._standing = frozenset(self.words)
        hashes, owners, self.sizes = _hash(self.words, parts)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._owners = hashes[order], owners[order].astype(np.int32)

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
        hashes, askers, sizes = _hash(words, self.parts)
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
        owners, _ = self._under(_hash([word], self.parts)[0])
        return {self.words[row] for row in owners.tolist()}

    def _under(self, hashes: NDArray[np.int64]) -> tuple[Rows, Rows]:
        """Return the positions of the words with each part, one part after the other, and the number of words of each."""
        begins, ends = np.searchsorted(self._hashes, hashes), np.searchsorted(self._hashes, hashes, "right")
        return self._owners[spans(begins, ends)], ends - begins


def _hash(words: Sequence[str], parts: PartsOf) -> tuple[NDArray[np.int64], Rows, NDArray[np.int64]]:
    """Return the hashes of the parts of all words, the word that each belongs to, and the number of parts of each word."""
    each = [parts(word) for word in words]
    sizes = np.fromiter(map(len, each), np.int64, len(each))
    hashes = np.fromiter(map(hash, chain.from_iterable(each)), np.int64, int(sizes.sum()))
    return hashes, np.repeat(np.arange(len(each)), sizes), sizes
