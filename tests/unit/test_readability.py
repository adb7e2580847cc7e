"""Readability: the indices themselves, and that of what customers read in Spanish on pages and in messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import guiado
from guiado.text.readability import english_syllables, fernandez_huerta, flesch, martins, sentences_of, syllables

PACKAGE = Path(guiado.__file__).parent
LEAST, LEAST_OF_ONE, LONG_WORDS = 70.0, 55.0, 12
MESSAGES = ("app/sessions/customer_messages.py", "web/wizard/*.py")
TEMPLATES = ("web/pages/wizard/*.html", "web/pages/parts/*.html")
_SAID = re.compile(r'\b_[np]?\(("(?:[^"\\]|\\.)*"(?:, "(?:[^"\\]|\\.)*")?)')
_WORD = re.compile(r"[a-záéíóúüñ]+", re.IGNORECASE)


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
    figure = fernandez_huerta(texts())
    assert figure >= LEAST, f"{figure:.1f}"


def test_no_long_text_is_hard_to_read() -> None:
    long = [each for each in texts() if len(_WORD.findall(each)) > LONG_WORDS]
    assert long
    hard = {each: round(figure, 1) for each in long if (figure := fernandez_huerta([each])) < LEAST_OF_ONE}
    assert not hard


@pytest.mark.parametrize(
    ("word", "count"), [("the", 1), ("make", 1), ("table", 2), ("restart", 2), ("closed", 1), ("wanted", 2), ("settings", 2)]
)
def test_syllables_of_english_words(word: str, count: int) -> None:
    assert english_syllables(word) == count


@pytest.mark.parametrize(
    ("index", "easy", "hard"),
    [
        (fernandez_huerta, "Abre la caja. Mira la luz.", "La parametrización consecuente posibilita interoperabilidades."),
        (flesch, "Open the box. Look at the light.", "Subsequent parametrisation facilitates considerable interoperability."),
        (martins, "Abra a caixa. Veja a luz.", "A parametrização consequente possibilita interoperabilidades."),
    ],
)
def test_short_words_and_sentences_are_easier(index, easy: str, hard: str) -> None:
    assert index([easy]) > 80
    assert index([hard]) < 20


def test_sentences_are_cut_where_they_end() -> None:
    assert sentences_of("Abre «Red». Espera 1.5 minutos; luego mira. ¿Va?\nSigue") == [
        "Abre «Red».", "Espera 1.5 minutos;", "luego mira.", "¿Va?", "Sigue",
    ]  # fmt: skip
