"""Checks of decoded JSON: whether a value is an object or a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

JsonObject = dict[str, object]
"""An object of JSON; its values are checked where they are used."""


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Whether a decoded value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a decoded value is a list."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a value that a caller passes is a mapping; its keys may still be anything."""
    return isinstance(value, Mapping)


def object_in(value: object) -> Mapping[str, object]:
    """The value where it is a mapping, else an empty one."""
    return value if is_mapping(value) else {}


def items_in(value: object) -> Sequence[object]:
    """The items of a list or tuple; of anything else none."""
    return value if is_series(value) else ()


def is_series(value: object) -> TypeGuard[Sequence[object]]:
    """Whether a value is a list or a tuple."""
    return isinstance(value, (list, tuple))
