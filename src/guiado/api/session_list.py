"""The list of sessions: by ticket, customer, problem, status and time, page by page.

Source: contract.md §6, rule 10.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import get
from litestar.params import FromQuery

from guiado.api.errors import TROUBLES
from guiado.api.request import Http, numbers, read
from guiado.api.rows import SessionRow
from guiado.api.schemas import SessionPage
from guiado.app import commands, finding
from guiado.app.fields import check
from guiado.app.parts import Parts
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.store.database import Connection


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
    wanted = finding.wanted_of(page)
    before = _before(cursor) if cursor else None

    async def run(parts: Parts, connection: Connection) -> SessionPage:
        rows = await finding.find(parts, connection, page.limit + 1, wanted, before)
        shown = rows[: page.limit]
        following = _cursor(shown[-1]) if len(rows) > page.limit else None
        return SessionPage(sessions=[SessionRow(**row) for row in shown], next_cursor=following)

    return await read(request, run)


def _cursor(row: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(f"{row['started_at'].isoformat()} {row['session_id']}".encode()).decode()


def _before(cursor: str) -> tuple[datetime, UUID]:
    try:
        started_at, session_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        found = datetime.fromisoformat(started_at).astimezone(UTC), UUID(session_id)
    except (ValueError, OverflowError):
        raise InvalidInput([FieldProblem("cursor", Message("No es válido. Usa el next_cursor de la página anterior."))]) from None
    return found


HANDLERS = [list_sessions]
