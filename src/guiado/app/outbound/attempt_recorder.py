"""Recording of attempts at webhooks: those of many endpoints in one statement.

A statement costs the same for one attempt as for fifty. So attempts that come while one is under way wait for the next, and
a single attempt does not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from guiado import clock
from guiado.app.context import AppContext
from guiado.errors import DatabaseUnavailable
from guiado.store import outbox
from guiado.store.outbox import Settled

_GATHER_S = 0.05
"""Seconds between the beginnings of two statements: under load each one carries the attempts of this time."""


@dataclass(frozen=True, slots=True)
class _Batch:
    attempts: Sequence[dict[str, object]]
    settled: Settled | None
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class AttemptRecorder:
    """Recorder of attempts and of the state of their endpoints.

    Args:
        parts: of this process.
        worker: whose leases end.
    """

    def __init__(self, parts: AppContext, worker: str) -> None:
        self._parts, self._worker = parts, worker
        self._batches: list[_Batch] = []
        self._writing: asyncio.Task[None] | None = None
        self._began_s = 0.0

    def record(self, attempts: Sequence[dict[str, object]], settled: Settled | None = None) -> asyncio.Future[None]:
        """Queue attempts for the next statement.

        Args:
            attempts: each with the columns of the query `record`.
            settled: how their endpoint is; its lease ends.

        Returns:
            Future that is done when they are committed; it carries the error where they could not be.
        """
        batch = _Batch(attempts, settled)
        self._batches.append(batch)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return batch.written

    async def close(self) -> None:
        """Wait until all queued attempts are recorded."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        while self._batches:
            await asyncio.sleep(self._began_s + _GATHER_S - clock.monotonic_s())
            self._began_s = clock.monotonic_s()
            batches, self._batches = self._batches, []
            await self._write(batches)

    async def _write(self, batches: list[_Batch]) -> None:
        try:
            await self._store(batches)
        except Exception as error:  # noqa: BLE001 those who wait for it get it
            if len(batches) > 1 and not isinstance(error, DatabaseUnavailable):
                for batch in batches:  # what one of them cannot have written down is no fault of the others
                    await self._write([batch])
                return
            for batch in batches:
                if not batch.written.done():
                    batch.written.set_exception(error)
            return
        for batch in batches:
            if not batch.written.done():
                batch.written.set_result(None)

    async def _store(self, batches: list[_Batch]) -> None:
        attempts = [attempt for batch in batches for attempt in batch.attempts]
        settled = [batch.settled for batch in batches if batch.settled]
        async with self._parts.connection() as connection:
            await outbox.record(connection, self._parts.tenant, self._worker, attempts, settled)
