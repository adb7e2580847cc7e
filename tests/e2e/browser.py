"""Debian's Chromium for tests: a browser that lasts a module, and small sites of other origins that put pages into frames."""

from __future__ import annotations

import html
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
DEADLINE_MS = 20_000
HEAD = '<!doctype html><title>Tienda</title><link rel="icon" href="data:,">'
"""Beginning of a page that asks for no icon."""
_SWITCHES = ("--no-sandbox", "--disable-dev-shm-usage", "--test-third-party-cookie-phaseout")
"""Root needs the first, a small /dev/shm the second; the third one blocks the cookies of what a foreign page shows in a frame."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium that blocks third-party cookies; skips the test where there is none.

    While it is open, an event loop runs in this thread, so that `asyncio.run()` fails.
    """
    if CHROMIUM is None:
        pytest.skip("aquí no está Chromium: sudo apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_SWITCHES])
        yield browser
        browser.close()


class Shown:
    """A page of a service, and what must not happen on it: messages of the console, dialogs, requests to other origins."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.faults = page, url, list[str]()
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: None if request.url.startswith(url) else self.faults.append(request.url))

    def _hear(self, kind: str, words: str) -> None:
        if "status of 4" not in words:  # Chromium reports a page with such a status, which is meant
            self.faults.append(f"{kind}: {words}")

    def start(self, words: str) -> Page:
        """Say what is wrong; the page that follows."""
        self.page.goto(self.url)
        self.page.get_by_label("Tu problema").fill(words)
        self.press("Buscar la solución")
        self.until("start", there=False)
        return self.page

    def press(self, words: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=words).first.click()

    def until(self, state: str, *, there: bool = True) -> None:
        """Wait for a kind of page, or for any other than one; nothing on it may be wider than the window."""
        self.page.locator(f"main[data-state={state}]" if there else f"main:not([data-state={state}])").wait_for()
        self.fits()

    def see(self, words: str) -> None:
        """Wait for words."""
        self.page.get_by_text(words).first.wait_for()

    def fits(self) -> None:
        """Nothing is wider than the window, once the style sheet is there."""
        self.page.wait_for_load_state()
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} px too wide at {self.page.url}"


@contextmanager
def windows(browser: Browser, url: str, **usual: object) -> Iterator[Callable[..., Shown]]:
    """Opens windows without any history until the end of the block, where none may have reported a fault.

    Args:
        url: of the service.
        usual: options of every window, unless it has its own.
    """
    opened: list[Shown] = []

    def open_one(**more: Any) -> Shown:
        context = browser.new_context(**{"locale": "es-CO", **usual, **more})
        context.set_default_timeout(DEADLINE_MS)
        opened.append(Shown(context.new_page(), url))
        return opened[-1]

    yield open_one
    faults = [fault for shown in opened for fault in shown.faults]
    for shown in opened:
        shown.page.context.close()
    assert not faults


class Site(ThreadingHTTPServer):
    """A site on 127.0.0.1, which is another site than localhost. `pages`: path -> HTML.

    `/cookie` sets a cookie that may go along everywhere, and shows those that came.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), partial(_Handler, self))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.server_port}"

    def frame(self, url: str) -> str:
        """Put an address into a frame; the address of the page with the frame."""
        self.pages["/marco"] = f'{HEAD}<iframe width="800" height="900" title="Ayuda" src="{html.escape(url)}"></iframe>'
        return f"{self.origin}/marco"

    def close(self) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, site: Site, *arguments: object) -> None:
        self._site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:
        is_probe = self.path == "/cookie"
        body = self.headers.get("Cookie", "-") if is_probe else self._site.pages.get(self.path, "")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if is_probe:
            self.send_header("Set-Cookie", "visto=1; Secure; SameSite=None; Path=/")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""
