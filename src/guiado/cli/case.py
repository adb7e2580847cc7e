"""Session operations of the terminal for operators: find, show, close, hand over, rate, reopen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from guiado.app import commands
from guiado.app.context import Scope, UnitOfWork
from guiado.app.models import plain
from guiado.app.sessions import answer, escalate, feedback, search, views
from guiado.app.validation import check
from guiado.domain.session import Session
from guiado.errors import FieldProblem, InvalidInput
from guiado.store import sessions
from guiado.sync import engine

View = dict[str, Any]
_OPTIONS = {
    "ticket_id": "--ticket",
    "customer_email": "--email",
    "problem_id": "--problem",
    "since": "--since",
    "until": "--until",
}
_AGENT = Scope(actor="agent", channel="terminal")


def recent(limit: int, **conditions: str | None) -> list[View]:
    """The newest sessions.

    Args:
        limit: at most so many.
        conditions: status, ticket_id, customer_email, problem_id, since, until; None stands for all.

    Raises:
        InvalidInput: names every bad option.
    """
    try:
        page = check(commands.Page, {name: value for name, value in conditions.items() if value is not None})
        wanted = search.wanted_of(page, None)
    except InvalidInput as error:
        raise InvalidInput(
            [FieldProblem(_OPTIONS.get(each.field, each.field), each.message) for each in error.problems]
        ) from None

    async def run(work: UnitOfWork) -> list[View]:
        return [plain(row) for row in await search.find(work, limit, wanted)]

    return engine().do_read(run)


def whole(given: str) -> View:
    """A session with every attempt and rating, as the API shows it: `session attempts summary understood feedback`.

    Args:
        given: its id, its reference, or the beginning of its id.

    Raises:
        SessionNotFound, InvalidInput: see `finding.id_of`.
    """

    async def run(work: UnitOfWork) -> View:
        loaded, guide = await answer.load(work, await search.id_of(work, given))
        tried = await sessions.attempts(work.connection, work.tenant, loaded.session.session_id)
        return {
            "session": plain(views.session_view(loaded.session, guide)),
            "attempts": [plain(views.attempt_view(stored)) for stored in tried],
            "summary": plain(views.summary_view(tried)),
            "understood": plain(views.understood_view(loaded.session)),
            "feedback": [plain(each) for each in await feedback.ratings(work, loaded.session.session_id)],
        }

    return engine().do_read(run)


def id_of(given: str) -> str:
    """Resolve an id, a short reference or the beginning of an id to a session id."""

    async def run(work: UnitOfWork) -> str:
        return await search.id_of(work, given)

    return engine().do_read(run)


def close(given: str, said: Mapping[str, object]) -> View:
    """Close a session as solved, with its real problem: `problem_id step_id minutes notes`."""
    command = check(commands.Resolve, _given(said))

    async def act(work: UnitOfWork, session_id: str) -> Session:
        return (await escalate.resolve(work.called_by(_AGENT), session_id, command))[0]

    return _change(given, act)


def hand_over(given: str, reason: str | None) -> View:
    """Hand a session over to a person."""
    command = check(commands.Escalate, _given({"reason": reason}))

    async def act(work: UnitOfWork, session_id: str) -> Session:
        return (await escalate.escalate(work.called_by(_AGENT), session_id, command)).session

    return _change(given, act)


def open_again(given: str) -> View:
    """Reopen an abandoned session at its current step."""

    async def act(work: UnitOfWork, session_id: str) -> Session:
        return (await escalate.resume(work.called_by(_AGENT), session_id))[0]

    return _change(given, act)


def rate(given: str, said: Mapping[str, object]) -> View:
    """Store a rating: `rating feedback_text was_helpful`."""
    command = check(commands.Rate, _given(said))

    async def act(work: UnitOfWork, session_id: str) -> Session:
        return (await feedback.rate(work.called_by(_AGENT), session_id, command))[0]

    return _change(given, act)


def _given(said: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in said.items() if value is not None}


def _change(given: str, act: Callable[[UnitOfWork, str], Awaitable[Session]]) -> View:
    async def run(work: UnitOfWork) -> View:
        return plain(views.session_view(await act(work, await search.id_of(work, given))))

    return engine().do_write(run)
