"""Calibration: a confidence from the signals of a detection, such that it equals the share of right answers.

Two logistic functions of how the signals stand among those of the knowledge base's own queries: whether the text is about
any known problem at all, and whether the best problem is the right one. The weights were fitted on knowledge bases cut
at random from public sets; `scripts/calibrate.py` makes them.

Source: ADR 0013.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log, log1p
from pathlib import Path
from typing import TypedDict

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.classifier.scorer import SIGNALS, Observation
from guiado.detection.classifier.training import Profile, Spread

USUAL_SHARE = 0.2
"""Share of queries about no known problem, where the operator gives none."""
PRIOR_ROWS = 15.0
"""Weight of the measurements of other knowledge bases, in queries of one's own."""
LEAST_JUDGED = 20
"""Fewest judged answers that move the confidence."""
_WEIGHTS, _JOINT = (Path(__file__).with_name(name) for name in ("calibration.json", "calibration_joint.json"))
_LEAST_DEVIATION = 1e-3
_REACH = 6.0  # standard deviations; farther is as far


class _SpreadFile(TypedDict):
    """A `Spread` as the file of the weights holds it."""

    mean: list[float]
    deviation: list[float]


class _JudgeFile(TypedDict):
    """A `Judge` as the file of the weights holds it."""

    bias: float
    weights: list[float]


class _WeightsFile(TypedDict):
    """The contents of the file of the weights."""

    usual: dict[str, _SpreadFile]
    known: _JudgeFile
    right: _JudgeFile


@dataclass(frozen=True, slots=True)
class Judge:
    """A logistic function of the standings.

    Args:
        bias: its intercept.
        weights: of the standings.
    """

    bias: float
    weights: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the calibration, fitted once for all knowledge bases.

    Args:
        usual: signals of usual knowledge bases, by name: "inside" and "outside" as in `Profile`, with "foreign_" before it by
            meaning alone, and with "plain_" before that where likeness decides instead of classifiers.
        known: judges whether a text is about any known problem.
        right: judges whether the best problem is the right one, given that one is.
    """

    usual: Mapping[str, Spread]
    known: Judge
    right: Judge


@dataclass(frozen=True, slots=True)
class Sureness:
    """The two calibrated chances of a detection.

    Args:
        known: chance that the text is about any known problem.
        right: chance that the best problem is the right one, given that.
    """

    known: float
    right: float


def standings(observed: Observation, profile: Profile | None, texts: int, base: Weights, *, foreign: bool = False) -> Floats:
    """The signals of a query in standard deviations from those of the knowledge base's own queries, and the number of texts.

    Args:
        profile: of the knowledge base; None before it was measured.
        texts: how many the knowledge base has.
        foreign: whether the query is in a language that the knowledge base is not written in.
    """
    inside, outside = (_spread_of(side, observed, profile, base, foreign=foreign) for side in ("inside", "outside"))
    from_outside = (observed.signals - outside.mean) / np.maximum(outside.deviation, _LEAST_DEVIATION)
    from_inside = (observed.signals - inside.mean) / np.maximum(inside.deviation, _LEAST_DEVIATION)
    standing = np.concatenate([from_outside, from_inside, [_closeness(observed, profile), 0.0]]).astype(np.float32)
    standing[np.isnan(standing)] = 0
    np.minimum(np.maximum(standing, -_REACH, out=standing), _REACH, out=standing)
    standing[-1] = log1p(texts / len(observed.scores))
    return standing


def judge(
    observed: Observation,
    profile: Profile | None,
    texts: int,
    share: float = USUAL_SHARE,
    *,
    foreign: bool = False,
    encoder: str = "",
) -> Sureness:
    """The calibrated chances of the answer to a query.

    Args:
        profile: of the knowledge base; None before it was measured.
        texts: how many it has.
        share: of all queries, how many are about nothing known, as far as the operator knows; 0..1.
        foreign: whether the query is in a language that the knowledge base is not written in.
        encoder: name of the encoder that the signals come from.
    """
    base = load_weights(_JOINT if "+" in encoder else _WEIGHTS)
    place = standings(observed, profile, texts, base, foreign=foreign)
    shift = _logit(1 - share) - _logit(1 - USUAL_SHARE)
    return Sureness(_chance(base.known, place, shift), min(_chance(base.right, place), _told_apart(observed)))


def _told_apart(observed: Observation) -> float:
    """Upper bound of the chance of the best problem where the second is nearly the same: 0.5 for twins."""
    margin = float(observed.signals[SIGNALS.index("margin")])
    return 1.0 if np.isnan(margin) else _sigmoid(_SHARPNESS * margin)


_SHARPNESS = 2.5


def fit_intercept(judged: Sequence[tuple[float, bool]]) -> float:
    """Fit the intercept that is added to the log-odds of every confidence, from judged answers.

    Args:
        judged: confidence (0..1, as it was without any intercept) and whether the answer was right.

    Returns:
        0.0 where fewer than `LEAST_JUDGED` are there.

    Source: Platt (1999), the intercept only.
    """
    if len(judged) < LEAST_JUDGED:
        return 0.0
    odds = np.array([_logit(confidence) for confidence, _ in judged])
    right = sum(1.0 for _, was_right in judged if was_right)
    low, high = -8.0, 8.0
    for _ in range(40):  # the expected number of right answers grows with the intercept: halve the interval
        middle = (low + high) / 2
        expected = float((1 / (1 + np.exp(-(odds + middle)))).sum()) + middle * _PRIOR_STRENGTH
        low, high = (middle, high) if expected < right else (low, middle)
    return (low + high) / 2


_PRIOR_STRENGTH = 1.0


def shifted(confidence: float, intercept: float) -> float:
    """A confidence with an intercept added to its log-odds."""
    return confidence if not intercept else _sigmoid(_logit(confidence) + intercept)


@cache
def load_weights(path: Path = _WEIGHTS) -> Weights:
    """The weights that guiado ships.

    Args:
        path: of their file; an encoder made of two has its own.
    """
    raw: _WeightsFile = json.loads(path.read_text("utf-8"))
    usual = {name: _spread(spread) for name, spread in raw["usual"].items()}
    return Weights(usual, _judge(raw["known"]), _judge(raw["right"]))


def _spread(raw: _SpreadFile) -> Spread:
    return Spread(np.array(raw["mean"], np.float32), np.array(raw["deviation"], np.float32), 0)


def _judge(raw: _JudgeFile) -> Judge:
    return Judge(float(raw["bias"]), np.array(raw["weights"], np.float32))


def _spread_of(side: str, observed: Observation, profile: Profile | None, base: Weights, *, foreign: bool) -> Spread:
    name = f"foreign_{side}" if foreign else side
    own: Spread | None = getattr(profile, name) if profile else None
    return _shrunk(own, base.usual[name if observed.fitted else f"plain_{name}"])


def _shrunk(own: Spread | None, usual: Spread) -> Spread:
    """The measured spread, shrunk towards the usual one where there are few queries."""
    if own is None or not own.rows:
        return usual
    trust = own.rows / (own.rows + PRIOR_ROWS)
    return Spread(trust * own.mean + (1 - trust) * usual.mean, trust * own.deviation + (1 - trust) * usual.deviation, own.rows)


def _closeness(observed: Observation, profile: Profile | None) -> float:
    if profile is None:
        return 0.0
    return (observed.closeness - float(profile.closeness[observed.best])) / profile.closeness_deviation


def _chance(judge: Judge, place: Floats, shift: float = 0.0) -> float:
    return _sigmoid(judge.bias + float(judge.weights @ place) + shift)


def _sigmoid(odds: float) -> float:
    return 1 / (1 + exp(-min(max(odds, -30.0), 30.0)))


def _logit(chance: float) -> float:
    bounded = min(max(chance, 1e-6), 1 - 1e-6)
    return log(bounded / (1 - bounded))
