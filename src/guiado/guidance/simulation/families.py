"""Families of guides that engines are compared on: independent steps; overlap and prerequisites; a wrong author and drift.

The spreads were chosen once, before any engine was measured on them, so that the author's order and the author's own p/c are
about as far above the optimum as in the research on guidance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from guiado.guidance.simulation.world import PREPARATION, AuthorView, Bools, Floats, ReportNoise, World, WorldQuestion

Family = Literal["independent", "overlap", "drift"]
FAMILIES: tuple[Family, ...] = ("independent", "overlap", "drift")
EPOCH_SESSIONS = 400
"""Sessions between two changes of a world that drifts."""
FEWEST_STEPS, MOST_STEPS = 4, 8


@dataclass(frozen=True, slots=True)
class FamilyTraits:
    """Traits of the guides of a family.

    Args:
        author_log_sd: how far off the author's chances are.
        overlap: share of pairs in which a step removes another's cause.
        prerequisite: share of steps that need another one first.
        question: share of guides with a question.
        evidence: share of guides in which the customer's words tell something.
        epochs: times of `EPOCH_SESSIONS` sessions with frequencies of their own.
    """

    author_log_sd: float
    overlap: float = 0.0
    prerequisite: float = 0.0
    variants: int = 1
    question: float = 0.0
    evidence: float = 0.0
    epochs: int = 1
    drift_log_sd: float = 0.0


TRAITS: dict[Family, FamilyTraits] = {
    "independent": FamilyTraits(author_log_sd=0.6),
    "overlap": FamilyTraits(author_log_sd=0.5, overlap=0.25, prerequisite=0.25, variants=2, question=0.6, evidence=0.5),
    "drift": FamilyTraits(
        author_log_sd=1.0, overlap=0.25, prerequisite=0.25, variants=3, question=0.6, evidence=0.5, epochs=4, drift_log_sd=0.5
    ),
}

CAUSE_SHAPE = 0.9
"""Shape of the gamma that causes are drawn from: below 1 few causes are most of the sessions."""
VARIANT_LOG_SD = 0.4
MINUTES_MEDIAN, MINUTES_LOG_SD = 5.0, 0.9
AUTHOR_MINUTES_LOG_SD = 0.3
ORDER_NOISE = 1.0
"""Spread that separates the author's order from the author's own p/c, in logs."""
WEIGHT_LOG_SD = 0.3
_FIDELITY = 0.72
_IRREVERSIBLE, _FOR_PREPARATION = 0.1, 0.6
_SHORTEST, _LONGEST = 0.5, 45.0
_LOG_RISK, _LOG_HUMAN = float(np.log(8)), float(np.log(45))


def draw_worlds(family: Family, rng: np.random.Generator, number: int) -> list[World]:
    """One guide of a family: its world in each epoch."""
    traits = TRAITS[family]
    worlds = [_draw(traits, rng, f"{family}-{number}")]
    while len(worlds) < traits.epochs:
        worlds.append(worlds[-1].drifted(rng, traits.drift_log_sd))
    return worlds


def _draw(traits: FamilyTraits, rng: np.random.Generator, guide_id: str) -> World:
    count = int(rng.integers(FEWEST_STEPS, MOST_STEPS + 1))
    after, cause_of = _prerequisites(traits, rng, count)
    removes, theta = _removes(traits, rng, cause_of), _theta(traits, rng, max(cause_of) + 1)
    minutes = np.clip(rng.lognormal(np.log(MINUTES_MEDIAN), MINUTES_LOG_SD, count), _SHORTEST, _LONGEST)
    irreversible = (rng.random(count) < _IRREVERSIBLE) & np.array([own != PREPARATION for own in cause_of])
    risk = np.where(irreversible, rng.lognormal(_LOG_RISK, 0.5, count), 0.0)
    shares = rng.dirichlet(np.full(traits.variants, 4.0))
    values, evidence = _evidence(traits, rng, len(removes))
    costs, p = minutes + risk, (shares @ theta) @ removes
    c_esc = float(rng.lognormal(_LOG_HUMAN, 0.3))
    return World(
        guide_id=guide_id,
        steps=tuple(f"s{i}" for i in range(count)),
        variants=tuple(f"v{i}" for i in range(traits.variants)),
        variant_shares=shares,
        theta=theta,
        removes=removes,
        minutes=minutes,
        could_not=rng.beta(1.5, 28, count),
        hazard=rng.beta(2, 60, count),
        noise=_noise(rng),
        evidence=values,
        evidence_chances=evidence,
        questions=_questions(traits, rng, cause_of, theta),
        after=after,
        irreversible=irreversible,
        risk_minutes=risk,
        cause_of=cause_of,
        c_esc=c_esc,
        abandon_penalty=c_esc * float(rng.uniform(0.8, 1.4)),
        recontact_penalty=float(rng.uniform(10, 25)),
        author=_author(traits, rng, p, costs, minutes, after, _steps_of(evidence, theta, cause_of, rng)),
    )


def _noise(rng: np.random.Generator) -> ReportNoise:
    late, silent, false = rng.uniform(0.01, 0.05, 3)
    return ReportNoise(float(late), float(silent), float(false), returns=0.75, minutes_log_sd=0.4)


def _prerequisites(traits: FamilyTraits, rng: np.random.Generator, count: int) -> tuple[Bools, tuple[int, ...]]:
    """The steps that come before each, [step, step], and the own cause of each; the first may be a mere preparation."""
    after = np.zeros((count, count), bool)
    prepares = count > FEWEST_STEPS and rng.random() < traits.prerequisite * 2
    for step in range(1, count):
        if rng.random() < traits.prerequisite:
            after[step, 0 if prepares and rng.random() < _FOR_PREPARATION else rng.integers(step)] = True
    if prepares and not after[:, 0].any():
        after[rng.integers(1, count), 0] = True
    causes = range(PREPARATION, count - 1) if prepares else range(count)
    return after, tuple(causes)


def _removes(traits: FamilyTraits, rng: np.random.Generator, cause_of: Sequence[int]) -> Floats:
    removes = np.zeros((max(cause_of) + 2, len(cause_of)))
    for step, own in enumerate(cause_of):
        if own == PREPARATION:
            continue
        others = rng.random(len(removes) - 1) < traits.overlap
        removes[:-1, step] = others * rng.beta(2, 2, len(others))
        removes[own, step] = rng.beta(9, 1.3)
    return removes


def _theta(traits: FamilyTraits, rng: np.random.Generator, causes: int) -> Floats:
    shared = rng.gamma(CAUSE_SHAPE, 1, causes) + 0.02
    other = rng.beta(2, 9)
    base = np.append(shared / shared.sum() * (1 - other), other)
    spread = VARIANT_LOG_SD if traits.variants > 1 else 0.0
    of_variants = base * np.exp(rng.normal(0, 1, (traits.variants, causes + 1)) * spread)
    return of_variants / of_variants.sum(axis=1, keepdims=True)


def _evidence(traits: FamilyTraits, rng: np.random.Generator, causes: int) -> tuple[tuple[str | None, ...], Floats]:
    if rng.random() >= traits.evidence:
        return (None,), np.ones((causes, 1))
    return ("w0", "w1", "w2"), rng.dirichlet(np.full(3, 4.0), causes)


def _questions(
    traits: FamilyTraits, rng: np.random.Generator, cause_of: Sequence[int], theta: Floats
) -> tuple[WorldQuestion, ...]:
    if rng.random() >= traits.question:
        return ()
    count, causes = int(rng.integers(2, 4)), int(theta.shape[1])
    chances = np.full((causes, count), (1 - _FIDELITY) / (count - 1))
    chances[range(causes), rng.permutation(np.arange(causes) % count)] = _FIDELITY
    chances[-1] = 1 / count
    names = tuple(f"a{i}" for i in range(count))
    return (WorldQuestion("q0", float(rng.uniform(0.3, 1.0)), names, chances, _steps_of(chances, theta, cause_of, rng).T),)


def _steps_of(chances: Floats, theta: Floats, cause_of: Sequence[int], rng: np.random.Generator) -> Floats:
    """How much likelier the author says that each value makes each step, [value, step], from chances, [cause, value]."""
    if chances.shape[1] == 1:
        return np.ones((1, len(cause_of)))
    usual = theta.mean(axis=0) @ chances
    ratios = np.array([chances[own] / usual if own != PREPARATION else np.ones(len(usual)) for own in cause_of]).T
    return ratios * np.exp(rng.normal(0, WEIGHT_LOG_SD, ratios.shape))


def _author(
    traits: FamilyTraits, rng: np.random.Generator, p: Floats, costs: Floats, minutes: Floats, after: Bools, evidence: Floats
) -> AuthorView:
    count = len(p)
    believed = np.clip(p * np.exp(rng.normal(0, traits.author_log_sd, count)), 0.0, 0.95)
    taken = minutes * np.exp(rng.normal(0, AUTHOR_MINUTES_LOG_SD, count))
    liking = np.log(np.maximum(believed, 0.02) / costs) + rng.normal(0, ORDER_NOISE, count)
    return AuthorView(tuple(_sorted_after(liking, after)), believed, taken, evidence)


def _sorted_after(liking: Floats, after: Bools) -> list[int]:
    """Steps by liking, each after its prerequisites."""
    order: list[int] = []
    while len(order) < len(liking):
        open_ = [
            step for step in range(len(liking)) if step not in order and all(b in order for b in np.flatnonzero(after[step]))
        ]
        order.append(max(open_, key=lambda step: liking[step]))
    return order
