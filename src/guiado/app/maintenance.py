"""Maintenance jobs: abandoning idle sessions, refreshing views, retention, and what keeps the tables small."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.jobs import JOBS, LEASE_S, Job, job
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.learning.examples import REFIT_JOB
from guiado.app.learning.refit import refit
from guiado.app.sessions.escalate import abandon_idle
from guiado.logs import get_logger
from guiado.store import configuration, schedule
from guiado.store.database import Connection

log = get_logger()
_RETENTION_KEY, _MOST_DAYS = "retention_days", 36_500
_RETENTION_S = 1_200.0
"""One run of the retention begins no batch after so many seconds; the next run goes on."""
_BATCH = 1_000

job("abandon_idle_sessions", every_s=60)(abandon_idle)


@job("refresh_views", every_s=60)
async def refresh_views(parts: AppContext) -> int:
    """Roll up what is due and bring the materialized views up to date."""
    return await schedule.refresh_views(parts.db)


@job("maintenance", every_s=3_600)
async def maintain(parts: AppContext) -> int:
    """Roll up, refresh, drop what expired, and forget the jobs that nobody knows any more."""
    async with parts.db.connection() as connection:
        await schedule.forget_jobs(connection, parts.tenant, [*JOBS, REFIT_JOB])
    return await schedule.maintain(parts.db)


@job("retention", every_s=3_600)
async def retain(parts: AppContext) -> int:
    """Delete the sessions that ended `retention_days` ago, in every tenant for which somebody set how long they are kept.

    A commit for each batch.

    Returns:
        Rows deleted.
    """
    days_by_tenant = await _kept_days(parts)
    if not days_by_tenant:
        return 0
    async with _for_all_tenants(parts) as connection:
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
    """For how many days each tenant keeps its sessions; those that keep them for ever are left out."""
    async with _for_all_tenants(parts) as connection:
        found = {
            tenant: int(min(await configuration.number(connection, tenant, _RETENTION_KEY, 0), _MOST_DAYS))
            for tenant in await schedule.tenants(connection)
        }
    return {tenant: days for tenant, days in found.items() if days >= 1}


async def _delete_batch(parts: AppContext, tenant: str, days: int) -> int:
    async with _for_all_tenants(parts) as connection:
        return await schedule.clean_up(connection, tenant, days, _BATCH)


@job("trim_examples", every_s=600)
async def trim_examples(parts: AppContext) -> int:
    """Forget the examples that are too many for detection to gain by them."""
    async with _for_all_tenants(parts) as connection:
        return sum([await schedule.trim_examples(connection, tenant) for tenant in await schedule.tenants(connection)])


@contextlib.asynccontextmanager
async def _for_all_tenants(parts: AppContext) -> AsyncGenerator[Connection]:
    """A transaction of the role that logged in, which row-level security does not hold to one tenant where it owns the tables."""
    async with parts.db.transaction() as connection:
        await schedule.as_owner(connection)
        yield connection


def refit_job(knowledge: KnowledgeBase) -> tuple[str, Job]:
    """Name and job that keeps what detection fitted for a knowledge base up to date."""
    name = ":".join(filter(None, (REFIT_JOB, knowledge.scope)))
    return name, Job(60, LEASE_S, lambda parts: refit(parts, knowledge), may_break_off=True)
