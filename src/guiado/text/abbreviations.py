"""Expands the short forms of messages. Their meaning depends on the language: "n" is "en", "and" or "não"."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from guiado.text.short_forms import SPANISH, TABLES


def _clear() -> dict[str, str]:
    """The short forms that are long enough to be no word, with one meaning in all languages that have them."""
    meanings: dict[str, set[str]] = {}
    for table in TABLES.values():
        for short, full in table.items():
            meanings.setdefault(short, set()).add(full)
    return {short: fulls.pop() for short, fulls in meanings.items() if len(fulls) == 1 and _is_clear(short)}


def _is_clear(short: str) -> bool:
    return len(short) > 2 or short in {"q", "xq", "pa"}  # noqa: PLR2004


_CLEAR = _clear()
_NUMBERS = {"2": "to", "4": "for"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE_NUMBER = _words(
    "how want wants need needs have has try trying able going like go where supposed used way talk due up asked got get"
    " pay paying pls please looking waiting wait ask thanks thx ready time u you not nt"
)
_AFTER_NUMBER = _words("my mi the da a an ur your u me it this that dat him her us ppl be get do help see use")
_UNITS = _words("min hr hour day week month year time factor step more other of")
_AFTER_NO = _words(
    "m t me te se le les nos puedo puede puedes pude puedn pueo pdo tengo tngo hay sé se deja sale llega funciona funka"
)
"""Words before which Spanish never has "en", so that "n" before them is "no"."""


def spell_out(words: Sequence[str], language: str | None, known: AbstractSet[str] = frozenset()) -> list[str]:
    """Expand the short forms among words.

    Args:
        words: in lower case, in their order.
        language: "es", "en" or "pt"; None leaves the ambiguous ones.
        known: words that the knowledge base itself uses, which are not expanded.
    """
    table = _CLEAR if language is None else TABLES[language]
    return [
        word if word in known else _full(words, position, table, is_english=language == "en")
        for position, word in enumerate(words)
    ]


def _full(words: Sequence[str], position: int, table: dict[str, str], *, is_english: bool) -> str:
    word = words[position]
    before = words[position - 1] if position else ""
    after = words[position + 1] if position + 1 < len(words) else ""
    if word in _NUMBERS:
        return _NUMBERS[word] if is_english and _is_preposition(before, after) else word
    if len(word) == 1 and (before.isdigit() or after.isdigit()):  # "10 m", "2 x 3"
        return word
    if word == "n" and table is SPANISH and after in _AFTER_NO:
        return "no"
    return table.get(word, word)


def _is_preposition(before: str, after: str) -> bool:
    if not after.isalpha() or after in _UNITS:
        return False
    return after in _AFTER_NUMBER or (before in _BEFORE_NUMBER and not after.endswith("s"))
