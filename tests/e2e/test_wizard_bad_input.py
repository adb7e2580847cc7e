"""The wizard against what goes wrong: long texts and guides, hostile words, files that are none, scripts that do not load."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Shown, open_browser, windows
from installation import latest, serving
from payloads import PRODUCT, packed, payloads
from prepared import Prepared

from guiado import clock

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
LONG = "m" * 5_000
STEPS = 60
WORDS = "la impresora no imprime"
ROCKET = "el cohete no sube"
HOSTILE = "<img src=x onerror=alert(1)><svg onload=alert(2)>\"'></textarea></title><script>alert(3)</script>{{31337*31337}}${7*7}"


def _step(number: int, text: str = "Mira.") -> dict[str, object]:
    return {
        "step_number": number,
        "step_id": f"s{number}",
        "title": f"Paso {number} {text}"[:200],
        "description": text,
        "instructions": [text, text],
        "warnings": [text],
        "expected_result": text,
    }


KB = {
    "cohete": {
        "problem_title": f"Cohete {'x' * 190}",
        "category": "otro",
        "steps": [_step(number, "y" * 1_500 if number == 1 else "Mira.") for number in range(1, STEPS + 1)],
        "common_issues": [ROCKET, "el propulsor no arranca", "la nave no despega"],
    },
    "impresora": {
        "problem_title": f"La impresora no imprime {HOSTILE}",
        "category": "otro",
        "steps": [_step(1, HOSTILE), _step(2, HOSTILE)],
        "common_issues": [WORDS, "no salen hojas de la impresora", "la impresora no hace nada"],
    },
    "monitor": {
        "problem_title": "El monitor no enciende",
        "category": "otro",
        "steps": [_step(1), _step(2)],
        "common_issues": ["el monitor no enciende", "la pantalla está negra", "no veo nada en el monitor"],
    },
}


@pytest.fixture(scope="module")
def url(module_dsn: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("wizard")
    prepared.warm(folder / "home")
    (folder / "kb.json").write_text(json.dumps(KB), "utf-8")
    with serving(prepared.fit(module_dsn), folder, "127.0.0.1", GUIADO_KB_PATH=str(folder / "kb.json")) as (here, _):
        yield here


@pytest.fixture(scope="module")
def chromium(url: str) -> Iterator[Browser]:
    """The browser; it comes after everything that uses `asyncio.run()`, and goes before."""
    assert url
    with open_browser() as browser:
        yield browser


@pytest.fixture
def opened(chromium: Browser, url: str) -> Iterator[Callable[..., Shown]]:
    """Opens a narrow window."""
    with windows(chromium, url, viewport={"width": 320, "height": 640}) as open_one:
        yield open_one


def test_a_guide_of_sixty_steps_with_texts_without_a_blank(opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(ROCKET)
    shown.see(f"Paso 1 de {STEPS}")
    page.get_by_text("Otra respuesta").click()
    page.get_by_label("Cuéntanos qué pasó").fill(LONG)
    shown.press("Lo hice y sigue igual")
    shown.see(f"Paso 2 de {STEPS}")
    assert latest(shown.url)["attempts"][0]["notes"] == LONG, "nothing is lost"
    page.get_by_role("link", name="Paso anterior").click()
    shown.until("passed")
    shown.press("Cambiar mi respuesta")
    shown.see(f"Paso 1 de {STEPS}")
    shown.press("Ya se resolvió")
    shown.until("solved")


def test_long_words_without_a_blank(opened: Callable[..., Shown]) -> None:
    shown = opened(java_script_enabled=False)
    page = shown.page
    page.goto(shown.url)
    box = page.get_by_label("Tu problema")
    box.fill(LONG)
    shown.press("Buscar la solución")
    page.locator("main:not([data-state=start])").wait_for()
    shown.fits()


@pytest.mark.parametrize("has_script", [True, pytest.param(False, marks=pytest.mark.long)], ids=["script", "no script"])
def test_hostile_words_are_shown_as_words(opened: Callable[..., Shown], has_script: bool) -> None:
    shown = opened(java_script_enabled=has_script)
    page = shown.start(WORDS)
    shown.see("<script>alert(3)</script>{{31337*31337}}")
    page.get_by_text("Otra respuesta").click()
    page.get_by_label("Cuéntanos qué pasó").fill(HOSTILE)
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 2")
    page.goto(page.url.replace("/caso", "/paso/1"))
    shown.until("passed")
    page.goto(page.url.replace("/paso/1", "/caso"))
    shown.press("Quiero hablar con una persona")
    shown.until("handed")
    page.get_by_label("Mucho").check()
    page.get_by_label("¿Quieres contarnos algo más?").fill(HOSTILE)
    shown.press("Enviar mi opinión")
    shown.see("Gracias por tu opinión.")
    assert PRODUCT not in page.content()
    assert latest(shown.url)["attempts"][0]["notes"] == HOSTILE


def test_the_corpus_of_attacks_as_a_customers_words(opened: Callable[..., Shown]) -> None:
    shown = opened()
    for attack in packed(payloads("script", "template"), 3_900):
        page = shown.start(attack)
        assert page.get_attribute("main", "data-state") in {"step", "asked", "handed"}
        assert PRODUCT not in page.content()


@pytest.mark.parametrize(
    "blocked", ["htmx.min.js", *(pytest.param(each, marks=pytest.mark.long) for each in ("wizard.js", "guiado.css"))]
)
def test_a_script_that_does_not_load(opened: Callable[..., Shown], blocked: str) -> None:
    shown = opened()
    shown.page.route(f"**/{blocked}*", lambda route: route.abort())
    page = shown.start(WORDS) if blocked != "guiado.css" else _unstyled(shown)
    shown.see("Paso 1 de 2")
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 2")
    shown.press("Ya se resolvió")
    page.locator("main[data-state=solved]").wait_for()
    shown.faults[:] = [fault for fault in shown.faults if "ERR_FAILED" not in fault]


def _unstyled(shown: Shown) -> Page:
    shown.page.goto(shown.url)
    shown.page.get_by_label("Tu problema").fill(WORDS)
    shown.press("Buscar la solución")
    return shown.page


def test_back_after_the_end(opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(WORDS)
    shown.press("Ya se resolvió")
    shown.until("solved")
    page.go_back()
    shown.until("solved")
    page = shown.start(WORDS)
    shown.press("Quiero hablar con una persona")
    shown.until("handed")
    page.go_back()
    shown.until("handed")


@pytest.mark.parametrize("has_script", [True, pytest.param(False, marks=pytest.mark.long)], ids=["script", "no script"])
def test_files_that_are_no_pictures(opened: Callable[..., Shown], has_script: bool, tmp_path: Path) -> None:
    shown = opened(java_script_enabled=has_script)
    page = shown.start(WORDS)
    files = {
        "texto.png": (b"esto no es una imagen", "Ese archivo no es una imagen"),
        "vacia.png": (b"", "Ese archivo no es una imagen"),
        "bomba.png": (_bomb(), "La imagen es demasiado grande"),
        "grande.png": (b"\x89PNG\r\n\x1a\n" + bytes(11_000_000), "La imagen es demasiado grande"),
        "enorme.png": (b"\x89PNG\r\n\x1a\n" + bytes(100_000_000), "La imagen es demasiado grande"),
    }
    for name, (content, said) in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        details = page.locator("details.pictures")
        if details.get_attribute("open") is None:
            page.get_by_text("Agregar una captura de pantalla").click()
        page.get_by_label("Elige una imagen").set_input_files(path)
        shown.press("Enviar la imagen")
        shown.see(said)
        shown.fits()
        page.goto(re.sub(r"/(caso|imagen).*", "/caso", page.url))
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 2")


def _bomb() -> bytes:
    """A PNG of 60 000 × 60 000 points that is small."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(2_000_000), 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("status", [503, 502])
def test_what_passes_leaves_the_words(opened: Callable[..., Shown], status: int) -> None:
    shown = opened()
    page = shown.start(WORDS)
    page.get_by_text("Otra respuesta").click()
    page.get_by_label("Cuéntanos qué pasó").fill("se traba el papel")
    told = (
        "<h1>Bad gateway</h1>" if status == 502 else "<main id=main><h1>Espera.</h1><p class=lead>Vuelve a intentarlo.</p></main>"
    )
    fail: Callable[[Route], object] = lambda route: route.fulfill(status=status, body=told, content_type="text/html")  # noqa: E731
    page.route("**/step", fail)
    shown.press("Lo hice y sigue igual")
    shown.see("Parece que no hay conexión." if status == 502 else "Espera. Vuelve a intentarlo.")
    assert page.get_by_label("Cuéntanos qué pasó").input_value() == "se traba el papel"
    page.unroute("**/step")
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 2")
    assert latest(shown.url)["attempts"][0]["notes"] == "se traba el papel"
    shown.faults[:] = [fault for fault in shown.faults if f"status of {status}" not in fault and "Response Status" not in fault]


@pytest.mark.parametrize("days", [-366])
def test_a_device_whose_clock_is_wrong_by_a_year(opened: Callable[..., Shown], days: int) -> None:
    shown = opened()
    shown.page.clock.install(time=clock.now() + timedelta(days=days))
    page = shown.start(WORDS)
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 2")
    assert (latest(shown.url)["attempts"][0]["active_seconds"] or 0) < 60
    page.goto(page.url.replace("/caso", ""))
    shown.press("Ver mi caso")
    shown.see("Paso 2 de 2")


def test_a_browser_that_keeps_nothing(opened: Callable[..., Shown]) -> None:
    shown = opened()
    shown.page.add_init_script(
        "for (const n of ['sessionStorage', 'localStorage']) Object.defineProperty(window, n, {get() { throw new Error(n) }});"
        "Object.defineProperty(document, 'cookie', {get() { throw new Error('no') }, set() { throw new Error('no') }});"
    )
    page = shown.start(WORDS)
    page.locator("[data-check]").first.check()
    shown.press("Lo hice y sigue igual")
    shown.see("Paso 2 de 2")
    assert page.context.cookies() == []
