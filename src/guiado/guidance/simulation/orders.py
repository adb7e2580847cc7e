"""Fixed orders of steps: played as a policy, and compared all at once where steps stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from guiado.guidance.simulation.arithmetic import is_ready, steps_done, steps_tried
from guiado.guidance.simulation.expectation import expected_cost_of
from guiado.guidance.simulation.world import Floats, World
from guiado.guidance.wire import WireDecision, WireHistory


class FixedOrder:
    """Steps in one order, without those whose prerequisites are not done; a human after the last or after some failures.

    Args:
        order: indices of steps.
        most_failures: steps that did not help or could not be done, after which a human takes over; None for no limit.
    """

    def __init__(self, world: World, order: Sequence[int], most_failures: int | None = None) -> None:
        self._world = world
        self._order = order
        self._most = most_failures

    def next(self, history: WireHistory, /) -> WireDecision:
        """The first step of the order that is open."""
        events = history["events"]
        done, tried = steps_done(self._world, events), steps_tried(self._world, events)
        failures = sum(event.get("outcome") in {"not_helped", "could_not"} for event in events)
        if self._most is None or failures < self._most:
            for step in self._order:
                if step not in tried and is_ready(self._world, step, done):
                    return {"decision": "step", "id": self._world.steps[step]}
        return {"decision": "escalate"}


def author_order(world: World, most_failures: int | None = 3) -> FixedOrder:
    """The author's order, with a human after three failures."""
    return FixedOrder(world, world.author.order, most_failures)


def cost_of_order(world: World, order: Sequence[int]) -> float:
    """Expected minutes of an order, a human after the last."""
    return expected_cost_of(FixedOrder(world, order), world).cost


def best_prefix_cost(world: World) -> float:
    """Least expected minutes over all orders and all places to stop.

    This is the optimum where nothing that is seen on the way matters: no questions, no prerequisites, all steps can be done,
    every success is noticed at once. For tests of the optimum, whose sums it does not share.
    """
    every = range(len(world.variants)), range(len(world.evidence))
    return sum(_best_of_all_orders(world, world.start_weights(variant, value)) for variant in every[0] for value in every[1])


def _best_of_all_orders(world: World, weights: Floats) -> float:
    orders = np.array(list(permutations(range(len(world.steps)))))
    noise, spent = world.noise, np.zeros(len(orders))
    unsolved = np.broadcast_to(weights, (len(orders), len(weights)))
    best = float(weights.sum()) * world.c_esc
    for place in range(orders.shape[1]):
        step = orders[:, place]
        chance, hazard = unsolved.sum(axis=1), world.hazard[step]
        failed = unsolved * (1 - hazard)[:, None] * (1 - world.removes.T[step])
        left = world.minutes[step] * noise.leaving_share + world.abandon_penalty
        spent = spent + chance * (hazard * left + (1 - hazard) * (world.minutes + world.risk_minutes)[step])
        spent = spent + failed.sum(axis=1) * noise.false * (world.c_esc + world.recontact_penalty)
        unsolved = failed * (1 - noise.false)
        best = min(best, float((spent + unsolved.sum(axis=1) * world.c_esc).min()))
    return best
