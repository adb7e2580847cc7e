"""Importer of CSV: a guide or a step a row, or questions and answers; see `tables` for its columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable
from guiado.app.knowledge.importers.source_files import SourceText, read_text
from guiado.app.knowledge.importers.tables import TableRow, read_table
from guiado.errors import Message

NAME = "csv"
ENDINGS = (".csv", ".tsv")
_SEPARATORS = ",;\t|"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def looks_like(source: Path) -> bool:
    """Whether it is a file: what ends in .csv is a table."""
    return source.is_file()


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """The guides of the table."""
    file = read_text(source)
    return read_table(_rows(file), file.place, file.doubts)


def _rows(file: SourceText) -> Iterator[TableRow]:
    reader = csv.reader(_lines(file.text), delimiter=_separator(file.text), strict=True)
    begin = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            why = Message("La fila está mal escrita. Revisa que las comillas se cierren y que ninguna celda sea enorme.")
            raise SourceUnreadable(file.at(begin), why) from None
        yield TableRow(begin, cells)
        begin = reader.line_num + 1


def _lines(text: str) -> Iterator[str]:
    """The lines, one after another: neither all at once nor at other characters that only look like an end of line."""
    return (found[0] for found in _LINE.finditer(text))


def _separator(text: str) -> str:
    """The separator that the first line has most of, outside of quotes."""
    first = next((line for line in _lines(text) if line.strip()), "")
    bare = "".join(first.split('"')[::2])
    return max(_SEPARATORS, key=bare.count)
