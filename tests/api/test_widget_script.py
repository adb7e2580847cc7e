"""The widget's script as sites load it, and the page that it shows: presets, the colour of the site, signed customers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from signing import signed

SECRET, SHOP = "n" * 40, "https://tienda.example.com"
WORDS = "no me deja instalar el programa"
LARGEST_BYTES = 6 * 1024
PROBLEM, TITLE = "conexion_internet", "No puedo conectarme a internet"


@pytest.fixture(scope="module")
def branded(module_dsn: str, serve_module: Callable[..., Any]) -> Any:
    """A server with a brand, which takes signed customers and lets a shop show its pages."""
    return serve_module(
        module_dsn,
        GUIADO_ALLOWED_ORIGINS=SHOP,
        GUIADO_CUSTOMER_SECRET=SECRET,
        GUIADO_BRAND_NAME='Redes "Ñandú"',
        GUIADO_BRAND_COLOR="#1a5fb4",
    )


@pytest.fixture
def site(branded: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=branded.url, timeout=30, headers={"accept-language": "es"}) as client:
        yield client


def latest(site: httpx2.Client) -> dict[str, Any]:
    found = site.get("/api/support/troubleshooting/sessions", params={"limit": 1}).json()["sessions"]
    return found[0] if found else {"session_id": None}


def test_any_site_may_load_the_script_and_it_is_small(site: httpx2.Client) -> None:
    got, asked = site.get("/widget.js"), site.head("/widget.js")
    assert (got.status_code, asked.status_code) == (200, 200)
    assert got.headers["content-type"].startswith("text/javascript")
    assert got.headers["cross-origin-resource-policy"] == "cross-origin"
    assert got.headers["cache-control"] == "public, max-age=300"
    assert got.headers["content-encoding"] == "gzip"
    assert len(gzip.compress(got.content, 6)) <= LARGEST_BYTES
    assert int(asked.headers["content-length"]) <= LARGEST_BYTES
    again = site.get("/widget.js", headers={"if-none-match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_script_has_the_teams_name_and_colour(site: httpx2.Client) -> None:
    (line,) = [each for each in site.get("/widget.js").text.splitlines() if "const BRAND = " in each]
    brand = json.loads(line.partition(" = ")[2].partition(";")[0])
    assert brand == {"color": "#1a5fb4", "name": 'Redes "Ñandú"'}


def test_presets_stand_on_the_page(site: httpx2.Client) -> None:
    shown = site.get("/ayuda", params={"marco": "1", "palabras": '<b>"hola"', "problema": PROBLEM, "color": "663399"}).text
    assert f"Empezar con: {TITLE}" in shown
    assert shown.count(f'value="{PROBLEM}"') == 1
    assert "&lt;b&gt;&#34;hola&#34;</textarea>" in shown
    assert '<html lang="es" class="framed">' in shown
    assert 'href="/static/brand.css?color=663399"' in shown
    assert site.get("/static/brand.css?color=663399").text.startswith(":root{--g-accent:#663399;")


@pytest.mark.parametrize("query", [{"problema": "nada"}, {"color": "red"}, {"color": '"><b>'}, {"marco": "2"}])
def test_what_a_page_cannot_use_is_left_out(site: httpx2.Client, query: dict[str, str]) -> None:
    def main(text: str) -> str:
        return re.sub(r'name="vez" value="\w+"', "", text.partition("<body")[2].partition("<main")[2])

    shown, plain = site.get("/ayuda", params=query).text, site.get("/ayuda").text
    assert main(shown) == main(plain)
    assert "?color=" not in shown.partition("<body")[0]
    assert 'class="framed"' not in shown


def test_a_frame_is_known_by_what_the_browser_says(site: httpx2.Client) -> None:
    assert '<html lang="es" class="framed">' in site.get("/ayuda", headers={"sec-fetch-dest": "iframe"}).text
    assert f"frame-ancestors 'self' {SHOP};" in site.get("/ayuda").headers["content-security-policy"] + ";"


def test_a_signed_customer_needs_to_write_nothing_else(site: httpx2.Client) -> None:
    token = signed(SECRET, email="Ana@Example.com", name="Ana", ticket_id="A-7")
    for sent in ({"words": WORDS}, {"problem_id": PROBLEM}):
        assert site.post("/ayuda", data={**sent, "customer_token": token}).status_code == 303
        found = latest(site)
        assert (found["customer_email"], found["customer_name"], found["ticket_id"]) == ("ana@example.com", "Ana", "A-7")


def test_signed_data_are_not_asked_for_on_the_services_own_page(site: httpx2.Client) -> None:
    for more in ({}, {"customer_token": ""}):
        assert site.post("/ayuda", data={"words": WORDS, **more}).status_code == 303
        assert latest(site)["customer_email"] is None


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (signed("x" * 40, email="a@b.com"), "La firma no corresponde."),
        (signed(SECRET, email="a@b.com", exp=1), "Ya caducó"),
        (signed(SECRET, email="nada"), "email debe ser"),
        ("nada", "No es un JWT"),
        ("x" * 5_000, ""),
    ],
)
def test_data_that_are_not_signed_well_are_refused_and_left_out_if_wished(site: httpx2.Client, token: str, why: str) -> None:
    before = latest(site)["session_id"]
    shown = site.post("/ayuda", data={"words": "no <anda>", "customer_token": token})
    assert shown.status_code == 400
    assert "No pudimos comprobar tus datos" in shown.text
    assert why in shown.text
    assert '<input type="hidden" name="words" value="no &lt;anda&gt;">' in shown.text
    assert "customer_token" not in shown.text
    assert latest(site)["session_id"] == before
