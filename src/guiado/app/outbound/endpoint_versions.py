"""Versions of leased endpoints: read before each delivery, with one query for all deliveries that wait for it.

An operator disables an endpoint, or changes its secret, because something leaked: nothing may be sent as before from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from guiado import clock
from guiado.app.context import AppContext
from guiado.store import outbox
from guiado.store.webhooks import Endpoint

_GATHER_EACH_S = 0.0001
"""Seconds between the beginnings of two queries, for each endpoint that is being sent to."""


class Versions:
    """Reader of endpoint versions for all deliveries of one worker.

    A statement costs the same for one endpoint as for a hundred, so questions that come while one is under way share the next.

    Args:
        parts: of this process.
        worker: the holder of the leases.
        busy: how many endpoints the worker works on.
    """

    def __init__(self, parts: AppContext, worker: str, busy: Callable[[], int]) -> None:
        self._parts, self._worker, self._busy = parts, worker, busy
        self._began_s = 0.0
        self._turn = asyncio.Lock()
        self._asked: set[str] = set()
        self._next: asyncio.Task[dict[str, datetime]] | None = None

    async def is_current(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is enabled, still leased, and unchanged: by a query that began after this call."""
        self._asked.add(endpoint.webhook_id)
        self._next = self._next or asyncio.create_task(self._look())
        found = await asyncio.shield(self._next)
        return found.get(endpoint.webhook_id) == endpoint.updated_at

    async def _look(self) -> dict[str, datetime]:
        async with self._turn:
            # Alone, nobody waits; among many, a few milliseconds bring together those who else had a look each.
            wait_s = self._began_s + self._busy() * _GATHER_EACH_S - clock.monotonic_s()
            if wait_s > 0 and self._busy() > 1:
                await asyncio.sleep(wait_s)
            self._began_s = clock.monotonic_s()
            asked, self._asked, self._next = self._asked, set(), None
            async with self._parts.connection() as connection:
                return await outbox.versions(connection, self._parts.tenant, self._worker, asked)
