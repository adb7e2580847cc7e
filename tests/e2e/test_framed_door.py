"""The customer's pages in a real browser: alone, and in the frame of another site, without third-party cookies or scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from browser import DEADLINE_MS, HEAD, Site, open_browser
from installation import BASE, serving
from prepared import Prepared

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
WORDS = "no me deja instalar el programa"
WIDGET = """%s<iframe width="800" height="900" title="Ayuda"></iframe><script>
fetch("%s/start", {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(%s)})
  .then((answer) => answer.json()).then((started) => { document.querySelector("iframe").src = started.customer_link.url; });
</script>"""


@dataclass(frozen=True)
class Place:
    """A guiado on localhost that needs keys, and two sites of other origins.

    Args:
        url: of guiado.
        key: of an API key.
        shop: an allowed origin.
        stranger: an origin that is not allowed.
    """

    url: str
    key: str
    shop: Site
    stranger: Site

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Ask the API with the key."""
        answer = httpx2.request(
            method, f"{self.url}{BASE}{path}", headers={"authorization": f"Bearer {self.key}"}, timeout=30, **more
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def link(self) -> tuple[str, str]:
        """A session of its own: its id, and the address of a link to it."""
        start = {"problem_description": WORDS, "customer_email": "ana@example.com"}
        session_id = self.ask("POST", "/start", json=start)["session_id"]
        return session_id, self.ask("POST", f"/{session_id}/links")["link"]["url"]

    def is_opened(self, session_id: str) -> bool:
        """Whether anybody opened the link of a session."""
        return self.ask("GET", f"/{session_id}/links")["links"][0]["opened_at"] is not None


@pytest.fixture(scope="module")
def place(module_dsn: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    shop, stranger, folder = Site(), Site(), tmp_path_factory.mktemp("served")
    prepared.warm(folder / "home")
    given = {"GUIADO_PUBLIC_START": "true", "GUIADO_ALLOWED_ORIGINS": shop.origin}
    try:
        with serving(prepared.fit(module_dsn), folder, **given) as (url, _):
            key = httpx2.post(f"{url}{BASE}/keys", json={"name": "pruebas"}, timeout=30).json()["key"]["key"]
            yield Place(url, key, shop, stranger)
    finally:
        shop.close()
        stranger.close()


@pytest.fixture(scope="module")
def chromium(place: Place) -> Iterator[Browser]:
    """The browser; it comes after everything that uses `asyncio.run()`, and goes before."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(params=["scripts", "no scripts"])
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser without any history, with JavaScript and without."""
    made = chromium.new_context(java_script_enabled=request.param == "scripts", locale="es-CO")
    made.set_default_timeout(DEADLINE_MS)
    yield made
    made.close()


class Witness:
    """The faults that a page reports, and the requests that tell anybody the path of a link."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        self.told: list[str] = []
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._look(request.url, request.headers))

    def _look(self, url: str, headers: dict[str, str]) -> None:
        self.told += [f"{name} of {url}" for name in ("referer", "origin", "cookie") if "gl_" in headers.get(name, "")]


def press(shown: Page | FrameLocator, words: str) -> None:
    shown.get_by_role("button", name=words).click()


def see(shown: Page | FrameLocator, words: str) -> None:
    shown.get_by_text(words).first.wait_for()


@pytest.mark.parametrize("is_framed", [True, pytest.param(False, marks=pytest.mark.long)], ids=["framed", "alone"])
def test_a_customer_comes_in_answers_and_asks_for_a_person(place: Place, context: BrowserContext, is_framed: bool) -> None:
    session_id, link = place.link()
    page = context.new_page()
    witness = Witness(page)
    page.goto(place.shop.frame(link) if is_framed else link)
    shown = page.frame_locator("iframe") if is_framed else page
    see(shown, "Tu ayuda está lista.")
    assert not place.is_opened(session_id)
    press(shown, "Ver mi caso")
    see(shown, "Paso 1 de")
    assert place.is_opened(session_id)
    press(shown, "Lo hice y sigue igual")
    see(shown, "Paso 2 de")
    press(shown, "Quiero hablar con una persona")
    see(shown, "Tu caso pasa a una persona")
    state = place.ask("GET", f"/{session_id}")
    assert state["session"]["status"] == "escalated"
    assert [(each["step_number"], each["outcome"], each["source"]) for each in state["attempts"]] == [
        (1, "not_helped", "customer")
    ]
    assert (witness.faults, witness.told, context.cookies()) == ([], [], [])


def test_a_customer_begins_in_a_frame(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    witness = Witness(page)
    page.goto(place.shop.frame(f"{place.url}/ayuda"))
    shown = page.frame_locator("iframe")
    shown.get_by_label("Tu problema").fill(WORDS)
    press(shown, "Buscar la solución")
    see(shown, "Paso 1 de")
    (session,) = place.ask("GET", "/sessions", params={"limit": 1})["sessions"]
    assert (session["problem_description"], session["customer_email"]) == (WORDS, None)
    assert (witness.faults, witness.told, context.cookies()) == ([], [], [])


def test_a_page_that_is_not_allowed_shows_nothing(place: Place, context: BrowserContext) -> None:
    session_id, link = place.link()
    for url in (link, f"{place.url}/ayuda"):
        page = context.new_page()
        with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            page.goto(place.stranger.frame(url))
        assert page.frame_locator("iframe").get_by_role("button").count() == 0
    assert not place.is_opened(session_id)


@pytest.mark.parametrize("context", ["scripts"], indirect=True)
def test_a_page_of_the_shop_starts_by_itself_and_shows_the_link(place: Place, context: BrowserContext) -> None:
    start = json.dumps({"problem_description": WORDS, "customer_email": "sol@example.com"})
    for site in (place.shop, place.stranger):
        site.pages["/ayuda"] = WIDGET % (HEAD, f"{place.url}{BASE}", start)
    page = context.new_page()
    witness = Witness(page)
    page.goto(f"{place.shop.origin}/ayuda")
    shown = page.frame_locator("iframe")
    press(shown, "Ver mi caso")
    see(shown, "Paso 1 de")
    assert (witness.faults, witness.told, context.cookies()) == ([], [], [])
    with page.expect_console_message(lambda said: "CORS" in said.text):
        page.goto(f"{place.stranger.origin}/ayuda")


def test_the_browser_blocks_cookies_in_frames(place: Place, context: BrowserContext) -> None:
    """Proves that the frames above worked without third-party cookies."""
    page, cookie = context.new_page(), f"http://localhost:{place.stranger.server_port}/cookie"
    for _ in range(2):
        page.goto(cookie)
    see(page, "visto=1")
    for _ in range(2):
        page.goto(place.shop.frame(cookie))
        assert page.frame_locator("iframe").locator("body").inner_text() == "-"
