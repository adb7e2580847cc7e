"""Canaries of personal data through every flow: none is in a log, a metric or another caller's error, nor in the database after an erasure."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest
from everything import dump, on, until
from fake_model import FakeModel, completion, http

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.cli import main

BASE = "/api/support/troubleshooting"
EMAIL = "zoraida.canaria@example.com"
_WORDS = (
    "zoraida.canaria", "Zoraida Canariensis", "+34 611 222 333", "611222333", "ES9121000418450200051332", "12345678Z",
    "canariocalle", "canarioclave", "canariodescr", "canarionota", "canariomotivo", "canariovalor", "canarioaviso", "canarioasunto",
    "canarioapar",
)  # fmt: skip
_MORE = (
    *(f"canario{number}.persona@correo{number}.example" for number in range(15)),
    *(f"+52 55 8{number:03} 4{number:03}" for number in range(15)),
    *(f"calle Canaria {number} bis" for number in range(700, 715)),
)
TEXT = " ".join((*_WORDS, *_MORE))


def forms(word: str) -> set[str]:
    """A word as logs and documents write it: as it is, in a URL, in JSON and as Base64 of itself."""
    return {word, urllib.parse.quote(word), json.dumps(word)[1:-1], base64.b64encode(word.encode()).decode().rstrip("=")}


CANARIES = {form.lower() for word in (*_WORDS, *_MORE) for form in forms(word)}


def found(text: str) -> set[str]:
    folded = text.lower()
    return {canary for canary in CANARIES if canary in folded}


class _Echo(BaseHTTPRequestHandler):
    """Fails, and repeats what it got."""

    def do_POST(self) -> None:
        got = self.rfile.read(int(self.headers["content-length"]))[:900]
        self.send_response(500)
        self.send_header("content-length", str(len(got)))
        self.end_headers()
        self.wfile.write(got)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/x"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def model() -> Iterator[FakeModel]:
    async def repeats(request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(http(completion(json.dumps(request, ensure_ascii=False)), 500))
        await writer.drain()

    fake = FakeModel()
    fake.behave = repeats
    yield fake
    fake.close()


class _Lines(logging.Handler):
    """Keeps every line of ours, and the warnings of everybody else, with their exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("guiado") or record.levelno >= logging.WARNING:
            self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, ours, everybody = _Lines(), logging.getLogger("guiado"), logging.getLogger()
    level = ours.level
    ours.setLevel(logging.DEBUG)
    ours.addHandler(handler)
    everybody.addHandler(handler)
    yield handler.lines
    ours.removeHandler(handler)
    everybody.removeHandler(handler)
    ours.setLevel(level)


START = {
    "problem_description": f"no me deja instalar el programa. {TEXT}", "customer_email": EMAIL, "customer_name": _WORDS[1],
    "ticket_id": "T-1", "device": _WORDS[-1], "product": _WORDS[6], "source": _WORDS[7], "clarify": False,
}  # fmt: skip


def through_sessions(api: httpx2.Client) -> None:
    """Right calls, and every way to refuse one."""
    started = api.post("/start", json=START, headers={"Idempotency-Key": f"k {EMAIL}"})
    assert started.status_code == 200, started.text
    here = f"/{started.json()['session_id']}"
    assert api.post(f"{here}/step", json={"success": False, "notes": TEXT, "step_title": TEXT[:100]}).status_code == 200
    assert api.post(f"{here}/step", json={"success": True, "notes": TEXT, "step_number": 99}).status_code in {400, 409}
    assert api.post(f"{here}/step", json={"success": TEXT, "notes": {TEXT[:40]: TEXT}}).status_code == 400
    assert api.post(f"{here}/feedback", json={"rating": 1, "feedback_text": TEXT}).status_code == 200
    assert api.post(f"{here}/feedback", json={"rating": TEXT, "feedback_text": TEXT}).status_code == 400
    assert api.post(f"{here}/escalate", json={"reason": TEXT}).status_code == 200
    for path in ("clarify", "reject", "resolve", "next"):
        api.post(f"{here}/{path}", json={"text": TEXT, "notes": TEXT, "problem_id": TEXT[:60]})
    assert api.post("/start", json=START, headers={"Idempotency-Key": f"k {EMAIL}", "X-Request-ID": TEXT[:60]}).status_code == 200
    assert api.post("/start", json={**START, "ticket_id": "T-2"}, headers={"Idempotency-Key": f"k {EMAIL}"}).status_code == 422
    assert api.post("/start", json={**START, "customer_email": TEXT[:99], TEXT[:40]: 1}).status_code == 400
    assert api.post("/start", content=f'{{"problem_description": "{TEXT}'.encode()).status_code == 400
    assert api.post("/detect", json={"problem_description": TEXT}).status_code == 200


def through_the_rest(api: httpx2.Client) -> None:
    """Lists, messages, templates, events, and addresses that are none."""
    notice = {"notification_type": "aviso", "recipient": EMAIL, "subject": _WORDS[13], "message": TEXT}
    assert api.post("/notifications", json=notice).status_code == 200
    assert api.post("/notifications", json={**notice, "channel": TEXT[:20]}).status_code == 400
    assert api.get("/sessions", params={"customer_email": EMAIL, "status": TEXT[:30]}).status_code == 400
    assert api.get("/sessions", params={"customer_email": EMAIL}).status_code == 200
    for path in (f"/{EMAIL}", f"/{urllib.parse.quote(TEXT[:60])}", f"/{EMAIL}/step"):
        assert api.get(path).status_code in {404, 405}
    render = {"template_id": "reset_password_template", "variables": {TEXT[:30]: TEXT}}
    assert api.put("/templates", json=render).status_code == 400
    assert api.post("/customers/export", json={"customer_email": EMAIL}).status_code == 200


def through_the_facade() -> None:
    agent = TroubleshootingAgent(use_llm=True)
    session = agent.start_troubleshooting(f"no me deja instalar el programa. {TEXT}", EMAIL, _WORDS[1], "T-3")
    agent.complete_step(session.session_id, success=False, notes=TEXT)
    agent.escalate_ticket(session.session_id, TEXT)


def break_database(dsn: str, api: httpx2.Client) -> None:
    """Tables that take nothing more: the server's errors quote the row."""
    tables = ("support_troubleshooting_sessions", "support_troubleshooting_attempts", "support_troubleshooting_notifications")
    for table in tables:
        on(dsn, lambda db, table=table: db.execute(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID"))
    assert api.post("/start", json=START).status_code == 500
    notice = {"notification_type": "aviso", "recipient": EMAIL, "subject": "otro", "message": f"otra vez {TEXT}"}
    assert api.post("/notifications", json=notice).status_code == 500
    for table in tables:
        on(dsn, lambda db, table=table: db.execute(f"ALTER TABLE {table} DROP CONSTRAINT broken"))


async def audit_log(db: asyncpg.Connection) -> dict[UUID, tuple[str, str | None]]:
    """Each row of the audit log, and its place in the chain when it has one."""
    query = """SELECT a.audit_id, (to_jsonb(a) - ARRAY['chain_seq', 'chain_hash'])::text, a.chain_seq || ' ' || a.chain_hash
        FROM support_troubleshooting_audit_log a"""
    return {row[0]: (row[1], row[2]) for row in await db.fetch(query)}


def test_no_canary_leaves_by_a_log_a_metric_or_an_error_and_none_survives_an_erasure(
    dsn: str, serve: Callable[..., Any], echo: str, model: FakeModel, lines: list[str], monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert len({*_WORDS, *_MORE}) == 60
    settings = {
        "GUIADO_PRIVATE_TARGETS": "127.0.0.0/8", "GUIADO_RATE_PER_IP_MINUTE": "0", "GUIADO_USE_LLM": "true", "GUIADO_DETECTION_THRESHOLD": "0",
        "OPENAI_BASE_URL": model.url, "SMTP_HOST": "127.0.0.1", "SMTP_PORT": "9", "SMTP_FROM": "soporte@example.com", "SMTP_TLS": "none",
    }  # fmt: skip
    running = serve(dsn, works=True, **settings)
    running.runtime.parts.accept_from = 1.01  # it wavers over every text, and asks the model then
    with httpx2.Client(base_url=f"{running.url}{BASE}", timeout=30) as api:
        assert api.post("/webhooks", json={"url": echo, "events": ["*"], "webhook_id": "w"}).status_code == 200
        assert (
            api.post(
                "/recipients", json={"channel": "email", "recipient": "g@example.com", "events": ["session_escalated"]}
            ).status_code
            == 200
        )
        through_sessions(api)
        through_the_rest(api)
        break_database(dsn, api)
        until(dsn, "SELECT count(*) > 2 FROM support_webhook_events WHERE NOT success AND response_body IS NOT NULL")
        until(
            dsn, "SELECT count(*) > 0 FROM support_troubleshooting_notifications WHERE attempts > 0 AND error_message IS NOT NULL"
        )
        for name, value in {"DATABASE_URL": dsn, **settings}.items():
            monkeypatch.setenv(name, value)
        through_the_facade()
        capfd.readouterr()
        with pytest.raises(SystemExit):
            main(["doctor", "--json"])
        shown = capfd.readouterr()
        assert found(shown.out + shown.err) == set()
        assert found(httpx2.get(f"{running.url}/metrics").text) == set()
        assert found(api.post("/start", json={"customer_email": "otro@example.com"}).text) == set()
        assert found(api.get("/01a2260c-604f-7000-9485-14ae1b871764").text) == set()
        assert model.requests, "the language model was asked"
        assert any("CheckViolationError" in line for line in lines)

        before = on(dsn, audit_log)
        assert api.post("/customers/erase", json={"customer_email": EMAIL}).status_code == 200
        left = {table: hits for table, text in on(dsn, dump).items() if (hits := found(text))}
        assert left == {}
        after = on(dsn, audit_log)
        assert before.keys() <= after.keys()
        for key, (row, sealed) in before.items():
            # The worker seals in the meantime what was not sealed yet; nothing else changes.
            assert after[key][0] == row
            assert sealed in {None, after[key][1]}
    close_engines()
    assert [line for line in lines if found(line)] == []
