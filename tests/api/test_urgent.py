"""Who needs a person at once gets one through every door; an abandoned session opens again; sessions are found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from checker import check

BASE = "/api/support/troubleshooting"
KESTRA = "/api/v1/executions/webhook/workflows/workflows/support-troubleshooting-automation/support-troubleshooting"
STEPS = [
    {"step_number": 1, "title": "Mira el cable", "instructions": ["Mira el cable rojo.", "Apriétalo."], "step_id": "a"},
    {"step_number": 2, "title": "Cambia el cable", "instructions": ["Cámbialo."], "step_id": "b"},
    {"step_number": 3, "title": "Pide otro", "instructions": ["Pídelo."], "step_id": "c"},
]
KB = {
    "impresora": {
        "problem_title": "La impresora no imprime",
        "category": "otro",
        "steps": STEPS,
        "common_issues": ["la impresora no imprime", "no salen hojas de la impresora", "la impresora no hace nada"],
        "escalation_criteria": [
            "Sigue igual",
            {"text": "Desenchufa ya la impresora.", "phrases": ["sale humo", "huele a quemado"], "urgent": True},
            {"text": "La impresora está rota.", "phrases": ["se cayó al piso"]},
        ],
    },
    "incendio": {
        "problem_title": "Hay fuego en la oficina",
        "category": "otro",
        "urgent": True,
        "steps": [{"step_number": 1, "title": "Sal ya del edificio", "instructions": ["Sal.", "Llama a los bomberos."]}],
        "common_issues": ["hay fuego en la oficina", "se está quemando la oficina", "veo llamas en la oficina"],
    },
    "monitor": {
        "problem_title": "El monitor no enciende",
        "category": "otro",
        "steps": STEPS[:2],
        "common_issues": ["el monitor no enciende", "la pantalla está negra", "no veo nada en el monitor"],
    },
}


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Any], module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("kb") / "kb.json"
    path.write_text(json.dumps(KB), "utf-8")
    return serve_module(module_dsn, GUIADO_KB_PATH=str(path))


@pytest.fixture
def http(server: Any, module_dsn: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client
    assert check(module_dsn) == []


def begin(http: httpx2.Client, words: str, path: str = f"{BASE}/start", **more: object) -> dict[str, Any]:
    body = {"problem_description": words, "customer_email": "ana@example.com", "language": "es", **more}
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def say(http: httpx2.Client, session: dict[str, Any], verb: str, status: int = 200, **body: object) -> dict[str, Any]:
    answer = http.post(f"{BASE}/{session['session_id']}/{verb}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def look(http: httpx2.Client, session: dict[str, Any]) -> dict[str, Any]:
    return http.get(f"{BASE}/{session['session_id']}").json()["session"]


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


@pytest.mark.parametrize("path", [f"{BASE}/start", f"{BASE}/", KESTRA])
def test_an_urgent_guide_calls_a_person_and_says_what_to_do_first(http, module_dsn, path) -> None:
    session = begin(http, "hay fuego en la oficina", path)

    assert (session["status"], session["urgent"], session["problem_detected"]) == ("needs_escalation", True, "incendio")
    assert session["message"].startswith("Sal ya del edificio\n1. Sal.\n2. Llama a los bomberos.")
    assert "ana@example.com" in session["message"]
    assert session["first_step"]["title"] == "Sal ya del edificio"
    assert events(module_dsn, session) == ["session_started", "problem_detected", "session_escalated"]
    say(http, session, "step", success=True, outcome="done")
    assert events(module_dsn, session).count("session_escalated") == 1


def test_urgent_words_at_the_start_lead_to_no_ordinary_step(http, module_dsn) -> None:
    for clarify in (False, True):
        session = begin(http, "La impresora no imprime y SALE HUMO", clarify=clarify)
        assert (session["status"], session["problem_detected"], session["first_step"]) == ("needs_escalation", "impresora", None)
        assert (session["message"].split("\n")[0], session["question"]) == ("Desenchufa ya la impresora.", None)
        state = look(http, session)
        assert (state["escalation_reason"], state["next_step"], state["urgent"]) == ("Desenchufa ya la impresora.", None, True)
        assert events(module_dsn, session) == ["session_started", "problem_detected", "session_escalated"]


def test_words_of_an_ordinary_criterion_keep_the_steps(http) -> None:
    session = begin(http, "la impresora no imprime desde que se cayó al piso")
    assert (session["status"], session["urgent"]) == ("needs_escalation", False)
    assert session["first_step"]["step_number"] == 1
    assert look(http, session)["escalation_reason"] == "La impresora está rota."


def test_ordinary_words_start_an_ordinary_guide(http) -> None:
    session = begin(http, "la impresora no imprime")
    assert (session["status"], session["urgent"], session["first_step"]["step_number"]) == ("started", False, 1)


def test_words_in_the_notes_of_a_step_call_a_person_once(http, module_dsn) -> None:
    session = begin(http, "la impresora no imprime")
    told = say(http, session, "step", success=True, outcome="not_helped", step_number=1, notes="ahora huele a quemado")
    assert (told["next_action"], told["message"].split("\n")[0]) == ("escalate", "Desenchufa ya la impresora.")
    assert told["session"]["status"] == "needs_escalation"
    again = say(http, session, "step", success=True, outcome="not_helped", step_number=1, notes="ahora huele a quemado")
    assert again["next_action"] == "escalate", "the same answer twice is told the same"
    say(
        http, session, "step", success=True, outcome="not_helped", step_number=2, notes="sigue oliendo a quemado, huele a quemado"
    )
    assert events(module_dsn, session).count("session_escalated") == 1


def test_words_of_a_rejection_call_a_person(http, module_dsn) -> None:
    session = begin(http, "el monitor no enciende")
    told = say(http, session, "reject", text="es la impresora: no imprime y sale humo")
    assert (told["status"], told["urgent"]) == ("needs_escalation", True)
    assert told["message"].startswith("Desenchufa ya la impresora.")
    assert events(module_dsn, session).count("session_escalated") == 1


def test_an_urgent_event_is_told_with_urgent_priority(http, module_dsn) -> None:
    told = {"channel": "email", "recipient": "guardia@example.com", "events": ["session_escalated"]}
    assert http.post(f"{BASE}/recipients", json=told).status_code == 200
    urgent, plain = begin(http, "hay fuego en la oficina"), begin(http, "xyzzy plugh")
    query = "SELECT priority FROM support_troubleshooting_notifications WHERE session_id = $1"
    assert [rows(module_dsn, query, each["session_id"])[0]["priority"] for each in (urgent, plain)] == ["urgent", "high"]


def test_a_step_that_failed_again_is_counted_by_itself(http, module_dsn) -> None:
    rows(
        module_dsn,
        "UPDATE support_troubleshooting_config SET config_value = '9' WHERE config_key = 'auto_escalate_after_failures'",
    )
    session = begin(http, "el monitor no enciende")
    say(http, session, "step", success=False)
    say(http, session, "step", success=True)
    say(http, session, "step", success=False, step_title="Cambia el cable (visto por el cliente)")
    query = "SELECT data FROM support_troubleshooting_outbox WHERE session_id = $1 AND event = 'retry_attempt' ORDER BY event_id"
    told = [json.loads(row["data"]) for row in rows(module_dsn, query, session["session_id"])]
    assert [(each["step_number"], each["attempt"]) for each in told] == [(1, 2), (2, 2)]
    titles = [each["step_title"] for each in http.get(f"{BASE}/{session['session_id']}").json()["attempts"]]
    assert titles == ["Mira el cable", "Mira el cable", "Cambia el cable (visto por el cliente)"]


# -------------------------------------------------------------------------------------------------------------- coming back


def abandon(dsn: str, session: dict[str, Any]) -> None:
    """As the worker does, for a session of which nothing was heard for days."""

    rows(
        dsn,
        """WITH s AS (UPDATE support_troubleshooting_sessions SET status = 'abandoned', ended_at = now(), ended_how = 'abandoned',
               ended_by = 'assumed', version = version + 1 WHERE session_id = $1::uuid RETURNING session_id, tenant_id),
           e AS (INSERT INTO support_troubleshooting_outbox (event_id, tenant_id, session_id, event, data, occurred_at)
                 SELECT gen_random_uuid(), tenant_id, session_id, 'session_abandoned',
                        jsonb_build_object('session_id', session_id::text), now() FROM s)
           INSERT INTO support_troubleshooting_audit_log (audit_id, tenant_id, at, actor, action, object_type, object_id, detail)
           SELECT gen_random_uuid(), tenant_id, now(), 'machine', 'abandon', 'session', session_id::text,
                  jsonb_build_object('before', $2::text, 'after', 'abandoned', 'ended_by', 'assumed') FROM s""",
        session["session_id"],
        session["status"],
    )


def test_an_abandoned_session_opens_where_it_stood(http, module_dsn) -> None:
    session = begin(http, "la impresora no imprime")
    session = say(http, session, "step", success=True)["session"]
    abandon(module_dsn, session)
    for verb, body in (("step", {"success": True}), ("reject", {}), ("clarify", {"none": True})):
        assert "resume" in say(http, session, verb, 409, **body)["error"]
    back = say(http, session, "resume")
    assert (back["session"]["status"], back["session"]["next_step"]["step_number"]) == ("in_progress", 2)
    assert back["message"] == "Seguimos donde lo dejaste: paso 2 de 3."
    assert say(http, session, "resume")["session"]["version"] == back["session"]["version"], "open already: nothing changes"
    assert say(http, session, "step", success=True)["session"]["current_step"] == 2


def test_a_person_takes_over_or_closes_what_was_abandoned(http, module_dsn) -> None:
    first, second = begin(http, "la impresora no imprime"), begin(http, "el monitor no enciende")
    for session in (first, second):
        abandon(module_dsn, session)
    assert say(http, first, "escalate", reason="Volvió por teléfono")["status"] == "escalated"
    closed = say(http, second, "resolve", problem_id="impresora")
    assert (closed["session"]["status"], closed["message"]) == ("resolved", "Sesión cerrada como resuelta.")
    assert "resuelta" in say(http, second, "resume", 409)["error"]


# ----------------------------------------------------------------------------------------------------------------- finding


def test_sessions_are_found_by_what_is_known_of_them(http) -> None:
    mine = begin(http, "el monitor no enciende", customer_email="Bea@Example.com", ticket_id="T-77")
    say(http, mine, "escalate")
    other = begin(http, "la impresora no imprime", customer_email="bea@example.com")

    def found(**query: str) -> list[str]:
        answer = http.get(f"{BASE}/sessions", params=query)
        assert answer.status_code == 200, answer.text
        return [row["session_id"] for row in answer.json()["sessions"]]

    assert found(ticket_id="T-77") == [mine["session_id"]]
    assert found(customer_email=" BEA@example.com ") == [other["session_id"], mine["session_id"]]
    assert found(customer_email="bea@example.com", status="escalated") == [mine["session_id"]]
    assert found(customer_email="bea@example.com", problem_id="impresora") == [other["session_id"]]
    assert found(customer_email="bea@example.com", since="2020-01-01", until="2020-12-31") == []
    assert len(found(customer_email="bea@example.com", since="2020-01-01T00:00:00Z")) == 2
    assert found(problem_id="nada") == []
    (row,) = http.get(f"{BASE}/sessions", params={"ticket_id": "T-77"}).json()["sessions"]
    assert (row["customer_email"], row["reference"]) == ("bea@example.com", mine["session_id"][-8:])
    first = http.get(f"{BASE}/sessions", params={"customer_email": "bea@example.com", "limit": "1"}).json()
    rest = http.get(f"{BASE}/sessions", params={"customer_email": "bea@example.com", "cursor": first["next_cursor"]}).json()
    assert [row["session_id"] for row in rest["sessions"]] == [mine["session_id"]]


@pytest.mark.parametrize(
    ("name", "value"), [("since", "ayer"), ("until", "2026-13-01"), ("customer_email", "nadie"), ("status", "x")]
)
def test_a_condition_that_cannot_be_read_is_named(http, name, value) -> None:
    answer = http.get(f"{BASE}/sessions", params={name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)


def test_one_problem_counts_once_in_whatever_languages(http) -> None:
    for language in ("es", "en", "pt"):
        begin(http, "el monitor no enciende", language=language)
    top = http.get(f"{BASE}/realtime").json()["top_problems"]
    assert len({row["detected_problem_id"] for row in top}) == len(top)
    assert all(row["detected_problem_title"] for row in top)
