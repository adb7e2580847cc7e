"""Maintenance jobs: idle sessions, the audit log's seals, views, retention, trimming examples, and refitting detection."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from guiado import clock
from guiado.app.access import audit_sealer
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
"""Seconds after which one run of the retention begins no further batch; the next run goes on."""
_BATCH = 1_000

job("abandon_idle_sessions", every_s=60)(abandon_idle)
job("seal_audit", every_s=2)(audit_sealer.seal_due)


@job("refresh_views", every_s=60)
async def refresh_views(parts: AppContext) -> int:
    """Roll up due figures and refresh the materialized views."""
    return await schedule.refresh_views(parts.db)


@job("maintenance", every_s=3_600)
async def maintain(parts: AppContext) -> int:
    """Roll up figures, refresh views, delete expired rows, and remove the schedule rows of jobs that no longer exist."""
    async with parts.db.connection() as connection:
        await schedule.forget_jobs(connection, parts.tenant, [*JOBS, REFIT_JOB])
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
    """Number of days for which each tenant keeps its sessions; tenants that keep them for ever are left out."""
    async with _for_all_tenants(parts) as connection:
        found = {
            tenant: int(min(await configuration.number(connection, tenant, _RETENTION_KEY, 0), _MOST_DAYS))
            for tenant in await schedule.tenants(connection)
        }
    return {tenant: days for tenant, days in found.items() if days >= 1}


async def _delete_batch(parts: AppContext, tenant: str, days: int) -> int:
    async with _for_all_tenants(parts) as connection:
        deleted = await schedule.clean_up(connection, tenant, days, _BATCH)
        await audit_sealer.seal_checkpoint(connection, parts.seal_key, tenant)
        return deleted


@job("trim_examples", every_s=600)
async def trim_examples(parts: AppContext) -> int:
    """Delete the examples beyond the number from which detection gains nothing."""
    async with _for_all_tenants(parts) as connection:
        return sum([await schedule.trim_examples(connection, tenant) for tenant in await schedule.tenants(connection)])


@contextlib.asynccontextmanager
async def _for_all_tenants(parts: AppContext) -> AsyncGenerator[Connection]:
    """A transaction of the login role; where that owns the tables, row-level security does not limit it to one tenant."""
    async with parts.db.transaction() as connection:
        await schedule.as_owner(connection)
        yield connection


def refit_job(knowledge: KnowledgeBase) -> tuple[str, Job]:
    """Name and definition of the job that refits detection for a knowledge base."""
    name = ":".join(filter(None, (REFIT_JOB, knowledge.scope)))
    return name, Job(60, LEASE_S, lambda parts: refit(parts, knowledge), may_break_off=True)
