"""Routes of the pages: home page, API reference and static files.

Source: contract.md §3 (`/schema`); architecture.md, Web: strict content security policy, nothing from outside.
"""

from __future__ import annotations

import re

from litestar import Response, get

from guiado.app.access.permissions import ANALYTICS_READ, is_allowed
from guiado.app.analytics import report
from guiado.domain.session import Status
from guiado.errors import GuiadoError
from guiado.http.request import Http, base_of, run_read, runtime_of, scope_of
from guiado.web import reference
from guiado.web.assets import static
from guiado.web.render import render
from guiado.web.wizard.door import is_on
from guiado.web.wizard.start import start_page

_MOST_LISTED = 50
_QUALITY = re.compile(r"[01](?:\.\d{0,3})?", re.ASCII)


def is_for_people(request: Http) -> bool:
    """Whether a request prefers HTML to JSON; with equal preference the answer is JSON.

    Source: RFC 9110, section 12.5.1.
    """
    weights = _weights(request.headers.get("accept", ""))
    others = max((weight for kind, weight in weights.items() if kind.endswith("json")), default=0.0)
    return weights.get("text/html", 0.0) > others


def _weights(accept: str) -> dict[str, float]:
    """Parse an `Accept` header into media types and their weights, 0 to 1."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        found[kind] = float(quality) if _QUALITY.fullmatch(quality) else 1.0
    return found


def missing(request: Http) -> Response[bytes]:
    """Render the 404 page."""
    return render(request, "missing.html", status_code=404, is_local=runtime_of(request).settings.is_loopback)


@get("/", include_in_schema=False)
async def home(request: Http) -> Response[bytes]:
    """Home page: the start of the wizard; where that is off, the state of the service."""
    return await start_page(request) if is_on(request) else await show_state(request)


async def show_state(request: Http) -> Response[bytes]:
    """Render the state of the service: sessions that wait, and links."""
    shows = is_allowed(scope_of(request), ANALYTICS_READ)
    figures = await _figures(request) if shows else None
    return render(request, "home.html", base=base_of(request).url, shows=shows, figures=figures)


async def _figures(request: Http) -> dict[str, object] | None:
    try:
        found = await run_read(request, report.realtime)
    except GuiadoError:
        return None
    waiting = sum(row.status == Status.NEEDS_ESCALATION for row in found.active_sessions)
    more = "+" if len(found.active_sessions) >= _MOST_LISTED else ""
    return {
        "active": found.metrics.active_sessions,
        "waiting": f"{waiting}{more}",
        "resolved": found.metrics.resolved_last_hour,
    }


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
    groups, events = reference.groups(document), reference.events(document)
    return render(request, "schema.html", api="/api/support/troubleshooting", groups=groups, events=events)


@get("/schema/openapi.json", include_in_schema=False)
async def openapi(request: Http) -> Response[reference.Document]:
    """The OpenAPI document."""
    return Response(_document(request), media_type="application/vnd.oai.openapi+json")


@get("/ayuda/componentes", include_in_schema=False)
async def components(request: Http) -> Response[bytes]:
    """The parts of the pages in all their states; for whoever develops them, so on this machine only."""
    is_local = runtime_of(request).settings.is_loopback
    return render(request, "components.html") if is_local else missing(request)


HANDLERS = [home, components, schema, openapi, static]
