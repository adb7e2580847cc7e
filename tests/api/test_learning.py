"""Sessions teach detection: at once, without personal data, and no customer alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx2
import pytest

from guiado.app.sessions.start import pseudonym

WORDS = "no me deja instalar el programa"
_people = itertools.count()


def new_customer() -> str:
    return f"cliente{next(_people)}@example.com"


def begin(http: httpx2.Client, words: str = WORDS, email: str | None = None) -> str:
    given = {"problem_description": words, "customer_email": email or new_customer()}
    answer = http.post("/start", json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()["session_id"]


def say(http: httpx2.Client, session_id: str, outcome: str) -> dict[str, Any]:
    answer = http.post(f"/{session_id}/step", json={"success": outcome != "could_not", "outcome": outcome})
    assert answer.status_code == 200, answer.text
    return answer.json()


def solved(http: httpx2.Client, words: str = WORDS, email: str | None = None) -> str:
    session_id = begin(http, words, email)
    assert say(http, session_id, "solved")["session"]["resolution"] == "confirmed"
    return session_id


def correct(http: httpx2.Client, session_id: str, problem_id: str, **more: str) -> dict[str, Any]:
    answer = http.post(f"/{session_id}/correct", json={"problem_id": problem_id, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def ask(module_dsn: str) -> Callable[..., list[Any]]:
    """Rows that a statement gives, as plain tuples."""

    async def run(query: str, *values: object) -> list[Any]:
        connection = await asyncpg.connect(module_dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return lambda query, *values: asyncio.run(run(query, *values))


@pytest.fixture
def taught(ask: Callable[..., list[Any]]) -> Callable[[str], list[tuple[str, ...]]]:
    """What a session taught: problem, label, source and status of each example."""
    query = """SELECT problem_id, label, source, status FROM support_troubleshooting_ml_training
                WHERE session_id = $1::text::uuid ORDER BY created_at, id"""
    return lambda session_id: ask(query, session_id)


@pytest.fixture
def log(ask: Callable[..., list[Any]]) -> Callable[[str], list[tuple[str, ...]]]:
    """The log of lessons of a session: kind, problem and source."""
    query = """SELECT kind, problem_id, source FROM support_troubleshooting_learning
                WHERE session_id = $1::text::uuid ORDER BY created_at, kind DESC"""
    return lambda session_id: ask(query, session_id)


# ------------------------------------------------------------------------------------------------------- what customers teach


def test_a_confirmed_solution_is_an_example_at_once_and_without_personal_data(http, ask, taught) -> None:
    session_id = solved(http, "no me deja instalar el programa, escríbeme a ana.perez@example.com o al 600 123 456")
    assert taught(session_id) == [("instalacion_software", "positive", "customer", "accepted")]
    kept = ask("SELECT text FROM support_troubleshooting_ml_training WHERE session_id = $1::text::uuid", session_id)
    kept += ask("SELECT text FROM support_troubleshooting_learning WHERE session_id = $1::text::uuid", session_id)
    assert len(kept) == 2
    for (text,) in kept:
        assert text.startswith("no me deja instalar el programa")
        assert not {"ana", "perez", "600", "123", "456"} & set(text.replace("@", " ").replace(".", " ").split())


def test_a_solution_that_is_only_assumed_teaches_nothing(http, taught, log) -> None:
    session_id = begin(http)
    while say(http, session_id, "done")["next_action"] != "resolved":
        pass
    assert (taught(session_id), log(session_id)) == ([], [])


def test_a_text_without_words_enough_is_no_example(http, taught) -> None:
    assert taught(solved(http, "instalar ana@example.com")) == []


@pytest.mark.parametrize("doubt", [{"rating": 2}, {"rating": 5, "was_helpful": False}])
def test_a_poor_rating_withdraws_the_example(http, taught, log, doubt) -> None:
    session_id = solved(http)
    http.post(f"/{session_id}/feedback", json=doubt)
    assert taught(session_id) == [("instalacion_software", "positive", "customer", "rejected")]
    assert [row[0] for row in log(session_id)] == ["example", "undo"]
    http.post(f"/{session_id}/feedback", json=doubt)
    assert len(log(session_id)) == 2


def test_a_good_rating_keeps_it(http, taught) -> None:
    session_id = solved(http)
    http.post(f"/{session_id}/feedback", json={"rating": 3, "was_helpful": True})
    assert taught(session_id)[0][-1] == "accepted"


def test_a_second_contact_withdraws_the_example(http, taught) -> None:
    email = new_customer()
    session_id = solved(http, email=email)
    begin(http, "no puedo conectarme a internet", email)
    assert taught(session_id)[0][-1] == "accepted"
    begin(http, "sigo sin poder instalar el programa", email)
    assert taught(session_id)[0][-1] == "rejected"


def test_an_escalation_after_the_solution_withdraws_the_example(http, taught) -> None:
    session_id = solved(http)
    http.post(f"/{session_id}/escalate", json={})
    assert taught(session_id)[0][-1] == "rejected"
    http.post(f"/{session_id}/resolve", json={"problem_id": "instalacion_software"})
    assert taught(session_id)[1:] == [("instalacion_software", "positive", "agent", "accepted")]


def test_a_customer_who_says_that_it_is_not_this_teaches_that(http, taught) -> None:
    session_id = begin(http, "no puedo conectarme a internet")
    assert http.post(f"/{session_id}/reject", json={"problem_id": "error_aplicacion"}).status_code == 200
    assert taught(session_id) == [("conexion_internet", "negative", "customer", "accepted")]
    say(http, session_id, "solved")
    assert ("error_aplicacion", "positive", "customer", "accepted") in taught(session_id)


def test_whoever_calls_himself_an_agent_in_a_step_is_not_trusted_as_one(http, taught) -> None:
    session_id = begin(http)
    http.post(f"/{session_id}/step", json={"success": True, "outcome": "solved", "source": "agent"})
    assert taught(session_id) == [("instalacion_software", "positive", "customer", "accepted")]


# ---------------------------------------------------------------------------------------------------------- what agents teach


def test_a_correction_teaches_the_true_problem_and_that_it_was_not_the_other(http, ask, taught, log) -> None:
    session_id = begin(http)
    answer = correct(http, session_id, "conexion_internet", notes="Era el cable")
    assert (answer["problem_id"], answer["session"]["status"]) == ("conexion_internet", "started")
    assert answer["session"]["notes"] == "Era el cable"
    assert set(taught(session_id)) == {
        ("conexion_internet", "positive", "agent", "accepted"),
        ("instalacion_software", "negative", "agent", "accepted"),
    }
    assert sorted(log(session_id)) == [
        ("correction", "conexion_internet", "agent"),
        ("negative", "instalacion_software", "agent"),
    ]
    query = "SELECT true_problem_id, version, updated_at = started_at FROM support_troubleshooting_sessions WHERE session_id = $1::text::uuid"
    assert ask(query, session_id) == [("conexion_internet", 2, True)]
    assert ask("SELECT actor FROM support_troubleshooting_audit_log WHERE object_id = $1 AND action = 'correct'", session_id) == [
        ("agent",)
    ]


def test_the_same_correction_twice_is_one_and_another_one_takes_its_place(http, taught, log) -> None:
    session_id = begin(http)
    first = correct(http, session_id, "conexion_internet")
    assert correct(http, session_id, "conexion_internet") == first
    assert len(log(session_id)) == 2
    correct(http, session_id, "instalacion_software")
    accepted = [row for row in taught(session_id) if row[-1] == "accepted"]
    assert accepted == [("instalacion_software", "positive", "agent", "accepted")]


def test_a_correction_to_none_of_them_teaches_only_what_it_is_not(http, taught) -> None:
    session_id = begin(http)
    correct(http, session_id, "otro")
    assert taught(session_id) == [("instalacion_software", "negative", "agent", "accepted")]


@pytest.mark.parametrize("end", ["solved", "escalated", "undetected"])
def test_it_is_taken_in_any_state(http, taught, end) -> None:
    session_id = begin(http, "quiero bailar sevillanas con mi abuela" if end == "undetected" else WORDS)
    if end == "solved":
        say(http, session_id, "solved")
    elif end == "escalated":
        http.post(f"/{session_id}/escalate", json={})
    before = http.get(f"/{session_id}").json()["session"]["status"]
    assert correct(http, session_id, "conexion_internet")["session"]["status"] == before
    assert ("conexion_internet", "positive", "agent", "accepted") in taught(session_id)
    assert ("instalacion_software", "positive", "customer", "accepted") not in taught(session_id)


def test_the_word_of_an_agent_outlives_the_customers_opinion(http, taught) -> None:
    session_id = begin(http)
    http.post(f"/{session_id}/resolve", json={"problem_id": "instalacion_software"})
    http.post(f"/{session_id}/feedback", json={"rating": 1})
    http.post(f"/{session_id}/escalate", json={})
    assert taught(session_id) == [("instalacion_software", "positive", "agent", "accepted")]


def test_what_cannot_be_corrected_is_refused_like_everywhere(http, log) -> None:
    session_id = begin(http)
    unknown = http.post(f"/{session_id}/correct", json={"problem_id": "nadie"})
    assert (unknown.status_code, [fault["field"] for fault in unknown.json()["errors"]]) == (400, ["problem_id"])
    assert http.post(f"/{session_id}/correct", json={}).status_code == 400
    assert http.post("/nadie/correct", json={"problem_id": "otro"}).status_code == 404
    assert log(session_id) == []


def test_a_key_makes_one_correction_of_two_requests(http, log) -> None:
    session_id = begin(http)
    send = {"url": f"/{session_id}/correct", "headers": {"Idempotency-Key": f"corregir-{session_id}"}}
    first = http.post(**send, json={"problem_id": "conexion_internet"})
    assert http.post(**send, json={"problem_id": "conexion_internet"}).json() == first.json()
    assert http.post(**send, json={"problem_id": "otro"}).status_code == 422
    assert len(log(session_id)) == 2


def test_twenty_agents_at_once_leave_one_truth(http, ask, taught, log) -> None:
    session_id = begin(http)
    given = ["conexion_internet", "error_aplicacion", "otro", "recuperar_cuenta"] * 5
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda problem_id: http.post(f"/{session_id}/correct", json={"problem_id": problem_id}), given))
    assert {answer.status_code for answer in answers} == {200}
    ((truth, version),) = ask(
        "SELECT true_problem_id, version FROM support_troubleshooting_sessions WHERE session_id = $1::text::uuid", session_id
    )
    accepted = {row[:2] for row in taught(session_id) if row[-1] == "accepted"}
    assert accepted == {(truth, "positive"), ("instalacion_software", "negative")} - {("otro", "positive")}
    assert sum(row[0] == "correction" for row in log(session_id)) == version - 1


# -------------------------------------------------------------------------------------------------------------- not poisoned


def test_one_customer_with_many_sessions_teaches_little(http, ask) -> None:
    email = new_customer()
    for number in range(28):
        session_id = begin(http, f"no me deja instalar el programa número {number} {'x' * number}", email)
        say(http, session_id, "solved")
        # A second contact would withdraw what this one taught: whoever means harm waits for the window to end.
        ask("UPDATE support_troubleshooting_sessions SET recontact_until = now() WHERE session_id = $1::text::uuid", session_id)
    query = "SELECT status, count(*) FROM support_troubleshooting_ml_training WHERE customer_id = $1 GROUP BY 1"
    assert dict(ask(query, pseudonym("default", email))) == {"accepted": 3, "pending": 20}


# ------------------------------------------------------------------------------------------------ what tells nothing teaches nothing


def reject(http: httpx2.Client, session_id: str, **said: str) -> dict[str, Any]:
    answer = http.post(f"/{session_id}/reject", json=said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_after_a_rejection_in_new_words_those_are_learned(http, ask) -> None:
    session_id = begin(http, "la instalacion se queda trabada al 50%")
    assert reject(http, session_id, text="no me llegó la factura")["problem_detected"] == "problema_facturacion"
    say(http, session_id, "solved")
    found = ask("SELECT text FROM support_troubleshooting_ml_training WHERE session_id = $1 AND label = 'positive'", session_id)
    assert found == [("no me llegó la factura",)]


@pytest.mark.parametrize("words", ["quiero hablar con una persona", "no es eso", "no sé"])
def test_words_that_name_no_other_problem_are_a_bare_rejection(http, ask, words) -> None:
    session_id = begin(http, "se me cae el wifi a cada rato")
    reject(http, session_id, text=words)
    assert ask("SELECT metadata ->> 'reason' FROM support_troubleshooting_learning WHERE session_id = $1", session_id) == [
        ("rejected",)
    ]
    assert ask("SELECT count(*) FROM support_troubleshooting_ml_training WHERE session_id = $1", session_id) == [(0,)]


def test_a_request_for_a_person_is_no_example_even_when_an_agent_says_what_it_was(http, ask) -> None:
    session_id = begin(http, "quiero hablar con un humano")
    correct(http, session_id, "conexion_internet")
    assert ask("SELECT count(*) FROM support_troubleshooting_ml_training WHERE session_id = $1", session_id) == [(0,)]
