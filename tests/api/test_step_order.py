"""Whichever order a policy offers, every door keeps what the contract says of numbers, repeats, ends and figures."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from orders import ENOUGH, Backwards, Impatient

from guiado.agent import TroubleshootingAgent
from guiado.cli.chat_sessions import ChatSessions
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.sync import engine

BASE = "/api/support/troubleshooting"
WORDS = "la cafetera no calienta, ya limpié el filtro"
Server = Any
STEPS = [
    {"step_id": "enchufe", "title": "Revisa el enchufe", "minutes": 1, "chance": 0.2, "type": "check"},
    {"step_id": "filtro", "title": "Limpia el filtro", "minutes": 4, "chance": 0.3, "risk": "medium"},
    {"step_id": "agua", "title": "Llena el depósito de agua", "minutes": 2, "chance": 0.1, "after": ["enchufe"]},
    {"step_id": "fabrica", "title": "Restablece la cafetera", "minutes": 9, "chance": 0.4, "irreversible": True, "risk": "high"},
]


def entry(*steps: dict[str, Any]) -> dict[str, Any]:
    numbered = [{**step, "step_number": n, "instructions": [f"{step['title']}."]} for n, step in enumerate(steps, 1)]
    common = ["la cafetera no calienta", "el café sale frío"]
    return {"cafetera": {"problem_title": "La cafetera no calienta", "common_issues": common, "steps": numbered}}


def write(path: Path, *steps: dict[str, Any]) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(entry(*steps)), "utf-8")
    draft.replace(path)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kb") / "kb.json"
    write(path, *STEPS)
    return path


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Server], module_dsn: str, kb: Path) -> Server:
    return serve_module(module_dsn, GUIADO_KB_PATH=str(kb), GUIADO_ENCODER="lexical", works=True)


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as client:
        yield client
    server.runtime.parts.policy = AUTHOR_ORDER


@pytest.fixture
def by(server: Server) -> Callable[[Policy], Any]:
    """Lets the service go by this policy."""

    def go(policy: Policy) -> Any:
        server.runtime.parts.policy = policy
        return policy

    return go


def rows(dsn: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(run())


def begin(http: httpx2.Client, words: str = WORDS) -> dict[str, Any]:
    answer = http.post("/start", json={"problem_description": words, "customer_email": "ana@example.com", "language": "es"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["problem_detected"] == "cafetera"
    return answer.json()


def say(http: httpx2.Client, session_id: str, **body: object) -> dict[str, Any]:
    answer = http.post(f"/{session_id}/step", json={"success": True, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def place(step: dict[str, Any]) -> tuple[Any, ...]:
    return step["step_number"], step["step_id"], step["current_step"], step["total_steps"]


def test_a_session_counts_from_one_and_ends_after_the_last_step_of_its_own_order(
    http: httpx2.Client, by: Callable[[Policy], Any], module_dsn: str
) -> None:
    policy = by(Backwards())
    started = begin(http)
    session_id = started["session_id"]
    assert place(started["first_step"]) == (1, "fabrica", 0, 4)
    first = say(http, session_id, step_number=1, step_id="fabrica")
    assert (first["attempt"]["step_number"], first["attempt"]["step_id"]) == (1, "fabrica")
    assert first["message"] == "¡Bien! Sigamos con el paso 2 de 4."
    # «agua» waits for «enchufe»: what must come before comes before.
    assert place(first["session"]["next_step"]) == (2, "filtro", 1, 4)
    assert first["session"]["next_step"]["already_tried"] == {"words": "ya limpié el filtro"}

    # The same answer again, a number that is not open, a step of another place.
    again = say(http, session_id, step_number=1, step_id="fabrica")
    assert (again["attempt"]["id"], again["next_action"]) == (first["attempt"]["id"], "continue")
    wrong = http.post(f"/{session_id}/step", json={"success": True, "step_number": 4})
    assert (wrong.status_code, wrong.json()["session"]["next_step"]["step_id"]) == (409, "filtro")
    assert http.post(f"/{session_id}/step", json={"success": True, "step_number": 2, "step_id": "agua"}).status_code == 409

    skipped = say(http, session_id, step_number=2, outcome="not_helped", reason="already_tried")
    assert place(skipped["session"]["next_step"]) == (3, "enchufe", 2, 4)
    failed = say(http, session_id, success=False, step_number=3)
    assert (failed["next_action"], place(failed["session"]["next_step"])) == ("continue", (3, "enchufe", 2, 4))
    third = say(http, session_id, step_number=3)
    assert place(third["session"]["next_step"]) == (4, "agua", 3, 4)
    last = say(http, session_id, step_number=4)
    assert (last["next_action"], last["session"]["status"], last["session"]["current_step"]) == ("resolved", "resolved", 4)
    assert say(http, session_id, step_number=4)["next_action"] == "resolved"

    shown = http.get(f"/{session_id}").json()
    order = [("fabrica", 1), ("filtro", 2), ("enchufe", 3), ("enchufe", 3), ("agua", 4)]
    assert [(each["step_id"], each["step_number"]) for each in shown["attempts"]] == order
    assert shown["attempts"][0]["step_title"] == "Restablece la cafetera"
    told = rows(module_dsn, "SELECT event, data FROM support_troubleshooting_outbox WHERE session_id::text = $1 ORDER BY event_id",
                session_id)  # fmt: skip
    numbered = [
        (row["event"], row["data"]["step_number"], row["data"]["step_id"]) for row in told if "step_number" in row["data"]
    ]
    assert numbered == [
        ("step_completed", 1, "fabrica"), ("step_completed", 2, "filtro"), ("step_failed", 3, "enchufe"),
        ("retry_attempt", 3, "enchufe"), ("step_completed", 3, "enchufe"), ("step_completed", 4, "agua"),
    ]  # fmt: skip
    assert [row["data"]["attempt"] for row in told if row["event"] == "retry_attempt"] == [2]

    offers = rows(module_dsn, "SELECT * FROM support_troubleshooting_decisions WHERE session_id::text = $1 ORDER BY number",
                  session_id)  # fmt: skip
    chosen = [row for row in offers if row["policy"]]
    assert [row["step_id"] for row in chosen] == ["fabrica", "filtro", "enchufe", "agua"]
    assert {(row["policy"], row["policy_version"], row["explored"], row["probability"]) for row in chosen} == {
        ("backwards", "7", True, 0.25)
    }
    assert [each for each in chosen[1]["candidates"] if "step_id" in each] == [
        {"step_id": "enchufe", "position": 1, "score": 0.2},
        {"step_id": "filtro", "position": 2, "score": 0.3},
    ]
    (kept,) = rows(module_dsn, "SELECT * FROM support_troubleshooting_sessions WHERE session_id::text = $1", session_id)
    assert (kept["policy"], kept["policy_version"], kept["offered_step_id"]) == ("backwards", "7", None)

    # What the author said of each step reached the policy, through file and database.
    seen = {step.step_id: step for step in policy.seen[0].steps}
    assert (seen["fabrica"].irreversible, seen["fabrica"].risk, seen["fabrica"].minutes, seen["fabrica"].chance) == (
        True, "high", 9, 0.4,
    )  # fmt: skip
    assert (seen["agua"].after, seen["enchufe"].type, seen["filtro"].risk) == (("enchufe",), "check", "medium")


def test_a_policy_that_leaves_a_step_out_ends_without_it(http: httpx2.Client, by: Callable[[Policy], Any]) -> None:
    by(Backwards(leaves_out="filtro"))
    session_id = begin(http)["session_id"]
    actions = [say(http, session_id, outcome="not_helped")["next_action"] for _ in range(3)]
    assert actions == ["continue", "continue", "escalate"]
    state = http.get(f"/{session_id}").json()["session"]
    assert (state["status"], state["current_step"], state["total_steps"], state["next_step"]) == ("needs_escalation", 3, 4, None)
    assert http.post(f"/{session_id}/step", json={"success": True}).status_code == 409
    assert say(http, session_id, outcome="solved")["session"]["status"] == "resolved"


def test_a_person_before_the_end_and_the_steps_go_on(http: httpx2.Client, by: Callable[[Policy], Any], module_dsn: str) -> None:
    by(Impatient())
    session_id = begin(http)["session_id"]
    called = say(http, session_id, step_number=1, outcome="not_helped")
    assert (called["next_action"], called["suggest_escalation"], called["session"]["escalation_reason"]) == (
        "escalate", True, str(ENOUGH),
    )  # fmt: skip
    assert place(called["session"]["next_step"]) == (2, "filtro", 1, 4)
    on = say(http, session_id, step_number=2)
    assert (on["next_action"], on["session"]["status"], place(on["session"]["next_step"])) == (
        "continue", "needs_escalation", (3, "agua", 2, 4),
    )  # fmt: skip
    assert "Mientras tanto" in on["message"]
    assert say(http, session_id, step_number=1, outcome="not_helped")["next_action"] == "escalate"
    count = "SELECT count(*) AS n FROM support_troubleshooting_outbox WHERE session_id::text = $1 AND event = 'session_escalated'"
    assert rows(module_dsn, count, session_id) == [{"n": 1}]

    by(Impatient(meanwhile=False, from_the_start=True))
    nothing = begin(http)
    assert (nothing["status"], nothing["first_step"]) == ("needs_escalation", None)
    assert "Mientras tanto" not in nothing["message"]


def test_a_session_goes_on_where_it_was_after_a_restart_and_an_edit(
    http: httpx2.Client, by: Callable[[Policy], Any], serve: Callable[..., Server], server: Server, module_dsn: str, kb: Path
) -> None:
    by(Backwards())
    session_id = begin(http)["session_id"]
    assert place(say(http, session_id, step_number=1)["session"]["next_step"])[:2] == (2, "filtro")
    before = server.runtime.knowledge.snapshot.version_ids
    try:
        write(kb, STEPS[3], {"step_id": "nuevo", "title": "Llama al vecino"})
        deadline = time.monotonic() + 20
        while server.runtime.knowledge.snapshot.version_ids == before:
            assert time.monotonic() < deadline, "the edit was not taken up"
            time.sleep(0.05)
        # Another process, which goes by the author's order: the step on offer stays, what was passed is not offered again.
        other = serve(module_dsn, GUIADO_KB_PATH=str(kb), GUIADO_ENCODER="lexical")
        with httpx2.Client(base_url=f"{other.url}{BASE}", timeout=30) as there:
            assert place(there.get(f"/{session_id}").json()["session"]["next_step"]) == (2, "filtro", 1, 4)
            orders = [say(there, session_id, step_number=number)["session"]["next_step"] for number in (2, 3, 4)]
            assert [place(step) if step else None for step in orders] == [(3, "enchufe", 2, 4), (4, "agua", 3, 4), None]
            assert place(begin(there)["first_step"]) == (1, "fabrica", 0, 2)
    finally:
        write(kb, *STEPS)
        deadline = time.monotonic() + 20
        while server.runtime.knowledge.snapshot.version_ids != before:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_an_abandoned_session_comes_back_to_its_step(http: httpx2.Client, by: Callable[[Policy], Any], module_dsn: str) -> None:
    by(Backwards())
    session_id = begin(http)["session_id"]
    say(http, session_id, step_number=1)
    rows(module_dsn, "UPDATE support_troubleshooting_sessions SET status = 'abandoned', ended_at = now() WHERE session_id::text = $1",
         session_id)  # fmt: skip
    back = http.post(f"/{session_id}/resume")
    assert back.status_code == 200, back.text
    assert back.json()["message"] == "Seguimos donde lo dejaste: paso 2 de 4."
    assert place(back.json()["session"]["next_step"]) == (2, "filtro", 1, 4)


def test_figures_count_steps_and_name_their_place_in_the_guide(http: httpx2.Client, by: Callable[[Policy], Any]) -> None:
    def failed() -> dict[str, tuple[int, int, str]]:
        found = http.get("/analytics", params={"days": 1}).json()["common_failed_steps"]
        assert len({(row["problem_id"], row["step_id"]) for row in found}) == len(found)
        return {row["step_id"]: (row["step_number"], row["failed_attempts"], row["step_title"]) for row in found}

    before = failed().get("fabrica", (4, 0, ""))[1]
    by(Backwards())
    say(http, begin(http)["session_id"], success=False, step_number=1)
    by(AUTHOR_ORDER)
    session_id = begin(http)["session_id"]
    for _ in range(3):
        say(http, session_id)
    say(http, session_id, success=False, step_number=4)
    # First in one session and last in the other: one step.
    assert failed()["fabrica"] == (4, before + 2, "Restablece la cafetera")


def test_python_and_the_chat_of_the_terminal_follow_the_order(facade: str, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_KB_PATH", str(kb))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    agent = TroubleshootingAgent()
    engine().runtime.parts.policy = Backwards()
    session = agent.start_troubleshooting(WORDS, "ana@example.com")
    first = agent.get_current_step(session.session_id)
    assert (first["step_number"], first["step_id"], first["current_step"]) == (1, "fabrica", 0)
    following = agent.complete_step(session.session_id, True)
    assert (following["status"], following["next_step"]["step_number"], following["next_step"]["step_id"]) == (
        "next_step", 2, "filtro",
    )  # fmt: skip
    assert agent.format_step_response(following["next_step"]).startswith("Paso 2 de 4: Limpia el filtro")
    failed = agent.complete_step(session.session_id, False)
    assert (failed["status"], failed["current_step"]["step_id"]) == ("step_failed", "filtro")
    summary = agent.get_session_summary(session.session_id)
    assert (summary["current_step"], summary["total_steps"], summary["attempted_steps"]) == (1, 4, 2)
    assert agent.get_analytics()["common_failed_steps"] == {2: 1}

    chat = ChatSessions("es")
    view = chat.look(session.session_id)
    assert (view.step.step_number, view.step.step_id) == (2, "filtro")
    assert chat.passed_step(session.session_id, 1).step_id == "fabrica"
    assert chat.passed_step(session.session_id, 2) is None
