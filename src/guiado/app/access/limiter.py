"""Limiter of requests: so many in a fixed window, exact over all processes.

Requests that arrive while the database is asked are counted together with the next question, so that a busy process asks a few
hundred times a second at most. What a window has no room for is refused without asking until the window ends.

Source: contract.md §3, Errors, and §6, rule 11; ADR 0029.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from guiado import clock
from guiado.store import rate_limits
from guiado.store.database import Database

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of requests.

    Args:
        kind: what it counts by, "ip" or "key".
        most: requests in a window; 0 for any number.
        minutes: length of a window.
    """

    kind: str
    most: int
    minutes: int


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """A request that was counted.

    Args:
        limit: the limit that it was counted by.
        used: requests of the window, this one included.
        ends_s: end of the window, by the process's monotonic clock.
    """

    limit: Limit
    used: int
    ends_s: float

    @property
    def is_refused(self) -> bool:
        """Whether the window had no room for it."""
        return self.used > self.limit.most

    @property
    def remaining(self) -> int:
        """Requests that the window still admits."""
        return max(self.limit.most - self.used, 0)

    @property
    def left_s(self) -> int:
        """Whole seconds until the window ends, 1 at least."""
        return max(int(self.ends_s - clock.monotonic_s()) + 1, 1)

    @property
    def reset_at(self) -> int:
        """End of the window, in seconds since 1970."""
        return int(clock.now().timestamp()) + self.left_s


_Waiting = dict[str, list[asyncio.Future[CountedRequest]]]
"""Requests of one tenant and limit that wait to be counted, by identifier."""


class Limiter:
    """Counts the requests of one process.

    Args:
        db: connections.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batches: dict[tuple[str, Limit], _Waiting] = {}
        self._asking: asyncio.Task[None] | None = None
        self._full: dict[tuple[str, Limit, str], CountedRequest] = {}

    async def take(self, tenant: str, limit: Limit, identifier: str) -> CountedRequest:
        """Count a request.

        Raises:
            DatabaseUnavailable: nobody knows whether there is room.
        """
        full = self._full.get((tenant, limit, identifier))
        if full is not None and clock.monotonic_s() < full.ends_s:
            return full
        answer: asyncio.Future[CountedRequest] = asyncio.get_running_loop().create_future()
        self._batches.setdefault((tenant, limit), {}).setdefault(identifier, []).append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Count what waits, until nothing does."""
        while self._batches:
            batches, self._batches = self._batches, {}
            for (tenant, limit), waiting in batches.items():
                await self._count(tenant, limit, waiting)
        self._asking = None

    async def _count(self, tenant: str, limit: Limit, waiting: _Waiting) -> None:
        counts = Counter({name: len(answers) for name, answers in waiting.items()})
        try:
            async with self._db.connection(tenant) as connection:
                windows = await rate_limits.take(connection, tenant, limit.kind, counts, limit.most, limit.minutes)
        except Exception as error:  # noqa: BLE001 each of those who wait gets it
            for answer in (answer for answers in waiting.values() for answer in answers if not answer.done()):
                answer.set_exception(error)
            return
        for name, answers in waiting.items():
            self._tell(tenant, limit, name, windows[name], answers)

    def _tell(
        self, tenant: str, limit: Limit, name: str, window: rate_limits.Window, answers: list[asyncio.Future[CountedRequest]]
    ) -> None:
        ends_s = clock.monotonic_s() + window.left_s
        for number, answer in enumerate(answers, window.used_before + 1):
            taken = CountedRequest(limit, number, ends_s)
            if not answer.done():  # a caller who left is counted all the same
                answer.set_result(taken)
            if taken.is_refused:
                self._remember(tenant, limit, name, taken)

    def _remember(self, tenant: str, limit: Limit, name: str, taken: CountedRequest) -> None:
        if len(self._full) >= _MOST_REMEMBERED:
            now_s = clock.monotonic_s()
            self._full = {key: one for key, one in self._full.items() if one.ends_s > now_s}
            if len(self._full) >= _MOST_REMEMBERED:
                self._full.clear()
        self._full[tenant, limit, name] = taken
