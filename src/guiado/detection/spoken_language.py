"""The language of a customer's message: its words decide, and where they do not, the known phrase that it is nearest to.

Every door asks `spoken_language`. A language that guiado does not speak is named, and nothing is guessed as nearest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from guiado.detection.lexical.word_frequencies import LANGUAGES, levels
from guiado.text.fold import fold, fold_text
from guiado.text.foreign_language import foreign_language
from guiado.text.language import MARKS, MIXED, NO_WORD
from guiado.text.short_forms import TABLES
from guiado.text.tokenize import meaningful_part, part_words

_MOST_WORDS = 40
_MOST_CHARS = 800
_RAREST = 540  # -100 log10 of the share: rarer words cost memory and tell little
_UNKNOWN = 620
_MOST_OF_WORD = 200  # points by which one word may speak for a language: a single word proves little
_MARK = 150
_ENDING = 300
_ENDINGS = {
    "es": re.compile(r"\A[^\W\d_]{3,}e(?:ar|a|as|o|an|aron|ando|ado|ada|aste|ó|é|aba|arme|arse|arlo|arla)"),
    "en": re.compile(r"(?!)"),
    "pt": re.compile(r"\A[^\W\d_]{3,}(?:e(?:aram|ei|ou)|aram|ou)"),
}
"""Endings with which Spanish and Portuguese take in English words: "me hackearon", "bugou"."""
_OF_SUPPORT = {"es": frozenset(["prende", "prenden", "prender", "prendio", "prendia", "prendiendo"])}
"""What devices do in one language only, though the word is common in another: "no prende"."""
_NEAREST = 100
"""Points of the nearest known phrase that has all words of the text; one that has none gets none: meaning crosses languages."""
_LEAST_LEAD = 20


class Spoken(NamedTuple):
    """The language of a text.

    Args:
        language: "es", "en" or "pt"; None where nothing tells.
        foreign: another language that it is written in, by its ISO 639 code; then `language` is None.
    """

    language: str | None = None
    foreign: str | None = None


class KnownPhrase(NamedTuple):
    """A known phrase.

    Args:
        language: "es", "en" or "pt".
    """

    text: str
    language: str


def spoken_language(text: str, nearest: KnownPhrase | None = None) -> Spoken:
    """The language that a customer writes in.

    Args:
        text: anything that a customer may type.
        nearest: the known phrase that matched best; it counts where the words leave it open.
    """
    part = NO_WORD.sub(" ", meaningful_part(text)[:_MOST_CHARS])
    words = part_words(part)[:_MOST_WORDS]
    if foreign := foreign_language(part):
        return Spoken(None, foreign)
    points = _points(words)
    if nearest is not None:
        points[nearest.language] += _NEAREST * _shared(words, nearest.text)
    (best, most), (_, second), _ = sorted(points.items(), key=lambda item: -item[1])
    return Spoken(best if most - second >= _LEAST_LEAD else None)


def prepare() -> None:
    """Read what the first short message would have to wait for: a quarter of a second."""
    _frequencies()


def _points(words: Iterable[str]) -> dict[str, float]:
    points: dict[str, float] = dict.fromkeys(LANGUAGES, 0.0)
    for word in words:
        for language, worth in zip(LANGUAGES, _word_points(word), strict=True):
            points[language] += worth
    return points


@lru_cache(maxsize=8_192)
def _word_points(word: str) -> tuple[float, ...]:
    """How far one word speaks for each language: hundredths of the decimal logarithm of its share, above the least of them."""
    plain = fold(word)
    if plain in MIXED or not plain.isalpha():
        return (0.0,) * len(LANGUAGES)
    known = _frequencies().get(plain, _UNSEEN)
    rare = [_UNKNOWN if rarity == _NEVER else rarity * _GRAIN for rarity in known]
    least = min(max(rare), min(rare) + _MOST_OF_WORD)
    forms = [_form_points(word, plain, language, is_known=known != _UNSEEN) for language in LANGUAGES]
    return tuple(max(0, least - level) + form for level, form in zip(rare, forms, strict=True))


def _form_points(word: str, plain: str, language: str, *, is_known: bool) -> float:
    """Points that letters, endings and short forms give one language; where the word is known, its own letters alone."""
    if plain in _OF_SUPPORT.get(language, ()):
        return _ENDING
    marks = [mark for mark in MARKS[language] if mark in word and not (is_known and mark.isascii())]
    if not is_known and any(_ENDINGS[each].fullmatch(word) for each in _ENDINGS):
        return _ENDING * (_ENDINGS[language].fullmatch(word) is not None)
    return _MARK * (bool(marks) + (not is_known and plain in TABLES[language]))


_GRAIN, _NEVER = 3, 255


def _shared(words: Sequence[str], phrase: str) -> float:
    """The share of words, 0..1, that a phrase has too, without those that all languages mix in."""
    own = {plain for word in words if (plain := fold(word)) not in MIXED}
    return len(own & {fold(word) for word in part_words(phrase)}) / len(own) if own else 0.0


@cache
def _frequencies() -> dict[str, bytes]:
    """Common words without accents, and how rare each is in every language, in steps of `_GRAIN`; some 30,000 in 4 MB."""
    found: dict[str, bytes] = {}
    for place, (word, level) in _common():
        plain, rarity = fold_text(word), level // _GRAIN
        known = found.get(plain, _UNSEEN)
        if rarity < known[place]:
            found[plain] = known[:place] + bytes([rarity]) + known[place + 1 :]
    return found


def _common() -> Iterator[tuple[int, tuple[str, int]]]:
    for place, language in enumerate(LANGUAGES):
        for word, level in levels(language, _RAREST):
            yield place, (word, level)


_UNSEEN = bytes([_NEVER] * len(LANGUAGES))
