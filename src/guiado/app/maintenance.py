"""Maintenance jobs: idle sessions, the audit log's seals, views, retention, trimming examples, and refits."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

from guiado import clock
from guiado.app.access import audit_sealer
from guiado.app.context import AppContext
from guiado.app.guidance.refit import refit_guidance
from guiado.app.jobs import JOBS, LEASE_S, Job, job
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.learning.examples import REFIT_JOB
from guiado.app.learning.refit import refit
from guiado.app.sessions.escalate import abandon_idle
from guiado.app.tenants import for_all_tenants, served_tenants
from guiado.logs import get_logger
from guiado.store import configuration, schedule
from guiado.store.connection import Connection

log = get_logger()
_RETENTION_KEY, _MOST_DAYS = "retention_days", 36_500
_KINDS = ("deliveries", "notifications", "idempotency", "audit", "performance", "links", "keys", "examples")
"""Kinds of records with a setting of their own, `retention_days_…`; without it all but examples follow `retention_days`."""
_RETENTION_S = 1_200.0
"""Seconds after which one run of the retention begins no further batch; the next run goes on."""
_BATCH = 1_000

job("seal_audit", every_s=2)(audit_sealer.seal_due)
job("refit_guidance", every_s=5)(refit_guidance)


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
    """Delete the sessions that ended `retention_days` ago, and the records of each kind that are older than its own setting.

    This is done for every tenant in which one of these numbers is set, with a commit for each batch.

    Returns:
        Rows deleted.
    """
    limits = await _limits(parts)
    if not limits:
        return 0
    async with for_all_tenants(parts) as connection:
        await schedule.roll_up(connection)
    deleted, deadline = 0, clock.monotonic_s() + _RETENTION_S
    for tenant, days in limits.items():
        while batch := await _delete_batch(parts, tenant, days) if clock.monotonic_s() < deadline else None:
            deleted += batch
        if batch is None:
            log.info("retention_goes_on", deleted=deleted, why="the rest with the next run")
            break
    return deleted


async def _limits(parts: AppContext) -> dict[str, dict[str, int]]:
    """Number of days by kind of record for each tenant, "" for sessions; tenants that keep everything are left out."""
    async with for_all_tenants(parts) as connection:
        found = {tenant: await _days(connection, tenant) for tenant in await schedule.tenants(connection)}
    return {tenant: days for tenant, days in found.items() if days}


async def _days(connection: Connection, tenant: str) -> dict[str, int]:
    keys = {"": _RETENTION_KEY, **{kind: f"{_RETENTION_KEY}_{kind}" for kind in _KINDS}}
    days = {kind: await configuration.number(connection, tenant, key, 0) for kind, key in keys.items()}
    return {kind: int(min(number, _MOST_DAYS)) for kind, number in days.items() if number >= 1}


async def _delete_batch(parts: AppContext, tenant: str, days: Mapping[str, int]) -> int:
    kinds = {kind: number for kind, number in days.items() if kind}
    async with for_all_tenants(parts) as connection:
        deleted = await schedule.clean_up(connection, tenant, days.get(""), _BATCH, kinds)
        await audit_sealer.seal_checkpoint(connection, parts.seal_key, tenant)
        return deleted


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
