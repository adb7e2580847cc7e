"""Values of the API reference page, taken from the OpenAPI document: groups, routes, fields, responses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
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
_OBJECT, _MOMENT, _CHOICE = Message("objeto"), Message("fecha y hora con zona"), Message("una de: {options}")
_LIMITS = {
    "minimum": Message("desde {limit}"),
    "exclusiveMinimum": Message("más de {limit}"),
    "maximum": Message("hasta {limit}"),
    "maxLength": Message("hasta {limit} caracteres"),
}
_NO_LIMIT = 2**62  # what is larger is no limit that anybody meets


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
    return [
        {"kind": kind, "about": event["summary"], "example": event["requestBody"]["content"]["application/json"]["example"]}
        for kind, event in found
    ]


def _operation(document: Document, method: str, path: str, operation: Document) -> dict[str, object]:
    body = next(iter(operation.get("requestBody", {}).get("content", {}).values()), Document())
    contents: dict[str, Document] = operation["responses"].get("200", {}).get("content", {})
    answer = next(iter(contents.values()), Document())
    return {
        "method": method.upper(),
        "path": path,
        "anchor": operation["operationId"],
        "tag": operation["tags"][0],
        "summary": operation["summary"],
        "about": marked(operation.get("description") or operation["summary"]),
        "parameters": [
            {"name": each["name"], "in": each["in"], "kind": kind_of(document, each["schema"]), "about": each["description"],
             "required": each["required"]}
            for each in operation["parameters"]
        ],
        "fields": list(_fields(document, body.get("schema"))),
        "example": body.get("example"),
        "answer": answer.get("example"),
        "answer_fields": list(_fields(document, answer.get("schema"))),
    }  # fmt: skip


def _fields(document: Document, schema: Document | None) -> Iterator[dict[str, object]]:
    target = _resolved(document, schema or {})
    required: list[str] = target.get("required", [])
    properties: dict[str, Document] = target.get("properties", {})
    for name, spec in properties.items():
        kind, about = kind_of(document, spec), marked(spec.get("description", ""))
        yield {"name": name, "kind": kind, "about": about, "required": name in required}


def _resolved(document: Document, schema: Document) -> Document:
    reference = next((each["$ref"] for each in [schema, *schema.get("oneOf", [])] if "$ref" in each), None)
    return document["components"]["schemas"][reference.rsplit("/", 1)[1]] if reference else schema


def kind_of(document: Document, spec: Document) -> list[Message]:
    """Describe the type of a field in words."""
    options = [option for option in spec.get("anyOf", [spec]) if option.get("type") != "null"]
    return [part for option in options for part in _kind(_resolved(document, option))]


def _kind(target: Document) -> Iterator[Message]:
    if "enum" in target:
        yield replace(_CHOICE, params={"options": ", ".join(map(str, target["enum"]))})
    else:
        yield _MOMENT if target.get("format") == "date-time" else _KINDS.get(str(target.get("type")), _OBJECT)
    for name, words in _LIMITS.items():
        limit = target.get(name)
        if limit is not None and abs(limit) < _NO_LIMIT:
            yield replace(words, params={"limit": f"{limit:g}" if isinstance(limit, float) else str(limit)})


def marked(text: str) -> list[tuple[bool, str]]:
    """Split a text into pieces, each marked as code or not, without backticks."""
    return [(place % 2 == 1, piece) for place, piece in enumerate(text.split("`")) if piece]


def _anchor(name: str) -> str:
    plain = name.lower().translate(str.maketrans("áéíóúñ", "aeioun"))
    return "grupo-" + re.sub(r"\W+", "-", plain)
