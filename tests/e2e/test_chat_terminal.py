"""`guiado chat` at a real terminal: what is typed acts only when it is an answer, and nothing typed is lost."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from prepared import Prepared
from terminal import GUIADO, Ran, at_a_terminal, plain

Run = Callable[..., Ran]
WIFI = b"no me funciona el wifi\r"
ANA = b"ana@example.com\r"
MISTAKEN = ("sigue igual", "atras", "ayuda", "siguiente", "no sé", "hola", "que hago", "", "sí", "x no", "ss", "¿por qué?")
ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://nadie@127.0.0.1:1/nada"


@pytest.fixture
def chat(facade: str, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Types lines into a chat that is sure of the problem."""
    monkeypatch.setenv("GUIADO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")  # a fresh home remembers no vectors
    monkeypatch.setenv("GUIADO_ACCEPT_THRESHOLD", "0")
    prepared.fit(facade)

    def run(*keys: bytes, words: tuple[str, ...] = ("chat",), dsn: str = facade, **given: str) -> Ran:
        return at_a_terminal(dsn, *words, keys=keys, **given)

    return run


def listed(here: Run) -> list[dict[str, object]]:
    return json.loads(here("sessions", "list", "--json").out)


def test_a_word_never_acts_and_what_ends_a_session_is_asked_twice(chat: Run, here: Run) -> None:
    left = chat(WIFI, ANA, *(f"{word}\r".encode() for word in MISTAKEN), b"q\r", lines=16)
    assert left.code == 0
    shown = plain(left)
    assert "Escribe la letra y pulsa Enter" in shown
    assert shown.count("así que no hice nada") == len(MISTAKEN) - 2, "all but the empty one and «atras»"
    assert "¿Querías decir «Lo hice y sigue igual»? Escribe n" in shown
    assert "Paso 2 de" not in shown
    assert shown.rindex("▸ ") > shown.rindex("Resultado esperado"), "the title has left a screen of 16 lines"
    (session,) = listed(here)
    assert (session["status"], session["current_step"]) == ("started", 0)

    program, *words = re.search(r"(\S*guiado chat [0-9a-f-]{36})", shown)[1].split()
    said = chat(
        *(b"S\r", b"no\r", b"a\r", b"quiz\xc3\xa1s\r", b"n\r"),  # not solved after all, and no person
        *(b"p\r", "atrás\r".encode(), b"x\r", b"volver\r"),  # neither impossible nor another problem
        *(b"Lo hice y sigue igual.\r", b"v\r", b"n\r", b"a\r", b"s\r", b"\r"),
        words=tuple(words),
        program=str(Path(program).absolute()),
    )
    assert said.code == 0
    shown = plain(said)
    assert "Escribe s para sí o n para no" in shown
    assert "El paso anterior, para leerlo otra vez" in shown
    assert shown.count("Paso 1 de") == 2, "the second time because the customer looked back"
    assert "¿Cómo calificas esta ayuda" in shown
    whole = json.loads(here("sessions", "show", str(session["session_id"]), "--json").out)
    assert whole["session"]["status"] in {"needs_escalation", "escalated"}
    assert [attempt["outcome"] for attempt in whole["attempts"]] == ["not_helped"]


def test_who_looks_back_can_take_the_answer_back(chat: Run, here: Run) -> None:
    # One answer, and one that could not be done at the next step: back at the first, both are taken back.
    said = chat(WIFI, ANA, b"n\r", b"p\r", b"\r", b"v\r", b"quiz\xc3\xa1s\r", b"s\r", b"q\r")
    assert said.code == 0
    shown = plain(said)
    assert shown.count("¿Quieres cambiar esa respuesta? s/n") == 2, "what is no answer is asked again"
    assert "Quitamos tu última respuesta. Estás otra vez en el paso 1 de" in shown
    (session,) = listed(here)
    assert (session["status"], session["current_step"]) == ("started", 0)
    whole = json.loads(here("sessions", "show", str(session["session_id"]), "--json").out)
    assert whole["attempts"] == []


def test_what_is_typed_ahead_or_pasted_is_no_answer_to_what_comes_later(chat: Run, here: Run) -> None:
    said = chat(b"no me funciona el wifi\rdesde ayer\rs\r", ANA.replace(b"\r", b"\rs\rs\r"), b"n\rs\rs\ra\rs\r", b"q\r")
    assert said.code == 0
    (session,) = listed(here)
    assert (session["status"], session["current_step"]) == ("in_progress", 1)
    assert str(session["problem_description"]).split("\n") == ["no me funciona el wifi", "desde ayer", "s"]


def test_ctrl_c_before_there_is_a_session_keeps_the_words(chat: Run, here: Run, tmp_path: Path) -> None:
    left = chat(WIFI, b"\x03")
    assert left.code == 130
    assert "Guardamos en este equipo lo que escribiste" in plain(left)
    (kept,) = (tmp_path / "home").glob("chat-*.json")
    assert kept.stat().st_mode & 0o077 == 0
    back = chat(b"\r", ANA, b"q\r")
    assert "La última vez escribiste: «no me funciona el wifi»" in plain(back)
    assert [row["problem_description"] for row in listed(here)] == ["no me funciona el wifi"]
    assert not kept.exists()


def test_a_database_that_fails_loses_no_words_and_shows_no_log(chat: Run) -> None:
    failed = chat(WIFI, ANA, b"\r", b"q\r", dsn=NOWHERE)
    assert failed.code == 1
    assert plain(failed).count("No se puede conectar con PostgreSQL") >= 2
    assert "Guardamos en este equipo lo que escribiste" in plain(failed)
    assert not re.search(r"\w+_\w+ \w+=", failed.out), "a log line"
    assert "«no me funciona el wifi»" in plain(chat(b"\x03"))


@pytest.mark.parametrize("words", ["hola", "asdfgh"])
def test_vague_words_are_offered_the_frequent_problems_once(chat: Run, here: Run, words: str) -> None:
    said = here("chat", typed=f"{words}\nana@example.com\ne\nla lavadora no centrifuga\ns\n3\n\n")
    assert said.out.count("los más frecuentes") == 1
    assert "No reconocemos este problema" in said.out
    assert "Gracias por tu opinión" in said.out
    chosen = here("chat", typed=f"{words}\nana@example.com\n2\nq\n")
    title = re.search(r"\[2\] (.+)\n", chosen.out)[1]
    assert f"Parece que se trata de: {title}" in chosen.out
    session = listed(here)[0]
    assert words in str(session["problem_description"])
    assert session["detected_problem_id"]


def test_make_takes_ctrl_c_for_an_end_and_not_for_an_error(chat: Run, tmp_path: Path) -> None:
    recipes = re.sub(r"^(\w+): setup ", r"\1: ", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    (tmp_path / "Makefile").write_text(recipes, "utf-8")
    (tmp_path / ".venv").symlink_to(Path(GUIADO).parents[1])
    left = chat(b"\x03", words=("-C", str(tmp_path), "chat"), program=shutil.which("make"))
    assert "Hasta luego" in plain(left)
    assert "***" not in plain(left)
    assert "Error" not in plain(left)
