"""Variants, questions, steps for good and pictures on the customer's pages, in a real browser, with and without a script."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import asking
import content
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Shown, open_browser, windows
from installation import serving
from PIL import Image
from prepared import Prepared
from statements import execute

from guiado.app.knowledge.media import prepared as prepare
from guiado.domain.media import address_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def stored(dsn: str, file: Path) -> str:
    """Put a picture where `guiado kb media add` does; its address."""
    picture = prepare(file.read_bytes())
    sha256 = hashlib.sha256(picture.content).hexdigest()
    columns = f"'{sha256}', '{picture.media_type}', {picture.width}, {picture.height}, {len(picture.content)}"
    execute(
        dsn,
        "INSERT INTO support_guide_media (tenant_id, sha256, media_type, width, height, size_bytes, content)"
        f" VALUES ('default', {columns}, decode('{picture.content.hex()}', 'hex'))",
    )
    return address_of(sha256, picture.media_type)


@pytest.fixture(scope="module")
def dsn(module_dsn: str, prepared: Prepared) -> str:
    return prepared.fit(module_dsn)


@pytest.fixture(scope="module")
def url(dsn: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with a guide that shows a stored picture, and one that has questions."""
    folder = tmp_path_factory.mktemp("content")
    prepared.warm(folder / "home")
    file, path = folder / "boton.png", folder / "kb.json"
    Image.effect_noise((320, 200), 60).save(file)
    address = stored(dsn, file)
    path.write_text(json.dumps(content.entries(address) | asking.entries()), "utf-8")
    with serving(dsn, folder, "127.0.0.1", GUIADO_KB_PATH=str(path)) as (found, _):
        yield found


@pytest.fixture(scope="module")
def chromium(url: str) -> Iterator[Browser]:
    assert url
    with open_browser() as browser:
        yield browser


@pytest.fixture
def opened(chromium: Browser, url: str) -> Iterator[Callable[..., Shown]]:
    with windows(chromium, url) as open_one:
        yield open_one


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_the_customer_chooses_sees_and_confirms(opened: Callable[..., Shown], has_script: bool) -> None:
    shown = opened(java_script_enabled=has_script, viewport={"width": 320, "height": 640})
    page = shown.start(content.PRINTER)
    shown.see("¿Qué usas?")
    assert page.get_by_text("Enciende la impresora.").count() == 0
    shown.press("Mac")
    shown.see(content.SHOWN_OF_MAC)
    picture = page.get_by_alt_text("El botón de encendido")
    picture.scroll_into_view_if_needed()
    if has_script:
        page.wait_for_function("document.querySelector('figure img').naturalWidth === 320")
    shown.fits()
    page.get_by_text("Mac · Cambiar").click()
    shown.press("Windows")
    shown.see(content.SHOWN_OF_WINDOWS)
    shown.press("Lo hice y sigue igual")
    shown.see("Deja la impresora como nueva.")
    assert page.get_by_text("Mantén pulsado").count() == 0
    if has_script:
        assert Axe().run(page, options={"runOnly": TAGS}).response["violations"] == []
    shown.press("Entiendo que no se puede deshacer. Ver los pasos")
    shown.see("Mantén pulsado el botón diez segundos.")
    shown.press("Ya se resolvió")
    shown.until("solved")


def test_a_browser_that_says_what_it_runs_on_is_asked_nothing(opened: Callable[..., Shown]) -> None:
    agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
    shown = opened(user_agent=agent)
    shown.start(content.PRINTER)
    shown.see(content.SHOWN_OF_MAC)


def test_an_answer_is_a_page_of_its_own(opened: Callable[..., Shown]) -> None:
    shown = opened()
    page = shown.start(content.HOURS)
    shown.until("answer")
    assert page.get_by_role("heading", level=1).inner_text() == "¿A qué hora abren?"
    shown.press("Esto responde mi pregunta")
    shown.until("solved")


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_the_customer_answers_goes_back_and_does_not_know(opened: Callable[..., Shown], dsn: str, has_script: bool) -> None:
    shown = opened(java_script_enabled=has_script, viewport={"width": 320, "height": 640})
    page = shown.start(asking.WORDS)
    shown.until("step")
    asking.open_question(dsn)
    page.reload()
    shown.until("question")
    assert page.get_by_role("heading", level=1).inner_text() == asking.LIGHT
    assert page.get_by_text("Revisa el enchufe").count() == 0
    if has_script:
        assert Axe().run(page, options={"runOnly": TAGS}).response["violations"] == []
    shown.press("Roja")
    shown.until("step")
    page.go_back()  # the old page may be shown again: its answer counts once
    if not has_script:  # with one it fetches itself anew
        page.goto(page.url)
    shown.until("step")
    shown.press("Lo hice y sigue igual")
    shown.see("Limpia el filtro")
    asking.open_question(dsn, "cuando")
    page.reload()
    shown.until("question")
    page.get_by_role("link", name="Paso anterior").click()
    shown.until("passed")
    shown.press("Cambiar mi respuesta")
    shown.until("step")
    shown.press("Lo hice y sigue igual")
    shown.see("Limpia el filtro")
    asking.open_question(dsn, "cuando")
    page.reload()
    shown.press("No lo sé")
    shown.until("step")
    shown.see("Limpia el filtro")
    page.get_by_text("Lo que ya sabemos").click()
    if has_script:
        assert Axe().run(page, options={"runOnly": TAGS}).response["violations"] == []
        shown.fits()
    page.get_by_role("link", name="Cambiar la respuesta: ¿Desde cuándo pasa?").click()
    shown.until("question")
    page.get_by_role("link", name="Volver al paso").click()
    shown.until("step")
    page.get_by_text("Lo que ya sabemos").click()
    page.get_by_role("link", name="Cambiar la respuesta: ¿Desde cuándo pasa?").click()
    shown.until("question")
    shown.press("Desde hoy")
    shown.until("step")
    page.get_by_text("Lo que ya sabemos").click()
    shown.see("Desde hoy")
