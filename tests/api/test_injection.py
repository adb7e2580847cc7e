"""Hundreds of payloads in every text field of every operation: none is executed, evaluated, or shown as anything but text."""

from __future__ import annotations

import asyncio
import http.client
import io
import itertools
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx2
import pytest
from payloads import KINDS, PRODUCT, packed, payloads, tags

from guiado.agent import NotificationConfig, TroubleshootingAgent, TroubleshootingNotificationManager
from guiado.app.lenient import readable

AT_LEAST = {"sql": 150, "template": 120, "script": 120}
SLOWEST_S = 5.0
"""A payload that is executed sleeps nine seconds."""
SHORTEST = 120
BASE = "/api/support/troubleshooting"
START = {"problem_description": "no me deja instalar el programa", "customer_email": "ana@example.com"}
TOLD = re.compile(rf"{PRODUCT}|uid=\d+\(|root:x:0:0|PostgreSQL \d+\.\d+ on ")
LOOKED_UP = frozenset(
    ("customer_token", "step_id", "step_title", "webhook_url", "channel", "template", "session_id", "recipient")
)
"""Fields that refuse what they do not know: left out of one body of two, so that all others get to where they are stored."""
REFUSED = {400, 404, 405, 409, 410, 413, 415, 422}
COUNTED = ("support_tickets", "support_troubleshooting_sessions", "support_troubleshooting_attempts", "support_webhooks")


@pytest.mark.parametrize("kind", KINDS)
def test_the_corpora_are_large_and_of_many_sorts(kind: str) -> None:
    assert len(set(payloads(kind))) == len(payloads(kind)) >= AT_LEAST[kind]
    assert len(tags(kind)) >= 8


# ------------------------------------------------------------------------------------------------------- every text field


class Operations:
    """Every operation of the API's own document, and bodies for it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def __iter__(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        kinds = [self.resolved(each) for each in schema.get("anyOf", schema.get("oneOf", [])) if each.get("type") != "null"]
        return (
            {**kinds[0], **{name: value for name, value in schema.items() if name not in {"anyOf", "oneOf"}}} if kinds else schema
        )

    def body(self, operation: dict[str, Any], payload: str, *, strict: bool) -> dict[str, Any] | None:
        """A body with the payload in every text: also where an address is asked for, or only where anything goes."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return self._object(self.resolved(content["schema"]), payload, strict=strict) if content else None

    def _object(self, schema: dict[str, Any], payload: str, *, strict: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, raw in schema.get("properties", {}).items():
            is_left_out = not strict and name in LOOKED_UP
            value = None if is_left_out else self._value(self.resolved(raw), payload, strict=strict)
            if value is not None:
                found[name] = value
            elif name in schema.get("required", ()):
                found[name] = self._example(self.resolved(raw))
        return found or {payload: payload}

    def _value(self, schema: dict[str, Any], payload: str, *, strict: bool) -> object:
        kind = schema.get("type")
        if kind == "string" or (isinstance(kind, list) and "string" in kind):
            bound = "enum" in schema or "const" in schema or "pattern" in schema or "format" in schema
            return payload if strict or not bound else None
        if kind == "object":
            return self._object(schema, payload, strict=strict)
        if kind == "array" and "prefixItems" in schema:
            return [self._value(self.resolved(each), payload, strict=strict) or payload for each in schema["prefixItems"]]
        if kind == "array" and "enum" not in self.resolved(schema.get("items", {})):
            return [self._value(self.resolved(schema.get("items", {})), payload, strict=strict) or payload]
        return None

    def _example(self, schema: dict[str, Any]) -> object:
        if "examples" in schema:
            return schema["examples"][0]
        if "enum" in schema or "const" in schema:
            return schema.get("enum", [schema.get("const")])[0]
        return {"boolean": True, "integer": 1, "number": 1.0, "array": [], "object": {}}.get(str(schema.get("type")), "x")


class Caller:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        self._host = url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(self._host, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        begun = time.monotonic()
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert time.monotonic() - begun < SLOWEST_S, f"{method} {path} {body}"
        assert answer.status < 500, f"{method} {path} {body}: {text}"
        assert not TOLD.search(text), f"{method} {path} {body}: {text}"
        assert not any(re.search(r"forged|malo\.example|[\r\n]", value) for _, value in answer.getheaders()), answer.getheaders()
        return answer.status, text


def attack(
    operations: Operations, url: str, method: str, path: str, operation: dict[str, Any], texts: list[str]
) -> dict[int, int]:
    """Every text in every place of an operation; how often each status came."""
    with closing(Caller(url)) as caller:
        return attacked(operations, caller, method, path, operation, texts)


def attacked(
    operations: Operations, caller: Caller, method: str, path: str, operation: dict[str, Any], texts: list[str]
) -> dict[int, int]:
    seen, session = dict[int, int](), ""
    for number, text in enumerate(texts):
        if number % 25 == 0 and "{session_id}" in path:
            session = json.loads(caller("POST", f"{BASE}/start", START)[1])["session_id"]
        names = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
        query = "?" + "&".join(f"{name}={quote(text, safe='')}" for name in sorted(names)) if names else ""
        strange = re.sub(r"\{\w+\}", quote(text, safe="") or "x", path)
        real = path.replace("{session_id}", session)
        real = re.sub(r"\{\w+\}", quote(text, safe=""), real)
        bodies = [operations.body(operation, text, strict=strict) for strict in (False, True)]
        requests = [(real + query, bodies[0])]
        if bodies[1] != bodies[0]:
            requests.append((real, bodies[1]))
        if strange != real:
            requests.append((strange, None))
        for place, body in requests:
            status, answer = caller(method, place, body)
            seen[status] = seen.get(status, 0) + 1
            if status == 400:
                assert json.loads(answer)["error"], answer
            assert status in REFUSED or status < 300, f"{method} {place} {body}: {status} {answer}"
    return seen


def tables(dsn: str) -> dict[str, int]:
    async def count() -> dict[str, int]:
        connection = await asyncpg.connect(dsn)
        try:
            return {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in COUNTED}
        finally:
            await connection.close()

    return asyncio.run(count())


def nothing_was_executed(dsn: str, before: dict[str, int]) -> None:
    async def look() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            made = await connection.fetch(
                "SELECT relname FROM pg_class WHERE relname LIKE 'guiado_injected%' UNION ALL SELECT proname FROM pg_proc"
                " WHERE proname LIKE 'guiado_injected%' UNION ALL SELECT rolname FROM pg_roles WHERE rolname = 'guiado_injected'"
                " OR (rolname = 'guiado_app' AND rolsuper) UNION ALL SELECT extname FROM pg_extension WHERE extname LIKE 'plpython%'"
            )
            assert made == []
            assert await connection.fetchval(
                "SELECT count(*) FROM pg_class WHERE relname = 'support_troubleshooting_sessions' AND relrowsecurity"
            )
            names = await connection.fetch("SELECT relid::regclass::text FROM pg_stat_user_tables")
            for (name,) in names:
                rows = await connection.fetch(f"SELECT t::text FROM {name} t")
                assert [row[0][:300] for row in rows if PRODUCT in row[0]] == [], name
        finally:
            await connection.close()

    asyncio.run(look())
    after = tables(dsn)
    assert all(after[name] >= count for name, count in before.items()), (before, after)


def run(root: httpx2.Client, server: Any, texts: Callable[[int], list[str]]) -> dict[str, dict[int, int]]:
    operations = Operations(root.get("/schema/openapi.json").json())
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logging.getLogger("guiado").addHandler(handler)
    before = tables(server._settings["DATABASE_URL"])
    try:
        with ThreadPoolExecutor(3) as pool:
            work = {
                operation["operationId"]: pool.submit(attack, operations, server.url, method, path, operation, texts(number))
                for number, (method, path, operation) in enumerate(operations)
                if operation["parameters"] or "requestBody" in operation
            }
            found = {name: each.result() for name, each in work.items()}
    finally:
        logging.getLogger("guiado").removeHandler(handler)
    nothing_was_executed(server._settings["DATABASE_URL"], before)
    assert [
        line
        for line in lines.getvalue().splitlines()
        if re.match(r"\s*(\{|Set-Cookie|2026-11-29 INFO forged|Bcc|Location)", line)
    ] == []
    return found


def test_every_payload_in_every_text_field_does_nothing(root: httpx2.Client, server: Any) -> None:
    # So many of each kind in every field; all of them, one by one, in the long test.
    texts = list(packed([one for kind in KINDS for one in payloads(kind)[: AT_LEAST[kind]]], SHORTEST))
    found = run(root, server, lambda number: texts[number % len(texts) :] + texts[: number % len(texts)])
    taken = {name for name, statuses in found.items() if any(status < 300 for status in statuses)}
    assert {"start", "detect", "answer_step", "escalate", "notify"} <= taken
    assert sum(sum(statuses.values()) for statuses in found.values()) > 30 * len(texts)


# -------------------------------------------------------------------------------------------------- what is kept comes back


def as_kept(text: str, kind: str) -> str:
    return readable(text, kind).strip()


def test_what_is_stored_comes_back_as_it_was_written_or_is_refused_by_name(http: httpx2.Client) -> None:
    for text in packed(payloads(), SHORTEST):
        names = dict.fromkeys(("customer_name", "source", "device", "product"), text)
        answer = http.post("/start", json={**START, "problem_description": text, **names})
        session = http.get(f"/{answer.json()['session_id']}").json()["session"]
        assert {name: session[name] for name in ("customer_name", "problem_description")} == {
            "customer_name": as_kept(text, "name"), "problem_description": as_kept(text, "text"),
        }  # fmt: skip
        answer = http.post("/start", json={**START, "ticket_id": text})
        if re.search(r"[\x00-\x1f\x7f-\x9f]", text.strip()):
            assert (answer.status_code, "ticket_id" in answer.text) == (400, True), answer.text
        else:
            assert answer.json()["ticket_id"] == text.strip()


def test_notes_reasons_and_ratings_come_back_as_they_were_written(http: httpx2.Client) -> None:
    for text in packed(payloads(), 4_900):
        session = http.post("/start", json=START).json()["session_id"]
        answer = http.post(f"/{session}/step", json={"success": False, "notes": text}).json()
        assert answer["attempt"]["notes"] == as_kept(text, "text")
        assert http.post(f"/{session}/feedback", json={"rating": 2, "feedback_text": text}).status_code == 200
        assert json.dumps(as_kept(text, "text"))[1:-1] in json.dumps(http.get(f"/{session}/feedback").json())
        assert http.post(f"/{session}/escalate", json={"reason": text}).status_code == 200
        assert PRODUCT not in http.get(f"/{session}").text


def test_a_templates_values_are_text(http: httpx2.Client) -> None:
    made = {
        "template_id": "inyecciones", "name": "Inyecciones", "category": "general",
        "variables": [{"name": "valor", "required": True}, {"name": "otro"}],
        "steps_template": [{"title": "a {{valor}} b", "instructions": ["{{otro}}{{valor}}"]}],
    }  # fmt: skip
    assert http.post("/templates", json=made).status_code == 200
    for text in payloads():
        answer = http.put("/templates", json={"template_id": "inyecciones", "variables": {"valor": text, "otro": "1"}})
        if answer.status_code == 200:
            (step,) = answer.json()["rendered_template"]["steps"]
            # What nothing can store, NUL, is a space.
            assert step["title"] == f"a {text.replace(chr(0), ' ')} b"
        else:
            assert answer.status_code == 400, answer.text


def test_a_template_that_is_made_of_payloads_evaluates_none(http: httpx2.Client) -> None:
    for number, text in enumerate(payloads("template")):
        made = {
            "template_id": f"mala-{number}",
            "name": "Mala",
            "category": "general",
            "variables": [],
            "steps_template": [{"title": text}],
        }
        stored = http.post("/templates", json=made)
        assert stored.status_code in {200, 400}, stored.text
        answer = http.put("/templates", json={"template_id": f"mala-{number}", "variables": {"name": "x"}})
        assert answer.status_code in {200, 400, 404}
        assert not TOLD.search(answer.text), answer.text


def test_messages_say_what_was_written(facade: str) -> None:
    manager = TroubleshootingNotificationManager()
    manager.register_template("inyeccion", "Asunto {customer_name}", "Hola {customer_name}: {problem}")
    agent = TroubleshootingAgent()
    for text in packed(payloads(), 900):
        sent = manager.send_notification(
            NotificationConfig("email", "ana@example.com", "inyeccion"), {"customer_name": text, "problem": text}
        )
        assert not TOLD.search(str(sent))
        session = agent.start_troubleshooting(text, "ana@example.com")
        assert session.problem_description == as_kept(text, "text")
        assert not TOLD.search(str(agent.complete_step(session.session_id, success=False, notes=text)))
        assert not TOLD.search(str(agent.escalate_ticket(session.session_id, text)))
        assert not TOLD.search(str(agent.get_session_summary(session.session_id)))

    async def stored() -> list[Any]:
        connection = await asyncpg.connect(facade)
        try:
            rows = await connection.fetch(
                "SELECT subject, message FROM support_troubleshooting_notifications WHERE subject LIKE 'Asunto %'"
            )
            sent = await connection.fetch("SELECT o::text AS body FROM support_troubleshooting_outbox o")
        finally:
            await connection.close()
        return [*rows, *sent]

    rows = asyncio.run(stored())
    assert len(rows) > 2 * len(list(packed(payloads(), 900)))
    assert not [row for row in rows if TOLD.search(str(row))]
    assert not [row for row in rows if "subject" in row and re.search(r"[\r\n]", row["subject"])]


# ---------------------------------------------------------------------------------------------------------------- the pages


def test_pages_show_payloads_as_text(root: httpx2.Client) -> None:
    for place, text in zip(itertools.cycle(("/", "/?x=", "/schema/")), payloads(), strict=False):
        address = place + quote(text, safe="")
        answer = root.get(address, headers={"Accept": "text/html"})
        assert answer.status_code < 500
        if re.search(r"<\w|\s\w+=", text) and "html" in answer.headers.get("content-type", "") and len(text) > 8:
            assert text not in answer.text, address
        assert PRODUCT not in answer.text


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_payload_alone_in_every_text_field_does_nothing(root: httpx2.Client, server: Any) -> None:
    run(root, server, lambda _: list(payloads()))
