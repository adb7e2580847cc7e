"""Exact codes: error codes, versions and models as values that are compared, whatever text they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

HEX = re.compile(r"0x[0-9a-f]{2,16}")
_DIGITS = re.compile(r"\d+")
_HYPHENS, _ZEROS = re.compile(r"[-.\s]"), re.compile(r"(?<!\d)0+(?=\d)")
_LETTER_AND_FEW = re.compile(r"[a-z]\d{1,2}")
_PAPER = frozenset(("a3", "a4", "a5", "b4", "b5"))
_STEM = re.compile(r"[a-z]*\d+")


class CodeKind(StrEnum):
    """Kind of thing that a code names."""

    ERROR = "error"
    VERSION = "version"
    MODEL = "model"


class Reach(StrEnum):
    """Range of versions that is meant beside the one that is named."""

    EXACT = "exact"
    NEWER = "newer"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Code:
    """A code that a text names.

    Args:
        kind: what it names.
        family: codes of one family exclude each other: "error", "model", or the product of a version ("windows").
        value: in lower case, without hyphens and leading zeros: how it is compared.
        written: as it stands in the text.
        certain: whether the text alone says that it is a code; otherwise it is one only where such codes are known.
        reach: whether newer or older versions are meant too.
        start, end: of the words to leave out in order to read the text without it.
    """

    kind: CodeKind
    family: str
    value: str
    written: str = field(compare=False)
    certain: bool = True
    reach: Reach = Reach.EXACT
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """Key that equal codes share: of a model, without the letters of its variant ("m404" of "m404dn")."""
        if self.kind is CodeKind.VERSION:
            return f"{self.family}:{self.value}"
        return _stem(self.value) if self.kind is CodeKind.MODEL else self.value

    @property
    def is_worded(self) -> bool:
        """Whether it says in words what it means, as ERR_CONNECTION_RESET does."""
        return "_" in self.value

    @property
    def shape(self) -> str:
        """Shape that codes of one series share: letters, number of digits ("e#3", "#4"), of one letter and few digits "?#"."""
        if HEX.fullmatch(self.value):
            return "0x#"
        if _LETTER_AND_FEW.fullmatch(self.value) and self.value not in _PAPER:
            return "?#"
        return _DIGITS.sub(lambda digits: f"#{len(digits.group())}", self.value)


def covers(known: Code, named: Code) -> bool:
    """Whether a known code is the one that a text names, or includes it: 4.5 includes 4.5.1, M404 the M404dn."""
    if known.kind is CodeKind.VERSION and named.kind is CodeKind.VERSION:
        return known.family == named.family and _includes(known, named)
    if known.kind is CodeKind.MODEL and named.kind is CodeKind.MODEL:
        return known.key == named.key
    return known.value == named.value


def without_codes(text: str, codes: Iterable[Code]) -> str:
    """The text without these codes and the words that only introduce them.

    Args:
        text: as `codes_in` read it.
    """
    kept, end = list[str](), 0
    for code in sorted(codes, key=lambda code: code.start):
        kept.append(text[end : max(end, code.start)])
        end = max(end, code.end)
    return " ".join("".join((*kept, text[end:])).split()).strip(" ,;:.-")


def _includes(known: Code, named: Code) -> bool:
    one, other = _numbers(known.value), _numbers(named.value)
    if known.reach is Reach.NEWER:
        return other >= one[: len(other)]
    if known.reach is Reach.OLDER:
        return other[: len(one)] <= one
    fewest = min(len(one), len(other))
    return one[:fewest] == other[:fewest]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, _DIGITS.findall(version)))


def _stem(model: str) -> str:
    match = _STEM.match(model)
    return match.group() if match else model


def code_value(word: str) -> str:
    """A code as it is compared: without hyphens, points and leading zeros; hexadecimal and worded ones stay.

    Args:
        word: in lower case.
    """
    if HEX.fullmatch(word) or "_" in word:
        return word
    return _ZEROS.sub("", _HYPHENS.sub("", word))
