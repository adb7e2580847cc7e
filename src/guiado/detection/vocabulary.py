"""The words that a knowledge base knows, and which of them a customer's word may mean."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from functools import lru_cache
from heapq import nlargest
from math import sqrt
from typing import Protocol, TypeVar, cast

import snowballstemmer

SMALLEST_GRAM, LARGEST_GRAM = 3, 5
ONE_EDIT = 0.85
"""How much a word counts that has a letter more or less, or two that changed places, against 1 for the same stem."""
ONE_LETTER = 0.6
"""How much a word with one other letter counts: as often a different word ("cuenta", "cuesta") as a slip."""
REPAIRED = 0.7
"""From here on two words are taken to be spellings or forms of the same."""
LEAST_SIMILARITY = 0.4
"""Words that share fewer of their character n-grams are strangers."""
SLIP_LETTERS = 5
"""Shorter words have too many neighbours one letter away ("gato", "rato")."""
FUZZY_LETTERS = 4
"""Shorter words have too few n-grams to be compared."""

_MOST_MEANINGS = 8
_REMEMBERED = 4_096  # customers use the same few thousand words
_SHORTLIST = 24
_MOST_POSTINGS = 600
_SHARED_CHANGES = 2_000  # with more of them than that, to start anew is quicker


class _Stemmer(Protocol):
    """The one method of a Snowball stemmer that is used here; the package has no types."""

    def stemWord(self, word: str) -> str: ...  # noqa: N802


T = TypeVar("T")
Filed = Mapping[str, tuple[T, ...]]
"""Things under each of their keys."""

_lock = threading.Lock()  # a Snowball stemmer keeps the word it works on in itself
_spanish = cast("_Stemmer", snowballstemmer.stemmer("spanish"))  # pyright: ignore[reportUnknownMemberType]
_english = cast("_Stemmer", snowballstemmer.stemmer("english"))  # pyright: ignore[reportUnknownMemberType]


@lru_cache(maxsize=8_192)
def stem(word: str) -> str:
    """The stem of a folded word: Spanish (which serves Portuguese endings too), then English endings.

    Args:
        word: one folded word.
    """
    with _lock:
        return _english.stemWord(_spanish.stemWord(word))


def grams(word: str) -> frozenset[str]:
    """The character n-grams inside one word, its ends marked."""
    marked = f"<{word}>"
    sizes = range(SMALLEST_GRAM, LARGEST_GRAM + 1)
    return frozenset(marked[i : i + size] for size in sizes for i in range(len(marked) - size + 1))


# Of words of the knowledge base only: what customers write could be 40 letters long each time, 14 KB a word.
_known_grams = lru_cache(maxsize=8_192)(grams)


def similarity(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """Cosine of two words' n-gram sets, 0 to 1."""
    return len(one & other) / sqrt(len(one) * len(other))


class Vocabulary:
    """Which stems a customer's word may mean, tolerant of typing errors and of word formation.

    Immutable after construction.

    Args:
        stems: every folded word of the knowledge base, with its stem.
    """

    __slots__ = ("_by_deletion", "_by_trigram", "_remembered", "stems")

    def __init__(self, stems: Mapping[str, str]) -> None:
        self.stems = stems
        self._by_trigram = file_under(_comparable(stems), _trigrams)
        self._by_deletion = file_under(_comparable(stems), _deletions)
        self._remembered = lru_cache(_REMEMBERED)(self._look_up)

    def with_words(self, stems: Mapping[str, str]) -> Vocabulary:
        """A vocabulary of these words. What it has in common with this one is shared, and costs nothing."""
        new, gone = stems.keys() - self.stems.keys(), self.stems.keys() - stems.keys()
        if len(new) + len(gone) > _SHARED_CHANGES:
            return Vocabulary(stems)
        changed = copy(self)
        changed._share(stems, new, gone)  # noqa: SLF001 nobody else has it yet
        return changed

    def _share(self, stems: Mapping[str, str], new: Iterable[str], gone: Iterable[str]) -> None:
        self.stems = stems
        self._remembered = lru_cache(_REMEMBERED)(self._look_up)
        new, gone = _comparable(new), _comparable(gone)
        self._by_trigram = refile(self._by_trigram, file_under(new, _trigrams), file_under(gone, _trigrams))
        self._by_deletion = refile(self._by_deletion, file_under(new, _deletions), file_under(gone, _deletions))

    def meanings(self, word: str) -> tuple[tuple[str, float], ...]:
        """The known stems that a word may mean.

        Args:
            word: one folded word of a customer's text.

        Returns:
            (stem, 0 to 1) pairs, nearest first; empty for a word that is like no other.
        """
        return self._remembered(word)

    def _look_up(self, word: str) -> tuple[tuple[str, float], ...]:
        found: dict[str, float] = {}
        if len(word) >= FUZZY_LETTERS:
            for near, closeness in self._neighbours(word):
                key = self.stems[near]
                if closeness > found.get(key, 0.0):
                    found[key] = closeness
        found[stem(word)] = 1.0
        return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_MEANINGS])

    def _neighbours(self, word: str) -> Iterable[tuple[str, float]]:
        own = grams(word)
        for near in self._shortlist(word):
            closeness = similarity(own, _known_grams(near))
            if closeness >= LEAST_SIMILARITY:
                yield near, closeness
        if len(word) >= SLIP_LETTERS and word not in self.stems:
            yield from self._one_edit_away(word)

    def _shortlist(self, word: str) -> list[str]:
        """The words that share most trigrams; the commonest trigrams are left out where there are many words."""
        shared: Counter[str] = Counter()
        read = 0
        for words in sorted((self._by_trigram[t] for t in _trigrams(word) if t in self._by_trigram), key=len):
            read += len(words)
            if read > _MOST_POSTINGS and shared:
                break
            shared.update(words)
        # With one trigram in common two words are never alike enough; plain pairs are compared far quicker than by a key.
        return [near for _, near in nlargest(_SHORTLIST, ((count, near) for near, count in shared.items() if count > 1))]

    def _one_edit_away(self, word: str) -> Iterable[tuple[str, float]]:
        for shorter in _deletions(word):
            for near in self._by_deletion.get(shorter, ()):
                yield near, _slip(word, near)


def file_under(found: Iterable[T], keys_of: Callable[[T], Iterable[str]]) -> Filed[T]:
    """Put everything under each of its keys."""
    filed: dict[str, list[T]] = defaultdict(list)
    for one in found:
        for key in keys_of(one):
            filed[key].append(one)
    return {key: tuple(those) for key, those in filed.items()}


def refile(filed: Filed[T], new: Filed[T], gone: Filed[T]) -> Filed[T]:
    """The same with some less and some more; what nothing changed in is shared."""
    if not new and not gone:
        return filed
    changed = dict(filed)
    for key, those in gone.items():
        out = frozenset(those)
        changed[key] = tuple([one for one in changed[key] if one not in out])
    for key, those in new.items():
        changed[key] = changed.get(key, ()) + those
    for key in gone:
        if not changed[key]:
            del changed[key]
    return changed


def _comparable(words: Iterable[str]) -> list[str]:
    return [word for word in words if len(word) >= FUZZY_LETTERS]


def _trigrams(word: str) -> frozenset[str]:
    marked = f"<{word}>"
    return frozenset(marked[i : i + 3] for i in range(len(marked) - 2))


def _deletions(word: str) -> frozenset[str]:
    """The word and every form with one letter less: two words one edit apart share one of them."""
    return frozenset((word, *(word[:i] + word[i + 1 :] for i in range(len(word)))))


def _slip(one: str, other: str) -> float:
    """What is left of a word's weight after one slip of the finger, 0 where it takes more than one."""
    if len(one) != len(other):
        return ONE_EDIT
    different = [position for position in range(len(one)) if one[position] != other[position]]
    match different:
        case [_]:
            return ONE_LETTER
        case [i, j] if j == i + 1 and one[i] == other[j] and one[j] == other[i]:
            return ONE_EDIT
        case _:
            return 0.0
