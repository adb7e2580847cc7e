"""Labelled texts, each with its right problem, read from a file: JSON Lines, CSV or JSON.

Every fault is named with its line, or with its path in a JSON document, and with the remedy.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from guiado.app.json_values import json_problem
from guiado.app.text_file import UnreadableFile, read_text_file
from guiado.detection import Problem
from guiado.errors import FieldProblem, InvalidInput, Message, printable
from guiado.text.json_shapes import is_list, is_mapping, is_object, object_in

MOST_ROWS = 100_000
_MOST_FAULTS = 20
_MAX_CHARS = 100_000
_TEXT, _PROBLEM = "text", "problem_id"
_TOO_MANY = Message("Esta fila tiene más columnas que la primera línea. Pon el texto entre comillas dobles.")
_COLUMNS = Message("Faltan las columnas text y problem_id. Escríbelas en la primera línea.")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text and its right problem.

    Args:
        text: a customer's words.
        problem_id: the right problem; None means none of them.
        place: where it stands in the file.
    """

    text: str
    problem_id: str | None
    place: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of detection, as a file describes it.

    Args:
        rows: the texts.
        problems: a knowledge base of its own, if the file has one.
        train: more phrases for the problems.
    """

    rows: tuple[LabelledText, ...]
    problems: tuple[Problem, ...] | None = None
    train: tuple[LabelledText, ...] = ()


@dataclass(slots=True)
class _Faults:
    """Faults of a file, up to a number that stays readable."""

    found: list[FieldProblem] = field(default_factory=list[FieldProblem])

    def add(self, place: str, message: Message) -> None:
        self.found.append(FieldProblem(place, message))
        if len(self.found) >= _MOST_FAULTS:
            raise InvalidInput(self.found)


def read_trial(path: Path, known: Collection[str]) -> Trial:
    """Read and check a file of labelled texts.

    Args:
        path: JSON Lines or JSON; CSV where it is named `.csv` or `.tsv`.
        known: identifiers of the knowledge base in use.

    Raises:
        InvalidInput: names every fault, at most 20, by line or JSON path.
    """
    name, text, faults = printable(path.name), _read_text(path), _Faults()
    if not text.strip():
        raise InvalidInput([FieldProblem(name, Message("Está vacío. Escribe al menos una fila con text y problem_id."))])
    trial = _parse(path.suffix.lower(), name, text, faults)
    _check_rows(name, trial, {problem.problem_id for problem in trial.problems} if trial.problems else known, faults)
    if faults.found:
        raise InvalidInput(faults.found)
    return trial


def _parse(suffix: str, name: str, text: str, faults: _Faults) -> Trial:
    if suffix in {".csv", ".tsv"}:
        return Trial(_rows(_csv_rows(name, text, faults), faults))
    first = text.lstrip().partition("\n")[0]
    if suffix in {".jsonl", ".ndjson"} or (first.startswith("{") and _is_json(first) and _TEXT in json.loads(first)):
        return Trial(_rows(_json_lines(name, text, faults), faults))
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput([_misspelt(name, error)]) from None
    return _document(name, raw, faults)


def _misspelt(name: str, error: ValueError | RecursionError, line: int = 0) -> FieldProblem:
    at = line or (error.lineno if isinstance(error, json.JSONDecodeError) else 0)
    return FieldProblem(f"{name}:{at}" if at else name, json_problem(error).message)


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _csv_rows(name: str, text: str, faults: _Faults) -> Iterator[tuple[str, object]]:
    header = text.lstrip().partition("\n")[0]
    sign = max((",", ";", "\t"), key=header.count)
    reader, read = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign, strict=True), 0
    try:
        if not {_TEXT, _PROBLEM} <= {title.strip() for title in reader.fieldnames or ()}:
            raise InvalidInput([FieldProblem(f"{name}:1", _COLUMNS)])
        read = reader.line_num
        for row in reader:
            place, read = f"{name}:{reader.line_num}", reader.line_num
            if None in row:
                faults.add(place, _TOO_MANY)
                continue
            # A column that is missing is no empty one, which says that it is none of them.
            values: dict[str, object] = {key.strip(): value for key, value in row.items() if value is not None}
            if _PROBLEM in values:
                values[_PROBLEM] = str(values[_PROBLEM]).strip() or None
            yield place, values
    except csv.Error:
        why = Message("Las comillas de esta línea no se cierran bien, o es demasiado larga. Corrígela.")
        raise InvalidInput([FieldProblem(f"{name}:{read + 1}", why)]) from None


def _json_lines(name: str, text: str, faults: _Faults) -> Iterator[tuple[str, object]]:
    # Not `splitlines`: a line separator inside a JSON text is a character like any other.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"{name}:{number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            problem = _misspelt(name, error, number)
            faults.add(problem.field, problem.message)


def _document(name: str, raw: object, faults: _Faults) -> Trial:
    if is_list(raw):
        return Trial(_rows(_listed(f"{name}:$", raw, faults), faults))
    if not is_object(raw) or "test" not in raw:
        why = Message('Debe ser una lista de filas, o un objeto con "test": [[texto, identificador o null], …].')
        raise InvalidInput([FieldProblem(f"{name}:$", why)])
    train = _rows(_listed(f"{name}:$.train", raw.get("train") or [], faults), faults)
    test = _rows(_listed(f"{name}:$.test", raw["test"], faults), faults)
    problems = _problems(f"{name}:$.problems", raw["problems"], faults) if raw.get("problems") is not None else None
    return Trial(test, problems, tuple(row for row in train if row.problem_id))


def _listed(place: str, raw: object, faults: _Faults) -> Iterator[tuple[str, object]]:
    if not is_list(raw):
        faults.add(place, Message("Debe ser una lista de filas."))
        return
    for number, row in enumerate(raw):
        yield f"{place}[{number}]", {_TEXT: row[0], _PROBLEM: row[1]} if is_list(row) and len(row) == 2 else row  # noqa: PLR2004


def _problems(place: str, raw: object, faults: _Faults) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for at, each in _listed(place, raw, faults):
        entry = object_in(each)
        given = [entry.get(key) or "" for key in ("id", "title", "description")]
        names = [value for value in given if isinstance(value, str)]
        if not given[0] or len(names) < len(given):
            faults.add(at, Message('Un problema es un objeto con los textos "id", "title" y "description". Corrígelo.'))
        else:
            found.append(Problem(*names, phrases=()))
    return tuple(found)


def _rows(raws: Iterator[tuple[str, object]], faults: _Faults) -> tuple[LabelledText, ...]:
    found: list[LabelledText] = []
    for place, raw in raws:
        row = _row(place, raw, faults)
        if row:
            found.append(row)
        if len(found) > MOST_ROWS:
            faults.add(place, Message("Hay más de {limit} filas. Divide el archivo.", {"limit": MOST_ROWS}))
            break
    return tuple(found)


def _row(place: str, raw: object, faults: _Faults) -> LabelledText | None:
    if not is_mapping(raw):
        faults.add(place, Message('Una fila es {{"text": …, "problem_id": …}}. Corrígela.'))
        return None
    missing = [name for name in (_TEXT, _PROBLEM) if name not in raw]
    text, problem_id = raw.get(_TEXT), raw.get(_PROBLEM)
    if missing:
        faults.add(place, Message("Falta el campo {name}. Agrégalo.", {"name": ", ".join(missing)}))
    elif not isinstance(text, str) or not text.strip():
        faults.add(place, Message("text está vacío o no es un texto. Escríbelo o quita la fila."))
    elif len(text) > _MAX_CHARS:
        faults.add(place, Message("Tiene más de {limit} caracteres. Acórtalo.", {"limit": _MAX_CHARS}))
    elif problem_id is not None and not (isinstance(problem_id, str) and problem_id):
        faults.add(place, Message("problem_id debe ser un identificador, o null si no es ninguno. Corrígelo."))
    else:
        return LabelledText(text, problem_id, place)
    return None


def _check_rows(name: str, trial: Trial, known: Collection[str], faults: _Faults) -> None:
    for row in (*trial.train, *trial.rows):
        if row.problem_id is not None and row.problem_id not in known:
            faults.add(row.place, _unknown(row.problem_id, known))
    if not trial.rows and not faults.found:
        faults.add(name, Message("No hay ninguna fila que probar. Agrega algunas."))
    elif trial.rows and not any(row.problem_id for row in trial.rows):
        why = "Ninguna fila es de un problema conocido: así no se puede medir. Agrega filas con su problem_id."
        faults.add(name, Message(why))


def _unknown(problem_id: str, known: Collection[str]) -> Message:
    near = get_close_matches(problem_id[:200], list(known)[:5_000], 1)
    given: dict[str, object] = {"id": printable(problem_id), "near": printable(near[0]) if near else ""}
    if near:
        return Message("No hay ningún problema {id}. ¿Quisiste decir {near}?", given)
    return Message("No hay ningún problema {id}. Mira los que hay con: guiado kb show", given)


def _read_text(path: Path) -> str:
    try:
        return read_text_file(path)
    except UnreadableFile as error:
        if error.line is not None:
            remedy = Message("No es texto en UTF-8. Guárdalo en UTF-8.")
            raise InvalidInput([FieldProblem(f"{printable(path.name)}:{error.line}", remedy)]) from None
        remedy = Message("No se puede leer ({why}). Revisa la ruta, los permisos y que sea UTF-8.", {"why": error.why})
    raise InvalidInput([FieldProblem(printable(path), remedy)])
