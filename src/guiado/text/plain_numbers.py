"""Numbers that are no code: amounts, counts, times, dates, phone numbers, and the numbers of orders, flats and steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from guiado.text.code_words import (
    ARTICLES,
    CODE_WORDS,
    CURRENCIES,
    ERROR_WORDS,
    FILLERS,
    LINKS,
    MONTHS,
    ORDER_WORDS,
    PHONE_WORDS,
    PRODUCTS,
    SHOWING,
    UNITS,
)
from guiado.text.fold import fold_in_place

TOKEN = re.compile(
    r"0x +(?=[0-9a-f]{4})[0-9a-f]{4,16}(?![^\W_])|(?:error|erro|err|code|codigo|cod)(?=[-.]?\d)|"
    r"[^\W_]+(?:[._-]+[^\W_]+|(?<=\d):(?=\d\d)\d\d)*",
)
_TIME = re.compile(r"\d{1,2}(?::\d\d){1,2}")
_DATE = re.compile(r"\d{1,2}[-.]\d{1,2}(?:[-.]\d{2,4})?|(?:19|20)\d\d-\d\d?(?:-\d\d?)?")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.]\d{3})+")
_SLASHED = re.compile(r"(?<!\d)(?:\d{1,2}/\d{1,2}|\d{4}/\d{1,2})(?!\d)")
_PHONE_PART = re.compile(r"\d{1,7}(?:-\d{2,7})*")
_MONEY_BEFORE, _MONEY_AFTER = frozenset("$€£¥"), frozenset("$€£¥%‰°")
_NEAR = 3
FEWEST_DIGITS = 3
"""Digits of a code that nothing but digits make."""
_LONGEST_YEAR = 4
_ORDER_REACH = 3
_FEWEST_PHONE_DIGITS, _MOST_PHONE_PARTS, _FEWEST_PHONE_PARTS = 7, 6, 2
_PROTOCOL = frozenset(("1.0", "1.1", "2", "2.0", "3"))


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word of a text, in folded spelling, with its place."""

    text: str
    start: int
    end: int
    has_digit: bool


class PlacedWords:
    """The words of one text.

    Args:
        text: as it was written.
    """

    def __init__(self, text: str) -> None:
        self.text, self.folded = text, fold_in_place(text)
        self.all = [_word(match) for match in TOKEN.finditer(self.folded)]
        self.is_loud = text.isupper()

    def at(self, place: int) -> str:
        """The word at a place; empty where there is none."""
        return self.all[place].text if 0 <= place < len(self.all) else ""

    def written(self, place: int) -> str:
        """The same as it was written."""
        return self.text[self.all[place].start : self.all[place].end] if 0 <= place < len(self.all) else ""

    def between(self, place: int) -> str:
        """The characters between a word and the next one, without spaces at their ends."""
        return self.folded[self.all[place].end : self.all[place + 1].start].strip()

    def beside(self, word: PlacedWord, side: int) -> str:
        """The character before or after a word, spaces left out; empty where there is none near."""
        start, end = (word.start - _NEAR, word.start) if side < 0 else (word.end, word.end + _NEAR)
        near = self.folded[max(0, start) : end].strip(" ")
        return near[-1:] if side < 0 else near[:1]

    def adjoins(self, place: int) -> bool:
        """Whether only spaces are between a word and the next one."""
        return place + 1 < len(self.all) and not self.between(place)


def is_amount(words: PlacedWords, at: int) -> bool:
    """Whether the word at a place is an amount, a count, a time, a date or a phone number."""
    word, previous = words.all[at], words.at(at - 1)
    if words.beside(word, -1) in _MONEY_BEFORE or ends_in_share(words, word) or previous in CURRENCIES:
        return True
    if _TIME.fullmatch(word.text) or (_is_slashed_date(words, word) and previous not in PRODUCTS):
        return True
    if previous == "http" and word.text in _PROTOCOL:
        return True
    return _is_counted(words, at) or _is_phone(words, at)


def ends_in_share(words: PlacedWords, word: PlacedWord) -> bool:
    """Whether a sign for money, percent or degrees follows."""
    return words.beside(word, 1) in _MONEY_AFTER


def is_day(word: PlacedWord) -> bool:
    """Whether a word is written as a date or with separators of thousands."""
    return bool(_DATE.fullmatch(word.text) or _THOUSANDS.fullmatch(word.text))


def is_date(text: str) -> bool:
    """Whether a word is written as a date."""
    return bool(_DATE.fullmatch(text))


def is_thousands(text: str) -> bool:
    """Whether a number is written with separators of thousands."""
    return bool(_THOUSANDS.fullmatch(text))


def is_order(words: PlacedWords, at: int) -> bool:
    """Whether it is the number of an order, an invoice, a flat, a step, a phone."""
    if words.beside(words.all[at], -1) == "#":
        return True
    for place in range(at - 1, at - 1 - _ORDER_REACH, -1):
        text = words.at(place)
        if text in ORDER_WORDS or text in PHONE_WORDS:
            return True
        is_link = text in FILLERS or text in ARTICLES or text in LINKS or any(map(str.isdigit, text))
        if not is_link or text in SHOWING:
            return False
    return False


def _word(match: re.Match[str]) -> PlacedWord:
    text = match.group().replace(" ", "")
    return PlacedWord(text, match.start(), match.end(), any(map(str.isdigit, text)))


def _is_counted(words: PlacedWords, at: int) -> bool:
    """Whether a unit or a month follows, or the whole of which it is a part: "el 3 de 10"."""
    if not words.all[at].text.replace(".", "").isdigit() or not words.adjoins(at):
        return False
    following, next_one = words.at(at + 1), words.at(at + 2)
    if following in ERROR_WORDS and len(words.at(at)) >= FEWEST_DIGITS:
        return False
    if following in UNITS or following in MONTHS or (following == "de" and next_one in MONTHS):
        return True
    is_part = following in {"de", "of"} and next_one.isdigit() and len(next_one) < _LONGEST_YEAR + 1
    return is_part and int(next_one) >= _as_int(words.at(at)) and not _is_introduced(words, at)


def _as_int(text: str) -> int:
    return int(text) if text.isdigit() and len(text) <= _LONGEST_YEAR else 10**_LONGEST_YEAR


def _is_introduced(words: PlacedWords, at: int) -> bool:
    before = {words.at(at - 1), words.at(at - 2)}
    return not before.isdisjoint(ERROR_WORDS | CODE_WORDS)


def _is_slashed_date(words: PlacedWords, word: PlacedWord) -> bool:
    beside = words.folded[max(0, word.start - _NEAR) : word.end + _NEAR]
    return len(word.text) <= _LONGEST_YEAR and bool(_SLASHED.search(beside))


def _is_phone(words: PlacedWords, at: int) -> bool:
    """Whether it is dialled: after + or *, or one of several groups of digits that make a phone number."""
    word = words.all[at]
    if words.folded[max(0, word.start - 1) : word.start] in {"+", "*"} and _PHONE_PART.fullmatch(word.text):
        return True
    first = last = at
    while first > at - _MOST_PHONE_PARTS and _continues_phone(words, first - 1):
        first -= 1
    while last < at + _MOST_PHONE_PARTS and _continues_phone(words, last):
        last += 1
    parts = [words.at(place) for place in range(first, last + 1)]
    digits = sum(map(str.isdigit, "".join(parts)))
    is_long = len(parts) >= _FEWEST_PHONE_PARTS and digits >= _FEWEST_PHONE_DIGITS
    return is_long and not _is_introduced(words, first)


def _continues_phone(words: PlacedWords, place: int) -> bool:
    """Whether the word at a place and the next one are groups of one number."""
    if not 0 <= place < len(words.all) - 1:
        return False
    one, other = words.at(place), words.at(place + 1)
    return bool(_PHONE_PART.fullmatch(one) and _PHONE_PART.fullmatch(other)) and words.between(place) in {"", "(", ")", "-"}
