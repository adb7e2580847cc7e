"""What the wizard's pages weigh and how fast they are: bytes, requests, time to the first byte, and a click to the next step.

Bytes and requests are those that Chromium counts in a browser without any history, as the server packs them. The time to the
first byte is measured on one connection that stays open, beside that of a file held in memory, which the same server sends
without any work.
"""

from __future__ import annotations

import http.client
import re
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROUNDS = 20
_MOST_KB, _MOST_REQUESTS, _FIRST_BYTE_MS, _CLICK_MS = 35.0, 3, 30.0, 150.0
_ASKED_EACH, _DEADLINE_MS, _OK = 10, 20_000, 200
_WORDS = "no tengo internet en la casa, el wifi no anda"
_CLICK = """() => new Promise((done) => {
  const began = performance.now();
  let took = 0;
  const seen = () => { took = performance.now() - began; };
  document.addEventListener("htmx:afterSwap", () => requestAnimationFrame(seen), { once: true });
  document.addEventListener("htmx:afterSettle", () => setTimeout(() => done(took), 100), { once: true });
  document.querySelector("[value=not_helped]").click();
})"""
"""Clicks an answer; milliseconds until the next frame that shows the next page. It ends once that may be clicked."""
_ASKED_AGAIN = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
  .filter((each) => each.transferSize > 0).length"""
"""How many requests of the page that is shown left the browser."""


def main() -> list[tuple[str, float, str, str]]:
    """Kilobytes, requests and milliseconds of the start and of a session's page."""
    from playwright.sync_api import sync_playwright

    chromium = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    with Installation(GUIADO_ENCODER="lexical") as made, sync_playwright() as playwright:
        made.start()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        url = f"http://127.0.0.1:{made.port}"
        clicks_ms, case = _clicks_ms(browser, url)
        weights_kb = [_weight_kb(browser, address) for address in (url, case)]
        again = _asked_again(browser, url)
        browser.close()
        waits_ms = _first_bytes_ms(made.port, ["/", case.removeprefix(url), _file(made.port)])
    return _rows(weights_kb, again, waits_ms, statistics.median(clicks_ms))


def _rows(weights_kb: list[float], again: int, waits_ms: list[float], click_ms: float) -> list[tuple[str, float, str, str]]:
    (start_kb, case_kb), (start_ms, case_ms, file_ms) = weights_kb, waits_ms

    def told(wait_ms: float) -> str:
        times = f"{wait_ms / file_ms:.1f}".replace(".", ",")
        return f"{share(wait_ms, _FIRST_BYTE_MS, 'ms')}; {times} veces lo que tarda un archivo en memoria"

    return [
        ("El comienzo con estilo, programa y logotipo, comprimido", start_kb, "KB", share(start_kb, _MOST_KB, "KB")),
        ("Lo mismo, la página de un paso", case_kb, "KB", share(case_kb, _MOST_KB, "KB")),
        ("Peticiones del comienzo en la segunda visita", again, "", f"máximo {_MOST_REQUESTS}"),
        ("Hasta el primer byte del comienzo, mediana", start_ms, "ms", told(start_ms)),
        ("Hasta el primer byte de un paso, mediana", case_ms, "ms", told(case_ms)),
        ("De un clic al paso siguiente en la pantalla, mediana", click_ms, "ms", share(click_ms, _CLICK_MS, "ms")),
    ]


def _opened(browser: Browser) -> Page:
    """A page in a browser without any history."""
    context = browser.new_context(locale="es-CO", viewport={"width": 360, "height": 640})
    context.set_default_timeout(_DEADLINE_MS)
    return context.new_page()


def _begin(page: Page, url: str) -> str:
    """Start a session; the address of its page."""
    page.goto(url)
    page.locator("#words").fill(_WORDS)
    page.locator("main form button").first.click()
    page.locator("main[data-state=step]").wait_for()
    page.goto(page.url)
    return page.url


def _clicks_ms(browser: Browser, url: str) -> tuple[list[float], str]:
    """How long each click to a next step takes, and the address of the last session."""
    page, took_ms = _opened(browser), list[float]()
    case = _begin(page, url)
    while len(took_ms) < ROUNDS:
        if page.get_attribute("main", "data-state") != "step":
            case = _begin(page, url)
        took_ms.append(float(page.evaluate(_CLICK)))
    page.context.close()
    return took_ms, case


def _weight_kb(browser: Browser, address: str) -> float:
    """Kilobytes of all the bodies that a page asks for in a browser that has seen nothing."""
    page, sizes = _opened(browser), list[int]()
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.context.close()
    return sum(sizes) / 1_000


def _asked_again(browser: Browser, url: str) -> int:
    page = _opened(browser)
    for _ in range(2):
        page.goto(url)
        page.wait_for_load_state("networkidle")
    asked = int(page.evaluate(_ASKED_AGAIN))
    page.context.close()
    return asked


def _file(port: int) -> str:
    """The address of the style sheet."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/", headers={"Accept": "text/html"})
    found = re.search(r'/static/guiado\.css[^"]*', connection.getresponse().read().decode())
    connection.close()
    assert found is not None
    return found.group()


def _first_bytes_ms(port: int, paths: list[str]) -> list[float]:
    """Median milliseconds until the first byte of each address, asked for in turn."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took: dict[str, list[float]] = {path: [] for path in paths}
    for _ in range(ROUNDS * _ASKED_EACH):
        for path in paths:
            began = time.perf_counter()
            connection.request("GET", path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
            answer = connection.getresponse()  # it has the status line and the headers
            took[path].append(1_000 * (time.perf_counter() - began))
            answer.read()
            assert answer.status == _OK, path
    connection.close()
    return [statistics.median(times) for times in took.values()]


if __name__ == "__main__":
    for row in main():
        print(*row)
