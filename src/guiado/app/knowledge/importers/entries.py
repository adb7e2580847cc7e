"""Entries that are written as in a knowledge-base file, in whatever syntax."""

from __future__ import annotations

import re
from pathlib import Path

from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, doubt
from guiado.errors import FieldProblem, printable
from guiado.text.json_shapes import is_object

_LOOKED_AT = 65_536
_RESERVED = "$"


def looks_inside(source: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether a file's beginning holds a pattern; False where it cannot be read, or is none: a pipe would be waited for."""
    try:
        if not source.is_file():
            return False
        with source.open("rb") as file:
            return bool(pattern.search(file.read(_LOOKED_AT).replace(b"\0", b"")))  # UTF-16 has its ASCII between zeros
    except (OSError, ValueError):
        return False


def entry_of(key: str, value: object, place: str, doubts: tuple[FieldProblem, ...] = ()) -> Imported | NotUnderstood:
    """The entry of a key and its value; what is no entry is not understood."""
    if key.startswith(_RESERVED):
        why = "{key} es de todo un archivo y no se importa. Cópialo al archivo de la base de conocimiento."
        return NotUnderstood(doubt(place, why, key=printable(key)))
    if not key:
        return NotUnderstood(doubt(place, "Falta el identificador de la guía. Escríbelo en problem_id."))
    if not is_object(value):
        return NotUnderstood(doubt(place, "La guía {key} debe ser un objeto con sus datos.", key=printable(key)))
    return Imported(key, value, place, doubts)
