"""Evidence for the order of steps: whether what is stored is what the sessions say, and its repair."""

from __future__ import annotations

from datetime import date

from guiado.app.context import AppContext
from guiado.app.models import Model
from guiado.app.tenants import for_all_tenants
from guiado.store import guidance_evidence, schedule


class EvidenceCheck(Model):
    """Result of comparing the stored patterns of sessions with the sessions.

    Args:
        valid: whether they are the same.
        days: closed days that were compared.
        sessions: that there are patterns of, of all days.
        problems: whose guides these sessions followed.
        differing: days whose patterns are not those of their sessions.
        miscounted: problems whose number of sessions is not the sum over their days.
        repaired: whether they were counted anew.
    """

    valid: bool
    days: int
    sessions: int
    problems: int
    differing: list[date]
    miscounted: list[str]
    repaired: bool = False


async def verify(parts: AppContext) -> EvidenceCheck:
    """Compare the stored patterns of every closed day with its sessions."""
    return await _checked(parts, repaired=False)


async def repair(parts: AppContext) -> EvidenceCheck:
    """Count the days that differ anew, and compare again."""
    async with parts.transaction() as connection:
        faults = await guidance_evidence.verify(connection, parts.tenant)
        await guidance_evidence.recount(connection, parts.tenant, faults.differing)
    async with for_all_tenants(parts) as connection:
        await schedule.roll_up(connection)
    return await _checked(parts, repaired=bool(faults.differing or faults.miscounted))


async def _checked(parts: AppContext, *, repaired: bool) -> EvidenceCheck:
    async with parts.connection() as connection:
        faults = await guidance_evidence.verify(connection, parts.tenant)
        counts = await guidance_evidence.ended_counts(connection, parts.tenant)
    return EvidenceCheck(
        valid=not faults.differing and not faults.miscounted,
        days=faults.days,
        sessions=sum(counts.values()),
        problems=len(counts),
        differing=list(faults.differing),
        miscounted=list(faults.miscounted),
        repaired=repaired,
    )
