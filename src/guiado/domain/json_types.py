"""Types of decoded JSON, and the checks that tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

JsonObject = dict[str, object]
"""An object of JSON: of its values only those are known that are looked at."""


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a value is a JSON object."""
    return isinstance(value, Mapping)


def is_dict(value: object) -> TypeGuard[JsonObject]:
    """Whether a value is a JSON object as the decoder makes it."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a value is a list of JSON."""
    return isinstance(value, list)


def object_in(value: object) -> Mapping[str, object]:
    """The value where it is an object, else an empty one."""
    return value if is_object(value) else {}


def items_in(value: object) -> Sequence[object]:
    """The items of the value where it is a list, else none."""
    return value if is_list(value) or is_tuple(value) else ()


def is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """Whether a value is a tuple, which the domain keeps in place of a list."""
    return isinstance(value, tuple)
