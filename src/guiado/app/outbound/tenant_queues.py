"""The outbound queues of all tenants that a process serves: one for its own, and one for each other that has something to send.

Another tenant's queue begins when something of it is stored here, or when one look over all tenants finds that it has deliveries
or notifications waiting; after a while without any it ends. So a thousand tenants that are quiet cost one query.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound.queue import AFTER_ERROR_S, IDLE_S, Queue
from guiado.app.tenants import for_all_tenants
from guiado.logs import get_logger
from guiado.store import tenants

REST_S = 15.0
"""Seconds without anything waiting after which another tenant's queue ends."""
_MOST = 64
"""Queues of other tenants at once; the rest follow as these come to their ends."""
log = get_logger()


@dataclass(slots=True)
class _Running:
    queue: Queue
    task: asyncio.Task[None]
    until_s: float


class TenantQueues:
    """The outbound queues of a process; to be used like one `Queue`.

    Args:
        parts: of this process.
        make: makes the queue of the tenant of the parts that it is given.
    """

    def __init__(self, parts: AppContext, make: Callable[[AppContext], Queue]) -> None:
        self._parts, self._make = parts, make
        self._own = make(parts)
        self._others: dict[str, _Running] = {}
        self._stopping, self._is_held = asyncio.Event(), False

    def wake(self, kind: str | None = None) -> None:
        """Look for due work of the process's own tenant at once."""
        self._own.wake(kind)

    def wake_for(self, tenant: str) -> None:
        """Look for due work of another tenant at once."""
        if self._stopping.is_set() or not self._begin(tenant):
            return
        self._others[tenant].queue.wake()

    def hold(self, *, on: bool) -> None:
        """Suspend the claiming of work, or resume it."""
        self._is_held = on
        for queue in (self._own, *(one.queue for one in self._others.values())):
            queue.hold(on=on)

    def stop(self) -> None:
        """Finish the work under way, then end `run`."""
        self._stopping.set()
        for queue in (self._own, *(one.queue for one in self._others.values())):
            queue.stop()

    async def drain(self, deadline_s: float) -> None:
        """Wait until nothing of the process's own tenant is due any more, or the time is over."""
        await self._own.drain(deadline_s)

    async def run(self) -> None:
        """Send until `stop`; an error of the database is logged and the work goes on."""
        watching = asyncio.create_task(self._watch())
        try:
            await self._own.run()
        finally:
            watching.cancel()
            await asyncio.gather(watching, *(one.task for one in self._others.values()), return_exceptions=True)

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            pause_s = IDLE_S
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 a worker that dies unseen is worse than one that tries again
                log.error("queue_waits", kind="tenants", error=f"{type(error).__name__}: {error}"[:500])
                pause_s = AFTER_ERROR_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _look(self) -> None:
        """Begin the queues of tenants with waiting work, and end those that have rested."""
        async with for_all_tenants(self._parts) as connection:
            waiting = await tenants.waiting(connection)
        for tenant in waiting:
            if tenant != self._parts.tenant:
                self._begin(tenant)
        for one in self._others.values():
            if one.until_s < clock.monotonic_s():
                one.queue.stop()

    def _begin(self, tenant: str) -> bool:
        """Begin a tenant's queue, or let it run on; whether it runs."""
        known = self._others.get(tenant)
        if known is None:
            if len(self._others) >= _MOST:
                return False
            queue = self._make(self._parts.of_tenant(tenant))
            queue.hold(on=self._is_held)
            task = asyncio.create_task(queue.run())
            known = self._others[tenant] = _Running(queue, task, 0.0)
            task.add_done_callback(lambda _done: self._others.pop(tenant, None))
        known.until_s = clock.monotonic_s() + REST_S
        return True
