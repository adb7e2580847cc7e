"""The worker: what waits to be sent, and periodic work, one runner at a time over all processes.

A job is due when its row in `support_troubleshooting_schedule` says so. Taking it sets the next time and a lease in one
statement, so that two workers never run the same job, and a worker that died leaves it free when the lease ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from guiado import clock
from guiado.app.escalate import abandon_idle
from guiado.app.knowledge import KnowledgeBase
from guiado.app.learn import REFIT_JOB
from guiado.app.parts import Parts
from guiado.app.refit import refit
from guiado.logs import get_logger
from guiado.store import schedule, sessions

log = get_logger()
POLL_S = 1.0
_RETENTION_KEY, _MOST_DAYS = "retention_days", 36_500
_LEASE_S = 45.0
_RENEWALS_A_LEASE = 4


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work.

    Args:
        every_s: seconds between two starts.
        lease_s: a runner that did not renew its lease for so many seconds counts as dead.
        run: does the work and tells how much there was.
        may_break_off: whether it is cancelled when the worker stops: what it did not finish, the next run does.
    """

    every_s: float
    lease_s: float
    run: Callable[[Parts], Coroutine[Any, Any, int]]
    may_break_off: bool = False


async def _maintain(parts: Parts) -> int:
    return await schedule.maintain(parts.db)


async def refresh_views(parts: Parts) -> int:
    """Roll up what is due and bring the materialized views up to date."""
    return await schedule.refresh_views(parts.db)


async def retain(parts: Parts) -> int:
    """Delete the sessions that ended `retention_days` ago, where somebody set how long they are kept."""
    async with parts.db.transaction() as connection:
        days = await sessions.config_number(connection, _RETENTION_KEY, 0)
        return await schedule.clean_up(connection, int(min(days, _MOST_DAYS))) if days >= 1 else 0


JOBS: Mapping[str, Job] = {
    "abandon_idle_sessions": Job(60, _LEASE_S, abandon_idle),
    "refresh_views": Job(60, _LEASE_S, refresh_views),
    "maintenance": Job(3600, _LEASE_S, _maintain),
    "retention": Job(3600, _LEASE_S, retain),
}
"""All periodic work by name."""


def refit_job(knowledge: KnowledgeBase) -> tuple[str, Job]:
    """Name and job that keeps what detection fitted for a knowledge base up to date."""
    name = ":".join(filter(None, (REFIT_JOB, knowledge.scope)))
    return name, Job(60, _LEASE_S, lambda parts: refit(parts, knowledge), may_break_off=True)


class Sends(Protocol):
    """What sends messages that wait in the database."""

    def wake(self) -> None:
        """Something was stored: look at once."""
        ...

    def stop(self) -> None:
        """Finish what is at hand, then end `run`."""
        ...

    async def run(self) -> None:
        """Send until `stop`."""
        ...

    async def drain(self, deadline_s: float) -> None:
        """Wait until nothing is due any more, or the time is over."""
        ...


class Worker:
    """Runs due jobs until it is told to stop.

    Args:
        parts: what the jobs work with.
        name: tells this worker from others in the schedule.
        senders: send what waits for webhooks and for people.
    """

    def __init__(self, parts: Parts, name: str, jobs: Mapping[str, Job] = JOBS, senders: Sequence[Sends] = ()) -> None:
        self._parts, self._name, self._jobs, self._senders = parts, name, jobs, senders
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the job and the messages at hand, then end `run`."""
        self._stopping.set()
        for sender in self._senders:
            sender.stop()

    async def drain(self, deadline_s: float) -> None:
        """Wait until everything that is due was sent, or the time is over."""
        await asyncio.gather(*(sender.drain(deadline_s) for sender in self._senders))

    async def run(self) -> None:
        """Work until `stop`; an error of a job or of the database is logged and the work goes on."""
        self._parts.wrote = self._wake
        await asyncio.gather(self._do_jobs(), *(sender.run() for sender in self._senders))

    def _wake(self) -> None:
        for sender in self._senders:
            sender.wake()

    async def _do_jobs(self) -> None:
        log.info("worker_started", worker=self._name)
        while not self._stopping.is_set():
            try:
                await self.run_due()
            except Exception as error:  # noqa: BLE001 a worker that dies unseen is worse than one that tries again
                log.error("worker_waits", error=f"{type(error).__name__}: {error}"[:500])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), POLL_S)
        log.info("worker_stopped", worker=self._name)

    async def run_due(self) -> list[str]:
        """Run every job that is due and free.

        Returns:
            Names of the jobs that ran.
        """
        done: list[str] = []
        for name, job in list(self._jobs.items()):
            async with self._parts.db.connection() as connection:
                taken = await schedule.take(connection, self._parts.tenant, name, self._name, job.every_s, job.lease_s)
            if taken:
                await self._run(name, job)
                done.append(name)
        return done

    async def _renew(self, name: str, lease_s: float) -> None:
        while True:
            await asyncio.sleep(lease_s / _RENEWALS_A_LEASE)
            try:
                async with self._parts.db.connection() as connection:
                    await schedule.renew(connection, self._parts.tenant, name, self._name, lease_s)
            except Exception as error:  # noqa: BLE001 the job goes on, and the next renewal may work
                log.error("lease_waits", job=name, error=f"{type(error).__name__}: {error}"[:500])

    async def _work(self, job: Job) -> int:
        if not job.may_break_off:
            return await job.run(self._parts)
        work, stop = asyncio.create_task(job.run(self._parts)), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not work.done():
                work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await work
        return 0

    async def _run(self, name: str, job: Job) -> None:
        started, problem = clock.monotonic_s(), None
        renewing = asyncio.create_task(self._renew(name, job.lease_s))
        try:
            count = await self._work(job)
            log.info("job_done", job=name, count=count, seconds=round(clock.monotonic_s() - started, 3))
        except Exception as error:  # noqa: BLE001 a job's fault must not stop the others
            problem = f"{type(error).__name__}: {error}"[:500]
            log.error("job_failed", job=name, error=problem)
        finally:
            renewing.cancel()
        async with self._parts.db.connection() as connection:
            await schedule.finish(connection, self._parts.tenant, name, self._name, problem)
