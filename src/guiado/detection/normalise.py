"""From what a customer typed to words that can be compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from guiado.detection.stopwords import ABBREVIATIONS

MEANINGFUL_CHARS = 2_000
"""A description says what is wrong in its first characters; the rest is a signature or a log."""

_REPAIRED_CHARS = 4 * MEANINGFUL_CHARS  # repair costs time by length: enough for what is read, even in broken encodings
_WORD_CHARS = 40  # anything longer is a key, a hash or a fallen object on the keyboard

_ORDINARY = re.compile(r"[\x00-\x7fáéíóúüñçõàâêôÁÉÍÓÚÜÑ¿¡]*")  # "Ã" and "Â" are what broken encodings begin with
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]+")
_IDEOGRAPHS_IN_WORD = re.compile(r"(?<=[A-Za-z])[\u3400-\u9fff]+|[\u3400-\u9fff]+(?=[A-Za-z])")
_DISCARDED = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f]")
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def normalise(text: str) -> str:
    """One spelling for everything that means the same on the lexical side.

    Broken encodings are repaired before anything else: a lower-cased "Ã±" can no longer be told from two letters.

    Args:
        text: anything that a customer may type.

    Returns:
        Case folded text without accents ("ñ" becomes "n"), control characters or doubled spaces.
    """
    return _fold(_repair(_SPACES.sub(" ", text).strip()))


def surface_words(text: str) -> list[str]:
    """The words of the meaningful part of a text, as they were written but repaired and in lower case.

    Args:
        text: anything that a customer may type, of any length.

    Returns:
        Words in their order; drawn out letters ("holaaaa") are shortened, keys and hashes left out.
    """
    compact = _SPACES.sub(" ", text[: 50 * MEANINGFUL_CHARS]).strip()[:_REPAIRED_CHARS]
    visible = _remove_invisible(unicodedata.normalize("NFC", _repair(compact))).casefold()
    words = _WORD.findall(_DRAWN_OUT.sub(r"\1", visible))
    return _first_words([word for word in words if len(word) <= _WORD_CHARS])


@lru_cache(maxsize=8_192)
def fold(word: str) -> str:
    """Case, accents and invisible characters of one word folded away; the encoding is taken as it is."""
    return _fold(word)


def _fold(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.lower()
    plain = unicodedata.normalize("NFKD", _remove_invisible(unicodedata.normalize("NFC", text)).casefold())
    return _SPACES.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).strip().lower()


def expand(word: str) -> str:
    """The full form of a spelling of short messages ("kiero"), or the word itself.

    Args:
        word: one folded word.
    """
    return ABBREVIATIONS.get(word, word)


def _first_words(words: list[str]) -> list[str]:
    total = 0
    for position, word in enumerate(words):
        total += len(word) + 1
        if total > MEANINGFUL_CHARS:
            return words[:position]
    return words


def _remove_invisible(text: str) -> str:
    if text.isprintable():
        return text
    spaced = _DISCARDED.sub(" ", text)
    return "".join(c for c in spaced if unicodedata.category(c) not in _INVISIBLE)


def _repair(text: str) -> str:
    if _ORDINARY.fullmatch(text):
        return text
    import ftfy  # most texts need no repair, and its tables take time to load

    repaired = ftfy.fix_encoding(text)
    return _IDEOGRAPHS_IN_WORD.sub(_read_as_utf8, repaired) if _IDEOGRAPHS.search(repaired) else repaired


def _read_as_utf8(match: re.Match[str]) -> str:
    """Ideographs inside a Latin word are UTF-8 that was read as GBK: "contrase帽a"."""
    try:
        return match.group().encode("gbk").decode("utf-8")
    except UnicodeError:
        return match.group()
