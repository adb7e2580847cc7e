"""JSON Schemas of the API's types, each field with its description and an example.

Source: JSON Schema 2020-12; `glossary.toml` has the words.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from inspect import getmembers, isclass
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from msgspec import inspect

from guiado.api.openapi import event_bodies
from guiado.app import commands
from guiado.app.guidance.rules import GuideRules
from guiado.app.models import Model
from guiado.app.validation import Command
from guiado.text.json_shapes import is_list, is_object

REFERENCE = "#/components/schemas/"
Schema = dict[str, Any]
_CLASS_NAMES = {"AnswerStep": "Step", "ProblemDetails": "Problem"}
"""Class -> component, where their names differ: generated clients have classes by these names, so they stay."""
_COMPONENT_NAMES = {f"{before}{old}": f"{before}{new}" for old, new in _CLASS_NAMES.items() for before in ("", REFERENCE)}


@lru_cache(maxsize=1)
def glossary() -> Mapping[str, Schema]:
    """Load the glossary: descriptions and examples of fields, parameters and headers."""
    return tomllib.loads((Path(__file__).parent / "glossary.toml").read_text("utf-8"))


def noted(owner: str, name: str, kind: str = "fields") -> tuple[str, object]:
    """Description and example of a field or parameter; empty and None where there is none.

    Args:
        owner: the type or operation that it belongs to.
        kind: where to look first.
    """
    words = glossary()
    found = words["exact"].get(f"{owner}.{name}") or words[kind].get(name) or words["fields"].get(name) or ["", None]
    return str(found[0]), found[1] if len(found) > 1 else None


def components() -> tuple[Schema, dict[str, str]]:
    """Return the schema of each component by name, and the component of each event's body."""
    types = _with_nested([*_models(Model), *_structs(event_bodies), *_structs(commands), commands.Start, GuideRules])
    _, made = msgspec.json.schema_components(types, ref_template=f"{REFERENCE}{{name}}")
    found = with_component_names(made)
    for each in types:
        _describe(found[_component_name(each)], each)
    for name, schema in found.items():
        if "enum" in schema:
            found[name] = {"type": "string", "title": name, "enum": schema["enum"], "examples": [schema["enum"][0]]}
    events = dict(_events(found))
    for name in [*found]:
        _compose(name, found, ())
    return found, events


def with_component_names(node: Any) -> Any:  # noqa: ANN401
    """Copy a JSON value, with the published names of components in its keys, titles and references."""
    if is_object(node):
        return {_COMPONENT_NAMES.get(name, name): with_component_names(value) for name, value in node.items()}
    if is_list(node):
        return [with_component_names(value) for value in node]
    return _COMPONENT_NAMES.get(node, node) if isinstance(node, str) else node


def _component_name(kind: type[msgspec.Struct]) -> str:
    return _COMPONENT_NAMES.get(kind.__name__, kind.__name__)


def _models(base: type[Model]) -> Iterator[type[Model]]:
    """Yield the direct and indirect subclasses of a model: all read models and answers that are imported."""
    for each in base.__subclasses__():
        yield each
        yield from _models(each)


def _structs(module: ModuleType) -> list[type[msgspec.Struct]]:
    made = (each for _, each in getmembers(module, isclass))
    return [each for each in made if issubclass(each, msgspec.Struct) and each.__module__ == module.__name__]


def _with_nested(types: list[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """Return types together with the types of their fields: a model may hold structs of the store."""
    found: dict[type[msgspec.Struct], None] = {}
    waiting = [*reversed(inspect.multi_type_info(types))]
    while waiting:
        kind = waiting.pop()
        if not isinstance(kind, inspect.StructType):
            waiting.extend(_parts(kind))
        elif kind.cls not in found:
            found[kind.cls] = None
            waiting.extend(field.type for field in kind.fields)
    return [*found]


def _parts(kind: inspect.Type) -> Iterable[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return (kind.type,)
    if isinstance(kind, inspect.UnionType):
        return kind.types
    if isinstance(kind, inspect.DictType):
        return (kind.key_type, kind.value_type)
    if isinstance(kind, inspect.CollectionType):
        return (kind.item_type,)
    return kind.item_types if isinstance(kind, inspect.TupleType) else ()


def _describe(schema: Schema, kind: type[msgspec.Struct]) -> None:
    schema.pop("description", None)  # it speaks to programmers of guiado
    is_command = issubclass(kind, Command)
    if is_command:
        schema["additionalProperties"] = False
    described = inspect.type_info(kind)
    for field in described.fields if isinstance(described, inspect.StructType) else ():
        name = field.encode_name
        own = schema["properties"][name]
        schema["properties"][name] = _field(own, _component_name(kind), field, may_be_blank=is_command and not field.required)


def _field(own: Schema, owner: str, field: inspect.Field, *, may_be_blank: bool) -> Schema:
    about, example = noted(owner, field.encode_name)
    inner = next((option for option in own.get("anyOf", []) if option.get("type") != "null"), own)
    told = {**inner, **own}
    examples = [example] if example is not None else told.get("examples", [])
    plain = {part: value for part, value in own.items() if part not in {"examples", "description", "default"}}
    if "enum" in plain:
        plain["type"] = "string"
    plain = _blankable(plain) if may_be_blank else plain
    if moment := _moment(field.type):
        plain = _with_format(plain, moment)
    given = {"default": own["default"]} if own.get("default") is not None else {}
    return {"description": about or told.get("description", ""), **plain, **given, **({"examples": examples} if examples else {})}


def _blankable(schema: Schema) -> Schema:
    """Return the schema of a field that may be left blank: empty or null."""
    options = [
        {part: value for part, value in option.items() if part not in {"minLength", "examples", "description"}}
        for option in schema.get("anyOf", [schema])
    ]
    options = [{**option, "type": "string"} if "enum" in option else option for option in options]
    return {"anyOf": [*(option for option in options if option.get("type") != "null"), {"type": "null"}]}


def _moment(kind: inspect.Type) -> str | None:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return next(filter(None, map(_moment, kind.types)), None)
    if isinstance(kind, inspect.DateTimeType):
        return "date-time"
    return "date" if isinstance(kind, inspect.DateType) else None


def _with_format(schema: Schema, moment: str) -> Schema:
    if "anyOf" in schema:
        return {**schema, "anyOf": [_with_format(option, moment) for option in schema["anyOf"]]}
    return {**schema, "format": moment} if schema.get("type") == "string" else schema


def _events(found: Schema) -> Iterator[tuple[str, str]]:
    """Add the schema of each event's body, and yield event and component."""
    for kind, data in event_bodies.DATA.items():
        name = f"{data.__name__.removesuffix('Data')}Event"
        body = found["EventBody"]["properties"]
        found[name] = {
            "title": name,
            "description": glossary()["events"][kind.value],
            "type": "object",
            "properties": {
                **body,
                "event": {**body["event"], "const": kind.value, "type": "string", "examples": [kind.value]},
                "data": {"$ref": f"{REFERENCE}{data.__name__}", "description": body["data"]["description"]},
            },
            "required": ["event", "timestamp", "data", "webhook_id"],
        }
        found[name]["properties"]["event"].pop("$ref", None)
        yield kind.value, name


def _compose(name: str, found: Schema, above: tuple[str, ...]) -> object:
    """Add an example to a type's schema, composed of its fields' examples, and return it."""
    schema = found[name]
    if "examples" in schema:
        return schema["examples"][0]
    for spec in schema.get("properties", {}).values():
        if not spec.get("examples"):
            spec["examples"] = [_made(spec, found, (*above, name))]
    wanted = glossary()["examples"].get(name)
    whole = {field: spec["examples"][0] for field, spec in schema.get("properties", {}).items()}
    shown = {field: whole[field] for field in wanted} if wanted else whole
    schema["examples"] = [shown]
    return shown


def _made(spec: Schema, found: Schema, above: tuple[str, ...]) -> object:
    options = spec.get("anyOf", [spec])
    for option in options:
        if "$ref" in option:
            name = option["$ref"].rsplit("/", 1)[1]
            return None if name in above else _compose(name, found, above)
        if option.get("type") == "array":
            return [_made(option["items"], found, above)] if "items" in option else []
        if "enum" in option:
            return option["enum"][0]
        if option.get("type") == "boolean":
            return False
    return {} if options[0].get("type") == "object" else None
