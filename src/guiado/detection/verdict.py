"""The verdict on a ranking: accept the first problem, ask which one it is, or none. Every caller uses `verdict_of`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum

from guiado.detection.problem import Candidate
from guiado.domain.message_kind import MessageKind

DEFAULT_THRESHOLD = 0.4
"""Least confidence of an answer, which is a probability; below, no known problem is the answer."""
DEFAULT_ACCEPT = 0.6
"""Least confidence from which a problem is accepted without asking, where asking is possible."""
_CLEAR_TOGETHER = 0.6
_LEAST_OF_TWO = 0.25
REJECTION_NOISE = 0.15
"""Chance that a customer who rejects a problem is mistaken: a nearly sure problem does not make the next one sure."""


class Verdict(StrEnum):
    """Verdict on a ranking; the value is what callers see."""

    ACCEPT = "accept"
    UNCLEAR = "unclear"
    NONE = "none"


def verdict_of(
    candidates: Sequence[Candidate],
    none_below: float,
    accept_from: float,
    kind: MessageKind = MessageKind.PROBLEM,
    several: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on a ranking.

    Args:
        candidates: best first, as `read_message` returns them: their confidences sum to 1 at most.
        none_below: a best candidate under this confidence is none.
        accept_from: from this confidence on it is taken without asking.
        kind: of the message; one that reports no problem is none of them.
        several: the problems that it names side by side.
    """
    best = candidates[0].confidence if candidates else 0.0
    if kind is not MessageKind.PROBLEM or best <= 0:
        return Verdict.NONE
    if len(several) > 1 and accept_from > 0:  # from 0 on means that nobody is asked
        return Verdict.UNCLEAR
    if best >= max(none_below, accept_from):
        return Verdict.ACCEPT
    return Verdict.UNCLEAR if best >= none_below or is_one_of_two(candidates) else Verdict.NONE


def is_one_of_two(candidates: Sequence[Candidate]) -> bool:
    """Whether it is clear that it is one of the first two, though not which.

    Args:
        candidates: best first.
    """
    shares = [candidate.confidence for candidate in candidates[:2]]
    return len(shares) > 1 and sum(shares) >= _CLEAR_TOGETHER and min(shares) >= _LEAST_OF_TWO


def without(candidates: Sequence[Candidate], rejected: Collection[str]) -> tuple[Candidate, ...]:
    """Return the candidates that are left after the customer rejected some.

    Args:
        candidates: best first; their confidences sum to 1 at most.

    Returns:
        Best first, weighed anew by Bayes' rule.
    """
    weights = [REJECTION_NOISE if c.problem_id in rejected else 1 - REJECTION_NOISE for c in candidates]
    rest = max(0.0, 1 - sum(c.confidence for c in candidates)) * (1 - REJECTION_NOISE)
    total = rest + sum(c.confidence * weight for c, weight in zip(candidates, weights, strict=True))
    return tuple(
        replace(c, confidence=c.confidence * (1 - REJECTION_NOISE) / total) for c in candidates if c.problem_id not in rejected
    )
