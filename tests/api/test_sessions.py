"""The main job over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

PROBLEM = {"problem_description": "no me deja instalar el programa", "customer_email": " Cliente@Example.com "}


def start(http: httpx2.Client, **more: object) -> dict:
    answer = http.post("/start", json={**PROBLEM, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def step(http: httpx2.Client, session: dict, **body: object) -> httpx2.Response:
    return http.post(f"/{session['session_id']}/step", json=body)


def test_a_customer_is_led_to_the_solution(http: httpx2.Client) -> None:
    session = start(http, customer_name="Juan", ticket_id=123)
    assert session["success"] is True
    assert session["problem_detected"] == "instalacion_software"
    assert session["ticket_id"] == "123"
    assert session["first_step"]["step_number"] == 1
    total = session["first_step"]["total_steps"]
    for number in range(1, total + 1):
        answer = step(http, session, success=True, step_number=number).json()
        assert answer["attempt"]["step_number"] == number
    assert answer["next_action"] == "resolved"
    assert answer["session"]["status"] == "resolved"
    assert answer["session"]["resolution"] == "assumed"
    state = http.get("/", params={"session_id": session["session_id"]}).json()
    assert state == http.get(f"/{session['session_id']}").json()
    assert state["session"]["customer_email"] == "cliente@example.com"
    assert state["summary"] == {"total_attempts": total, "successful_attempts": total, "failed_attempts": 0}


def test_it_ends_early_when_the_customer_says_so(http: httpx2.Client) -> None:
    session = start(http)
    answer = step(http, session, success=True, outcome="solved").json()
    assert (answer["next_action"], answer["session"]["resolution"]) == ("resolved", "confirmed")
    again = step(http, session, success=True)
    assert again.status_code == 409
    assert again.json()["session"]["status"] == "resolved"


def test_two_failures_call_a_person_and_the_session_goes_on(http: httpx2.Client) -> None:
    session = start(http)
    assert step(http, session, success=False, notes="no aparece").json()["next_action"] == "continue"
    second = step(http, session, success=False).json()
    assert (second["next_action"], second["suggest_escalation"]) == ("escalate", True)
    assert second["session"]["status"] == "needs_escalation"
    third = step(http, session, success=True).json()
    assert third["session"]["current_step"] == 1
    handed = http.post(f"/{session['session_id']}/escalate", json={"reason": "prefiero hablar"}).json()
    assert handed["status"] == "escalated"
    assert handed["escalation_info"]["attempted_steps"] == 3
    assert handed["escalation_info"]["failed_steps"] == 2
    assert "prefiero hablar" in handed["escalation_info"]["reason"]
    closed = http.post(f"/{session['session_id']}/resolve", json={"problem_id": "otro", "minutes": 7}).json()
    assert (closed["session"]["status"], closed["session"]["resolution"]) == ("resolved", "confirmed")


def test_the_true_problem_and_step_must_exist(http: httpx2.Client) -> None:
    session = start(http)
    step_id = session["first_step"]["step_id"]
    url = f"/{session['session_id']}/resolve"
    for problem_id, step_id_given, field in (
        ("nadie", None, "problem_id"),
        (None, "nadie", "step_id"),
        ("otro", step_id, "step_id"),
    ):
        refused = http.post(url, json={"problem_id": problem_id, "step_id": step_id_given})
        assert refused.status_code == 400
        assert [fault["field"] for fault in refused.json()["errors"]] == [field]
    assert http.get(f"/{session['session_id']}").json()["session"]["version"] == 1
    closed = http.post(url, json={"problem_id": session["problem_detected"], "step_id": step_id})
    assert closed.status_code == 200
    again = http.post(url, json={"problem_id": session["problem_detected"]})
    assert again.status_code == 409
    assert again.json()["session"]["status"] == "resolved"


@pytest.mark.parametrize(("language", "reason"), [("en", "2 failed attempts."), ("pt", "2 tentativas com falha.")])
def test_the_reason_for_a_person_speaks_the_sessions_language(http: httpx2.Client, language: str, reason: str) -> None:
    session = start(http, language=language)
    step(http, session, success=False)
    assert step(http, session, success=False).json()["session"]["escalation_reason"] == reason


def test_nothing_detected_goes_to_a_person(http: httpx2.Client) -> None:
    session = start(http, problem_description="Mi gato tiene hambre")
    assert session["problem_detected"] is None
    assert session["first_step"] is None
    assert session["status"] == "needs_escalation"
    assert step(http, session, success=True).status_code == 409


def test_the_same_answer_twice_counts_once(http: httpx2.Client) -> None:
    session = start(http)
    first = step(http, session, success=True, step_number=1).json()
    second = step(http, session, success=True, step_number=1).json()
    assert first["attempt"]["id"] == second["attempt"]["id"]
    assert second["session"]["version"] == first["session"]["version"]
    assert step(http, session, success=False, step_number=1).status_code == 409
    assert step(http, session, success=True, step_number=5).status_code == 409


def test_an_idempotency_key_has_one_effect(http: httpx2.Client) -> None:
    session = start(http)
    key = {"Idempotency-Key": "clave-1"}
    url = f"/{session['session_id']}/step"
    answers = [http.post(url, json={"success": False}, headers=key).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert http.get(f"/{session['session_id']}").json()["summary"]["total_attempts"] == 1
    other = http.post(url, json={"success": True}, headers=key)
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["error"]


def test_one_key_raced_by_many_starts_one_session(http: httpx2.Client) -> None:
    def send(_: int) -> str:
        return http.post("/start", json=PROBLEM, headers={"Idempotency-Key": "carrera"}).json()["session_id"]

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(send, range(60)))) == 1


def test_two_different_answers_at_once_have_one_winner(http: httpx2.Client) -> None:
    for _ in range(10):
        session = start(http)
        with ThreadPoolExecutor(2) as pool:
            answers = [
                pool.submit(step, http, session, success=True, step_number=1, outcome=outcome)
                for outcome in ("done", "not_helped")
            ]
            codes = sorted(answer.result().status_code for answer in answers)
        assert codes == [200, 409]


def test_ratings_are_kept_and_the_newest_counts(http: httpx2.Client) -> None:
    session = start(http)
    url = f"/{session['session_id']}/feedback"
    assert http.get(url).json()["feedback"] is None
    http.post(url, json={"rating": 1})
    rated = http.post(url, json={"rating": 5, "feedback_text": "Muy útil", "was_helpful": True}).json()
    assert rated["feedback"]["rating"] == 5
    found = http.get(url).json()
    assert found["feedback"]["feedback_text"] == "Muy útil"
    assert [row["rating"] for row in found["history"]] == [5, 1]


def test_the_answer_comes_in_the_callers_language(http: httpx2.Client) -> None:
    english = start(http, problem_description="I cannot install the program", language="en")
    assert english["first_step"]["title"].isascii()
    assert english["language"] == "en"
    header = http.post("/start", json=PROBLEM, headers={"Accept-Language": "pt-BR,pt;q=0.9"}).json()
    assert header["language"] == "pt"


def test_lists_are_paged(http: httpx2.Client) -> None:
    ids = [start(http)["session_id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = http.get("/sessions", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["session_id"] for row in page["sessions"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen[:5] == ids[::-1]
    assert len(seen) == len(set(seen))


BAD_STARTS = [
    ({}, "problem_description"),
    ({"problem_description": None, "customer_email": "a@b.com"}, "problem_description"),
    ({"problem_description": 5, "customer_email": "a@b.com"}, "problem_description"),
    ({"problem_description": "", "customer_email": "a@b.com"}, "problem_description"),
    ({"problem_description": "   \n\t ", "customer_email": "a@b.com"}, "problem_description"),
    ({"problem_description": "x" * 10_001, "customer_email": "a@b.com"}, "problem_description"),
    ({"problem_description": " \x00", "customer_email": "a@b.com"}, "problem_description"),
    ({"problem_description": "hola", "customer_email": "nope"}, "customer_email"),
    ({"problem_description": "hola", "customer_email": "a@b.com\r\nBcc: c@d.com"}, "customer_email"),
    ({"problem_description": "hola", "customer_email": ["a@b.com"]}, "customer_email"),
    ({"problem_description": "hola", "customer_email": "a@b.com", "customer_name": {}}, "customer_name"),
    ({"problem_description": "hola", "customer_email": "a@b.com", "language": "fr"}, "language"),
]


@pytest.mark.parametrize(("body", "field"), BAD_STARTS)
def test_bad_starts_name_the_field(http: httpx2.Client, body: dict, field: str) -> None:
    answer = http.post("/start", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert field in problem["error"]
    assert field in [item["field"] for item in problem["errors"]]


def test_every_bad_field_is_named_at_once(http: httpx2.Client) -> None:
    problem = http.post("/start", json={"customer_email": "x", "customer_name": 3}).json()
    assert [item["field"] for item in problem["errors"]] == ["problem_description", "customer_email", "customer_name"]


@pytest.mark.parametrize("rating", [0, 6, 2.5, "5", None, True, 10**30, -1])
def test_bad_ratings(http: httpx2.Client, rating: object) -> None:
    session = start(http)
    answer = http.post(f"/{session['session_id']}/feedback", json={"rating": rating})
    assert answer.status_code == 400
    assert "rating" in answer.json()["error"]


@pytest.mark.parametrize("days", ["0", "-1", "--5", "1000000000", "abc", "2.5", "1e3", "99999999999999999999999999"])
def test_bad_periods(http: httpx2.Client, days: str) -> None:
    answer = http.get("/analytics", params={"days": days})
    assert answer.status_code == 400
    assert "days" in answer.json()["error"]


@pytest.mark.parametrize("session_id", ["x", "00000000-0000-0000-0000-000000000000", "%00", "a" * 3000, "💥", "1' OR '1'='1"])
def test_unknown_sessions(http: httpx2.Client, session_id: str) -> None:
    for method, path, body in [
        ("GET", "", None),
        ("POST", "/step", {"success": True}),
        ("POST", "/escalate", {}),
        ("GET", "/feedback", None),
    ]:
        answer = http.request(method, f"/{session_id}{path}", json=body)
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {"content-type": "application/json"}, 400),
        (b"", {"content-type": "application/json"}, 400),
        (b"[]", {"content-type": "application/json"}, 400),
        (b"null", {"content-type": "application/json"}, 400),
        (b"\xff\xfe", {"content-type": "application/json"}, 400),
        (b"[" * 100_000, {"content-type": "application/json"}, 400),
        (b'{"problem_description": "\\ud800", "customer_email": "a@b.com"}', {"content-type": "application/json"}, 400),
        (b"problem_description=hola", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b'{"problem_description": "' + b"x" * 1_100_000 + b'"}', {"content-type": "application/json"}, 413),
    ],
)
def test_bodies_that_are_no_request(http: httpx2.Client, body: bytes, headers: dict, status: int) -> None:
    answer = http.post("/start", content=body, headers=headers)
    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["error"]


def test_requests_from_elsewhere_are_refused(http: httpx2.Client) -> None:
    for headers in ({"X-Forwarded-For": "8.8.8.8"}, {"Host": "guiado.example.com"}, {"Origin": "https://mala.example"}):
        answer = http.post("/start", json=PROBLEM, headers=headers)
        assert answer.status_code == 403, headers
        assert answer.json()["error"]


def test_hostile_texts_are_just_texts(http: httpx2.Client) -> None:
    hostile = "'; DROP TABLE support_tickets; -- <script>alert(1)</script> {{7*7}} ${7*7} \u202e💥 instalar programa"
    session = start(http, problem_description=hostile, customer_name="<b>Ana</b>")
    assert http.get(f"/{session['session_id']}").json()["session"]["problem_description"] == hostile


@pytest.mark.parametrize("cursor", ["x", "OTk5OS0xMi0zMVQyMzo1OTo1OS0xNDowMCAwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDA="])
def test_cursors_that_lead_nowhere(http: httpx2.Client, cursor: str) -> None:
    answer = http.get("/sessions", params={"cursor": cursor})
    assert answer.status_code == 400
    assert "cursor" in answer.json()["error"]


def test_an_answer_may_come_from_a_machine_but_not_from_an_assumption(http: httpx2.Client) -> None:
    session = start(http)
    assert step(http, session, success=True, source="assumed").status_code == 400
    answer = step(http, session, success=True, source="machine", first_seen_at="2026-11-22T10:00:00Z").json()
    assert answer["attempt"]["source"] == "machine"


def test_the_last_word_of_a_session_without_steps_is_kept(http: httpx2.Client) -> None:
    session = start(http, problem_description="Mi gato tiene hambre")
    step(http, session, success=True, outcome="solved", notes="comió")
    assert http.get(f"/{session['session_id']}").json()["session"]["notes"] == "comió"


def test_an_empty_body_is_named(http: httpx2.Client) -> None:
    answer = http.post("/start", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "cuerpo" in answer.json()["error"]


@pytest.mark.parametrize("name", ["/notifications", "/webhooks/crm/attempts"])
def test_a_cursor_belongs_to_its_list(http: httpx2.Client, name: str) -> None:
    http.post("/webhooks", json={"webhook_id": "crm", "url": "https://example.com/x", "events": ["session_started"]})
    for _ in range(2):
        http.post("/start", json={"problem_description": "no me deja instalar", "customer_email": "a@b.com"})
    cursor = http.get("/sessions", params={"limit": 1}).json()["next_cursor"]
    refused = http.get(name, params={"cursor": cursor})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "cursor")


def test_a_period_ends_after_its_beginning(http: httpx2.Client) -> None:
    refused = http.get("/sessions", params={"since": "2026-12-02", "until": "2026-12-01"}, headers={"accept-language": "en"})
    assert refused.status_code == 400
    assert refused.json()["errors"] == [{"field": "until", "code": "invalid", "message": "It must be after since."}]
    assert http.get("/sessions", params={"since": "2026-12-02", "until": "2026-12-02"}).status_code == 200


@pytest.mark.parametrize("zone", ["+01:00", "+0530", "%2B01:00", "-05:00", "Z"])
def test_a_time_with_its_zone_may_be_typed_as_it_is(http: httpx2.Client, zone: str) -> None:
    answer = http.get(f"{http.base_url}sessions?since=2026-11-28T10:00:00{zone}&limit=2.0")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("words", "is_urgent"),
    [
        ("no me robaron la tarjeta, solo quiero saber cuánto debo", False),
        ("nadie me hackeó, solo olvidé mi contraseña", False),
        ("I was not hacked, I just forgot my password", False),
        ("não fui hackeado, só esqueci a senha", False),
        ("no puedo entrar, me hackearon", True),
        ("no me robaron la tarjeta pero la clonaron", True),
    ],
)
def test_what_did_not_happen_is_not_urgent(http: httpx2.Client, words: str, is_urgent: bool) -> None:
    assert http.post("/start", json={"problem_description": words, "customer_email": "a@b.com"}).json()["urgent"] is is_urgent


def test_what_is_left_of_a_denial_is_recognised(http: httpx2.Client) -> None:
    told = http.post("/start", json={"problem_description": "nadie me hackeó, olvidé mi contraseña", "customer_email": "a@b.com"})
    assert told.json()["problem_detected"] == "recuperar_cuenta"
