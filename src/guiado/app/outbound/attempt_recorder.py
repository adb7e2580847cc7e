"""What the visits of one sender did, written down: for many endpoints in one statement.

A statement costs the same for one attempt as for fifty. So what is told while one is under way waits for the next, and nobody
waits who is alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from guiado import clock
from guiado.app.context import AppContext
from guiado.errors import DatabaseUnavailable
from guiado.store import outbox
from guiado.store.outbox import Settled

_GATHER_S = 0.05
"""Between the beginnings of two statements: under load each one then carries what came in this time."""


@dataclass(frozen=True, slots=True)
class _Page:
    attempts: Sequence[dict[str, Any]]
    settled: Settled | None
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class AttemptRecorder:
    """Writes down attempts, and how endpoints are.

    Args:
        parts: of this process.
        sender: whose leases end.
    """

    def __init__(self, parts: AppContext, sender: str) -> None:
        self._parts, self._sender = parts, sender
        self._pages: list[_Page] = []
        self._writing: asyncio.Task[None] | None = None
        self._began_s = 0.0

    def tell(self, attempts: Sequence[dict[str, Any]], settled: Settled | None = None) -> asyncio.Future[None]:
        """Have something written down soon.

        Args:
            attempts: each with the columns of the query `record`.
            settled: how their endpoint is; its lease ends.

        Returns:
            Done when it is committed; carries the error where it could not be.
        """
        page = _Page(attempts, settled)
        self._pages.append(page)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return page.written

    async def close(self) -> None:
        """Wait until everything that was told is written down."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        while self._pages:
            await asyncio.sleep(self._began_s + _GATHER_S - clock.monotonic_s())
            self._began_s = clock.monotonic_s()
            pages, self._pages = self._pages, []
            await self._write(pages)

    async def _write(self, pages: list[_Page]) -> None:
        try:
            await self._record(pages)
        except Exception as error:  # noqa: BLE001 those who wait for it get it
            if len(pages) > 1 and not isinstance(error, DatabaseUnavailable):
                for page in pages:  # what one of them cannot have written down is no fault of the others
                    await self._write([page])
                return
            for page in pages:
                if not page.written.done():
                    page.written.set_exception(error)
            return
        for page in pages:
            if not page.written.done():
                page.written.set_result(None)

    async def _record(self, pages: list[_Page]) -> None:
        attempts = [attempt for page in pages for attempt in page.attempts]
        settled = [page.settled for page in pages if page.settled]
        async with self._parts.db.connection() as connection:
            await outbox.record(connection, self._parts.tenant, self._sender, attempts, settled)
