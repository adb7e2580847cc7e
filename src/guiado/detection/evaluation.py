"""Figures of a detector's quality, from its rankings of judged texts, whichever detector it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of the calibration error, equally wide, each closed on its right."""
REFERENCE_SHARE = 0.2
"""Reference share of texts about no known problem; sets differ from 0 to 60%, which no calibration can know beforehand."""
_TOP = 3
Ranked = Sequence[tuple[str, float]]
"""(problem_id, confidence 0..1) pairs, best first; empty where nothing fits."""
_Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """The texts whose first confidence lies in one interval.

    Args:
        low, high: the interval, `low` excluded.
        count: texts in it.
        confidence: their mean first confidence, 0..1.
        right: the share of them whose first candidate was the right one, 0..1.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a detector. Shares are 0..1; None where there is nothing to measure.

    Args:
        in_scope: texts about a known problem.
        out_of_scope: texts about none of them.
        accuracy: of those in scope, the first candidate is the right one, accepted or not.
        top3: of those in scope, the right one is among the first three.
        accepted_right: of those in scope, right and accepted at the threshold.
        refused: of those out of scope, not accepted at the threshold.
        f1: of "answered correctly" at the threshold.
        auroc: of the first confidence, in scope against out of scope.
        ece: expected calibration error of the first confidence; a text out of scope is never right.
        ece20: the same, reweighted so that 20% are out of scope.
        bins: of the calibration, without empty ones, unweighted.
    """

    in_scope: int
    out_of_scope: int
    accuracy: float | None
    top3: float | None
    accepted_right: float | None
    refused: float | None
    f1: float | None
    auroc: float | None
    ece: float | None
    ece20: float | None
    bins: tuple[Bin, ...]


def measure(gold: Sequence[str | None], ranked: Sequence[Ranked], threshold: float) -> Figures:
    """Compute the figures of one run.

    Args:
        gold: the right problem of each text; None means none of them.
        ranked: what the detector said of each, in the same order.
        threshold: a first candidate is accepted from this confidence on, 0..1.
    """
    inside = np.array([g is not None for g in gold], dtype=bool)
    right = np.array([g is not None and bool(r) and r[0][0] == g for g, r in zip(gold, ranked, strict=True)], dtype=bool)
    near = np.array([any(i == g for i, _ in r[:_TOP]) for g, r in zip(gold, ranked, strict=True)], dtype=bool)
    first = np.array([r[0][1] if r else 0.0 for r in ranked], dtype=np.float64)
    accepted, sure = first >= threshold, np.clip(first, 0.0, 1.0)
    good = int((right & accepted).sum())
    return Figures(
        in_scope=int(inside.sum()),
        out_of_scope=int((~inside).sum()),
        accuracy=_share(right[inside]),
        top3=_share(near[inside]),
        accepted_right=_share((right & accepted)[inside]),
        refused=_share(~accepted[~inside]),
        f1=2 * good / (int(accepted.sum()) + int(inside.sum())) if len(gold) and inside.any() else None,
        auroc=auroc(first[inside], first[~inside]),
        ece=calibration_error(sure, right, np.ones(len(sure))),
        ece20=calibration_error(sure, right, reference_weights(inside)),
        bins=calibration_bins(sure, right),
    )


def auroc(inside: _Numbers, outside: _Numbers) -> float | None:
    """Area under the ROC curve: the chance that one of `inside` exceeds one of `outside`, ties as half; None without a pair."""
    if not len(inside) or not len(outside):
        return None
    ordered = np.sort(outside)
    below = np.searchsorted(ordered, inside, "left") + np.searchsorted(ordered, inside, "right")
    return float(below.mean() / 2 / len(outside))


def calibration_error(confidence: _Numbers, right: NDArray[np.bool_], weight: _Numbers) -> float | None:
    """Expected calibration error, 0..1: how far confidence and share of right ones are apart, over 15 bins.

    Args:
        confidence: 0..1, one for each text.
        right: whether the first candidate was the right one.
        weight: how much each text counts.
    """
    if not len(confidence):
        return None
    gaps = np.bincount(_bin_of(confidence), weight * (confidence - right), BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def reference_weights(inside: NDArray[np.bool_], share: float = REFERENCE_SHARE) -> _Numbers:
    """Return weights with which texts out of scope are `share` of all; all ones where there is only one kind."""
    ins, outs = int(inside.sum()), int((~inside).sum())
    odds = share / (1 - share) * ins / outs if ins and outs else 1.0
    return np.where(inside, 1.0, odds)


def calibration_bins(confidence: _Numbers, right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Return the bins of a reliability plot that hold any text."""
    places = _bin_of(confidence)
    counts = np.bincount(places, minlength=BINS)
    sums, hits = np.bincount(places, confidence, BINS), np.bincount(places, right.astype(np.float64), BINS)
    return tuple(
        Bin(b / BINS, (b + 1) / BINS, int(counts[b]), float(sums[b] / counts[b]), float(hits[b] / counts[b]))
        for b in range(BINS)
        if counts[b]
    )


def confusions(gold: Sequence[str | None], found: Sequence[str | None]) -> Counter[tuple[str | None, str | None]]:
    """Count each (right problem, found problem) pair, right ones too; None stands for no known problem."""
    return Counter(zip(gold, found, strict=True))


def percentile(times: Sequence[float], share: float) -> float | None:
    """Return the value that this share of `times` does not reach; None without any."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _bin_of(confidence: _Numbers) -> NDArray[np.intp]:
    edges = np.array([b / BINS for b in range(1, BINS)])
    return np.digitize(confidence, edges, right=True)


def _share(those: NDArray[np.bool_]) -> float | None:
    return float(those.mean()) if len(those) else None
