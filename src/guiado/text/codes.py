"""Codes in a text: error codes, versions of a product and models, told apart from amounts, counts, times and dates.

A code is exact: 1402 is not 1406, and Windows 11 is not Windows 10. Any other number may vary ("50 %", "2 veces").

Every rule looks at a word and a few words around it, so that time grows with the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

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
    NAMED_VERSIONS,
    NO_LETTERS,
    NO_MODEL,
    OLDER_WORDS,
    ONE_TIME_WORDS,
    OR_WORDS,
    PRODUCTS,
    SHOWING,
    SINCE_WORDS,
    TO_VERSION,
    UNITS,
    UP_WORDS,
    VERSION_WORDS,
)
from guiado.text.fold import fold_in_place
from guiado.text.plain_numbers import (
    FEWEST_DIGITS,
    TOKEN,
    PlacedWord,
    PlacedWords,
    ends_in_share,
    is_amount,
    is_date,
    is_day,
    is_order,
    is_thousands,
)

MOST_CODES = 40
"""Distinct codes that are read of one text: who names more pastes a log."""
LONGEST_CODE = 40
"""Length of the longest code, in characters; anything longer is a key or a hash."""


_ERROR = "error"
_MODEL = "model"
_VERSION = "version"
_BARE_HEX = re.compile(r"[89c][0-9a-f]{7}")
_WORDED = re.compile(r"(?:err|dns-probe)(?:-[a-z]+){2,}")
_LOUD_RUN = re.compile(r"\b(?:ERR|DNS PROBE|INET E|SSL ERROR)(?: [A-Z]{2,}){1,5}\b")
_LETTERS = re.compile(r"[A-Z]{1,3}")
_NUMBER_OF_MODEL = re.compile(r"\d{3,5}[a-z]{0,2}")
_SNAKE = re.compile(r"(?:err|dns_probe|inet_e|ssl|sec|nt|pr|status|fatal|mozilla_pkix|e)_[a-z0-9_]+")
_LOUD_SNAKE = re.compile(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+")
_LONG = re.compile(r"0x[0-9a-f]{17}|(?:err|dns_probe)_")
_E_CODE = re.compile(r"e[-.]?\d{1,5}[a-z]?")
_UNMISTAKABLE = re.compile(rf"{HEX.pattern}|{_E_CODE.pattern}|kb-?\d{{5,8}}")
_SERIES = re.compile(r"(?:[a-z]{1,5}-)?[a-z]{1,6}-?\d{3,5}[a-z]{0,3}")
_VARIANT = re.compile(r"[a-z]\d{1,3}")
_DOTTED = re.compile(r"\d{1,2}(?:\.\d{1,3}){1,2}")
_VERSION_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,5}){0,3}")
_V_NUMBER = re.compile(r"v(\d{1,4}(?:\.\d{1,5}){0,3})")
_SHORT_WINDOWS = re.compile(r"(w)(7|8|10|11)")
_JOINED = re.compile(r"([a-z]{2,12})-?(\d{1,4}(?:\.\d{1,3}){0,2})")
_AROUND = 6
"""PlacedWords before a plain "código" that may say that it is one to type in."""


@lru_cache(maxsize=256)
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


_NAMES = "|".join(name for names in NAMED_VERSIONS.values() for name in names)
_MAY_HAVE = re.compile(rf"\d|[^\W_]_|{_LOUD_RUN.pattern}|(?i:{_WORDED.pattern}|\b(?:{_NAMES})\b)")


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
    is_one_word = TOKEN.fullmatch(fold_in_place(named)) is not None and len(named) <= LONGEST_CODE
    if not is_one_word or not _MAY_HAVE.search(named):
        return None
    return Code(CodeKind.ERROR, _ERROR, code_value(fold_in_place(named)), named)


class _Reader:
    """Reads the codes of one text, word by word."""

    def __init__(self, text: str) -> None:
        self.words = PlacedWords(text)

    def codes(self) -> Iterator[Code]:
        yield from self._loud_runs()
        before: Code | None = None
        for at, word in enumerate(self.words.all):
            if not self._may_be_code(at, word):
                continue
            listed = before if before and self._continues(at) else None
            code = self._long(at, word) if len(word.text) > LONGEST_CODE else self._code(at, word, listed)
            if code is not None:
                yield code
                before = code
            elif not self._continues(at):
                before = None

    def _may_be_code(self, at: int, word: PlacedWord) -> bool:
        is_named = word.text in NAMED_VERSIONS.get(PRODUCTS.get(self.words.at(at - 1), ""), ())
        return word.has_digit or "_" in word.text or is_named or _WORDED.fullmatch(word.text) is not None

    def _long(self, at: int, word: PlacedWord) -> Code | None:
        """A code that is too long to be one, but looks like it or is called so: none that anybody knows."""
        if not (_LONG.match(word.text) or self._introduced_from(at) is not None):
            return None
        written = f"{self.words.text[word.start : word.start + LONGEST_CODE]}…"
        value = f"{word.text[:LONGEST_CODE]}…"
        return Code(CodeKind.ERROR, _ERROR, value, written, start=word.start, end=word.end)

    def _loud_runs(self) -> Iterator[Code]:
        """Error names whose words are written apart: "sale ERR CONNECTION RESET"."""
        for match in _LOUD_RUN.finditer(self.words.text) if not self.words.is_loud else ():
            value = match.group().lower().replace(" ", "_")
            yield Code(CodeKind.ERROR, _ERROR, value, match.group(), start=match.start(), end=match.end())

    def _code(self, at: int, word: PlacedWord, before: Code | None) -> Code | None:
        if before is not None and before.certain and (code := self._listed(at, word, before)):
            return code
        if is_amount(self.words, at):
            return None
        return (
            self._unmistakable(at, word)
            or self._version(at, word)
            or self._after_code_word(at, word)
            or self._model(at, word)
            or self._spaced_model(at, word)
            or self._shown(at, word)
            or self._loose(at, word)
        )

    # --------------------------------------------------------------------------------------------------- what is one

    def _unmistakable(self, at: int, word: PlacedWord) -> Code | None:
        is_snake = (
            _SNAKE.fullmatch(word.text)
            or _WORDED.fullmatch(word.text)
            or _LOUD_SNAKE.fullmatch(self.words.text[word.start : word.end])
        )
        if not (is_snake or _UNMISTAKABLE.fullmatch(word.text)):
            return None
        if _E_CODE.fullmatch(word.text) and (is_order(self.words, at) or self.words.at(at - 1) in BRANDS | MODEL_WORDS):
            return None
        return self._error(word, self._introduced_from(at))

    def _after_code_word(self, at: int, word: PlacedWord) -> Code | None:
        begin = self._introduced_from(at)
        if begin is None and self._is_called_error(at):
            return self._error(word, None)
        if begin is None or not word.has_digit or self._is_one_time(begin):
            return None
        is_day = word.text.isdigit() and len(word.text) < FEWEST_DIGITS and self.words.at(at - 1) in ARTICLES
        if is_day or (self.words.all[begin].text not in ERROR_WORDS and is_date(word.text)):
            return None
        return self._error(word, begin)

    def _is_called_error(self, at: int) -> bool:
        """Whether the word for an error follows a number: "a 503 error"."""
        digits = sum(map(str.isdigit, self.words.at(at)))
        return digits >= FEWEST_DIGITS and self.words.at(at + 1) in {"error", "erro"} and self.words.adjoins(at)

    def _introduced_from(self, at: int) -> int | None:
        """Place of the word that says that a code follows: "código de error es el 1402"; None where there is none."""
        begin: int | None = None
        for place in range(at - 1, max(-1, at - 2 - _MOST_FILLERS), -1):
            text = self.words.at(place)
            if text in ERROR_WORDS or text in CODE_WORDS:
                begin = place
            elif text not in FILLERS:
                break
            if _SENTENCE_END.search(self.words.folded[self.words.all[place].end : self.words.all[place + 1].start]):
                return None if begin is None or begin == place else begin
        return begin

    def _is_one_time(self, begin: int) -> bool:
        """Whether a code is one to type in: "me llegó el código 4821"."""
        if any(self.words.at(place) in ERROR_WORDS for place in (begin, begin + 1, begin + 2)):
            return False
        return any(self.words.at(place) in ONE_TIME_WORDS for place in range(begin - _AROUND, begin + _AROUND))

    def _version(self, at: int, word: PlacedWord) -> Code | None:
        if (v := _V_NUMBER.fullmatch(word.text)) and not is_order(self.words, at):
            return self._versioned(at, word, self._product_near(at), v[1])
        product = PRODUCTS.get(self.words.at(at - 1), "")
        if number := NAMED_VERSIONS.get(product, {}).get(word.text):
            return replace(
                self._versioned(at, word, product, number), written=f"{self.words.written(at - 1)} {self.words.written(at)}"
            )
        joined = _JOINED.fullmatch(word.text) or _SHORT_WINDOWS.fullmatch(word.text)
        if joined and (product := PRODUCTS.get(joined[1])):
            return self._versioned(at, word, product, joined[2])
        return self._numbered(at, word) if _VERSION_NUMBER.fullmatch(word.text) else None

    def _numbered(self, at: int, word: PlacedWord) -> Code | None:
        previous = self.words.at(at - 1)
        if product := PRODUCTS.get(previous) or (PRODUCTS.get(self.words.at(at - 2)) if previous in EDITIONS else None):
            return self._versioned(at, word, product, word.text)
        if previous in VERSION_WORDS or (previous in FILLERS and self.words.at(at - 2) in VERSION_WORDS):
            return self._versioned(at, word, self._product_near(at), word.text)
        if _DOTTED.fullmatch(word.text) and not is_thousands(word.text) and previous in TO_VERSION:
            return self._versioned(at, word, _VERSION, word.text, certain=False)
        return None

    def _product_near(self, at: int) -> str:
        """The product whose version is named: "windows versión 11", "versión 11 de windows"."""
        for place in (at - 1, at - 2, at - 3, at + 1, at + 2):
            if product := PRODUCTS.get(self.words.at(place)):
                return product
        return _VERSION

    def _versioned(self, at: int, word: PlacedWord, family: str, number: str, *, certain: bool = True) -> Code:
        written = self.words.text[word.start : word.end]
        if word.text == number and family != _VERSION:
            written = f"{self.words.text[self.words.all[at - 1].start : self.words.all[at - 1].end]} {written}"
        return Code(CodeKind.VERSION, family, number, written, certain, self._reach(at), word.start, word.end)

    def _reach(self, at: int) -> Reach:
        if self.words.folded.startswith("+", self.words.all[at].end):
            return Reach.NEWER
        after = [self.words.at(at + n) for n in (1, 2, 3)]
        before = {self.words.at(at - n) for n in (1, 2, 3)}
        if after[0] in OR_WORDS and after[1:] and (after[1] in UP_WORDS or after[2] in UP_WORDS):
            return Reach.NEWER
        if after[0] in OR_WORDS and (after[1] in OLDER_WORDS or after[2] in OLDER_WORDS):
            return Reach.OLDER
        return Reach.NEWER if before & SINCE_WORDS else Reach.EXACT

    def _model(self, at: int, word: PlacedWord) -> Code | None:
        previous = self.words.at(at - 1)
        named = previous in BRANDS or previous in MODEL_WORDS
        series = _SERIES.fullmatch(word.text)
        digits = sum(map(str.isdigit, word.text))
        if (product := PRODUCTS.get(previous)) and _VARIANT.fullmatch(word.text):
            return self._made(CodeKind.MODEL, product, word.text, word)
        is_named = named and (digits >= FEWEST_DIGITS or _VARIANT.fullmatch(word.text))
        if not (series or is_named) or is_day(word):
            return None
        if not named and (is_order(self.words, at) or _PREFIX.sub("", word.text) in NO_MODEL):
            return None
        value = code_value(word.text)
        brand = next((brand for brand in BRANDS if value.startswith(brand) and value[len(brand) :].isdigit()), "")
        return self._made(CodeKind.MODEL, _MODEL, value[len(brand) :], word)

    def _spaced_model(self, at: int, word: PlacedWord) -> Code | None:
        """A model whose letters stand apart: "L 3250"; it is one where such models are known."""
        letters = self.words.written(at - 1)
        is_apart = _LETTERS.fullmatch(letters) and letters.lower() not in NO_LETTERS and not self.words.is_loud
        if not is_apart or not _NUMBER_OF_MODEL.fullmatch(word.text) or not self.words.adjoins(at - 1):
            return None
        if letters.lower() in NO_MODEL | ERROR_WORDS | CODE_WORDS | BRANDS or is_order(self.words, at):
            return None
        value = code_value(letters.lower() + word.text)
        written = f"{letters} {self.words.written(at)}"
        start = self.words.all[at - 1].start
        return Code(CodeKind.MODEL, _MODEL, value, written, certain=False, start=start, end=word.end)

    def _shown(self, at: int, word: PlacedWord) -> Code | None:
        """Codes that a screen shows: "me sale 1402"."""
        if is_order(self.words, at) or is_day(word):
            return None
        if not any(self.words.at(at - back) in SHOWING for back in (1, 2)):
            return None
        has_letter = any(map(str.isalpha, word.text))
        if not has_letter and len(word.text) < FEWEST_DIGITS:
            return None
        return self._made(CodeKind.ERROR, _ERROR, _value(word.text), word, certain=False)

    def _loose(self, at: int, word: PlacedWord) -> Code | None:
        """A word that is a code where it is known as one, and otherwise a number like others."""
        digits = sum(map(str.isdigit, word.text))
        if is_order(self.words, at) or is_day(word) or (digits < FEWEST_DIGITS and word.text.isdigit()):
            return None
        return self._made(CodeKind.ERROR, _LOOSE, _value(word.text), word, certain=False)

    def _listed(self, at: int, word: PlacedWord, before: Code) -> Code | None:
        """A further one of a list: "Windows 10 y 11", "errores 1402, 1406"."""
        if self.words.at(at + 1) in UNITS or ends_in_share(self.words, word):
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
        between = self.words.folded[self.words.all[at - 1].end : self.words.all[at].start].strip()
        if self.words.at(at - 1) in LISTING:
            between = self.words.folded[self.words.all[at - 2].end : self.words.all[at - 1].start].strip() if at > 1 else ""
            return between in ("", ",") and at > 1 and self.words.all[at - 2].has_digit
        return between in (",", "/", ", ") and self.words.all[at - 1].has_digit

    # ------------------------------------------------------------------------------------------------------- making one

    def _error(self, word: PlacedWord, begin: int | None) -> Code:
        found = self._made(CodeKind.ERROR, _ERROR, _value(word.text), word)
        return found if begin is None else replace(found, start=self._phrase_start(begin))

    def _phrase_start(self, begin: int) -> int:
        """Start of the words that only introduce a code, with their article."""
        place = begin - 1 if self.words.at(begin - 1) in ARTICLES else begin
        return self.words.all[place].start

    def _made(self, kind: CodeKind, family: str, value: str, word: PlacedWord, *, certain: bool = True) -> Code:
        return Code(kind, family, value, self.words.text[word.start : word.end], certain, Reach.EXACT, word.start, word.end)


def _value(word: str) -> str:
    """The value of an error code; a hexadecimal one may be written without its 0x, a worded one with hyphens."""
    if _WORDED.fullmatch(word):
        return word.replace("-", "_")
    return f"0x{word}" if _BARE_HEX.fullmatch(word) else code_value(word)


_LOOSE = "number"
_MOST_FILLERS = 4
_SENTENCE_END = re.compile(r"[.!?\n](?:\s|$)")
_PREFIX = re.compile(r"[-\d].*")
