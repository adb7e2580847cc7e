"""The vendored assets: what the npm lock builds, whole and by itself."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src/guiado/web"
SOURCE = ROOT / "web/kpis-next"
TEMPLATES = sorted((WEB / "pages").rglob("*.html"))
VENDORED = [
    WEB / "static/guiado.css",
    WEB / "static/htmx.min.js",
    WEB / "static/LICENSES.txt",
    *sorted((WEB / "icons").glob("*.svg")),
]


def test_every_icon_that_pages_show_is_vendored_and_no_other_is() -> None:
    shown = {name for page in TEMPLATES for name in re.findall(r'(?:icon|mark)\("([\w-]+)"', page.read_text("utf-8"))}
    shown |= {name for page in TEMPLATES for name in re.findall(r'notice\("\w*", "([\w-]+)"\)', page.read_text("utf-8"))}
    listed = (SOURCE / "src/icons.txt").read_text("utf-8").split()
    assert shown == set(listed) == {path.stem for path in (WEB / "icons").glob("*.svg")}
    assert listed == sorted(listed)


def test_pages_bring_nothing_from_elsewhere_and_nothing_inline() -> None:
    wrong = re.compile(
        r"<style|\sstyle=|\son\w+=|javascript:|hx-on|hx-vals=.js:|(?:src|href)=\"(?:https?:)?//"
        r"|<script(?![^>]*\ssrc=| type=\"application/ld\+json\">)"
    )
    assert not [(page.name, found) for page in TEMPLATES for found in wrong.findall(page.read_text("utf-8"))]
    css = (WEB / "static/guiado.css").read_text("utf-8")
    assert "@import" not in css
    assert "url(" not in css


def test_the_assets_of_a_page_are_small() -> None:
    page = ("guiado.css", "htmx.min.js", "wizard.js", "mark.svg")
    sizes = {name: len(gzip.compress((WEB / "static" / name).read_bytes(), 9)) for name in page}
    assert sum(sizes.values()) <= 30_000, sizes


def test_versions_are_exact_and_licences_are_kept() -> None:
    package = json.loads((SOURCE / "package.json").read_text("utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    kept = (WEB / "static/LICENSES.txt").read_text("utf-8")
    for name in ("@picocss/pico", "htmx.org", "lucide-static"):
        assert f"{name} {versions[name]}\n" in kept


@pytest.mark.long
@pytest.mark.skipif(shutil.which("npm") is None, reason="hace falta Node")
@pytest.mark.enable_socket
@pytest.mark.timeout(600)
def test_the_build_writes_the_same_bytes(tmp_path: Path) -> None:
    built = tmp_path / "web/kpis-next"
    shutil.copytree(SOURCE, built, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "src/guiado/web/static").mkdir(parents=True)
    for command in (["npm", "install", "--no-progress"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=built, check=True, capture_output=True)
    for path in VENDORED:
        assert (tmp_path / path.relative_to(ROOT)).read_bytes() == path.read_bytes(), path.name
