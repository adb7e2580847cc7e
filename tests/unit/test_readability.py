"""Readability of what customers read in Spanish: the index of Fernández Huerta over the texts of pages and messages.

Source: J. Fernández Huerta, "Medidas sencillas de lecturabilidad", Consigna 214 (1959), in its usual correction:
206.84 − 60 · syllables per word − 1.02 · words per sentence. 70 to 80 is "rather easy".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import guiado

PACKAGE = Path(guiado.__file__).parent
LEAST, LEAST_OF_ONE, LONG_WORDS = 70.0, 55.0, 12
MESSAGES = ("app/sessions/customer_messages.py", "web/wizard/*.py")
TEMPLATES = ("web/pages/wizard/*.html", "web/pages/parts/*.html")
_SAID = re.compile(r'\b_[np]?\(("(?:[^"\\]|\\.)*"(?:, "(?:[^"\\]|\\.)*")?)')
_WORD = re.compile(r"[a-záéíóúüñ]+", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?…:]+(?:\s|$)")
_VOWELS, _STRONG = "aeiouáéíóúü", "aeoáéíóú"


def syllables(word: str) -> int:
    """Syllables of a Spanish word: groups of vowels, cut between two strong ones and where a weak one has the accent."""
    letters = re.sub(r"(?<=[gq])u(?=[eiéí])", "", word.lower())
    letters = re.sub(r"y$|y(?![aeiouáéíóú])", "i", letters)
    found, before = 0, ""
    for letter in letters:
        if letter in _VOWELS and (before not in _VOWELS or not before or (letter in _STRONG and before in _STRONG)):
            found += 1
        before = letter
    return max(found, 1)


def index_of(texts: list[str]) -> float:
    """The index of texts that are read one after the other; each ends a sentence."""
    words = [word for text in texts for word in _WORD.findall(text)]
    sentences = sum(max(1, len([part for part in _SENTENCE.split(text) if _WORD.search(part)])) for text in texts)
    return 206.84 - 60 * sum(map(syllables, words)) / len(words) - 1.02 * len(words) / sentences


@cache
def texts() -> tuple[str, ...]:
    """What customers may read, without its placeholders."""
    found = {*_of_code(), *_of_templates()}
    return tuple(sorted(plain for each in found if _WORD.search(plain := re.sub(r"\{\w+\}", "", each))))


def _of_templates() -> Iterator[str]:
    for pattern in TEMPLATES:
        for path in sorted(PACKAGE.glob(pattern)):
            for call in _SAID.finditer(path.read_text("utf-8")):
                said = ast.literal_eval(f"[{call[1]}]")
                yield said[-1]


def _of_code() -> Iterator[str]:
    for pattern in MESSAGES:
        for path in sorted(PACKAGE.glob(pattern)):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"text", "text_for", "Message"}:
                    yield from (
                        each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                    )


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("sol", 1), ("casa", 2), ("paso", 2), ("día", 2), ("país", 2), ("ciudad", 2), ("resolvió", 3), ("guiado", 2),
        ("aquí", 2), ("queremos", 3), ("referencia", 4), ("teoría", 4), ("caer", 2), ("hoy", 1), ("muy", 1), ("ayer", 2),
        ("pingüino", 3), ("averiguáis", 4), ("aéreo", 4), ("escríbenos", 4), ("y", 1), ("correo", 3), ("también", 2),
    ],
)  # fmt: skip
def test_syllables_of_known_words(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_texts_of_customers_are_easy_to_read() -> None:
    assert len(texts()) > 100, "they are found"
    figure = index_of(list(texts()))
    assert figure >= LEAST, f"{figure:.1f}"


def test_no_long_text_is_hard_to_read() -> None:
    long = [each for each in texts() if len(_WORD.findall(each)) > LONG_WORDS]
    assert long
    hard = {each: round(figure, 1) for each in long if (figure := index_of([each])) < LEAST_OF_ONE}
    assert not hard
