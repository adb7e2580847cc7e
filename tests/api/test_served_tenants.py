"""Several tenants in one served process: each has its own sessions, guides, lessons, figures and deliveries."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import asyncpg
import httpx2
import pytest

import guiado.server
from guiado.agent import TroubleshootingAgent, close_engines
from guiado.app.context import Scope
from guiado.errors import SessionNotFound
from guiado.http.authentication import Authentication
from guiado.http.incoming import Incoming
from guiado.wiring import Runtime

BASE = "/api/support/troubleshooting"
T = TypeVar("T")
WORDS = "el cacharro verde no hace nada de nada"


class _ByHeader(Authentication):
    """Authentication whose tenant is the one of a header, in place of a key's."""

    async def _scope_of(self, request: Incoming) -> Scope:
        found, tenant = await super()._scope_of(request), request.header(b"x-tenant")
        return replace(found, tenant=tenant) if tenant else found


class Receiver:
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Installation:
    """A served process, and its clients by tenant."""

    def __init__(self, serve: Callable[..., Any], dsn: str, kb: Path) -> None:
        self.dsn, self.kb = dsn, kb
        self.server = serve(dsn, works=True, GUIADO_KB_PATH=str(kb), GUIADO_PRIVATE_TARGETS="127.0.0.0/8")
        self.receiver = Receiver()
        self._clients: dict[str, httpx2.Client] = {}

    @property
    def runtime(self) -> Runtime:
        return self.server.runtime

    def of(self, tenant: str) -> httpx2.Client:
        if tenant not in self._clients:
            headers = {"X-Tenant": tenant} if tenant != "default" else {}
            self._clients[tenant] = httpx2.Client(base_url=f"{self.server.url}{BASE}", headers=headers, timeout=30)
        return self._clients[tenant]

    def start(self, tenant: str, text: str = "la impresora no imprime", **more: object) -> dict[str, Any]:
        email = f"cliente@{tenant}.example.com"
        found = self.of(tenant).post("/start", json={"problem_description": text, "customer_email": email, **more})
        assert found.status_code == 200, found.text
        return found.json()

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run something in the loop of the served process."""

        async def run() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self.server.loop).result(30)

    def rows(self, query: str, *args: object) -> list[asyncpg.Record]:
        async def run() -> list[asyncpg.Record]:
            db = await asyncpg.connect(self.dsn)
            try:
                return await db.fetch(query, *args)
            finally:
                await db.close()

        return asyncio.run(run())

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.receiver.close()


def guide(problem_id: str, title: str, *phrases: str) -> dict[str, object]:
    steps = [
        {
            "step_number": n,
            "title": f"Paso {n}",
            "description": f"Paso {n} de {title}",
            "instructions": ["Mira."],
            "expected_result": "Va.",
        }
        for n in (1, 2)
    ]
    return {
        "problem_id": problem_id, "problem_title": title, "problem_description": title, "category": "otro",
        "common_issues": list(phrases), "steps": steps,
    }  # fmt: skip


GUIDES = [
    guide("impresora", "Impresora que no imprime", "la impresora no imprime", "no sale papel de la impresora"),
    guide("correo", "Correo que no llega", "no me llega el correo", "el correo no se envía"),
    guide("pantalla", "Pantalla negra", "la pantalla se queda negra", "no se ve nada en la pantalla"),
]


@pytest.fixture(scope="module")
def house(module_dsn: str, serve_module: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    patch = pytest.MonkeyPatch()
    patch.setattr(guiado.server, "Authentication", _ByHeader)
    kb = tmp_path_factory.mktemp("kb") / "kb.json"
    kb.write_text(json.dumps({str(each["problem_id"]): each for each in GUIDES}), "utf-8")
    running = Installation(serve_module, module_dsn, kb)
    yield running
    running.close()
    patch.undo()


def wait(condition: Callable[[], T], seconds: float = 15) -> T:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def test_a_session_of_another_tenant_works_from_start_to_end_and_nobody_else_sees_it(house: Installation) -> None:
    begun = house.start("acme")
    session_id = begun["session_id"]
    assert begun["problem_detected"] == "impresora"
    step = {"step_number": 1, "success": True}
    for number in (1, 2):
        done = house.of("acme").post(f"/{session_id}/step", json={**step, "step_number": number})
        assert done.status_code == 200, done.text
    assert house.of("acme").get(f"/{session_id}").json()["session"]["status"] == "resolved"
    for tenant in ("default", "otra"):
        assert house.of(tenant).get(f"/{session_id}").status_code == 404
        assert house.of(tenant).post(f"/{session_id}/step", json=step).status_code == 404
        assert house.of(tenant).post(f"/{session_id}/reject", json={}).status_code == 404
    owners = house.rows("SELECT DISTINCT tenant_id FROM support_troubleshooting_sessions WHERE session_id = $1::uuid", session_id)
    assert [row["tenant_id"] for row in owners] == ["acme"]


def test_a_customers_link_is_of_its_tenant_whatever_the_page_is_asked_as(house: Installation) -> None:
    session_id = house.start("acme")["session_id"]
    page = f"{house.server.url}/ayuda/{house.of('acme').post(f'/{session_id}/links').json()['link']['token']}"
    for headers in ({}, {"X-Tenant": "otra"}):
        assert "Impresora que no imprime" in httpx2.get(f"{page}/caso", headers=headers).text
    httpx2.post(f"{page}/step", data={"step_number": "1", "answer": "not_helped"}, headers={"X-Tenant": "otra"})
    assert [each["outcome"] for each in house.of("acme").get(f"/{session_id}").json()["attempts"]] == ["not_helped"]
    begun = httpx2.post(f"{house.server.url}/ayuda", data={"words": "la pantalla se queda negra"}, headers={"X-Tenant": "acme"})
    assert begun.status_code == 303
    made = "SELECT tenant_id FROM support_troubleshooting_sessions WHERE problem_description = 'la pantalla se queda negra'"
    assert {row["tenant_id"] for row in house.rows(made)} == {"default"}, "the service's own page is of its own tenant"


def test_a_customer_of_another_tenant_rejects_and_clarifies_on_the_pages(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With an encoder the words are ranked before a connection is taken, which reads the session by itself.
    monkeypatch.setattr("guiado.app.sessions.clarify.is_quick", lambda _index: False)
    session_id = house.start("acme")["session_id"]
    page = f"{house.server.url}/ayuda/{house.of('acme').post(f'/{session_id}/links').json()['link']['token']}"
    rejected = httpx2.post(f"{page}/step", data={"step_number": "1", "answer": "not_mine", "notes": "no me llega el correo"})
    assert rejected.status_code == 303
    assert house.of("acme").get(f"/{session_id}").json()["session"]["detected_problem_id"] == "correo"
    asked_id = house.start("acme", "algo va raro", clarify=True)["session_id"]
    asked = f"{house.server.url}/ayuda/{house.of('acme').post(f'/{asked_id}/links').json()['link']['token']}"
    assert httpx2.post(f"{asked}/clarify", data={"text": "no me llega el correo"}).status_code == 303
    assert house.of("acme").get(f"/{asked_id}").json()["session"]["detected_problem_id"] == "correo"


def test_clarifying_rejecting_and_detecting_go_by_the_guides_of_the_tenant(house: Installation) -> None:
    found = house.of("acme").post("/detect", json={"problem_description": "no me llega el correo"}).json()
    assert found["candidates"][0]["problem_id"] == "correo"
    begun = house.start("acme")
    other = house.of("acme").post(f"/{begun['session_id']}/reject", json={"text": "no me llega el correo"})
    assert (other.status_code, other.json()["problem_detected"]) == (200, "correo")
    asked = house.start("acme", "algo va raro", clarify=True)
    picked = house.of("acme").post(f"/{asked['session_id']}/clarify", json={"problem_id": "pantalla"})
    assert (picked.status_code, picked.json()["problem_detected"]) == (200, "pantalla")
    assert house.of("acme").get("/templates").json()["templates"] == house.of("default").get("/templates").json()["templates"]


def test_a_webhook_of_another_tenant_gets_its_events_and_no_others(house: Installation) -> None:
    given = {"url": house.receiver.url, "events": ["session_started"], "webhook_id": "suyo"}
    made = house.of("acme").post("/webhooks", json=given)
    assert made.status_code in {200, 201}, made.text
    mine = house.start("default")["session_id"]
    theirs = house.start("acme")["session_id"]
    wait(lambda: house.receiver.got)
    told = [json.dumps(each) for each in house.receiver.got]
    assert any(theirs in each for each in told)
    assert not any(mine in each for each in told)
    assert house.of("default").get("/webhooks").json()["webhooks"] == []
    tested = house.of("acme").post("/webhooks/suyo/test").json()
    assert tested["success"], tested


def test_what_another_process_stored_for_a_tenant_is_sent_as_well(house: Installation) -> None:
    given = {"url": house.receiver.url, "events": ["session_started"], "webhook_id": "suyo"}
    assert house.of("acme").post("/webhooks", json=given).status_code == 200  # this test may be the first of its process
    house.start("acme")
    before = len(house.receiver.got)
    event = {
        "event_id": "0190aaaa-0000-7000-8000-000000000001", "tenant_id": "acme", "event": "session_started",
        "data": {"de": "otro proceso"}, "occurred_at": "2020-01-01T00:00:00Z",
    }  # fmt: skip
    house.rows("SELECT guiado_emit('acme', $1::jsonb)", json.dumps([event]))
    wait(lambda: len(house.receiver.got) > before and any("otro proceso" in json.dumps(each) for each in house.receiver.got))


def test_a_notification_of_another_tenant_is_sent(house: Installation) -> None:
    given = {
        "notification_type": "aviso",
        "channel": "webhook",
        "recipient": "mesa",
        "message": "hola acme",
        "webhook_url": house.receiver.url,
    }
    stored = house.of("acme").post("/notifications", json=given)
    assert stored.status_code == 200, stored.text
    wait(lambda: any("hola acme" in json.dumps(each) for each in house.receiver.got))
    assert house.of("default").get("/notifications").json()["notifications"] == []


def test_what_one_tenant_teaches_is_known_to_it_alone(house: Installation) -> None:
    def first(tenant: str) -> list[str]:
        found = house.of(tenant).post("/detect", json={"problem_description": WORDS}).json()
        return [each["problem_id"] for each in found["candidates"] if each["confidence"] > 0.3]

    assert (first("acme"), first("default")) == ([], [])
    for _ in range(2):
        session_id = house.start("acme", WORDS)["session_id"]
        taught = house.of("acme").post(f"/{session_id}/correct", json={"problem_id": "correo"})
        assert taught.status_code == 200, taught.text
    assert wait(lambda: first("acme")) == ["correo"]
    assert (first("default"), first("otra")) == ([], [])
    assert house.call(lambda: house.runtime.knowledge_in("otra")) is not house.call(lambda: house.runtime.knowledge_in("acme"))


def test_the_file_is_everybodys_and_an_edit_reaches_each(house: Installation) -> None:
    house.start("acme")
    edited = [*GUIDES, guide("raton", "Ratón que no se mueve", "el ratón no se mueve")]
    house.kb.write_text(json.dumps({str(each["problem_id"]): each for each in edited}), "utf-8")
    for tenant in ("default", "acme", "otra"):
        wait(lambda: house.start(tenant, "el ratón no se mueve")["problem_detected"] == "raton")  # noqa: B023 called at once


def test_figures_are_of_one_tenant(house: Installation) -> None:
    for _ in range(3):
        house.start("cifras")
    assert house.of("cifras").get("/analytics").json()["summary"]["total_sessions"] == 3
    assert house.of("vacia").get("/analytics").json()["summary"]["total_sessions"] == 0
    assert len(house.of("cifras").get("/realtime").json()["active_sessions"]) == 3
    assert house.of("vacia").get("/realtime").json()["active_sessions"] == []


def test_the_same_idempotency_key_of_two_tenants_is_two(house: Installation) -> None:
    given = {"problem_description": "la impresora no imprime", "customer_email": "ana@example.com"}
    keyed = {"Idempotency-Key": "la misma"}
    made = [
        house.of(tenant).post("/start", json=given, headers=keyed).json()["session_id"] for tenant in ("acme", "otra", "acme")
    ]
    assert made[0] == made[2] != made[1]


def test_jobs_of_another_tenant_run(house: Installation) -> None:
    session_id = house.start("acme")["session_id"]
    house.rows(
        "UPDATE support_troubleshooting_sessions SET started_at = now() - interval '41 days', updated_at = now() - interval '40 days'"
        " WHERE session_id = $1::uuid",
        session_id,
    )
    house.call(lambda: house.runtime.jobs["abandon_idle_sessions"].run(house.runtime.parts))
    assert house.of("acme").get(f"/{session_id}").json()["session"]["status"] == "abandoned"
    fitted = "SELECT finished_at FROM support_troubleshooting_schedule WHERE tenant_id = 'acme' AND job = 'refit_detector'"
    wait(lambda: any(row["finished_at"] for row in house.rows(fitted)), 30)


def test_facade_and_command_line_of_a_tenant_see_only_their_own(house: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = house.start("acme")["session_id"]
    monkeypatch.setenv("DATABASE_URL", house.dsn)
    monkeypatch.setenv("GUIADO_KB_PATH", str(house.kb))
    try:
        with pytest.raises(SessionNotFound):
            TroubleshootingAgent().get_session(theirs)
        close_engines()
        monkeypatch.setenv("GUIADO_TENANT", "acme")
        assert TroubleshootingAgent().get_session(theirs).session_id == theirs
    finally:
        close_engines()
