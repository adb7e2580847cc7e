"""Customer's pages: start, and the session behind a customer link, step by step, without a script or a cookie.

The token in the path is the credential, so that the pages work in a frame where the browser refuses cookies, and no other page
can send their forms. Opening takes a POST: a mail scanner that follows the link changes nothing and sees nothing.

Source: contract.md §6, rule 11; ADR 0035.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.params import FromPath

from guiado.app import commands
from guiado.app.access import customer_links
from guiado.app.access.customer_links import PATH, scope_of_link
from guiado.app.context import PUBLIC_CALLER, Scope
from guiado.app.sessions import answer as answering
from guiado.app.sessions import clarify as clarifying
from guiado.app.sessions import customer_messages, escalate, views
from guiado.app.sessions import start as starting
from guiado.app.sessions.ranking import rank
from guiado.app.sessions.record import SessionRecord, read_record
from guiado.app.validation import check
from guiado.domain.clarification import Reply
from guiado.domain.session import Status
from guiado.errors import Conflict, InvalidInput, Message, SessionNotFound
from guiado.http.incoming import incoming
from guiado.http.request import Http, base_of, links_of, runtime_of, scope_of
from guiado.store.customer_links import CustomerLink
from guiado.web.render import customer_headers, render

_MOST_FIELDS = 50
_CHANNEL = "web"
_ANSWERS: Mapping[str, Mapping[str, object]] = {
    "solved": {"success": True, "outcome": "solved"},
    "not_helped": {"success": True, "outcome": "not_helped"},
    "could_not": {"success": False, "outcome": "could_not"},
}
"""Value of a button -> the answer that it gives."""
Form = Mapping[str, str]
Page = Response[str]


@get(PATH, include_in_schema=False)
async def ask(request: Http) -> Page:
    """Show the form that starts a session."""
    return _start_page(request) if _is_on(request) else _unknown(request)


@post(PATH, include_in_schema=False, status_code=200)
async def begin(request: Http) -> Page:
    """Start a session from the service's own page, and lead to its link."""
    if not _is_on(request) or not _is_own(request):
        return _unknown(request)
    form = await _form(request)
    given = {"problem_description": form.get("words", ""), "customer_email": form.get("email", ""), "clarify": True}
    try:
        command = check(commands.Start, given)
    except InvalidInput as error:
        return _start_page(request, form, {each.field for each in error.problems})
    runtime, caller = runtime_of(request), PUBLIC_CALLER
    scope = replace(scope_of(request), tenant=runtime.settings.tenant, channel=_CHANNEL, caller=caller, session_id=None)
    ranking = await rank(runtime.knowledge.snapshot, command.problem_description)
    started = await runtime.parts.run_write(scope, starting.start, runtime.knowledge, command, None, ranking)
    days = runtime.settings.link_days
    session_id = started.session.session_id
    made = await runtime.parts.run_read(scope, customer_links.create, session_id, base_of(request).url, days)
    headers = {**_headers(request, secret_path=True), "Location": f"{PATH}/{made.token}"}
    return Response("", status_code=303, headers=headers, media_type="text/html")


@get(PATH + "/{token:str}", include_in_schema=False)
async def door(request: Http, token: FromPath[str]) -> Page:
    """Show the button that opens a session; nothing of the session."""
    link = await _link(request, token)
    return _customer_page(request, "customer_door.html", path=_path(token)) if link else _unknown(request)


@post(PATH + "/{token:str}", include_in_schema=False, status_code=200)
async def enter(request: Http, token: FromPath[str]) -> Page:
    """Open the session of a link and show where it stands."""
    link = await _link(request, token)
    if link is None:
        return _unknown(request)
    await runtime_of(request).parts.run_read(_scope(request, link), customer_links.mark_opened, link)
    return await _session_page(request, link, token)


@post(PATH + "/{token:str}/{action:str}", include_in_schema=False, status_code=200)
async def act(request: Http, token: FromPath[str], action: FromPath[str]) -> Page:
    """Take what the customer says on the page of their session, and show where it stands then."""
    link, do = await _link(request, token), _ACTIONS.get(action)
    if link is None or do is None:
        return _unknown(request)
    try:
        await do(request, _scope(request, link), await _form(request))
    except (Conflict, InvalidInput):  # pressed twice, on an old page, or nothing chosen: what stands is shown
        pass
    except SessionNotFound:
        return _unknown(request)
    return await _session_page(request, link, token)


# ------------------------------------------------------------------------------------------------------------------ actions


async def _step(request: Http, scope: Scope, form: Form) -> None:
    number = form.get("step_number", "")
    said = _ANSWERS.get(form.get("answer", ""))
    if said is None or not (number.isascii() and number.isdigit()):
        return
    command = check(commands.AnswerStep, {**said, "step_number": int(number[:9]), "source": "customer"})
    await runtime_of(request).parts.run_write(scope, answering.answer, scope.session_id, command)


async def _clarify(request: Http, scope: Scope, form: Form) -> None:
    names = ("problem_id", "answer", "question_id", "text")
    given: dict[str, object] = {name: value for name in names if (value := form.get(name, "").strip())}
    command = check(commands.Clarify, {**given, **({"none": True} if form.get("none") else {})})
    session_id = scope.session_id or ""
    runtime = runtime_of(request)
    knowledge = await runtime.knowledge_for(session_id)
    ranking = await clarifying.ranked_before(runtime.parts, knowledge, session_id, command.text) if command.text else ()
    await runtime.parts.run_write(scope, clarifying.clarify, knowledge, session_id, command, ranking)


async def _person(request: Http, scope: Scope, _form: Form) -> None:
    command = commands.Escalate(source="customer")
    await runtime_of(request).parts.run_write(scope, escalate.escalate, scope.session_id, command)


async def _resume(request: Http, scope: Scope, _form: Form) -> None:
    await runtime_of(request).parts.run_write(scope, escalate.resume, scope.session_id)


_ACTIONS: Mapping[str, Callable[[Http, Scope, Form], Awaitable[None]]] = {
    "step": _step,
    "clarify": _clarify,
    "person": _person,
    "resume": _resume,
}

# -------------------------------------------------------------------------------------------------------------------- pages


async def _session_page(request: Http, link: CustomerLink, token: str) -> Page:
    scope = _scope(request, link)
    try:
        record = await runtime_of(request).parts.run_read(scope, read_record, str(link.session_id))
    except SessionNotFound:  # erased meanwhile
        return _unknown(request)
    session, guide = record.session, record.guide
    step = views.open_step(session, guide)
    return _customer_page(
        request,
        "customer_session.html",
        language=session.language,
        path=_path(token),
        session=views.session_view(session, guide),
        step=step,
        place=Message("Paso {number} de {total}", {"number": step.step_number, "total": step.total_steps}) if step else None,
        reference=Message("Tu referencia: {reference}", {"reference": views.reference(session.session_id)}),
        asked=None if step else views.clarification_view(session),
        replies=[Reply.YES, Reply.NO, Reply.UNKNOWN],
        message=_message(record, has_step=step is not None),
        is_abandoned=session.status is Status.ABANDONED,
        may_ask_person=session.status in {Status.STARTED, Status.IN_PROGRESS},
    )


def _message(record: SessionRecord, *, has_step: bool) -> str:
    session = record.session
    if has_step and session.status is not Status.NEEDS_ESCALATION:
        return ""
    return customer_messages.nothing_to_do(session, record.guide)


def _start_page(request: Http, form: Form | None = None, faults: set[str] | None = None) -> Page:
    headers = _headers(request, secret_path=False)
    status = 400 if faults else 200
    given, named = form or {}, faults or set[str]()
    return render(request, "customer_start.html", status_code=status, headers=headers, path=PATH, given=given, faults=named)


def _unknown(request: Http) -> Page:
    """The page of a link that opens nothing; it does not say why, so that nobody learns which links there were."""
    return _customer_page(request, "customer_unknown.html", status_code=404, start=PATH if _is_on(request) else None)


def _customer_page(request: Http, name: str, *, status_code: int = 200, language: str | None = None, **values: object) -> Page:
    headers = _headers(request, secret_path=True)
    return render(request, name, status_code=status_code, headers=headers, language=language, **values)


def _headers(request: Http, *, secret_path: bool) -> dict[str, str]:
    return customer_headers(runtime_of(request).settings.origins, secret_path=secret_path)


# ------------------------------------------------------------------------------------------------------------------ requests


async def _link(request: Http, token: str) -> CustomerLink | None:
    return await links_of(request.app).find(token)


def _scope(request: Http, link: CustomerLink) -> Scope:
    return replace(scope_of_link(link, scope_of(request)), channel=_CHANNEL)


def _path(token: str) -> str:
    return f"{PATH}/{token}"


def _is_on(request: Http) -> bool:
    return runtime_of(request).settings.wizard == "on"


def _is_own(request: Http) -> bool:
    """Whether a form was sent by one of the service's own pages; a browser says which page it was."""
    asked = incoming(request.scope)
    origin = asked.header(b"origin")
    return not origin or origin.partition("://")[2] == asked.header(b"host")


async def _form(request: Http) -> Form:
    """The fields of a form; of what is no form, none."""
    try:
        return dict(parse_qsl((await request.body()).decode(errors="replace"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


HANDLERS = [ask, begin, door, enter, act]
