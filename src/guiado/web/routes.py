"""Routes of the pages: home page, API reference and static files.

Source: contract.md §3 (`/schema`); architecture.md, Web: strict content security policy, nothing from outside.
"""

from __future__ import annotations

import asyncio

from litestar import Response, get

from guiado.http.request import Http, base_of, runtime_of
from guiado.web import reference
from guiado.web.assets import static, widget
from guiado.web.negotiation import is_for_people
from guiado.web.render import LANGUAGE_FIELD, PLAIN, answer, html_of, page_language, render
from guiado.web.state import missing, show_state_or_name
from guiado.web.wizard.door import is_on
from guiado.web.wizard.start import start_page

_MOST_KEPT = 12


@get("/", include_in_schema=False)
async def home(request: Http) -> Response[bytes]:
    """Home page: the start of the wizard; where that is off, the state of the service."""
    return await start_page(request) if is_on(request) else await show_state_or_name(request)


def _document(request: Http) -> reference.Document:
    base, is_fixed = base_of(request), bool(runtime_of(request).settings.public_url)
    server = base.url if is_fixed else base.prefix or "/"
    return {**request.app.state["document_of"](request.app), "servers": [{"url": server}]}


@get("/schema", include_in_schema=False)
async def schema(request: Http) -> Response[bytes] | Response[reference.Document]:
    """API reference: a page for browsers, OpenAPI for programs."""
    document = _document(request)
    if not is_for_people(request):
        return Response(document, media_type="application/vnd.oai.openapi+json", headers={"Vary": "Accept"})
    kept: dict[tuple[str, str], str] = request.app.state["reference_pages"]
    language = page_language(request)
    key = language, base_of(request).prefix
    if key not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = await asyncio.to_thread(_reference_html, request, document, language)
    return answer(request, kept[key], language, 200, PLAIN)


def _reference_html(request: Http, document: reference.Document, language: str) -> str:
    """The text of the API reference. It takes a tenth of a second, and is always the same."""

    def switch(other: str) -> str:
        return f"{base_of(request).prefix}/schema?{LANGUAGE_FIELD}={other}"

    return html_of(
        request,
        "schema.html",
        language,
        switch=switch,
        api="/api/support/troubleshooting",
        groups=reference.groups(document),
        events=reference.events(document),
        errors=reference.errors(document),
        error_body=reference.error_body(document),
        shapes=reference.shapes(document),
        shape_anchor=reference.shape_anchor,
    )


@get("/schema/openapi.json", include_in_schema=False)
async def openapi(request: Http) -> Response[reference.Document]:
    """The OpenAPI document."""
    return Response(_document(request), media_type="application/vnd.oai.openapi+json")


@get("/ayuda/componentes", include_in_schema=False)
async def components(request: Http) -> Response[bytes]:
    """The parts of the pages in all their states; for whoever develops them, so on this machine only."""
    is_local = runtime_of(request).settings.is_loopback
    return render(request, "components.html") if is_local else missing(request)


HANDLERS = [home, components, schema, openapi, static, widget]
