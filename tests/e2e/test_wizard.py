"""The wizard in a real browser: the customer's ways from end to end, with and without a script, and what a keyboard and a reader find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Shown, open_browser, windows
from installation import Daemon, is_ready, latest, serving, wait_for
from PIL import Image
from prepared import Prepared

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
WIFI = "no tengo internet en la casa, el wifi no anda"
ROBBED = "me robaron la cuenta y están usando mi tarjeta"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LEAST_TARGET_PX = 24


@dataclass(frozen=True)
class Service:
    """A guiado that serves, and can be killed and started again."""

    url: str
    daemon: Daemon

    def restart(self) -> None:
        """End it as the power does, and start it again."""
        self.daemon.kill()
        self.daemon.start()
        wait_for(lambda: is_ready(self.url), "the server answers again")

    def state(self) -> dict[str, Any]:
        """The state of the session that was begun last."""
        return latest(self.url)


@pytest.fixture(scope="module")
def service(module_dsn: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("wizard")
    prepared.warm(folder / "home")
    given = {
        "GUIADO_SUPPORT_PHONE": "+57 601 000 0000",
        "GUIADO_SUPPORT_HOURS": "lun-dom 0:00-24:00",
        "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/hook",
    }
    with serving(prepared.fit(module_dsn), folder, "127.0.0.1", **given) as (url, daemon):
        yield Service(url, daemon)


@pytest.fixture(scope="module")
def chromium(service: Service) -> Iterator[Browser]:
    """The browser; it comes after everything that uses `asyncio.run()`, and goes before."""
    assert service
    with open_browser() as browser:
        yield browser


@pytest.fixture
def opened(chromium: Browser, service: Service) -> Iterator[Callable[..., Shown]]:
    """Opens a window."""
    with windows(chromium, service.url) as open_one:
        yield open_one


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_from_the_first_words_to_the_solution(service: Service, opened: Callable[..., Shown], has_script: bool) -> None:
    shown = opened(java_script_enabled=has_script, viewport={"width": 320, "height": 640})
    page = shown.start(WIFI)
    shown.see("Paso 1 de 6")
    assert page.get_by_role("heading", level=1).inner_text()
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 6")
    page.get_by_role("link", name="Paso anterior").click()
    shown.until("passed")
    shown.see("Lo hice y sigue igual")
    shown.press("Cambiar mi respuesta")
    shown.see("Paso 1 de 6")
    page.get_by_text("Otra respuesta").click()
    page.get_by_label("Cuéntanos qué pasó").fill("no encuentro el modo avión")
    shown.press("No pude hacerlo")
    shown.until("step")
    shown.press("Ya se resolvió")
    shown.until("solved")
    page.get_by_label("Mucho").check()
    shown.press("Enviar mi opinión")
    shown.see("Gracias por tu opinión.")
    page.go_back()
    shown.until("solved")
    state = service.state()
    assert (state["session"]["status"], state["session"]["customer_email"]) == ("resolved", None)
    assert [each["outcome"] for each in state["attempts"]][-2:] == ["could_not", "solved"]
    assert any(each["notes"] == "no encuentro el modo avión" for each in state["attempts"])
    if has_script:
        assert state["attempts"][-1]["active_seconds"] is not None


def test_a_person_takes_over_and_the_customer_knows_what_follows(service: Service, opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(WIFI)
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 6")
    shown.press("Quiero hablar con una persona")
    shown.until("handed")
    shown.see("Guardamos tu caso con el paso que probaste.")
    shown.see("El equipo está en su horario de atención.")
    reference = page.locator(".reference").inner_text()
    page.get_by_label("¿A qué correo te escribimos?").fill("ana@ejemplo.com")
    shown.press("Guardar mi correo")
    shown.see("Te escribimos a ana@ejemplo.com.")
    session = service.state()["session"]
    assert (session["customer_email"], session["reference"], session["status"]) == ("ana@ejemplo.com", reference, "escalated")


@pytest.mark.parametrize(
    ("words", "state", "seen"),
    [
        ("hola", "asked", "Cuéntanos un poco más"),
        ("ya quedó, gracias por todo", "solved", "¡Qué bueno!"),
        ("quiero hablar con una persona ya", "handed", "Tu caso pasa a una persona"),
        ("¿a qué hora abren la tienda del centro?", "handed", "Tu caso pasa a una persona"),
        (ROBBED, "handed", "Llama ya a tu banco"),
        ("🙂🙂🙂", "asked", "Cuéntanos un poco más"),
        ("no me llega la factura y además no tengo internet", "asked", "Ayúdanos a entenderte"),
        ("x" * 4000, None, None),
    ],
)
def test_what_customers_write_has_its_page(opened: Callable[..., Shown], words: str, state: str | None, seen: str | None) -> None:
    shown = opened()
    page = shown.start(words)
    assert state in {None, page.get_attribute("main", "data-state")}
    if seen:
        shown.see(seen)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


def test_the_kind_of_problem_is_chosen_from_the_list(opened: Callable[..., Shown]) -> None:
    shown = opened(java_script_enabled=False)
    shown.page.goto(shown.url)
    chosen = shown.page.locator(".choices button").last
    title = chosen.inner_text().strip()
    chosen.click()
    shown.until("step")
    assert shown.page.locator(".kicker").inner_text() == title


def test_the_server_is_killed_between_two_clicks_and_the_connection_goes(service: Service, opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(WIFI)
    page.context.set_offline(offline=True)
    shown.press("Lo hice y sigue igual")
    shown.see("Parece que no hay conexión.")
    page.context.set_offline(offline=False)
    service.restart()
    shown.faults.clear()
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 6")
    assert len(service.state()["attempts"]) == 1


def test_two_tabs_and_a_button_that_is_pressed_twice(service: Service, opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(WIFI)
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_role("button", name="Lo hice y sigue igual").dblclick()
    shown.see("Paso 2 de 6")
    other.get_by_role("button", name="Ya se resolvió").click()
    other.get_by_text("Paso 2 de 6").first.wait_for()
    assert [each["outcome"] for each in service.state()["attempts"]] == ["not_helped"]


def test_the_case_goes_on_on_another_device(opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(WIFI)
    page.get_by_label("Mira si el modo avión está encendido.").check()
    page.get_by_role("link", name="Seguir en otro dispositivo").click()
    shown.until("elsewhere")
    address = page.get_by_label("El enlace de tu caso").input_value()
    assert page.locator(".qr svg").count() == 1
    page.get_by_role("link", name="Volver a mi caso").click()
    shown.until("step")
    assert page.get_by_label("Mira si el modo avión está encendido.").is_checked(), "check marks stay"
    phone = opened(viewport={"width": 360, "height": 700}, color_scheme="dark", java_script_enabled=False)
    phone.page.goto(address)
    phone.press("Ver mi caso")
    phone.see("Paso 1 de 6")


def test_a_screenshot_goes_with_the_case(service: Service, opened: Callable[..., Shown], tmp_path: Path) -> None:
    shown = opened()
    page = shown.start(WIFI)
    picture, other = tmp_path / "pantalla.png", tmp_path / "lista.png"
    Image.new("RGB", (640, 360), "#336699").save(picture)
    other.write_text("esto no es una imagen")
    page.get_by_text("Agregar una captura de pantalla").click()
    for path, seen in ((other, "Ese archivo no es una imagen"), (picture, "Paso 1 de 6")):
        page.get_by_label("Elige una imagen").set_input_files(path)
        shown.press("Enviar la imagen")
        shown.see(seen)
    page.locator(".thumbnails img").wait_for()
    wait_for(lambda: page.locator(".thumbnails img").evaluate("(e) => e.naturalWidth"), "the picture is shown")
    assert len(service.state()["attachments"]) == 1


@pytest.mark.parametrize(("locale", "heading"), [("en-GB", "What is wrong?"), ("pt-BR", "O que está acontecendo?")])
def test_in_the_browsers_language_and_in_another(opened: Callable[..., Shown], locale: str, heading: str) -> None:
    shown = opened(locale=locale)
    shown.page.goto(shown.url)
    assert shown.page.get_by_role("heading", level=1).inner_text() == heading
    assert shown.page.get_attribute("html", "lang") == locale[:2]
    shown.page.get_by_role("link", name="Español").click()
    shown.see("¿Qué te pasa?")
    shown.page.get_by_label("Tu problema").fill(WIFI)
    shown.press("Buscar la solución")
    shown.see("Paso 1 de 6")
    assert shown.page.get_attribute("html", "lang") == "es"


# ------------------------------------------------------------------------------------------------- what everybody can use


def _walk(shown: Shown) -> Iterator[str]:
    """Every kind of page, one after the other."""
    page = shown.page
    page.goto(shown.url)
    yield "start"
    shown.start(WIFI)
    yield "step"
    page.get_by_text("Otra respuesta").click()
    yield "step, all answers"
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 6")
    yield "step with warnings"
    page.goto(page.url.replace("/caso", "/paso/1"))
    shown.until("passed")
    yield "passed"
    page.goto(page.url.replace("/paso/1", "/seguir"))
    shown.until("elsewhere")
    yield "elsewhere"
    page.goto(page.url.replace("/seguir", "/caso"))
    shown.press("Quiero hablar con una persona")
    shown.until("handed")
    yield "handed"
    shown.start("hola")
    yield "asked"
    shown.start(ROBBED)
    yield "urgent"
    shown.start("ya quedó, gracias por todo")
    yield "solved"
    page.goto(f"{shown.url}/ayuda/gl_{'a' * 43}")
    yield "unknown"
    page.goto(f"{shown.url}/ayuda/componentes")
    yield "components"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_no_page_breaks_the_rules_of_accessibility(opened: Callable[..., Shown], scheme: str) -> None:
    shown, axe = opened(color_scheme=scheme, viewport={"width": 320, "height": 640}), Axe()
    wrong: dict[str, list[str]] = {}
    for name in _walk(shown):
        found = axe.run(shown.page, options={"runOnly": TAGS}).response["violations"]
        told = [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]
        small = shown.page.evaluate(_SMALL_TARGETS, LEAST_TARGET_PX)
        wide = shown.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong |= {name: [*told, *small, *([f"{wide} px too wide"] if wide > 0 else [])]} if told or small or wide > 0 else {}
    assert not wrong


_SMALL_TARGETS = """(least) => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary, textarea")]
  .filter((each) => each.getClientRects().length && !each.closest(".skip") && !each.matches("p a, li a"))
  .map((each) => [each, (each.closest("label") ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.width < least || box.height < least)
  .map(([each, box]) => `${each.tagName} ${each.textContent.trim()} ${box.width} x ${box.height}`)"""


def test_a_keyboard_is_enough_and_the_focus_follows(opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.page
    page.goto(shown.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_label("Tu problema").focus()
    page.keyboard.type(WIFI)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown.until("step")
    focused = "document.activeElement === document.querySelector('main h1')"
    wait_for(lambda: page.evaluate(focused), "the heading of the new page has the focus")
    told = "document.querySelector('[role=status]').textContent.startsWith('Paso 1 de 6')"
    wait_for(lambda: page.evaluate(told), "a screen reader is told where they are")
    page.get_by_role("button", name="Ya se resolvió").focus()
    page.keyboard.press("Enter")
    shown.until("solved")
    wait_for(lambda: page.evaluate(focused), "the heading of the new page has the focus")


def test_a_page_is_light_and_a_second_visit_asks_for_little(opened: Callable[..., Shown]) -> None:
    shown = opened()
    page, sizes = shown.page, list[int]()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    shown.start(WIFI)
    page.wait_for_load_state("networkidle")
    assert sum(sizes) <= 2 * 35_000, sizes
    first = list(requests)
    assert all(url.startswith(shown.url) for url in first)
    requests.clear()
    page.goto(shown.url)
    assert len([url for url in requests if url not in first or "static" not in url]) <= 3


def test_reduced_motion_and_forced_colours(opened: Callable[..., Shown]) -> None:
    shown = opened(reduced_motion="reduce", forced_colors="active")
    page = shown.start(WIFI)
    moving = "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).transitionDuration !== '0s').length"
    assert page.evaluate(moving) == 0
    assert page.locator("progress").evaluate("(e) => getComputedStyle(e).borderTopWidth") != "0px"
