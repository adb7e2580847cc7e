"""`guiado chat` where a case is over, where a second problem waits, and where somebody asks for a person in words of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from terminal import Ran

from guiado.agent import close_engines

Run = Callable[..., Ran]
WIFI = "se me cae el wifi a cada rato\nana@example.com\n"
BOTH = "no me anda el wifi y además me cobraron dos veces\nana@example.com\n"


@pytest.fixture(autouse=True)
def engines() -> Iterator[None]:
    yield
    close_engines()


def listed(here: Run) -> list[dict[str, object]]:
    return json.loads(here("sessions", "list", "--json").out)


def test_a_case_that_is_over_is_closed_on_the_customers_word(facade: str, here: Run) -> None:
    here("chat", typed=f"{WIFI}q\n")
    kept = here("chat", typed="ya me funciona el wifi\nana@example.com\nn\n")
    assert "¿Cerramos tu caso «No puedo conectarme a internet», que sigue abierto?" in " ".join(kept.out.split())
    assert "[s] Sí, ciérralo" in kept.out
    assert [row["status"] for row in listed(here)] == ["resolved", "started"]
    silent = here("chat", typed="listo, solucionado\nana@example.com\n")
    assert silent.code == 0
    assert listed(here)[-1]["status"] == "started", "a script that answers nothing closes nothing"
    closed = here("chat", typed="listo, solucionado\nana@example.com\ns\n5\n\n")
    assert "Damos el problema por resuelto" in closed.out
    assert "Gracias por tu opinión" in closed.out
    assert (listed(here)[-1]["status"], listed(here)[-1]["resolution"]) == ("resolved", "confirmed")
    assert "dice que ya está resuelto" in here("sessions", "show", str(listed(here)[0]["session_id"])).out


def test_words_in_a_note_offer_to_close_the_session_itself(facade: str, here: Run) -> None:
    said = here("chat", typed=f"{WIFI}p\nno hizo falta, ya volvió internet\ns\n\n")
    assert "¿Cerramos tu caso" in said.out
    assert "Damos el problema por resuelto" in said.out
    assert listed(here)[0]["status"] == "resolved"


def test_the_second_problem_follows_the_first(facade: str, here: Run) -> None:
    said = here("chat", typed=f"{BOTH}1\ns\ns\nq\n")
    first, second = re.findall(r"¿Vemos ahora «([^»]+)»|Ahora vemos «([^»]+)»", " ".join(said.out.split()))
    assert first[0] == second[1]
    assert said.out.count("Paso 1 de") == 2
    assert [row["status"] for row in listed(here)] == ["started", "resolved"]
    assert "También nombró" in here("sessions", "show", str(listed(here)[1]["session_id"])).out
    later = here("chat", typed=f"{BOTH}1\ns\nn\n\n")
    assert "¡Hasta pronto!" in later.out


@pytest.mark.parametrize("typed", [f"{WIFI}quiero hablar con una persona\n\n", f"{BOTH}quiero que me atienda una persona\n\n"])
def test_a_person_can_be_asked_for_in_words_at_every_question(facade: str, here: Run, typed: str) -> None:
    said = here("chat", typed=typed)
    assert "Como lo pediste, te atenderá una persona del equipo" in " ".join(said.out.split())
    assert "No entendí" not in said.out
    assert listed(here)[0]["escalation_reason"] == "El cliente pidió hablar con una persona."


def test_gaps_tell_what_reported_no_problem(facade: str, here: Run) -> None:
    assert "Mensajes que no cuentan" not in here("learn", "gaps").out
    here("chat", typed="quiero hablar con una persona\nana@example.com\n\n")
    said = " ".join(here("learn", "gaps").out.split())
    assert "0 ya resueltos, 1 piden una persona, 0 no dicen qué pasa, 0 otra cosa" in said
