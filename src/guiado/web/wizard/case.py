"""The pages of a session: the step that is open, a passed one, a question, the end, and what its forms lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import segno
from litestar import get, post
from litestar.params import FromPath
from markupsafe import Markup

from guiado.app.access import customer_links
from guiado.app.access.customer_links import PATH
from guiado.app.context import UnitOfWork
from guiado.app.knowledge import media
from guiado.app.sessions.escalate import is_anybody_told
from guiado.app.sessions.feedback import is_asked_for
from guiado.app.sessions.record import SessionRecord, read_record
from guiado.domain.clarification import Option
from guiado.domain.guide import Guide
from guiado.domain.session import NamedProblem, Session
from guiado.errors import Conflict, InvalidInput, SessionNotFound
from guiado.http.request import Http, base_of, runtime_of, scope_of
from guiado.web.wizard import pages
from guiado.web.wizard.actions import ACTIONS
from guiado.web.wizard.door import CaseDoor, Page, door_of, form_of, page, scope_at, see, unknown

_QR_SCALE = 6
_RENEW = "enlace"
Titled = TypeVar("Titled", Option, NamedProblem)


@get(PATH + "/{token:str}", include_in_schema=False)
async def show_door(request: Http, token: FromPath[str]) -> Page:
    """Show the button that opens a session; nothing of the session, so that mail scanners see nothing."""
    door = await door_of(request, token)
    return page(request, door, "door") if door else _closed(request, token)


@post(PATH + "/{token:str}", include_in_schema=False, status_code=200)
async def enter(request: Http, token: FromPath[str]) -> Page:
    """Note that the link was opened, and lead to where the session stands."""
    door = await door_of(request, token)
    if door is None:
        return _closed(request, token)
    await runtime_of(request).parts.run_read(scope_at(request, door), customer_links.mark_opened, door.link)
    return see(request, door.to("caso"))


@get(PATH + "/{token:str}/{place:str}", include_in_schema=False)
async def show(request: Http, token: FromPath[str], place: FromPath[str]) -> Page:
    """Show where a session stands (`caso`), how to go on elsewhere (`seguir`), or whether it is to be closed (`cerrar`)."""
    door = await door_of(request, token, place)
    if door is None:
        return _closed(request, token)
    record = await _record(request, door)
    if record is None:
        return unknown(request)
    if place not in _PLACES:  # a form's address, as it stands in a history, or one that was mistyped
        return see(request, door.to("caso"))
    return await _PLACES[place](request, door, record)


@get(PATH + "/{token:str}/paso/{number:int}", include_in_schema=False)
async def show_step(request: Http, token: FromPath[str], number: FromPath[int]) -> Page:
    """Show one step: the open one, or one that was passed."""
    door = await door_of(request, token, f"paso/{number}")
    if door is None:
        return _closed(request, token)
    record = await _record(request, door)
    if record is None:
        return unknown(request)
    return pages.passed(request, door, record, number) or see(request, door.to("caso"))


@post(PATH + "/{token:str}/{place:str}", include_in_schema=False, status_code=200)
async def act(request: Http, token: FromPath[str], place: FromPath[str]) -> Page:
    """Take what the customer says on a page of their session, and lead to where it stands then."""
    door, do = await door_of(request, token), ACTIONS.get(place)
    if door is None and place == _RENEW:
        return await _renew(request, token)
    if door is None:
        return _closed(request, token)
    if do is None:
        return see(request, door.to("caso"))
    leads_to: str | None = None
    try:
        leads_to = await do(request, door, await form_of(request))
    except (Conflict, InvalidInput):  # pressed twice, on an old page, or nothing chosen: what stands is shown
        pass
    except SessionNotFound:
        return unknown(request)
    return see(request, _address(door, leads_to))


def _address(door: CaseDoor, place: str | None) -> str:
    if place is None:
        return door.to("caso")
    if place.startswith("/"):
        return place
    name, _, query = place.partition("?")
    address = door.to(name or "caso")
    return f"{address}{'&' if '?' in address else '?'}{query}" if query else address


async def _record(request: Http, door: CaseDoor) -> SessionRecord | None:
    """The session behind a door, in the language of its pages; None where it was erased meanwhile."""
    scope = scope_at(request, door)
    try:
        record = await runtime_of(request).parts.run_read(scope, read_record, str(door.link.session_id), with_ratings=True)
    except SessionNotFound:
        return None
    if named := media.addresses_of(record.guide):
        record = replace(record, sizes=await runtime_of(request).parts.run_read(scope, media.sizes, named))
    if not door.wished:
        return record
    knowledge = await runtime_of(request).knowledge_of_session(scope.tenant, record.session.session_id)
    return replace(record, session=_in_language(record.session, door.wished, knowledge.snapshot.guides))


def _in_language(session: Session, language: str, guides: Mapping[str, Guide]) -> Session:
    """The session with the titles of the problems that it offers in another language than its own."""

    def titled(each: Titled) -> Titled:
        guide = guides.get(each.problem_id)
        return replace(each, title=guide.in_language(language).problem_title) if guide else each

    turns = tuple(replace(turn, options=tuple(map(titled, turn.options))) for turn in session.clarifications)
    named = tuple(map(titled, session.also_named))
    return replace(session, language=language, clarifications=turns, also_named=named)


async def _desk(work: UnitOfWork) -> pages.Desk:
    return pages.Desk(asks_rating=await is_asked_for(work), is_told=await is_anybody_told(work))


async def _case(request: Http, door: CaseDoor, record: SessionRecord) -> Page:
    desk = await runtime_of(request).parts.run_read(scope_at(request, door), _desk)
    return pages.standing(request, door, record, desk)


async def _elsewhere(request: Http, door: CaseDoor, record: SessionRecord) -> Page:
    address = f"{base_of(request).url}{PATH}/{door.token}"
    drawn = segno.make(address, error="m").svg_inline(scale=_QR_SCALE, omitsize=True, border=2)
    qr = Markup(drawn)  # noqa: S704 drawn by us
    return page(
        request,
        door,
        "elsewhere",
        language=record.session.language,
        address=address,
        qr=qr,
        until=pages.until(door, record.session.language, runtime_of(request).settings.time_zone),
    )


async def _closing(request: Http, door: CaseDoor, record: SessionRecord) -> Page:
    if record.session.status.ended:
        return see(request, door.to("caso"))
    return pages.closable(request, door, record)


_PLACES = {"caso": _case, "seguir": _elsewhere, "cerrar": _closing}


async def _renew(request: Http, token: str) -> Page:
    """Mail a new link in place of one that expired; the page is the same whether there was one or not."""
    runtime = runtime_of(request)
    await customer_links.send_new_link(runtime.parts, scope_of(request), token, base_of(request).url, runtime.settings.link_days)
    return unknown(request, asked_new=True)


def _closed(request: Http, token: str) -> Page:
    """The page of a link that opens nothing; a well-formed one may be renewed by mail."""
    can_mail = runtime_of(request).parts.has_account("email")
    return unknown(request, renew=pages.renewal(request, token) if can_mail else None)


HANDLERS = [show_door, enter, show, show_step, act]
