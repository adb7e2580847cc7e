"""Who may do what: every route with every kind of key, generated from the routes themselves.

Each row of `ROWS` declares what a route answers to a key with its permission, and to such a key of another tenant. What it answers
to all others follows from its access rule: 401 without a good key, 403 without the permission, and to everybody where it is public.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import asyncpg
import httpx2
import pytest

from guiado.api import kestra
from guiado.api.access_rules import BASE_PATH, RULES
from guiado.app.access import key_format, keys
from guiado.app.access.models import KeyBody
from guiado.app.access.permissions import PERMISSIONS
from guiado.app.commands import CreateKey
from guiado.app.context import Scope

START = {"problem_description": "no me deja instalar el programa", "customer_email": "ana@example.com"}
PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Row(NamedTuple):
    """What a route answers: with a good key, with one of another tenant, and what is sent."""

    good: int
    foreign: int
    body: Any = None
    query: str = ""


def api(rows: dict[str, Row]) -> dict[str, Row]:
    return {name.replace(" ", f" {BASE_PATH}", 1): row for name, row in rows.items()}


ROWS = api(
    {
        "POST /start": Row(200, 200, START),
        "POST ": Row(200, 200, START),
        "GET ": Row(200, 404, query="?session_id={session_id}"),
        "GET /{session_id}": Row(200, 404),
        "POST /{session_id}/step": Row(200, 404, {"success": True}),
        "POST /{session_id}/undo": Row(409, 404, {}),
        "POST /{session_id}/clarify": Row(409, 404, {"none": True}),
        "POST /{session_id}/reject": Row(200, 404, {}),
        "POST /{session_id}/next": Row(409, 404, {}),
        "POST /{session_id}/feedback": Row(200, 404, {"rating": 5}),
        "GET /{session_id}/feedback": Row(200, 404),
        "POST /{session_id}/escalate": Row(200, 404, {}),
        "POST /{session_id}/resolve": Row(200, 404, {}),
        "POST /{session_id}/resume": Row(200, 404),
        "POST /{session_id}/attachments": Row(200, 404, PICTURE),
        "GET /{session_id}/attachments": Row(200, 404),
        "GET /{session_id}/attachments/{attachment_id}": Row(404, 404),
        "POST /{session_id}/correct": Row(200, 404, {"problem_id": "conexion_internet"}),
        "PUT /{session_id}/contact": Row(200, 404, {"customer_email": "cliente@example.com"}),
        "PUT /{session_id}/variant": Row(400, 404, {"variant": "ninguna"}),
        "POST /{session_id}/guide-question": Row(409, 404, {"question_id": "luz", "skip": True}),
        "POST /{session_id}/links": Row(200, 404),
        "GET /{session_id}/links": Row(200, 404),
        "DELETE /{session_id}/links/{link_id}": Row(404, 404),
        "GET /sessions": Row(200, 200),
        "POST /detect": Row(200, 200, {"problem_description": "se me cae el wifi"}),
        "GET /analytics": Row(200, 200),
        "GET /realtime": Row(200, 200),
        "GET /templates": Row(200, 200),
        "PUT /templates": Row(400, 400, {}),
        "POST /templates": Row(400, 400, {}),
        "GET /webhooks": Row(200, 200),
        "POST /webhooks": Row(400, 400, {}),
        "GET /webhooks/{webhook_id}": Row(200, 404),
        "PATCH /webhooks/{webhook_id}": Row(200, 404, {"timeout": 5}),
        "DELETE /webhooks/{webhook_id}": Row(404, 404),
        "POST /webhooks/{webhook_id}/secret": Row(200, 404, {}),
        "GET /webhooks/{webhook_id}/stats": Row(200, 404),
        "GET /webhooks/{webhook_id}/attempts": Row(200, 404),
        "POST /webhooks/replay": Row(200, 200, {}),
        "POST /webhooks/{webhook_id}/replay": Row(200, 404, {}),
        "POST /webhooks/{webhook_id}/test": Row(404, 404),
        "GET /notifications": Row(200, 200),
        "POST /notifications": Row(400, 400, {}),
        "POST /notifications/retry": Row(400, 400, {"status": "x"}),
        "POST /notifications/{notification_id}/retry": Row(400, 400),
        "GET /recipients": Row(200, 200),
        "POST /recipients": Row(400, 400, {}),
        "DELETE /recipients/{channel}": Row(400, 400, query="?recipient=nadie@example.com"),
        "POST /customers/export": Row(200, 200, {"customer_email": "nadie@example.com"}),
        "POST /customers/erase": Row(200, 200, {"customer_email": "nadie@example.com"}),
        "GET /guidance/{problem_id}": Row(200, 200),
        "PUT /guidance/{problem_id}": Row(200, 200, {}),
        "GET /audit": Row(200, 200),
        "GET /keys": Row(200, 200),
        "POST /keys": Row(400, 400, {}),
        "POST /keys/{key_id}/rotate": Row(200, 404, {}),
        "DELETE /keys/{key_id}": Row(404, 404),
    }
) | {
    f"POST {kestra.PATH}": Row(200, 200, START),
    "GET /metrics": Row(200, 200),
    "GET /healthz": Row(200, 200),
    "GET /readyz": Row(200, 200),
    "GET /": Row(200, 200),
    "GET /estado": Row(200, 404),
    "GET /schema": Row(200, 200),
    "GET /schema/openapi.json": Row(200, 200),
    "GET /static/{name}": Row(200, 200),
    "GET /media/{name}": Row(404, 404),
    "HEAD /media/{name}": Row(404, 404),
    "GET /widget.js": Row(200, 200),
    "GET /problemas": Row(404, 404),
    "HEAD /problemas": Row(404, 404),
    "GET /problemas/{problem_id}": Row(404, 404),
    "HEAD /problemas/{problem_id}": Row(404, 404),
    "GET /sitemap.xml": Row(404, 404),
    "HEAD /sitemap.xml": Row(404, 404),
    "GET /robots.txt": Row(200, 200),
    "HEAD /robots.txt": Row(200, 200),
    "GET /ayuda": Row(200, 200),
    "POST /ayuda": Row(400, 400),
    "GET /ayuda/{token}": Row(404, 404),
    "POST /ayuda/{token}": Row(404, 404),
    "POST /ayuda/{token}/{place}": Row(404, 404),
    "GET /ayuda/componentes": Row(200, 200),
    "GET /ayuda/{token}/{place}": Row(404, 404),
    "GET /ayuda/{token}/paso/{number}": Row(404, 404),
    "POST /ayuda/{token}/imagen": Row(404, 404),
    "GET /ayuda/{token}/imagen/{picture_id}": Row(404, 404),
    "GET /_openapi": Row(200, 200),
    "GET /_openapi/openapi.json": Row(200, 200),
    "GET /_openapi/{path}": Row(404, 404),
}
# These do away with what they name, so that they are asked for something that is not there.
GONE = {
    f"DELETE {BASE_PATH}/webhooks/{{webhook_id}}",
    f"POST {BASE_PATH}/webhooks/{{webhook_id}}/test",
    f"DELETE {BASE_PATH}/keys/{{key_id}}",
}


class Installation:
    """A closed installation with keys of every kind."""

    def __init__(self, server: Any, dsn: str) -> None:
        self.server, self.dsn = server, dsn
        self.admin = self.key("todo", list(PERMISSIONS))
        self.by_permission = {name: self.key(f"solo {name}", [name]) for name in PERMISSIONS}
        self.without = {name: self.key(f"sin {name}", [other for other in PERMISSIONS if other != name]) for name in PERMISSIONS}
        self.foreign = self.key("ajena", list(PERMISSIONS), tenant="otra")
        expired, revoked = self.key("caducada", list(PERMISSIONS)), self.key("revocada", list(PERMISSIONS))
        self.sql("UPDATE support_api_keys SET expires_at = now() - interval '1 second' WHERE name = 'caducada'")
        self.sql("UPDATE support_api_keys SET revoked_at = now() WHERE name = 'revocada'")
        unknown = key_format.new_key()
        self.refused = {
            "none": None, "malformed": "Bearer hola", "wrong": f"Bearer {unknown}", "wrong checksum": f"Bearer {unknown[:-1]}_",
            "truncated": f"Bearer {self.admin[:-7]}", "expired": f"Bearer {expired}", "revoked": f"Bearer {revoked}",
            "basic": f"Basic {self.admin}", "twice": f"Bearer {self.admin} {self.admin}",
        }  # fmt: skip
        self.http = httpx2.Client(base_url=server.url, timeout=30)

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.server.loop).result(30)

    def key(self, name: str, scopes: list[str], tenant: str = "default") -> str:
        scope = Scope(tenant, "operator", "terminal")
        made: KeyBody = self.run(self.server.runtime.parts.run_write(scope, keys.create, CreateKey(name=name, scopes=scopes)))
        assert made.key is not None
        return made.key

    def sql(self, statement: str, *values: object) -> list[Any]:
        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.dsn)
            try:
                return await connection.fetch(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(run())

    def ask(self, route: str, row: Row, ids: dict[str, str], authorization: str | None, **headers: str) -> httpx2.Response:
        method, path = route.split(" ", 1)
        # Whoever is at the machine itself needs no key there.
        headers |= {"X-Forwarded-For": "203.0.113.9"} if RULES[route].by_machine else {}
        given = {"Authorization": authorization, **headers} if authorization is not None else headers
        url = (path + row.query).format(**ids)
        if isinstance(row.body, bytes):
            return self.http.request(method, url, content=row.body, headers={"Content-Type": "image/gif", **given})
        return self.http.request(method, url, json=row.body, headers=given)

    def link(self, session_id: str | None = None) -> str:
        """The token of a customer's link to a session, by default one of its own."""
        headers = {"Authorization": f"Bearer {self.admin}"}
        session = session_id or self.ids("")["session_id"]
        return self.http.post(f"{BASE_PATH}/{session}/links", headers=headers).json()["link"]["token"]

    def ids(self, route: str) -> dict[str, str]:
        """A new session, and what else a path names."""
        made = self.http.post(f"{BASE_PATH}/start", json=START, headers={"Authorization": f"Bearer {self.admin}"})
        rotated = self.key(str(uuid.uuid4()), ["kb:read"]) if "{key_id}" in route else ""
        return {
            "session_id": made.json()["session_id"],
            "webhook_id": "nadie" if route in GONE else "crm",
            "key_id": str(uuid.uuid4()) if route in GONE else rotated[: len("guiado_") + 8],
            "notification_id": str(uuid.uuid4()),
            "channel": "email",
            "name": "guiado.css",
            "place": "caso",
            "number": "1",
            "picture_id": str(uuid.uuid4()),
            "path": "nada",
            "link_id": str(uuid.uuid4()),
            "attachment_id": str(uuid.uuid4()),
            "token": f"gl_{'a' * 43}",
            "action": "step",
            "problem_id": "conexion_internet",
        }


@pytest.fixture(scope="module")
def installation(module_dsn: str, serve_module: Callable[..., Any]) -> Iterator[Installation]:
    """The installation."""
    made = Installation(serve_module(module_dsn), module_dsn)
    body = {"url": "https://example.com/hook", "events": ["*"], "webhook_id": "crm"}
    made.http.post(f"{BASE_PATH}/webhooks", json=body, headers={"Authorization": f"Bearer {made.admin}"}).raise_for_status()
    yield made
    made.http.close()


def test_every_route_has_a_row() -> None:
    assert ROWS.keys() == RULES.keys()


@pytest.mark.parametrize("route", ROWS)
def test_a_route_takes_the_keys_that_may_use_it_and_no_other(route: str, installation: Installation) -> None:
    row, permission, ids = ROWS[route], RULES[route].permission, installation.ids(route)
    for kind, authorization in installation.refused.items():
        answer = installation.ask(route, row, ids, authorization)
        assert answer.status_code == (401 if permission else row.good), (kind, answer.text)
        if permission:
            assert answer.headers["www-authenticate"] == 'Bearer realm="guiado"'
            assert answer.json()["code"] == "unauthorized"
    if permission:
        lacking = installation.ask(route, row, ids, f"Bearer {installation.without[permission]}")
        assert (lacking.status_code, lacking.json()["code"]) == (403, "scope_missing")
        assert permission in lacking.json()["error"]
    theirs = installation.ask(route, row, ids, f"Bearer {installation.link()}")
    by_link = RULES[route].by_link
    assert theirs.status_code == (404 if by_link else 403 if permission else row.good), theirs.text
    foreign = installation.ask(route, row, ids, f"Bearer {installation.foreign}")
    assert foreign.status_code == row.foreign, foreign.text
    right = installation.by_permission[permission] if permission else installation.admin
    own = installation.link(ids["session_id"]) if by_link and "GET" in route else right
    for caller in dict.fromkeys((own, right)):
        good = installation.ask(route, row, ids, f"Bearer {caller}")
        assert good.status_code == row.good, good.text


def test_a_key_of_another_tenant_sees_nothing(installation: Installation) -> None:
    installation.ids("")
    headers = {"Authorization": f"Bearer {installation.foreign}"}
    assert installation.http.get(f"{BASE_PATH}/webhooks", headers=headers).json()["webhooks"] == []
    assert (
        "ana@example.com"
        in installation.http.get(f"{BASE_PATH}/sessions", headers={"Authorization": f"Bearer {installation.admin}"}).text
    )
    ours = {str(row["session_id"]) for row in installation.sql(
        "SELECT session_id FROM support_troubleshooting_sessions WHERE tenant_id = 'otra'"
    )}  # fmt: skip
    seen = installation.http.get(f"{BASE_PATH}/sessions?limit=200", headers=headers).json()["sessions"]
    assert {one["session_id"] for one in seen} <= ours
    assert [one["name"] for one in installation.http.get(f"{BASE_PATH}/keys", headers=headers).json()["keys"]] == ["ajena"]


def test_a_step_without_a_key_changes_nothing_on_either_way(installation: Installation) -> None:
    """The plain answer goes by the fast path, the one with an Idempotency-Key by the framework."""
    ids = installation.ids("")
    path = f"{BASE_PATH}/{ids['session_id']}/step"
    for headers in ({}, {"Idempotency-Key": "una"}, {"Content-Type": "application/json; charset=utf-8"}):
        assert installation.http.post(path, json={"success": True}, headers=headers).status_code == 401
    state = installation.http.get(f"{BASE_PATH}/{ids['session_id']}", headers={"Authorization": f"Bearer {installation.admin}"})
    assert state.json()["attempts"] == []


def test_a_key_in_the_query_is_never_taken(installation: Installation) -> None:
    for name in ("key", "api_key", "access_token", "authorization"):
        assert installation.http.get(f"{BASE_PATH}/sessions?{name}={installation.admin}").status_code == 401


@pytest.mark.parametrize(
    "key",
    [
        b"hola",
        b"guiado_",
        b"guiado_" + b"a" * 49,
        "guiado_\u00f1and\u00fa\u20ac".encode(),
        b"guiado_" + b"a" * 4_096,
        b"\xff" * 9,
    ],
)
def test_a_key_that_is_none_is_refused_before_anything_is_read(key: bytes, installation: Installation) -> None:
    answer = installation.http.post(
        f"{BASE_PATH}/start", content=b"{", headers={b"authorization": b"Bearer " + key, b"content-type": b"application/json"}
    )
    said = "Falta una clave de API válida. Envíala en la cabecera Authorization: Bearer."
    assert (answer.status_code, answer.json()["error"]) == (401, said)


def test_a_revoked_key_is_dead_within_a_second_in_another_process(installation: Installation, serve: Callable[..., Any]) -> None:
    other, key = serve(installation.dsn), installation.key("pronto", ["sessions:read"])
    headers, urls = {"Authorization": f"Bearer {key}"}, [f"{one.url}{BASE_PATH}/sessions" for one in (installation.server, other)]
    assert [httpx2.get(url, headers=headers).status_code for url in urls] == [200, 200]
    installation.http.delete(
        f"{BASE_PATH}/keys/pronto", headers={"Authorization": f"Bearer {installation.admin}"}
    ).raise_for_status()
    ended = time.monotonic()
    while [httpx2.get(url, headers=headers).status_code for url in urls] != [401, 401]:
        assert time.monotonic() < ended + 5
    assert time.monotonic() < ended + 1.5


def test_both_secrets_of_a_rotated_key_live_and_the_third_ends_the_first(installation: Installation) -> None:
    admin = {"Authorization": f"Bearer {installation.admin}"}
    secrets = [installation.key("gira", ["sessions:read"])]
    for _ in range(2):
        secrets.append(installation.http.post(f"{BASE_PATH}/keys/gira/rotate", json={}, headers=admin).json()["key"]["key"])
    said = [
        httpx2.get(f"{installation.server.url}{BASE_PATH}/sessions", headers={"Authorization": f"Bearer {one}"}).status_code
        for one in secrets
    ]
    assert said == [401, 200, 200]
    now = installation.http.post(f"{BASE_PATH}/keys/gira/rotate", json={"overlap_hours": 0}, headers=admin)
    assert now.json()["key"]["previous_until"] is None


def test_no_secret_is_stored_or_listed(installation: Installation) -> None:
    stored = str([dict(row) for row in installation.sql("SELECT * FROM support_api_keys")])
    listed = installation.http.get(f"{BASE_PATH}/keys", headers={"Authorization": f"Bearer {installation.admin}"}).text
    for secret in (installation.admin, installation.foreign, *installation.by_permission.values()):
        assert secret not in stored
        assert secret not in listed
        assert secret[len("guiado_") + 8 :] not in stored


def test_a_key_gives_only_what_it_has(installation: Installation) -> None:
    only = {"Authorization": f"Bearer {installation.by_permission['keys:admin']}"}
    refused = installation.http.post(f"{BASE_PATH}/keys", json={"name": "más", "scopes": ["sessions:read"]}, headers=only)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "scopes[0]"
    usual = installation.http.post(
        f"{BASE_PATH}/keys", json={"name": "usual"}, headers={"Authorization": f"Bearer {installation.admin}"}
    )
    assert usual.json()["key"]["scopes"] == [name for name in PERMISSIONS if name != "keys:admin"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a" * 129}, "name"),
        ({"name": "todo"}, "name"),
        ({"name": "x", "scopes": ["todo"]}, "scopes[0]"),
        ({"name": "x", "scopes": "sessions:read"}, "scopes"),
        ({"name": "x", "expires_in_days": 0}, "expires_in_days"),
        ({"name": "x", "expires_in_days": 99_999}, "expires_in_days"),
        ({"name": "x", "scope": ["sessions:read"]}, "scope"),
    ],
)
def test_a_bad_key_is_refused_by_field(body: dict[str, object], field: str, installation: Installation) -> None:
    answer = installation.http.post(f"{BASE_PATH}/keys", json=body, headers={"Authorization": f"Bearer {installation.admin}"})
    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


def test_a_repeated_creation_does_not_show_the_secret_again(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.admin}", "Idempotency-Key": "alta-1"}
    first, second = (
        installation.http.post(f"{BASE_PATH}/keys", json={"name": "una vez"}, headers=headers).json()["key"] for _ in range(2)
    )
    assert first["key"].startswith("guiado_")
    assert (second["key_id"], second.get("key")) == (first["key_id"], None)


def test_one_idempotency_key_of_two_callers_is_two(installation: Installation) -> None:
    answers = [
        installation.http.post(
            f"{BASE_PATH}/start", json=START, headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "la misma"}
        ).json()
        for key in (installation.admin, installation.by_permission["sessions:write"], installation.admin)
    ]
    assert answers[0]["session_id"] == answers[2]["session_id"] != answers[1]["session_id"]


def test_the_first_key_closes_the_api(dsn: str, serve: Callable[..., Any]) -> None:
    server = serve(dsn)
    with httpx2.Client(base_url=f"{server.url}{BASE_PATH}") as http:
        assert http.get("/sessions").status_code == 200
        made = http.post("/keys", json={"name": "primera"}).json()["key"]["key"]
        ended = time.monotonic() + 5
        while http.get("/sessions").status_code != 401:
            assert time.monotonic() < ended
        assert http.get("/sessions", headers={"Authorization": f"Bearer {made}"}).status_code == 200
        # A proxy in front is fine now, and so is any name.
        behind = {"X-Forwarded-For": "203.0.113.9", "Host": "soporte.example.com"}
        assert http.get("/sessions", headers={"Authorization": f"Bearer {made}", **behind}).status_code == 200
