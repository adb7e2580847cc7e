"""Search for sessions by ticket, customer, problem, status and time, and for one by its short reference."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import msgspec

from guiado.app.access.audit import audited_read, note_access
from guiado.app.commands import Page
from guiado.app.context import UnitOfWork
from guiado.app.sessions.models import SessionRow
from guiado.app.sessions.views import reference
from guiado.errors import FieldProblem, InvalidInput, Message, SessionNotFound, printable
from guiado.store import sessions
from guiado.store.sessions import Wanted, uuid_or_none

P = ParamSpec("P")
T = TypeVar("T")
_REFERENCE = re.compile(r"[0-9a-f]{6,32}")
_EATEN_PLUS = re.compile(r"(T[\d:.,]+) (\d\d:?(?:\d\d)?)", re.ASCII)
"""A time whose plus sign arrived as a blank: in an address curl users type 2026-11-22T10:00:00+01:00, without `%2B`."""


def wanted_of(page: Page, zone: tzinfo | None = UTC, name_of: Callable[[str], str] = str) -> Wanted:
    """The search criteria of a checked command.

    Args:
        zone: of dates and times that name none; None means that of this machine.
        name_of: the caller's name of a field.

    Raises:
        InvalidInput: a date cannot be read.
    """
    since = moment_of(name_of("since"), page.since, zone)
    until = moment_of(name_of("until"), page.until, zone, is_end=True)
    if since and until and until <= since:
        why = Message("Debe ser posterior a {since}.", {"since": name_of("since")})
        raise InvalidInput([FieldProblem(name_of("until"), why)])
    return Wanted(
        status=page.status.value if page.status else None,
        ticket_id=page.ticket_id,
        customer_email=page.customer_email,
        problem_id=page.problem_id,
        since=since,
        until=until,
    )


def moment_of(name: str, given: str | None, zone: tzinfo | None = UTC, *, is_end: bool = False) -> datetime | None:
    """Read a date or time that a person wrote.

    Args:
        zone: where it names none; None means that of this machine.
        is_end: a whole day means its end.

    Raises:
        InvalidInput: it is none.
    """
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(_EATEN_PLUS.sub(r"\1+\2", given))
        whole_day = moment.time() == time() and len(given) <= len("2026-11-22")
        # Until a day means until its end.
        moment += timedelta(days=1 if is_end and whole_day else 0)
        local = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
        return (moment if moment.tzinfo else local).astimezone(UTC)
    except (ValueError, OverflowError):
        why = Message("{given} no es una fecha. Escríbela así: 2026-11-22 o 2026-11-22T10:00.", {"given": printable(given)})
        raise InvalidInput([FieldProblem(name, why)]) from None


@audited_read
async def find(work: UnitOfWork, limit: int, wanted: Wanted, before: tuple[datetime, UUID] | None = None) -> list[SessionRow]:
    """Sessions, newest first, each with its short `reference`."""
    rows = await sessions.page(work.connection, work.tenant, limit, before=before, wanted=wanted)
    found = [msgspec.convert({**row, "reference": reference(str(row["session_id"]))}, SessionRow) for row in rows]
    await note_access(work, "session", [each.session_id for each in found])
    return found


async def id_of(work: UnitOfWork, given: str) -> str:
    """The id of the session that a person names: by its id, by its reference, or by the beginning of its id.

    Raises:
        SessionNotFound: there is none.
        InvalidInput: it is more than one.
    """
    if uuid_or_none(given) is not None:
        return given
    digits = given.strip().lower().replace("-", "")
    found = await sessions.by_reference(work.connection, work.tenant, digits) if _REFERENCE.fullmatch(digits) else []
    if not found:
        raise SessionNotFound(given)
    if len(found) > 1:
        why = Message("Varias sesiones tienen {given} en su identificador. Escribe más caracteres.", {"given": printable(given)})
        raise InvalidInput([FieldProblem("session_id", why)])
    return found[0]


async def on_session(
    work: UnitOfWork,
    given: str,
    action: Callable[Concatenate[UnitOfWork, str, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a use case on the session that a person names; see `id_of`."""
    return await action(work, await id_of(work, given), *args, **kwargs)
