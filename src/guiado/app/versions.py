"""Whether endpoints are still as they were when they were leased: asked before each delivery, with one query for all who ask.

An operator disables an endpoint, or changes its secret, because something leaked: nothing may be sent as before from then on.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from guiado.app.parts import Parts
from guiado.store import outbox
from guiado.store.registry import Endpoint


class Versions:
    """Looks endpoints up for all visits of one sender.

    A statement costs the same for one endpoint as for a hundred, so who asks while one is under way shares the next.

    Args:
        parts: of this process.
        sender: who holds the leases.
    """

    def __init__(self, parts: Parts, sender: str) -> None:
        self._parts, self._sender = parts, sender
        self._turn = asyncio.Lock()
        self._asked: set[str] = set()
        self._next: asyncio.Task[dict[str, datetime]] | None = None

    async def is_current(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is enabled, still leased, and unchanged: by a look that began after this call."""
        self._asked.add(endpoint.webhook_id)
        self._next = self._next or asyncio.create_task(self._look())
        found = await asyncio.shield(self._next)
        return found.get(endpoint.webhook_id) == endpoint.updated_at

    async def _look(self) -> dict[str, datetime]:
        async with self._turn:
            asked, self._asked, self._next = self._asked, set(), None
            async with self._parts.db.connection() as connection:
                return await outbox.versions(connection, self._parts.tenant, self._sender, asked)
