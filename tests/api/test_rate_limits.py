"""Rate limits: so many requests from an address or with a key, exact over processes, and no header changes whose they are."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import asyncpg
import httpx2

from guiado.api.access_rules import BASE_PATH

BODY = {"problem_description": "se me cae el wifi"}
LIGHT = {"GUIADO_ENCODER": "lexical"}


def limited(serve: Callable[..., Any], dsn: str, **settings: str) -> Any:
    """A server that is ready at the beginning of a window, or well before the end of one: a test sees one window only."""
    server = serve(dsn, **LIGHT, **settings)
    httpx2.get(f"{server.url}/healthz").raise_for_status()
    while time.time() % 60 > 55:
        httpx2.get(f"{server.url}/healthz").raise_for_status()
    return server


@contextmanager
def processes(dsn: str, count: int, **settings: str) -> Iterator[list[str]]:
    """Serving processes, started at once; their addresses."""
    with ExitStack() as probes:
        found = [probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        ports = [probe.getsockname()[1] for probe in found]
    given = {**os.environ, "DATABASE_URL": dsn, **LIGHT, **settings}
    words = [sys.executable, "-m", "guiado", "serve"]
    started = [subprocess.Popen(words, env={**given, "PORT": str(port)}, stderr=subprocess.DEVNULL) for port in ports]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for url, served in zip(urls, started, strict=True):
            until_it_answers(url, served)
        yield urls
    finally:
        for served in started:
            served.terminate()
        for served in started:
            served.wait(30)


def until_it_answers(url: str, served: subprocess.Popen[bytes]) -> None:
    """Wait until a process answers, a minute at most."""
    ends = time.monotonic() + 60
    while True:
        try:
            httpx2.get(f"{url}/healthz")
        except httpx2.TransportError:
            assert time.monotonic() < ends
            assert served.poll() is None
            time.sleep(0.05)
        else:
            return


def detect(url: str, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{url}{BASE_PATH}/detect", json=BODY, headers=headers, timeout=30)


def _detect_at(clients: list[httpx2.Client], number: int) -> httpx2.Response:
    return clients[number % len(clients)].post(f"{BASE_PATH}/detect", json=BODY)


def test_four_processes_let_exactly_a_hundred_through(dsn: str) -> None:
    with ExitStack() as running:
        urls = running.enter_context(processes(dsn, 4, GUIADO_RATE_PER_IP_MINUTE="100"))
        pool, answers = running.enter_context(ThreadPoolExecutor(16)), list[httpx2.Response]()
        began, callers = 0.0, iter(range(2, 10))
        while not answers or began // 60 != time.time() // 60:  # all of them in one window, which the caller has not used yet
            caller = f"127.0.0.{next(callers)}"
            transports = [httpx2.HTTPTransport(local_address=caller) for _ in urls]
            clients = [
                running.enter_context(httpx2.Client(base_url=url, timeout=30, transport=transport))
                for url, transport in zip(urls, transports, strict=True)
            ]
            for client in clients:
                client.get("/healthz").raise_for_status()
            began = time.time()
            answers = [*pool.map(partial(_detect_at, clients), range(150))]
    assert Counter(answer.status_code for answer in answers) == {200: 100, 429: 50}
    for answer in answers:
        assert answer.headers["x-ratelimit-limit"] == "100"
        if answer.status_code == 429:
            assert answer.headers["x-ratelimit-remaining"] == "0"
            assert 1 <= int(answer.headers["retry-after"]) <= 61
            assert answer.json()["code"] == "too_many_requests"


def test_headers_say_what_is_left(dsn: str, serve: Callable[..., Any]) -> None:
    server = limited(serve, dsn, GUIADO_RATE_PER_IP_MINUTE="3")
    answers = [detect(server.url) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    first = answers[0].headers
    assert abs(int(first["x-ratelimit-reset"]) - time.time()) <= 61
    assert first["ratelimit-policy"] == '"ip";q=3;w=60'
    assert first["ratelimit"].startswith('"ip";r=2;t=')
    said = answers[-1].headers
    assert abs(int(said["x-ratelimit-reset"]) - time.time() - int(said["retry-after"])) <= 1.5


def test_the_guides_function_counts_in_the_same_window(dsn: str, serve: Callable[..., Any]) -> None:
    server = limited(serve, dsn, GUIADO_RATE_PER_IP_MINUTE="3")

    async def by_sql() -> bool:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval("SELECT check_rate_limit('127.0.0.1', 'ip', 3, 1)")
        finally:
            await connection.close()

    assert [detect(server.url).status_code, asyncio.run(by_sql()), detect(server.url).status_code] == [200, True, 200]
    assert asyncio.run(by_sql()) is False
    assert detect(server.url).status_code == 429


def test_pages_and_health_are_free_and_the_step_is_not(dsn: str, serve: Callable[..., Any]) -> None:
    server = limited(serve, dsn, GUIADO_RATE_PER_IP_MINUTE="2")
    free = [httpx2.get(f"{server.url}{path}") for path in ("/", "/schema", "/healthz", "/readyz", "/static/guiado.css") * 2]
    assert {answer.status_code for answer in free} == {200}
    assert not any("x-ratelimit-limit" in answer.headers for answer in free)
    start = {"problem_description": "no me deja instalar el programa", "customer_email": "ana@example.com"}
    session = httpx2.post(f"{server.url}{BASE_PATH}/start", json=start).json()["session_id"]
    steps = [httpx2.post(f"{server.url}{BASE_PATH}/{session}/step", json={"success": True}) for _ in range(3)]
    assert [step.status_code for step in steps] == [200, 429, 429]
    assert steps[0].headers["x-ratelimit-remaining"] == "0"
    assert httpx2.get(f"{server.url}/metrics").status_code == 429
    assert httpx2.get(f"{server.url}/").status_code == 200


def test_a_key_counts_by_itself_and_what_is_refused_by_address(dsn: str, serve: Callable[..., Any]) -> None:
    server = limited(serve, dsn, GUIADO_RATE_PER_IP_MINUTE="4", GUIADO_RATE_PER_KEY_HOUR="3")
    keys = [httpx2.post(f"{server.url}{BASE_PATH}/keys", json={"name": name}).json().get("key") for name in ("una", "dos")]
    one = keys[0]["key"]
    ends = time.monotonic() + 5
    while detect(server.url).status_code == 200:
        assert time.monotonic() < ends
    by_key = [detect(server.url, Authorization=f"Bearer {one}") for _ in range(4)]
    assert [answer.status_code for answer in by_key] == [200, 200, 200, 429]
    assert by_key[0].headers["ratelimit-policy"] == '"key";q=3;w=3600'
    wrong = [detect(server.url, Authorization=f"Bearer {one[:-1]}_").status_code for _ in range(4)]
    assert wrong[-1] == 429, "guessing keys is limited too"


def test_zero_is_off(dsn: str, serve: Callable[..., Any]) -> None:
    server = serve(dsn, **LIGHT)
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        answers = [http.post(f"{BASE_PATH}/detect", json=BODY) for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}
    assert "x-ratelimit-limit" not in answers[0].headers


def _closed(dsn: str, serve: Callable[..., Any], **settings: str) -> Any:
    server = limited(serve, dsn, GUIADO_RATE_PER_IP_MINUTE="0")
    httpx2.post(f"{server.url}{BASE_PATH}/keys", json={"name": "una"}).raise_for_status()
    return limited(serve, dsn, GUIADO_RATE_PER_IP_MINUTE="2", **settings)


FORGED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "X-Client-IP", "True-Client-IP")


def test_forged_addresses_change_nothing(dsn: str, serve: Callable[..., Any]) -> None:
    server = _closed(dsn, serve)
    said = [detect(server.url, **{name: f"203.0.113.{number}"}).status_code for number, name in enumerate(FORGED)]
    assert said == [401, 401, 429, 429, 429, 429]


def test_a_trusted_proxy_says_who_it_is(dsn: str, serve: Callable[..., Any]) -> None:
    server = _closed(dsn, serve, GUIADO_TRUSTED_PROXIES="127.0.0.1,10.0.0.0/8")
    # The nearest address that is no proxy of ours counts; what stands in front of it the sender may have written.
    for spoofed in ("203.0.113.1", "9.9.9.9, 203.0.113.1", "203.0.113.1, 10.0.0.7", "203.0.113.1:4711, 10.1.2.3"):
        expected = 401 if spoofed in {"203.0.113.1", "9.9.9.9, 203.0.113.1"} else 429
        assert detect(server.url, **{"X-Forwarded-For": spoofed}).status_code == expected, spoofed
    assert detect(server.url, **{"X-Forwarded-For": "203.0.113.2"}).status_code == 401


def test_ipv6_counts_by_its_64_bits(dsn: str, serve: Callable[..., Any]) -> None:
    server = _closed(dsn, serve, GUIADO_TRUSTED_PROXIES="127.0.0.1")
    same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "[2001:db8:1:2:a::1]:443", "2001:DB8:1:2::77%eth0"]
    assert [detect(server.url, **{"X-Forwarded-For": one}).status_code for one in same] == [401, 401, 429, 429]
    assert detect(server.url, **{"X-Forwarded-For": "2001:db8:1:3::1"}).status_code == 401
    mapped = ["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"]
    assert [detect(server.url, **{"X-Forwarded-For": one}).status_code for one in mapped] == [401, 401, 429]
    nonsense = ["hola", "", "999.1.1.1"]  # the proxy itself is who is known
    assert [detect(server.url, **{"X-Forwarded-For": one}).status_code for one in nonsense] == [401, 401, 429]
