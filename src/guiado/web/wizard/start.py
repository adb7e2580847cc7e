"""The start: what is wrong, in the customer's words, or one of the most frequent problems."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from litestar import get, post

from guiado import clock
from guiado.app import commands
from guiado.app.access.customer_links import PATH
from guiado.app.access.signed_customer import FIELD, admitted_customer
from guiado.app.context import Scope, UnitOfWork
from guiado.app.idempotency import key_of, once, request_hash
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.sessions import start as starting
from guiado.app.sessions.no_problem import frequent_options
from guiado.app.sessions.ranking import rank
from guiado.app.validation import check
from guiado.domain.clarification import Option
from guiado.domain.variants import device_named_by
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message
from guiado.http.incoming import incoming
from guiado.http.request import Http, run_read, runtime_of, scope_of
from guiado.web.render import page_language, render
from guiado.web.wizard.door import (
    CHANNEL,
    NOT_LISTED,
    Form,
    Page,
    form_of,
    headers_of,
    in_same_language,
    is_on,
    is_own,
    new_door,
    see,
    switch_here,
    unknown,
)

ONCE_FIELD = "vez"
"""Field with the name of one showing of the form, so that it starts one session however often it is sent."""
_Start = Callable[[UnitOfWork], Awaitable[dict[str, str]]]
_ONCE = re.compile("[0-9a-f]{32}")
_NOTHING = Message("Cuéntanos qué te pasa, con unas palabras.")
_LONGEST_PRESET = 4_000
_LONGEST_USER_AGENT = 1_000
_TOO_LONG = Message("Es demasiado largo. Cuéntalo con menos palabras.")


@get(PATH, include_in_schema=False)
async def ask(request: Http) -> Page:
    """Show the form that starts a session."""
    return await start_page(request) if is_on(request) else unknown(request)


@post(PATH, include_in_schema=False, status_code=200)
async def begin(request: Http) -> Page:
    """Start a session from the service's own page, and lead to it."""
    if not is_on(request) or not is_own(request):
        return unknown(request)
    form, language = await form_of(request), page_language(request)
    runtime = runtime_of(request)
    scope = replace(scope_of(request), tenant=runtime.settings.tenant, channel=CHANNEL, session_id=None)
    try:
        given = check(commands.StartHere, {**_given(runtime.knowledge, form, language), **_device(request)})
        command, scope = admitted_customer(given, scope, runtime.settings.customer_secrets, must_sign=False)
    except InvalidInput as error:
        unsigned = next((each for each in error.problems if each.field == FIELD), None)
        return await start_page(request, form, error) if unsigned is None else _unsigned(request, form, unsigned)
    ranking = await rank(runtime.knowledge.snapshot, command.problem_description)

    async def start(work: UnitOfWork) -> dict[str, str]:
        started = await starting.start(work, runtime.knowledge, command, None, ranking)
        if started.running is not None:
            return {"session_id": started.running.session_id, "place": "cerrar"}
        return {"session_id": started.session.session_id, "place": "caso"}

    led = await _once(request, scope, form, start)
    return see(request, await new_door(request, scope, led["session_id"], led["place"]))


async def _once(
    request: Http, scope: Scope, form: Form, start: Callable[[UnitOfWork], Awaitable[dict[str, str]]]
) -> dict[str, str]:
    """Start a session; the same form that is sent again, as by a second press, leads to the same one."""
    name, parts = form.get(ONCE_FIELD, ""), runtime_of(request).parts
    if not _ONCE.fullmatch(name):
        return await parts.run_write(scope, start)
    sent = request_hash(*(f"{key}={value}".encode() for key, value in sorted(form.items())))
    return await once(parts, scope, key_of(scope, f"{name}:{sent}"), sent, start)


def _unsigned(request: Http, form: Form, problem: FieldProblem) -> Page:
    """The page that says that the customer's signed data cannot be used, and goes on without them."""
    return render(
        request,
        "wizard/unsigned.html",
        status_code=400,
        headers=headers_of(request, secret_path=False),
        language=page_language(request),
        switch=switch_here(request),
        action=in_same_language(request, PATH),
        given={name: form[name] for name in ("words", "problem_id") if name in form},
        why=str(problem.message),
    )


def _given(knowledge: KnowledgeBase, form: Form, language: str) -> dict[str, object]:
    """The command of a form: words, or the title of a problem that was chosen, and the customer's signed data."""
    signed = {FIELD: form[FIELD]} if form.get(FIELD) else {}
    return {**_problem(knowledge, form, language), **signed}


def _device(request: Http) -> dict[str, object]:
    """The device that the customer's browser names; nothing more of it is kept."""
    found = device_named_by(request.headers.get("user-agent", "")[:_LONGEST_USER_AGENT])
    return {"device": found} if found else {}


def _problem(knowledge: KnowledgeBase, form: Form, language: str) -> dict[str, object]:
    chosen = form.get("problem_id", "")
    guide = knowledge.snapshot.guides.get(chosen)
    if guide is None:
        return {"problem_description": form.get("words", ""), "clarify": True}
    return {
        "problem_description": guide.in_language(language).problem_title,
        "problem_id": chosen,
        "language": language,
        "clarify": True,
    }


async def start_page(request: Http, form: Form | None = None, fault: InvalidInput | None = None) -> Page:
    """Render the start.

    Args:
        form: that was sent and cannot be taken.
        fault: why not.
    """
    language = page_language(request)
    given = form or {"words": request.query_params.get("palabras", "")[:_LONGEST_PRESET]}
    problem = fault.problems[0] if fault else None
    too_long = problem is not None and problem.code == "too_long"
    trouble = None if problem is None else _TOO_LONG if too_long else _NOTHING
    runtime = runtime_of(request)
    preset = _preset(runtime.knowledge, request.query_params.get("problema", ""), language)
    return render(
        request,
        "wizard/start.html",
        status_code=400 if fault else 200,
        headers={**headers_of(request, secret_path=False), **({} if request.url.path == "/" else NOT_LISTED)},
        language=language,
        switch=switch_here(request),
        action=in_same_language(request, PATH),
        preset=preset,
        frequent=[each for each in await _frequent(request, language) if preset is None or each.problem_id != preset.problem_id],
        given=given,
        trouble=trouble,
        is_local=incoming(request.scope).is_from_here,
        once=clock.new_id().hex,
    )


def _preset(knowledge: KnowledgeBase, problem_id: str, language: str) -> Option | None:
    """The problem that the address names, as a choice; None where it names none that is known."""
    guide = knowledge.snapshot.guides.get(problem_id)
    return None if guide is None else Option(problem_id, guide.in_language(language).problem_title, confidence=1)


async def _frequent(request: Http, language: str) -> tuple[Option, ...]:
    """The most frequent problems; none while the database does not answer."""
    snapshot = runtime_of(request).knowledge.snapshot
    try:
        asked = await run_read(request, frequent_options, snapshot, language)
    except GuiadoError:
        return ()
    return tuple(asked.options)


HANDLERS = [ask, begin]
