"""The common words of Spanish, English and Portuguese, and how often people write them.

Source: Speer (2022), wordfreq; its smaller lists: words that are at least one in a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import chain
from math import log

from guiado.detection.filed import Filed, deletions
from guiado.detection.words import fold

LANGUAGES = ("es", "en", "pt")
COMMON_LETTERS = 5
"""Shorter common words are neighbours of everything."""

Weights = Mapping[str, float]
"""Natural logarithm of the chance that a word is this one."""


@cache
def weights(language: str) -> Weights:
    """The words of one language; some 30,000, in 3 MB.

    Args:
        language: "es", "en" or "pt".
    """
    frequencies: Mapping[str, float] = import_module("wordfreq").get_frequency_dict(language, "small")
    return {word: log(frequency) for word, frequency in frequencies.items() if word.isalpha()}


@cache
def spellings(language: str) -> Mapping[str, str]:
    """The likeliest word with accents for what is left without them."""
    known = weights(language)
    found: dict[str, str] = {}
    for word in sorted(known, key=lambda word: (known[word], word)):
        if (plain := fold(word)) != word:
            found[plain] = word
    return found


@cache
def filed(language: str) -> Filed:
    """The words of `COMMON_LETTERS` and more, without accents, for those that were meant; 3 MB."""
    bare = (word for word in weights(language) if word.isascii())
    return Filed(sorted({word for word in chain(bare, spellings(language)) if len(word) >= COMMON_LETTERS}), deletions)


def spoken(language: str | None) -> Iterator[str]:
    """The languages whose words count in a text.

    Args:
        language: of the text; all of them where it is not known.
    """
    yield from LANGUAGES if language is None else (language,)
