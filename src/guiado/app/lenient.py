"""Lenient reading of input: blanks left in a form, numbers as other languages write them, locales, stray characters.

Applied before the checks, by the annotations of the command: an optional field that is empty or null counts as left out, 5.0 is 5
for a whole number, es-MX is es, and texts that people write lose the characters that nobody sees. Identifiers stay as they came.

Source: JSON Schema 2020-12, section 6.1.1 (1.0 is an integer); contract.md §3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar, cast

import msgspec
from msgspec import inspect

from guiado.i18n import locale_language
from guiado.text.json_shapes import is_list, is_mapping, is_object

_MOST_LEVELS = 64
_TERMINAL = r"\x1b\[[0-9;?]*[@-~]"
_STRAY = {
    "text": re.compile(rf"(?:{_TERMINAL})|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]"),
    "name": re.compile(rf"(?:{_TERMINAL})|[\x00-\x1f\x7f-\x9f\u2028\u2029]"),
}
"""Characters that become a blank, by kind of text; line breaks and tabs are kept in a text, but not in a name."""
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
_GONE = "\ufeff"
T = TypeVar("T", bound=inspect.Type)
_SINGLE = (
    inspect.StrType,
    inspect.IntType,
    inspect.FloatType,
    inspect.BoolType,
    inspect.NoneType,
    inspect.EnumType,
    inspect.LiteralType,
    inspect.DateTimeType,
)


@lru_cache
def fields_of(command: type[msgspec.Struct]) -> Mapping[str, inspect.Field]:
    """The fields of a command by their names in JSON, with their types."""
    described = inspect.type_info(command)
    return {field.encode_name: field for field in described.fields} if isinstance(described, inspect.StructType) else {}


def struct_items(kind: inspect.Type) -> Mapping[str, inspect.Field] | None:
    """The fields of a list's items, where these are objects with fixed names; else None."""
    items = _one_of(kind, inspect.ListType)
    held = _one_of(items.item_type, inspect.StructType) if items else None
    return {field.encode_name: field for field in held.fields} if held else None


def is_left_out(field: inspect.Field, value: object) -> bool:
    """Whether an optional field came without content: null, or a blank text."""
    return not field.required and (value is None or (isinstance(value, str) and not value.strip()))


def as_meant(value: object, kind: inspect.Type) -> object:
    """The value as a field of this type takes it; a value without such a reading stays as it is.

    Args:
        kind: the field's type, from `fields_of`.
    """
    if isinstance(value, str):
        return _text(value, _name_of(kind))
    if isinstance(value, float):
        return int(value) if value.is_integer() and _takes_whole_numbers_only(kind) else value
    if is_list(value):
        return _items(value, kind)
    return _members(value, kind) if is_mapping(value) else value


def readable(text: str, kind: str) -> str:
    """A person's text without invisible characters and without those that cannot be stored.

    Args:
        kind: "text" keeps line breaks and tabs, "name" is one line.
    """
    if _HALF_PAIRS.search(text):  # two halves that belong together are one character
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return _STRAY[kind].sub(" ", text).replace(_GONE, "")


def storable(value: object, level: int = 0) -> object:
    """A value of any shape with texts that PostgreSQL can store: no NUL, no half of a surrogate pair. Keys stay as they are."""
    if isinstance(value, str):
        is_whole = "\x00" not in value and not _HALF_PAIRS.search(value)
        return value if is_whole else readable(value.replace("\x00", " "), "text")
    if level > _MOST_LEVELS:
        return value
    if is_list(value):
        return [storable(item, level + 1) for item in value]
    if is_object(value):
        return {key: storable(item, level + 1) for key, item in value.items()}
    return value


def _text(value: str, kind: str | None) -> object:
    if kind == "language":
        return locale_language(value) or value
    return readable(value, kind) if kind in _STRAY else value


def _items(value: list[object], kind: inspect.Type) -> object:
    wanted = _one_of(kind, inspect.ListType)
    if wanted is None:
        return value
    return [as_meant(item, wanted.item_type) for item in value]


def _members(value: Mapping[str, object], kind: inspect.Type) -> object:
    if free := _one_of(kind, inspect.DictType):
        return storable(value) if isinstance(free.value_type, inspect.AnyType) else value
    wanted = _one_of(kind, inspect.StructType)
    if wanted is None:
        return value
    fields = {field.encode_name: field for field in wanted.fields}
    return {
        name: as_meant(part, fields[str(name)].type) if name in fields else part
        for name, part in value.items()
        if not (name in fields and is_left_out(fields[str(name)], part))
    }


def holds_others(kind: inspect.Type) -> bool:
    """Whether a value of this type may hold others: a list, an object, or anything at all."""
    return not all(isinstance(option, _SINGLE) for option in _options(kind))


def _one_of(kind: inspect.Type, wanted: type[T]) -> T | None:
    return next((option for option in _options(kind) if isinstance(option, wanted)), None)


def choices_of(kind: inspect.Type) -> list[str]:
    """The permitted texts of a field of this type, or of the items of its list; empty where any text is permitted."""
    found: list[str] = []
    for option in _options(kind):
        if isinstance(option, inspect.LiteralType):
            found += [str(value) for value in option.values]
        elif isinstance(option, inspect.EnumType):
            found += [str(member.value) for member in option.cls]
        elif isinstance(option, inspect.ListType):
            found += choices_of(option.item_type)
    return found


def _takes_whole_numbers_only(kind: inspect.Type) -> bool:
    options = [type(option) for option in _options(kind)]
    return inspect.IntType in options and inspect.FloatType not in options


def _name_of(kind: inspect.Type) -> str | None:
    """The kind of text that a type's annotation names, see `validation._text`; None where it names none."""
    while isinstance(kind, inspect.Metadata):
        extra = cast("Mapping[str, object]", kind.extra or {})  # pyright: ignore[reportUnknownMemberType]
        if "kind" in extra:
            return str(extra["kind"])
        kind = kind.type
    found = [_name_of(option) for option in kind.types] if isinstance(kind, inspect.UnionType) else []
    return next(filter(None, found), None)


def _options(kind: inspect.Type) -> list[inspect.Type]:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if not isinstance(kind, inspect.UnionType):
        return [kind]
    return [option for each in kind.types for option in _options(each)]
