"""Rank: the known problems for a text, while everybody else goes on being served.

A model of meaning behind an endpoint is asked for seconds at worst, and a large knowledge base takes its time too. Both happen in
a thread, and before a connection to the database is taken, so that neither the event loop nor the pool stands still.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from guiado import clock
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.alarms import denies, undenied
from guiado.detection import Candidate, Index

CONSIDERED = 4
"""Candidates that a session begins with: the one that is taken and three others."""
_MOST_AT_ONCE = 16
_QUICK_S = 0.005  # a change of threads under load costs as much
_workers = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="guiado-rank")
"""Their own: on the loop's own few threads a slow endpoint would hold up the reading of files and names."""
_seconds: WeakKeyDictionary[Index, float] = WeakKeyDictionary()
"""What a ranking took lately."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates for one text.

    Args:
        snapshot: of the knowledge base that was searched.
        text: as it was searched for.
        candidates: best first.
        limit: how many were asked for.
    """

    snapshot: Snapshot
    text: str
    candidates: tuple[Candidate, ...]
    limit: int

    def answers(self, snapshot: Snapshot, text: str, limit: int) -> bool:
        """Whether it says what ranking this text now would say."""
        return self.snapshot is snapshot and self.text == text and limit <= self.limit


async def rank(snapshot: Snapshot, text: str, limit: int = CONSIDERED, known: Ranking | None = None) -> Ranking:
    """Rank the problems of a knowledge base.

    Args:
        text: the customer's words.
        limit: most candidates wanted.
        known: an earlier ranking, which is used where it answers.
    """
    if known is not None and known.answers(snapshot, text, limit):
        return Ranking(snapshot, text, known.candidates[:limit], limit)
    found = await _ranked(snapshot.index, text, limit)
    denied = _denied(snapshot, text, found)
    if denied and (rest := " ".join(undenied(text, [snapshot.guides[each] for each in denied]))):
        found = await _ranked(snapshot.index, rest, limit)
    return Ranking(snapshot, text, tuple(each for each in found if each.problem_id not in denied), limit)


def _denied(snapshot: Snapshot, text: str, candidates: tuple[Candidate, ...]) -> set[str]:
    """The urgent guides whose very cause the text denies: a person is not called for what did not happen."""
    guides = [guide for each in candidates if (guide := snapshot.guides.get(each.problem_id)) and guide.urgent]
    return {guide.problem_id for guide in guides if denies(text, guide)}


async def _ranked(index: Index, text: str, limit: int) -> tuple[Candidate, ...]:
    if is_quick(index):
        return _measured(index, text, limit)
    return await asyncio.get_running_loop().run_in_executor(_workers, _measured, index, text, limit)


def is_quick(index: Index) -> bool:
    """Whether ranking takes no longer than a change of threads."""
    asks_others = index.vectors is not None and not getattr(index.encoder, "is_local", False)
    return not asks_others and _seconds.get(index, _QUICK_S if index.vectors is not None else 0.0) < _QUICK_S


def _measured(index: Index, text: str, limit: int) -> tuple[Candidate, ...]:
    began_s = clock.monotonic_s()
    found = index.rank(text, limit)
    took_s = clock.monotonic_s() - began_s
    _seconds[index] = (_seconds.get(index, took_s) + took_s) / 2
    return found
