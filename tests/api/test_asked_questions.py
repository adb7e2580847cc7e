"""The questions of a guide over HTTP, in Python and on the pages: who answers them, and who never looks at them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asking
import httpx2
import pytest
from orders import Backwards, Curious
from statements import rows
from talk import begin, say

from guiado.agent import TroubleshootingAgent
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.guidance.patterns import ABANDONED, ASK, SOLVED, STEP, Pattern, PatternEvent
from guiado.sync import engine

BASE = "/api/support/troubleshooting"
Server = Any
QUESTION = {
    "id": "luz", "text": asking.LIGHT, "answers": [{"id": "roja", "text": "Roja"}, {"id": "verde", "text": "Verde"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asking.write(tmp_path_factory.mktemp("kb") / "kb.json")


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Server], module_dsn: str, kb: Path) -> Server:
    return serve_module(module_dsn, GUIADO_KB_PATH=str(kb), GUIADO_ENCODER="lexical")


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    server.runtime.parts.policy = Curious(first={"roja": "filtro"})
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as client:
        yield client
    server.runtime.parts.policy = AUTHOR_ORDER


def kept(dsn: str, session: dict[str, Any]) -> tuple[Any, Any, Any]:
    columns = "offered_step_id, asked_question_id, guide_answers::text"
    [(step, asked, answers)] = rows(
        dsn, f"SELECT {columns} FROM support_troubleshooting_sessions WHERE session_id = '{session['session_id']}'"
    )
    return step, asked, json.loads(answers)


def answered(question_id: str, answer_id: str | None, after: int = 0, *, known: bool = False) -> dict[str, Any]:
    return {"question_id": question_id, "answer_id": answer_id, "after": after, "known": known}


def test_a_question_is_shown_beside_the_step_and_its_answer_chooses_the_next(http: httpx2.Client, module_dsn: str) -> None:
    session = begin(http, asking.WORDS)
    assert (session["first_step"]["step_id"], session["first_step"]["question"]) == ("enchufe", QUESTION)
    shown = http.get(f"/{session['session_id']}").json()["session"]
    assert (shown["question"], shown["next_step"]["question"], shown["current_step"]) == (QUESTION, QUESTION, 0)

    told = say(http, session, "guide-question", question_id="luz", answer_id="roja")
    step = told["session"]["next_step"]
    assert (step["step_id"], step["step_number"], step["question"]["id"]) == ("filtro", 1, "cuando")
    assert told["message"] == "De acuerdo. Una pregunta más."
    assert say(http, session, "guide-question", question_id="luz", answer_id="roja")["session"]["version"] == 2
    over = say(http, session, "guide-question", question_id="cuando", skip=True)
    assert (over["message"], over["session"]["question"]) == ("De acuerdo. Sigamos con el paso 1 de 3.", None)
    assert kept(module_dsn, session) == ("filtro", None, [answered("luz", "roja"), answered("cuando", None)])

    offers = rows(
        module_dsn,
        "SELECT kind, rule, step_id, candidates::text, policy FROM support_troubleshooting_decisions"
        f" WHERE session_id = '{session['session_id']}' ORDER BY number",
    )
    choices = [{"question_id": "luz", "answer_id": "roja"}, {"question_id": "luz", "answer_id": "verde"}]
    assert [each for each in json.loads(offers[0][3]) if "question_id" in each] == choices
    assert [tuple(each[:3]) for each in offers] == [
        ("question", "guide-question", None), ("step", "author-order", "enchufe"),
        ("question", "guide-question", None), ("step", "as-answered", "filtro"), ("step", "as-answered", "filtro"),
    ]  # fmt: skip
    assert offers[0][4] == "curious"


def test_whoever_takes_over_reads_what_was_answered(http: httpx2.Client) -> None:
    session = begin(http, asking.WORDS)
    say(http, session, "guide-question", question_id="luz", answer_id="roja")
    say(http, session, "guide-question", question_id="cuando", skip=True)
    light = {"question_id": "luz", "question": asking.LIGHT, "answer_id": "roja", "answer": "Roja", "known": False}
    since = {"question_id": "cuando", "question": "¿Desde cuándo pasa?", "answer_id": None, "answer": None, "known": False}
    assert http.get(f"/{session['session_id']}").json()["guide_answers"] == [light, since]
    english = http.get(f"/{session['session_id']}", headers={"accept-language": "en"}).json()["guide_answers"][0]
    assert (english["question"], english["answer"]) == ("What colour is the light?", "Red")
    told = say(http, session, "escalate")
    assert told["escalation_info"]["guide_answers"] == [light, since]


def test_who_answers_steps_alone_never_notices(http: httpx2.Client, module_dsn: str) -> None:
    session = begin(http, asking.WORDS)
    first = say(http, session, "step", success=True, step_number=1)
    assert (first["attempt"]["step_id"], first["next_action"], first["session"]["current_step"]) == ("enchufe", "continue", 1)
    assert first["message"] == "¡Bien! Sigamos con el paso 2 de 3."
    again = say(http, session, "step", success=True, step_number=1)
    assert again["attempt"]["id"] == first["attempt"]["id"]
    assert say(http, session, "step", success=True)["session"]["question"] is None
    assert say(http, session, "step", success=True)["next_action"] == "resolved"
    assert kept(module_dsn, session)[2] == [answered("luz", None), answered("cuando", None, 1)]


def test_what_is_not_asked_is_refused_with_the_present_state(http: httpx2.Client) -> None:
    session = begin(http, asking.WORDS)
    path = f"/{session['session_id']}/guide-question"
    for body in ({"question_id": "cuando", "answer_id": "hoy"}, {"question_id": "x", "skip": True}):
        late = http.post(path, json=body)
        assert (late.status_code, late.json()["code"]) == (409, "question_not_open")
        assert late.json()["session"]["question"] == QUESTION
    for body, field in (
        ({"question_id": "luz"}, "answer_id"),
        ({"question_id": "luz", "answer_id": "roja", "skip": True}, "skip"),
        ({"question_id": "luz", "answer_id": "azul"}, "answer_id"),
        ({"answer_id": "roja"}, "question_id"),
    ):
        bad = http.post(path, json=body)
        assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, field)
    assert "roja, verde" in bad.json()["error"] or "question_id" in bad.json()["error"]
    say(http, session, "guide-question", question_id="luz", answer_id="roja")
    wrong = http.post(path, json={"question_id": "luz", "answer_id": "azul"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "answer_id")
    say(http, session, "escalate")
    for body in ({"question_id": "cuando", "answer_id": "hoy"}, {"question_id": "luz", "answer_id": "verde"}):
        assert http.post(path, json=body).json()["code"] == "session_ended"


def test_another_answer_counts_in_place_of_the_first_and_the_next_step_is_chosen_anew(
    http: httpx2.Client, module_dsn: str, server: Server
) -> None:
    server.runtime.parts.policy = Curious(first={"roja": "filtro", "verde": "fabrica"})
    session = begin(http, asking.WORDS)
    say(http, session, "guide-question", question_id="luz", answer_id="roja")
    # While the next one is open: it is asked again, since nothing is known of it.
    changed = say(http, session, "guide-question", question_id="luz", answer_id="verde")["session"]
    assert (changed["next_step"]["step_id"], changed["question"]["id"], changed["current_step"]) == ("fabrica", "cuando", 0)
    say(http, session, "guide-question", question_id="cuando", skip=True)
    say(http, session, "step", success=True, outcome="not_helped", step_id="fabrica")
    back = say(http, session, "guide-question", question_id="luz", answer_id="roja")["session"]
    assert (back["next_step"]["step_id"], back["next_step"]["step_number"], back["question"]) == ("filtro", 2, None)
    assert say(http, session, "guide-question", question_id="luz", answer_id="roja")["session"]["version"] == back["version"]
    late = http.post(f"/{session['session_id']}/step", json={"success": True, "step_number": 2, "step_id": "enchufe"})
    assert (late.status_code, late.json()["session"]["next_step"]["step_id"]) == (409, "filtro")
    say(http, session, "guide-question", question_id="cuando", answer_id="hoy")  # what was passed over
    say(http, session, "guide-question", question_id="luz", skip=True)  # and what is not known after all
    assert kept(module_dsn, session) == ("enchufe", None, [answered("luz", None), answered("cuando", "hoy")])


def test_what_was_known_without_asking_is_corrected_too(http: httpx2.Client, module_dsn: str) -> None:
    session = begin(http, asking.WORDS, device="Cafetera de luz roja", product="desde antes")
    told = say(http, session, "guide-question", question_id="luz", answer_id="verde")["session"]
    assert told["next_step"]["step_id"] == "enchufe"
    assert kept(module_dsn, session)[2] == [answered("luz", "verde"), answered("cuando", "antes", known=True)]


def test_what_the_caller_told_at_the_start_is_not_asked(http: httpx2.Client, module_dsn: str) -> None:
    session = begin(http, asking.WORDS, device="Cafetera de luz roja", product="desde antes")
    assert (session["first_step"]["step_id"], session["first_step"]["question"]) == ("filtro", None)
    assert kept(module_dsn, session)[2] == [answered("luz", "roja", known=True), answered("cuando", "antes", known=True)]


def test_undo_resume_and_another_guide(http: httpx2.Client, module_dsn: str, server: Server) -> None:
    server.runtime.parts.policy = Curious(Backwards(), after=1)
    session = begin(http, asking.WORDS)
    assert say(http, session, "step", success=True)["session"]["question"]["id"] == "luz"
    say(http, session, "guide-question", question_id="luz", answer_id="verde")
    undone = say(http, session, "undo")["session"]
    assert (undone["next_step"]["step_id"], undone["question"], undone["current_step"]) == ("fabrica", None, 0)
    assert kept(module_dsn, session)[2] == [answered("luz", "verde")]
    assert say(http, session, "step", success=True)["session"]["question"]["id"] == "cuando"
    rows(module_dsn, f"UPDATE support_troubleshooting_sessions SET status = 'abandoned' WHERE session_id = '{session['session_id']}'",
         "SELECT 1")  # fmt: skip
    assert http.get(f"/{session['session_id']}").json()["session"]["question"] is None
    assert say(http, session, "resume")["session"]["question"]["id"] == "cuando"
    other = say(http, session, "reject", problem_id="molinillo")
    assert (other["problem_detected"], other["first_step"]["question"]) == ("molinillo", None)
    assert kept(module_dsn, session) == ("traba", None, [])


PATTERNS = """
SELECT pattern FROM guiado_count_patterns(ARRAY['default'], ARRAY[now() - interval '1 day'], ARRAY[now() + interval '1 day']) ORDER BY pattern
"""


def test_what_was_answered_is_learned_from_in_its_place(http: httpx2.Client, module_dsn: str, server: Server) -> None:
    rows(module_dsn, "DELETE FROM support_troubleshooting_sessions", "SELECT 1")
    server.runtime.parts.policy = Curious(after=1)
    asked = begin(http, asking.WORDS, email="asked@example.com")
    say(http, asked, "step", success=True, outcome="not_helped")
    say(http, asked, "guide-question", question_id="luz", answer_id="roja")
    say(http, asked, "guide-question", question_id="cuando", skip=True)
    say(http, asked, "step", success=True, outcome="solved")
    known = begin(http, asking.WORDS, email="known@example.com", product="Desde antes")
    say(http, known, "step", success=True, outcome="solved")
    left = begin(http, asking.WORDS, email="left@example.com")
    say(http, left, "step", success=True, outcome="not_helped")
    rows(module_dsn, f"UPDATE support_troubleshooting_sessions SET status = 'abandoned', ended_at = now() WHERE session_id = '{left['session_id']}'",
         "SELECT 1")  # fmt: skip
    found = {Pattern.from_text(text) for (text,) in rows(module_dsn, PATTERNS)}
    first, second = PatternEvent(STEP, "enchufe@1", "not_helped"), PatternEvent(STEP, "filtro@1", "solved")
    at_once = PatternEvent(STEP, "enchufe@1", "solved")
    assert found == {
        Pattern((first, PatternEvent(ASK, "luz", "roja"), second), SOLVED),
        Pattern((PatternEvent(ASK, "cuando", "antes"), at_once), SOLVED),
        Pattern((first,), ABANDONED, left_in="luz"),
    }
    assert {each.to_text() for each in found} == {text for (text,) in rows(module_dsn, PATTERNS)}


def test_the_pages_ask_in_the_customers_language(http: httpx2.Client, server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=30) as root:
        case = root.post("/ayuda", data={"words": asking.WORDS}).headers["location"]
        page = html.unescape(root.get(case).text)
        assert 'data-state="question"' in page
        assert asking.LIGHT in page
        assert "Revisa el enchufe" not in page
        act = case.replace("caso", "question")
        for bad in (
            {},
            {"question_id": "luz"},
            {"question_id": "otra", "answer_id": "roja"},
            {"question_id": "luz", "answer_id": "x"},
        ):
            assert root.post(act, data=bad).headers["location"] == case
        english = html.unescape(root.get(f"{case}?idioma=en").text)
        assert "What colour is the light?" in english
        assert root.post(act, data={"question_id": "luz", "answer_id": "roja"}).status_code == 303
        assert "¿Desde cuándo pasa?" in root.get(case).text
        root.post(act, data={"question_id": "cuando", "skip": "1"})
        assert "Limpia el filtro" in root.get(case).text


def test_an_answer_is_corrected_on_the_pages(http: httpx2.Client, server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=30) as root:
        case = root.post("/ayuda", data={"words": asking.WORDS}).headers["location"]
        assert "Lo que ya sabemos" not in root.get(case).text
        act = case.replace("caso", "question")
        root.post(act, data={"question_id": "luz", "answer_id": "roja"})
        root.post(act, data={"question_id": "cuando", "skip": "1"})
        page = html.unescape(root.get(case).text)
        assert "Limpia el filtro" in page
        assert f'href="{case}?pregunta=luz"' in page
        again = html.unescape(root.get(f"{case}?pregunta=luz").text)
        assert (asking.LIGHT in again, "Antes respondiste: Roja." in again) == (True, True)
        assert 'data-state="step"' in root.get(f"{case}?pregunta=otra").text
        assert root.post(act, data={"question_id": "luz", "answer_id": "verde"}).headers["location"] == case
        assert "Revisa el enchufe" in root.get(case).text
        english = html.unescape(root.get(f"{case}?idioma=en").text)
        assert "What colour is the light? <strong>Green</strong>" in english
        assert "pregunta=luz" in english.partition("idioma=en")[2]


def test_an_old_page_answers_for_the_step_that_it_shows_alone(http: httpx2.Client, server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=30) as root:
        case = root.post("/ayuda", data={"words": asking.WORDS}).headers["location"]
        act, question = case.replace("caso", "step"), case.replace("caso", "question")
        root.post(question, data={"question_id": "luz", "answer_id": "roja"})
        root.post(question, data={"question_id": "cuando", "skip": "1"})
        old = forms(root.get(case).text)
        assert old["step_id"] == "filtro"
        root.post(question, data={"question_id": "luz", "answer_id": "verde"})
        assert root.post(act, data={**old, "answer": "solved"}).headers["location"] == case
        assert "Revisa el enchufe" in root.get(case).text
        new = forms(root.get(case).text)
        root.post(act, data={**new, "answer": "not_mine", "notes": "el molinillo no gira"})
        assert "Quita la traba" in root.get(case).text
        for said in ("not_mine", "solved"):
            assert root.post(act, data={**new, "answer": said}).headers["location"] == case
            assert "Quita la traba" in root.get(case).text


def test_an_old_page_takes_back_the_answer_that_was_the_last_one_there(http: httpx2.Client, server: Server) -> None:
    server.runtime.parts.policy = AUTHOR_ORDER
    with httpx2.Client(base_url=server.url, timeout=30) as root:
        case = root.post("/ayuda", data={"words": asking.WORDS}).headers["location"]
        act, undo = case.replace("caso", "step"), case.replace("caso", "undo")

        def say_on_the_page(answer: str) -> None:
            root.post(act, data={**forms(root.get(f"{case}?pasos=1").text), "answer": answer})

        say_on_the_page("could_not")
        say_on_the_page("could_not")
        old = root.get(case).text
        assert ('data-state="handed"' in old, forms(old)["step_number"]) == (True, "1")
        say_on_the_page("not_helped")
        say_on_the_page("not_helped")
        assert root.post(undo, data=forms(old)).headers["location"] == case
        assert "Restablece la cafetera" in root.get(f"{case}?pasos=1").text, "the answer to the second step stays"
        root.post(undo, data=forms(root.get(case).text))
        assert "Limpia el filtro" in root.get(f"{case}?pasos=1").text


def forms(page: str) -> dict[str, str]:
    """The hidden fields of a step's page."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_python_answers_by_name(facade: str, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_KB_PATH", str(kb))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    agent = TroubleshootingAgent()
    policy: Policy = Curious(first={"roja": "filtro"})
    engine().runtime.parts.policy = policy
    session_id = agent.start_troubleshooting(asking.WORDS, "ana@example.com").session_id
    assert agent.get_current_step(session_id)["question"] == QUESTION
    assert "roja, verde" in agent.answer_question(session_id, "luz", "azul")["error"]
    step = agent.answer_question(session_id, "luz", "roja")
    assert (step["step_id"], step["question"]["id"]) == ("filtro", "cuando")
    assert agent.answer_question(session_id, "cuando")["question"] is None
    assert agent.answer_question(session_id, "nunca", "hoy")["error"].startswith("question_id: «nunca»")
    assert agent.answer_question(session_id, "luz", "verde")["step_id"] == "enchufe"
