"""The OpenAPI document: the framework's description of the routes, with types, words and examples for every field.

Types come from the commands and answers themselves, words and examples from `glossary.toml`.

Source: OpenAPI 3.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from litestar import Litestar

from guiado.api.access_rules import RULES
from guiado.api.openapi.components import REFERENCE, Schema, components, glossary, noted, with_component_names
from guiado.api.openapi.files import describe_files

Document = Schema
_TAGS = (
    (r"/(detect)$", "Detección"),
    (r"/(analytics|realtime)$|^/metrics$", "Cifras"),
    (r"/webhooks\b", "Webhooks"),
    (r"/templates\b", "Plantillas"),
    (r"/(notifications|recipients)\b", "Avisos"),
    (r"/keys\b", "Claves de API"),
    (r"/customers\b", "Clientes"),
    (r"/guidance\b", "Orden de los pasos"),
    (r"^/(healthz|readyz)$", "Estado"),
    (r"^/api/v1/executions/", "Flujos"),
    (r"", "Sesiones"),
)
"""Pattern of a path -> its tag; the first that fits counts. The glossary describes the tags, and gives their order."""
_TYPES = {"limit": ("Page", "limit"), "days": ("Period", "days"), "list_sessions.status": ("Page", "status")}
"""Query parameter -> command and field that give its type."""
_READ_ONLY = frozenset(("detect", "render_template", "export_customer"))
"""Operations that change nothing although their method is not GET."""
_LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def document_of(app: Litestar) -> Document:
    """Return the OpenAPI document of an application, made once."""
    if "document" not in app.state:
        app.state["document"] = _make(app.openapi_schema.to_schema())
    return app.state["document"]


def _make(raw: Document) -> Document:
    found = with_component_names(raw)
    schemas, events = components()
    words = glossary()
    found["info"] |= {**words["info"], "license": _LICENCE}
    found["tags"] = [{"name": name, "description": about} for name, about in words["tags"].items()]
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            _describe(operation, path, method, schemas)
            operation["security"] = _security(path, method)
    found["webhooks"] = {kind: _event(kind, name, schemas) for kind, name in events.items()}
    found["components"]["responses"] = _share_problems(found["paths"])
    found["components"]["schemas"] = _reachable(found, schemas)
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": words["security"]["key"]}
    }
    return found


def _security(path: str, method: str) -> list[Document]:
    """The key that an operation needs, with its permission; none where it is public."""
    bare = path.rstrip("/") if path != "/" else path
    permission = RULES[f"{method.upper()} {bare}"].permission
    return [{"key": [permission]}] if permission else []


def _describe(operation: Document, path: str, method: str, schemas: Document) -> None:
    about = str(operation.get("description") or "").strip()
    operation["tags"] = [next(name for pattern, name in _TAGS if re.search(pattern, path))]
    operation["summary"] = re.split(r"[:;.](?:\s|$)", about)[0].replace("`", "")
    operation.pop("deprecated", None)
    parameters = [_parameter(each, operation["operationId"], schemas) for each in operation.get("parameters", [])]
    operation["parameters"] = parameters + _headers(path, method, operation["operationId"])
    if body := operation.get("requestBody"):
        _describe_body(body, schemas)
    for status, response in operation["responses"].items():
        _describe_response(status, response, schemas)
    describe_files(operation)


def _parameter(raw: Document, operation: str, schemas: Document) -> Document:
    name = raw["name"]
    key = f"{operation}.{name}" if f"{operation}.{name}" in _TYPES else name
    known = _TYPES.get(key) if raw["in"] == "query" else None
    schema = schemas[known[0]]["properties"][known[1]] if known else _without_null(raw["schema"])
    about, example = noted(operation, name, "parameters")
    example = example if example is not None else next(iter(schema.get("examples", [])), None)
    schema = {part: value for part, value in schema.items() if part not in {"description", "examples"}}
    return {
        "name": name,
        "in": raw["in"],
        "required": bool(raw.get("required")),
        "description": about,
        "schema": _typed(schema, known is not None),
        "example": example,
    }


def _typed(schema: Document, from_command: bool) -> Document:
    """Remove null from a query parameter's type: a query cannot send it."""
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return options[0] if from_command and len(options) == 1 else schema


def _without_null(schema: Document) -> Document:
    options = [option for option in schema.get("oneOf", []) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else schema


def _headers(path: str, method: str, operation: str) -> list[Document]:
    if not path.startswith("/api/"):
        return []
    notes = glossary()["headers"]
    changes = method != "get" and operation not in _READ_ONLY
    wanted = {"Accept-Language": {"type": "string"}} | (
        {"Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}} if changes else {}
    )
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": notes[name][0],
            "schema": schema,
            "example": notes[name][1],
        }
        for name, schema in wanted.items()
    ]


def _describe_body(body: Document, schemas: Document) -> None:
    for content in body["content"].values():
        options = content["schema"].get("oneOf", [content["schema"]])
        body["required"] = all(option.get("type") != "null" for option in options)
        content["schema"] = next(option for option in options if "$ref" in option)
        content["example"] = _example(content["schema"], schemas)


def _describe_response(status: str, response: Document, schemas: Document) -> None:
    response.pop("headers", None)
    done = glossary()["statuses"].get(status)
    if done and not any("problem" in kind for kind in response.get("content", {})):
        response["description"] = done
    for content in response.get("content", {}).values():
        schema = content.get("schema", {})
        if "$ref" in schema:
            content["example"] = _example(schema, schemas)
        elif "oneOf" in schema:
            content["example"] = _example(next(option for option in schema["oneOf"] if "$ref" in option), schemas)
        elif schema.get("type") == "string":
            content["example"] = '# TYPE guiado_deliveries_pending gauge\nguiado_deliveries_pending{webhook_id="crm"} 2\n'


def _share_problems(paths: Document) -> Document:
    """Move error responses into shared components, one per status, and return these."""
    shared: Document = {}
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        for status, response in operation["responses"].items():
            if any("problem" in kind for kind in response.get("content", {})):
                shared[f"Problem{status}"] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
    return shared


def _example(reference: Mapping[str, str], schemas: Document) -> object:
    return schemas[reference["$ref"].rsplit("/", 1)[1]]["examples"][0]


def _event(kind: str, name: str, schemas: Document) -> Document:
    reference = {"$ref": f"{REFERENCE}{name}"}
    return {
        "post": {
            "operationId": f"event_{kind}",
            "summary": schemas[name]["description"],
            "tags": ["Webhooks"],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": reference, "example": schemas[name]["examples"][0]}},
            },
            "responses": {"2XX": {"description": glossary()["statuses"]["received"]}},
        }
    }


def _reachable(document: Document, schemas: Document) -> Document:
    """Return the components that the document refers to, in alphabetical order."""
    kept: Document = {}
    waiting = [document["paths"], document["webhooks"], document["components"]["responses"]]
    while waiting:
        for name in re.findall(r"'#/components/schemas/(\w+)'", str(waiting.pop())):
            if name not in kept:
                kept[name] = schemas[name]
                waiting.append(schemas[name])
    return dict(sorted(kept.items()))
