"""Sessions that begin without an address: what the customer is told, what others learn of it, and how the address comes later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx2
import pytest

from guiado.app import commands
from guiado.app.context import PUBLIC_CALLER, Scope
from guiado.app.sessions import start as starting
from guiado.app.sessions.ranking import rank
from guiado.app.validation import check

WORDS = "no me deja instalar el programa"
TWO = "no me deja instalar el programa y además me cobraron dos veces en la factura"
SESSIONS = "support_troubleshooting_sessions"
Ask = Callable[..., list[tuple[Any, ...]]]
Begin = Callable[..., str]


@pytest.fixture
def begin(server: Any) -> Begin:
    """Begins a session on the service's own page, as the page does it; returns its id."""

    def run(words: str = WORDS, **more: object) -> str:
        async def act() -> str:
            runtime = server.runtime
            command = check(commands.StartHere, {"problem_description": words, **more})
            scope = Scope(runtime.settings.tenant, channel="web", caller=PUBLIC_CALLER)
            ranking = await rank(runtime.knowledge.snapshot, words)
            started = await runtime.parts.run_write(scope, starting.start, runtime.knowledge, command, None, ranking)
            return started.session.session_id

        return asyncio.run_coroutine_threadsafe(act(), server.loop).result(20)

    return run


@pytest.fixture
def ask(module_dsn: str) -> Ask:
    """Rows that a statement of the owner gives."""

    async def run(query: str, *values: object) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(module_dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return lambda query, *values: asyncio.run(run(query, *values))


def link_to(http: httpx2.Client, session_id: str) -> dict[str, str]:
    return {"authorization": f"Bearer {http.post(f'/{session_id}/links').json()['link']['token']}"}


def contact(
    http: httpx2.Client, session_id: str, email: str, headers: dict[str, str] | None = None, **more: str
) -> httpx2.Response:
    return http.put(f"/{session_id}/contact", json={"customer_email": email, **more}, headers=headers)


def test_the_api_still_wants_an_address(http: httpx2.Client) -> None:
    for body in ({"problem_description": WORDS}, {"problem_description": WORDS, "customer_email": None}):
        answer = http.post("/start", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "customer_email")


def test_the_whole_way_of_a_session_without_an_address(http: httpx2.Client, begin: Begin, ask: Ask) -> None:
    session_id = begin()
    assert ask(f"SELECT customer_email, customer_id FROM {SESSIONS} WHERE session_id = $1::text::uuid", session_id) == [
        (None, None)
    ]
    assert http.get(f"/{session_id}").json()["session"]["customer_email"] is None
    assert http.post(f"/{session_id}/step", json={"outcome": "not_helped", "success": True}).json()["next_action"] == "continue"
    waits = http.post(f"/{session_id}/escalate", json={}).json()
    assert waits["message"] == "Como lo pediste, te atenderá una persona del equipo. Déjanos un correo para poder escribirte."
    rated = http.post(f"/{session_id}/feedback", json={"rating": 4}).json()
    assert rated["feedback"]["customer_email"] is None
    assert http.get(f"/{session_id}/feedback").json()["history"][0]["customer_email"] is None
    (listed,) = [each for each in http.get("/sessions").json()["sessions"] if each["session_id"] == session_id]
    assert listed["customer_email"] is None
    told = ask("SELECT data -> 'customer_email' FROM support_troubleshooting_outbox WHERE session_id = $1::text::uuid"
               " AND event = 'session_started'", session_id)  # fmt: skip
    assert told == [("null",)]
    views = ("vw_troubleshooting_sessions_summary", "search_troubleshooting_sessions('instalar', 100)")
    assert [ask(f"SELECT customer_email FROM {view} WHERE session_id = $1::text::uuid", session_id) for view in views] == [
        [(None,)]
    ] * 2


def test_figures_count_the_session_and_no_customer(http: httpx2.Client, begin: Begin, ask: Ask) -> None:
    customers = "SELECT unique_customers FROM mv_daily_troubleshooting_summary ORDER BY date DESC LIMIT 1"
    http.post("/start", json={"problem_description": WORDS, "customer_email": "una@example.com"})
    ask("SELECT refresh_troubleshooting_views()")
    before, known = http.get("/analytics").json()["summary"]["total_sessions"], ask(customers)
    for _ in range(3):
        begin()
    ask("SELECT refresh_troubleshooting_views()")
    assert (http.get("/analytics").json()["summary"]["total_sessions"], ask(customers)) == (before + 3, known)


def test_sessions_without_an_address_are_not_one_customers(http: httpx2.Client, begin: Begin, ask: Ask) -> None:
    solved = begin()
    http.post(f"/{solved}/step", json={"success": True, "outcome": "solved"})
    again = begin()
    assert ask(f"SELECT recontact_of FROM {SESSIONS} WHERE session_id = $1::text::uuid", again) == [(None,)]
    over = http.post("/start", json={"problem_description": "ya está resuelto, gracias", "customer_email": "otra@example.com"})
    assert over.json()["closable_session"] is None


def test_the_next_problem_is_begun_once(http: httpx2.Client, begin: Begin) -> None:
    session_id = begin(TWO)
    others = http.get(f"/{session_id}").json()["session"]["other_problems"]
    assert others
    stranger = begin(TWO)
    begun = [http.post(f"/{one}/next").json()["session_id"] for one in (session_id, session_id, stranger)]
    assert begun[0] == begun[1]
    assert begun[2] not in {begun[0], session_id, stranger}
    assert http.get(f"/{begun[0]}").json()["session"]["customer_email"] is None


def test_a_customer_gives_the_address_once(http: httpx2.Client, begin: Begin, ask: Ask) -> None:
    session_id = begin(ticket_id="T-77", language="en")
    http.post(f"/{session_id}/escalate", json={})
    http.post(f"/{session_id}/feedback", json={"rating": 4})
    link = link_to(http, session_id)
    assert contact(http, session_id, "no es un correo", link).json()["errors"][0]["code"] == "invalid_email"
    given = contact(http, session_id, " Ana@Example.com ", link, customer_name="Ana").json()
    assert (given["session"]["customer_email"], given["session"]["customer_name"]) == ("ana@example.com", "Ana")
    assert given["message"] == "Thank you. We'll write to you at ana@example.com."
    assert contact(http, session_id, "ana@example.com", link).json()["session"]["version"] == given["session"]["version"]
    refused = contact(http, session_id, "luis@example.com", link)
    assert (refused.status_code, refused.json()["code"]) == (409, "contact_known")
    ticket = ask("SELECT customer_email, customer_name FROM support_tickets WHERE ticket_id = 'T-77'")
    assert ticket == [("ana@example.com", "Ana")]
    rated = "SELECT customer_email FROM support_troubleshooting_feedback WHERE session_id = $1::text::uuid"
    assert ask(rated, session_id) == [("ana@example.com",)]
    http.post("/start", json={"problem_description": "no me llega la factura", "customer_email": "ana@example.com"})
    same = ask(f"SELECT count(DISTINCT customer_id), count(*) FROM {SESSIONS} WHERE customer_email = 'ana@example.com'")
    assert same == [(1, 2)]


def test_a_link_gives_no_address_to_another_session(http: httpx2.Client, begin: Begin) -> None:
    mine, other = begin(), begin()
    refused = contact(http, other, "ana@example.com", link_to(http, mine))
    assert (refused.status_code, refused.json()["code"]) == (404, "session_not_found")
    assert http.get(f"/{other}").json()["session"]["customer_email"] is None


def test_an_operator_changes_an_address_and_the_old_one_is_gone(http: httpx2.Client, ask: Ask) -> None:
    start = {"problem_description": WORDS, "customer_email": "equivocada@example.com", "ticket_id": "T-78"}
    session_id = http.post("/start", json=start).json()["session_id"]
    http.post(f"/{session_id}/escalate", json={})
    http.post(f"/{session_id}/feedback", json={"rating": 5})
    assert contact(http, session_id, "correcta@example.com").json()["session"]["customer_email"] == "correcta@example.com"
    audited = ask("SELECT actor, action, detail::text FROM support_troubleshooting_audit_log WHERE object_id = $1 AND action = 'contact'",
                  session_id)  # fmt: skip
    assert audited == [("customer", "contact", '{"changed": true}')]
    exported = http.post("/customers/export", json={"customer_email": "equivocada@example.com"}).json()
    assert {name for name, rows in exported.items() if isinstance(rows, list) and rows} == set()
    moved = http.post("/customers/export", json={"customer_email": "correcta@example.com"}).json()
    assert [len(moved[name]) for name in ("sessions", "tickets", "feedback")] == [1, 1, 1]
    assert [each["data"]["customer_email"] for each in moved["events"] if each["event"] == "session_started"] == [
        "correcta@example.com"
    ]


def test_erasing_a_customer_leaves_sessions_without_an_address(http: httpx2.Client, begin: Begin) -> None:
    named = begin("no me deja instalar el programa, escríbanme a marta@example.com", ticket_id="T-79")
    http.post(f"/{named}/escalate", json={})
    start = {"problem_description": WORDS, "customer_email": "marta@example.com", "ticket_id": "T-79"}
    assert http.post("/start", json=start).status_code == 200
    exported = http.post("/customers/export", json={"customer_email": "marta@example.com"}).json()
    assert (len(exported["sessions"]), exported["tickets"]) == (1, [])
    assert http.post("/customers/erase", json={"customer_email": "marta@example.com"}).json()["deleted"][SESSIONS] == 1
    left = http.get(f"/{named}").json()["session"]
    assert left["problem_description"] == "no me deja instalar el programa, escríbanme a [correo]"


def test_what_customers_without_an_address_teach_waits_for_review(http: httpx2.Client, begin: Begin, ask: Ask) -> None:
    ask("DELETE FROM support_troubleshooting_ml_training")
    for number in range(23):
        session_id = begin(f"{WORDS} {number}")
        ask(f"UPDATE {SESSIONS} SET detection_confidence = 0.9 WHERE session_id = $1::text::uuid", session_id)
        assert http.post(f"/{session_id}/step", json={"success": True, "outcome": "solved"}).status_code == 200
    found = ask("SELECT status, metadata ->> 'doubt', count(*) FROM support_troubleshooting_ml_training GROUP BY 1, 2")
    assert found == [("pending", "no-customer", 20)]
