"""The pages' routes.

Source: contract.md §3 (`/schema`); architecture.md, Web: strict content security policy, nothing from outside.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, get
from litestar.static_files import create_static_files_router  # pyright: ignore[reportUnknownVariableType]

from guiado import __version__
from guiado.i18n import DEFAULT_LANGUAGE, negotiate, text

_HERE = Path(__file__).parent
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
Http = Request[Any, Any, Any]


@lru_cache(maxsize=1)
def _pages() -> Environment:
    pages = Environment(loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    pages.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    return pages


def _page(request: Http, name: str, **values: object) -> Response[str]:
    language = negotiate(request.headers.get("accept-language")) or DEFAULT_LANGUAGE

    def translated(template: str, /, **params: object) -> str:
        return text(language, template, **params)

    html = _pages().get_template(name).render(_=translated, language=language, version=__version__, **values)
    return Response(html, media_type=MediaType.HTML, headers={**_SECURITY, "Content-Language": language})


def _document(request: Http) -> dict[str, Any]:
    return request.app.state["document_of"](request.app)


@get("/", include_in_schema=False)
async def home(request: Http) -> Response[str]:
    """The way in."""
    return _page(request, "home.html", base=str(request.base_url).rstrip("/"))


@get("/schema", include_in_schema=False)
async def schema(request: Http) -> Response[str] | Response[dict[str, Any]]:
    """The API: a page for people, OpenAPI for programs."""
    document = _document(request)
    if "text/html" not in request.headers.get("accept", ""):
        return Response(document, media_type="application/vnd.oai.openapi+json")
    base = str(request.base_url).rstrip("/")
    return _page(request, "schema.html", document=document, operations=operations(document), base=base)


@get("/schema/openapi.json", include_in_schema=False)
async def openapi(request: Http) -> Response[dict[str, Any]]:
    """The OpenAPI document."""
    return Response(_document(request), media_type="application/vnd.oai.openapi+json")


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every operation with an example of what to send, ready to show."""
    schemas = cast("dict[str, Any]", document.get("components", {}).get("schemas", {}))
    return [
        {
            "method": method.upper(),
            "path": path,
            "about": operation.get("description") or operation.get("summary") or "",
            "parameters": operation.get("parameters", []),
            "example": _example(operation, schemas),
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _example(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if not content:
        return None
    reference = next((option["$ref"] for option in [content, *content.get("oneOf", [])] if "$ref" in option), None)
    named: dict[str, Any] = schemas.get(reference.rsplit("/", 1)[1], {}) if reference else {}
    properties: dict[str, dict[str, Any]] = named.get("properties", {})
    found: dict[str, Any] = {name: _first_example(spec) for name, spec in properties.items()}
    return {name: value for name, value in found.items() if value is not None}


def _first_example(spec: dict[str, Any]) -> Any:  # noqa: ANN401
    options = [spec, *spec.get("oneOf", []), *spec.get("anyOf", [])]
    for option in options:
        examples = option.get("examples")
        if isinstance(examples, list) and examples:
            return cast("list[Any]", examples)[0]
        if isinstance(examples, dict) and examples:
            return next(iter(cast("dict[str, Any]", examples).values())).get("value")
    return None


STATIC = create_static_files_router(path="/static", directories=[_HERE / "static"], include_in_schema=False)
HANDLERS = [home, schema, openapi, STATIC]
