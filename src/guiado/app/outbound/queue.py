"""The outbound queue: one worker loop for everything that waits in the database to be sent.

A kind of work (webhooks, notifications, tickets to come) is a handler: what is due, how it is claimed, renewed and handled. The
loop is the same for all of them: claim a fair share, handle, renew the leases, give back, and look again when this process stored
something, when another one did, or when something became due.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

from guiado import clock
from guiado.app.context import AppContext
from guiado.delivery import retry
from guiado.errors import GuiadoError
from guiado.logs import get_logger
from guiado.store import queue as store
from guiado.store.database import Connection

POLL_S = 0.05
"""Seconds between two queries for due work, while there is some."""
IDLE_S = 0.4
"""Seconds between two queries for due work after some time without any; another process's event waits so long at most."""
LEASE_S = 8.0
"""Seconds after which a worker without renewals of its leases and its row counts as dead; its work moves within ten."""
RENEW_S = 2.0
STOP_S = 8.0
"""How long a worker that was told to stop lets its work go on; `EXIT_S` has room for writing it down."""
EXIT_S = STOP_S + 2.0
"""How long a process waits for its queue."""
UNCLAIMED_S = 1.0
"""Seconds after which unclaimed work may be claimed beyond a worker's share: its own worker is dead, or cannot take it."""
AFTER_ERROR_S = 1.0
_DRAIN_POLL_S = 0.02
log = get_logger()


@dataclass(frozen=True, slots=True)
class ClaimedWork:
    """Work of one kind that a worker has claimed.

    Args:
        key: of its lease, unique within its kind.
        run: does the work, and records its outcome.
    """

    key: str
    run: Callable[[], Coroutine[None, None, None]]


class Leases:
    """Leases of one handler of this worker.

    Args:
        is_stopping: whether the worker was told to stop.
    """

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        self._is_stopping = is_stopping
        self.held: set[str] = set()
        """Keys whose lease is this worker's, as far as is known."""
        self.busy: set[str] = set()
        """Keys that are being worked on."""
        self.broken_off: set[str] = set()
        """Keys whose work was cancelled: their leases may be given back."""

    def may_go_on(self, key: str) -> bool:
        """Whether claimed work may go on with the next message."""
        return key in self.held and not self._is_stopping()

    def add(self, key: str) -> None:
        """Note a new lease."""
        self.held.add(key)
        self.busy.add(key)

    def remove(self, key: str) -> None:
        """Remove the lease of work that has ended."""
        self.held.discard(key)
        self.busy.discard(key)


class Handler(Protocol):
    """One kind of outbound work."""

    kind: str
    """Name of the kind, in logs and in the query for due work."""
    due: str
    """A query that returns the kind where work can be claimed; see `store.queue.due_kinds` for its parameters."""
    foreign: frozenset[str]
    """Keys that this worker leaves to others."""

    async def claim(self, connection: Connection, leases: Leases, extra: int) -> list[ClaimedWork]:
        """Lease due work, this worker's share at most.

        Args:
            extra: so many beyond the share, where the kind is shared out.
        """
        ...

    async def renew(self, connection: Connection, keys: Sequence[str]) -> set[str]:
        """Keep leases; returns the keys of those that are still this worker's."""
        ...

    async def give_back(self, connection: Connection, keys: Sequence[str]) -> None:
        """End leases whose work was broken off."""
        ...

    async def is_waiting(self, connection: Connection) -> bool:
        """Whether any work is due, claimed or not."""
        ...

    async def close(self) -> None:
        """Wait until all attempts are recorded."""
        ...


@dataclass(slots=True)
class _Line:
    """One handler with its leases and its running work."""

    handler: Handler
    leases: Leases
    not_before_s: float = 0.0
    unclaimed_since_s: float | None = None

    @property
    def extra(self) -> int:
        since_s = self.unclaimed_since_s
        return int(since_s is not None and clock.monotonic_s() - since_s >= UNCLAIMED_S)

    def note_due(self, *, is_due: bool) -> None:
        """Note whether a query found work of this kind that could be claimed."""
        if not is_due:
            self.unclaimed_since_s = None
        elif self.unclaimed_since_s is None:
            self.unclaimed_since_s = clock.monotonic_s()


class Queue:
    """The worker loop of the outbound queue.

    Args:
        parts: of this process.
        worker: name that tells this worker from others.
        handlers: of the kinds that it sends.
    """

    def __init__(self, parts: AppContext, worker: str, handlers: Sequence[Handler]) -> None:
        self._parts, self._worker = parts, worker
        self._wake, self._stopping = asyncio.Event(), asyncio.Event()
        self._lines = {one.kind: _Line(one, Leases(self._stopping.is_set)) for one in handlers}
        self._due = store.join_due([one.due for one in handlers])
        self._woken: set[str] = set(self._lines)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause_s = POLL_S
        self._looked_s = 0.0
        self._is_held = False
        self._is_known = False

    @property
    def serving(self) -> frozenset[str]:
        """Keys of the work under way."""
        return frozenset(key for line in self._lines.values() for key in line.leases.busy)

    def wake(self, kind: str | None = None) -> None:
        """Look for due work at once, because something was stored.

        Args:
            kind: of this kind; by default any.
        """
        self._woken |= {kind} if kind else self._lines.keys()
        self._wake.set()

    def hold(self, *, on: bool) -> None:
        """Suspend the claiming of work, or resume it."""
        if self._is_held and not on:
            self.wake()
        self._is_held = on

    def stop(self) -> None:
        """Finish the work under way, then end `run`."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`; an error of the database is logged and the work goes on."""
        renewing = asyncio.create_task(self._renew_all())
        try:
            while not self._stopping.is_set():
                for kind in await self._next_kinds():
                    await self._begin_due(self._lines[kind])
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=STOP_S)
            await self._end_tasks()
            await self._give_back()
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self._end_tasks()
            for line in self._lines.values():
                await line.handler.close()

    async def drain(self, deadline_s: float) -> None:
        """Wait until no work is due any more, or the time is over; work that is left waits for the next worker."""
        end = clock.monotonic_s() + deadline_s
        with contextlib.suppress(GuiadoError):
            while clock.monotonic_s() < end:
                self.wake()
                if not self.serving and not await self._is_waiting():
                    return
                await asyncio.sleep(_DRAIN_POLL_S)

    async def _is_waiting(self) -> bool:
        async with self._parts.connection() as connection:
            return any([await line.handler.is_waiting(connection) for line in self._lines.values()])

    async def _next_kinds(self) -> list[str]:
        """Wait until work may be due, and return its kinds; the wait grows while nothing is due."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._pause_s)
        if self._is_held or self._stopping.is_set():
            self._wake.clear()
            return []
        woken, self._woken = self._woken if self._wake.is_set() else set[str](), set()
        self._wake.clear()
        if woken and clock.monotonic_s() - self._looked_s < IDLE_S:
            return [kind for kind in self._lines if kind in woken]
        if not woken:
            self._pause_s = min(2 * self._pause_s, IDLE_S)
        found = await self._look()
        for kind, line in self._lines.items():
            line.note_due(is_due=kind in found)
        return [kind for kind in self._lines if kind in woken | found]

    async def _look(self) -> set[str]:
        self._looked_s = clock.monotonic_s()
        besides = sorted(self.serving.union(*(line.handler.foreign for line in self._lines.values())))
        try:
            async with self._parts.connection() as connection:
                await self._make_known(connection)
                return await store.due_kinds(
                    connection, self._parts.tenant, self._due, clock.now(), self._worker, besides, retry.PAUSE_AFTER
                )
        except Exception as error:  # noqa: BLE001 a worker that dies unseen is worse than one that tries again
            await self._rest_after(error)
            return set()

    async def _begin_due(self, line: _Line) -> None:
        """Claim due work of one kind, and begin to handle it."""
        if clock.monotonic_s() < line.not_before_s:
            return
        try:
            jobs = await self._claim(line)
        except Exception as error:  # noqa: BLE001 see above
            line.not_before_s = clock.monotonic_s() + AFTER_ERROR_S  # the other kinds go on
            self._log(error, line.handler.kind)
            return
        for job in jobs:
            line.leases.add(job.key)
            task = asyncio.create_task(self._handle(line, job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if jobs:
            self._pause_s, line.unclaimed_since_s = POLL_S, None

    async def _claim(self, line: _Line) -> list[ClaimedWork]:
        async with self._parts.connection() as connection:
            await self._make_known(connection)
            return await line.handler.claim(connection, line.leases, line.extra)

    async def _make_known(self, connection: Connection) -> None:
        """Register this worker as alive before work is shared out."""
        if not self._is_known:
            await store.tell_alive(connection, self._parts.tenant, self._worker, LEASE_S)
            self._is_known = True

    async def _handle(self, line: _Line, job: ClaimedWork) -> None:
        try:
            await job.run()
        except asyncio.CancelledError:
            line.leases.broken_off.add(job.key)
            raise
        except Exception as error:  # noqa: BLE001 one fault must not stop the others; its lease ends by itself
            self._log(error, line.handler.kind, job.key)
            # What was sent and could not be written down is sent again: at least not at full speed.
            await asyncio.sleep(AFTER_ERROR_S)
        finally:
            line.leases.remove(job.key)
            self.wake(line.handler.kind)

    async def _renew_all(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if self._is_held and not self.serving:
                self._is_known = False  # who begins nothing gets no share
                continue
            try:
                async with self._parts.connection() as connection:
                    await store.tell_alive(connection, self._parts.tenant, self._worker, LEASE_S)
                    for line in self._lines.values():
                        await _renew(connection, line)
            except Exception as error:  # noqa: BLE001 without renewals two workers would serve one endpoint
                self._log(error, "lease")

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _give_back(self) -> None:
        """Give back unfinished work and this worker's share, so that other workers can take both at once."""
        with contextlib.suppress(Exception):  # the leases end by themselves
            async with self._parts.connection() as connection:
                for line in self._lines.values():
                    if line.leases.broken_off:
                        await line.handler.give_back(connection, sorted(line.leases.broken_off))
                await store.tell_gone(connection, self._parts.tenant, self._worker)

    async def _rest_after(self, error: Exception) -> None:
        self._log(error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), AFTER_ERROR_S)

    @staticmethod
    def _log(error: Exception, kind: str | None = None, key: str | None = None) -> None:
        log.error("queue_waits", kind=kind, key=key, error=f"{type(error).__name__}: {error}"[:500])


async def _renew(connection: Connection, line: _Line) -> None:
    """Keep the leases of one handler; work whose lease was lost sends no further message."""
    asked = sorted(line.leases.held)
    if asked:
        line.leases.held -= set(asked) - await line.handler.renew(connection, asked)
