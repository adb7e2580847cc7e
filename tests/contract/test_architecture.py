"""The picture in docs/architecture.md is the program: its boxes are the packages, its arrows the imports. And names tell classes apart."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
REDRAW = "; dibújala otra vez con: .venv/bin/python scripts/architecture.py"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> Any:
    return ET.parse(PICTURE).getroot()  # noqa: S314 our own file


@pytest.fixture(scope="module")
def arrows(drawn: Any) -> set[tuple[str, str]]:
    return {(path.get("data-from"), path.get("data-to")) for path in drawn.iter(f"{SVG}path") if path.get("data-from")}


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Which package imports which, from the code itself."""
    graph = grimp.build_graph("guiado")
    pairs = ((a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a))
    packages = {(a.split(".")[1], b.split(".")[1]) for a, b in pairs if "." in a and "." in b}
    return {(a, b) for a, b in packages if a != b}


def test_every_package_is_drawn_in_its_layer(drawn: Any) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = [re.findall(r"\w+", line) for line in project["tool"]["importlinter"]["contracts"][0]["layers"]]
    boxes = {group.get("data-package"): int(group.find(f"{SVG}rect").get("y")) for group in drawn.iter(f"{SVG}g")}
    heights = sorted(set(boxes.values()))
    assert [sorted(name for name in boxes if boxes[name] == y) for y in heights] == [sorted(layer) for layer in layers], REDRAW
    packages = {path.stem for path in (ROOT / "src/guiado").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert packages - {"__init__"} == set(boxes), REDRAW


def test_contributing_names_every_layer_in_its_order_and_every_room_of_the_use_cases() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = [re.findall(r"\w+", line) for line in project["tool"]["importlinter"]["contracts"][0]["layers"]]
    (table,) = re.findall(r"\| Layer \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    rows = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()]
    assert rows == layers[1:]  # `__main__` needs no word
    rooms = {path.parent.name for path in (ROOT / "src/guiado/app").glob("*/__init__.py")}
    assert set(re.findall(r"`app/(\w+)`", table)) == rooms


def test_every_drawn_arrow_is_an_import(arrows: set[tuple[str, str]], imports: set[tuple[str, str]]) -> None:
    assert arrows
    assert arrows - imports == set(), REDRAW


def test_every_import_is_drawn_or_follows_from_what_is(arrows: set[tuple[str, str]], imports: set[tuple[str, str]]) -> None:
    implied = set(arrows)
    while further := {(a, d) for a, b in implied for c, d in arrows if b == c} - implied:
        implied |= further
    assert imports - implied == set(), REDRAW


def test_no_drawn_arrow_follows_from_others(arrows: set[tuple[str, str]]) -> None:
    for a, c in arrows:
        others, reached = arrows - {(a, c)}, {a}
        for _ in arrows:
            reached |= {target for source, target in others if source in reached}
        assert c not in reached, f"{a} → {c}{REDRAW}"


def test_the_page_shows_the_picture_and_names_files_that_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    assert "](images/architecture.svg)" in text
    named = set(re.findall(r"`((?:api|app|domain|store|web|agent|delivery|detection|cli)/[\w./]+)`", text))
    assert named
    assert [name for name in named if not (ROOT / "src/guiado" / name).exists()] == []


def test_a_public_class_has_its_name_for_itself_in_the_whole_tree() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "src/guiado").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(places) > 100  # the walk found the tree
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_the_first_line_of_a_docstring_names_its_subject() -> None:
    question = re.compile(r"(What|Who|Whoever|Whatever|Whose|Where|Why|When|Which|How(?! (many|long|often|much|far|old)\b))\b")
    found = []
    for path in sorted((ROOT / "src/guiado").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                line = (ast.get_docstring(node) or "").partition("\n")[0]
                found += [f"{path.relative_to(ROOT)}: {line}"] if question.match(line) else []
    assert found == []
