"""Entries that are written as in a knowledge-base file, in whatever syntax, with the shared parts that stand before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, doubt
from guiado.app.knowledge.importers.source_files import SourceText
from guiado.app.knowledge.shared_parts import RESERVED, SharedParts, expand, read_shared
from guiado.errors import FieldProblem, printable
from guiado.text.json_shapes import is_object

_LOOKED_AT = 65_536


def looks_inside(source: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether a file's beginning holds a pattern; False where it cannot be read, or is none: a pipe would be waited for."""
    try:
        if not source.is_file():
            return False
        with source.open("rb") as file:
            return bool(pattern.search(file.read(_LOOKED_AT).replace(b"\0", b"")))  # UTF-16 has its ASCII between zeros
    except (OSError, ValueError):
        return False


def entries_of(found: Iterable[tuple[str, object, int]], file: SourceText) -> Iterator[Imported | NotUnderstood]:
    """The entries of a file.

    Args:
        found: key, value and line of each.
        file: the file; the first entry has its doubts.
    """
    raw, shared, doubts = dict[str, object](), SharedParts(), file.doubts
    for key, value, line in found:
        place, findings = file.at(line), Findings()
        if key in RESERVED:
            raw[key] = value
            shared = read_shared(raw, {}, findings)
            yield from (NotUnderstood(_placed(error, place)) for error in findings.errors)
            continue
        yield _entry(key, value, place, shared, doubts)
        doubts = ()


def _entry(
    key: str, value: object, place: str, shared: SharedParts, doubts: tuple[FieldProblem, ...]
) -> Imported | NotUnderstood:
    if not key:
        return NotUnderstood(doubt(place, "Falta el identificador de la guía. Escríbelo en problem_id."))
    if not is_object(value):
        return NotUnderstood(doubt(place, "La guía {key} debe ser un objeto con sus datos.", key=printable(key)))
    findings = Findings()
    try:
        whole = expand(key, value, shared, findings)
    except RecursionError:
        return NotUnderstood(doubt(place, "Hay demasiados niveles anidados. Simplifícalo."))
    if findings.errors:
        return NotUnderstood(_placed(findings.errors[0], place))
    return Imported(key, dict(whole), place, (*doubts, *(_placed(warning, place) for warning in findings.warnings)))


def _placed(problem: FieldProblem, place: str) -> FieldProblem:
    return FieldProblem(f"{place} {problem.field.removeprefix('$.')}", problem.message)
