"""Replay of a guide's order on customers: what a session costs on average, of an old and a new version on the same customers.

A customer has one cause: a step that solves it, or something else that no step solves. Every chance event of a customer at a step
is drawn once, by the step, so that the two versions differ by the guide alone. Costs are minutes throughout.

Source: research/guidance-engine.md; ADR 0045.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from guiado.guidance.causes import World, draw_causes
from guiado.guidance.facts import USUAL_MINUTES, GuideFacts, StepFacts
from guiado.guidance.patterns import PatternCount

FEWEST = 500
"""Sessions that a verdict needs at least."""
MOST_WORSE = 0.05
"""Share by which a new version may cost more than the old one."""
FAILURES_ALLOWED = 2
"""Failed attempts at which a person is called."""
_COULD_NOT, _COULD_NOT_AGAIN = 0.04, 0.5
"""Chance that a customer cannot carry a step out, and that it is so again."""
_UNSEEN, _FALSE_SOLVED = 0.05, 0.01
"""Chance that a step that solves is not said to, and that one that does not is."""
_LEAVES = 0.03
"""Chance that a customer leaves after a step that did not help."""
_SURE = 1.96
"""Standard errors of a 95 % interval."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """Result of a replay, in minutes a session.

    Args:
        old_minutes, new_minutes: mean costs.
        low, high: 95 % interval of the difference, new less old.
        old_dead_ends, new_dead_ends: sessions with steps left of which none can be offered.
        sessions: that were played.
        recorded: of those, how many happened; the others were drawn.
    """

    old_minutes: float
    new_minutes: float
    low: float
    high: float
    old_dead_ends: int
    new_dead_ends: int
    sessions: int
    recorded: int

    @property
    def difference(self) -> float:
        """By how many minutes the new version costs more."""
        return self.new_minutes - self.old_minutes

    @property
    def share(self) -> float:
        """By which share of the old costs the new version costs more."""
        return self.difference / self.old_minutes if self.old_minutes > 0 else math.inf if self.difference > 0 else 0.0

    @property
    def is_worse(self) -> bool:
        """Whether the new version costs more than is admitted, and not by accident."""
        return self.share > MOST_WORSE and self.low > 0


def replay(
    old: GuideFacts,
    new: GuideFacts,
    *,
    sessions: int = FEWEST,
    seed: int = 0,
    orders: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None),
    renamed: Mapping[str, str] | None = None,
    recorded: Sequence[PatternCount] = (),
) -> ReplayResult:
    """Play two versions of a guide on the same customers.

    Args:
        sessions: at least so many.
        orders: step_ids in the order in which each version offers them; by default the author's.
        renamed: step_id of the new version -> the one of the old version that it took over from.
        recorded: patterns of the guide's sessions; their customers come first, the others are drawn.
    """
    generator = np.random.default_rng(seed)
    world = World.of(old, new, renamed or {})
    causes, count = draw_causes(world, recorded, sessions, generator)
    draws = _Draws(len(causes), seed)
    one = _play(old, world.columns_of_old(old), orders[0], causes, draws)
    other = _play(new, world.columns_of_new(new), orders[1], causes, draws)
    difference = other.costs - one.costs
    around = _SURE * float(difference.std(ddof=1)) / math.sqrt(len(causes)) if len(causes) > 1 else math.inf
    mean = float(difference.mean())
    return ReplayResult(
        float(one.costs.mean()),
        float(other.costs.mean()),
        mean - around,
        mean + around,
        one.dead_ends,
        other.dead_ends,
        len(causes),
        count,
    )


def offered_order(steps: Sequence[StepFacts], order: Sequence[str] | None = None) -> tuple[list[int], bool]:
    """Places of steps as they are offered, and whether steps are left that never can be.

    The first step comes next for which all steps that must come before were passed.

    Args:
        order: step_ids; those that it leaves out come last, as their author ordered them.
    """
    ranks = {step_id: rank for rank, step_id in reversed(list(enumerate(order or ())))}
    waits = [set(step.after) for step in steps]
    followers = dict[str, list[int]]()
    for place, needed in enumerate(waits):
        for step_id in needed:
            followers.setdefault(step_id, []).append(place)
    free = [(ranks.get(step.step_id, len(ranks)), place) for place, step in enumerate(steps) if not waits[place]]
    heapify(free)
    found, passed = list[int](), set[str]()
    while free:
        place = heappop(free)[1]
        step_id = steps[place].step_id
        if step_id in passed:  # one id twice is one step
            continue
        passed.add(step_id)
        found.append(place)
        for other in followers.get(step_id, ()):
            waits[other].discard(step_id)
            if not waits[other]:
                heappush(free, (ranks.get(steps[other].step_id, len(ranks)), other))
    return found, any(waits)


class _Draws:
    """Chance events of each customer at a step, the same however often they are asked for."""

    def __init__(self, customers: int, seed: int) -> None:
        self._customers, self._seed = customers, seed

    def at(self, column: int) -> Floats:
        """Four rows of numbers, 0..1: cannot carry the step out, cannot again, says that it helped, leaves."""
        return np.random.default_rng((self._seed, column)).random((4, self._customers))


@dataclass(frozen=True, slots=True)
class _Played:
    costs: Floats
    dead_ends: int


def _play(
    guide: GuideFacts, columns: Sequence[int], order: Sequence[str] | None, causes: NDArray[np.intp], draws: _Draws
) -> _Played:
    """Play one version: the costs of each customer."""
    places, is_stuck = offered_order(guide.steps, order)
    costs, failures, here = np.zeros(len(causes)), np.zeros(len(causes), dtype=np.intp), np.ones(len(causes), dtype=np.bool_)
    person, leaving, recontact = guide.costs.person, guide.costs.leaving, guide.costs.recontact
    for place in places:
        step, column = guide.steps[place], columns[place]
        first, again, said, stays = draws.at(column)
        minutes = USUAL_MINUTES if step.minutes is None else step.minutes
        costs[here] += minutes + step.risk_minutes
        handed = _failed(here, failures, costs, minutes, (first, again))
        costs[handed] += person
        done = here & ~handed
        helped = done & (causes == column) & (said >= _UNSEEN) if not step.preparation else np.zeros_like(done)
        false = done & (causes != column) & (said < _FALSE_SOLVED)
        costs[false] += recontact + person
        left = done & ~helped & ~false & (stays < _LEAVES)
        costs[left] += leaving
        here = done & ~helped & ~false & ~left
    costs[here] += person + (leaving if is_stuck else 0.0)
    return _Played(costs, int(here.sum()) if is_stuck else 0)


def _failed(here: Flags, failures: NDArray[np.intp], costs: Floats, minutes: float, draws: tuple[Floats, Floats]) -> Flags:
    """Customers who get a person because they could not carry a step out; who failed once tries the same step again."""
    failed = here & (draws[0] < _COULD_NOT)
    failures[failed] += 1
    again = failed & (failures < FAILURES_ALLOWED)
    costs[again] += minutes
    failures[again & (draws[1] < _COULD_NOT_AGAIN)] += 1
    return here & (failures >= FAILURES_ALLOWED)
