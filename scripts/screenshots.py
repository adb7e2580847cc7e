"""Photographs every page of the wizard in its states into `docs/screenshots/`.

The pages come from a service of its own: an embedded database in a temporary home, a port of the loopback address. What differs
from run to run (references, links, their days) is replaced by an example before a picture is taken.
Source: issue "Wizard", Proof; run it as `make screenshots`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import segno
from PIL import Image

from guiado.store.migrate import connect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from _installation import Installation  # noqa: E402 it is no package

FOLDER = ROOT / "docs" / "screenshots"
_COLOURS, _MOST_BYTES, _DEADLINE_MS = 128, 3_000_000, 20_000
_SETTINGS = {
    "GUIADO_ENCODER": "lexical",
    "GUIADO_SUPPORT_PHONE": "+57 601 555 0123",
    "GUIADO_SUPPORT_EMAIL": "ayuda@ejemplo.com",
    "GUIADO_SUPPORT_HOURS": "lun-dom 0:00-24:00",
    "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/hook",
}
_TOO_MUCH = """(box) => {
  box.removeAttribute("maxlength");
  box.value = "a".repeat(1_200_000);
  document.querySelector("main form").submit();
}"""
_EXAMPLE_LINK = "https://ayuda.ejemplo.com/ayuda/gl_0Bq3sVYw7tKx"
_ABANDON = """
UPDATE support_troubleshooting_sessions SET status = 'abandoned', ended_at = now(), ended_how = 'abandoned', ended_by = 'machine'
WHERE session_id = (SELECT session_id FROM support_troubleshooting_sessions ORDER BY started_at DESC LIMIT 1)
"""
_STEADY = """([link, qr]) => {
  for (const each of document.querySelectorAll(".reference")) each.textContent = "4k7m2x9d";
  for (const each of document.querySelectorAll(".quiet")) {
    const said = each.textContent.replace(/[0-9a-z]{8}\\s*$/, "4k7m2x9d");
    each.textContent = said.replace(/\\d+ de \\p{L}+ de 20\\d\\d/u, "31 de diciembre de 2026");
  }
  for (const each of document.querySelectorAll("#link")) each.value = link;
  for (const each of document.querySelectorAll(".qr")) each.innerHTML = qr;
  document.activeElement.blur();
  scrollTo(0, 0);
}"""
"""Replaces what differs from run to run, and takes the focus away."""


@dataclass(frozen=True, slots=True)
class Look:
    """A way to look at the pages.

    Args:
        width: of the window, px.
        scheme: light or dark.
        language: of the browser.
        names: of the pages that are photographed; empty for all.
    """

    width: int
    scheme: str = "light"
    language: str = "es"
    names: Collection[str] = ()

    def file(self, name: str) -> str:
        """The name of a picture's file."""
        dark = "-oscuro" if self.scheme == "dark" else ""
        other = f"-{self.language}" if self.language != "es" else ""
        return f"{name}-{self.width}{dark}{other}.png"


_WIDE = (
    "inicio",
    "paso",
    "paso-respuestas",
    "paso-advertencia",
    "sin-correo",
    "con-correo",
    "nada-dicho",
    "cual-de-estos",
    "resuelto",
    "urgente",
    "otro-dispositivo",
    "enlace-desconocido",
    "componentes",
)
"""The others are a few lines in the same column."""
LOOKS = (
    Look(360),
    Look(1440, names=_WIDE),
    Look(360, "dark", names=("inicio", "paso", "urgente", "con-correo", "otro-dispositivo")),
    Look(1440, "dark", names=("inicio", "paso-advertencia")),
    Look(360, language="en", names=("inicio", "paso")),
    Look(360, language="pt", names=("inicio", "sin-correo")),
)
_LOCALES = {"es": "es-CO", "en": "en-GB", "pt": "pt-BR"}
_WIFI = {
    "es": "no tengo internet en la casa, el wifi no anda",
    "en": "I have no internet at home, the wifi does not work",
    "pt": "estou sem internet em casa, o wifi não funciona",
}


class Walk:
    """A customer's walk through every page, in a browser of its own."""

    def __init__(self, page: Page, made: Installation, language: str) -> None:
        self.page, self._made, self._language = page, made, language
        self._url = f"http://127.0.0.1:{made.port}"

    def pages(self) -> Iterator[str]:
        """Show each page in turn; its name."""
        yield from self._starts()
        yield from self._steps()
        yield from self._hand_over()
        yield from self._verdicts()
        yield from self._links()

    def _starts(self) -> Iterator[str]:
        self.page.goto(self._url)
        yield "inicio"
        self.page.eval_on_selector("#words", "(box) => { box.required = false; box.value = '' }")
        self._press("form button:not([name])", "start")
        yield "inicio-falta"

    def _steps(self) -> Iterator[str]:
        self._say(_WIFI[self._language], "step")
        yield "paso"
        self.page.locator("[data-answers] summary").click()
        yield "paso-respuestas"
        before = self.page.locator("h1").inner_text()
        self._press("[value=not_helped]", "step")
        self.page.locator("h1", has_not_text=before).wait_for()
        yield "paso-advertencia"
        case = self.page.url
        self._go(case.replace("/caso", "/paso/1"), "passed")
        yield "paso-respondido"
        self._go(case.replace("/caso", "/seguir"), "elsewhere")
        yield "otro-dispositivo"
        self._go(case.replace("/caso", "/cerrar"), "closable")
        yield "cerrar"
        self._go(case, "step")

    def _hand_over(self) -> Iterator[str]:
        self._press("form[action$=person] button", "handed")
        yield "sin-correo"
        self.page.locator("[name=email]").fill("ana@ejemplo.com")
        self.page.locator("form[action*=contact] button").click()
        self.page.get_by_text("ana@ejemplo.com").first.wait_for()
        yield "con-correo"

    def _verdicts(self) -> Iterator[str]:
        for words, state, name in (
            ("hola", "asked", "nada-dicho"),
            ("no me llega la factura y además no tengo internet", "asked", "cual-de-estos"),
            ("ya quedó, gracias por todo", "solved", "resuelto"),
            ("me robaron la cuenta y están usando mi tarjeta", "handed", "urgente"),
        ):
            self._say(words, state)
            yield name

    def _links(self) -> Iterator[str]:
        self._say(_WIFI[self._language], "step")
        case = self.page.url
        self._go(re.sub("/caso.*", "", case))
        yield "puerta"
        with ThreadPoolExecutor(1) as other_thread:  # in this one the browser's event loop runs
            other_thread.submit(asyncio.run, self._abandon()).result()
        self._go(case, "closed")
        yield "abandonado"
        self._go(f"{self._url}/ayuda/gl_{'a' * 43}", "unknown")
        yield "enlace-desconocido"
        self._go(f"{self._url}/no-existe")
        yield "no-existe"
        self.page.goto(self._url)
        self.page.eval_on_selector("#words", _TOO_MUCH)
        self.page.locator("main[data-state=trouble]").wait_for()
        yield "fallo"
        self._go(f"{self._url}/ayuda/componentes")
        yield "componentes"

    def _say(self, words: str, state: str) -> None:
        self.page.goto(self._url)
        self.page.locator("#words").fill(words)
        self._press("form button:not([name])", state)

    def _press(self, button: str, state: str) -> None:
        self.page.locator(f"main {button}").first.click()
        self.page.locator(f"main[data-state={state}]").wait_for()
        self.page.wait_for_load_state("networkidle")

    def _go(self, address: str, state: str = "") -> None:
        self.page.goto(address)
        self.page.locator(f"main[data-state={state}]" if state else "main").wait_for()

    async def _abandon(self) -> None:
        connection = await connect(self._made.database.dsn() or "")
        try:
            await connection.execute(_ABANDON)
        finally:
            await connection.close()


def photograph(page: Page) -> bytes:
    """The whole page as a PNG with few colours, as it looks in every run."""
    qr = segno.make(_EXAMPLE_LINK, error="m").svg_inline(scale=6, omitsize=True, border=2)
    page.mouse.move(0, 0)
    page.evaluate(_STEADY, [_EXAMPLE_LINK, qr])
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled", caret="hide"))).convert("RGB")
    small = taken.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    small.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def walk(browser: Browser, made: Installation, look: Look) -> dict[str, bytes]:
    """The pictures of one look, by the names of their files."""
    context = browser.new_context(
        locale=_LOCALES[look.language],
        color_scheme="dark" if look.scheme == "dark" else "light",
        viewport={"width": look.width, "height": 720},
        reduced_motion="reduce",
    )
    context.set_default_timeout(_DEADLINE_MS)
    page = context.new_page()
    names = Walk(page, made, look.language).pages()
    taken = {look.file(name): photograph(page) for name in names if not look.names or name in look.names}
    context.close()
    return taken


def main(arguments: Sequence[str]) -> int:
    """Photographs every look, and replaces the folder's pictures by these."""
    parser = argparse.ArgumentParser(prog="make screenshots", description="Fotografía las páginas del asistente.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="carpeta de las imágenes")
    folder: Path = parser.parse_args(arguments).folder
    chromium = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if chromium is None:
        parser.error("falta Chromium: sudo apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with Installation(**_SETTINGS) as made, sync_playwright() as playwright:
        made.start()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        pictures = {name: picture for look in LOOKS for name, picture in walk(browser, made, look).items()}
        browser.close()
    return keep(folder, pictures)


def keep(folder: Path, pictures: dict[str, bytes]) -> int:
    """Write the pictures; those of pages that are no more go away. Returns 1 where they are too large together."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        if old.name not in pictures:
            old.unlink()
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture)
    size = sum(map(len, pictures.values()))
    print(f"{len(pictures)} imágenes en {folder}: {size // 1_000} kB")
    return 0 if size <= _MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
