"""What a typed line chooses, in three languages."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from guiado.app.sessions.models import SaidRow, StepOut
from guiado.cli.chat_view import show_choices
from guiado.cli.choices import BACK, Choice, resemble, understand
from guiado.cli.console import Screen

STEP = StepOut(
    session_id="s", step_number=1, step_id="a", type="fix", title="T", description="", instructions=[], expected_result="",
    warnings=[], resources=[], irreversible=False, already_tried=SaidRow(words="x"), total_steps=1, current_step=0,
    estimated_time="", difficulty="",
)  # fmt: skip
MEANINGS = ("solved", "not_helped", "could_not", "done", "tried", "wrong", "person", BACK, "leave")
LETTERS = {
    language: dict(zip(letters, MEANINGS, strict=True))
    for language, letters in (("es", "snphyxavq"), ("en", "sncdyxabq"), ("pt", "sncfjxavq"))
}
WORDS = ["sigue igual", "ayuda", "siguiente", "no sé", "hola", "que hago", "help", "still the same", "no idea", "socorro", "nada",
         "no", "si", "yes", "aa", "s n", "", "?", "1", "p.s. no"]  # fmt: skip


def choices(language: str) -> list[Choice]:
    return show_choices(Screen(language), STEP)


@pytest.mark.parametrize("language", LETTERS)
def test_a_letter_or_all_words_of_an_option_choose_it(language: str) -> None:
    known = choices(language)
    for letter, meaning in LETTERS[language].items():
        for typed in (letter, letter.upper(), f" [{letter}] ", f"{letter}."):
            assert understand(typed, known).meaning == meaning
    for choice in known:
        assert understand(choice.words.upper() + "!", known) is choice


@pytest.mark.parametrize("language", LETTERS)
@pytest.mark.parametrize("typed", WORDS)
def test_any_other_words_choose_nothing(language: str, typed: str) -> None:
    assert understand(typed, choices(language)) is None


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [("atrás", BACK), ("VOLVER", BACK), ("back", BACK), ("voltar", BACK), ("salir", "leave"), ("Se resolvió", "solved")],
)
def test_some_words_are_plain(typed: str, meaning: str) -> None:
    assert understand(typed, choices("es")).meaning == meaning


def test_a_part_of_one_option_is_named_and_a_part_of_two_is_not() -> None:
    assert resemble("sigue igual", choices("es")).key == "n"
    assert resemble("lo", choices("es")) is None
    assert resemble("hecho", choices("es")) is None, "not offered at this step"
    assert resemble("que no", choices("es")) is None


def test_done_is_offered_where_there_is_only_something_to_look_up() -> None:
    shown = {kind: {c.key for c in show_choices(Screen("es"), replace(STEP, type=kind)) if c.shown} for kind in ("fix", "check")}
    assert shown["check"] - shown["fix"] == {"h"}
