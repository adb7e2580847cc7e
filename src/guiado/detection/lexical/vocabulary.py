"""The words that a knowledge base knows, and the meanings of a customer's word among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from guiado.detection.lexical.ngram_index import NgramIndex, deletions, grams
from guiado.text.stemming import stem

ONE_EDIT = 0.85
"""Weight of a word with a letter more or less, or with two that changed places, against 1 for the same stem."""
ONE_LETTER = 0.6
"""Weight of a word with one other letter: as often a different word ("cuenta", "cuesta") as a slip."""
REPAIRED = 0.7
"""Least similarity of two words that count as spellings or forms of the same."""
LEAST_SIMILARITY = 0.4
"""Least cosine of the character n-grams of two words that count as alike."""
SLIP_LETTERS = 5
"""Letters of the shortest word whose slips are found: shorter ones have too many neighbours ("gato", "rato")."""
FUZZY_LETTERS = 4
"""Letters of the shortest word that is compared by n-grams: shorter ones have too few."""

_MOST_MEANINGS = 8
_REMEMBERED = 4_096  # customers use the same few thousand words


Meanings = tuple[tuple[str, float], ...]
"""Meanings of a word: known stems, nearest first, each 0 to 1."""


class Vocabulary:
    """Known stems, found by a customer's word in spite of typing errors and word formation.

    Immutable after construction.

    Args:
        stems: every folded word of the knowledge base, with its stem.
        previous: shares what it has in common.
    """

    __slots__ = ("_deletions", "_grams", "_remembered", "stems")

    def __init__(self, stems: Mapping[str, str], previous: Vocabulary | None = None) -> None:
        self.stems = stems
        words = _comparable(stems)
        self._grams: NgramIndex = previous._grams.with_words(words) if previous else NgramIndex(words, grams)  # noqa: SLF001 its own kind
        self._deletions: NgramIndex = previous._deletions.with_words(words) if previous else NgramIndex(words, deletions)  # noqa: SLF001 its own kind
        self._remembered: dict[str, Meanings] = {}

    def meanings(self, words: Sequence[str], *, forms: bool = True) -> list[Meanings]:
        """Find the known stems that words may mean.

        Args:
            words: folded words of a customer's text; those that were not asked for lately are looked up together.
            forms: whether a known word may mean others that look like it, too.

        Returns:
            Of each word (stem, 0 to 1) pairs, nearest first.
        """
        known = {word: self._remembered.get(word) if forms or word not in self.stems else self._exactly(word) for word in words}
        new = [word for word, meanings in known.items() if meanings is None]
        looked_up = dict(zip(new, self._look_up(new), strict=True)) if new else {}
        if len(self._remembered) + len(new) > _REMEMBERED:
            self._remembered.clear()
        self._remembered.update(looked_up)
        return [known[word] or looked_up[word] for word in words]

    def _look_up(self, words: Sequence[str]) -> Iterator[Meanings]:
        comparable = _comparable(words)
        alike = dict(zip(comparable, self._grams.alike(comparable, LEAST_SIMILARITY), strict=True))
        for word in words:
            found: dict[str, float] = {}
            for near, closeness in (*alike.get(word, ()), *self._slips(word)):
                key = self.stems[near]
                if closeness > found.get(key, 0.0):
                    found[key] = closeness
            found[self.stems.get(word) or stem(word)] = 1.0
            yield tuple(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_MEANINGS])

    def _exactly(self, word: str) -> Meanings:
        return ((self.stems[word], 1.0),)

    def _slips(self, word: str) -> Iterator[tuple[str, float]]:
        if len(word) >= SLIP_LETTERS and word not in self.stems:
            yield from ((near, slip(word, near)) for near in self._deletions.sharing(word))


def _comparable(words: Iterable[str]) -> list[str]:
    return [word for word in words if len(word) >= FUZZY_LETTERS]


def slip(one: str, other: str) -> float:
    """Return the weight of a word after one slip, 0 where it takes more than one.

    Args:
        one, other: words that share a form of `deletions`.
    """
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
