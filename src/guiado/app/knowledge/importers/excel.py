"""Importer of Excel: every sheet is a table as in CSV. Values only: a formula is told and its cell left empty."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable, doubt
from guiado.app.knowledge.importers.source_files import check_file, place_of
from guiado.app.knowledge.importers.tables import TableRow, UnknownColumns, read_table
from guiado.errors import FieldProblem, Message, printable

NAME = "excel"
ENDINGS = (".xlsx", ".xlsm")
_MOST_MB, _MOST_RATIO, _MOST_COLUMNS = 200, 100, 100
_BROKEN = "El libro de Excel está dañado o no es de Excel. Ábrelo, guárdalo de nuevo como .xlsx y vuelve a intentarlo."
_FAULTS = (
    zipfile.BadZipFile,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    OSError,
    EOFError,
    AttributeError,
)
"""What openpyxl raises for a workbook that is broken in one way or another."""


def looks_like(source: Path) -> bool:
    """Whether it is an archive, as workbooks are."""
    try:
        return zipfile.is_zipfile(source)
    except (OSError, ValueError):
        return False


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """The guides of every sheet."""
    place = place_of(source)
    check_file(source, place)
    with closing(_open(source, place)) as book:
        for sheet in book.worksheets:
            at = f"{place} ({printable(sheet.title)})"
            sheet.reset_dimensions()
            rows = _guarded(sheet.iter_rows(max_col=_MOST_COLUMNS), at)
            try:
                yield from read_table((_row(line, cells, at) for line, cells in enumerate(rows, 1)), at)
            except UnknownColumns as error:  # a sheet of something else beside those with guides
                yield from map(NotUnderstood, error.problems)


def _open(source: Path, place: str) -> Workbook:
    try:
        _refuse_bomb(source, place)
        return load_workbook(source, read_only=True, data_only=False, keep_links=False)
    except SourceUnreadable:
        raise
    except _FAULTS:
        raise SourceUnreadable(place, Message(_BROKEN)) from None


def _guarded(rows: Iterator[tuple[object, ...]], at: str) -> Iterator[tuple[object, ...]]:
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except _FAULTS:
            raise SourceUnreadable(at, Message(_BROKEN)) from None
        yield cells


def _refuse_bomb(source: Path, place: str) -> None:
    """Refuse an archive that is far larger unpacked: by the sizes it declares, beyond which nothing is unpacked."""
    with zipfile.ZipFile(source) as archive:
        unpacked = sum(each.file_size for each in archive.infolist())
        packed = sum(each.compress_size for each in archive.infolist())
    if unpacked > _MOST_MB * 1024 * 1024 or unpacked > _MOST_RATIO * max(packed, 1):
        why = Message("Descomprimido ocupa demasiado ({size} MB). Pártelo en varios libros.", {"size": unpacked // (1024 * 1024)})
        raise SourceUnreadable(place, why)


def _row(line: int, cells: tuple[object, ...], at: str) -> TableRow:
    texts, doubts = list[str](), list[FieldProblem]()
    for number, cell in enumerate(cells, 1):
        if getattr(cell, "data_type", "n") in ("f", "e"):
            why = "La celda {cell} es una fórmula o un error, y no se leyó. Pega su valor."
            doubts.append(doubt(f"{at}:{line}", why, cell=f"{get_column_letter(number)}{line}"))
            texts.append("")
        else:
            texts.append(_text(getattr(cell, "value", None)))
    return TableRow(line, texts, tuple(doubts))


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case _:
            return str(value).replace("\r\n", "\n").replace("_x000D_", "")
