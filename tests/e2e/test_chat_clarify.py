"""`guiado chat` where it is unclear what the problem is, or where it was taken for another one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from terminal import Ran

from guiado.agent import close_engines

Run = Callable[..., Ran]
WORDS = "no puedo conectarme a internet ni entrar a mi cuenta"
SESSION = re.compile(r"guiado chat ([0-9a-f-]{36})")


@pytest.fixture(autouse=True)
def unsure(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Never sure, and hardly anything is none of the problems."""
    monkeypatch.setenv("GUIADO_ACCEPT_THRESHOLD", "1")
    monkeypatch.setenv("GUIADO_DETECTION_THRESHOLD", "0.02")
    yield
    close_engines()


def listed(here: Run) -> list[dict[str, object]]:
    return json.loads(here("sessions", "list", "--json").out)


def test_the_customer_chooses_by_number(facade: str, here: Run) -> None:
    said = here("chat", typed=f"{WORDS}\nana@example.com\n1\ns\n\n")
    assert (said.code, said.err) == (0, "")
    assert "¿Es alguno de estos problemas?" in said.out
    assert re.search(r"\[1\] .+\n", said.out)
    assert "[s] Sí" in said.out
    assert "[0] Ninguno de estos" in said.out
    assert said.out.index("[0] Ninguno") < said.out.index("Parece que se trata de:") < said.out.index("Paso 1 de")
    assert "Damos el problema por resuelto" in said.out
    assert listed(here)[0]["status"] == "resolved"


def test_an_answer_other_words_and_a_person(facade: str, here: Run) -> None:
    answered = here("chat", typed=f"{WORDS}\nana@example.com\nd\n0\n")
    assert answered.out.count("¿Es alguno de estos problemas?") == 2
    assert answered.out.count("[s] Sí") == 1, "one question at most"
    assert "Tu caso pasa al equipo" in answered.out
    (session,) = listed(here)
    assert session["status"] == "needs_escalation"
    shown = here("sessions", "show", str(session["session_id"])).out
    assert re.search(r"También podría ser\n.*conexion_internet · \d+%", shown)
    assert "no lo sabe" in shown
    assert "ninguno de los que se le mostraron" in shown

    other = here("chat", typed=f"{WORDS}\nana@example.com\nz\ne\n\nel router parpadea y no hay wifi\nq\n")
    assert "No entendí" in other.out
    assert other.out.count("Cuéntamelo con otras palabras") == 2
    assert SESSION.search(other.out)


def test_leaving_before_choosing_and_coming_back(facade: str, here: Run) -> None:
    left = here("--lang", "en", "chat", typed="I cannot log in to my account and the wifi is down\nana@example.com\nq\n")
    assert "Is it one of these problems?" in left.out
    assert "¿" not in left.out
    back = here("chat", SESSION.search(left.out)[1], typed="1\nq\n")
    assert "Is it one of these problems?" in back.out
    assert "Step 1 of" in back.out


def test_that_is_not_it(facade: str, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_ACCEPT_THRESHOLD", "0")
    said = here("chat", typed=f"{WORDS}\nana@example.com\nx\nme cobraron dos veces la factura\ns\n\n")
    assert said.code == 0
    assert "[x] No es esto lo que me pasa" in said.out
    titles = re.findall(r"Parece que se trata de: ([^.]+)\.", " ".join(said.out.split()))
    assert len(titles) == 2
    assert titles[0] != titles[1]
    assert listed(here)[0]["status"] == "resolved"


def test_what_was_clarified_elsewhere_shows_where_the_session_is(facade: str, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from guiado.cli.chat_sessions import ChatSessions, ChatView

    session_id = SESSION.search(here("chat", typed=f"{WORDS}\nana@example.com\nq\n").out)[1]
    clarify = ChatSessions.clarify

    def after_somebody_else(desk: ChatSessions, one: str, **said: object) -> ChatView:
        monkeypatch.setattr(ChatSessions, "clarify", clarify)
        clarify(desk, one, none=True)
        return clarify(desk, one, **said)

    monkeypatch.setattr(ChatSessions, "clarify", after_somebody_else)
    said = here("chat", session_id, typed="1\n")
    assert "no espera esa aclaración" in said.out
    assert session_id in said.out


def test_what_was_already_tried_has_a_key_of_its_own(facade: str, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_ACCEPT_THRESHOLD", "0")
    words = "no tengo internet, ya reinicié el router y nada"
    said = here("chat", typed=f"{words}\nana@example.com\n" + "h\ny\nq\n")
    _, second, third = said.out.split("[s] Sí, se resolvió")[:3]
    assert "Ya lo hice antes" not in second.split("Paso 2 de")[0], "at its step only"
    assert "Dices que ya hiciste esto («ya reinicié el router»)" in " ".join(second.split())
    assert "[y] Ya lo hice antes, sáltalo" in third.split("Paso 3 de")[0]
    assert "Paso 3 de" in third
    assert "Ya lo hice antes" not in third.split("Paso 3 de")[1]
    (session,) = listed(here)
    assert "reinicié el router" in here("sessions", "show", str(session["session_id"])).out
