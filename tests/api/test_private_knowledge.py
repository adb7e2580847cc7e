"""A session that was begun with a file of one's own stays with it, also through the API of a process that has no such file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guiado.agent import close_engines
from guiado.agent.troubleshooting import TroubleshootingAgent
from guiado.cli.chat_sessions import ChatSessions

COFFEE = "mi cafetera no calienta el agua"
KNOWN = {
    "cafetera": ("La cafetera no calienta", "la cafetera no calienta el agua"),
    "molinillo": ("El molinillo no muele", "el molinillo no muele el café"),
    "tostadora": ("La tostadora quema el pan", "la tostadora quema el pan"),
}
ROUTER = {"router_viejo": ("El router viejo no arranca", "el router viejo no arranca ni enciende luces")}


def write(file: Path, known: dict[str, tuple[str, str]]) -> Path:
    step = {"step_number": 1, "title": "Enchufa", "description": "", "instructions": ["Enchufa el aparato"],
            "expected_result": "Luz", "warnings": [], "resources": []}  # fmt: skip
    entries = {
        name: {"problem_title": title, "problem_description": phrase, "category": "otro", "steps": [step],
               "common_issues": [phrase], "escalation_criteria": []}
        for name, (title, phrase) in known.items()
    }  # fmt: skip
    file.write_text(json.dumps(entries), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def http(serve_module: Callable[..., Any], module_dsn: str) -> Iterator[httpx2.Client]:
    """Of a server that calls nothing none of the known problems, with the public knowledge base alone."""
    url = serve_module(module_dsn, GUIADO_DETECTION_THRESHOLD="0").url
    with httpx2.Client(base_url=f"{url}/api/support/troubleshooting", timeout=30) as client:
        yield client


@pytest.fixture
def own(module_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Begins a session with a file of one's own, as a script elsewhere would: the server does not know the file."""
    monkeypatch.setenv("DATABASE_URL", module_dsn)
    monkeypatch.setenv("GUIADO_DETECTION_THRESHOLD", "0")

    def begin(known: dict[str, tuple[str, str]] = KNOWN, words: str = COFFEE) -> str:
        agent = TroubleshootingAgent(write(tmp_path / "propia.json", known))
        return agent.start_troubleshooting(words, "ana@example.com").session_id

    yield begin
    close_engines()


@pytest.fixture
def say(http: httpx2.Client) -> Callable[..., dict[str, Any]]:
    def ask(session_id: str, verb: str, status: int = 200, **body: object) -> dict[str, Any]:
        answer = http.post(f"/{session_id}/{verb}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def test_what_it_is_instead_is_looked_for_in_the_sessions_own_knowledge_base(own, say) -> None:
    told = say(own(), "reject", problem_id="molinillo")
    assert (told["problem_detected"], told["first_step"]["title"]) == ("molinillo", "Enchufa")
    assert {each["problem_id"] for each in told["alternatives"]} <= set(KNOWN)
    refused = say(own(), "reject", 400, problem_id="conexion_internet")
    assert refused["errors"][0]["field"] == "problem_id"


def test_other_words_are_ranked_among_its_own_problems(own, say) -> None:
    told = say(own(), "reject", text="es el molinillo, que no muele el café; internet va bien")
    seen = [told["problem_detected"], *(each["problem_id"] for each in [*told["options"], *told["alternatives"]])]
    assert "molinillo" in seen
    assert set(filter(None, seen)) <= set(KNOWN) - {"cafetera"}
    if told["options"]:
        told = say(told["session_id"], "clarify", text="el molinillo no muele el café")
        assert told["problem_detected"] == "molinillo"


def test_what_was_published_since_is_known(own, say) -> None:
    assert say(own(), "reject", problem_id="tostadora")["problem_detected"] == "tostadora"
    session_id = own(KNOWN | ROUTER)
    assert say(session_id, "reject", problem_id="router_viejo")["problem_title"] == "El router viejo no arranca"


def test_the_terminal_stays_with_it_too(own) -> None:
    view = ChatSessions("es").reject(own(), "cafetera", "el molinillo no muele el café")
    asked = [each.problem_id for each in (view.asked.options if view.asked else ())]
    assert "molinillo" in [view.problem_id, *asked]
    assert set(asked) <= set(KNOWN)


def test_a_session_of_nobody_is_not_found(say) -> None:
    say("no-es-un-id", "reject", 404)
    say("00000000-0000-7000-8000-000000000000", "clarify", 404, none=True)
