"""The verdict on a ranking: accept the first problem, ask which one it is, or none. Every caller uses `verdict_of`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum

from guiado.detection.problem import Candidate

DEFAULT_ACCEPT = 0.6
"""Least confidence from which a problem is accepted without asking, where asking is possible."""
REJECTION_NOISE = 0.15
"""Chance that a customer who rejects a problem is mistaken: a nearly sure problem does not make the next one sure."""


class Verdict(StrEnum):
    """Verdict on a ranking; the value is what callers see."""

    ACCEPT = "accept"
    UNCLEAR = "unclear"
    NONE = "none"


def verdict_of(candidates: Sequence[Candidate], none_below: float, accept_from: float) -> Verdict:
    """Return the verdict on a ranking.

    Args:
        candidates: best first, as `Index.rank` returns them: their confidences sum to 1 at most.
        none_below: a best candidate under this confidence is none.
        accept_from: from this confidence on it is taken without asking.
    """
    best = candidates[0].confidence if candidates else 0.0
    if best <= 0 or best < none_below:
        return Verdict.NONE
    return Verdict.ACCEPT if best >= accept_from else Verdict.UNCLEAR


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
