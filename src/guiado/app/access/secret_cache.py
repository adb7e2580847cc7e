"""Cache of the rows that secrets lead to: API keys and customer links.

A row is read again after half a second, so that what was revoked is refused within one second in every process. What was made
just now is found at once, since only what the database knows is remembered.

Source: ADR 0034.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from guiado import clock
from guiado.store import schedule
from guiado.store.database import Connection, Database

T = TypeVar("T")
REMEMBERED_S = 0.5
MOST_REMEMBERED = 10_000


class SecretCache(Generic[T]):
    """Rows by the hash of their secret, as one process sees them.

    Args:
        db: connections.
        read: finds the live row of a hash, over all tenants, on a connection of the tables' owner.
    """

    def __init__(self, db: Database, read: Callable[[Connection, str], Awaitable[T | None]]) -> None:
        self._db, self._ask = db, read
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._looking: dict[str, asyncio.Task[T | None]] = {}

    async def find(self, secret_hash: str) -> T | None:
        """The live row with this hash; None where there is none.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        known = self._known.get(secret_hash)
        if known and clock.monotonic_s() - known[0] < REMEMBERED_S:
            return known[1]
        task = self._looking.get(secret_hash)  # one question for all who ask now
        if task is None:
            task = self._looking[secret_hash] = asyncio.create_task(self._read(secret_hash))
            task.add_done_callback(lambda _: self._looking.pop(secret_hash, None))
        return await asyncio.shield(task)

    async def _read(self, secret_hash: str) -> T | None:
        asked_s = clock.monotonic_s()  # before the question: what is revoked meanwhile is not believed longer
        async with self._db.transaction() as connection:
            await schedule.as_owner(connection)
            found = await self._ask(connection, secret_hash)
        self._known.pop(secret_hash, None)
        if found is not None:
            self._known[secret_hash] = asked_s, found
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found
