"""A question of the guide in `guiado chat`: asked at a terminal by number, never of a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import asking
import pytest
from orders import Curious
from terminal import Ran, at_a_terminal, plain

from guiado.agent import TroubleshootingAgent
from guiado.sync import engine

Run = Callable[..., Ran]


@pytest.fixture
def session_id(facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A session that waits for the answer to a question."""
    monkeypatch.setenv("GUIADO_KB_PATH", str(asking.write(tmp_path / "kb.json")))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    agent = TroubleshootingAgent()
    engine().runtime.parts.policy = Curious()
    return agent.start_troubleshooting(asking.WORDS, "ana@example.com").session_id


def test_the_customer_chooses_or_does_not_know_and_goes_on(session_id: str, facade: str, here: Run) -> None:
    said = at_a_terminal(facade, "chat", session_id, keys=[b"roj\r", b"1\r", b"q\r"])
    shown = plain(said)
    assert said.code == 0
    assert shown.index(asking.LIGHT) < shown.index("De acuerdo. Sigamos con el paso 1 de 3.") < shown.index("Revisa el enchufe")
    assert "[d] No lo sé" in shown
    assert shown.count("así que no hice nada") == 1
    asking.open_question(facade, "cuando")
    shown = plain(at_a_terminal(facade, "chat", session_id, keys=[b"d\r", b"n\r", b"q\r"]))
    assert "¿Desde cuándo pasa?" in shown
    assert "Limpia el filtro" in shown
    state = json.loads(here("sessions", "show", session_id, "--json").out)["session"]
    assert (state["current_step"], state["question"]) == (1, None)


def test_the_answer_before_a_step_may_be_changed(session_id: str, facade: str, here: Run) -> None:
    said = at_a_terminal(facade, "chat", session_id, keys=[b"1\r", b"atras\r", b"s\r", b"2\r", b"atras\r", b"n\r", b"q\r"])
    shown = plain(said)
    assert said.code == 0
    assert shown.count(f"Antes de este paso respondiste: {asking.LIGHT}") == 2
    answers = json.loads(here("sessions", "show", session_id, "--json").out)["guide_answers"]
    assert [each["answer_id"] for each in answers] == ["verde"]


@pytest.mark.parametrize(("said", "left_as"), [(b"q\r", "started"), (b"quiero hablar con una persona\r", "escalated")])
def test_whoever_changes_an_answer_may_leave_or_ask_for_a_person(
    session_id: str, facade: str, here: Run, said: bytes, left_as: str
) -> None:
    told = at_a_terminal(facade, "chat", session_id, keys=[b"1\r", b"atras\r", b"s\r", said, b"\r"])
    assert told.code == 0
    state = json.loads(here("sessions", "show", session_id, "--json").out)
    assert (state["session"]["status"], state["guide_answers"][0]["answer_id"]) == (left_as, "roja")


def test_a_person_is_a_few_words_away(session_id: str, facade: str, here: Run) -> None:
    shown = plain(at_a_terminal(facade, "chat", session_id, keys=[b"quiero hablar con una persona\r", b"\r"]))
    assert "Como lo pediste, te atenderá una persona" in shown
    assert json.loads(here("sessions", "show", session_id, "--json").out)["session"]["status"] == "escalated"


def test_a_script_answers_the_step_and_is_asked_nothing(session_id: str, here: Run) -> None:
    said = here("chat", session_id, typed="n\n")
    assert asking.LIGHT not in said.out
    assert "Revisa el enchufe" in said.out
    assert "Limpia el filtro" in said.out
