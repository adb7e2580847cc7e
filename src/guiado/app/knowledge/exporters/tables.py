"""Export as CSV and Excel: a step a row, the texts of the guide in the first one. No cell is ever computed.

The texts of a list are the lines of one cell, where a semicolon or a bar would begin another text: it becomes a comma or a slash.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from openpyxl import Workbook

from guiado.app.knowledge.entries import Entry
from guiado.app.knowledge.exporters.exported import Entries, left_out, simplified, with_texts_to_read
from guiado.app.knowledge.importers.fields import Column
from guiado.app.knowledge.importers.formula_guard import guarded
from guiado.text.json_shapes import is_mapping, items_in

_HEADINGS = {
    Column.ID: "id", Column.TITLE: "título", Column.DESCRIPTION: "descripción", Column.CATEGORY: "categoría",
    Column.TIME: "tiempo estimado", Column.DIFFICULTY: "dificultad", Column.PREREQUISITES: "requisitos",
    Column.PHRASES: "frases", Column.NOT_THIS: "no es esto", Column.CODES: "códigos",
    Column.ESCALATION: "criterios de escalada", Column.URGENT: "urgente", Column.ANSWER: "respuesta", Column.STEP: "paso",
    Column.STEP_DESCRIPTION: "descripción del paso", Column.INSTRUCTIONS: "instrucciones",
    Column.EXPECTED: "resultado esperado", Column.WARNINGS: "advertencias", Column.MINUTES: "minutos",
}  # fmt: skip
"""Columns and their headings, in the order in which they are written."""
_OF_STEP = {
    Column.STEP: "title", Column.STEP_DESCRIPTION: "description", Column.INSTRUCTIONS: "instructions",
    Column.EXPECTED: "expected_result", Column.WARNINGS: "warnings", Column.MINUTES: "minutes",
}  # fmt: skip
_OF_GUIDE = [column for column in _HEADINGS if column not in _OF_STEP and column is not Column.ID]
_LINES = {Column.ANSWER}
"""Columns whose lines are read as they are."""
_MOST_CHARS = 32_000
"""Longest text of a cell; Excel cuts one of 32,768 characters without a word."""
_SAFE = str.maketrans({";": ",", "|": "/"})


def write_csv(entries: Entries, path: Path) -> set[str]:
    """Write a table with commas, in UTF-8 with the mark by which Excel knows it."""
    lost: set[str] = set()
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(_rows(entries, lost))
    return lost


def write_excel(entries: Entries, path: Path) -> set[str]:
    """Write a workbook with one sheet."""
    lost: set[str] = set()
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Guías")
    for row in _rows(entries, lost):
        sheet.append(row)
    book.save(path)
    return lost


def _rows(entries: Entries, lost: set[str]) -> Iterator[list[str]]:
    """The rows of a table.

    Args:
        lost: receives the names of the fields that it does not hold.
    """
    yield list(_HEADINGS.values())
    for problem_id, entry in with_texts_to_read(entries, lost):
        lost |= {*left_out(entry, _HELD_OF_ANSWER if entry.get("kind") == "answer" else _HELD, _HELD_OF_STEP)}
        told = simplified(entry)
        steps = [step for step in items_in(told.get("steps")) if is_mapping(step)]
        for number, step in enumerate(steps or [{}]):
            yield _row(problem_id, told if number == 0 else {}, step, lost)


def _row(problem_id: str, entry: Entry, step: Mapping[str, object], lost: set[str]) -> list[str]:
    cells = {Column.ID: problem_id}
    for column in _OF_GUIDE:
        cells[column] = _cell(entry.get(column.value), column, column.value, lost)
    for column, name in _OF_STEP.items():
        cells[column] = _cell(step.get(name), column, f"steps.{name}", lost)
    return [guarded(cells[column]) for column in _HEADINGS]


def _cell(value: object, column: Column, field: str, lost: set[str]) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "sí"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, str):
        return _cut(value, field, lost)
    texts = [_text(item, field, lost) for item in items_in(value)]
    return _cut("\n".join(texts if column in _LINES else (text.translate(_SAFE) for text in texts)), field, lost)


def _text(item: object, field: str, lost: set[str]) -> str:
    """A text of a list on one line; of a criterion with phrases, its text."""
    if is_mapping(item):
        lost.add(f"{field}.phrases")
        item = item.get("text", "")
    return " ".join(str(item).split())


def _cut(text: str, field: str, lost: set[str]) -> str:
    if len(text) <= _MOST_CHARS:
        return text
    lost.add(field)
    return text[:_MOST_CHARS]


_HELD = frozenset(column.value for column in _OF_GUIDE)
_HELD_OF_ANSWER = _HELD | {"kind"}
_HELD_OF_STEP = frozenset(_OF_STEP.values())
