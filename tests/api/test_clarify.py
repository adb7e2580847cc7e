"""Accept, did you mean, none of them, and "that is not it": every way through, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import httpx2
import pytest
from checker import check

BASE = "/api/support/troubleshooting"
WORDS = "no puedo conectarme a internet ni entrar a mi cuenta"
Server = Any


@pytest.fixture(scope="module")
def careful(serve_module: Callable[..., Server], module_dsn: str) -> Server:
    """A server that is never sure, and calls hardly anything none of them."""
    return serve_module(module_dsn, GUIADO_ACCEPT_THRESHOLD="1", GUIADO_DETECTION_THRESHOLD="0")


@pytest.fixture
def http(careful: Server, module_dsn: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{careful.url}{BASE}", timeout=30) as client:
        yield client
    assert check(module_dsn) == []


def begin(http: httpx2.Client, words: str = WORDS, **more: object) -> dict[str, Any]:
    body = {"problem_description": words, "customer_email": "ana@example.com", "language": "es", "clarify": True, **more}
    answer = http.post("/start", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def say(http: httpx2.Client, session: dict[str, Any], verb: str, status: int = 200, **body: object) -> dict[str, Any]:
    answer = http.post(f"/{session['session_id']}/{verb}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def look(http: httpx2.Client, session: dict[str, Any]) -> dict[str, Any]:
    return http.get(f"/{session['session_id']}").json()["session"]


def rows(dsn: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(run())


def events(dsn: str, session: dict[str, Any]) -> list[str]:
    query = "SELECT event FROM support_troubleshooting_outbox WHERE session_id = $1 ORDER BY event_id"
    return [row["event"] for row in rows(dsn, query, session["session_id"])]


# ----------------------------------------------------------------------------------------------------------- did you mean


def test_unclear_words_get_options_and_one_question_and_no_step(http, module_dsn) -> None:
    session = begin(http)
    assert (session["verdict"], session["problem_detected"], session["first_step"]) == ("unclear", None, None)
    assert session["status"] == "started"
    assert 1 <= len(session["options"]) <= 3
    confidences = [option["confidence"] for option in session["options"]]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) <= 1.001
    assert all(option["title"] and option["example"] != option["title"] for option in session["options"])
    assert session["question"]["answers"] == ["yes", "no", "unknown"]
    assert session["question"]["text"].startswith("¿")
    state = look(http, session)
    assert state["clarification"] == {"options": session["options"], "question": session["question"]}
    assert (state["next_step"], state["total_steps"]) == (None, 0)
    assert events(module_dsn, session) == ["session_started"]
    query = "SELECT kind, candidates FROM support_troubleshooting_decisions WHERE session_id = $1"
    ((kind, candidates),) = rows(module_dsn, query, session["session_id"])
    assert kind == "question"
    assert '"confidence"' in candidates


def test_the_chosen_option_is_followed_to_the_end(http, module_dsn) -> None:
    session = begin(http)
    choice = session["options"][-1]["problem_id"]
    told = say(http, session, "clarify", problem_id=choice)
    assert (told["problem_detected"], told["verdict"], told["first_step"]["step_number"]) == (choice, "accept", 1)
    assert (told["options"], told["question"]) == ([], None)
    assert say(http, session, "clarify", problem_id=choice) == told, "the same choice twice counts once"
    state = look(http, session)
    assert (state["detected_problem_id"], state["total_steps"]) == (choice, told["first_step"]["total_steps"])
    assert state["clarification"] is None
    solved = say(http, session, "step", success=True, outcome="solved", step_number=1)
    assert solved["next_action"] == "resolved"
    assert events(module_dsn, session) == ["session_started", "problem_detected", "step_completed", "session_resolved"]


@pytest.mark.parametrize("answer", ["yes", "no", "unknown"])
def test_the_answer_ranks_anew_and_nothing_is_asked_again(http, answer) -> None:
    session = begin(http)
    told = say(http, session, "clarify", answer=answer, question_id=session["question"]["id"])
    assert told["question"] is None
    if told["problem_detected"] is None and told["options"]:
        before = [(o["problem_id"], o["confidence"]) for o in session["options"]]
        after = [(o["problem_id"], o["confidence"]) for o in told["options"]]
        assert {name for name, _ in after} == {name for name, _ in before}
        assert (after == before) == (answer == "unknown")
        assert say(http, session, "clarify", answer=answer)["options"] == told["options"], "a second click is heard once"
        other = next(each for each in ("yes", "no", "unknown") if each != answer)
        say(http, session, "clarify", 409, answer=other)
        last = say(http, session, "clarify", text="el router parpadea y no hay internet")
        assert last["options"] == [], "a guide or a person, never a loop"
        assert last["first_step"] or last["status"] == "needs_escalation"


def test_other_words_are_ranked_together_with_the_first_ones(http) -> None:
    session = begin(http, "no funciona nada de internet")
    told = say(http, session, "clarify", text="me cobraron dos veces la factura, un cobro doble")
    assert "problema_facturacion" in [told["problem_detected"], *(option["problem_id"] for option in told["options"])]
    assert told["question"] is None


def test_none_of_them_hands_over_what_was_understood(http, module_dsn) -> None:
    session = begin(http, ticket_id="T-nada")
    told = say(http, session, "clarify", none=True)
    assert (told["status"], told["verdict"], told["first_step"]) == ("needs_escalation", "none", None)
    handed = say(http, session, "escalate")
    understood = handed["escalation_info"]["understood"]
    assert [each["problem_id"] for each in understood["candidates"]] == [each["problem_id"] for each in session["options"]]
    assert understood["language"] == "es"
    assert understood["clarifications"][0]["question"] == session["question"]["text"]
    assert understood["clarifications"][0]["said"] == {"none": True}
    assert "no era ninguno de los que le mostramos" in handed["escalation_info"]["reason"]
    assert http.get(f"/{session['session_id']}").json()["understood"] == understood
    ((metadata,),) = rows(module_dsn, "SELECT metadata::text FROM support_tickets WHERE ticket_id = 'T-nada'")
    assert session["options"][0]["problem_id"] in metadata
    assert events(module_dsn, session) == ["session_started", "session_escalated"]


def test_a_waiting_session_can_end_in_every_other_way(http) -> None:
    away, handed = begin(http), begin(http)
    say(http, away, "step", 409, success=True)
    assert say(http, away, "step", success=True, outcome="solved")["next_action"] == "resolved"
    assert say(http, handed, "escalate")["status"] == "escalated"
    for session in (away, handed):
        refused = say(http, session, "clarify", 409, none=True)
        assert refused["session"]["clarification"] is None
        say(http, session, "reject", 409)


# -------------------------------------------------------------------------------------------------------- accept and none


def test_who_cannot_ask_gets_the_best_one_with_its_alternatives_and_the_verdict(http) -> None:
    session = begin(http, clarify=False)
    assert session["verdict"] == "unclear"
    assert session["first_step"]["step_number"] == 1
    assert (session["options"], session["question"]) == ([], None)
    assert session["alternatives"]
    assert all(each["problem_title"] for each in session["alternatives"])
    say(http, session, "clarify", 409, none=True)


def test_who_is_sure_enough_is_not_asked(serve: Callable[..., Server], module_dsn: str) -> None:
    sure = serve(module_dsn, GUIADO_ACCEPT_THRESHOLD="0", GUIADO_DETECTION_THRESHOLD="0.02")
    with httpx2.Client(base_url=f"{sure.url}{BASE}", timeout=30) as http:
        session = begin(http)
        assert (session["verdict"], session["first_step"]["step_number"]) == ("accept", 1)
    never = serve(module_dsn, GUIADO_DETECTION_THRESHOLD="1")
    with httpx2.Client(base_url=f"{never.url}{BASE}", timeout=30) as http:
        strange = begin(http, "xyzzy plugh qwrt")
        assert (strange["verdict"], strange["status"], strange["options"]) == ("none", "needs_escalation", [])
        assert say(http, strange, "escalate")["escalation_info"]["understood"]["clarifications"] == []


# ---------------------------------------------------------------------------------------------------------- that is not it


def test_a_rejected_guide_gives_way_to_the_named_alternative(http, module_dsn) -> None:
    session = begin(http, clarify=False)
    wrong = session["problem_detected"]
    say(http, session, "step", success=True, step_number=1)
    say(http, session, "step", success=False, step_number=2)
    told = say(http, session, "reject", rejected=wrong, problem_id="problema_facturacion")
    assert (told["problem_detected"], told["first_step"]["step_number"]) == ("problema_facturacion", 1)
    again = say(http, session, "reject", rejected=wrong, problem_id="problema_facturacion")
    assert again["problem_detected"] == "problema_facturacion", "a second click rejects nothing more"
    state = http.get(f"/{session['session_id']}").json()
    assert (state["session"]["current_step"], state["summary"]["total_attempts"]) == (0, 2)
    late = say(http, session, "step", 409, success=True, step_number=1, step_id=session["first_step"]["step_id"])
    assert late["session"]["next_step"]["step_id"] == told["first_step"]["step_id"]
    say(http, session, "step", success=True, step_number=1, step_id=told["first_step"]["step_id"])
    assert events(module_dsn, session).count("problem_detected") == 2
    lessons = rows(
        module_dsn,
        "SELECT kind, problem_id FROM support_troubleshooting_learning WHERE session_id = $1",
        session["session_id"],
    )
    assert [tuple(row) for row in lessons] == [("negative", wrong)]


def test_attempts_count_for_the_guide_that_they_were_made_with(http, module_dsn) -> None:
    def counted(problem_id: str) -> int:
        query = (
            "SELECT coalesce(sum(total_attempts), 0) FROM guiado_count_steps(ARRAY['default'], ARRAY[now() - interval '1 day'],"
            " ARRAY[now() + interval '1 day']) WHERE problem_id = $1 AND guide_version ="
            " (SELECT guide_version_id::text FROM support_troubleshooting_guide_versions WHERE guide_id = $1)"
        )
        return rows(module_dsn, query, problem_id)[0][0]

    session = begin(http, clarify=False)
    wrong = session["problem_detected"]
    before = counted(wrong), counted("problema_facturacion")
    for _ in range(2):
        say(http, session, "step", success=True)
    say(http, session, "reject", problem_id="problema_facturacion")
    say(http, session, "step", success=True)
    assert (counted(wrong), counted("problema_facturacion")) == (before[0] + 2, before[1] + 1)


def test_without_an_alternative_the_words_are_ranked_again_without_it(http) -> None:
    session = begin(http, clarify=False)
    told = say(http, session, "reject", text="es de mi cuenta")
    seen = [told["problem_detected"], *(option["problem_id"] for option in told["options"])]
    assert session["problem_detected"] not in seen
    assert any(seen)
    if told["options"]:
        chosen = say(http, session, "clarify", problem_id=told["options"][0]["problem_id"])
        assert chosen["first_step"]["step_number"] == 1


def test_the_third_rejection_calls_a_person_whatever_is_left(http) -> None:
    session = begin(http, clarify=False)
    for other in ("problema_facturacion", "instalacion_software"):
        assert say(http, session, "reject", problem_id=other)["problem_detected"] == other
    assert say(http, session, "reject")["status"] == "needs_escalation"


def test_who_was_asked_once_is_not_asked_again_after_a_rejection(http) -> None:
    session = begin(http)
    assert session["question"]
    say(http, session, "clarify", problem_id=session["options"][-1]["problem_id"])
    told = say(http, session, "reject")
    assert told["options"]
    assert told["question"] is None


def test_who_rejects_again_and_again_gets_a_person(http) -> None:
    session = begin(http, clarify=False)
    for _ in range(5):
        if session["status"] == "needs_escalation":
            break
        if session["options"]:
            session = say(http, session, "clarify", problem_id=session["options"][0]["problem_id"])
        session = say(http, session, "reject")
    assert session["status"] == "needs_escalation"
    assert session["problem_detected"] is None
    say(http, session, "reject", 409)


# ------------------------------------------------------------------------------------------------------------ bad requests


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "exactamente uno"),
        ({"none": False}, "exactamente uno"),
        ({"none": True, "text": "x"}, "exactamente uno"),
        ({"answer": "quizá"}, "answer"),
        ({"problem_id": "no_existe"}, "problem_id"),
        ({"text": "\x00"}, "exactamente uno"),
    ],
)
def test_a_clarification_says_exactly_one_thing(http, body, named) -> None:
    session = begin(http)
    assert named in say(http, session, "clarify", 400, **body)["error"]
    assert look(http, session)["version"] == 1


def test_refusals_tell_the_state(http) -> None:
    session = begin(http)
    say(http, session, "clarify", 409, answer="yes", question_id="otra")
    refused = say(http, session, "reject", 409)
    assert refused["session"]["clarification"]["options"] == session["options"]
    say(http, {"session_id": "nada"}, "clarify", 404, none=True)
    running = begin(http, clarify=False)
    assert "problem_id" in say(http, running, "reject", 400, problem_id=running["problem_detected"])["error"]
    assert "problem_id" in say(http, running, "reject", 400, problem_id="no_existe")["error"]
    say(http, running, "reject", 409, rejected="no_existe")


# ------------------------------------------------------------------------------------------------------- twice and at once


def at_once(url: str, *requests: tuple[str, dict[str, Any], str | None]) -> list[httpx2.Response]:
    async def run() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(base_url=f"{url}{BASE}", timeout=30) as http:
            posts = (http.post(path, json=body, headers={"Idempotency-Key": key} if key else {}) for path, body, key in requests)
            return await asyncio.gather(*posts)

    return asyncio.run(run())


def test_of_two_choices_at_once_one_wins_and_the_other_is_told(http, careful) -> None:
    for _ in range(5):
        session = begin(http)
        path, first = f"/{session['session_id']}/clarify", session["options"][0]["problem_id"]
        bodies = [{"problem_id": first}, {"none": True}, {"text": "no hay internet"}]
        replies = at_once(careful.url, *((path, body, None) for body in bodies))
        taken = [reply for reply in replies if reply.status_code == 200]
        assert taken
        assert {reply.status_code for reply in replies} <= {200, 409}
        assert len({(r.json()["status"], r.json()["problem_detected"]) for r in taken}) <= 2


def test_a_click_too_many_rejects_once(http, careful) -> None:
    session = begin(http, clarify=False)
    wrong, path = session["problem_detected"], f"/{session['session_id']}/reject"
    replies = at_once(careful.url, *[(path, {"rejected": wrong, "problem_id": "problema_facturacion"}, None)] * 8)
    assert {reply.status_code for reply in replies} == {200}
    assert {reply.json()["problem_detected"] for reply in replies} == {"problema_facturacion"}
    assert look(http, session)["version"] == 2


def test_a_rejection_that_comes_second_is_not_taken_for_one_of_the_next_guide(http, careful, module_dsn) -> None:
    session = begin(http, clarify=False)
    path = f"/{session['session_id']}/reject"
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    async def run() -> list[httpx2.Response]:
        holder, watcher = await asyncpg.connect(module_dsn), await asyncpg.connect(module_dsn)
        try:
            async with httpx2.AsyncClient(base_url=f"{careful.url}{BASE}", timeout=30) as client:
                async with holder.transaction():
                    lock = "SELECT 1 FROM support_troubleshooting_sessions WHERE session_id = $1 FOR UPDATE"
                    await holder.execute(lock, session["session_id"])
                    body = {"problem_id": "problema_facturacion"}
                    asked = [asyncio.create_task(client.post(path, json=each)) for each in (body, {})]
                    deadline = time.monotonic() + 20
                    while await watcher.fetchval(waiting) < len(asked) and time.monotonic() < deadline:
                        await asyncio.sleep(0.01)
                return await asyncio.gather(*asked)
        finally:
            await holder.close()
            await watcher.close()

    replies = asyncio.run(run())
    assert sorted(reply.status_code for reply in replies) == [200, 409], [reply.text for reply in replies]
    assert look(http, session)["version"] == 2


def test_an_answer_that_meets_a_rejection_is_never_taken_for_one_to_the_next_guide(http, careful) -> None:
    for _ in range(8):
        session = begin(http, clarify=False)
        one = session["session_id"]
        step = (f"/{one}/step", {"success": True, "step_number": 1}, None)
        replies = at_once(careful.url, step, (f"/{one}/reject", {"problem_id": "problema_facturacion"}, None))
        assert replies[1].status_code == 200
        state = look(http, session)
        assert (state["detected_problem_id"], state["current_step"]) == ("problema_facturacion", 0)
        assert replies[0].status_code in {200, 409}


def test_one_key_one_effect(http, careful) -> None:
    session = begin(http)
    body = {"problem_id": session["options"][0]["problem_id"]}
    replies = at_once(careful.url, *[(f"/{session['session_id']}/clarify", body, "una")] * 5)
    assert {reply.status_code for reply in replies} == {200}
    assert all(reply.json() == replies[0].json() for reply in replies)
    path = f"/{session['session_id']}/reject"
    replies = at_once(careful.url, *[(path, {}, "dos")] * 5)
    assert {reply.status_code for reply in replies} == {200}
    assert look(http, session)["version"] == 3


# -------------------------------------------------------------------------------------------------------------- forwarded


def test_who_wrote_a_forwarded_mail_reaches_the_person_who_takes_over(http, module_dsn) -> None:
    mail = (
        "Les paso este caso.\n\n---------- Mensaje reenviado ---------\nDe: Marta Ruiz <marta@example.com>\nFecha: hoy\n"
        "Asunto: wifi\nPara: soporte\n\nse me cae el wifi a cada rato"
    )
    session = begin(http, mail, clarify=False, ticket_id="T-reenvio")
    assert session["problem_detected"] == "conexion_internet"
    understood = say(http, session, "escalate")["escalation_info"]["understood"]
    assert understood["original_sender"] == "Marta Ruiz <marta@example.com>"
    ((metadata,),) = rows(module_dsn, "SELECT metadata ->> 'original_sender' FROM support_tickets WHERE ticket_id = 'T-reenvio'")
    assert metadata == "Marta Ruiz <marta@example.com>"


def test_a_customers_own_mail_names_no_other_writer(http) -> None:
    mail = "---------- Mensaje reenviado ---------\nDe: Ana <{}>\nFecha: hoy\nPara: soporte\n\nse me cae el wifi a cada rato"
    for text in ("se me cae el wifi a cada rato", mail.format("ana@example.com")):
        session = begin(http, text, clarify=False)
        assert http.get(f"/{session['session_id']}").json()["understood"]["original_sender"] is None
