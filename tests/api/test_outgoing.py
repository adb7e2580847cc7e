"""What leaves a server on its own: events that come back to it, and what its settings alone ask for."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import httpx2
import pytest
from rows import rows_of
from secret_keys import BOX

from guiado.store.secret_box import is_sealed

PROBLEM = {"problem_description": "no me deja instalar el programa", "customer_email": "luz@example.com", "customer_name": "Luz"}
DEADLINE_S = 20


class Sink(ThreadingHTTPServer):
    """Takes everything, and tells what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Takes)
        self.status = 200
        self.came = threading.Condition()
        self.got: list[tuple[str, dict[str, Any]]] = []

    def wait_for(self, path: str, holds: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            return next((body for where, body in self.got if where == path and holds(body)), None)

        with self.came:
            assert self.came.wait_for(lambda: find() is not None, DEADLINE_S), self.got
        return find() or {}


class Takes(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.came:
            self.server.got.append((self.path, body))
            self.server.came.notify_all()
        self.send_response(self.server.status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[Sink]:
    running = Sink()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def test_two_settings_are_enough_for_slack_and_kestra(serve, dsn: str, sink: Sink) -> None:
    base = f"http://127.0.0.1:{sink.server_address[1]}"
    server = serve(dsn, works=True, SLACK_WEBHOOK_URL=f"{base}/slack", KESTRA_WEBHOOK_URL=f"{base}/kestra/clave-secreta")
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as http:
        session_id = http.post("/start", json=PROBLEM).json()["session_id"]
        http.post(f"/{session_id}/step", json={"success": False, "notes": "sale un aviso"})
        http.post(f"/{session_id}/escalate", json={"reason": "Prefiero hablar"})
        said = json.dumps(sink.wait_for("/slack"), ensure_ascii=False)
        assert "Luz necesita ayuda de una persona." in said
        assert "(sale un aviso)" in said, "what was tried, so that nobody asks twice"
        for event in ("session_started", "step_failed", "session_escalated"):
            sink.wait_for("/kestra/clave-secreta", lambda body, event=event: body["event"] == event)
        assert "clave-secreta" not in http.get("/webhooks").text
        (told,) = http.get("/recipients").json()["recipients"]
        assert (told["channel"], told["events"]) == ("slack", ["session_escalated"])


def test_an_event_that_comes_back_to_the_server_begins_nothing(serve, dsn: str) -> None:
    server = serve(dsn, works=True, GUIADO_PRIVATE_TARGETS="127.0.0.0/8")
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as http:
        circle = {"webhook_id": "circulo", "url": f"{http.base_url}start", "events": ["session_started"], "retry_attempts": 1}
        assert http.post("/webhooks", json=circle).status_code == 200
        http.post("/start", json=PROBLEM)
        tried = http.post("/webhooks/circulo/test").json()
        assert tried["results"][0]["error"] == "HTTP 508"
        attempts = http.get("/webhooks/circulo/attempts").json()["attempts"]
        assert {row["response_status"] for row in attempts} == {508}
        assert "webhook lleva al propio guiado" in attempts[0]["response_body"]
    assert rows_of(server)["support_troubleshooting_sessions"] == 1


def test_who_is_told_is_stored_shown_without_secrets_and_forgotten(http: httpx2.Client) -> None:
    wish = {
        "channel": "teams",
        "recipient": "guardia",
        "events": ["session_escalated"],
        "quiet_from": "22:00",
        "quiet_to": "07:30",
    }
    wish |= {"time_zone": "America/Mexico_City", "webhook_url": "https://a.example/clave", "secret": "no-se-ve"}
    stored = http.post("/recipients", json=wish).json()["recipient"]
    assert (stored["quiet_from"], stored["time_zone"], stored["has_webhook_url"]) == ("22:00", "America/Mexico_City", True)
    listed = http.get("/recipients")
    assert [row["recipient"] for row in listed.json()["recipients"]] == ["guardia"]
    assert "clave" not in listed.text
    assert "no-se-ve" not in listed.text
    assert http.delete("/recipients/teams", params={"recipient": "guardia"}).status_code == 200
    gone = http.delete("/recipients/teams", params={"recipient": "guardia"})
    assert (gone.status_code, "recipient: " in gone.json()["error"]) == (400, True)
    assert http.get("/recipients").json()["total"] == 0


def test_a_message_that_failed_says_why_and_can_be_asked_for_again(serve, dsn: str, sink: Sink) -> None:
    sink.status = 410
    server = serve(dsn, works=True, GUIADO_PRIVATE_TARGETS="127.0.0.0/8")
    hook = f"http://127.0.0.1:{sink.server_address[1]}/hook"
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as http:
        note = {"notification_type": "aviso", "recipient": "x", "channel": "teams", "message": "Hola", "webhook_url": hook}
        one = http.post("/notifications", json=note).json()["notification"]["id"]
        again = http.post("/notifications", json=note).json()
        assert (again["notification"]["id"], "dos veces" in again["message"]) == (one, True)
        wait_for(http, "failed", one)
        (found,) = http.get("/notifications", params={"status": "failed"}).json()["notifications"]
        assert (found["id"], "HTTP 410" in found["error_message"]) == (one, True)
        assert http.post("/notifications/nada/retry").status_code == 400
        for status in ("nada", "\x00"):
            refused = http.get("/notifications", params={"status": status})
            assert (refused.status_code, "status: " in refused.json()["error"]) == (400, True)
        assert http.delete("/recipients/%01x", params={"recipient": "\x00"}).status_code == 400
        sink.status = 200
        assert http.post(f"/notifications/{one}/retry").status_code == 200
        wait_for(http, "sent", one)
        assert http.post(f"/notifications/{one}/retry").status_code == 400


def test_all_that_failed_is_sent_again_with_one_request(serve, dsn: str, sink: Sink) -> None:
    sink.status = 401
    hook = f"http://127.0.0.1:{sink.server_address[1]}/sms"
    server = serve(dsn, works=True, SMS_URL=hook)
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as http:
        note = {"notification_type": "aviso", "recipient": "0034 600-112-233", "channel": "sms", "priority": "urgent"}
        sent = [http.post("/notifications", json={**note, "message": str(number)}).json() for number in range(3)]
        assert {one["notification"]["recipient"] for one in sent} == {"+34600112233"}
        end = time.monotonic() + DEADLINE_S
        while 'guiado_notification_channel_refused{channel="sms"} 1' not in (metrics := httpx2.get(f"{server.url}/metrics")).text:
            assert time.monotonic() < end, metrics.text
        assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        end = time.monotonic() + DEADLINE_S
        while not all(one["attempts"] for one in http.get("/notifications").json()["notifications"]):
            assert time.monotonic() < end
        sink.status = 200
        assert http.post("/notifications/retry", json={"channel": "email"}).json()["retried"] == 0
        assert http.post("/notifications/retry", json={"since": "2100-01-01T00:00:00Z"}).json()["retried"] == 0
        assert http.post("/notifications/retry", json={"status": "sent"}).status_code == 400
        assert http.post("/notifications/retry", json={"channel": "paloma"}).status_code == 400
        assert http.post("/notifications/retry").json()["retried"] == 3
        for one in sent:
            wait_for(http, "sent", one["notification"]["id"])
        pages = [http.get("/notifications", params={"limit": 2, "channel": "sms"}).json()]
        pages.append(http.get("/notifications", params={"limit": 2, "cursor": pages[0]["next_cursor"]}).json())
        assert [[one["message"] for one in page["notifications"]] for page in pages] == [["2", "1"], ["0"]]
        assert pages[1]["next_cursor"] is None
        for wrong in ({"cursor": "nada"}, {"limit": 0}, {"limit": "x"}, {"channel": "paloma"}, {"session_id": "x"}):
            assert http.get("/notifications", params=wrong).status_code in (400, 404)


@pytest.mark.parametrize(
    ("channel", "recipient", "setting"), [("email", "a@example.com", "SMTP_HOST"), ("push", "tema", "NTFY_URL")]
)
def test_a_message_that_cannot_leave_yet_says_what_to_set(
    http: httpx2.Client, channel: str, recipient: str, setting: str
) -> None:
    note = {"notification_type": "aviso", "channel": channel, "recipient": recipient, "message": "Hola"}
    stored = http.post("/notifications", json=note).json()
    assert stored["notification"]["status"] == "pending"
    assert setting in stored["message"]
    assert "en camino" not in stored["message"]


@pytest.mark.parametrize("route", ["/notifications", "/recipients"])
@pytest.mark.parametrize("channel", ["teams", "discord", "webhook", "slack"])
def test_a_channel_without_its_address_is_refused_by_field(http: httpx2.Client, route: str, channel: str) -> None:
    given = {"channel": channel, "recipient": "equipo"}
    given |= {"notification_type": "aviso", "message": "Hola"} if route == "/notifications" else {"events": ["session_escalated"]}
    refused = http.post(route, json=given)
    named = [(one["field"], one["code"]) for one in refused.json()["errors"]]
    assert (refused.status_code, named) == (400, [("webhook_url", "missing")])
    assert http.post(route, json={**given, "webhook_url": "https://hooks.example.com/x"}).status_code == 200
    listed = http.get("/recipients").text + http.get("/notifications").text
    assert "hooks.example.com/x" not in listed


@pytest.mark.parametrize("secret", ["whsec_", "whsec_abc", "whsec_" + "A-_A" * 10])
def test_a_recipients_secret_is_checked_like_that_of_a_webhook(http: httpx2.Client, secret: str) -> None:
    given = {"channel": "webhook", "recipient": "https://example.com/x", "events": ["session_escalated"], "secret": secret}
    refused = http.post("/recipients", json=given)
    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (400, ["secret"])


def test_a_recipient_that_is_stored_again_keeps_its_address_and_secret(serve, dsn: str, sink: Sink) -> None:
    server = serve(dsn, works=True, GUIADO_PRIVATE_TARGETS="127.0.0.0/8")
    secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    given = {"channel": "webhook", "recipient": "equipo", "events": ["session_started"]}
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as http:
        url = f"http://127.0.0.1:{sink.server_address[1]}/aviso"
        first = http.post("/recipients", json={**given, "webhook_url": url, "secret": secret})
        assert (first.status_code, first.json()["warning"]) == (200, None)
        again = http.post("/recipients", json={**given, "events": ["session_escalated"], "language": "en"})
        assert (again.status_code, again.json()["recipient"]["has_webhook_url"]) == (200, True), again.text
        assert asyncio.run(options_of(dsn, "equipo")) == {"webhook_url": url, "secret": secret}


async def options_of(dsn: str, recipient: str) -> dict[str, str]:
    connection = await asyncpg.connect(dsn)
    try:
        query = "SELECT options::text FROM support_troubleshooting_recipients WHERE recipient = $1"
        stored: dict[str, str] = json.loads(await connection.fetchval(query, recipient))
    finally:
        await connection.close()
    assert all(is_sealed(value) for value in stored.values())
    return {name: BOX.open(value, "recipient.option", "default", "webhook", recipient, name) for name, value in stored.items()}


@pytest.mark.parametrize(
    ("language", "words"), [("es", "no se le puede enviar nada"), ("en", "private network"), ("pt", "rede privada")]
)
def test_a_recipient_that_nothing_can_reach_is_stored_with_a_warning(http: httpx2.Client, language: str, words: str) -> None:
    given = {"channel": "webhook", "recipient": "http://10.0.0.1/x", "events": ["session_escalated"]}
    told = http.post("/recipients", json=given, headers={"accept-language": language}).json()
    assert words in told["warning"]


def wait_for(http: httpx2.Client, status: str, notification_id: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while True:
        found = http.get("/notifications", params={"status": status}).json()["notifications"]
        if notification_id in {one["id"] for one in found}:
            return
        assert time.monotonic() < end, http.get("/notifications").json()
