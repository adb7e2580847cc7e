"""Readability of texts: indices of Fernández Huerta (Spanish), Flesch (English) and Martins (Portuguese), sentences, words.

All three are the formula of Flesch with weights for their language; 70 to 80 is "rather easy" in Spanish.

Sources: J. Fernández Huerta, "Medidas sencillas de lecturabilidad", Consigna 214 (1959), in its usual correction; R. Flesch, "A
new readability yardstick", Journal of Applied Psychology 32 (1948); T. Martins and others, "Readability formulas applied to
textbooks in Brazilian Portuguese", Notas do ICMC 28 (1996).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"(?<![.!?…:])[.!?…:]++(?:\s|$)")
_FULL_STOP = re.compile(r"(?<=[.!?…;])[»”\")]?\s+|\n+")
_VOWELS, _STRONG = "aeiouáéíóúüâêôãõàäëïö", "aeoáéíóúâêôãõ"
_NASAL = re.compile(r"ão|ãe|õe")
_SILENT_U, _VOWEL_Y = re.compile(r"(?<=[gq])u(?=[eiéíê])"), re.compile(r"y$|y(?![aeiouáéíóú])")
_ENGLISH_VOWELS = re.compile(r"[aeiouy]+", re.IGNORECASE)
_SILENT_END = re.compile(r"(?<=\w[^leiy])e$|(?<=\w[^td])ed$", re.IGNORECASE)


def words_of(text: str) -> list[str]:
    """The words of a text, without numbers."""
    return _WORD.findall(text)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, as they are written."""
    return [part.strip() for part in _FULL_STOP.split(text) if part.strip()]


@lru_cache(maxsize=8_192)
def syllables(word: str) -> int:
    """Syllables of a Spanish or Portuguese word: groups of vowels, cut at two strong ones and at a weak one with an accent."""
    letters = _VOWEL_Y.sub("i", _NASAL.sub("a", _SILENT_U.sub("", word.lower())))
    found, before = 0, ""
    for letter in letters:
        if letter in _VOWELS and (before not in _VOWELS or not before or (letter in _STRONG and before in _STRONG)):
            found += 1
        before = letter
    return max(found, 1)


@lru_cache(maxsize=8_192)
def english_syllables(word: str) -> int:
    """Syllables of an English word, nearly: groups of vowels, without a silent e at its end."""
    return max(len(_ENGLISH_VOWELS.findall(word)) - (_SILENT_END.search(word) is not None), 1)


def fernandez_huerta(texts: Sequence[str]) -> float:
    """The index of Spanish texts that are read one after the other; each ends a sentence."""
    return _index(texts, syllables, (206.84, 60, 1.02))


def flesch(texts: Sequence[str]) -> float:
    """The reading ease of English texts."""
    return _index(texts, english_syllables, (206.835, 84.6, 1.015))


def martins(texts: Sequence[str]) -> float:
    """The index of Portuguese texts: that of Flesch, 42 points higher for the longer words."""
    return _index(texts, syllables, (248.835, 84.6, 1.015))


def _index(texts: Iterable[str], count: Callable[[str], int], weights: tuple[float, float, float]) -> float:
    most, of_syllables, of_words = weights
    words, sentences, spoken = 0, 0, 0
    for text in texts:
        said = words_of(text)
        words += len(said)
        spoken += sum(map(count, said))
        sentences += max(1, sum(_WORD.search(part) is not None for part in _SENTENCE.split(text)))
    return most - of_syllables * spoken / words - of_words * words / sentences if words else most
