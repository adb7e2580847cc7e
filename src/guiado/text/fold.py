"""Folding: one spelling for texts that differ in case, accents or characters of the same look. Each kind says what it keeps."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DISCARDED = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f]")
_SPACES = re.compile(r"\s+")
_KEPT = 0x2500
"""First character that is not cached: alphabets in use lie below it, and all characters would take 100 MB."""
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


@lru_cache(maxsize=8_192)
def fold(word: str) -> str:
    """Fold one word for detection, see `fold_text`; cached, since customers use the same few thousand words."""
    return fold_text(word)


def fold_text(text: str) -> str:
    """Fold a text for detection: no case, accents, invisible characters and doubled spaces; "ñ" becomes "n", "½" "1⁄2"."""
    if text.isascii() and text.isprintable():
        return text.lower()
    plain = unicodedata.normalize("NFKD", remove_invisible(unicodedata.normalize("NFC", text)).casefold())
    return _SPACES.sub(" ", _without_marks(plain)).strip().lower()


def fold_accents(text: str) -> str:
    """Fold case and accents, and keep all other characters; stored keys (`text_key`) are made of it."""
    return _without_marks(unicodedata.normalize("NFKD", text.casefold()))


def fold_canonically(text: str) -> str:
    """Fold case and accents, but keep compatibility characters apart: "½" is not "1⁄2", "①" not "1", "ａ" not "a"."""
    return _without_marks(unicodedata.normalize("NFD", text.casefold()))


def fold_in_place(text: str) -> str:
    """Fold case and accents in the same length, so that positions stay the same; combining marks stay."""
    return text.translate(_IN_PLACE)


def fold_case(text: str) -> str:
    """Fold case and doubled spaces; accents stay."""
    return " ".join(text.casefold().split())


def remove_invisible(text: str) -> str:
    """Remove control, format, private and unassigned characters; those that separate words become a space."""
    if text.isprintable():
        return text
    spaced = _DISCARDED.sub(" ", text)
    return "".join(c for c in spaced if unicodedata.category(c) not in _INVISIBLE)


def _without_marks(decomposed: str) -> str:
    return "".join(c for c in decomposed if not unicodedata.combining(c))


class _InPlace(dict[int, str]):
    """Translation table from each character to its folded one, filled when a character is first met."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code))[0].casefold()[:1] or chr(code)
        if code < _KEPT:
            self[code] = plain
        return plain


_IN_PLACE = _InPlace()
