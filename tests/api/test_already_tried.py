"""What the customer says they already did is shown at its step, can be skipped, and reaches the person who takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from checker import check

from guiado.agent import TroubleshootingAgent

BASE = "/api/support/troubleshooting"
TOLD = "no tengo internet, ya reinicié el router y nada"
STEP = "reiniciar-router"
Server = Any


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Server], module_dsn: str) -> Server:
    return serve_module(module_dsn)


@pytest.fixture
def http(server: Server, module_dsn: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as client:
        yield client
    assert check(module_dsn) == []


def begin(http: httpx2.Client, words: str) -> dict[str, Any]:
    body = {"problem_description": words, "customer_email": "ana@example.com", "language": "es"}
    answer = http.post("/start", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["problem_detected"] == "conexion_internet"
    return answer.json()


def answer(http: httpx2.Client, session: dict[str, Any], **body: object) -> dict[str, Any]:
    said = http.post(f"/{session['session_id']}/step", json=body)
    assert said.status_code == 200, said.text
    return said.json()


def test_a_step_that_was_tried_says_so_is_skipped_and_is_handed_over(http: httpx2.Client) -> None:
    session = begin(http, TOLD)
    assert not session["first_step"].get("already_tried")
    step = answer(http, session, success=True)["session"]["next_step"]
    assert (step["step_id"], step["already_tried"]["words"]) == (STEP, "ya reinicié el router")
    again = http.get(f"/{session['session_id']}").json()["session"]["next_step"]
    assert again["already_tried"] == step["already_tried"]

    skipped = answer(http, session, success=True, outcome="not_helped", reason="already_tried")
    assert skipped["next_action"] == "continue"
    assert skipped["suggest_escalation"] is False
    assert skipped["session"]["next_step"]["step_id"] != STEP
    person = http.post(f"/{session['session_id']}/escalate", json={"reason": "no sigo"}).json()
    told = person["escalation_info"]["already_tried"]
    assert told == {STEP: "ya reinicié el router"}


@pytest.mark.parametrize(
    "words", ["no tengo internet, ¿debo reiniciar el router?", "no tengo internet y no he reiniciado el router"]
)
def test_what_was_not_tried_is_not_said_to_be(http: httpx2.Client, words: str) -> None:
    session = begin(http, words)
    assert not answer(http, session, success=True)["session"]["next_step"].get("already_tried")


def test_python_says_it_in_the_words_of_the_step(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(TOLD, "ana@example.com")
    agent.complete_step(session.session_id, True)
    shown = agent.format_step_response(agent.get_current_step(session.session_id))
    assert "ya reinicié el router" in shown
