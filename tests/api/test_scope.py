"""Tenant and caller are made by one layer above every way in: the fast path of a step, the framework's routes, the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from guiado.api.step_fast_path import StepFastPath
from guiado.app.access.keyring import Keyring
from guiado.app.context import Scope
from guiado.http.authentication import Authentication
from guiado.http.incoming import Incoming
from guiado.http.loopback_guard import LoopbackGuard
from guiado.server import BASE_PATH, create_routes
from guiado.settings import read_settings
from guiado.wiring import Runtime

# The first header is taken by the fast path, the second by the framework.
FAST, LONG = {"content-type": "application/json"}, {"content-type": "application/json; charset=utf-8"}
START = {"problem_description": "no puedo instalar el programa", "customer_email": "ana@example.com"}


class ByHeader(Authentication):
    """Takes tenant and language from a header, as a layer with keys would take them from a key."""

    async def _scope_of(self, request: Incoming) -> Scope:
        found, tenant = await super()._scope_of(request), request.header(b"x-tenant")
        return replace(found, tenant=tenant, language="pt") if tenant else found


def run(dsn: str, scenario: Callable[[httpx2.AsyncClient], Awaitable[None]]) -> None:
    async def main() -> None:
        runtime = await Runtime.open(read_settings(DATABASE_URL=dsn))
        try:
            inner = StepFastPath(create_routes(runtime), BASE_PATH)
            transport = httpx2.ASGITransport(LoopbackGuard(ByHeader(inner, "default", Keyring(runtime.parts.db, is_local=True))))
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                await scenario(client)
        finally:
            await runtime.close()

    asyncio.run(main())


async def step(client: httpx2.AsyncClient, session_id: str, way: dict[str, str], **headers: str) -> Any:
    path = f"{BASE_PATH}/{session_id}/step"
    return await client.post(path, content=b'{"success": true}', headers={**way, **headers})


@pytest.mark.parametrize("way", [FAST, LONG], ids=["fast", "framework"])
def test_another_tenant_does_not_see_the_session(module_dsn: str, way: dict[str, str]) -> None:
    async def scenario(client: httpx2.AsyncClient) -> None:
        session_id = (await client.post(f"{BASE_PATH}/start", json=START)).json()["session_id"]
        foreign = await step(client, session_id, way, **{"x-tenant": "otra"})
        assert (foreign.status_code, foreign.json()["code"]) == (404, "session_not_found")
        assert (await client.get(f"{BASE_PATH}/{session_id}", headers={"x-tenant": "otra"})).status_code == 404
        own = await step(client, session_id, way)
        assert (own.status_code, own.json()["session"]["current_step"]) == (200, 1)

    run(module_dsn, scenario)


def test_lists_pages_and_messages_follow_the_scope(module_dsn: str) -> None:
    async def scenario(client: httpx2.AsyncClient) -> None:
        await client.post(f"{BASE_PATH}/start", json=START)
        own = (await client.get(f"{BASE_PATH}/sessions")).json()["sessions"]
        foreign = (await client.get(f"{BASE_PATH}/sessions", headers={"x-tenant": "otra"})).json()["sessions"]
        assert own
        assert foreign == []
        page = await client.get("/", headers={"x-tenant": "otra", "accept": "text/html", "accept-language": "es"})
        assert page.headers["content-language"] == "pt"
        missing = await step(client, "nada", FAST, **{"x-tenant": "otra", "accept-language": "es"})
        assert "não" in missing.json()["error"].lower()

    run(module_dsn, scenario)
