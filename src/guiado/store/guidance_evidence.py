"""Evidence that the order of steps is learned from: patterns of sessions and times of steps, by guide.

It is part of the daily roll-up: closed days are stored, the rest is counted when it is read, and the retention keeps what it
deletes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from guiado.store.connection import Connection
from guiado.store.queries import sql

_DAYS_AT_ONCE = 31
_TIMEOUT_S = 600.0


class PatternRow(NamedTuple):
    """A number of sessions of one day and guide version that had the same pattern.

    Args:
        guide_version: id of the version.
        pattern: as `Pattern.to_text` writes it.
    """

    day: date
    guide_version: str
    pattern: str
    sessions: int


class TimedStep(NamedTuple):
    """A step's known times: the fields of `guidance.patterns.StepTime`.

    Args:
        attempts: of which the minutes are known.
        minutes: their sum.
    """

    attempts: int
    minutes: float


@dataclass(frozen=True, slots=True)
class EvidenceFaults:
    """Faults of the stored evidence.

    Args:
        days: closed days that were compared.
        differing: those whose stored patterns are not what the sessions say.
        miscounted: problems whose number of sessions is not the sum over their days.
    """

    days: int
    differing: tuple[date, ...] = ()
    miscounted: tuple[str, ...] = ()


async def patterns_of(connection: Connection, tenant: str, problem_id: str) -> list[PatternRow]:
    """Patterns of all sessions of a guide from which something is to be learned, by day and version."""
    rows = await connection.fetch(sql("guidance", "patterns"), tenant, problem_id)
    return [PatternRow(row["day"], row["guide_version"], row["pattern"], row["sessions"]) for row in rows]


async def times_of(connection: Connection, tenant: str, problem_id: str) -> dict[str, TimedStep]:
    """Times of the steps of a guide, over all its versions: step_id -> time."""
    rows = await connection.fetch(sql("guidance", "times"), tenant, problem_id)
    return {row["step_id"]: TimedStep(row["attempts"], row["seconds"] / 60) for row in rows}


async def ended_counts(connection: Connection, tenant: str) -> dict[str, int]:
    """Number of sessions from which something is to be learned: problem_id -> sessions. It costs what today's sessions cost."""
    rows = await connection.fetch(sql("guidance", "counts"), tenant)
    return {row["problem_id"]: row["sessions"] for row in rows}


async def verify(connection: Connection, tenant: str) -> EvidenceFaults:
    """Compare the stored patterns of every closed day with its sessions; days that are due anyway are left out."""
    days = [row["day"] for row in await connection.fetch(sql("guidance", "closed_days"), tenant)]
    differing: list[date] = []
    for first in range(0, len(days), _DAYS_AT_ONCE):
        some = days[first : first + _DAYS_AT_ONCE]
        rows = await connection.fetch(sql("guidance", "differing"), tenant, some, timeout=_TIMEOUT_S)
        differing += [row["day"] for row in rows]
    miscounted = await connection.fetch(sql("guidance", "miscounted"), tenant, timeout=_TIMEOUT_S)
    return EvidenceFaults(len(days), tuple(differing), tuple(row["problem_id"] for row in miscounted))


async def recount(connection: Connection, tenant: str, days: Sequence[date]) -> None:
    """Make these days due for the next roll-up, and the sums over all days anew."""
    await connection.fetch(sql("guidance", "recount"), tenant, list(days), timeout=_TIMEOUT_S)
