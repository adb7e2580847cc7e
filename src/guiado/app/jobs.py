"""Registry of periodic jobs: name, interval, lease and function of each."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from guiado.app.context import AppContext

LEASE_S = 45.0
Run = Callable[[AppContext], Coroutine[Any, Any, int]]


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job.

    Args:
        every_s: seconds between two starts.
        lease_s: a runner that did not renew its lease for so many seconds counts as dead.
        run: does the work and tells how much there was.
        may_break_off: whether it is cancelled at once when the worker stops, without the usual grace.
        tenant: in whose schedule it is; None means that of the process's own tenant.
        name: its row in that tenant's schedule, where it is not the one that the worker knows it by.
    """

    every_s: float
    lease_s: float
    run: Run
    may_break_off: bool = False
    tenant: str | None = None
    name: str = ""


JOBS: dict[str, Job] = {}
"""Registered jobs by name, of the modules that are loaded; the refit jobs of knowledge bases are not among them."""


def job(name: str, *, every_s: float) -> Callable[[Run], Run]:
    """Register a function as a periodic job.

    Args:
        name: its row in the schedule.
        every_s: seconds between two starts.
    """

    def register(run: Run) -> Run:
        JOBS[name] = Job(every_s, LEASE_S, run)
        return run

    return register
