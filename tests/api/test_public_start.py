"""Public start: pages of allowed origins and the service's own page start sessions; nobody does in another's name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from guiado.errors import SettingsInvalid
from guiado.settings import read_settings

BASE = "/api/support/troubleshooting"
SHOP, OTHER = "https://tienda.example.com", "https://otra.example.com"
WORDS = "no me deja instalar el programa"
START = {"problem_description": WORDS, "customer_email": "ana@example.com"}
OLD, NEW = "o" * 32, "n" * 40
FROM_SHOP = {"origin": SHOP}


def signed(secret: str = NEW, header: dict[str, Any] | None = None, **claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    head = f"{part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    signature = hmac.new(secret.encode(), head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def for_ana(**more: object) -> dict[str, object]:
    return {"email": "Ana@Example.com", "name": "Ana", "exp": time.time() + 600, **more}


@pytest.fixture(scope="module")
def shop(module_dsn: str, serve_module: Callable[..., Any]) -> Any:
    """A server where the shop's pages may start sessions."""
    return serve_module(module_dsn, GUIADO_PUBLIC_START="true", GUIADO_ALLOWED_ORIGINS=f"{SHOP}, http://localhost:8123")


@pytest.fixture(scope="module")
def strict(module_dsn: str, serve_module: Callable[..., Any]) -> Any:
    """The same with signed customers."""
    return serve_module(
        module_dsn,
        GUIADO_PUBLIC_START="true",
        GUIADO_ALLOWED_ORIGINS=SHOP,
        GUIADO_CUSTOMER_SECRET=f"{NEW},{OLD}",
        GUIADO_WIZARD="off",
    )


@pytest.fixture
def api(shop: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{shop.url}{BASE}", timeout=30) as client:
        yield client


@pytest.fixture
def sure(strict: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{strict.url}{BASE}", timeout=30) as client:
        yield client


def test_a_page_of_the_shop_starts_and_gets_a_link(api: httpx2.Client, shop: Any) -> None:
    answer = api.post("/start", json=START, headers=FROM_SHOP)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (SHOP, "Origin")
    assert "access-control-allow-credentials" not in answer.headers
    link, session_id = answer.json()["customer_link"], answer.json()["session_id"]
    assert link["url"] == f"{shop.url}/ayuda/{link['token']}"
    by_link = {**FROM_SHOP, "authorization": f"Bearer {link['token']}"}
    step = api.post(f"/{session_id}/step", json={"success": True, "step_number": 1}, headers=by_link)
    assert (step.status_code, step.headers["access-control-allow-origin"]) == (200, SHOP)
    frame = httpx2.post(link["url"])
    assert f"frame-ancestors 'self' {SHOP} http://localhost:8123" in frame.headers["content-security-policy"]


def test_the_same_start_sent_again_is_the_same_session(api: httpx2.Client) -> None:
    again = {**FROM_SHOP, "idempotency-key": "una-y-otra-vez-0123456789"}
    first, second = (api.post("", json=START, headers=again).json() for _ in range(2))
    assert first["session_id"] == second["session_id"]
    assert first["customer_link"]["token"] != second["customer_link"]["token"]  # no token is stored


def test_preflights(api: httpx2.Client) -> None:
    def ask(path: str, method: str, origin: str = SHOP) -> httpx2.Response:
        return api.options(path, headers={"origin": origin, "access-control-request-method": method})

    some_id = "01a222e9-10ae-7000-82db-cd50d6281f69"
    for path, method in (("/start", "POST"), ("", "POST"), (f"/{some_id}", "GET"), (f"/{some_id}/step", "POST")):
        told = ask(path, method)
        assert (told.status_code, told.headers["access-control-allow-origin"], told.headers["vary"]) == (204, SHOP, "Origin")
        assert method in told.headers["access-control-allow-methods"]
        assert "authorization" in told.headers["access-control-allow-headers"]
    for path, method, origin in (
        ("/start", "POST", OTHER),
        ("/start", "POST", "null"),
        ("/start", "POST", f"{SHOP}.example.org"),
        ("/start", "DELETE", SHOP),
        ("/sessions", "GET", SHOP),
        ("/webhooks", "POST", SHOP),
        (f"/{some_id}/next", "POST", SHOP),
        (f"/{some_id}/links", "POST", SHOP),
    ):
        assert "access-control-allow-origin" not in ask(path, method, origin).headers, path


def test_other_origins_and_other_routes_stay_closed(api: httpx2.Client) -> None:
    for origin in (OTHER, "null", SHOP.replace("https", "http"), f"{SHOP}:8443"):
        assert api.post("/start", json=START, headers={"origin": origin}).status_code == 403
    session_id = api.post("/start", json=START).json()["session_id"]
    for method, path in (("GET", f"/{session_id}"), ("GET", "/sessions"), ("POST", f"/{session_id}/step"), ("GET", "/keys")):
        assert api.request(method, path, headers=FROM_SHOP).status_code == 401, path


def test_a_stranger_learns_nothing_of_a_customers_history(api: httpx2.Client) -> None:
    mail = "historia@example.com"
    known = api.post("/start", json={"problem_description": "se me cae el wifi todo el rato", "customer_email": mail}).json()
    done = {"problem_description": "ya me funciona el wifi", "customer_email": mail}
    assert api.post("/start", json=done).json()["closable_session"]["session_id"] == known["session_id"]
    public = api.post("/start", json=done, headers=FROM_SHOP).json()
    assert public["closable_session"] is None
    assert str(known["problem_title"]) not in public["message"]
    again = {"problem_description": "hola", "customer_email": mail, "clarify": True}
    begun = api.post("/start", json=again, headers=FROM_SHOP).json()
    by_link = {"authorization": f"Bearer {begun['customer_link']['token']}"}
    told = api.post(f"/{begun['session_id']}/clarify", json={"text": "ya me funciona el wifi"}, headers=by_link)
    assert (told.status_code, told.json()["closable_session"]) == (200, None)


def test_with_a_secret_a_public_start_needs_signed_data(sure: httpx2.Client) -> None:
    bare = sure.post("/start", json=START, headers=FROM_SHOP)
    assert (bare.status_code, bare.json()["errors"][0]["field"]) == (400, "customer_token")
    for secret in (NEW, OLD):
        body = {**START, "customer_email": "otra@example.com", "customer_token": signed(secret, **for_ana(ticket_id="T-9"))}
        begun = sure.post("/start", json=body, headers=FROM_SHOP)
        assert begun.status_code == 200, begun.text
        session = sure.get(f"/{begun.json()['session_id']}").json()["session"]
        assert (session["customer_email"], session["customer_name"], session["ticket_id"]) == ("ana@example.com", "Ana", "T-9")


@pytest.mark.parametrize(
    "token",
    [
        signed("x" * 32, **for_ana()),
        signed(NEW, {"alg": "none"}, **for_ana()),
        signed(NEW, {"alg": "HS512"}, **for_ana()),
        signed(NEW, **for_ana())[:-3],
        signed(NEW, **for_ana()).rsplit(".", 1)[0] + ".",
        signed(NEW, **for_ana(exp=time.time() - 1)),
        signed(NEW, **for_ana(exp=time.time() + 90_000)),
        signed(NEW, **for_ana(exp=True)),
        signed(NEW, **for_ana(exp="mañana")),
        signed(NEW, **for_ana(nbf=time.time() + 600)),
        signed(NEW, email="ana@example.com"),
        signed(NEW, **for_ana(email="nadie")),
        signed(NEW, **for_ana(email=None)),
        signed(NEW, **for_ana(email={"a": 1})),
        "a.b.c",
        "....",
        "ñ.ñ.ñ",
        "x" * 5_000,
    ],
)
def test_a_token_that_is_not_good_is_refused_by_name(sure: httpx2.Client, token: str) -> None:
    for headers in (FROM_SHOP, {}):
        answer = sure.post("/start", json={**START, "customer_token": token}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "customer_token")


def test_the_services_own_page_starts_a_session(shop: Any, strict: Any) -> None:
    with httpx2.Client(base_url=shop.url, timeout=30) as pages:
        shown = pages.get("/ayuda")
        assert (shown.status_code, "¿Qué te pasa?" in shown.text) == (200, True)
        assert shown.headers["referrer-policy"] == "same-origin"
        form = {"words": WORDS}
        sent = pages.post("/ayuda", data=form, headers={"origin": shop.url})
        assert (sent.status_code, sent.headers["location"][:10]) == (303, "/ayuda/gl_")
        assert "Paso 1 de" in pages.get(sent.headers["location"]).text
        chosen = pages.post("/ayuda", data={"problem_id": "recuperar_cuenta"}, headers={"origin": shop.url})
        assert "No puedo entrar a mi cuenta" in pages.get(chosen.headers["location"]).text
        empty = pages.post("/ayuda", data={"words": " "}, headers={"origin": shop.url})
        assert (empty.status_code, "Cuéntanos qué te pasa, con unas palabras." in empty.text) == (400, True)
        long = pages.post("/ayuda", data={"words": "<b>" + "x" * 20_000}, headers={"origin": shop.url})
        assert (long.status_code, "Es demasiado largo" in long.text, "<b>" in long.text) == (400, True, False)
        for origin in (SHOP, OTHER, "null"):
            assert pages.post("/ayuda", data=form, headers={"origin": origin}).status_code in {403, 404}
    assert httpx2.get(f"{strict.url}/ayuda").status_code == 404
    assert httpx2.post(f"{strict.url}/ayuda", data={"words": WORDS, "email": "a@example.com"}).status_code == 404


@pytest.mark.parametrize(
    "origins", ["*", "https://*.example.com", "tienda.example.com", f"{SHOP}/", f"{SHOP}:443", "HTTPS://A.com"]
)
def test_origins_that_are_none_are_refused_at_the_start(origins: str) -> None:
    with pytest.raises(SettingsInvalid, match="GUIADO_ALLOWED_ORIGINS"):
        read_settings(GUIADO_ALLOWED_ORIGINS=origins)


def test_settings_that_do_not_fit_are_refused_at_the_start() -> None:
    with pytest.raises(SettingsInvalid, match="GUIADO_PUBLIC_START"):
        read_settings(GUIADO_PUBLIC_START="true")
    with pytest.raises(SettingsInvalid, match="GUIADO_CUSTOMER_SECRET"):
        read_settings(GUIADO_CUSTOMER_SECRET=f"{NEW},corto")
    assert NEW not in repr(read_settings(GUIADO_CUSTOMER_SECRET=NEW))


def test_without_a_public_start_nothing_is_said_to_other_origins(module_dsn: str, serve: Callable[..., Any]) -> None:
    running = serve(module_dsn, GUIADO_ALLOWED_ORIGINS=SHOP)
    told = httpx2.post(f"{running.url}{BASE}/start", json=START, headers=FROM_SHOP)
    assert told.status_code == 403
    assert "access-control-allow-origin" not in told.headers


def test_with_keys_the_shop_still_starts_and_links_still_open(shop: Any) -> None:
    """The last test: the first key closes the API for good."""
    with httpx2.Client(base_url=f"{shop.url}{BASE}", timeout=30) as api:
        assert api.post("/keys", json={"name": "una"}).status_code == 200
        limit = time.monotonic() + 1.0
        while api.get("/sessions").status_code != 401:
            assert time.monotonic() < limit
        begun = api.post("/start", json=START, headers=FROM_SHOP)
        assert begun.status_code == 200
        assert api.post("/start", json=START).status_code == 401
        assert api.post("/start", json=START, headers={"origin": OTHER}).status_code == 401
        assert api.post("/start", json=START, headers={**FROM_SHOP, "authorization": "Bearer guiado_x"}).status_code == 401
        link = begun.json()["customer_link"]
        by_link = {"authorization": f"Bearer {link['token']}"}
        assert api.get(f"/{begun.json()['session_id']}", headers=by_link).status_code == 200
        assert api.get("/sessions", headers=by_link).status_code == 403
        assert httpx2.post(link["url"], follow_redirects=True).status_code == 200
        form = {"words": WORDS, "email": "ana@example.com"}
        assert httpx2.post(f"{shop.url}/ayuda", data=form, headers={"origin": shop.url}).status_code == 303
