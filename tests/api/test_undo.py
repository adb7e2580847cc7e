"""A customer takes back the last answer, over HTTP: state, figures, lessons, notices, tickets, and two who act at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx2
import pytest
from checker import check, inconsistencies
from talk import begin, say

WORDS = "no me deja instalar el programa"
PROBLEM = "instalacion_software"
BASE = "/api/support/troubleshooting"
Ask = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def ask(module_dsn: str) -> Ask:
    """Rows that a statement gives, as plain tuples."""

    async def run(query: str, *values: object) -> list[Any]:
        connection = await asyncpg.connect(module_dsn)
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return lambda query, *values: asyncio.run(run(query, *values))


def refused(http: httpx2.Client, session: dict[str, Any], **body: object) -> dict[str, Any]:
    """The problem that an undo is answered with, which tells the session as it stands."""
    answer = http.post(f"/{session['session_id']}/undo", json=body)
    assert answer.status_code == 409, answer.text
    told = answer.json()
    assert told["session"]["session_id"] == session["session_id"]
    return told


def state(http: httpx2.Client, session: dict[str, Any]) -> dict[str, Any]:
    return http.get(f"/{session['session_id']}").json()


def figures(http: httpx2.Client) -> tuple[Any, ...]:
    """What the analytics count, whatever the moment."""
    told = http.get("/analytics").json()
    told = told.get("analytics", told)
    return told["summary"], told["common_failed_steps"], told["problem_distribution"]


def counted(ask: Ask, session: dict[str, Any]) -> list[Any]:
    """The steps that one session's day counts, and what the summary view says of it."""
    one = session["session_id"]
    return [
        ask("SELECT step_id, sum(total_attempts), sum(failed), sum(solved) FROM guiado_steps_daily('default', now() - interval '1 day', now()) GROUP BY 1 ORDER BY 1"),
        ask("SELECT total_attempts, successful_attempts, failed_attempts FROM vw_troubleshooting_sessions_summary WHERE session_id = $1", one),
    ]  # fmt: skip


def test_the_session_is_as_before_and_the_step_can_be_answered_again(http: httpx2.Client, ask: Ask) -> None:
    session = begin(http, WORDS)
    say(http, session, "step", success=True, step_number=1)
    before, figures_before, counted_before = state(http, session), figures(http), counted(ask, session)
    said = say(http, session, "step", success=False, step_number=2, notes="No encuentro el botón")

    undone = say(http, session, "undo", step_number=2)
    assert undone["message"] == "Quitamos tu última respuesta. Estás otra vez en el paso 2 de 6."
    assert (undone["attempt"]["id"], undone["attempt"]["notes"]) == (said["attempt"]["id"], "No encuentro el botón")
    assert undone["session"]["next_step"]["step_number"] == 2
    after = state(http, session)
    for told in (before, after):
        for name in ("version", "updated_at"):
            del told["session"][name]
    assert after == before
    assert figures(http) == figures_before
    assert counted(ask, session) == counted_before

    assert refused(http, session, step_number=2)["code"] == "not_last_answer"
    again = say(http, session, "step", success=True, step_number=2)
    assert again["session"]["current_step"] == 2
    assert again["attempt"]["id"] != said["attempt"]["id"]
    # The same answer once more is known, and it is the new one.
    assert say(http, session, "step", success=True, step_number=2)["attempt"]["id"] == again["attempt"]["id"]
    assert [attempt["outcome"] for attempt in state(http, session)["attempts"]] == ["done", "done"]


def test_all_answers_can_be_taken_back_one_after_the_other(http: httpx2.Client) -> None:
    session = begin(http, WORDS)
    for number in (1, 2, 3):
        say(http, session, "step", success=True, step_number=number)
    for number in (3, 2, 1):
        assert say(http, session, "undo", step_number=number)["session"]["current_step"] == number - 1
    assert state(http, session)["session"]["status"] == "started"
    assert refused(http, session)["code"] == "nothing_to_undo"


def test_solved_by_mistake_is_open_again_and_has_taught_nothing(http: httpx2.Client, ask: Ask) -> None:
    words = "el instalador se queda parado en la mitad y no sigue"
    session = begin(http, words, "sin.querer@example.com", clarify=True)
    if session["problem_detected"] is None:
        say(http, session, "clarify", problem_id=PROBLEM)
    one, before = session["session_id"], figures(http)
    accepted = "SELECT count(*) FROM support_troubleshooting_ml_training WHERE session_id = $1 AND status = 'accepted'"
    solved = say(http, session, "step", success=True, outcome="solved")
    assert solved["session"]["status"] == "resolved"
    assert ask(accepted, one) == [(1,)]

    undone = say(http, session, "undo")["session"]
    assert (undone["status"], undone["resolved_at"], undone["resolution"], undone["ended_at"]) == ("started", None, None, None)
    assert ask(accepted, one) == [(0,)]
    assert figures(http) == before
    # The log says so; a solution that is meant teaches as any other.
    log = (
        "SELECT kind, metadata ->> 'reason' FROM support_troubleshooting_learning WHERE session_id = $1 ORDER BY created_at, kind"
    )
    assert ask(log, one) == [("example", "solved"), ("undo", "undone")]
    say(http, session, "step", success=True, outcome="solved")
    assert ask(accepted, one) == [(1,)]
    resolved = "SELECT count(*) FROM support_troubleshooting_outbox WHERE session_id = $1 AND event = 'session_resolved'"
    assert ask(resolved, one) == [(2,)]


def test_what_the_customer_rejected_stays_learned(http: httpx2.Client, ask: Ask) -> None:
    session = begin(http, WORDS, "rechaza@example.com")
    say(http, session, "reject", rejected=PROBLEM, problem_id="conexion_internet", text="es el wifi que se cae")
    say(http, session, "step", success=True, outcome="solved")
    learned = """SELECT problem_id, label, status FROM support_troubleshooting_ml_training WHERE session_id = $1
                  ORDER BY problem_id, label"""
    say(http, session, "undo")
    assert ask(learned, session["session_id"]) == [
        ("conexion_internet", "positive", "rejected"), (PROBLEM, "negative", "accepted"),
    ]  # fmt: skip


def test_the_call_for_a_person_is_taken_back_with_its_ticket_and_the_notices_that_wait(http: httpx2.Client, ask: Ask) -> None:
    told = {"channel": "email", "recipient": "guardia@example.com", "events": ["session_escalated"]}
    assert http.post("/recipients", json=told).status_code == 200
    session = begin(http, WORDS, ticket_id="T-undo")
    one = session["session_id"]
    for _ in range(2):
        called = say(http, session, "step", success=False, step_number=1)
    assert called["session"]["status"] == "needs_escalation"
    notices = "SELECT status FROM support_troubleshooting_notifications WHERE session_id = $1 ORDER BY created_at"
    ticket = "SELECT status, notes FROM support_tickets WHERE ticket_id = 'T-undo'"
    assert ask(notices, one) == [("pending",)]
    assert ask(ticket) == [("escalated", "2 intentos fallidos.")]

    undone = say(http, session, "undo", step_number=1)["session"]
    assert (undone["status"], undone["escalated_at"], undone["escalation_reason"]) == ("in_progress", None, None)
    assert ask(notices, one) == [("cancelled",)]
    assert ask(ticket) == [("open", None)]
    # Whoever fails again is called for again.
    say(http, session, "step", success=False, step_number=1)
    assert ask(notices, one) == [("cancelled",), ("pending",)]
    assert ask(ticket) == [("escalated", "2 intentos fallidos.")]

    ask("UPDATE support_tickets SET assigned_to = 'eva' WHERE ticket_id = 'T-undo' RETURNING 1")
    assert refused(http, session)["code"] == "cannot_undo"
    assert http.delete("/recipients/email?recipient=guardia@example.com").status_code == 200


def test_who_takes_over_sees_what_counts_and_then_nothing_is_undone(http: httpx2.Client) -> None:
    session = begin(http, WORDS)
    say(http, session, "step", success=True, step_number=1, notes="bien")
    say(http, session, "step", success=False, step_number=2, notes="me equivoqué")
    say(http, session, "undo")
    info = say(http, session, "escalate")["escalation_info"]
    assert (info["attempted_steps"], info["failed_steps"], [each["notes"] for each in info["attempts"]]) == (1, 0, ["bien"])
    why = refused(http, session)
    assert (why["code"], why["error"]) == (
        "cannot_undo", "Una persona ya tiene este caso, así que la respuesta no se puede deshacer. Cuéntale lo que cambió."
    )  # fmt: skip


def test_the_customers_data_show_what_was_taken_back(http: httpx2.Client) -> None:
    session = begin(http, WORDS, "exporta@example.com")
    say(http, session, "step", success=True, step_number=1)
    say(http, session, "undo")
    exported = http.post("/customers/export", json={"customer_email": "exporta@example.com"}).json()
    (attempt,) = exported["attempts"]
    assert attempt["retracted_at"] is not None


def test_words_that_called_a_person_stay(http: httpx2.Client) -> None:
    alarmed = begin(http, WORDS)
    say(http, alarmed, "step", success=True, step_number=1, notes="quiero hablar con una persona")
    assert state(http, alarmed)["session"]["status"] == "needs_escalation"
    assert refused(http, alarmed)["code"] == "cannot_undo"


def test_the_same_key_undoes_once(http: httpx2.Client) -> None:
    session = begin(http, WORDS)
    for number in (1, 2):
        say(http, session, "step", success=True, step_number=number)
    answers = [
        http.post(f"/{session['session_id']}/undo", json={}, headers={"Idempotency-Key": f"deshacer-{session['session_id']}"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert state(http, session)["session"]["current_step"] == 1


def test_a_customer_undoes_with_their_link_alone(http: httpx2.Client) -> None:
    mine, other = begin(http, WORDS), begin(http, WORDS)
    for session in (mine, other):
        say(http, session, "step", success=True, step_number=1)
    token = http.post(f"/{mine['session_id']}/links").json()["link"]["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert http.post(f"/{other['session_id']}/undo", headers=bearer).status_code == 404
    assert http.post(f"/{mine['session_id']}/undo", headers=bearer).json()["session"]["current_step"] == 0


def test_of_an_undo_and_a_new_answer_at_once_one_wins(server: Any, module_dsn: str) -> None:
    async def run() -> None:
        async with httpx2.AsyncClient(base_url=f"{server.url}{BASE}", timeout=30) as client:
            results = set()
            for turn in range(12):
                start = {"problem_description": WORDS, "customer_email": f"a{turn}@example.com"}
                one = (await client.post("/start", json=start)).json()["session_id"]
                await client.post(f"/{one}/step", json={"success": True, "step_number": 1})
                both = (
                    client.post(f"/{one}/undo", json={"step_number": 1}),
                    client.post(f"/{one}/step", json={"success": True, "step_number": 2}),
                )
                undo, answer = await asyncio.gather(*(both if turn % 2 else reversed(both)))
                undo, answer = (undo, answer) if turn % 2 else (answer, undo)
                assert sorted([undo.status_code, answer.status_code]) == [200, 409], (undo.text, answer.text)
                results.add(undo.status_code)
                two = await asyncio.gather(*(client.post(f"/{one}/undo", json={}) for _ in range(2)))
                left = (await client.get(f"/{one}")).json()["session"]["current_step"]
                undone = sum(reply.status_code == 200 for reply in two)
                assert {reply.status_code for reply in two} <= {200, 409}
                assert left == (0 if undo.status_code == 200 else 2) - undone
            assert await inconsistencies(module_dsn) == []

    asyncio.run(run())


def test_the_book_keeper_agrees_with_all_of_it(module_dsn: str) -> None:
    assert check(module_dsn) == []


def test_after_half_an_hour_a_solution_stays(http: httpx2.Client, ask: Ask) -> None:
    # Its rows are changed by hand, so it comes after the book-keeper.
    old = begin(http, WORDS)
    say(http, old, "step", success=True, outcome="solved")
    ask(
        """WITH moved AS (UPDATE support_troubleshooting_attempts SET attempted_at = attempted_at - interval '31 minutes'
                           WHERE session_id = $1 RETURNING attempted_at)
           UPDATE support_troubleshooting_sessions s
              SET ended_at = m.attempted_at, resolved_at = m.attempted_at, updated_at = m.attempted_at
             FROM moved m WHERE s.session_id = $1 RETURNING 1""",
        old["session_id"],
    )
    why = refused(http, old)
    assert why["code"] == "cannot_undo"
    assert "30 minutos" in why["error"]
