"""The documentation site: its reference pages come from the code, and a real browser finds its way without any other host."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guiado.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the site is rendered from."""
    folder = tmp_path_factory.mktemp("docs") / "source"
    subprocess.run([sys.executable, ROOT / "scripts/reference.py", folder], check=True)
    return folder


def test_the_reference_holds_everything(source: Path) -> None:
    pages = {path.stem: path.read_text("utf-8") for path in (source / "docs/reference").iterdir()}
    assert all(f"| `{field.validation_alias}` |" in pages["settings"] for field in Settings.model_fields.values())
    assert "## guiado chat\n" in pages["cli"]
    assert "## guiado db backup\n" in pages["cli"]
    assert "## guiado detect\n" in pages["cli"]
    assert re.search(r"^guiado detect .*TEXTO", pages["cli"], re.MULTILINE)
    assert "## POST /{session_id}/step\n" in pages["rest"]  # short: the table of contents cuts what is long
    linked = set(re.findall(r"\]\(#(\w+)\)", pages["rest"]))
    assert linked
    assert linked <= set(re.findall(r"\{ #(\w+) \}", pages["rest"]))
    created = "\n".join(path.read_text("utf-8") for path in (ROOT / "data/db").glob("support_*schema.sql"))
    objects = re.findall(r"^CREATE[A-Z ]* (?:TABLE|VIEW|FUNCTION) (?:IF NOT EXISTS )?(\w+)", created, re.MULTILINE)
    assert len(objects) > 50
    assert [name for name in objects if f"### {name}\n" not in pages["sql"]] == []


def test_each_setting_says_what_it_is_and_what_it_is_by_default(source: Path) -> None:
    text = (source / "docs/reference/settings.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")]
    meanings = [meaning for _, meaning, _ in rows]
    assert len(set(meanings)) == len(rows), "two settings share one sentence"
    assert all(default not in {"", "—", "`False`", "`None`"} for _, _, default in rows)
    assert ["`GUIADO_DETECTION_THRESHOLD`", "0.4"] in [[name, default] for name, _, default in rows]


def test_every_page_has_its_place_in_the_menu(source: Path) -> None:
    menu = set(re.findall(r'"([\w./-]+\.md)"', (source / "zensical.toml").read_text("utf-8")))
    pages = {path.relative_to(source / "docs").as_posix() for path in (source / "docs").rglob("*.md")}
    assert {page for page in pages if not page.startswith("adr/0")} == menu


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the rendered site answers."""
    for tool in ("zensical", "mkdocstrings_handlers"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"aquí no está {tool}: make setup-docs")
    folder = tmp_path_factory.mktemp("rendered") / "site"
    done = subprocess.run([ROOT / "scripts/docs.sh", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.enable_socket
@pytest.mark.skipif(CHROMIUM is None, reason="aquí no está Chromium")
def test_a_reader_finds_a_setting_without_any_other_host(site: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    asked: list[str] = []
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("response", lambda answer: faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
        page.goto(site)
        expect(page.get_by_role("heading", level=1)).to_contain_text("guiado")
        page.keyboard.press("/")
        page.keyboard.type("GUIADO_POOL_SIZE")
        found = page.locator("a[href*='reference/settings']:visible").first  # the menu's own link is folded away
        expect(found).to_be_visible(timeout=20_000)
        for path in ("reference/python/", "reference/rest/", "architecture/", "production/"):
            page.goto(f"{site}/{path}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.goto(f"{site}/architecture/")
        picture = page.get_by_role("img", name=re.compile("packages of guiado")).first
        assert picture.evaluate("image => image.naturalWidth") > 500
        browser.close()
    assert [url for url in asked if not url.startswith((site, "data:", "blob:"))] == []
    assert faults == []
