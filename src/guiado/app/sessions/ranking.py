"""Ranking of the known problems for a text. Every door ranks with `candidates_for`, in the event loop through `rank`.

An encoder behind an endpoint takes seconds at worst, and a large knowledge base takes its time too. Both happen in
a thread, and before a connection to the database is taken, so that neither the event loop nor the pool stands still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from guiado import clock
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.alarms import denies, undenied
from guiado.detection import Candidate, Index
from guiado.domain.guide import Guide
from guiado.logs import get_logger

CONSIDERED = 4
"""Candidates that a session begins with: the one that is taken and three others."""
_MOST_AT_ONCE = 16
_QUICK_S = 0.005  # a change of threads under load costs as much
_workers = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="guiado-rank")
"""Threads for ranking alone: on the loop's own few threads a slow endpoint would hold up the reading of files and names."""
_seconds: WeakKeyDictionary[Index, float] = WeakKeyDictionary()
"""Recent time of a ranking with each index, in seconds."""
log = get_logger()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates for one text.

    Args:
        snapshot: of the knowledge base that was searched.
        text: as it was searched for.
        candidates: best first.
        limit: most candidates wanted.
    """

    snapshot: Snapshot
    text: str
    candidates: tuple[Candidate, ...]
    limit: int

    def answers(self, snapshot: Snapshot, text: str, limit: int) -> bool:
        """Whether a ranking of this text now would give the same candidates."""
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
    given = snapshot.index, snapshot.guides, text, limit
    if is_quick(snapshot.index):
        return Ranking(snapshot, text, candidates_for(*given), limit)
    found = await asyncio.get_running_loop().run_in_executor(_workers, candidates_for, *given)
    return Ranking(snapshot, text, found, limit)


def candidates_for(index: Index, guides: Mapping[str, Guide], text: str, limit: int = CONSIDERED) -> tuple[Candidate, ...]:
    """The problems that a text may be about, best first, without urgent ones whose very cause it denies.

    A person is not called for what did not happen. The first ones are the same however many are wanted.

    Args:
        guides: of the knowledge base that the index is of.
        limit: most candidates wanted.
    """
    found = _measured(index, text, max(limit, CONSIDERED))
    denied = _denied(guides, text, found[:CONSIDERED])
    if denied and (rest := " ".join(undenied(text, [guides[each] for each in denied]))):
        found = _measured(index, rest, max(limit, CONSIDERED))
    denied |= _denied(guides, text, found)
    left = tuple(each for each in found if each.problem_id not in denied)
    # Where none of those is left that every door looks at, more that were asked for make no difference.
    return left[:limit] if any(each.problem_id not in denied for each in found[:CONSIDERED]) else ()


def _denied(guides: Mapping[str, Guide], text: str, candidates: tuple[Candidate, ...]) -> set[str]:
    """The urgent guides whose very cause the text denies."""
    urgent = [guide for each in candidates if (guide := guides.get(each.problem_id)) and guide.urgent]
    return {guide.problem_id for guide in urgent if denies(text, guide)}


def log_ranking(ranking: Ranking, threshold: float) -> None:
    """Log the best candidate of a ranking, without the text: it may hold personal data.

    Args:
        threshold: a candidate below this confidence, 0..1, counts as none.
    """
    best = ranking.candidates[0] if ranking.candidates else None
    log.info(
        "problem_detection",
        problem=best.problem_id if best else None,
        score=round(best.confidence, 3) if best else 0.0,
        threshold=threshold,
        accepted=best is not None and best.confidence >= threshold,
        detector=ranking.snapshot.index.version,
    )


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
