"""Rank: the known problems for a text, and its kind. Every door reads with `reading_of`, in the event loop through `rank`.

An encoder behind an endpoint takes seconds at worst, and a large knowledge base takes its time too. Both happen in
a thread, and before a connection to the database is taken, so that neither the event loop nor the pool stands still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from guiado import clock
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.alarms import denies, undenied
from guiado.detection import Candidate, Index
from guiado.detection.message_reader import read_message
from guiado.detection.reading import Reading
from guiado.detection.verdict import Verdict, verdict_of
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.message_kind import MessageKind
from guiado.logs import get_logger

CONSIDERED = 4
"""Candidates that a session begins with: the one that is taken and three others."""
_FEWEST_NAMED, _MOST_NAMED = 2, 3
_SURE_OF_NAMED = 0.5
_MOST_AT_ONCE = 16
_QUICK_S = 0.005  # a change of threads under load costs as much
_workers = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="guiado-rank")
"""Threads for ranking alone: on the loop's own few threads a slow endpoint would hold up the reading of files and names."""
_seconds: WeakKeyDictionary[Index, float] = WeakKeyDictionary()
"""Recent time of a ranking with each index, in seconds."""
log = get_logger()


@dataclass(frozen=True, slots=True)
class Ranking:
    """One text as it was read.

    Args:
        snapshot: of the knowledge base that was searched.
        text: as it was searched for.
        reading: candidates, best first; kind, clauses, and the problems that it names or denies.
        limit: how many candidates were asked for.
    """

    snapshot: Snapshot
    text: str
    reading: Reading
    limit: int

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The problems that it may be about, best first."""
        return self.reading.candidates

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
        return Ranking(snapshot, text, replace(known.reading, candidates=known.candidates[:limit]), limit)
    given = snapshot.index, snapshot.guides, text, limit
    if is_quick(snapshot.index):
        return Ranking(snapshot, text, reading_of(*given), limit)
    found = await asyncio.get_running_loop().run_in_executor(_workers, reading_of, *given)
    return Ranking(snapshot, text, found, limit)


def reading_of(index: Index, guides: Mapping[str, Guide], text: str, limit: int = CONSIDERED) -> Reading:
    """A text as it is understood: the problems that it may be about, without urgent ones whose very cause it denies.

    A person is not called for what did not happen. The first ones are the same however many are wanted.

    Args:
        guides: of the knowledge base that the index is of.
        limit: most candidates wanted.
    """
    whole = reading = _measured(index, text, max(limit, CONSIDERED))
    denied = _denied(guides, text, reading.candidates[:CONSIDERED])
    # Only where the denied cause came first is the rest read by itself: elsewhere the denial may be the complaint.
    is_first = bool(reading.candidates) and reading.candidates[0].problem_id in denied
    if is_first and (rest := " ".join(undenied(text, [guides[each] for each in denied]))):
        reading = _measured(index, rest, max(limit, CONSIDERED))
    found = reading.candidates
    denied |= _denied(guides, text, found)
    # Where none of those is left that every door looks at, more that were asked for make no difference.
    is_any_left = any(each.problem_id not in denied for each in found[:CONSIDERED])
    left = tuple(each for each in found if each.problem_id not in denied) if is_any_left else ()
    several = {each: sure for each, sure in reading.several.items() if each not in denied}
    first = left[0].problem_id if left else None  # a text that denies what it complains of contradicts itself
    shared = _urgent_first(_shared(left, several), several, guides)
    return replace(
        reading,
        candidates=shared[:limit],
        clauses=whole.clauses,
        several=several if len(several) > 1 else {},
        denied=tuple(dict.fromkeys(each for each in (*whole.denied, *reading.denied, *sorted(denied)) if each != first)),
    )


def kind_of(reading: Reading, guides: Mapping[str, Guide], none_below: float) -> MessageKind:
    """The kind of a message for those who act on it: whatever else it says, an urgent problem in it comes first.

    A question is no problem, unless a guide answers it, or says who does.

    Args:
        guides: of the knowledge base that was searched.
        none_below: a best candidate under this confidence, 0..1, is none.
    """
    best = reading.candidates[0] if reading.candidates else None
    guide = guides.get(best.problem_id) if best else None
    if guide is None or verdict_of(reading.candidates, none_below, 1) is Verdict.NONE:
        return reading.kind
    is_answered = reading.kind is MessageKind.OTHER and guide.kind != GuideKind.GUIDE
    return MessageKind.PROBLEM if guide.urgent or is_answered else reading.kind


def verdict_on(
    reading: Reading, guides: Mapping[str, Guide], none_below: float, accept_from: float, *, is_problem: bool = False
) -> tuple[Verdict, MessageKind]:
    """The verdict on a text, and its kind.

    Args:
        guides: of the knowledge base that was searched.
        none_below, accept_from: see `verdict_of`.
        is_problem: whether something else tells that it reports one.
    """
    kind = MessageKind.PROBLEM if is_problem else kind_of(reading, guides, none_below)
    verdict = verdict_of(reading.candidates, none_below, accept_from, kind, tuple(reading.several))
    best = guides.get(reading.candidates[0].problem_id) if reading.candidates else None
    # Of several problems the urgent one is taken: the others can wait.
    is_first = verdict is Verdict.UNCLEAR and best is not None and _is_surely_urgent(best.problem_id, reading.several, guides)
    return Verdict.ACCEPT if is_first else verdict, kind


def _urgent_first(
    candidates: tuple[Candidate, ...], several: Mapping[str, float], guides: Mapping[str, Guide]
) -> tuple[Candidate, ...]:
    """The candidates with an urgent problem in front, where the text names it beside others."""
    urgent = {each for each in several if _is_surely_urgent(each, several, guides)}
    return tuple(sorted(candidates, key=lambda each: each.problem_id not in urgent)) if urgent else candidates


def _is_surely_urgent(problem_id: str, several: Mapping[str, float], guides: Mapping[str, Guide]) -> bool:
    """Whether a part of the text is surely about an urgent problem."""
    guide = guides.get(problem_id)
    return guide is not None and guide.urgent and several.get(problem_id, 0.0) >= _SURELY_URGENT


_SURELY_URGENT = 0.7


def _shared(candidates: tuple[Candidate, ...], several: Mapping[str, float]) -> tuple[Candidate, ...]:
    """The candidates with the problems that are named side by side in front, each with a weight that counts."""
    if len(several) < _FEWEST_NAMED:
        return candidates
    names = [*several][:_MOST_NAMED]
    known = {each.problem_id: each for each in candidates[:CONSIDERED]}
    named = [known.get(each, Candidate(each, 0.0, ())) for each in names]
    others = [each for each in candidates if each.problem_id not in names]
    own = sum(each.confidence for each in named)
    best = candidates[0].confidence if candidates else _SURE_OF_NAMED
    # Half of their share as it was found, half in equal parts: each of them was said.
    equal = min(1 - sum(each.confidence for each in others[:CONSIDERED]), max(own, best)) / len(named)
    weighed = [replace(each, confidence=(each.confidence + equal) / 2 if own else equal) for each in named]
    return (*sorted(weighed, key=lambda each: -each.confidence), *others)


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
        kind=ranking.reading.kind.value,
    )


def is_quick(index: Index) -> bool:
    """Whether ranking takes no longer than a change of threads."""
    asks_others = index.vectors is not None and not getattr(index.encoder, "is_local", False)
    return not asks_others and _seconds.get(index, _QUICK_S if index.vectors is not None else 0.0) < _QUICK_S


def _measured(index: Index, text: str, limit: int) -> Reading:
    began_s = clock.monotonic_s()
    found = read_message(index, text, limit)
    took_s = clock.monotonic_s() - began_s
    _seconds[index] = (_seconds.get(index, took_s) + took_s) / 2
    return found
