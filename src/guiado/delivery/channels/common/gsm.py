"""The GSM alphabet of SMS: one character outside of it doubles the price of the whole text.

Source: 3GPP TS 23.038 (GSM 7-bit alphabet), TS 23.040 (concatenation).
"""

from __future__ import annotations

import unicodedata

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("\f^{}\\[~]|€")
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("«»“”„‟″＂", '"'),
        **dict.fromkeys("‘’‚‛′´`ʼ＇‹›", "'"),
        **dict.fromkeys("‐‑‒–—―−⁃•·‣◦", "-"),
        **dict.fromkeys(
            "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
        ),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
        "…": "...",
        "→": "->",
        **dict.fromkeys("✓✔☑", "OK:"),
        **dict.fromkeys("✗✘☒", "NO:"),
        "×": "x",
    }
)


def plain_typography(words: str) -> str:
    """Replace typography that phones have a plain sign for; accents, emoji and all other letters stay."""
    return words.translate(_LOOK_ALIKES)


def own_words(words: str) -> str:
    """Write guiado's own words in the GSM alphabet: accents that it lacks (`á í ó ú`) are removed."""
    return "".join(character if is_gsm(character) else _bare(character) for character in plain_typography(words))


def is_gsm(words: str) -> bool:
    """Whether all characters of a text belong to the GSM alphabet."""
    return all(character in _GSM or character in _GSM_TWICE for character in words)


def count_segments(words: str) -> int:
    """Count the SMS of a text: 160 characters of the GSM alphabet or 70 others in one, 153 or 67 in each of several.

    `é ñ ü ¿ ¡` belong to the alphabet, `á í ó ú` do not: one of them makes all the text twice as dear.
    """
    in_alphabet = is_gsm(words)
    sizes = [_size(character, in_alphabet=in_alphabet) for character in words]
    alone, each = (160, 153) if in_alphabet else (70, 67)
    if sum(sizes) <= alone:
        return 1
    segments, room = 1, each
    for size in sizes:  # a character of two units does not begin in one segment and end in the next
        if size > room:
            segments, room = segments + 1, each
        room -= size
    return segments


def _size(character: str, *, in_alphabet: bool) -> int:
    if in_alphabet:
        return 2 if character in _GSM_TWICE else 1
    return 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 the last character that UTF-16 writes in one unit


def _bare(letter: str) -> str:
    first = unicodedata.normalize("NFD", letter)[0]
    return first if is_gsm(first) else letter
