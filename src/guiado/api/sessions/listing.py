"""The list of sessions: by ticket, customer, problem, status and time, page by page.

Source: contract.md §6, rule 10.
"""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery

from guiado.api.cursor import read_cursor, write_cursor
from guiado.api.sessions.models import SessionPage
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.sessions import search
from guiado.app.validation import check
from guiado.http.request import Http, numbers, run_read


@get("/sessions", operation_id="list_sessions", responses=TROUBLES)
async def list_sessions(
    request: Http,
    limit: FromQuery[str] = "50",
    cursor: FromQuery[str | None] = None,
    status: FromQuery[str | None] = None,
    ticket_id: FromQuery[str | None] = None,
    customer_email: FromQuery[str | None] = None,
    problem_id: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    until: FromQuery[str | None] = None,
) -> SessionPage:
    """Sesiones, de la más nueva a la más antigua: todas, o las de un ticket, un cliente, un problema, un estado o unas fechas."""
    conditions = {
        "ticket_id": ticket_id,
        "customer_email": customer_email,
        "problem_id": problem_id,
        "since": since,
        "until": until,
    }
    page = check(commands.Page, {**numbers({"limit": limit}, "limit"), "status": status, **conditions})
    wanted, before = search.wanted_of(page), read_cursor("sessions", cursor)
    rows = await run_read(request, search.find, page.limit + 1, wanted, before)
    shown, has_more = rows[: page.limit], len(rows) > page.limit
    following = write_cursor("sessions", shown[-1].started_at, shown[-1].session_id) if has_more else None
    return SessionPage(sessions=shown, next_cursor=following)


HANDLERS = [list_sessions]
