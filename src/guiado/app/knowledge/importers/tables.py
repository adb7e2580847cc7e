"""Guides in the rows of a table: a guide a row, or a step a row, or a question and its answer.

Rows that follow one another and have the same id, or none, are one guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from guiado.app.knowledge.importers.blocks import blocks_of_text
from guiado.app.knowledge.importers.fields import LISTS, Column, column_of, flag_in, texts_in
from guiado.app.knowledge.importers.formula_guard import unguarded
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable, doubt
from guiado.app.knowledge.importers.recognise import Article, fitted, guide_from_answer, recognise, slug
from guiado.errors import FieldProblem, Message, printable
from guiado.text.json_shapes import items_in, object_in

_FORMULA = re.compile(r"\s*(?:=|@[A-Za-z]|[+\-][A-Za-z.]+\()")
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,2})?")
_OF_GUIDE = (Column.DESCRIPTION, Column.CATEGORY, Column.TIME, Column.DIFFICULTY)
_OF_STEP = (Column.INSTRUCTIONS, Column.STEP_DESCRIPTION, Column.EXPECTED, Column.WARNINGS, Column.MINUTES)


class UnknownColumns(SourceUnreadable):
    """The first row of a table names no column that is known."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table.

    Args:
        line: in the source, from 1.
        cells: their texts, "" for an empty one.
        doubts: about cells that could not be read.
    """

    line: int
    cells: Sequence[str]
    doubts: tuple[FieldProblem, ...] = ()


@dataclass(slots=True)
class _Group:
    """The rows of one guide, by meaning."""

    line: int
    problem_id: str
    rows: list[dict[Column, list[str]]] = field(default_factory=list[dict[Column, list[str]]])
    doubts: list[FieldProblem] = field(default_factory=list[FieldProblem])
    fault: FieldProblem | None = None

    def goes_on_with(self, said: dict[Column, list[str]]) -> bool:
        """Whether a row belongs to this guide too."""
        given, title = _first(said, Column.ID), _first(said, Column.TITLE)
        return given == self.problem_id if given else title in ("", self.first(Column.TITLE))

    def first(self, column: Column) -> str:
        """The first text of a column, of whichever row has one."""
        return next((row[column][0] for row in self.rows if row.get(column)), "")

    def all(self, column: Column) -> list[str]:
        """Every text of a column, each once."""
        return list(dict.fromkeys(text for row in self.rows for cell in row.get(column, []) for text in texts_in(cell)))


def read_table(rows: Iterable[TableRow], file: str, doubts: Sequence[FieldProblem] = ()) -> Iterator[Imported | NotUnderstood]:
    """The guides of a table whose first row that is not empty names its columns.

    Args:
        file: name of the source; with a line it is a place.
        doubts: about the whole source; the first guide has them.

    Raises:
        UnknownColumns: no column is known.
    """
    filled = (row for row in rows if any(cell.strip() for cell in row.cells))
    head = next(filled, None)
    if head is None:
        return
    columns = [column_of(cell) for cell in head.cells]
    if Column.TITLE not in columns and not {Column.ID, Column.STEP} <= set(columns):
        why = Message(
            "No se reconoce ninguna columna. En la primera fila nómbralas: id, título, descripción, categoría, paso, frases."
        )
        raise UnknownColumns(f"{file}:{head.line}", why)
    waiting = [*doubts, *_unknown(head, columns, f"{file}:{head.line}")]
    group: _Group | None = None
    for row in filled:
        said = _by_meaning(row, columns)
        if group is None or not group.goes_on_with(said):
            if group is not None:
                yield _guide(group, file)
            group, waiting = _Group(row.line, _first(said, Column.ID), doubts=waiting), []
        group.rows.append(said)
        _note(group, row, len(columns), file)
    if group is not None:
        yield _guide(group, file)


def _unknown(head: TableRow, columns: Sequence[Column | None], place: str) -> list[FieldProblem]:
    why = "La columna «{name}» no se usa. Revisa su nombre o bórrala."
    named = zip(head.cells, columns, strict=True)
    return [doubt(place, why, name=printable(cell)) for cell, column in named if column is None and cell.strip()]


def _first(said: dict[Column, list[str]], column: Column) -> str:
    return (said.get(column) or [""])[0]


def _by_meaning(row: TableRow, columns: Sequence[Column | None]) -> dict[Column, list[str]]:
    found: dict[Column, list[str]] = {}
    for cell, column in zip(row.cells, columns, strict=False):
        if column is not None and cell.strip():
            found.setdefault(column, []).append(unguarded(cell.strip()))
    return found


def _note(group: _Group, row: TableRow, width: int, file: str) -> None:
    place = f"{file}:{row.line}"
    group.doubts += row.doubts
    if any(cell.strip() for cell in row.cells[width:]):
        group.fault = group.fault or doubt(place, "La fila tiene más celdas que columnas. Revisa las comillas y los separadores.")
    if any(_FORMULA.match(cell) for cell in row.cells):
        group.doubts.append(doubt(place, "Una celda parece una fórmula y se leyó como texto. Escribe su valor."))


def _guide(group: _Group, file: str) -> Imported | NotUnderstood:
    place = f"{file}:{group.line}"
    title = group.first(Column.TITLE) or group.problem_id.replace("_", " ").replace("-", " ").capitalize()
    if group.fault is not None:
        return NotUnderstood(group.fault)
    if not title:
        return NotUnderstood(doubt(place, "A la fila le falta el título o la pregunta. Escríbelo."))
    problem_id, given = group.problem_id or slug(title), _given(group, place)
    answer = "\n".join(row[Column.ANSWER][0] for row in group.rows if row.get(Column.ANSWER))
    steps = _steps(group, file)
    if not steps and answer:
        found = guide_from_answer(title, answer, file, group.line, problem_id, **given)
        return Imported(found.problem_id, found.entry, found.place, (*group.doubts, *found.doubts))
    entry: dict[str, object] = {"problem_title": fitted(title, place, group.doubts), **given}
    if answer:
        group.doubts.append(doubt(place, "La respuesta no se importó, porque la guía tiene pasos. Pásala a la descripción."))
    return Imported(problem_id, entry | {"steps": steps}, place, tuple(group.doubts))


def _given(group: _Group, place: str) -> dict[str, object]:
    found: dict[str, object] = {
        column.value: fitted(said, place, group.doubts) for column in _OF_GUIDE if (said := group.first(column))
    }
    found |= {column.value: texts for column in LISTS if (texts := group.all(column))}
    if said := group.first(Column.URGENT):
        urgent = flag_in(said)
        if urgent is None:
            group.doubts.append(doubt(place, "En urgente dice «{said}». Escribe sí o no.", said=printable(said)))
        elif urgent:
            found["urgent"] = True
    return found


def _steps(group: _Group, file: str) -> list[dict[str, object]]:
    """The steps: of a step a row, one each; of a guide a row, one a cell, or the lines of the only cell."""
    found: list[dict[str, object]] = []
    for row in group.rows:
        cells = row.get(Column.STEP, [])
        if len(cells) == 1 and len(group.rows) == 1 and not any(column in row for column in _OF_STEP):
            found += _steps_of_text(cells[0], group, file)
        else:
            found += [_step(cell, row, group, file) for cell in cells]
    return [{"step_number": number, **step} for number, step in enumerate(found, 1)]


def _steps_of_text(cell: str, group: _Group, file: str) -> list[dict[str, object]]:
    """The steps of one cell: its lines, or what is between semicolons, numbered or not."""
    lines = cell.splitlines() if "\n" in cell else cell.split(";")
    texts = [re.sub(r"^\s*(?:\d{1,2}\s*[.)\-:]|[-*•])\s+", "", line).strip() for line in lines if line.strip()]
    numbered = "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
    entry = recognise(Article("x", blocks_of_text(numbered), file, group.line), group.doubts)
    steps = map(object_in, items_in(entry.get("steps")))
    return [{key: value for key, value in step.items() if key != "step_number"} for step in steps]


def _step(cell: str, row: dict[Column, list[str]], group: _Group, file: str) -> dict[str, object]:
    place = f"{file}:{group.line}"
    title, *more = [line.strip() for line in cell.splitlines() if line.strip()]
    told = [text for each in row.get(Column.INSTRUCTIONS, []) for text in texts_in(each)]
    step: dict[str, object] = {"title": fitted(title, place, group.doubts, 200), "instructions": [*more, *told] or [title]}
    for column, name in ((Column.STEP_DESCRIPTION, "description"), (Column.EXPECTED, "expected_result")):
        if row.get(column):
            step[name] = fitted(row[column][0], place, group.doubts)
    if row.get(Column.WARNINGS):
        step["warnings"] = texts_in(row[Column.WARNINGS][0])
    if row.get(Column.MINUTES):
        said = _NUMBER.match(row[Column.MINUTES][0])
        if said and (minutes := float(said[0].replace(",", "."))):
            step["minutes"] = minutes
        else:
            group.doubts.append(doubt(place, "Los minutos no son un número mayor que 0 y se quitaron. Escribe solo el número."))
    return step
