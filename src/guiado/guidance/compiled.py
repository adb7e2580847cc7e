"""Compiled guides: the facts about a guide as arrays, and what its author's numbers say where they say little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from guiado.guidance.facts import SURE, USUAL_MINUTES, GuideFacts, StepFacts
from guiado.guidance.special import Bools, Floats, Ints

OWN, SPIKE, SLAB = (9.0, 1.3), (0.2, 40.0), (1.5, 1.5)
"""Beta parameters of the chance that a step removes its own cause; another one, hardly ever; and another one, often."""
OVERLAP = (1.0, 8.0)
"""Beta parameters of the share of pairs of a step and another cause which it removes often."""
OWN_MEAN = OWN[0] / sum(OWN)
_ROUNDS, _LEAST_SHARE = 20, 0.3
_ROUNDING = 1e-9
_DECLINE = 0.8
"""Chance per minute of a step against the one before, where the author gives no chances at all but an order."""
_KNOWN = 0.8
"""Chances of all steps together, where the author gives none."""
_LEAST_CHANCE, _LEAST_MINUTES, _MOST_MINUTES = 1e-3, 0.05, 24 * 60.0


@dataclass(frozen=True)
class CompiledGuide:
    """A guide as arrays over its n steps and K causes: one for each step that is no preparation, and "something else", the last.

    Args:
        facts: as given.
        place: step_id -> index.
        chance: (n,) author's chances, complete and together at most 1; 0 for preparations.
        minutes: (n,) author's minutes, complete.
        risk: (n,) expected damage in minutes.
        irreversible: (n,) booleans.
        needs: (n,) bit masks of the steps that come before.
        owner: (K - 1,) index of the step that removes each cause.
    """

    facts: GuideFacts
    place: dict[str, int]
    chance: Floats
    minutes: Floats
    risk: Floats
    irreversible: Bools
    needs: tuple[int, ...]
    owner: Ints

    @property
    def size(self) -> int:
        """Number of steps."""
        return len(self.minutes)

    @property
    def causes(self) -> int:
        """Number of causes, "something else" included."""
        return len(self.owner) + 1

    @cached_property
    def variant_place(self) -> dict[str, int]:
        """Variant -> index; "" is always one of them, for customers of whom nobody knows theirs."""
        if len(self.facts.variants) == 1:
            return {"": 0, self.facts.variants[0]: 0}
        return {name: place for place, name in enumerate(dict.fromkeys(("", *self.facts.variants)))}

    @property
    def variants(self) -> int:
        """Number of variants, of which nobody knows which it is included."""
        return 1 + max(self.variant_place.values())

    def cause_prior(self, overlap: Floats) -> Floats:
        """(C, K) expected shares of the causes by the author's chances.

        Args:
            overlap: (C,) share of the pairs of a step and another cause which it removes often; what a step is expected to
                remove of other causes is part of its chance too.
        """
        other = (overlap * SLAB[0] / sum(SLAB) + (1 - overlap) * SPIKE[0] / sum(SPIKE))[:, None]
        chance = self.chance[self.owner]
        known = np.repeat(chance[None] / OWN_MEAN, len(other), axis=0)
        for _ in range(_ROUNDS):
            others = other * (known.sum(axis=1, keepdims=True) - known)
            known = np.maximum(chance - others, _LEAST_SHARE * chance) / OWN_MEAN
        known *= np.minimum(1.0, SURE / np.maximum(known.sum(axis=1, keepdims=True), 1e-9))
        return np.concatenate([known, 1 - known.sum(axis=1, keepdims=True)], axis=1)

    def weights_of(self, said: Mapping[str, float]) -> Floats:
        """(K,) how much likelier each cause is, by weights of steps.

        Args:
            said: step_id -> weight; unknown steps and numbers that are not above 0 are left out.
        """
        out = np.ones(self.causes)
        for step_id, weight in said.items():
            found = np.flatnonzero(self.owner == self.place.get(step_id, -1))
            if len(found) and np.isfinite(weight) and weight > 0:
                out[found[0]] = weight
        return out


def compile_guide(facts: GuideFacts) -> CompiledGuide:
    """Compile the facts about a guide; whatever the author left out or got impossible is replaced by something usable."""
    steps = facts.steps
    place = {step.step_id: i for i, step in enumerate(steps)}
    minutes = np.array([_between(step.minutes, USUAL_MINUTES, _LEAST_MINUTES, _MOST_MINUTES) for step in steps])
    risk = np.array([_between(step.risk_minutes, 0.0, 0.0, _MOST_MINUTES) for step in steps])
    owner = np.array([i for i, step in enumerate(steps) if not step.preparation], dtype=np.int64)
    return CompiledGuide(
        facts,
        place,
        _chances(steps, minutes + risk),
        minutes,
        risk,
        np.array([step.irreversible for step in steps], dtype=bool),
        _needs(steps, place),
        owner,
    )


def _between(value: float | None, usual: float, least: float, most: float) -> float:
    return usual if value is None or not np.isfinite(value) or value < 0 else min(max(value, least), most)


def _chances(steps: tuple[StepFacts, ...], costs: Floats) -> Floats:
    given = np.array([_between(step.chance, np.nan, 0.0, 1.0) for step in steps])
    solves = np.array([not step.preparation for step in steps], dtype=bool)
    known = solves & np.isfinite(given)
    if not known.any():  # only the order is known: chance per minute falls from step to step
        given = costs * _DECLINE ** np.arange(len(steps)) * solves
        return given * _KNOWN / max(given.sum(), 1e-9)
    typical = np.median(given[known] / costs[known])
    filled = np.where(np.isfinite(given), given, np.minimum(typical * costs, given[known].max()))
    filled = np.maximum(filled, _LEAST_CHANCE) * solves
    return filled if filled.sum() <= 1 + _ROUNDING else filled * SURE / filled.sum()


def _needs(steps: tuple[StepFacts, ...], place: dict[str, int]) -> tuple[int, ...]:
    """Bit masks of the steps before each step; one that waits in a circle, or for a step that is not there, waits for nothing."""
    masks = [sum({1 << place[each] for each in step.after if each in place}) for step in steps]
    reached, grown = 0, True
    while grown:
        grown = False
        for i, mask in enumerate(masks):
            if not reached >> i & 1 and mask & ~reached == 0:
                reached, grown = reached | 1 << i, True
    return tuple(mask if reached >> i & 1 else 0 for i, mask in enumerate(masks))
