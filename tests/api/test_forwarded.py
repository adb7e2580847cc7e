"""Behind a proxy: scheme, host and path prefix are believed of a trusted one only, and every link carries them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from guiado.app.access.permissions import PERMISSIONS
from guiado.errors import SettingsInvalid
from guiado.http.forwarded import Forwarded, trusts_of
from guiado.settings import read_settings

FORWARDED = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "soporte.example.com",
    "x-forwarded-prefix": "/soporte",
    "x-forwarded-for": "203.0.113.9",
}
HTML = {"accept": "text/html"}
BASE = "/api/support/troubleshooting"


def key_of(server: Any) -> str:
    """A key of a server; with the first one it takes what comes through a proxy."""
    made = httpx2.post(f"{server.url}{BASE}/keys", json={"name": "proxy", "scopes": [*PERMISSIONS]})
    return f"Bearer {made.json()['key']['key']}"


@pytest.fixture(scope="module")
def proxied(module_dsn: str, serve_module: Callable[..., Any]) -> Iterator[Callable[..., httpx2.Client]]:
    """Makes a client of a server with these settings."""
    made: dict[str, httpx2.Client] = {}
    given: list[str] = []

    def client(**settings: str) -> httpx2.Client:
        key = str(sorted(settings.items()))
        if key not in made:
            server = serve_module(module_dsn, **settings)
            given.append(given[0] if given else key_of(server))
            made[key] = httpx2.Client(base_url=server.url, timeout=30, headers={"authorization": given[0]})
        return made[key]

    yield client
    for http in made.values():
        http.close()


def links(page: str) -> list[str]:
    return re.findall(r'href="(/[^"#]*)"', page)


def test_a_trusted_proxy_says_where_the_service_is(proxied: Callable[..., httpx2.Client]) -> None:
    http = proxied(GUIADO_TRUSTED_PROXIES="127.0.0.1")
    for path in ("/", "/estado", "/schema", "/nada"):
        page = http.get(path, headers=FORWARDED | HTML)
        assert links(page.text)
        assert all(link.startswith("/soporte/") for link in links(page.text)), path
    state = http.get("/estado", headers=FORWARDED | HTML).text
    assert "curl https://soporte.example.com/soporte/api/support/troubleshooting/start" in state
    document = http.get("/schema/openapi.json", headers=FORWARDED).json()
    assert document["servers"] == [{"url": "/soporte"}]
    assert http.get("/healthz", headers=FORWARDED).headers["strict-transport-security"] == "max-age=31536000"


def test_nobody_else_is_believed(proxied: Callable[..., httpx2.Client]) -> None:
    for settings in ({}, {"GUIADO_TRUSTED_PROXIES": "10.0.0.0/8"}):
        http = proxied(**settings)
        page = http.get("/estado", headers=FORWARDED | HTML)
        assert "curl http://" in page.text
        assert "soporte.example.com" not in page.text
        assert not any(link.startswith("/soporte") for link in links(page.text))
        assert "strict-transport-security" not in page.headers
        assert http.get("/soporte/healthz", headers=FORWARDED).status_code == 404


@pytest.mark.parametrize("is_cut", [True, False], ids=["the proxy cuts the prefix", "it does not"])
@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"GUIADO_TRUSTED_PROXIES": "127.0.0.1"}, FORWARDED),
        ({"GUIADO_ROOT_PATH": "/soporte/"}, {}),
        ({"GUIADO_PUBLIC_URL": "https://soporte.example.com/soporte"}, {}),
    ],
    ids=["header", "GUIADO_ROOT_PATH", "GUIADO_PUBLIC_URL"],
)
def test_every_link_works_with_a_prefix(
    proxied: Callable[..., httpx2.Client], settings: dict[str, str], headers: dict[str, str], *, is_cut: bool
) -> None:
    http = proxied(**settings)

    def get(public: str) -> httpx2.Response:
        assert public.startswith("/soporte")
        return http.get((public.removeprefix("/soporte") or "/") if is_cut else public, headers=headers | HTML)

    for page in ("/soporte", "/soporte/", "/soporte/estado", "/soporte/schema"):
        shown = get(page)
        assert shown.status_code == 200
        assert len(links(shown.text)) > 2
        for link in links(shown.text):
            assert get(link).status_code == 200, link
    step = "/soporte" * (not is_cut) + BASE
    start = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}
    session = http.post(f"{step}/start", json=start, headers=headers).json()["session_id"]
    assert http.post(f"{step}/{session}/step", json={"success": False}, headers=headers).status_code == 200
    assert http.get(f"{step}/{session}", headers=headers).status_code == 200


def test_the_public_url_is_the_base_whatever_a_request_says(proxied: Callable[..., httpx2.Client]) -> None:
    http = proxied(GUIADO_PUBLIC_URL="https://soporte.example.com/soporte")
    page = http.get("/estado", headers={"host": "evil.example"} | HTML)
    assert "curl https://soporte.example.com/soporte/api" in page.text
    assert "evil.example" not in page.text
    assert page.headers["strict-transport-security"]
    assert http.get("/schema/openapi.json").json()["servers"] == [{"url": "https://soporte.example.com/soporte"}]


def test_without_a_prefix_nothing_is_added(proxied: Callable[..., httpx2.Client]) -> None:
    http = proxied()
    assert links(http.get("/", headers=HTML).text)[0].startswith("/static/guiado.css?")
    assert http.get("/schema/openapi.json").json()["servers"] == [{"url": "/"}]


def test_a_prefix_that_a_route_begins_with_is_never_cut(proxied: Callable[..., httpx2.Client]) -> None:
    http = proxied(GUIADO_ROOT_PATH="/api")
    assert http.get(f"{BASE}/realtime").status_code == 200
    assert "/api/schema" in links(http.get("/estado", headers=HTML).text)


@pytest.mark.parametrize(
    "said",
    ["//evil.example", "/../x", "/a/./b", "soporte", "/so porte", "/so%2Fporte", '/"><script>', "/" + "a" * 300, "/x?y", "/é"],
)
def test_a_prefix_that_is_none_is_ignored(proxied: Callable[..., httpx2.Client], said: str) -> None:
    http = proxied(GUIADO_TRUSTED_PROXIES="127.0.0.1")
    page = http.get("/", headers={"accept": "text/html", "x-forwarded-prefix": said.encode()})
    assert links(page.text)[0].startswith("/static/guiado.css?")


@pytest.mark.parametrize("host", ["a b", "x/../y", 'x"><script>', "[::1", "x:y", "a@b"])
def test_a_host_that_is_none_is_not_shown(proxied: Callable[..., httpx2.Client], host: str) -> None:
    page = proxied(GUIADO_TRUSTED_PROXIES="127.0.0.1").get("/estado", headers={"x-forwarded-host": host} | HTML)
    assert "curl http://localhost/api" in page.text


def test_what_came_before_the_nearest_proxy_is_not_believed(proxied: Callable[..., httpx2.Client]) -> None:
    http = proxied(GUIADO_TRUSTED_PROXIES="127.0.0.1")
    said = {"x-forwarded-host": "evil.example, soporte.example.com", "x-forwarded-proto": "https, http"}
    page = http.get("/estado", headers=said | HTML)
    assert "curl http://soporte.example.com/api" in page.text
    assert "strict-transport-security" not in page.headers


async def answer_with(scope: dict, headers: dict[bytes, bytes], prefix: str) -> dict[str, str]:
    """What leaves the layer, of an application that answers with these headers."""
    sent: list[dict] = []

    async def app(_scope: object, _receive: object, send: Callable) -> None:
        await send({"type": "http.response.start", "status": 303, "headers": [*headers.items()]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: dict) -> None:
        sent.append(message)

    await Forwarded(app, trusts=lambda _: False, root_path=prefix)(scope, lambda: None, send)
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("/schema", "/soporte/schema"),
        ("https://example.com/x", "https://example.com/x"),
        ("//example.com", "//example.com"),
        ("schema", "schema"),
    ],
)
@pytest.mark.parametrize("prefix", ["/soporte", ""])
def test_redirects_and_cookies_carry_the_prefix(given: str, wanted: str, prefix: str) -> None:
    scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "headers": [], "client": None, "scheme": "http"}
    headers = {b"Location": given.encode(), b"set-cookie": b"a=b; Path=/c; Secure"}
    sent = asyncio.run(answer_with(scope, headers, prefix))
    assert sent["Location"] == (wanted if prefix else given)
    assert sent["set-cookie"] == f"a=b; Path={prefix}/c; Secure"


@pytest.mark.parametrize("value", ["soporte", "/a//b", "/a b", "/..", "//x", "/a/../b"])
def test_a_bad_root_path_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(SettingsInvalid, match="GUIADO_ROOT_PATH tiene un valor no válido: escribe una ruta como /soporte"):
        read_settings(GUIADO_ROOT_PATH=value)


@pytest.mark.parametrize(
    "value",
    [
        "soporte.example.com",
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x?y",
        "https://x/#a",
        "https://x:0",
        "https://x:y",
        "https://x/ y",
        "https://[x",
    ],
)
def test_a_bad_public_url_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(SettingsInvalid, match="GUIADO_PUBLIC_URL tiene un valor no válido: escribe una dirección como https"):
        read_settings(GUIADO_PUBLIC_URL=value)


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, ""),
        ({"GUIADO_ROOT_PATH": "/soporte"}, ""),
        ({"GUIADO_PUBLIC_URL": "https://x.example/"}, "https://x.example"),
        ({"GUIADO_PUBLIC_URL": "https://x.example", "GUIADO_ROOT_PATH": "/soporte"}, "https://x.example/soporte"),
        ({"GUIADO_PUBLIC_URL": "https://x.example/a/", "GUIADO_ROOT_PATH": "/a"}, "https://x.example/a"),
    ],
)
def test_links_outside_of_requests_have_the_public_base(settings: dict[str, str], base: str) -> None:
    assert read_settings(**settings).base_url == base


def test_trusted_proxies_are_addresses_and_networks() -> None:
    trusts = trusts_of("10.0.0.0/8, ::1,192.168.1.20")
    assert all(trusts(peer) for peer in ("10.1.2.3", "::1", "192.168.1.20", "::ffff:10.0.0.1"))
    assert not any(trusts(peer) for peer in ("11.0.0.1", "::2", "192.168.1.21", "", "/run/x.sock"))
    with pytest.raises(SettingsInvalid, match="GUIADO_TRUSTED_PROXIES"):
        trusts_of("proxy.example.com")
