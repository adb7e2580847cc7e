"""The audit log: its pages, and the check of its chain.

Source: ADR 0030.
"""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from guiado.app.commands import AuditPage
from guiado.app.context import UnitOfWork
from guiado.app.models import Model
from guiado.app.sessions.search import moment_of
from guiado.domain.audit_chain import Broken, Check
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.store import audit
from guiado.store.audit import AuditEntry, AuditFilter, Place

_BATCH = 2_000
_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


def wanted_of(page: AuditPage) -> AuditFilter:
    """The filter of a checked command.

    Raises:
        InvalidInput: a date cannot be read.
    """
    since, until = moment_of("since", page.since), moment_of("until", page.until, is_end=True)
    return AuditFilter(page.actor, page.action, since, until)


async def entries(
    work: UnitOfWork, wanted: AuditFilter, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[AuditEntry]:
    """Rows of the log, the newest first; see `store.audit.page`."""
    return await audit.page(work.connection, work.tenant, wanted, limit, before)


class Verification(Model):
    """Result of checking a chain.

    Args:
        valid: whether no fault was found.
        rows: rows checked.
        head: number and digest of the last sealed row, to be kept elsewhere; None before the first seal.
        sealed_at: time of the last seal.
        unsealed: rows that are not in the chain yet.
        deleted: rows that retention deleted.
        fault: kind of the first fault, and number and id of its row.
    """

    valid: bool
    rows: int
    head: str | None
    sealed_at: datetime | None
    unsealed: int
    deleted: int
    fault: str | None = None
    fault_seq: int | None = None
    fault_id: str | None = None
    kept: bool | UnsetType = UNSET
    """Whether the head that was kept is in the chain; left out where none was named."""


async def verify(work: UnitOfWork, kept: str | None = None) -> Verification:
    """Check the tenant's chain from its first row, or from what retention left, to its end.

    Args:
        kept: a head that somebody kept, as "number:digest".

    Raises:
        InvalidInput: `kept` is no head.
    """
    named = _head_of(kept)
    check, broken = await _checked(work, named)
    waiting = await audit.waiting(work.connection, work.tenant)
    head, start = check.head, check.checkpoint
    return Verification(
        valid=broken is None and (named is None or named[0] in check.found),
        rows=check.rows,
        head=f"{head.seq}:{head.digest}" if head else None,
        sealed_at=waiting.sealed_at,
        unsealed=waiting.unsealed,
        deleted=start.deleted if start else 0,
        fault=broken.fault if broken else None,
        fault_seq=broken.seq if broken else None,
        fault_id=broken.audit_id if broken else None,
        kept=UNSET if named is None else named[0] in check.found,
    )


async def _checked(work: UnitOfWork, named: tuple[int, str] | None) -> tuple[Check, Broken | None]:
    """Check a chain that others go on sealing, and that retention may shorten meanwhile: then it is checked again."""
    while True:
        start = await audit.checkpoint(work.connection, work.tenant)
        check = Check(work.app.seal_key, work.tenant, None, start, dict([named]) if named else {})
        await _add_rows(work, check)
        broken = check.end()
        if broken is None or start == await audit.checkpoint(work.connection, work.tenant):
            return check, broken


async def _add_rows(work: UnitOfWork, check: Check) -> None:
    place: Place | None = None
    is_last = False
    while check.broken is None:
        rows = await audit.chain(work.connection, work.tenant, place, _BATCH)
        for row in rows:
            check.add(row)
        if rows:
            place, is_last = (rows[-1].seq, UUID(rows[-1].audit_id)), False
        else:
            # The head is read after the rows, and so is never behind them; what was sealed in between is looked for once more.
            check.head = await audit.head(work.connection, work.tenant)
            if is_last or check.head is None or check.head.seq <= check.seq:
                return
            is_last = True
    check.head = await audit.head(work.connection, work.tenant)


def _head_of(kept: str | None) -> tuple[int, str] | None:
    if kept is None:
        return None
    found = _HEAD.fullmatch(kept.strip())
    if found is None:
        why = Message("No es un final de la cadena. Cópialo de lo que mostró guiado audit verify: NÚMERO:HUELLA.")
        raise InvalidInput([FieldProblem("--head", why)])
    return int(found[1]), found[2]
