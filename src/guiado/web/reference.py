"""Values of the API reference page, taken from the OpenAPI document: groups, routes, fields, responses, objects, errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from guiado.errors import Message

Document = dict[str, Any]
_GROUPS = {
    "Sesiones": Message("Sesiones"),
    "Detección": Message("Detección"),
    "Cifras": Message("Cifras"),
    "Webhooks": Message("Webhooks"),
    "Plantillas": Message("Plantillas"),
    "Avisos": Message("Avisos"),
    "Claves de API": Message("Claves de API"),
    "Clientes": Message("Clientes"),
    "Flujos": Message("Flujos"),
    "Estado": Message("Estado"),
}
_KINDS = {
    "string": Message("texto"),
    "integer": Message("número entero"),
    "number": Message("número"),
    "boolean": Message("true o false"),
    "array": Message("lista"),
}
_OBJECTS = Message("lista de objetos")
_OBJECT, _MOMENT, _CHOICE = Message("objeto"), Message("fecha y hora con zona"), Message("una de: {options}")
_LIMITS = {
    "minimum": Message("desde {limit}"),
    "exclusiveMinimum": Message("más de {limit}"),
    "maximum": Message("hasta {limit}"),
    "maxLength": Message("hasta {limit} caracteres"),
}
_NO_LIMIT = 2**62  # what is larger is no limit that anybody meets
_DONE = "200"


@dataclass(frozen=True, slots=True)
class Kind:
    """A part of what a field's value is.

    Args:
        said: in words.
        shape: name of the object that it is, or is a list of; empty where it is none that the document describes.
    """

    said: Message
    shape: str = ""


def groups(document: Document) -> list[dict[str, object]]:
    """Group the routes by their tags, in the order of the document."""
    found = operations(document)
    return [
        {
            "name": _GROUPS.get(tag["name"], Message(tag["name"])),
            "about": tag["description"],
            "anchor": _anchor(tag["name"]),
            "operations": mine,
        }
        for tag in document["tags"]
        if (mine := [each for each in found if each["tag"] == tag["name"]])
    ]


def operations(document: Document) -> list[dict[str, object]]:
    """List all routes with the values that the page shows."""
    return [
        _operation(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def events(document: Document) -> list[dict[str, object]]:
    """List all events that webhooks receive, with the values that the page shows."""
    found = ((kind, each["post"]) for kind, each in document["webhooks"].items())
    bodies = ((kind, event["summary"], event["requestBody"]["content"]["application/json"]) for kind, event in found)
    return [
        {"kind": kind, "about": about, "example": body["example"], "fields": list(_fields(document, body["schema"]))}
        for kind, about, body in bodies
    ]


def errors(document: Document) -> list[dict[str, object]]:
    """List the errors that routes share: status, when it is answered, and where it stands on the page."""
    found = sorted(document["components"]["responses"].items())
    return [{"status": name[-3:], "about": each["description"], "anchor": _error_anchor(name)} for name, each in found]


def error_body(document: Document) -> dict[str, object]:
    """The document of an error: its fields, and an example."""
    body = document["components"]["responses"]["Problem400"]["content"]["application/problem+json"]
    return {"fields": list(_fields(document, body["schema"])), "example": body["example"]}


def shapes(document: Document) -> list[dict[str, object]]:
    """List the objects that fields hold, and the objects within these, each with its fields, by name."""
    waiting, found = _shown(document), dict[str, list[dict[str, object]]]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            schema = document["components"]["schemas"][name]
            found[name] = list(_fields(document, schema))
            waiting += _held(document, schema)
    return [{"name": name, "anchor": shape_anchor(name), "fields": fields} for name, fields in sorted(found.items())]


def _shown(document: Document) -> list[str]:
    """Names of the objects in the fields of all bodies that the page shows."""
    routes = [operation for methods in document["paths"].values() for operation in methods.values()]
    bodies = [operation.get("requestBody", {}) for operation in routes] + [each["responses"].get(_DONE, {}) for each in routes]
    bodies += [each["post"]["requestBody"] for each in document["webhooks"].values()]
    bodies.append(document["components"]["responses"]["Problem400"])
    contents = [content for body in bodies for content in body.get("content", {}).values()]
    return [name for content in contents for name in _held(document, content.get("schema"))]


def _held(document: Document, schema: Document | None) -> list[str]:
    """Names of the objects in the fields of a schema."""
    properties: dict[str, Document] = _resolved(document, schema or {}).get("properties", {})
    return [kind.shape for spec in properties.values() for kind in kind_of(document, spec) if kind.shape]


def _operation(document: Document, method: str, path: str, operation: Document) -> dict[str, object]:
    body = next(iter(operation.get("requestBody", {}).get("content", {}).values()), Document())
    responses: dict[str, Document] = operation["responses"]
    contents: dict[str, Document] = responses.get(_DONE, {}).get("content", {})
    answer = next(iter(contents.values()), Document())
    return {
        "method": method.upper(),
        "path": path,
        "anchor": operation["operationId"],
        "tag": operation["tags"][0],
        "summary": operation["summary"],
        "about": marked(operation.get("description") or operation["summary"]),
        "permissions": [scope for each in operation.get("security", []) for scope in each.get("key", [])],
        "parameters": [
            {"name": each["name"], "in": each["in"], "kind": kind_of(document, each["schema"]), "about": each["description"],
             "required": each["required"]}
            for each in operation["parameters"]
        ],
        "fields": list(_fields(document, body.get("schema"))),
        "example": body.get("example"),
        "answer": answer.get("example"),
        "answer_kind": next(iter(contents), ""),
        "answer_fields": list(_fields(document, answer.get("schema"))),
        "troubles": [_trouble(status, each) for status, each in sorted(responses.items()) if status != _DONE],
    }  # fmt: skip


def _trouble(status: str, response: Document) -> dict[str, str]:
    """A response that is no success: one that many routes share, or the route's own with what it says."""
    shared = response.get("$ref", "").rpartition("/")[2]
    return {"status": status, "anchor": _error_anchor(shared) if shared else "", "about": response.get("description", "")}


def _error_anchor(name: str) -> str:
    return f"error-{name[-3:]}"


def shape_anchor(name: str) -> str:
    """The anchor of an object's description."""
    return f"objeto-{name}"


def _fields(document: Document, schema: Document | None) -> Iterator[dict[str, object]]:
    target = _resolved(document, schema or {})
    required: list[str] = target.get("required", [])
    properties: dict[str, Document] = target.get("properties", {})
    for name, spec in properties.items():
        kind, about = kind_of(document, spec), marked(spec.get("description", ""))
        yield {"name": name, "kind": kind, "about": about, "required": name in required}


def _resolved(document: Document, schema: Document) -> Document:
    name = _name_of(schema)
    return document["components"]["schemas"][name] if name else schema


def _name_of(schema: Document) -> str:
    """The name of the schema that this one refers to; empty where it is its own."""
    return next((str(each["$ref"]).rpartition("/")[2] for each in [schema, *schema.get("oneOf", [])] if "$ref" in each), "")


def kind_of(document: Document, spec: Document) -> list[Kind]:
    """Describe the type of a field in words."""
    options = [option for option in spec.get("anyOf", [spec]) if option.get("type") != "null"]
    return [part for option in options for part in _kind(document, option)]


def _kind(document: Document, option: Document) -> Iterator[Kind]:
    target, items = _resolved(document, option), _resolved(document, option.get("items", {}))
    if "enum" in target:
        yield Kind(replace(_CHOICE, params={"options": ", ".join(map(str, target["enum"]))}))
    elif "properties" in items:
        yield Kind(_OBJECTS, _name_of(option["items"]))
    elif target.get("format") == "date-time":
        yield Kind(_MOMENT)
    else:
        shape = _name_of(option) if "properties" in target else ""
        yield Kind(_KINDS.get(str(target.get("type")), _OBJECT), shape)
    yield from _limits(target)


def _limits(target: Document) -> Iterator[Kind]:
    for name, words in _LIMITS.items():
        limit = target.get(name)
        if limit is not None and abs(limit) < _NO_LIMIT:
            yield Kind(replace(words, params={"limit": f"{limit:g}" if isinstance(limit, float) else str(limit)}))


def marked(text: str) -> list[tuple[bool, str]]:
    """Split a text into pieces, each marked as code or not, without backticks."""
    return [(place % 2 == 1, piece) for place, piece in enumerate(text.split("`")) if piece]


def _anchor(name: str) -> str:
    plain = name.lower().translate(str.maketrans("áéíóúñ", "aeioun"))
    return "grupo-" + re.sub(r"\W+", "-", plain)
