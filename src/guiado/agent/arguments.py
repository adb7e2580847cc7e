"""Checks of the facade's arguments before anything is done: every fault by the argument's name, with the remedy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeGuard, TypeVar

from guiado.app.json_values import plain_problem
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.text.json_shapes import is_list, is_mapping

T = TypeVar("T")
_MAX_PATH = 4_096
_WORDS = {str: "un texto", bool: "True o False", int: "un número entero", list: "una lista", Mapping: "un diccionario"}
_PARTS_OF_A_STEP: Mapping[str, type] = {
    **dict.fromkeys(("title", "description", "expected_result", "estimated_time", "message", "error"), str),
    **dict.fromkeys(("step_number", "total_steps"), int),
    **dict.fromkeys(("instructions", "warnings", "resources"), list),
}


def refuse(*found: FieldProblem | None) -> None:
    """Raise the problems that were found, if any.

    Raises:
        InvalidInput: names every bad argument.
    """
    if problems := [problem for problem in found if problem]:
        raise InvalidInput(problems)


def kind_problem(name: str, value: object, kind: type, *, optional: bool = False) -> FieldProblem | None:
    """The problem of an argument of another kind than the wanted one; None where there is none."""
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return None
    if value is None and optional:
        return None
    return _of_wrong_kind(name, kind)


def _of_wrong_kind(name: str, wanted: type) -> FieldProblem:
    return FieldProblem(name, Message("Debe ser {wanted}.", {"wanted": _WORDS.get(wanted, f"un {wanted.__name__}")}))


def object_of(name: str, value: object, kind: type[T], example: str) -> T:
    """Return the argument, which must be of the given class of the facade.

    Args:
        example: how to make one.

    Raises:
        InvalidInput: it is something else.
    """
    if not isinstance(value, kind):
        raise InvalidInput([FieldProblem(name, Message("Debe ser un {kind}.", {"kind": f"{kind.__name__}: {example}"}))])
    return value


def items_of(name: str, value: Iterable[T]) -> list[T]:
    """The items of a list.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput([FieldProblem(name, Message("Debe ser una lista."))])
    return list(value)


def path_problem(name: str, value: object) -> FieldProblem | None:
    """The problem of a path that names no file, if any; a path of None means the file that ships."""
    if value is None:
        return None
    try:
        usable = _is_path(value) and _is_name(os.fsencode(value))
    except (TypeError, ValueError):
        usable = False
    return None if usable else FieldProblem(name, Message("Debe ser la ruta de un archivo JSON."))


def _is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, (str, os.PathLike))


def _is_name(path: bytes) -> bool:
    return 0 < len(path) <= _MAX_PATH and b"\0" not in path and bool(Path(os.fsdecode(path)).name)


def order_problem(name: str, value: object) -> FieldProblem | None:
    """The problem of an order of steps that cannot be asked for; None means the one that is in use."""
    if value is None or (isinstance(value, str) and value == "author"):
        return None
    return FieldProblem(name, Message("Escribe author, o déjalo sin valor para el orden que está en uso."))


def step_to_show(step: object) -> Mapping[str, object]:
    """The step in a result of `get_current_step` or `complete_step`, or the status form itself.

    Raises:
        InvalidInput: it is no such thing.
    """
    if not is_mapping(step):
        raise InvalidInput([_of_wrong_kind("step", Mapping)])
    inner = next((part for name in ("next_step", "current_step") if is_mapping(part := step.get(name))), step)
    faults = [kind_problem(f"step.{name}", inner.get(name), kind, optional=True) for name, kind in _PARTS_OF_A_STEP.items()]
    resources = inner.get("resources")
    for place, item in enumerate(resources if is_list(resources) else []):
        faults.append(kind_problem(f"step.resources[{place}]", item, Mapping))
    refuse(*faults, plain_problem("step", inner.get("step_number")))
    return inner


def value_of(choice: object) -> object:
    """The text of a member of an enumeration; anything else as it is."""
    return getattr(choice, "value", choice)


def ticket_id_to_check(ticket_id: object) -> object:
    """The id of a ticket as it is checked: whatever is no text and no number is made a text."""
    # Numbers are checked as such first: one of thousands of digits cannot be made a text.
    return ticket_id if ticket_id is None or type(ticket_id) in {str, int} else str(ticket_id)
