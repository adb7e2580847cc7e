"""The page `/estado`: what `guiado doctor` says, for whoever is at the machine or has a key; figures; other languages; faults."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from everything import on

from guiado import checkup
from guiado.app.access import keys
from guiado.app.commands import CreateKey
from guiado.app.context import Scope
from guiado.cli import main
from guiado.store.backup.pg_programs import with_database

PEOPLE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "es"}
ELSEWHERE = {"x-forwarded-for": "203.0.113.9"}
CHANGING = {"port", "latency", "connections", "disk", "memory"}
"""Checks whose words differ from one moment, or one port, to the next."""


def key(server: Any, *scopes: str, tenant: str = "default") -> dict[str, str]:
    """Headers with a new key."""
    work = server.runtime.parts.run_write(
        Scope(tenant, "operator", "terminal"), keys.create, CreateKey(name=f"k{'-'.join(scopes)}{tenant}", scopes=list(scopes))
    )
    made = asyncio.run_coroutine_threadsafe(work, server.loop).result(30)
    return {"authorization": f"Bearer {made.key}"}


def shown(url: str, status: int = 200, language: str = "es", **headers: str) -> str:
    answer = httpx2.get(url, headers={**PEOPLE, **headers}, timeout=30)
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-language"] == language
    assert "no-store" in answer.headers["cache-control"]
    return answer.text


@pytest.fixture(autouse=True)
def look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees the present state, whatever was asked some seconds before."""
    monkeypatch.setattr(checkup, "_KEPT_S", -1.0)


def test_the_page_says_what_doctor_says(server: Any, module_dsn: str, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv("DATABASE_URL", module_dsn)
    with pytest.raises(SystemExit):
        main(["doctor", "--json"])
    told = json.loads(capfd.readouterr().out)
    asked = httpx2.get(f"{server.url}/estado", headers={"accept": "application/json"}, timeout=30)
    assert asked.status_code == 200
    here = asked.json()
    assert here["ok"] == told["ok"]
    assert [one["check"] for one in here["checks"]] == [one["check"] for one in told["checks"]]
    steady = [[one for one in report["checks"] if one["check"] not in CHANGING] for report in (here, told)]
    assert steady[0] == steady[1]

    page = shown(f"{server.url}/estado")
    rows = re.findall(r'<tr role="row" class="is-(\w+)" data-check="(\w+)">(.*?)</tr>', page, re.DOTALL)
    assert sorted((state, name) for state, name, _ in rows) == sorted((one["state"], one["check"]) for one in here["checks"])
    words = {"good": "Bien", "doubtful": "Atención", "bad": "Falla"}
    assert all(words[state] in text and "<svg" in text for state, _, text in rows)
    assert [state for state, _, _ in rows] == sorted((state for state, _, _ in rows), key=["bad", "doubtful", "good"].index)
    # The tests' own server may lose what it was told, so that there is a fault to show.
    assert any("Qué hacer:" in text and "postgresql.conf" in text for _, name, text in rows if name == "durability")
    assert "Hay algo que falla" in page


WAITING = """INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, status)
    VALUES (gen_random_uuid(), 'a@example.com', 'x', 'needs_escalation')"""


def test_the_page_has_figures_and_leads_on(server: Any, module_dsn: str) -> None:
    on(module_dsn, lambda db: db.execute(WAITING))
    page = shown(f"{server.url}/estado")
    waiting = re.search(r"Esperan a una persona</a></dt><dd>(\d+)", page)
    assert waiting
    assert waiting[1] == "1"
    assert 'href="#waiting"' in page
    assert "guiado sessions list --status needs_escalation" in page
    assert f"curl {server.url}/api/support/troubleshooting/start" in page
    for link in re.findall(r'href="(/[^"#]*)"', page):
        assert httpx2.get(f"{server.url}{link}", timeout=30).status_code == 200, link


@pytest.mark.parametrize(
    ("language", "words"), [("es", ["Falla", "Qué hacer:"]), ("en", ["Fault", "What to do:"]), ("pt", ["Falha", "O que fazer:"])]
)
def test_the_page_in_the_language_that_its_address_names(server: Any, language: str, words: list[str]) -> None:
    page = shown(f"{server.url}/estado?idioma={language}", language=language)
    assert all(word in page for word in words)
    assert 'href="/estado?idioma=' in page
    told = httpx2.get(f"{server.url}/estado?idioma={language}", headers={"accept": "application/json"}, timeout=30)
    settings = next(one["what"] for one in told.json()["checks"] if one["check"] == "settings")
    expected = {"es": "La configuración es válida.", "en": "The settings are valid.", "pt": "A configuração é válida."}
    assert settings == expected[language]


def test_who_may_see_it_once_there_are_keys(serve: Callable[..., Any], dsn: str) -> None:
    server = serve(dsn)
    good, other = key(server, "sessions:read"), key(server, "kb:read")
    theirs = key(server, "sessions:read", tenant="otra")
    url = f"{server.url}/estado"
    assert '-H "Authorization: Bearer $GUIADO_API_KEY"' in shown(url)
    assert "Bien" in shown(url, **ELSEWHERE, **good)
    refused = shown(url, 401, **ELSEWHERE)
    assert "Para ver el estado hace falta una clave de API." in refused
    assert "PostgreSQL" not in refused
    assert "sessions:read" in shown(url, 403, **ELSEWHERE, **other)
    told = httpx2.get(url, headers={"accept": "application/json", **ELSEWHERE}, timeout=30)
    assert (told.status_code, told.json()["code"], "www-authenticate" in told.headers) == (401, "unauthorized", True)
    for accept in ("text/html", "application/json"):
        hidden = httpx2.get(url, headers={"accept": accept, **ELSEWHERE, **theirs}, timeout=30)
        assert (hidden.status_code, "PostgreSQL" in hidden.text) == (404, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"forwarded": "for=127.0.0.1"},
        {"host": "soporte.example.com"},
        {"origin": "https://example.com"},
        {"authorization": "Bearer hola", "x-real-ip": "::1"},
    ],
)
def test_what_comes_through_a_proxy_is_not_from_this_machine(serve_closed: Any, headers: dict[str, str]) -> None:
    assert httpx2.get(f"{serve_closed.url}/estado", headers=headers, timeout=30).status_code == 401


def test_a_proxy_that_adds_no_header_is_not_from_this_machine(serve_closed: Any) -> None:
    """As nginx is without any proxy_set_header: HTTP/1.0, and its own upstream as the host."""
    host = serve_closed.url.partition("//")[2]
    with socket.create_connection(serve_closed.listener.getsockname()) as connection:
        connection.sendall(f"GET /estado HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        assert b" 401 " in connection.makefile("rb").readline()


@pytest.fixture(scope="module")
def serve_closed(serve_module: Callable[..., Any], pg_server: str, template_database: str) -> Any:
    """A server whose API asks for keys, over a database of its own."""
    on(with_database(pg_server, "postgres"), lambda db: db.execute(f"CREATE DATABASE cerrada TEMPLATE {template_database}"))
    server = serve_module(with_database(pg_server, "cerrada"))
    key(server, "kb:read")
    yield server
    server.close()
    on(with_database(pg_server, "postgres"), lambda db: db.execute("DROP DATABASE cerrada"))


def test_a_published_service_asks_for_a_key_at_its_own_machine_too(serve: Callable[..., Any], dsn: str) -> None:
    server = serve(dsn, GUIADO_PUBLIC_URL="https://soporte.example.com")
    key(server, "kb:read")
    assert httpx2.get(f"{server.url}/estado", timeout=30).status_code == 401


def test_a_database_that_is_down_is_said_with_its_remedy(server: Any, module_dsn: str) -> None:
    name = module_dsn.partition("?")[0].rpartition("/")[2]
    admin = with_database(module_dsn, "postgres")
    on(admin, lambda db: db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
    try:
        page = shown(f"{server.url}/estado", 503)
        told = httpx2.get(f"{server.url}/estado", headers={"accept": "application/json"}, timeout=30)
    finally:
        on(admin, lambda db: db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    assert "La base de datos no responde ahora." in page
    assert re.search(r'class="is-bad" data-check="database"', page)
    assert (told.status_code, told.json()["ok"]) == (503, False)
    assert "La base de datos no responde ahora." not in shown(f"{server.url}/estado")


def test_all_who_ask_at_once_share_one_look(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, gate, real = [], threading.Event(), checkup.look_while_serving

    def look(settings: Any) -> Any:
        looked.append(settings)
        assert gate.wait(20)
        return real(settings)

    monkeypatch.setattr(checkup, "look_while_serving", look)
    answers: list[int] = []
    asking = [
        threading.Thread(target=lambda: answers.append(httpx2.get(f"{server.url}/estado", timeout=30).status_code))
        for _ in range(6)
    ]
    for one in asking:
        one.start()
    # Others are answered meanwhile.
    assert httpx2.get(f"{server.url}/healthz", timeout=10).status_code == 200
    gate.set()
    for one in asking:
        one.join(30)
    assert answers == [200] * 6
    assert len(looked) < 6


def test_what_was_found_is_kept_for_some_seconds(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_KEPT_S", 3600.0)
    looked, real = [], checkup.look_while_serving
    monkeypatch.setattr(checkup, "look_while_serving", lambda settings: looked.append(1) or real(settings))
    for _ in range(3):
        shown(f"{server.url}/estado")
    assert len(looked) <= 1


def test_without_the_wizard_the_start_is_the_state_or_a_name(serve: Callable[..., Any], dsn: str) -> None:
    server = serve(dsn, GUIADO_WIZARD="off", GUIADO_BRAND_NAME="Soporte Acme")
    key(server, "kb:read")
    here = httpx2.get(f"{server.url}/", headers=PEOPLE, timeout=30)
    assert (here.status_code, "Qué se revisó" in here.text) == (200, True)
    there = httpx2.get(f"{server.url}/", headers={**PEOPLE, **ELSEWHERE}, timeout=30)
    assert (there.status_code, "<h1>Soporte Acme</h1>" in there.text) == (200, True)
    assert "PostgreSQL" not in there.text
    assert "/schema" not in there.text


def test_the_start_leads_to_the_state_at_this_machine_only(server: Any) -> None:
    assert 'href="/estado"' in httpx2.get(f"{server.url}/", headers=PEOPLE, timeout=30).text
