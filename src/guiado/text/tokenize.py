"""Tokenizing: the meaningful part of a text, its words, and their normal form."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from guiado.text.email_reply import MailReading, read_mail
from guiado.text.fold import fold, fold_text, remove_invisible
from guiado.text.html_text import visible_text
from guiado.text.mojibake import decode_quoted_printable, repair
from guiado.text.stopwords import ABBREVIATIONS

__all__ = [
    "MEANINGFUL_CHARS",
    "expand",
    "fold",
    "mail_of",
    "meaningful_part",
    "normalise",
    "one_line",
    "part_words",
    "shorten_drawn_out",
    "surface_words",
]

MEANINGFUL_CHARS = 2_000
"""Length of the longest meaningful part, in characters; what follows is a signature or a log."""

_REPAIRED_CHARS = 2 * MEANINGFUL_CHARS  # repair takes time by length; twice the part suffices, even in broken encodings
_WORD_CHARS = 40  # anything longer is a key, a hash or a fallen object on the keyboard

_SPACES = re.compile(r"\s+")
_NEW_LINE = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES_IN_LINE = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n[\s]*\n")
_WORD = re.compile(r"[^\W_]+")
_DRAWN_OUT = re.compile(r"(?!www\.)([^\W\d_])\1{2,}")  # "holaaaa", not 10000


def normalise(text: str) -> str:
    """Normalise a text for lexical detection.

    Broken encodings are repaired first: a lower-cased "Ã±" can no longer be told from two letters.

    Args:
        text: anything that a customer may type.

    Returns:
        Case folded text without accents ("ñ" becomes "n"), control characters or doubled spaces.
    """
    return fold_text(repair(_SPACES.sub(" ", text).strip()))


def surface_words(text: str) -> list[str]:
    """The words of the meaningful part of a text, repaired and in lower case.

    Args:
        text: anything that a customer may type, of any length.

    Returns:
        Words in their order; drawn out letters ("holaaaa") are shortened, keys and hashes left out.
    """
    return part_words(meaningful_part(text))


def part_words(part: str) -> list[str]:
    """The words of a meaningful part; see `surface_words`."""
    words = _WORD.findall(shorten_drawn_out(part.casefold()))
    return _first_words([word for word in words if len(word) <= _WORD_CHARS])


def meaningful_part(text: str) -> str:
    """The meaningful part of a text: repaired, and without quoted mail, signature and invisible characters.

    Args:
        text: anything that a customer may type, of any length.

    Returns:
        One line as it was written, of some thousand characters at most.
    """
    return one_line(mail_of(text).body)


def one_line(body: str) -> str:
    """The body of a mail as one line, without invisible characters."""
    return _SPACES.sub(" ", remove_invisible(unicodedata.normalize("NFC", body))).strip()


@lru_cache(maxsize=16)
def mail_of(text: str) -> MailReading:
    """A text read as a mail, repaired; see `meaningful_part`. Every door asks several times about one message.

    Args:
        text: anything that a customer may type, of any length; HTML is read as it is seen.
    """
    shown = visible_text(decode_quoted_printable(_NEW_LINE.sub("\n", text[: 50 * MEANINGFUL_CHARS])))
    lines = _EMPTY_LINES.sub("\n\n", _SPACES_IN_LINE.sub(" ", shown))
    return read_mail(repair(lines.strip()[:_REPAIRED_CHARS]))


def shorten_drawn_out(text: str) -> str:
    """Shorten three or more equal letters ("holaaaa") to one; numbers keep their zeros."""
    return _DRAWN_OUT.sub(r"\1", text)


def expand(word: str) -> str:
    """The full form of an abbreviation ("kiero"), or the word itself.

    Args:
        word: one folded word.
    """
    return ABBREVIATIONS.get(word, word)


def _first_words(words: list[str]) -> list[str]:
    if sum(map(len, words)) + len(words) <= MEANINGFUL_CHARS:
        return words
    total = 0
    for position, word in enumerate(words):
        total += len(word) + 1
        if total > MEANINGFUL_CHARS:
            return words[:position]
    return words
