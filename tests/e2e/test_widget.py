"""The widget on another site, in a real browser: under that site's strict policy, by keyboard, without third-party cookies."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from browser import DEADLINE_MS, HEAD, Site, open_browser
from installation import latest, serving, wait_for
from prepared import Prepared
from signing import signed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Page

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
WORDS = "no me deja instalar el programa"
PROBLEM, PROBLEM_TITLE = "conexion_internet", "No puedo conectarme a internet"
SECRET = "s" * 40
POLICY = (
    "default-src 'none'; script-src {service} 'nonce-n1'; frame-src {service}; img-src data:; require-trusted-types-for 'script'"
)
HEARS = """<script nonce="n1">
window.heard = [];
for (const name of ["opened", "closed", "solved", "handed"]) {
  document.addEventListener("guiado:" + name, (event) => heard.push([name, event.detail]));
}
</script>"""
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PANEL = "guiado-widget dialog"


@dataclass(frozen=True)
class Place:
    """A guiado on localhost, and two sites of other origins.

    Args:
        url: of guiado.
        shop: an allowed origin.
        stranger: an origin that is not allowed.
    """

    url: str
    shop: Site
    stranger: Site

    def page(self, site: Site, body: str = "", **attributes: str) -> str:
        """Put the widget on a page with a strict policy; the address of the page."""
        policy = html.escape(POLICY.format(service=self.url))
        data = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in attributes.items())
        site.pages["/"] = (
            f'{HEAD}<html lang="es"><meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">{HEARS}<main><h1>Tienda</h1><a href="#">Antes</a>'
            f'{body}</main><script src="{self.url}/widget.js" async {data}></script>'
        )
        return f"{site.origin}/"


@pytest.fixture(scope="module")
def place(module_dsn: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    shop, stranger, folder = Site(), Site(), tmp_path_factory.mktemp("served")
    prepared.warm(folder / "home")
    given = {"GUIADO_ALLOWED_ORIGINS": shop.origin, "GUIADO_CUSTOMER_SECRET": SECRET, "GUIADO_BRAND_NAME": "Redes Ñandú"}
    try:
        with serving(prepared.fit(module_dsn), folder, **given) as (url, _):
            yield Place(url, shop, stranger)
    finally:
        shop.close()
        stranger.close()


@pytest.fixture(scope="module")
def chromium(place: Place) -> Iterator[Browser]:
    """The browser; it comes after everything that uses `asyncio.run()`, and goes before."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser without any history."""
    made = chromium.new_context(locale="es-CO", viewport={"width": 1280, "height": 800})
    made.set_default_timeout(DEADLINE_MS)
    yield made
    made.close()


class Witness:
    """What a page and its frames say on the console, and which addresses they asked for."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))


def heard(page: Page) -> list[Any]:
    return page.evaluate("heard")


def await_heard(page: Page, name: str) -> dict[str, Any]:
    """The detail of an event of the widget, once it came."""
    wait_for(lambda: name in dict(heard(page)), name)
    return dict(heard(page))[name]


def hold(page: Page | Frame, condition: str) -> None:
    """Wait for a condition; Playwright's own wait evaluates strings, which the pages' policies refuse."""
    wait_for(lambda: page.evaluate(condition), condition)


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("guiado-widget iframe")


def see(shown: Page | FrameLocator, words: str) -> None:
    shown.get_by_text(words).first.wait_for()


def press(shown: Page | FrameLocator, words: str) -> None:
    shown.get_by_role("button", name=words).click()


def focused(page: Page) -> str:
    """What has the focus in the widget: its tag."""
    return page.evaluate("document.activeElement.shadowRoot?.activeElement?.tagName ?? document.activeElement.tagName")


def test_a_customer_goes_all_the_way_by_keyboard(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    witness = Witness(page)
    page.goto(place.page(place.shop))
    launcher = page.get_by_role("button", name="Ayuda", exact=True)
    launcher.wait_for()
    assert [url for url in witness.asked if url.startswith(place.url)] == [f"{place.url}/widget.js"]
    box = launcher.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert (focused(page), launcher.get_attribute("aria-expanded")) == ("BUTTON", "false")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ayuda · Redes Ñandú")
    dialog.wait_for()
    assert launcher.get_attribute("aria-controls") == dialog.get_attribute("id")
    assert (focused(page), launcher.get_attribute("aria-expanded")) == ("IFRAME", "true")
    inside(page).locator("h1:focus", has_text="¿Qué te pasa?").wait_for()
    page.keyboard.press("Shift+Tab")  # «Ir al contenido»
    page.keyboard.press("Shift+Tab")
    assert page.get_by_role("button", name="Cerrar la ayuda").evaluate("each => each.matches(':focus-visible')")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.type(WORDS)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    see(inside(page), "Paso 1 de")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert (focused(page), launcher.get_attribute("aria-expanded")) == ("BUTTON", "false")
    hold(page.frames[1], "since === 0")  # a step is not on the screen while the panel is closed
    page.keyboard.press("Enter")
    hold(page.frames[1], "since > 0")
    see(inside(page), "Paso 1 de")
    press(inside(page), "Ya se resolvió")
    reference = await_heard(page, "solved")["reference"]
    see(inside(page), reference)
    assert [name for name, _ in heard(page)] == ["opened", "closed", "opened", "solved"]
    assert (latest(place.url)["session"]["status"], latest(place.url)["session"]["customer_email"]) == ("resolved", None)
    assert (witness.said, context.cookies(), page.evaluate("[localStorage.length, sessionStorage.length]")) == ([], [], [0, 0])


def test_it_stands_in_the_page_with_a_preset_problem(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    witness = Witness(page)
    body = '<div id="ayuda"></div>'
    more = {"problem": PROBLEM, "words": "«<b>sin & red", "color": "rgb(102, 51, 153)"}
    page.goto(place.page(place.shop, body, mode="inline", target="#ayuda", **more))
    await_heard(page, "opened")
    assert page.locator("#ayuda guiado-widget iframe").get_attribute("title") == "Ayuda · Redes Ñandú"
    assert inside(page).get_by_label("Tu problema").input_value() == more["words"]
    accent = "getComputedStyle(document.documentElement).getPropertyValue('--g-accent')"
    frame = page.frames[1]
    hold(frame, f"{accent} === '#663399'")
    hold(frame, "document.documentElement.scrollHeight <= innerHeight")  # it has grown: nothing is scrolled in it
    press(inside(page), f"Empezar con: {PROBLEM_TITLE}")
    see(inside(page), "Paso 1 de")
    assert latest(place.url)["session"]["detected_problem_id"] == PROBLEM
    hold(frame, "document.documentElement.scrollHeight <= innerHeight")
    press(inside(page), "Quiero hablar con una persona")
    reference = await_heard(page, "handed")["reference"]
    see(inside(page), reference)
    assert [name for name, _ in heard(page)] == ["opened", "handed"]
    assert (witness.said, context.cookies()) == ([], [])


def test_the_signed_customer_is_the_sessions_customer(place: Place, context: BrowserContext) -> None:
    page, token = context.new_page(), signed(SECRET, email="Eva@Example.com", name="Eva", ticket_id="A-7")
    witness = Witness(page)
    page.goto(place.page(place.shop, customer=token, language="pt", label="Precisa de ajuda?"))
    press(page, "Precisa de ajuda?")
    words = inside(page).locator("textarea")
    words.fill(WORDS)
    assert inside(page).locator("html").get_attribute("lang") == "pt"
    words.press("Tab")
    page.keyboard.press("Enter")
    inside(page).locator("[data-state=step]").wait_for()
    found = latest(place.url)["session"]
    assert (found["customer_email"], found["customer_name"], found["ticket_id"]) == ("eva@example.com", "Eva", "A-7")
    inside(page).locator("button[value=solved]").click()
    inside(page).locator("[data-state=solved] a.button").click()
    inside(page).locator(f"button[value={PROBLEM}]").click()
    inside(page).locator("[data-state=step]").wait_for()
    again = latest(place.url)["session"]
    assert (again["detected_problem_id"], again["customer_email"]) == (PROBLEM, "eva@example.com")
    assert [url for url in witness.asked if token[:20] in url] == []
    assert witness.said == []


@pytest.mark.parametrize("token", [signed("x" * 40, email="a@b.com"), "x" * 5_000], ids=["foreign", "long"])
def test_data_that_are_not_signed_well_are_refused_kindly(place: Place, context: BrowserContext, token: str) -> None:
    page = context.new_page()
    page.goto(place.page(place.shop, customer=token, problem=PROBLEM))
    press(page, "Ayuda")
    with page.expect_console_message(lambda said: said.text.startswith("guiado: data-customer no sirve.")):
        press(inside(page), f"Empezar con: {PROBLEM_TITLE}")
        see(inside(page), "No pudimos comprobar tus datos")
    press(inside(page), "Seguir sin mis datos")
    see(inside(page), "Paso 1 de")
    assert (latest(place.url)["session"]["detected_problem_id"], latest(place.url)["session"]["customer_email"]) == (
        PROBLEM,
        None,
    )


def test_a_site_that_is_not_allowed_offers_another_tab(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(place.page(place.stranger, words=WORDS, customer=signed(SECRET, email="a@b.com")))
    with page.expect_console_message(lambda said: "GUIADO_ALLOWED_ORIGINS" in said.text):
        press(page, "Ayuda")
    link = page.get_by_role("link", name="Abrir la ayuda en otra pestaña")
    link.wait_for()
    assert focused(page) == "A"
    with context.expect_page() as opened:
        link.press("Enter")
    assert opened.value.get_by_label("Tu problema").input_value() == WORDS
    page.keyboard.press("Escape")
    assert focused(page) == "BUTTON"


def test_a_page_that_is_not_allowed_cannot_speak_with_the_frame(place: Place, context: BrowserContext) -> None:
    """Whatever a window outside says, the page takes nothing from it and tells it nothing."""
    page = context.new_page()
    page.goto(f"{place.url}/ayuda")
    page.evaluate("postMessage({guiado: 'hello', customer: 'x', color: 'ff0000'}, '*')")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.locator("[name=customer_token], link[href*=color]").count() == 0


def test_a_page_opens_it_by_its_own_button(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(place.page(place.shop, '<button id="mine">Mi botón</button>', mode="api"))
    hold(page, "'guiado' in window")
    page.evaluate("""() => {
      const off = guiado.on("opened", () => heard.push("off"));
      off();
      document.getElementById("mine").addEventListener("click", () => guiado.open({ words: "no tengo internet", language: "xx" }));
    }""")
    assert page.locator("guiado-widget .launch").is_hidden()
    press(page, "Mi botón")
    assert inside(page).get_by_label("Tu problema").input_value() == "no tengo internet"
    page.get_by_role("button", name="Cerrar la ayuda").click()
    page.locator(PANEL).wait_for(state="hidden")
    assert page.evaluate("document.activeElement.id") == "mine"
    assert [name for name, _ in heard(page)] == ["opened", "closed"]


def test_on_a_phone_it_fills_the_screen(place: Place, chromium: Browser) -> None:
    look = {"color_scheme": "dark", "reduced_motion": "reduce", "forced_colors": "active"}
    with chromium.new_context(viewport={"width": 320, "height": 600}, locale="en-GB", **look) as context:
        page = context.new_page()
        page.goto(place.page(place.shop))
        press(page, "Ayuda")
        see(inside(page), "¿Qué te pasa?")
        box = page.locator(PANEL).bounding_box()
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 320, 600)
        assert page.locator(PANEL).evaluate("each => [each.matches(':modal'), each.getAnimations().length]") == [True, 0]
        assert page.frames[1].evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
        page.locator(PANEL).wait_for(state="hidden")


@pytest.mark.parametrize(
    ("mode", "width", "scheme"), [("launcher", 320, "dark"), ("launcher", 1280, "light"), ("inline", 900, "light")]
)
def test_axe_finds_nothing(place: Place, chromium: Browser, mode: str, width: int, scheme: Any) -> None:
    size = {"width": width, "height": 700}
    with chromium.new_context(viewport=size, color_scheme=scheme, locale="es-CO") as context:
        page = context.new_page()
        body = '<div id="guiado"></div>'
        page.goto(place.page(place.shop, body, mode=mode, problem=PROBLEM, color="#ffd400"))
        if mode == "launcher":
            press(page, "Ayuda")
        inside(page).locator("[data-state=start]").wait_for()
        page.locator("guiado-widget .busy").wait_for(state="detached")
        for frame in page.frames:
            assert violations(frame) == []


def violations(frame: Frame) -> list[str]:
    """What axe-core finds in a frame: rule and place."""
    frame.evaluate(AXE)
    found = frame.evaluate("axe.run(document, { iframes: false, runOnly: RULES })".replace("RULES", str(LEVELS)))
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]


def test_the_browser_blocks_cookies_in_frames(place: Place, context: BrowserContext) -> None:
    """Proves that the widget above worked without third-party cookies."""
    page, cookie = context.new_page(), f"http://localhost:{place.stranger.server_port}/cookie"
    for _ in range(2):
        page.goto(place.shop.frame(cookie))
        assert page.frame_locator("iframe").locator("body").inner_text() == "-"
