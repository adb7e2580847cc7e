"""Webhooks over REST: registering, changing, testing, their attempts page by page, and sending again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

GOOD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MASK = "********"


class Receiver(ThreadingHTTPServer):
    """Answers with `status`, and keeps what it got."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/aviso"


class Answers(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(scope="module")
def api(serve_module, module_dsn: str) -> Iterator[httpx2.Client]:
    """A server that works, and may send to this machine."""
    server = serve_module(module_dsn, works=True, GUIADO_PRIVATE_TARGETS="127.0.0.0/8", GUIADO_ENCODER="lexical")
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as client:
        yield client


@pytest.fixture
def register(api: httpx2.Client, receiver: Receiver) -> Iterator[Callable[..., dict[str, Any]]]:
    """Registers `crm`, which is removed again."""
    receiver.status = 200
    receiver.got.clear()

    def call(**more: Any) -> dict[str, Any]:
        body = {"webhook_id": "crm", "url": receiver.url, "events": ["session_started"], **more}
        answer = api.post("/webhooks", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    yield call
    api.delete("/webhooks/crm")


def test_a_test_that_failed_says_so_whatever_became_of_the_endpoint(api, register, receiver) -> None:
    for status, state in ((500, "pending"), (304, "pending"), (307, "pending"), (410, "disabled")):
        register(enabled=True)
        receiver.status = status
        told = api.post("/webhooks/crm/test").json()
        (result,) = told["results"]
        assert (told["success"], result["success"], result["response_status"]) == (False, False, status)
        assert f"HTTP {status}" in result["error"]
        assert ("redirige" in result["error"]) is (status == 307)
        assert api.get("/webhooks/crm/attempts").json()["attempts"][0]["response_status"] == status
        assert result["status"] in {"pending", state}
    refused = api.post("/webhooks/crm/test")
    assert refused.status_code == 400
    for words in ("PATCH /webhooks/crm", "guiado webhooks enable crm"):
        assert words in refused.json()["error"]
    receiver.status = 200
    assert api.patch("/webhooks/crm", json={"enabled": True}).json()["webhook"]["enabled"] is True
    assert api.post("/webhooks/crm/test").json()["success"] is True


def test_who_said_200_is_asked_once_though_the_rest_never_came(api, register) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def answer() -> None:
            connection, _ = listener.accept()
            kept.append(connection)
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nOK")

        thread = threading.Thread(target=answer)
        thread.start()
        register(url=f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=5)
        told = api.post("/webhooks/crm/test").json()
        thread.join()
        assert (told["success"], told["results"][0]["response_status"]) == (True, 200)
        (attempt,) = api.get("/webhooks/crm/attempts").json()["attempts"][:1]
        assert (attempt["success"], attempt["response_status"], attempt["response_body"]) == (True, 200, "OK")
        kept[0].close()


def test_what_is_left_out_stays_when_an_endpoint_is_registered_again(api, register, receiver) -> None:
    settings = {
        "headers": {"Authorization": "Bearer T"},
        "timeout": 3,
        "retry_attempts": 4,
        "thin": True,
        "max_per_second": 9,
        "max_parallel": 4,
    }
    made = register(**settings)
    again = register(events=["session_started", "session_resolved"])
    assert again["webhook"]["events"] == ["session_started", "session_resolved"]
    assert again["webhook"] | {"headers": 0} == made["webhook"] | {
        "headers": 0, "secret": None, "events": again["webhook"]["events"], "updated_at": again["webhook"]["updated_at"],
    }  # fmt: skip
    assert again["webhook"]["has_secret"] is True
    assert "Guarda el secreto" not in again["message"]
    assert api.post("/webhooks/crm/test").json()["success"] is True
    headers, raw = receiver.got[-1]
    assert headers["authorization"] == "Bearer T"
    Webhook(made["webhook"]["secret"]).verify(raw, headers)
    register(secret=GOOD)
    assert api.post("/webhooks/crm/test").json()["success"] is True
    headers, raw = receiver.got[-1]
    for secret in (GOOD, made["webhook"]["secret"]):
        Webhook(secret).verify(raw, headers)


def test_one_webhook_is_shown_and_changed_field_by_field(api, register, receiver) -> None:
    made = register(headers={"X-Api-Key": "clave", "X-Equipo": "soporte"})["webhook"]
    shown = api.get("/webhooks/crm").json()["webhook"]
    assert shown == made | {"secret": None}
    assert shown["headers"] == {"X-Api-Key": MASK, "X-Equipo": MASK}
    changes = [
        ("timeout", 4), ("retry_attempts", 2), ("thin", True), ("max_per_second", 3), ("max_parallel", 8), ("enabled", False), ("enabled", True),
        ("events", ["step_failed", "session_started"]), ("events", ["*"]), ("url", f"{receiver.url}/otro"),
    ]  # fmt: skip
    expected = shown
    for name, value in changes:
        answer = api.patch("/webhooks/crm", json={name: value}).json()
        expected = expected | {name: value}
        assert answer["webhook"] | {"updated_at": 0} == expected | {"updated_at": 0}
    assert api.patch("/webhooks/crm", json={"max_per_second": 0}).json()["webhook"]["max_per_second"] is None
    api.patch("/webhooks/crm", json={"headers": {"x-api-key": MASK, "X-Otra": "sí".replace("í", "i")}})
    assert api.post("/webhooks/crm/test").json()["success"] is True
    headers, raw = receiver.got[-1]
    assert (headers["x-api-key"], headers["x-otra"], headers.get("x-equipo")) == ("clave", "si", None)
    Webhook(made["secret"]).verify(raw, headers)
    assert api.patch("/webhooks/nadie", json={"enabled": True}).status_code == 404
    assert api.get("/webhooks/nadie").status_code == 404
    unknown = api.patch("/webhooks/crm", json={"headers": {"X-Nueva": MASK}})
    assert (unknown.status_code, "headers.X-Nueva" in unknown.text) == (400, True)
    assert api.post("/webhooks", json={"url": receiver.url, "events": ["*"], "headers": {"X-A": MASK}}).status_code == 400


def test_the_values_of_headers_are_in_no_answer(api, register) -> None:
    key = {"Idempotency-Key": "cabeceras"}
    body = {"webhook_id": "crm", "url": "https://a.example/", "events": ["*"], "headers": {"X-Api-Key": "clave-secreta"}}
    answers = [
        api.post("/webhooks", json=body, headers=key), api.post("/webhooks", json=body, headers=key), api.get("/webhooks"),
        api.get("/webhooks/crm"), api.patch("/webhooks/crm", json={"thin": True}), api.post("/webhooks/crm/secret"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert ("clave-secreta" in answer.text, "X-Api-Key" in answer.text) == (False, True)
    register()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *(({"headers": {name: "x"}}, f"headers.{name}") for name in (
            "Accept-Encoding", "Proxy-Authorization", "Trailer", "Content-Encoding", "Keep-Alive", "TE", "Host", "webhook-id",
        )),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers.X-A"),
        *(({"secret": secret}, "secret") for secret in (
            "whsec_", "whsec_abc", "whsec_ñ", "whsec_" + "A" * 30, "whsec_" + "-_" * 20, "whsec_" + "A" * 96,
        )),
        *(({"webhook_id": name}, "webhook_id") for name in (".", "..", "a/b", "a b", "replay", "%2e")),
        ({"url": "ftp://a.example/"}, "url"),
        ({"events": ["nada"]}, "events"),
    ],
)  # fmt: skip
def test_what_could_never_work_is_refused_by_name(api, change: dict[str, Any], field: str) -> None:
    good = {"webhook_id": "malo", "url": "https://a.example/", "events": ["session_started"]}
    refused = api.post("/webhooks", json=good | change)
    assert (refused.status_code, f"{field}" in refused.json()["error"]) == (400, True), refused.text
    assert api.get("/webhooks/malo").status_code == 404


def test_every_bad_field_is_named_at_once(api, register) -> None:
    bad = {"url": "ftp://x", "events": ["nada"], "webhook_id": "..", "headers": {"Host": "x"}, "secret": "whsec_x", "timeout": 0}
    named = {problem["field"].partition("[")[0].partition(".")[0] for problem in api.post("/webhooks", json=bad).json()["errors"]}
    assert named == set(bad)
    register()
    del bad["webhook_id"]
    named = {
        problem["field"].partition("[")[0].partition(".")[0] for problem in api.patch("/webhooks/crm", json=bad).json()["errors"]
    }
    assert named == set(bad)
    assert "openssl" in api.post("/webhooks/crm/secret", json={"secret": "whsec_x"}).json()["error"]


@pytest.mark.parametrize("secret", [GOOD, GOOD.rstrip("="), "whsec_" + "A" * 86, "whsec_" + "A" * 43, "whsec_" + "A" * 43 + "="])
def test_a_secret_that_is_taken_is_one_that_the_library_checks(api, register, receiver, secret: str) -> None:
    assert register(secret=secret)["warning"] is None
    assert api.post("/webhooks/crm/test").json()["success"] is True
    headers, raw = receiver.got[-1]
    Webhook(secret).verify(raw, headers)


def test_any_other_secret_is_taken_too_and_the_answer_says_what_it_is_not_good_for(register) -> None:
    assert "whsec_" in register(secret="tu-secret-key")["warning"]
    assert register()["warning"] is None


def test_an_address_that_nothing_can_be_sent_to_is_stored_with_a_warning(http: httpx2.Client) -> None:
    urls = {"http://127.0.0.1:9/x": "GUIADO_PRIVATE_TARGETS", "http://10.0.0.7/": "GUIADO_PRIVATE_TARGETS",
            "http://localhost/": "GUIADO_PRIVATE_TARGETS", "https://todavia-no.invalid/": "DNS"}  # fmt: skip
    for url, word in urls.items():
        told = http.post("/webhooks", json={"webhook_id": "lejos", "url": url, "events": ["session_started"]})
        assert (told.status_code, word in told.json()["warning"]) == (200, True), told.text
    english = http.patch("/webhooks/lejos", json={"url": "http://127.0.0.1:9/x"}, headers={"Accept-Language": "en"}).json()
    assert "Nothing can be sent" in english["warning"]
    http.delete("/webhooks/lejos")


def test_attempts_come_in_pages_that_neither_repeat_nor_leave_out_any(api, register) -> None:
    register()
    for _ in range(7):
        api.post("/webhooks/crm/test")
    whole = [row["id"] for row in api.get("/webhooks/crm/attempts?limit=200").json()["attempts"]]
    found, cursor = list[str](), ""
    for _ in range(len(whole)):
        page = api.get("/webhooks/crm/attempts", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        assert page["total"] == len(page["attempts"]) <= 3
        found += [row["id"] for row in page["attempts"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (found, cursor) == (whole, None)
    assert len(whole) >= 7
    for bad in ("x", "AAAA", "é"):
        assert "cursor" in api.get("/webhooks/crm/attempts", params={"cursor": bad}).json()["error"]


def test_what_failed_is_sent_again_to_one_or_to_all(api, receiver) -> None:
    for name in ("uno", "otro"):
        api.post("/webhooks", json={"webhook_id": name, "url": receiver.url, "events": ["*"], "retry_attempts": 1})
    api.post("/webhooks", json={"webhook_id": "apagado", "url": receiver.url, "events": ["*"], "enabled": False})
    receiver.status = 500
    for name in ("uno", "otro"):
        assert api.post(f"/webhooks/{name}/test").json()["results"][0]["status"] == "exhausted"
    receiver.status = 200
    nothing = api.post("/webhooks/replay", json={"event": "step_failed"}).json()
    assert (nothing["replayed"], nothing["message"].startswith("No había nada")) == (0, True)
    told = api.post("/webhooks/replay").json()
    counts = {row["webhook_id"]: row["replayed"] for row in told["webhooks"]}
    assert (told["replayed"], counts["uno"], counts["otro"], told["disabled"]) == (2, 1, 1, ["apagado"])
    again = api.post("/webhooks/uno/replay").json()
    assert (again["success"], again["replayed"], "No había nada" in again["message"]) == (True, 0, True)
    backwards = {"begin": "2026-11-23T10:00:00Z", "end": "2026-11-22T10:00:00Z"}
    for path in ("/webhooks/uno/replay", "/webhooks/replay"):
        assert "end" in api.post(path, json=backwards).json()["error"]
    for name in ("uno", "otro", "apagado"):
        api.delete(f"/webhooks/{name}")


def test_a_star_asks_for_every_event(api, register, receiver) -> None:
    register(events=["*"], thin=True)
    api.post("/start", json={"problem_description": "no me deja instalar el programa", "customer_email": "a@example.com"})
    assert api.post("/webhooks/crm/test").json()["success"] is True
    assert {headers["x-webhook-event"] for headers, _ in receiver.got} >= {"session_started", "problem_detected"}
