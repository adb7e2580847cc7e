"""What follows a message: a case that is over is offered to be closed, a second problem comes next, a person comes at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from checker import check
from talk import begin, say

_numbers = itertools.count()
WIFI = "se me cae el wifi a cada rato"
BOTH = "no me anda el wifi y además me cobraron dos veces"


@pytest.fixture(autouse=True)
def _consistent(module_dsn: str) -> Iterator[None]:
    yield
    assert check(module_dsn) == []


@pytest.fixture
def email() -> str:
    return f"cliente{next(_numbers)}@example.com"


def look(http: httpx2.Client, session: dict[str, Any]) -> dict[str, Any]:
    return http.get(f"/{session['session_id']}").json()["session"]


def follow(http: httpx2.Client, action: dict[str, Any]) -> httpx2.Response:
    return http.request(action["method"], action["path"].removeprefix("/api/support/troubleshooting"), json=action["body"])


@pytest.mark.parametrize(
    "words", ["ya me funciona el wifi", "listo, solucionado", "ya se arregló, gracias", "it works now, thanks"]
)
def test_who_writes_that_it_works_is_offered_to_close_the_running_session(http, email, words) -> None:
    running = begin(http, WIFI, email)
    started = begin(http, words, email)
    assert (started["message_kind"], started["status"], started["first_step"]) == ("solved", "resolved", None)
    offered = started["closable_session"]
    assert (offered["session_id"], offered["problem_id"]) == (running["session_id"], "conexion_internet")
    assert started["message"] == "¡Qué bueno! ¿Cerramos tu caso «No puedo conectarme a internet», que sigue abierto?"
    assert look(http, running)["status"] == "started", "nothing is closed before the customer says so"
    closed = follow(http, offered["action"])
    assert closed.json()["message"] == "¡Qué bien! Damos el problema por resuelto."
    session = look(http, running)
    assert (session["status"], session["resolution"]) == ("resolved", "confirmed")
    assert http.get(f"/{running['session_id']}").json()["attempts"] == [], "no step solved it"
    assert follow(http, offered["action"]).status_code == 409
    assert begin(http, "ya me funciona el wifi", email)["closable_session"] is None


def test_of_several_running_sessions_the_one_that_is_meant_is_offered(http, email) -> None:
    wifi = begin(http, WIFI, email)
    begin(http, "me cobraron dos veces", email)
    assert begin(http, "ya volvió internet", email)["closable_session"]["session_id"] == wifi["session_id"]


def test_the_running_session_of_somebody_else_is_not_told(http, email) -> None:
    begin(http, WIFI, email)
    assert begin(http, "ya me funciona el wifi", f"otro.{email}")["closable_session"] is None


@pytest.mark.parametrize(
    "words", ["buenas tardes", "me cobraron dos veces", "ya hice todo y sigue igual", "quiero contratar internet"]
)
def test_nobody_else_is_offered_to_close_anything(http, email, words) -> None:
    begin(http, WIFI, email)
    told = begin(http, words, email)
    assert (told["closable_session"], told["message_kind"] == "solved") == (None, False)


def test_words_that_say_so_beside_an_answer_offer_it_too(http, email) -> None:
    running = begin(http, WIFI, email)
    told = say(http, running, "step", success=False, notes="no hizo falta, ya volvió internet")
    assert told["closable_session"]["session_id"] == running["session_id"]
    assert told["message"].endswith("Si ya está resuelto, dínoslo y cerramos tu caso.")
    assert told["session"]["status"] == "in_progress"
    told = say(http, running, "step", success=False, notes="no encuentro el botón")
    assert told["closable_session"] is None


def test_a_customer_closes_and_an_agent_judges(http, email) -> None:
    running = begin(http, WIFI, email)
    refused = http.post(f"/{running['session_id']}/resolve", json={"source": "customer", "problem_id": "conexion_internet"})
    assert refused.status_code == 400
    assert say(http, running, "resolve", source="customer")["message"] == "¡Qué bien! Damos el problema por resuelto."
    other = begin(http, WIFI, email)
    assert say(http, other, "resolve", problem_id="conexion_internet")["message"] == "Sesión cerrada como resuelta."


def test_after_the_first_problem_the_other_one_begins(http, email) -> None:
    first = begin(http, BOTH, email, clarify=True)
    say(http, first, "clarify", problem_id="problema_facturacion")
    assert "Si quieres, ahora vemos eso." in say(http, first, "step", success=True, outcome="solved")["message"]
    following = say(http, first, "next")
    assert (following["problem_detected"], following["other_problems"]) == ("conexion_internet", [])
    assert following["first_step"]["step_number"] == 1
    assert following["session_id"] != first["session_id"]
    assert look(http, following)["problem_description"] == BOTH
    assert say(http, first, "next")["session_id"] == following["session_id"], "two clicks count as one"
    say(http, following, "step", success=True, outcome="solved")
    assert http.post(f"/{following['session_id']}/next").json()["code"] == "no_other_problem"


def test_only_what_is_left_can_be_next(http, email) -> None:
    first = begin(http, BOTH, email)
    assert http.post(f"/{first['session_id']}/next", json={"problem_id": "error_aplicacion"}).status_code == 400
    alone = begin(http, WIFI, email)
    assert http.post(f"/{alone['session_id']}/next").status_code == 409


def test_a_reason_is_heard_as_a_note_is(http, email) -> None:
    started = begin(http, WIFI, email)
    told = say(http, started, "step", success=False, reason="Prefiero hablar con una persona")
    assert told["session"]["escalation_reason"] == "El cliente pidió hablar con una persona."
    assert told["message"].startswith("Como lo pediste")
