"""The worker: what waits to be sent, and periodic work, one runner at a time over all processes.

A job is due when its row in `support_troubleshooting_schedule` says so. Taking it sets the next time and a lease in one
statement, so that two workers never run the same job, and a worker that died leaves it free when the lease ends. Every job is a
task of its own: a long one delays no other. A worker whose clock is not the database's does none of them;
what it sends goes by the database's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.learning.examples import REFIT_JOB
from guiado.app.learning.refit import refit
from guiado.app.sessions.escalate import abandon_idle
from guiado.logs import get_logger
from guiado.store import configuration, schedule, skew
from guiado.store.database import Connection

log = get_logger()
POLL_S = 1.0
_RETENTION_KEY, _MOST_DAYS = "retention_days", 36_500
_RETENTION_S = 1_200.0
"""One run of the retention begins no batch after so many seconds; the next run goes on."""
_BATCH = 1_000
_LEASE_S = 45.0
_RENEWALS_A_LEASE = 4
_GRACE_S = 4.0
"""What a job at hand has to end by itself when the worker stops; then it is broken off."""
_GIVE_BACK_S = 2.0
_MOST_SKEW_S = 60.0
_TELL_CLOCK_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work.

    Args:
        every_s: seconds between two starts.
        lease_s: a runner that did not renew its lease for so many seconds counts as dead.
        run: does the work and tells how much there was.
        may_break_off: whether it is cancelled at once when the worker stops, without the usual grace.
    """

    every_s: float
    lease_s: float
    run: Callable[[AppContext], Coroutine[Any, Any, int]]
    may_break_off: bool = False


async def _maintain(parts: AppContext) -> int:
    async with parts.db.connection() as connection:
        await schedule.forget_jobs(connection, parts.tenant, [*JOBS, REFIT_JOB])
    return await schedule.maintain(parts.db)


async def refresh_views(parts: AppContext) -> int:
    """Roll up what is due and bring the materialized views up to date."""
    return await schedule.refresh_views(parts.db)


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


async def _trim_examples(parts: AppContext) -> int:
    async with _for_all_tenants(parts) as connection:
        return sum([await schedule.trim_examples(connection, tenant) for tenant in await schedule.tenants(connection)])


@contextlib.asynccontextmanager
async def _for_all_tenants(parts: AppContext) -> AsyncGenerator[Connection]:
    """A transaction of the role that logged in, which row-level security does not hold to one tenant where it owns the tables."""
    async with parts.db.transaction() as connection:
        await schedule.as_owner(connection)
        yield connection


JOBS: Mapping[str, Job] = {
    "abandon_idle_sessions": Job(60, _LEASE_S, abandon_idle),
    "refresh_views": Job(60, _LEASE_S, refresh_views),
    "maintenance": Job(3600, _LEASE_S, _maintain),
    "retention": Job(3600, _LEASE_S, retain),
    "trim_examples": Job(600, _LEASE_S, _trim_examples),
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

    def hold(self, *, on: bool) -> None:
        """Begin nothing new, or go on."""
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
        most: jobs at once at most: each may hold a connection that requests need too.
    """

    def __init__(
        self, parts: AppContext, name: str, jobs: Mapping[str, Job] = JOBS, senders: Sequence[Sends] = (), most: int = 8
    ) -> None:
        self._parts, self._name, self._jobs, self._senders, self._most = parts, name, jobs, senders, most
        self._stopping = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._clock_told_s: float | None = None

    def stop(self) -> None:
        """Finish the jobs and the messages at hand, within seconds, then end `run`."""
        self._stopping.set()
        for sender in self._senders:
            sender.stop()

    async def drain(self, deadline_s: float) -> None:
        """Wait until everything that is due was sent, or the time is over."""
        await asyncio.gather(*(sender.drain(deadline_s) for sender in self._senders))

    async def run(self) -> None:
        """Work until `stop`; an error of a job or of the database is logged and the work goes on."""
        self._parts.wrote = self._wake
        self._hold(on=True)  # until it is known whose time it is
        await asyncio.gather(self._do_jobs(), *(sender.run() for sender in self._senders))

    def _wake(self) -> None:
        for sender in self._senders:
            sender.wake()

    def _hold(self, *, on: bool) -> None:
        for sender in self._senders:
            sender.hold(on=on)

    async def _do_jobs(self) -> None:
        log.info("worker_started", worker=self._name)
        try:
            while not self._stopping.is_set():
                await self._begin_due()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), POLL_S)
        finally:
            await self._end_jobs()
        log.info("worker_stopped", worker=self._name)

    async def _begin_due(self) -> None:
        try:
            async for name, job in self._take_due():
                self._running[name] = task = asyncio.create_task(self._run(name, job))
                task.add_done_callback(lambda _task, name=name: self._running.pop(name, None))
        except Exception as error:  # noqa: BLE001 a worker that dies unseen is worse than one that tries again
            log.error("worker_waits", error=f"{type(error).__name__}: {error}"[:500])

    async def _end_jobs(self) -> None:
        """Break off what may be, at once, and the rest when its grace is over."""
        for name, task in self._running.items():
            if name not in self._jobs or self._jobs[name].may_break_off:
                task.cancel()
        if tasks := set(self._running.values()):
            _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def run_due(self) -> list[str]:
        """Run every job that is due and free, side by side.

        Returns:
            Names of the jobs that ran.
        """
        due = [each async for each in self._take_due()]
        await asyncio.gather(*(self._run(name, job) for name, job in due))
        return [name for name, _ in due]

    async def _take_due(self) -> AsyncGenerator[tuple[str, Job]]:
        async with self._parts.db.connection() as connection:
            if not await self._has_right_clock(connection):
                return
            for name, job in list(self._jobs.items()):
                if name in self._running or len(self._running) >= self._most:
                    continue
                if await schedule.take(connection, self._parts.tenant, name, self._name, job.every_s, job.lease_s):
                    yield name, job

    async def _has_right_clock(self, connection: Connection) -> bool:
        """Whether this process and the database agree on the time; where they do not, that is said, in the log and to doctor."""
        skew_s = await skew.measure_s(connection)
        self._hold(on=abs(skew_s + clock.correction_s()) > _MOST_SKEW_S)
        if abs(skew_s) <= _MOST_SKEW_S:
            if self._clock_told_s is not None:
                self._clock_told_s = None
                log.info("clock_agrees", why="el reloj coincide otra vez con el de la base de datos")
                await schedule.clear_clock(connection, self._parts.tenant, self._name)
            return True
        if self._clock_told_s is None:
            why = "el reloj no es el de la base de datos: se usa el de ella, y sin tareas periódicas hasta que se ponga en hora"
            log.error("clock_differs", seconds=round(skew_s), why=why)
        if self._clock_told_s is None or clock.monotonic_s() - self._clock_told_s >= _TELL_CLOCK_S:
            await schedule.tell_clock(connection, self._parts.tenant, self._name, skew_s)
            self._clock_told_s = clock.monotonic_s()
        return False

    async def _renew(self, name: str, lease_s: float) -> None:
        while True:
            await asyncio.sleep(lease_s / _RENEWALS_A_LEASE)
            try:
                async with self._parts.db.connection() as connection:
                    await schedule.renew(connection, self._parts.tenant, name, self._name, lease_s)
            except Exception as error:  # noqa: BLE001 the job goes on, and the next renewal may work
                log.error("lease_waits", job=name, error=f"{type(error).__name__}: {error}"[:500])

    async def _run(self, name: str, job: Job) -> None:
        renewing = asyncio.create_task(self._renew(name, job.lease_s))
        try:
            problem = await self._work(name, job)
        except asyncio.CancelledError:
            await self._give_back(name)
            raise
        finally:
            renewing.cancel()
        try:
            async with self._parts.db.connection() as connection:
                await schedule.finish(connection, self._parts.tenant, name, self._name, problem)
        except Exception as error:  # noqa: BLE001 the lease ends by itself
            log.error("worker_waits", job=name, error=f"{type(error).__name__}: {error}"[:500])

    async def _work(self, name: str, job: Job) -> str | None:
        """Do a job.

        Returns:
            Why it failed, if it did.
        """
        started = clock.monotonic_s()
        try:
            count = await job.run(self._parts)
        except Exception as error:  # noqa: BLE001 a job's fault must not stop the others
            problem = f"{type(error).__name__}: {error}"[:500]
            log.error("job_failed", job=name, error=problem)
            return problem
        write = log.info if count else log.debug
        write("job_done", job=name, count=count, seconds=round(clock.monotonic_s() - started, 3))
        return None

    async def _give_back(self, name: str) -> None:
        log.info("job_broken_off", job=name)
        with contextlib.suppress(Exception):  # the lease ends by itself
            async with asyncio.timeout(_GIVE_BACK_S), self._parts.db.connection() as connection:
                await schedule.give_back(connection, self._parts.tenant, name, self._name)
