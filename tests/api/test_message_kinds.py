"""Messages that report no problem, and those that report several: what each door makes of them, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from checker import check
from talk import begin, say

from guiado import clock
from guiado.store import learning

STARTED = {
    "puedo entrar a mi cuenta sin problema": "solved",
    "quiero hablar con una persona": "person",
    "buenas tardes": "nothing_said",
    "quiero contratar internet": "other",
    "se me cae el wifi a cada rato": "problem",
}


@pytest.fixture(autouse=True)
def _consistent(module_dsn: str) -> Iterator[None]:
    yield
    assert check(module_dsn) == []


def look(http: httpx2.Client, session: dict[str, Any]) -> dict[str, Any]:
    return http.get(f"/{session['session_id']}").json()


@pytest.mark.parametrize(("words", "kind"), STARTED.items())
def test_the_kind_is_told_by_every_answer(http, words, kind) -> None:
    started = begin(http, words)
    assert started["message_kind"] == kind
    assert look(http, started)["session"]["message_kind"] == kind
    assert look(http, started)["understood"]["message_kind"] == kind
    assert http.post("/detect", json={"problem_description": words}).json()["message_kind"] == kind


def test_who_says_that_it_works_is_told_so_and_counts_in_no_rate(http) -> None:
    before = http.get("/analytics").json()["summary"]
    started = begin(http, "puedo entrar a mi cuenta sin problema")
    assert (started["status"], started["problem_detected"], started["first_step"]) == ("resolved", None, None)
    assert started["message"].startswith("¡Qué bueno!")
    assert http.get("/analytics").json()["summary"] == before


def test_who_wants_a_person_gets_one_who_knows_it(http) -> None:
    started = begin(http, "hablar con un humano")
    assert (started["status"], started["verdict"]) == ("needs_escalation", "none")
    assert started["message"] == "Como lo pediste, te atenderá una persona del equipo. Te escribiremos a ana@example.com."
    assert look(http, started)["session"]["escalation_reason"] == "El cliente pidió hablar con una persona."


def test_who_says_nothing_is_asked_and_the_words_that_follow_start_a_guide(http) -> None:
    started = begin(http, "buenas tardes")
    assert (started["status"], started["first_step"], started["question"]) == ("started", None, None)
    assert started["message"].startswith("Cuéntanos qué te pasa")
    assert 1 <= len(started["options"]) <= 5
    told = say(http, started, "clarify", text="se me cae el wifi a cada rato")
    assert (told["problem_detected"], told["message_kind"]) == ("conexion_internet", "problem")
    assert told["first_step"]["step_number"] == 1


def test_who_says_nothing_again_gets_a_person(http) -> None:
    started = begin(http, "hola")
    told = say(http, started, "clarify", text="buenas tardes")
    assert told["status"] == "needs_escalation"
    assert told["message"].startswith("Todavía no sabemos qué te pasa, así que te lo preguntará una persona del equipo.")
    assert look(http, started)["session"]["escalation_reason"] == "Le preguntamos al cliente qué le pasa y no lo dijo."


def test_a_frequent_problem_can_be_chosen(http) -> None:
    started = begin(http, "hola")
    told = say(http, started, "clarify", problem_id=started["options"][0]["problem_id"])
    assert told["problem_detected"] == started["options"][0]["problem_id"]
    assert told["first_step"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("quiero contratar internet", "El cliente pide o pregunta algo: no cuenta ningún problema."),
        ("felicitaciones por la app, anda muy bien", "El cliente agradece o felicita: no cuenta ningún problema."),
    ],
)
def test_what_is_no_problem_goes_to_a_person_as_what_it_is(http, words, reason) -> None:
    started = begin(http, words)
    assert (started["status"], started["message_kind"]) == ("needs_escalation", "other")
    assert look(http, started)["session"]["escalation_reason"] == reason
    assert "No reconocemos" not in started["message"]


@pytest.mark.parametrize(
    ("first", "then", "problem"),
    [
        ("la instalacion se queda trabada al 50%", "no me llegó la factura", "problema_facturacion"),
        ("se me cae el wifi a cada rato", "mi cuenta está bloqueada", "recuperar_cuenta"),
        ("me cobraron dos veces", "eso ya me lo devolvieron, ahora no puedo entrar a mi cuenta", "recuperar_cuenta"),
        ("olvidé mi contraseña", "lo que pasa es que la aplicación se cierra sola", "error_aplicacion"),
    ],
)
def test_the_words_of_a_rejection_decide(http, first, then, problem) -> None:
    started = begin(http, first)
    assert started["problem_detected"] not in {None, problem}
    told = say(http, started, "reject", text=then)
    assert told["problem_detected"] == problem


@pytest.mark.parametrize("verb", ["clarify", "reject"])
def test_a_person_can_be_asked_for_at_every_question(http, verb) -> None:
    started = begin(http, "hola" if verb == "clarify" else "me cobraron dos veces")
    told = say(http, started, verb, text="quiero que me atienda una persona")
    assert (told["status"], told["message_kind"]) == ("needs_escalation", "person")
    assert told["message"].startswith("Como lo pediste")
    assert look(http, started)["session"]["escalation_reason"] == "El cliente pidió hablar con una persona."


def test_a_denial_alone_leaves_the_old_words_to_decide(http) -> None:
    started = begin(http, "se me cae el wifi a cada rato")
    told = say(http, started, "reject", text="no es eso")
    assert told["status"] != "resolved"
    assert told["problem_detected"] != "conexion_internet"


def test_two_problems_are_options_and_the_other_one_is_kept_to_the_end(http) -> None:
    words = "no me anda el wifi y además me cobraron dos veces"
    started = begin(http, words, clarify=True)
    assert started["verdict"] == "unclear"
    assert {each["problem_id"] for each in started["options"]} == {"conexion_internet", "problema_facturacion"}
    told = say(http, started, "clarify", problem_id="problema_facturacion")
    assert [each["problem_id"] for each in told["other_problems"]] == ["conexion_internet"]
    answered = say(http, started, "step", success=True, outcome="solved")
    assert answered["session"]["status"] == "resolved"
    assert [each["problem_id"] for each in answered["session"]["other_problems"]] == ["conexion_internet"]
    assert "También nos contaste: «No puedo conectarme a internet»" in answered["message"]
    taken = begin(http, words)
    assert taken["first_step"], "who cannot be asked begins with the likeliest"
    assert len(taken["other_problems"]) == 1


def test_who_asks_for_a_person_in_a_note_gets_one_at_once(http) -> None:
    started = begin(http, "se me cae el wifi a cada rato")
    told = say(http, started, "step", success=False, notes="no entiendo nada, pásenme con un asesor por favor")
    assert (told["session"]["status"], told["next_action"]) == ("needs_escalation", "escalate")
    assert told["message"].startswith("Como lo pediste")
    assert told["session"]["escalation_reason"] == "El cliente pidió hablar con una persona."
    usual = begin(http, "se me cae el wifi a cada rato")
    told = say(http, usual, "step", success=False, notes="no sé dónde está el botón que dice la guía")
    assert told["next_action"] == "continue"


def test_no_such_message_is_a_gap_of_the_knowledge_base(http, server) -> None:
    begin(http, "la tostadora quema el pan y no se apaga")
    for words, kind in STARTED.items():
        assert begin(http, words)["message_kind"] == kind
    say(http, begin(http, "muy buenas noches"), "clarify", text="la licuadora del vecino hace ruido")
    say(http, begin(http, "no tengo internet en toda la casa"), "reject", text="la heladera no enfría nada")

    async def found() -> list[str]:
        parts = server.runtime.parts
        async with parts.db.connection() as connection:
            rows = await learning.unrecognised(connection, parts.tenant, clock.now() - timedelta(days=1), 100)
        return [row.text for row in rows]

    listed = asyncio.run_coroutine_threadsafe(found(), server.loop).result(30)
    assert not {words for words, kind in STARTED.items() if kind != "problem"} & set(listed)
    assert "la tostadora quema el pan y no se apaga" in listed
    assert {"la licuadora del vecino hace ruido", "la heladera no enfría nada"} <= set(listed), "the words that count are listed"
    assert not {"muy buenas noches", "no tengo internet en toda la casa"} & set(listed)


def test_who_takes_over_is_told_of_both_problems(http) -> None:
    started = begin(http, "no me anda el wifi y además me cobraron dos veces", ticket_id="T-dos")
    handed = say(http, started, "escalate", reason="no puedo seguir")
    others = handed["escalation_info"]["understood"]["other_problems"]
    assert {each["problem_id"] for each in others} == {"conexion_internet", "problema_facturacion"} - {
        started["problem_detected"]
    }


def test_the_parts_of_a_text_and_what_it_denies_are_shown(http) -> None:
    told = http.post("/detect", json={"problem_description": "el wifi anda bien, lo que no anda es la app"}).json()
    assert [each["role"] for each in told["clauses"]] == ["works", "wrong"]
    assert told["denied"] == ["conexion_internet"]
    assert told["candidates"][0]["problem_id"] == "error_aplicacion"
