"""The page `/estado`, for whoever runs the service: what `guiado doctor` says, the figures of the moment, and where to go on."""

from __future__ import annotations

from collections import Counter

from litestar import Response, get
from litestar.exceptions import NotFoundException

from guiado.app.access.permissions import SESSIONS_READ, is_allowed
from guiado.app.analytics import report
from guiado.checkup import Checkup, CheckupReport, ShownFinding, has_database, report_of
from guiado.domain.session import Status
from guiado.errors import GuiadoError, Message
from guiado.http.incoming import incoming
from guiado.http.problems import HANDLED, ProblemDetails, respond
from guiado.http.request import Http, base_of, run_read, runtime_of, scope_of
from guiado.i18n import translate
from guiado.store.check_result import CheckState
from guiado.web.negotiation import is_for_people
from guiado.web.render import PLAIN, page_language, render
from guiado.web.wizard.door import switch_here

_MOST_LISTED = 50
_HEADERS = {**PLAIN, "Cache-Control": "no-store"}
_ORDER = (CheckState.BAD, CheckState.DOUBTFUL, CheckState.GOOD)
_PASSED_ON = frozenset(("www-authenticate", "retry-after", "allow"))
_NOT_FOUND, _UNAVAILABLE = 404, 503
_KEY_ASKED = (
    Message("Para ver el estado hace falta una clave de API."),
    Message("Pídelo desde otro programa, con tu clave de API:"),
)
_REFUSED = {
    401: _KEY_ASKED,
    403: (
        Message("Con esa clave de API no se puede ver el estado."),
        Message("Pídelo con una que tenga el permiso sessions:read:"),
    ),
    503: (Message("La base de datos no responde ahora."), Message("Vuelve a intentarlo en unos segundos.")),
}
_FAILED = Message("Ahora no se puede ver el estado."), Message("Vuelve a intentarlo en unos segundos.")


def may_see_state(request: Http) -> bool:
    """Whether the page is for this caller: at the service's own machine, or with a key of the installation's own tenant."""
    scope = scope_of(request)
    is_ours = scope.session_id is None and scope.tenant == runtime_of(request).settings.tenant
    return incoming(request.scope).is_from_here or (is_ours and is_allowed(scope, SESSIONS_READ))


def _on_error(request: Http, error: Exception) -> Response[bytes] | Response[ProblemDetails]:
    """An error on this page: a page for people, the usual problem for programs."""
    problem = respond(request, error)
    if not is_for_people(request):
        problem.headers["Vary"] = "Accept, Accept-Language"
        return problem
    status = problem.status_code or _UNAVAILABLE
    if status == _NOT_FOUND:
        return missing(request)
    heading, told = _REFUSED.get(status, _FAILED)
    kept = {name: value for name, value in problem.headers.items() if name.lower() in _PASSED_ON}
    return render(
        request,
        "refused.html",
        status_code=status,
        headers={**_HEADERS, **kept},
        heading=heading,
        told=told,
        shows_key=status in {401, 403},
        base=base_of(request).url,
        switch=switch_here(request),
    )


@get("/estado", include_in_schema=False, exception_handlers=dict.fromkeys(HANDLED, _on_error))
async def state(request: Http) -> Response[bytes] | Response[CheckupReport]:
    """State of the service: a page for people, what `guiado doctor --json` writes for programs."""
    if not may_see_state(request):
        raise NotFoundException
    return await show_state(request) if is_for_people(request) else await tell_state(request)


async def tell_state(request: Http) -> Response[CheckupReport]:
    """The state as JSON."""
    status, told = await _look(request)
    language = page_language(request)
    headers = {"Cache-Control": "no-store", "Content-Language": language, "Vary": "Accept, Accept-Language"}
    return Response(told, status_code=status, headers=headers)


async def show_state(request: Http) -> Response[bytes]:
    """The state as a page."""
    status, told = await _look(request)
    counts = Counter(check["state"] for check in told["checks"])
    return render(
        request,
        "state.html",
        status_code=status,
        headers=_HEADERS,
        switch=switch_here(request),
        base=base_of(request).url,
        needs_key=not is_allowed(scope_of(request), SESSIONS_READ),
        figures=await _figures(request) if status != _UNAVAILABLE else None,
        worst=next((each.value for each in _ORDER if counts[each]), CheckState.GOOD.value),
        counts=counts,
        checks=sorted(told["checks"], key=_severity),
    )


def _severity(check: ShownFinding) -> int:
    return _ORDER.index(CheckState(check["state"]))


async def show_state_or_name(request: Http) -> Response[bytes]:
    """The start where customers start nothing here: the state for whoever may see it, the team's name for all others."""
    return await show_state(request) if may_see_state(request) else render(request, "name.html")


async def _look(request: Http) -> tuple[int, CheckupReport]:
    """Status of the answer, and the findings in its language."""
    checkup: Checkup = request.app.state["checkup"]
    findings, language = await checkup.findings(), page_language(request)
    return 200 if has_database(findings) else _UNAVAILABLE, report_of(findings, lambda said: translate(said, language))


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


def missing(request: Http) -> Response[bytes]:
    """The page for an address that does not exist."""
    return render(request, "missing.html", status_code=_NOT_FOUND, switch=switch_here(request))


HANDLERS = [state]
