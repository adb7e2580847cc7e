"""Corrections: what the customer writes after the problem was asked or guessed. The new words decide, the old ones break ties.

Source: contract.md §6, rules 6 and 16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from guiado.app.context import AppContext
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.models import ConsideredRow
from guiado.app.sessions.ranking import CONSIDERED, Ranking, kind_of, log_ranking, rank
from guiado.app.sessions.running import says_it_is_over
from guiado.detection import Candidate
from guiado.detection.reading import Reading
from guiado.detection.roles.role import Role
from guiado.detection.verdict import without
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Session
from guiado.text.choice_words import is_lost

Rankings = tuple[Ranking, ...]
"""Of new words, and of old and new words together where the new ones alone say nothing."""
_TIE = 0.15
"""Candidates whose confidences differ less are told apart by what was said before."""
_SURE_OF_ROLE = 0.6
_FEWEST_CLAUSES, _MOST_CLAUSES = 2, 8
"""Clauses of new words that are ranked by themselves to find those about something else than what is rejected."""


@dataclass(frozen=True, slots=True)
class Correction:
    """New words, read against what is known already.

    Args:
        reading: of the words that decide.
        candidates: what is left of the known problems, best first.
        kind: of the new words.
        says_nothing: whether they tell nothing about the problem, so that the old words decide.
    """

    reading: Reading
    candidates: tuple[Candidate, ...]
    kind: MessageKind
    says_nothing: bool

    @property
    def tells(self) -> bool:
        """Whether the new words say what the problem is."""
        return self.kind is MessageKind.PROBLEM and not self.says_nothing


async def read_correction(
    parts: AppContext, snapshot: Snapshot, session: Session, rejected: Sequence[str], more: str, known: Rankings
) -> Correction:
    """Read what a customer adds: by itself, without what they rejected before or deny now.

    Args:
        more: their new words; empty where there are none.
        known: rankings that were made before.
    """
    most = CONSIDERED + len(rejected)
    new, *_ = known or (await _rank_new(snapshot, more or session.problem_description, most, rejected if more else ()),)
    log_ranking(new, parts.threshold)
    kind = _kind(new.reading, more, snapshot, parts.threshold, rejects=bool(rejected)) if more else MessageKind.NOTHING_SAID
    if kind is not MessageKind.NOTHING_SAID:
        out = {*rejected, *new.reading.denied}
        left = without(new.candidates, out) if out else new.candidates
        return Correction(new.reading, _ties_broken(left, _weights_before(session)), kind, says_nothing=False)
    old = known[-1] if known else await rank(snapshot, _both(session.problem_description, more), most, new)
    return Correction(old.reading, without(old.candidates, rejected) if rejected else old.candidates, kind, says_nothing=True)


async def rankings_for(snapshot: Snapshot, before: str, more: str, most: int, rejected: Sequence[str] = ()) -> Rankings:
    """The rankings that `read_correction` needs: of the new words, and of all words where the new ones alone may say nothing.

    Args:
        before: what the customer wrote first.
        most: candidates wanted.
        rejected: the problems that they say it is not.
    """
    new = await _rank_new(snapshot, more or before, most, rejected if more else ())
    if (new.reading.kind is MessageKind.PROBLEM and not is_lost(more)) or not more:
        return (new,)
    return new, await rank(snapshot, _both(before, more), most)


async def _rank_new(snapshot: Snapshot, words: str, most: int, rejected: Sequence[str]) -> Ranking:
    """The ranking of new words. Where they speak of what is rejected too, as in "it is not X, but Y", of the rest alone."""
    new = await rank(snapshot, words, most)
    clauses = new.reading.clauses[:_MOST_CLAUSES]
    if not new.candidates or new.candidates[0].problem_id not in rejected or len(clauses) < _FEWEST_CLAUSES:
        return new
    alone = [await rank(snapshot, each.text) for each in clauses]
    out = [not each.candidates or each.candidates[0].problem_id in rejected for each in alone]
    rest = " ".join(each.text for each, is_out in zip(clauses, out, strict=True) if not is_out)
    left = await rank(snapshot, rest, most) if rest else new
    return left if left.reading.kind is MessageKind.PROBLEM and left.candidates else new


def _both(before: str, more: str) -> str:
    return f"{before}\n{more}" if more else before


def _kind(reading: Reading, words: str, snapshot: Snapshot, none_below: float, *, rejects: bool) -> MessageKind:
    """The kind of new words. Who only denies what was guessed, or thanks, says nothing about the problem.

    Args:
        rejects: whether they come with a rejection: then "X works" is the reason for it, and not the end of the case.
    """
    if is_lost(words):
        return MessageKind.NOTHING_SAID
    kind = kind_of(reading, snapshot.guides, none_below)
    if kind is not MessageKind.PERSON and says_it_is_over(reading, words):
        return MessageKind.SOLVED
    works = not rejects and any(each.role is Role.WORKS and each.chance >= _SURE_OF_ROLE for each in reading.clauses)
    asks = any(each.role in {Role.WISH, Role.AUTOMATIC} for each in reading.clauses)
    is_polite = (kind is MessageKind.SOLVED and not works) or (kind is MessageKind.OTHER and not asks)
    return MessageKind.NOTHING_SAID if is_polite else kind


def _weights_before(session: Session) -> Mapping[str, float]:
    """Confidences of the problems by the earlier words: problem id -> confidence."""
    stored = msgspec.convert(session.facts.get("alternatives") or [], list[ConsideredRow])
    return {each.problem_id: each.confidence for each in stored}


def _ties_broken(candidates: tuple[Candidate, ...], before: Mapping[str, float]) -> tuple[Candidate, ...]:
    """The candidates with those that are nearly as likely as the first weighed by what was said before; their sum stays."""
    if not candidates:
        return candidates
    tied = [each for each in candidates if candidates[0].confidence - each.confidence < _TIE and each.confidence > _TIE]
    if len(tied) < 2:  # noqa: PLR2004 one is no tie
        return candidates
    weights = [each.confidence * (0.5 + before.get(each.problem_id, 0.0)) for each in tied]
    scale = sum(each.confidence for each in tied) / sum(weights)
    weighed = [replace(each, confidence=weight * scale) for each, weight in zip(tied, weights, strict=True)]
    return (*sorted(weighed, key=lambda each: -each.confidence), *candidates[len(tied) :])
