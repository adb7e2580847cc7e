"""Bodies made from what the OpenAPI document rules out: each is refused, by the name of the field."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_bad_input import ROUTES

BASE = "/api/support/troubleshooting"
ANYTHING: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text("abc", max_size=5),
    "integer": st.integers(-(10**6), 10**6),
    "number": st.floats(-1e6, 1e6).filter(lambda number: number != int(number)),
    "boolean": st.booleans(),
    "array": st.lists(st.integers(), max_size=2),
    "object": st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(), max_size=2),
    "null": st.none(),
}
PROBLEM = "conexion_internet"


def kinds_of(schema: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """The JSON types that a schema takes."""
    if "$ref" in schema:
        return kinds_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "anyOf" in schema:
        return set().union(*(kinds_of(option, schemas) for option in schema["anyOf"]))
    named = schema["type"]
    return {named} if isinstance(named, str) else set(named)


def outside(schema: dict[str, Any], schemas: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema rules out."""
    kinds, is_optional = kinds_of(schema, schemas), "null" in kinds_of(schema, schemas)
    schema = next((option for option in schema.get("anyOf", []) if option.get("type") != "null"), schema)
    taken = kinds | ({"integer"} if "number" in kinds else set())
    found = [values for kind, values in ANYTHING.items() if kind not in taken]
    if is_optional:  # who leaves a field blank may do so in any kind of field
        found = [
            values.filter(lambda value: value not in {"", None} if not isinstance(value, (list, dict)) else True)
            for values in found
        ]
    target = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if "enum" in target:
        found.append(st.text("xyz", min_size=1).filter(lambda value: value not in target["enum"]))
    if "maximum" in target:
        found.append(st.integers(int(target["maximum"]) + 1, 10**30))
    if "minimum" in target:
        found.append(st.integers(-(10**30), int(target["minimum"]) - 1))
    if "maxLength" in target:
        found.append(st.integers(1, 50).map(lambda more: "x" * (target["maxLength"] + more)))
    if target.get("minLength") and not is_optional:
        found.append(st.just(""))
    if "maxItems" in target:
        found.append(st.just([{}] * (target["maxItems"] + 1)))
    if target.get("minItems"):
        found.append(st.just([]))
    return st.one_of(found)


@lru_cache
def operations(text: str) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Method, path, schema of the body and all schemas, of every operation that takes a body."""
    document = json.loads(text)
    schemas, found = document["components"]["schemas"], []
    for path, methods in document["paths"].items():
        if re.search(r"/(keys|customers)\b", path):  # closes the API, or erases: their fields have tests of their own
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if content:
                reference = content["$ref"]
                found.append((method, path, schemas[reference.rsplit("/", 1)[1]], schemas))
    return found


def good_body(method: str, path: str) -> dict[str, Any]:
    """What the operation would take."""
    short = path.removeprefix(BASE).replace("{session_id}", "{id}").replace("{problem_id}", PROBLEM) or "/"
    return next(body for verb, at, body in ROUTES.values() if (verb, at) == (method.upper(), short))


@settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_the_document_rules_out_is_refused_by_name(data: st.DataObject, root: httpx2.Client, session_id: str) -> None:
    method, path, schema, schemas = data.draw(st.sampled_from(operations(document_of(root))))
    body = good_body(method, path)
    faults = ["type", "unknown", *(["missing"] if schema.get("required") else [])]
    match data.draw(st.sampled_from(faults)):
        case "type":
            name = data.draw(st.sampled_from(sorted(schema["properties"])))
            body = {**body, name: data.draw(outside(schema["properties"][name], schemas))}
        case "unknown":
            name = data.draw(st.text("abcñ_", min_size=1, max_size=12).filter(lambda name: name not in schema["properties"]))
            body = {**body, name: data.draw(st.one_of(*ANYTHING.values()))}
        case _:
            name = data.draw(st.sampled_from(schema["required"]))
            body = {key: value for key, value in body.items() if key != name}
    place = path.replace("{session_id}", session_id).replace("{problem_id}", PROBLEM)
    answer = root.request(method, place, json=body)
    assert answer.status_code in {400, 422}, (path, body, answer.text)
    assert any(item["field"].startswith(name) for item in answer.json()["errors"]), (body, answer.text)
    assert name in answer.json()["error"]


@lru_cache
def document_of(root: httpx2.Client) -> str:
    return root.get("/schema/openapi.json").text


def test_every_operation_with_a_body_is_known_here(root: httpx2.Client) -> None:
    found = operations(document_of(root))
    assert len(found) == len(ROUTES)
    assert all(schema["additionalProperties"] is False for _, _, schema, _ in found)
