"""Maintenance jobs: ending idle sessions, refreshing views, retention, trimming examples, and refitting detection."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.jobs import JOBS, LEASE_S, Job, job
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.learning.examples import REFIT_JOB
from guiado.app.learning.refit import refit
from guiado.app.sessions.escalate import abandon_idle
from guiado.app.tenants import for_all_tenants, served_tenants
from guiado.logs import get_logger
from guiado.store import configuration, schedule

log = get_logger()
_RETENTION_KEY, _MOST_DAYS = "retention_days", 36_500
_RETENTION_S = 1_200.0
"""Seconds after which one run of the retention begins no further batch; the next run goes on."""
_BATCH = 1_000


@job("abandon_idle_sessions", every_s=60)
async def abandon_idle_sessions(parts: AppContext) -> int:
    """End the sessions of every served tenant that have been idle for too long."""
    return sum([await abandon_idle(parts.of_tenant(tenant)) for tenant in await served_tenants(parts)])


@job("refresh_views", every_s=60)
async def refresh_views(parts: AppContext) -> int:
    """Roll up due figures and refresh the materialized views."""
    return await schedule.refresh_views(parts.db)


@job("maintenance", every_s=3_600)
async def maintain(parts: AppContext) -> int:
    """Roll up figures, refresh views, delete expired rows, and remove the schedule rows of jobs that no longer exist."""
    for tenant in await served_tenants(parts):
        async with parts.of_tenant(tenant).connection() as connection:
            await schedule.forget_jobs(connection, tenant, [*JOBS, REFIT_JOB])
    return await schedule.maintain(parts.db)


@job("retention", every_s=3_600)
async def retain(parts: AppContext) -> int:
    """Delete the sessions that ended `retention_days` ago, for every tenant in which this number is set.

    A commit for each batch.

    Returns:
        Rows deleted.
    """
    days_by_tenant = await _kept_days(parts)
    if not days_by_tenant:
        return 0
    async with for_all_tenants(parts) as connection:
        await schedule.roll_up(connection)
    deleted, deadline = 0, clock.monotonic_s() + _RETENTION_S
    for tenant, days in days_by_tenant.items():
        while batch := await _delete_batch(parts, tenant, days) if clock.monotonic_s() < deadline else None:
            deleted += batch
        if batch is None:
            log.info("retention_goes_on", deleted=deleted, why="the rest with the next run")
            break
    return deleted


async def _kept_days(parts: AppContext) -> dict[str, int]:
    """Number of days for which each tenant keeps its sessions; tenants that keep them for ever are left out."""
    async with for_all_tenants(parts) as connection:
        found = {
            tenant: int(min(await configuration.number(connection, tenant, _RETENTION_KEY, 0), _MOST_DAYS))
            for tenant in await schedule.tenants(connection)
        }
    return {tenant: days for tenant, days in found.items() if days >= 1}


async def _delete_batch(parts: AppContext, tenant: str, days: int) -> int:
    async with for_all_tenants(parts) as connection:
        return await schedule.clean_up(connection, tenant, days, _BATCH)


@job("trim_examples", every_s=600)
async def trim_examples(parts: AppContext) -> int:
    """Delete the examples beyond the number from which detection gains nothing."""
    async with for_all_tenants(parts) as connection:
        return sum([await schedule.trim_examples(connection, tenant) for tenant in await schedule.tenants(connection)])


def refit_job(knowledge: KnowledgeBase, tenant: str | None = None) -> tuple[str, Job]:
    """Name and definition of the job that refits detection for a knowledge base.

    Args:
        tenant: whose it is; by default the process's own tenant's.
    """
    row = ":".join(filter(None, (REFIT_JOB, knowledge.scope)))

    def run(parts: AppContext) -> Coroutine[Any, Any, int]:
        return refit(parts.of_tenant(tenant or parts.tenant), knowledge)

    return row if tenant is None else f"{tenant}\n{row}", Job(60, LEASE_S, run, may_break_off=True, tenant=tenant, name=row)
