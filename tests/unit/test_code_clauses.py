"""Codes count for the whole of a message: in another clause than the complaint, and as the complaint itself."""

from __future__ import annotations

import pytest
from test_code_families import PROBLEMS, verdict

from guiado.detection import Index, build_index
from guiado.detection.message_reader import read_message
from guiado.detection.roles.role import MessageKind
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import Verdict


@pytest.fixture(scope="module")
def index() -> Index:
    built = build_index(PROBLEMS, encoder=make_encoder())
    return built.with_model(built.fit())


@pytest.mark.parametrize(
    "text",
    [
        "windows 8.1 y la app no arranca",
        "Android 9: la app se cierra sola",
        "modelo 2785, no imprime",
        "actualicé al firmware 2.0.9 y se reinicia sola",
        "firmware: 4.0.0, se reinicia",
    ],
)
def test_a_code_in_another_clause_counts(index: Index, text: str) -> None:
    assert verdict(index, text)[0] is not Verdict.ACCEPT
    assert read_message(index, text).unknown_codes


@pytest.mark.parametrize(
    "text",
    ["HTTP 503", "código 503", "http status 503", "el sitio responde 503", "the site returns 503", "a página mostra 503"],
)
def test_a_code_that_a_screen_shows_is_a_complaint(index: Index, text: str) -> None:
    assert verdict(index, text) == (Verdict.ACCEPT, "page")


def test_a_code_that_nobody_knows_is_a_complaint_too(index: Index) -> None:
    assert read_message(index, "HTTP 599").kind is MessageKind.PROBLEM
    assert verdict(index, "HTTP 599")[0] is Verdict.NONE
