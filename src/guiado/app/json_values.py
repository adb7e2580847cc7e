"""Checks that a value can be stored as `jsonb` and returned as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from math import isfinite
from typing import NamedTuple, TypeGuard
from uuid import UUID

import msgspec

from guiado.app.knowledge.entry_reader import is_storable
from guiado.errors import FieldProblem, Message

_MAX_DEPTH = 64
_MAX_NUMBER = 2**63
_UNSTORABLE = "Contiene caracteres que no se pueden guardar. Bórralos."
_TOO_DEEP = "Hay demasiados niveles anidados. Simplifícalo."
_TOO_LARGE = "Este número no se puede guardar. Usa uno más pequeño."
_CODES = {_UNSTORABLE: "control_characters", _TOO_DEEP: "too_deep", _TOO_LARGE: "out_of_range"}

_JSON_FAULTS = {
    "Expecting property name": Message("falta un nombre entre comillas dobles"),
    "Expecting ':'": Message("faltan los dos puntos"),
    "Expecting ','": Message("falta una coma o un cierre"),
    "Expecting value": Message("falta un valor"),
    "Extra data": Message("sobra texto después del final"),
    "Unterminated string": Message("falta cerrar un texto entre comillas"),
    "Invalid control character": Message("un texto lleva un salto de línea o un carácter de control"),
    "Invalid \\": Message("una barra inversa no es válida ahí"),
    "Illegal trailing comma": Message("sobra una coma"),
}
"""Beginning of each error message of `json`, and guiado's explanation."""


class _Place(NamedTuple):
    """Position of a value. Its path is built only for a fault: a key may be as long as the body, and hold many parts."""

    outer: _Place | None
    step: str

    def path(self) -> str:
        steps: list[str] = []
        place: _Place | None = self
        while place:
            steps.append(place.step)
            place = place.outer
        return "".join(reversed(steps))


def plain_problem(name: str, value: object) -> FieldProblem | None:
    """The first part of a value, at any depth, that cannot be stored; None when all of it can.

    Args:
        name: of the field; the path of what is wrong begins with it.
        value: anything that a caller may send.
    """
    waiting: list[tuple[_Place, object, int]] = [(_Place(None, name), value, 0)]
    while waiting:
        place, item, depth = waiting.pop()
        template = _TOO_DEEP if depth > _MAX_DEPTH else _fault(item)
        if template:
            return FieldProblem(place.path(), Message(template), _CODES.get(template, "wrong_type"))
        waiting += [(_Place(place, step), part, depth + 1) for step, part in _parts(item)]
    return None


def nested_problem(name: str, value: object) -> FieldProblem | None:
    """`plain_problem` of a value that holds others; None for a value that holds none."""
    return plain_problem(name, value) if any(True for _ in _parts(value)) else None


def json_problem(error: ValueError | RecursionError) -> FieldProblem:
    """The fault of a text that is not valid JSON, with its place and the remedy.

    Args:
        error: as `json.loads` raised it.
    """
    if isinstance(error, RecursionError):
        return FieldProblem("$", Message(_TOO_DEEP), "too_deep")
    if not isinstance(error, json.JSONDecodeError):
        return FieldProblem("$", Message(_TOO_LARGE), "out_of_range")
    place = f"línea {error.lineno}, columna {error.colno}"
    why = next((words for beginning, words in _JSON_FAULTS.items() if error.msg.startswith(beginning)), Message("no se entiende"))
    return FieldProblem(place, Message("El JSON está mal escrito ({why}). Corrígelo.", {"why": why}), "invalid_json")


def _is_any_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_collection(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, (list, tuple, AbstractSet))


def _fault(item: object) -> str | None:
    match item:
        case str():
            return None if is_storable(item) else _UNSTORABLE
        case bool() | None | date() | UUID() | msgspec.Struct() | list() | tuple() | AbstractSet():
            return None
        case float() if not isfinite(item):
            return "Debe ser un número finito, no NaN ni Infinity."
        case int() | float():
            # The first comparison is for whole numbers that are too large to be made a float.
            fits = isinstance(item, float) or -_MAX_NUMBER <= item < _MAX_NUMBER
            return None if fits else _TOO_LARGE
        case _ if _is_any_mapping(item):
            fits = all(isinstance(key, str) and is_storable(key) for key in item)
            return None if fits else "Los nombres de los campos deben ser textos normales."
        case _:
            return "Solo admite texto, números, true, false, null, listas y objetos."


def _parts(item: object) -> Iterator[tuple[str, object]]:
    match item:
        case _ if _is_any_mapping(item):
            yield from ((f".{key}", part) for key, part in item.items())
        case _ if _is_collection(item):
            yield from ((f"[{place}]", part) for place, part in enumerate(item))
        case msgspec.Struct():
            yield from ((f".{name}", getattr(item, name)) for name in item.__struct_fields__)
        case _:
            return
