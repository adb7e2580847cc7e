"""The kinds of folding: what each takes for the same, and what each keeps apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.text.fold import fold, fold_accents, fold_canonically, fold_case, fold_in_place, fold_text

ALL: list[Callable[[str], str]] = [fold_text, fold_accents, fold_canonically, fold_case, fold_in_place]


@pytest.mark.parametrize("kind", ALL)
@given(text=st.text())
def test_what_is_folded_stays_as_it_is(kind: Callable[[str], str], text: str) -> None:
    once = kind(kind(text))  # a few old letters become others that fold again
    assert kind(once) == once


@given(st.text())
def test_places_stay_where_they_are(text: str) -> None:
    assert len(fold_in_place(text)) == len(text)


@pytest.mark.parametrize("kind", [fold, fold_text, fold_accents, fold_canonically, fold_in_place])
def test_case_and_accents_do_not_count(kind: Callable[[str], str]) -> None:
    assert kind("CONTRASEÑA") == kind("contraseña") == "contrasena"
    assert kind("Não consigo, ação") == "nao consigo, acao"


def test_accents_count_where_only_case_is_folded() -> None:
    assert fold_case("  Año \n NUEVO ") == "año nuevo"
    assert fold_case("ano") != fold_case("año")


def test_characters_that_only_look_alike_are_kept_apart_by_one_kind() -> None:
    for same, plain in (("Ⅷ", "viii"), ("Ａ", "a"), ("①", "1")):
        assert fold_accents(same) == fold_text(same) == plain
        assert fold_canonically(same) != plain


def test_only_detection_leaves_out_what_is_invisible() -> None:
    assert fold_text("wi\u200bfi\x00 \t lento") == "wifi lento"
    assert "\u200b" in fold_accents("wi\u200bfi")
    assert "\u200b" in fold_in_place("wi\u200bfi")
