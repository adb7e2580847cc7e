"""Export and erasure of one customer: all that is stored of them, nothing of anybody else, and the figures stay."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import httpx2
import pytest
from everything import dump, on, until

BASE = "/api/support/troubleshooting"
ANA, EVA = "ana.ruiz@example.com", "eva@example.com"
WORDS = {
    "name": "Anacleta Ruizcanario", "device": "canariodispositivo", "description": "canariodescripcion", "notes": "canarionotas",
    "feedback": "canariovaloracion", "message": "canariomensaje", "reason": "canariomotivo", "event": "canarioevento",
    "answered": "canariorespuesta",
}  # fmt: skip


class _Receiver(BaseHTTPRequestHandler):
    """Refuses every delivery, and says why in words of its own."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        gate = self.server.gate  # pyright: ignore[reportAttributeAccessIssue]
        self.server.reached.set()  # pyright: ignore[reportAttributeAccessIssue]
        gate.wait(20)
        said = f"no conozco a {ANA}: {WORDS['answered']}".encode()
        self.send_response(500)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    server.gate, server.reached = threading.Event(), threading.Event()  # pyright: ignore[reportAttributeAccessIssue]
    server.gate.set()  # pyright: ignore[reportAttributeAccessIssue]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.gate.set()  # pyright: ignore[reportAttributeAccessIssue]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def api(serve: Callable[..., Any], dsn: str) -> Iterator[httpx2.Client]:
    running = serve(dsn, works=True, GUIADO_PRIVATE_TARGETS="127.0.0.0/8", GUIADO_RATE_PER_IP_MINUTE="0")
    with httpx2.Client(base_url=f"{running.url}{BASE}", timeout=30) as client:
        yield client


async def naming(db: asyncpg.Connection, *words: str) -> set[str]:
    return {f"{table}: {word}" for table, text in (await dump(db)).items() for word in words if word.lower() in text.lower()}


def told(answer: httpx2.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


def live(api: httpx2.Client, email: str, **words: str) -> str:
    """A session that a person takes over, with something in every field."""
    start = {
        "problem_description": f"no me deja instalar el programa, {words['description']}", "customer_email": email.title(),
        "customer_name": words["name"], "ticket_id": f"T-{email}", "device": words["device"],
    }  # fmt: skip
    session_id = told(api.post("/start", json=start, headers={"Idempotency-Key": f"k-{email}"}))["session_id"]
    told(api.post(f"/{session_id}/step", json={"success": False, "notes": words["notes"]}))
    told(api.post(f"/{session_id}/feedback", json={"rating": 2, "feedback_text": words["feedback"]}))
    told(api.post(f"/{session_id}/escalate", json={"reason": words["reason"]}))
    notice = {"notification_type": "aviso", "recipient": email, "subject": words["message"], "message": words["message"]}
    told(api.post("/notifications", json={**notice, "session_id": session_id}))
    told(api.post("/notifications", json={**notice, "recipient": "otra@example.com", "message": f"{email} {words['message']}"}))
    return session_id


def figures(api: httpx2.Client) -> Any:
    found = told(api.get("/analytics", params={"days": 30}))
    return {name: value for name, value in found.items() if not name.startswith("period_")}


_TRACES = """INSERT INTO support_troubleshooting_ml_training (id, session_id, text, customer_id, status, problem_id)
    SELECT md5(s.session_id::text)::uuid, s.session_id, 'canarioejemplo', s.customer_id, 'accepted', 'instalar' FROM {one};
INSERT INTO support_troubleshooting_learning (id, session_id, kind, source, text)
    SELECT s.session_id, s.session_id, 'example', 'customer', 'canarioleccion' FROM {one};
INSERT INTO support_customer_links (link_id, session_id, token_hash, expires_at)
    SELECT s.session_id, s.session_id, 'canariosecreto', now() FROM {one};
INSERT INTO support_session_attachments (attachment_id, session_id, step_id, media_type, width, height, size_bytes, content)
    SELECT s.session_id, s.session_id, 'canariopaso', 'image/png', 1, 1, 6, 'pixels' FROM {one};
INSERT INTO support_troubleshooting_outbox (event_id, event, data)
    SELECT md5('x')::uuid, 'session_started', jsonb_build_object('of', s.session_id, 'what', 'canarioevento') FROM {one};
INSERT INTO support_troubleshooting_recipients (channel, recipient) VALUES ('email', 'ana.ruiz@example.com')"""


async def trace(db: asyncpg.Connection) -> None:
    for statement in _TRACES.split(";\n"):
        await db.execute(statement.format(one=f"support_troubleshooting_sessions s WHERE s.customer_email = '{ANA}' LIMIT 1"))


def test_nothing_is_left_after_the_erasure_and_the_rest_is_untouched(dsn: str, api: httpx2.Client, receiver: Any) -> None:
    url = f"http://127.0.0.1:{receiver.server_address[1]}/x"
    told(api.post("/webhooks", json={"url": url, "events": ["*"], "webhook_id": "w"}))
    eva = {key: f"de-eva-{key}" for key in WORDS}
    hers, _ = live(api, ANA, **WORDS), live(api, EVA, **eva)
    until(dsn, "SELECT count(*) >= 1 FROM support_webhook_events WHERE response_body LIKE '%canariorespuesta%'")
    on(dsn, trace)

    before = figures(api)
    document = told(api.post("/customers/export", json={"customer_email": " ANA.Ruiz@example.com "}))
    text = json.dumps(document, ensure_ascii=False)
    canaries = [*WORDS.values(), "canarioejemplo", "canarioleccion", "canarioevento", "canariopaso"]
    assert [b64decode(each["content"]) for each in document["attachments"]] == [b"pixels"]
    assert [word for word in canaries if word not in text] == []
    assert "canariosecreto" not in text
    assert "de-eva" not in text
    assert all(document[section] for section in document if section != "exported_at")

    audit = on(dsn, lambda db: db.fetchval("SELECT count(*) FROM support_troubleshooting_audit_log"))
    erased = told(api.post("/customers/erase", json={"customer_email": ANA}))
    assert erased["deleted"]["support_troubleshooting_sessions"] == 1
    assert erased["deleted"]["support_session_attachments"] == 1
    leftovers = on(dsn, lambda db: naming(db, ANA, hers, "canario", "ana.ruiz", "anacleta"))
    assert leftovers == {f"support_troubleshooting_audit_log: {hers}"}, "the audit log holds ids"
    assert figures(api) == before
    assert on(dsn, lambda db: db.fetchval("SELECT count(*) FROM support_troubleshooting_audit_log")) == audit + 1
    assert api.get(f"/{hers}").status_code == 404
    assert api.post(f"/{hers}/step", json={"success": True}).status_code == 404
    assert api.post(f"/{hers}/feedback", json={"rating": 1}).status_code == 404
    nothing = told(api.post("/customers/export", json={"customer_email": ANA}))
    assert not any(nothing[section] for section in nothing if section not in {"exported_at", "customer_id", "customer_email"})
    assert told(api.post("/customers/erase", json={"customer_email": ANA}))["deleted"] == {}

    kept = json.dumps(told(api.post("/customers/export", json={"customer_email": EVA})), ensure_ascii=False)
    assert [word for key, word in eva.items() if key not in {"event", "answered"} and word not in kept] == []


def test_a_delivery_under_way_writes_nothing_back(dsn: str, api: httpx2.Client, receiver: Any) -> None:
    receiver.gate.clear()
    url = f"http://127.0.0.1:{receiver.server_address[1]}/x"
    told(api.post("/webhooks", json={"url": url, "events": ["session_started"], "webhook_id": "w"}))
    told(api.post("/start", json={"problem_description": "no me deja instalar el programa", "customer_email": ANA}))
    assert receiver.reached.wait(15)
    told(api.post("/customers/erase", json={"customer_email": ANA}))
    receiver.gate.set()
    until(dsn, "SELECT leased_by IS NULL AND failures = 1 FROM support_webhooks")
    assert on(dsn, lambda db: naming(db, ANA, "canario")) == set()


def test_what_others_wrote_stays_without_the_address(dsn: str, api: httpx2.Client) -> None:
    forwarded = (
        f"Te reenvío esto\n\n---------- Forwarded message ---------\nFrom: Ana Ruiz <{ANA}>\nDate: lun, 2 nov 2026\n"
        f"Subject: ayuda\nTo: soporte@example.com\n\nno me deja instalar el programa; mi correo es {ANA}, no x{ANA}"
    )
    told(api.post("/start", json={"problem_description": forwarded, "customer_email": EVA, "ticket_id": "T-9"}))
    assert on(dsn, lambda db: naming(db, f"<{ANA}>")) != set()
    told(api.post("/customers/erase", json={"customer_email": ANA}))
    assert on(dsn, lambda db: naming(db, f"<{ANA}>", f" {ANA}")) == set()
    text, metadata = on(
        dsn, lambda db: db.fetchrow("SELECT problem_description, metadata::text FROM support_troubleshooting_sessions")
    )
    assert f"mi correo es [correo], no x{ANA}" in text
    assert "original_sender" not in metadata


_OF_EVA = """INSERT INTO support_troubleshooting_learning (id, session_id, kind, source)
    SELECT s.session_id, s.session_id, 'example', 'customer' FROM {one};
INSERT INTO support_troubleshooting_ml_training (id, session_id, text)
    SELECT s.session_id, s.session_id, 'no puedo' FROM {one};
INSERT INTO support_webhook_events (id, webhook_id, event, success) SELECT s.session_id, 'w', 'x', false FROM {one};
INSERT INTO support_troubleshooting_deliveries (delivery_id, event_id, destination, state)
    SELECT o.event_id, o.event_id, 'w', 'exhausted' FROM support_troubleshooting_outbox o LIMIT 1"""
_TEXTS = {
    "support_troubleshooting_sessions": "notes escalation_reason device product source metadata clarifications already_tried",
    "support_troubleshooting_attempts": "notes reason", "support_troubleshooting_feedback": "feedback_text",
    "support_troubleshooting_learning": "text metadata", "support_troubleshooting_ml_training": "metadata",
    "support_troubleshooting_outbox": "data", "support_troubleshooting_deliveries": "last_error",
    "support_webhook_events": "response_body error_message",
    "support_troubleshooting_notifications": "subject message error_message note metadata", "support_tickets": "subject description notes metadata",
}  # fmt: skip


def test_no_free_text_of_others_names_the_address_afterwards(dsn: str, api: httpx2.Client) -> None:
    live(api, EVA, **{key: f"de-eva-{key}" for key in WORDS})

    async def name(db: asyncpg.Connection) -> None:
        for statement in _OF_EVA.split(";\n"):
            await db.execute(statement.format(one="support_troubleshooting_sessions s"))
        for table, columns in _TEXTS.items():
            for column in columns.split():
                kind = await db.fetchval(
                    "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2",
                    table,
                    column,
                )
                said = "'mira <Ana.Ruiz@example.com>, no xana.ruiz@example.com'"
                await db.execute(f"UPDATE {table} SET {column} = {f'jsonb_build_array({said})' if kind == 'jsonb' else said}")

    on(dsn, name)
    erased = told(api.post("/customers/erase", json={"customer_email": ANA}))
    assert on(dsn, lambda db: naming(db, f"<{ANA}>")) == set()
    kept = on(dsn, lambda db: db.fetchval("SELECT notes FROM support_troubleshooting_attempts"))
    assert kept == "mira <[correo]>, no xana.ruiz@example.com"
    assert erased["deleted"] == {"support_troubleshooting_notifications": 1}, "one was of no session"
    assert set(erased["hidden"]) == set(_TEXTS)
    again = told(api.post("/customers/erase", json={"customer_email": ANA}))
    assert (again["deleted"], again["hidden"]) == ({}, {})


def test_a_live_session_counts_as_abandoned_from_then_on(dsn: str, api: httpx2.Client) -> None:
    told(api.post("/start", json={"problem_description": "no me deja instalar el programa", "customer_email": ANA}))
    told(api.post("/customers/erase", json={"customer_email": ANA}))
    figures = "SELECT (total_sessions, active, abandoned) FROM get_troubleshooting_stats(now() - interval '9 days', now())"
    assert on(dsn, lambda db: db.fetchval(figures)) == (1, 0, 1)
    assert told(api.get("/realtime"))["active_sessions"] == []


def test_many_sessions_go_batch_by_batch(dsn: str, api: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guiado.app.access.customers._BATCH", 10)
    fill = """INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, status, started_at, updated_at)
        SELECT gen_random_uuid(), 'ana.ruiz@example.com', 'x', 'escalated', now() - n * interval '1 hour', now()
          FROM generate_series(1, 25) n"""
    on(dsn, lambda db: db.execute(fill))
    erased = told(api.post("/customers/erase", json={"customer_email": ANA}))
    assert erased["deleted"]["support_troubleshooting_sessions"] == 25
    acts = "SELECT array_agg(detail #>> '{deleted,support_troubleshooting_sessions}' ORDER BY at) FROM support_troubleshooting_audit_log"
    assert on(dsn, lambda db: db.fetchval(acts)) == ["10", "10", "5"], "a commit and an entry for each batch"
    total = "SELECT sum(total_sessions) FROM guiado_daily(now() - interval '9 days', now() + interval '1 minute') WHERE problem_id = '*'"
    assert on(dsn, lambda db: db.fetchval(total)) == 25


def test_the_same_key_erases_once_and_an_address_is_needed(dsn: str, api: httpx2.Client) -> None:
    key = {"Idempotency-Key": "borrado-1"}
    first = told(api.post("/customers/erase", json={"customer_email": ANA}, headers=key))
    assert told(api.post("/customers/erase", json={"customer_email": ANA}, headers=key)) == first
    for path in ("/customers/erase", "/customers/export"):
        answer = api.post(path, json={"customer_email": "canario"})
        assert answer.status_code == 400
        assert api.post(path, json={}).status_code == 400
        assert api.get(path).status_code == 405
