"""The worker of a process: the outbound queue, and periodic jobs, each with one runner at a time over all processes.

A job is due when its row in `support_troubleshooting_schedule` says so. Taking it sets the next time and a lease in one
statement, so that two workers never run the same job, and a worker that died leaves it free when the lease ends. Every job is a
task of its own: a long one delays no other. A worker whose clock is not the database's does none of them;
what it sends goes by the database's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.jobs import Job
from guiado.app.outbound.queue import Queue
from guiado.app.outbound.tenant_queues import TenantQueues
from guiado.logs import get_logger
from guiado.store import schedule, skew
from guiado.store.database import Connection

log = get_logger()
POLL_S = 1.0
_RENEWALS_A_LEASE = 4
_GRACE_S = 4.0
"""Grace period of a running job when the worker stops; after it the job is broken off."""
_GIVE_BACK_S = 2.0
_MOST_SKEW_S = 60.0
_TELL_CLOCK_S = 60.0
_OTHERS_POLL_S = 5.0
"""Seconds between two looks at the jobs of other tenants: there may be one for each that is open."""


class Worker:
    """Runs due jobs and the outbound queue until it is told to stop.

    Args:
        parts: what the jobs work with.
        name: tells this worker from others in the schedule.
        jobs: periodic work by name.
        queue: sends what waits for webhooks and for people.
        most: jobs at once at most: each may hold a connection that requests need too.
    """

    def __init__(
        self, parts: AppContext, name: str, jobs: Mapping[str, Job], queue: Queue | TenantQueues | None = None, most: int = 8
    ) -> None:
        self._parts, self._name, self._jobs, self._most = parts, name, jobs, most
        self._queue = queue or Queue(parts, name, [])
        self._stopping = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._clock_told_s: float | None = None
        self._others_looked_s: float | None = None

    def stop(self) -> None:
        """Finish the running jobs and deliveries within seconds, then end `run`."""
        self._stopping.set()
        self._queue.stop()

    async def drain(self, deadline_s: float) -> None:
        """Wait until everything that is due was sent, or the time is over."""
        await self._queue.drain(deadline_s)

    async def run(self) -> None:
        """Work until `stop`; an error of a job or of the database is logged and the work goes on."""
        self._parts.wrote = self._queue.wake
        if isinstance(self._queue, TenantQueues):
            self._parts.wrote_for = self._queue.wake_for
        self._queue.hold(on=True)  # until it is known whose time it is
        await asyncio.gather(self._do_jobs(), self._queue.run())

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
        """Break off the jobs that allow it at once, and the others when their grace period is over."""
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
        async with self._parts.connection() as connection:
            if not await self._has_right_clock(connection):
                return
            for name, job in list(self._jobs.items()):
                if job.tenant is None and self._is_free(name) and await self._take(connection, name, job):
                    yield name, job
        async for name, job in self._take_others():
            yield name, job

    async def _take_others(self) -> AsyncGenerator[tuple[str, Job]]:
        """Take due jobs of other tenants, each on a connection that sees its tenant's schedule."""
        now_s = clock.monotonic_s()
        if self._others_looked_s is not None and now_s - self._others_looked_s < _OTHERS_POLL_S:
            return
        self._others_looked_s = now_s
        for name, job in list(self._jobs.items()):
            if job.tenant is None or not self._is_free(name):
                continue
            async with self._of(job).connection() as connection:
                is_taken = await self._take(connection, name, job)
            if is_taken:
                yield name, job

    def _is_free(self, name: str) -> bool:
        return name not in self._running and len(self._running) < self._most

    def _of(self, job: Job) -> AppContext:
        return self._parts.of_tenant(job.tenant or self._parts.tenant)

    async def _take(self, connection: Connection, name: str, job: Job) -> bool:
        tenant, row = self._of(job).tenant, job.name or name
        return await schedule.take(connection, tenant, row, self._name, job.every_s, job.lease_s)

    async def _has_right_clock(self, connection: Connection) -> bool:
        """Whether the clocks of this process and the database agree; a difference is reported in the log and to doctor."""
        skew_s = await skew.measure_s(connection)
        self._queue.hold(on=abs(skew_s + clock.correction_s()) > _MOST_SKEW_S)
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

    async def _renew(self, name: str, job: Job) -> None:
        parts = self._of(job)
        while True:
            await asyncio.sleep(job.lease_s / _RENEWALS_A_LEASE)
            try:
                async with parts.connection() as connection:
                    await schedule.renew(connection, parts.tenant, job.name or name, self._name, job.lease_s)
            except Exception as error:  # noqa: BLE001 the job goes on, and the next renewal may work
                log.error("lease_waits", job=name, error=f"{type(error).__name__}: {error}"[:500])

    async def _run(self, name: str, job: Job) -> None:
        renewing, parts = asyncio.create_task(self._renew(name, job)), self._of(job)
        try:
            problem = await self._work(name, job)
        except asyncio.CancelledError:
            await self._give_back(name, job)
            raise
        finally:
            renewing.cancel()
        try:
            async with parts.connection() as connection:
                await schedule.finish(connection, parts.tenant, job.name or name, self._name, problem)
        except Exception as error:  # noqa: BLE001 the lease ends by itself
            log.error("worker_waits", job=name, error=f"{type(error).__name__}: {error}"[:500])

    async def _work(self, name: str, job: Job) -> str | None:
        """Run a job and log its result.

        Returns:
            The error that it failed with, if any.
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

    async def _give_back(self, name: str, job: Job) -> None:
        log.info("job_broken_off", job=name)
        parts = self._of(job)
        with contextlib.suppress(Exception):  # the lease ends by itself
            async with asyncio.timeout(_GIVE_BACK_S), parts.connection() as connection:
                await schedule.give_back(connection, parts.tenant, job.name or name, self._name)
