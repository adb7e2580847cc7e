"""Maintenance jobs: abandoning idle sessions, refreshing views, retention, and what keeps the tables small."""

from __future__ import annotations

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.jobs import JOBS, LEASE_S, Job, job
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.learning.examples import REFIT_JOB
from guiado.app.learning.refit import refit
from guiado.app.sessions.escalate import abandon_idle
from guiado.logs import get_logger
from guiado.store import schedule, sessions

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
    """Delete the sessions that ended `retention_days` ago, where somebody set how long they are kept; a commit for each batch.

    Returns:
        Rows deleted.
    """
    async with parts.db.connection() as connection:
        days = int(min(await sessions.config_number(connection, _RETENTION_KEY, 0), _MOST_DAYS))
    if days < 1:
        return 0
    async with parts.db.transaction() as connection:
        await schedule.roll_up(connection)
    deleted, deadline = 0, clock.monotonic_s() + _RETENTION_S
    while clock.monotonic_s() < deadline:
        async with parts.db.transaction() as connection:
            batch = await schedule.clean_up(connection, parts.tenant, days, _BATCH)
        deleted += batch
        if not batch:
            return deleted
    log.info("retention_goes_on", deleted=deleted, why="the rest with the next run")
    return deleted


@job("trim_examples", every_s=600)
async def trim_examples(parts: AppContext) -> int:
    """Forget the examples that are too many for detection to gain by them."""
    async with parts.db.transaction() as connection:
        return await schedule.trim_examples(connection, parts.tenant)


def refit_job(knowledge: KnowledgeBase) -> tuple[str, Job]:
    """Name and job that keeps what detection fitted for a knowledge base up to date."""
    name = ":".join(filter(None, (REFIT_JOB, knowledge.scope)))
    return name, Job(60, LEASE_S, lambda parts: refit(parts, knowledge), may_break_off=True)
