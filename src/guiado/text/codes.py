"""Codes in a text: error codes, versions of a product and models, told apart from amounts, counts, times and dates.

A code is exact: 1402 is not 1406, and Windows 11 is not Windows 10. Any other number may vary ("50 %", "2 veces").

Every rule looks at a word and a few words around it, so that time grows with the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from guiado.text.code import HEX, Code, CodeKind, Reach, code_value
from guiado.text.code_words import (
    ARTICLES,
    BRANDS,
    CODE_WORDS,
    EDITIONS,
    ERROR_WORDS,
    FILLERS,
    LISTING,
    MODEL_WORDS,
    MONTHS,
    NO_MODEL,
    OLDER_WORDS,
    ONE_TIME_WORDS,
    OR_WORDS,
    ORDER_WORDS,
    PRODUCTS,
    SHOWING,
    SINCE_WORDS,
    TO_VERSION,
    UNITS,
    UP_WORDS,
    VERSION_WORDS,
)
from guiado.text.fold import fold_in_place

MOST_CODES = 40
"""Distinct codes that are read of one text: who names more pastes a log."""
LONGEST_CODE = 40
"""Length of the longest code, in characters; anything longer is a key or a hash."""


_ERROR = "error"
_MODEL = "model"
_VERSION = "version"
_TOKEN = re.compile(
    r"(?:error|erro|err|code|codigo|cod)(?=[-.]?\d)|[^\W_]+(?:[._-]+[^\W_]+|(?<=\d):(?=\d\d)\d\d)*",
)
_BARE_HEX = re.compile(r"[89c][0-9a-f]{7}")
_SNAKE = re.compile(r"(?:err|dns_probe|inet_e|ssl|sec|nt|pr|status|fatal|mozilla_pkix|e)_[a-z0-9_]+")
_LOUD_SNAKE = re.compile(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+")
_E_CODE = re.compile(r"e[-.]?\d{1,5}[a-z]?")
_UNMISTAKABLE = re.compile(rf"{HEX.pattern}|{_E_CODE.pattern}|kb-?\d{{5,8}}")
_SERIES = re.compile(r"(?:[a-z]{1,5}-)?[a-z]{1,6}-?\d{3,5}[a-z]{0,3}")
_VARIANT = re.compile(r"[a-z]\d{1,3}")
_TIME = re.compile(r"\d{1,2}(?::\d\d){1,2}")
_DATE = re.compile(r"\d{1,2}[-.]\d{1,2}(?:[-.]\d{2,4})?|(?:19|20)\d\d-\d\d?(?:-\d\d?)?")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.]\d{3})+")
_DOTTED = re.compile(r"\d{1,2}(?:\.\d{1,3}){1,2}")
_VERSION_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,5}){0,3}")
_V_NUMBER = re.compile(r"v(\d{1,4}(?:\.\d{1,5}){0,3})")
_SHORT_WINDOWS = re.compile(r"(w)(7|8|10|11)")
_JOINED = re.compile(r"([a-z]{2,12})-?(\d{1,4}(?:\.\d{1,3}){0,2})")
_MONEY_BEFORE, _MONEY_AFTER = frozenset("$€£¥"), frozenset("$€£¥%‰°")
_AROUND = 6
"""Words before a plain "código" that may say that it is one to type in."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int
    has_digit: bool


def codes_in(text: str) -> tuple[Code, ...]:
    """The codes that a text names, each once, in their order.

    Args:
        text: anything that a customer or an author may write; some thousand characters, since all of it is read.
    """
    if not _MAY_HAVE.search(text):
        return ()
    found: dict[Code, Code] = {}
    for code in _Reader(text).codes():
        found.setdefault(code, code)
        if len(found) == MOST_CODES:
            break
    return tuple(found.values())


_MAY_HAVE = re.compile(r"\d|[^\W_]_")


def declared_code(text: str) -> Code | None:
    """The code that an author says is one.

    Args:
        text: the code alone, as in "1402", "E-45" or "Windows 10".

    Returns:
        None where it is none that a customer's text could be searched for.
    """
    named = text.strip()
    found = [code for code in codes_in(named) if code.certain]
    if found and (len(found) == 1 or " " in named):
        return replace(found[0], written=named)
    is_one_word = _TOKEN.fullmatch(fold_in_place(named)) is not None and len(named) <= LONGEST_CODE
    if not is_one_word or not _MAY_HAVE.search(named):
        return None
    return Code(CodeKind.ERROR, _ERROR, code_value(fold_in_place(named)), named)


class _Reader:
    """Reads the codes of one text, word by word."""

    def __init__(self, text: str) -> None:
        self.text, self.folded = text, fold_in_place(text)
        self.words = [
            _Word(match.group(), match.start(), match.end(), any(map(str.isdigit, match.group())))
            for match in _TOKEN.finditer(self.folded)
        ]

    def codes(self) -> Iterator[Code]:
        before: Code | None = None
        for at, word in enumerate(self.words):
            if not (word.has_digit or "_" in word.text) or len(word.text) > LONGEST_CODE:
                continue
            code = self._code(at, word, before if before and self._continues(at) else None)
            if code is not None:
                yield code
                before = code
            elif not self._continues(at):
                before = None

    def _code(self, at: int, word: _Word, before: Code | None) -> Code | None:
        if before is not None and before.certain and (code := self._listed(at, word, before)):
            return code
        if self._is_amount(at, word):
            return None
        return (
            self._unmistakable(at, word)
            or self._version(at, word)
            or self._after_code_word(at, word)
            or self._model(at, word)
            or self._shown(at, word)
            or self._loose(at, word)
        )

    # ------------------------------------------------------------------------------------------------- what is no code

    def _is_amount(self, at: int, word: _Word) -> bool:
        """Whether it is an amount, a count, a time or a date."""
        if self._beside(word, -1) in _MONEY_BEFORE or self._beside(word, 1) in _MONEY_AFTER:
            return True
        if _TIME.fullmatch(word.text) or (self._is_slashed_date(word) and self._text(at - 1) not in PRODUCTS):
            return True
        if not word.text.replace(".", "").isdigit() or not self._adjoins(at):
            return False
        following = self._text(at + 1)
        return following in UNITS or following in MONTHS or (following == "de" and self._text(at + 2) in MONTHS)

    def _is_slashed_date(self, word: _Word) -> bool:
        beside = self.folded[max(0, word.start - 3) : word.end + 3]
        return len(word.text) <= 4 and bool(_SLASHED.search(beside))  # noqa: PLR2004 a year

    def _is_number_of_a_day(self, word: _Word) -> bool:
        return bool(_DATE.fullmatch(word.text) or _THOUSANDS.fullmatch(word.text))

    def _is_order(self, at: int) -> bool:
        """Whether it is the number of an order, an invoice, a flat, a step."""
        words = {self._text(at - back) for back in (1, 2, 3)} - {""}
        return bool(words & ORDER_WORDS) or self._beside(self.words[at], -1) == "#"

    # --------------------------------------------------------------------------------------------------- what is one

    def _unmistakable(self, at: int, word: _Word) -> Code | None:
        is_snake = _SNAKE.fullmatch(word.text) or _LOUD_SNAKE.fullmatch(self.text[word.start : word.end])
        if not (is_snake or _UNMISTAKABLE.fullmatch(word.text)):
            return None
        if _E_CODE.fullmatch(word.text) and (self._is_order(at) or self._text(at - 1) in BRANDS | MODEL_WORDS):
            return None
        return self._error(word, self._introduced_from(at))

    def _after_code_word(self, at: int, word: _Word) -> Code | None:
        begin = self._introduced_from(at)
        if begin is None or not word.has_digit or self._is_one_time(begin):
            return None
        is_day = word.text.isdigit() and len(word.text) < _LEAST_DIGITS and self._text(at - 1) in ARTICLES
        if is_day or (self.words[begin].text not in ERROR_WORDS and _DATE.fullmatch(word.text)):
            return None
        return self._error(word, begin)

    def _introduced_from(self, at: int) -> int | None:
        """Place of the word that says that a code follows: "código de error es el 1402"; None where there is none."""
        begin: int | None = None
        for place in range(at - 1, max(-1, at - 2 - _MOST_FILLERS), -1):
            text = self._text(place)
            if text in ERROR_WORDS or text in CODE_WORDS:
                begin = place
            elif text not in FILLERS:
                break
            if _SENTENCE_END.search(self.folded[self.words[place].end : self.words[place + 1].start]):
                return None if begin is None or begin == place else begin
        return begin

    def _is_one_time(self, begin: int) -> bool:
        """Whether a code is one to type in: "me llegó el código 4821"."""
        if any(self._text(place) in ERROR_WORDS for place in (begin, begin + 1, begin + 2)):
            return False
        return any(self._text(place) in ONE_TIME_WORDS for place in range(begin - _AROUND, begin + _AROUND))

    def _version(self, at: int, word: _Word) -> Code | None:
        if (v := _V_NUMBER.fullmatch(word.text)) and not self._is_order(at):
            return self._versioned(at, word, self._product_near(at), v[1])
        joined = _JOINED.fullmatch(word.text) or _SHORT_WINDOWS.fullmatch(word.text)
        if joined and (product := PRODUCTS.get(joined[1])):
            return self._versioned(at, word, product, joined[2])
        return self._numbered(at, word) if _VERSION_NUMBER.fullmatch(word.text) else None

    def _numbered(self, at: int, word: _Word) -> Code | None:
        previous = self._text(at - 1)
        if product := PRODUCTS.get(previous) or (PRODUCTS.get(self._text(at - 2)) if previous in EDITIONS else None):
            return self._versioned(at, word, product, word.text)
        if previous in VERSION_WORDS or (previous in FILLERS and self._text(at - 2) in VERSION_WORDS):
            return self._versioned(at, word, self._product_near(at), word.text)
        if _DOTTED.fullmatch(word.text) and not _THOUSANDS.fullmatch(word.text) and previous in TO_VERSION:
            return self._versioned(at, word, _VERSION, word.text, certain=False)
        return None

    def _product_near(self, at: int) -> str:
        """The product whose version is named: "windows versión 11", "versión 11 de windows"."""
        for place in (at - 1, at - 2, at - 3, at + 1, at + 2):
            if product := PRODUCTS.get(self._text(place)):
                return product
        return _VERSION

    def _versioned(self, at: int, word: _Word, family: str, number: str, *, certain: bool = True) -> Code:
        written = self.text[word.start : word.end]
        if word.text == number and family != _VERSION:
            written = f"{self.text[self.words[at - 1].start : self.words[at - 1].end]} {written}"
        return Code(CodeKind.VERSION, family, number, written, certain, self._reach(at), word.start, word.end)

    def _reach(self, at: int) -> Reach:
        if self.folded.startswith("+", self.words[at].end):
            return Reach.NEWER
        after = [self._text(at + n) for n in (1, 2, 3)]
        before = {self._text(at - n) for n in (1, 2, 3)}
        if after[0] in OR_WORDS and after[1:] and (after[1] in UP_WORDS or after[2] in UP_WORDS):
            return Reach.NEWER
        if after[0] in OR_WORDS and (after[1] in OLDER_WORDS or after[2] in OLDER_WORDS):
            return Reach.OLDER
        return Reach.NEWER if before & SINCE_WORDS else Reach.EXACT

    def _model(self, at: int, word: _Word) -> Code | None:
        previous = self._text(at - 1)
        named = previous in BRANDS or previous in MODEL_WORDS
        series = _SERIES.fullmatch(word.text)
        digits = sum(map(str.isdigit, word.text))
        if (product := PRODUCTS.get(previous)) and _VARIANT.fullmatch(word.text):
            return self._made(CodeKind.MODEL, product, word.text, word)
        is_named = named and (digits >= _LEAST_MODEL_DIGITS or _VARIANT.fullmatch(word.text))
        if not (series or is_named) or self._is_number_of_a_day(word):
            return None
        if not named and (self._is_order(at) or _PREFIX.sub("", word.text) in NO_MODEL):
            return None
        value = code_value(word.text)
        brand = next((brand for brand in BRANDS if value.startswith(brand) and value[len(brand) :].isdigit()), "")
        return self._made(CodeKind.MODEL, _MODEL, value[len(brand) :], word)

    def _shown(self, at: int, word: _Word) -> Code | None:
        """Codes that a screen shows: "me sale 1402"."""
        if self._is_order(at) or self._is_number_of_a_day(word):
            return None
        if not any(self._text(at - back) in SHOWING for back in (1, 2)):
            return None
        has_letter = any(map(str.isalpha, word.text))
        if not has_letter and len(word.text) < _LEAST_DIGITS:
            return None
        return self._made(CodeKind.ERROR, _ERROR, code_value(word.text), word, certain=False)

    def _loose(self, at: int, word: _Word) -> Code | None:
        """A word that is a code where it is known as one, and otherwise a number like others."""
        digits = sum(map(str.isdigit, word.text))
        if self._is_order(at) or self._is_number_of_a_day(word) or (digits < _LEAST_DIGITS and word.text.isdigit()):
            return None
        return self._made(CodeKind.ERROR, _LOOSE, code_value(word.text), word, certain=False)

    def _listed(self, at: int, word: _Word, before: Code) -> Code | None:
        """A further one of a list: "Windows 10 y 11", "errores 1402, 1406"."""
        if self._text(at + 1) in UNITS or self._beside(word, 1) in _MONEY_AFTER:
            return None
        if before.kind is CodeKind.VERSION and _VERSION_NUMBER.fullmatch(word.text):
            found = self._versioned(at, word, before.family, word.text)
            named = before.written.split()
            return replace(found, written=f"{named[0]} {word.text}") if len(named) > 1 else found
        if before.kind is CodeKind.ERROR and (word.text.isdigit() == before.value.isdigit()):
            return self._made(before.kind, before.family, code_value(word.text), word)
        return None

    def _continues(self, at: int) -> bool:
        """Whether a word stands in a list with the code before it."""
        if at == 0:
            return False
        between = self.folded[self.words[at - 1].end : self.words[at].start].strip()
        if self._text(at - 1) in LISTING:
            between = self.folded[self.words[at - 2].end : self.words[at - 1].start].strip() if at > 1 else ""
            return between in ("", ",") and at > 1 and self.words[at - 2].has_digit
        return between in (",", "/", ", ") and self.words[at - 1].has_digit

    # ------------------------------------------------------------------------------------------------------- making one

    def _error(self, word: _Word, begin: int | None) -> Code:
        value = f"0x{word.text}" if begin is not None and _BARE_HEX.fullmatch(word.text) else code_value(word.text)
        found = self._made(CodeKind.ERROR, _ERROR, value, word)
        return found if begin is None else replace(found, start=self._phrase_start(begin))

    def _phrase_start(self, begin: int) -> int:
        """Start of the words that only introduce a code, with their article."""
        place = begin - 1 if self._text(begin - 1) in ARTICLES else begin
        return self.words[place].start

    def _made(self, kind: CodeKind, family: str, value: str, word: _Word, *, certain: bool = True) -> Code:
        return Code(kind, family, value, self.text[word.start : word.end], certain, Reach.EXACT, word.start, word.end)

    def _text(self, at: int) -> str:
        return self.words[at].text if 0 <= at < len(self.words) else ""

    def _beside(self, word: _Word, side: int) -> str:
        """The character before or after a word, spaces left out; empty where there is none near."""
        start, end = (word.start - _NEAR, word.start) if side < 0 else (word.end, word.end + _NEAR)
        near = self.folded[max(0, start) : end].strip(" ")
        return near[-1:] if side < 0 else near[:1]

    def _adjoins(self, at: int) -> bool:
        return at + 1 < len(self.words) and not self.folded[self.words[at].end : self.words[at + 1].start].strip()


_LOOSE = "number"
_MOST_FILLERS = 4
_NEAR = 3
_LEAST_DIGITS = 3
_LEAST_MODEL_DIGITS = 3
_SENTENCE_END = re.compile(r"[.!?\n](?:\s|$)")
_SLASHED = re.compile(r"(?<!\d)(?:\d{1,2}/\d{1,2}|\d{4}/\d{1,2})(?!\d)")
_PREFIX = re.compile(r"[-\d].*")
