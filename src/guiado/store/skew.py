"""The difference between this machine's clock and the database's."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from guiado import clock

if TYPE_CHECKING:
    from guiado.store.connection import Connection


async def measure_s(connection: Connection) -> float:
    """Measure how far this process's clock is ahead of the database's, and let `clock.now` follow the latter.

    Returns:
        Seconds, without what the question itself took; negative where it is behind.
    """
    corrected_s = clock.correction_s()
    begun, machine_begun = clock.now(), clock.machine_now()
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    machine_ended, ended = clock.machine_now(), clock.now()
    clock.follow(_ahead_s(machine_begun, theirs, machine_ended))
    return _ahead_s(begun, theirs, ended) - corrected_s


def _ahead_s(begun: datetime, theirs: datetime, ended: datetime) -> float:
    if begun <= theirs <= ended:
        return 0.0
    return (begun - theirs if theirs < begun else ended - theirs).total_seconds()
