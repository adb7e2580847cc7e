"""The audit log: who did what, page by page.

Source: contract.md §6.11.
"""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery

from guiado.api.cursor import read_cursor, write_cursor
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.access import audit_log
from guiado.app.models import Model
from guiado.app.validation import check
from guiado.http.request import Http, numbers, run_read
from guiado.store.audit import AuditEntry


class AuditEntries(Model):
    """A page of the audit log."""

    entries: list[AuditEntry]
    next_cursor: str | None


@get("/audit", operation_id="list_audit", responses=TROUBLES)
async def list_audit(
    request: Http,
    limit: FromQuery[str] = "50",
    cursor: FromQuery[str | None] = None,
    actor: FromQuery[str | None] = None,
    action: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    until: FromQuery[str | None] = None,
) -> AuditEntries:
    """Quién hizo qué, de lo más nuevo a lo más antiguo: cambios de administración y accesos a datos de clientes."""
    given = {**numbers({"limit": limit}, "limit"), "actor": actor, "action": action, "since": since, "until": until}
    page = check(commands.AuditPage, given)
    wanted, before = audit_log.wanted_of(page), read_cursor("audit", cursor)
    rows = await run_read(request, audit_log.entries, wanted, page.limit + 1, before)
    shown, has_more = rows[: page.limit], len(rows) > page.limit
    following = write_cursor("audit", shown[-1].at, shown[-1].audit_id) if has_more else None
    return AuditEntries(entries=shown, next_cursor=following)


HANDLERS = [list_audit]
