"""Loading and removing a synthetic year.

Nothing of it is ever sent: its sessions have no events and none is left open, so that no later work of the process makes one. And
nothing is learned from it: its words come from the guides themselves, so they would only confirm what detection knows.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from guiado import clock
from guiado.app.context import AppContext, Scope
from guiado.app.demo.year import SyntheticDesk, Year, YearSpan
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.errors import Conflict, GuiadoError
from guiado.store import audit, configuration, demo, schedule
from guiado.store.log_rows import audit_row

Progress = Callable[[int], None]
"""Told with the number of sessions that are done."""
_REMOVED_AT_ONCE = 2_000
_FAILURES_KEY, _FAILURES, _MOST_FAILURES = "auto_escalate_after_failures", 2.0, 1_000
_FIRST = UUID(int=0)
_COLLECTED_EVERY = (100_000, 50, 50)
"""Thresholds of the garbage collector: rows by the thousand live until they are written, and looking through them frees none."""
_COUNTED = ("sessions", "attempts", "decisions", "ratings", "tickets")


class LoadedYear(Struct, frozen=True):
    """A loaded synthetic year.

    Args:
        seconds: for the rows.
        roll_up_seconds: for the daily figures and the materialized views.
    """

    sessions: int
    attempts: int
    decisions: int
    ratings: int
    tickets: int
    first_day: str
    last_day: str
    seed: int
    seconds: float
    roll_up_seconds: float


class RemovedYear(Struct, frozen=True):
    """A removed synthetic year; see `LoadedYear`."""

    sessions: int
    seconds: float


async def load(
    parts: AppContext, caller: Scope, snapshot: Snapshot, span: YearSpan, *, beside_real: bool, progress: Progress
) -> LoadedYear:
    """Write a synthetic year, in batches that are each written or not.

    Args:
        beside_real: whether real sessions in the database are no obstacle.

    Raises:
        Conflict: there are real sessions; there is synthetic data already; or another process is loading or removing it.
        GuiadoError: the knowledge base is empty, or the database's user may not COPY.
    """
    began_s = clock.monotonic_s()
    async with _turn(parts):
        desk = await _desk(parts, snapshot, beside_real=beside_real)
        with _collecting_rarely():
            counts = await _write_all(parts, Year(desk, span), progress)
        wrote_s = clock.monotonic_s()
        await schedule.maintain(parts.db)
        await _note(parts, caller, "demo_loaded", {"sessions": counts["sessions"], "days": span.days, "seed": span.seed})
    return LoadedYear(
        **counts,
        first_day=span.dates[0].isoformat(),
        last_day=span.dates[-1].isoformat(),
        seed=span.seed,
        seconds=round(wrote_s - began_s, 3),
        roll_up_seconds=round(clock.monotonic_s() - wrote_s, 3),
    )


async def clear(parts: AppContext, caller: Scope, progress: Progress) -> RemovedYear:
    """Remove all synthetic sessions with everything that hangs on them; what is left half-way, the next call removes.

    Raises:
        Conflict: another process is loading or removing them.
    """
    began_s, removed, last = clock.monotonic_s(), 0, _FIRST
    async with _turn(parts):
        while True:
            async with parts.transaction() as connection:
                count, after = await demo.remove(connection, parts.tenant, last, _REMOVED_AT_ONCE)
            if after is None:
                break
            removed, last = removed + count, after
            progress(removed)
        if removed:
            await schedule.maintain(parts.db)
            await _note(parts, caller, "demo_cleared", {"sessions": removed})
    return RemovedYear(removed, round(clock.monotonic_s() - began_s, 3))


async def count(parts: AppContext) -> int:
    """Number of synthetic sessions."""
    async with parts.connection() as connection:
        return await demo.count(connection, parts.tenant)


def span_until(sessions: int, days: int, seed: int, now: datetime) -> YearSpan:
    """The span of so many days that ends with this hour."""
    return YearSpan(sessions, days, now.replace(minute=0, second=0, microsecond=0), seed)


@asynccontextmanager
async def _turn(parts: AppContext) -> AsyncGenerator[None]:
    """The tenant's turn: held by a transaction of its own, so that a process that dies gives it back at once."""
    async with parts.transaction() as connection:
        if not await demo.take_turn(connection, parts.tenant):
            raise Conflict("Otro proceso está cargando o quitando datos de muestra. Espera a que termine y repite el comando.")
        yield


async def _desk(parts: AppContext, snapshot: Snapshot, *, beside_real: bool) -> SyntheticDesk:
    if not snapshot.guides:
        raise GuiadoError("La base de conocimiento está vacía: agrega una guía y repite el comando.")
    await _refuse(parts, beside_real=beside_real)
    async with parts.transaction() as connection:
        await schedule.as_owner(connection)
        if not await demo.may_copy(connection):
            raise GuiadoError(
                "El usuario de la base de datos no es el dueño de sus tablas y no puede cargar datos de muestra.\n"
                "Repite el comando con el usuario dueño en DATABASE_URL."
            )
        failures = await configuration.number(connection, parts.tenant, _FAILURES_KEY, _FAILURES)
    return SyntheticDesk(
        tenant=parts.tenant,
        guides=snapshot.guides,
        version_ids=snapshot.version_ids,
        detector_version=snapshot.index.version,
        metadata={"detection_threshold": parts.threshold, "detection_intercept": snapshot.index.intercept, "scope": ""},
        failures_allowed=int(min(max(failures, 1), _MOST_FAILURES)),
    )


async def _refuse(parts: AppContext, *, beside_real: bool) -> None:
    """Raise `Conflict` where there are synthetic sessions, or real ones that are in the way."""
    if there := await count(parts):
        raise Conflict(
            "Ya hay datos de muestra: {count} sesiones. Quítalos con guiado demo clear y repite el comando.", count=there
        )
    async with parts.connection() as connection:
        if not beside_real and await demo.has_real(connection, parts.tenant):
            raise Conflict(
                "Esta base de datos tiene sesiones reales, y los datos de muestra se mezclarían con ellas en los informes.\n"
                "Si es lo que quieres, repite el comando con --yes. Después los puedes quitar con guiado demo clear."
            )


async def _write_all(parts: AppContext, year: Year, progress: Progress) -> dict[str, int]:
    """Write batch after batch, making the next one meanwhile; return the number of rows of each kind."""
    counts, batches = Counter[str](), year.batches()
    batch = await asyncio.to_thread(next, batches, None)
    while batch is not None:
        made = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            async with parts.transaction() as connection:
                await demo.write(connection, parts.tenant, batch)
        finally:
            following = await made  # a thread cannot be called off
        counts.update({name: len(getattr(batch, name)) for name in _COUNTED})
        progress(counts["sessions"])
        batch = following
    return {name: counts[name] for name in _COUNTED}


@contextmanager
def _collecting_rarely() -> Generator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(*_COLLECTED_EVERY)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def _note(parts: AppContext, caller: Scope, action: str, detail: dict[str, object]) -> None:
    noted = audit_row(parts.tenant, None, caller.audit(action, **detail), clock.now(), "demo")
    async with parts.transaction() as connection:
        await audit.write(connection, parts.tenant, [noted])
