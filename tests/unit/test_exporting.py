"""Export of guides, and what comes back of it through the importers."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from guiado.app.knowledge.differences import Difference, differences, is_same
from guiado.app.knowledge.entries import entry_of, entry_of_edit
from guiado.app.knowledge.exporting import EXPORTERS, exporter_of, write_guides
from guiado.app.knowledge.importers.formula_guard import guarded, unguarded
from guiado.app.knowledge.importers.imported import Imported
from guiado.app.knowledge.importers.registry import importer_of
from guiado.app.knowledge.parse import Findings, read_entry
from guiado.app.knowledge.sources.json_file import read_file
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import carry_step_ids
from guiado.resources import data_path

TARGETS = {"json": "guias.json", "yaml": "guias.yaml", "csv": "guias.csv", "excel": "guias.xlsx", "markdown": "guias"}
HARD = {
    "problem_title": "-.5 no es: #un número",
    "problem_description": "Con \"comillas\", 'otras' y\nun salto",
    "category": "1e5",
    "common_issues": ["=1+1", "null", "12:30", "no *anda* `hoy`", "guion - medio", "'=HOLA()"],
    "escalation_criteria": ["Huele", {"text": "Sale humo", "phrases": ["sale humo"], "urgent": True}],
    "codes": ["0x80070643"],
    "translations": {"en": {"problem_title": "It does not work", "steps": [{"title": "1. Plug in"}]}},
    "steps": [
        {
            "title": "+Enchufa_el [aparato]",
            "description": "# No es un título",
            "instructions": ["@casa: enchufa", "2) Espera <b>", "cmd /C calc!A0"],
            "warnings": ["Se borra todo & más"],
            "expected_result": "Luz *verde*",
            "minutes": 2.5,
            "chance": 0.4,
        }
    ],
}


def guide_of(problem_id: str, raw: object) -> Guide:
    findings = Findings()
    guide = read_entry(problem_id, raw, findings)
    assert guide is not None, findings.errors
    return guide


def in_use(problem_id: str, raw: object) -> Guide:
    return carry_step_ids(guide_of(problem_id, raw), None)


def shipped(every: int = 1) -> dict[str, Guide]:
    """Guides that ship: every one of so many, and all that are of a kind of their own."""
    found = read_file(data_path("integrations", "support_troubleshooting_kb.json")).guides
    chosen = [key for place, key in enumerate(found) if place % every == 0 or getattr(found[key], "kind", "guide") != "guide"]
    return {key: carry_step_ids(found[key], None) for key in chosen}


def read_back(source: Path) -> dict[str, Guide]:
    found = list(importer_of(source).read(source))
    assert all(isinstance(each, Imported) for each in found), found
    return {each.problem_id: guide_of(each.problem_id, each.entry) for each in found if isinstance(each, Imported)}


def is_among(field: str, lost: list[str]) -> bool:
    """Whether a field that differs is one that the format says it does not hold."""
    parts = re.sub(r"\[\d+\]", "", field).split(".")
    if parts[0] == "translations":
        if "translations" in lost:
            return True
        parts = parts[2:]
    name = f"steps.{parts[-1] if len(parts) == 2 else parts[2]}" if parts[0] == "steps" and len(parts) > 1 else parts[0]
    return any(each in (name, f"{name}.phrases") for each in lost) or (name in ("answer", "tell") and "kind" in lost)


def is_repunctuated(each: Difference) -> bool:
    """Whether only marks differ at which a cell would be divided."""
    marks = str.maketrans(";|", ",/")
    return tuple(text.translate(marks) for text in each.before) == each.after


@pytest.mark.parametrize("name", ["json", "yaml"])
def test_everything_comes_back_from_json_and_yaml(tmp_path: Path, name: str) -> None:
    guides = {**shipped(1 if name == "json" else 9), "difícil": in_use("difícil", HARD)}
    target = tmp_path / TARGETS[name]
    assert write_guides(guides, exporter_of(name, target), target) == []
    back = read_back(target)
    assert list(back) == list(guides)
    assert [key for key, guide in guides.items() if not is_same(back[key], guide)] == []


@pytest.mark.parametrize("name", ["csv", "excel", "markdown"])
def test_texts_come_back_from_tables_and_markdown(tmp_path: Path, name: str) -> None:
    guides, target = {**shipped(9), "dificil": in_use("dificil", HARD)}, tmp_path / TARGETS[name]
    lost = write_guides(guides, exporter_of(name, target), target)
    assert "steps.chance" in lost
    assert ("translations" in lost) is (name != "markdown")
    back = read_back(target)
    guides = {key: guide for key, guide in guides.items() if getattr(guide, "kind", "guide") != "none"}
    assert back.keys() == guides.keys()
    for key, guide in guides.items():
        if any(getattr(step, "variants", None) for step in guide.steps):
            continue  # its steps name every variant instead: other words, and so another step
        changed = differences(entry_of(guide), entry_of_edit(back[key], guide))
        assert [each for each in changed if not is_among(each.field, lost) and not is_repunctuated(each)] == [], key
    hard = back["dificil"]
    assert hard.steps[0].instructions == ("@casa: enchufa", "2) Espera <b>", "cmd /C calc!A0")
    assert [step.title for step in hard.steps] == ["+Enchufa_el [aparato]"]
    assert hard.steps[0].minutes == 2.5
    assert hard.steps[0].warnings == ("Se borra todo & más",)
    assert hard.common_issues == tuple(HARD["common_issues"])  # type: ignore[arg-type]


def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    entry: dict[str, Any] = {
        **HARD,
        "steps": [{"title": "-2+3", "instructions": ["-2+3|' /C calc'!A0"]}],
        "problem_description": "\t=1+1",
        "category": "=HYPERLINK(1)",
        "estimated_time": "＝1",
        "difficulty": " @SUM(1)",
    }
    guides = {"=cmd()": replace(guide_of("x", entry), problem_id="=cmd()", problem_description="\t=1+1", difficulty=" @SUM(1)")}
    for name in ("csv", "excel"):
        write_guides(guides, exporter_of(name, None), tmp_path / TARGETS[name])
    with (tmp_path / TARGETS["csv"]).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    sheet = load_workbook(tmp_path / TARGETS["excel"]).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    for text in [*(cell for row in rows for cell in row), *(str(cell.value) for cell in cells if cell.value is not None)]:
        assert text.lstrip()[:1] not in {"=", "+", "-", "@", "＝"}, text
    assert rows[1][0] == "'=cmd()"
    (back,) = read_back(tmp_path / TARGETS["csv"]).values()
    assert (back.problem_id, back.steps[0].title, back.category) == ("=cmd()", "-2+3", "=HYPERLINK(1)")


@pytest.mark.parametrize("cell", ["=1", "'=1", "''=1", "'hola", "hola", "", "'", "-", " +1", "\t", "a=1", "'\n=1"])
def test_a_guard_is_taken_off_exactly_as_it_was_put_on(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "guias.json"
    target.write_text("antes", "utf-8")
    broken = replace(guide_of("a", HARD), problem_title=object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_guides({"a": broken}, exporter_of("json", None), target)
    assert target.read_text("utf-8") == "antes"
    assert [each.name for each in tmp_path.iterdir()] == ["guias.json"]
    write_guides({"a": guide_of("a", HARD)}, exporter_of("json", None), target)
    assert list(json.loads(target.read_text("utf-8"))) == ["a"]


def test_the_format_is_that_of_the_ending_unless_named(tmp_path: Path) -> None:
    chosen = {name: exporter_of(None, tmp_path / file).name for name, file in TARGETS.items() if name != "markdown"}
    assert chosen == {name: name for name in chosen}
    assert exporter_of(None, None).name == "json"
    assert {each.name for each in EXPORTERS} == {*TARGETS}
