"""The expected cost of a session: the same sums serve the optimum, every policy, and the facts of a step.

A session costs minutes on steps and questions, expected damage, `c_esc` of a human, a penalty for leaving unhelped, and `c_esc`
with a penalty for a false "solved". Weights are chances of a cause together with all that was seen: they need no normalising.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guiado.guidance.simulation.world import Floats, World
from guiado.guidance.wire import WireEvent


@dataclass(frozen=True, slots=True)
class StepOffer:
    """Effects of offering a step, in expectation.

    Args:
        cost: minutes, [...].
        solved: chance that the customer leaves with the problem solved and no human, [...].
        abandoned: chance of leaving unhelped, [...].
        false: chance of a false "solved", [...].
        unsolved: weights of the causes where it was done and did not help, [..., cause].
        pending: weights where it helped unnoticed, [..., cause].
        could_not: weights where it could not be done, [..., cause].
    """

    cost: Floats
    solved: Floats
    abandoned: Floats
    false: Floats
    unsolved: Floats
    pending: Floats
    could_not: Floats


def offer(world: World, step: int, unsolved: Floats, pending: Floats, *, ready: bool = True) -> StepOffer:
    """Offer a step to customers whose problem is unsolved, or solved and not yet noticed.

    Someone who has not noticed a success tells it in this step, whose minutes are spent.

    Args:
        unsolved: weights, [..., cause].
        pending: weights, [..., cause].
        ready: its prerequisites are done; otherwise it removes nothing.
    """
    noise, minutes = world.noise, float(world.minutes[step])
    stay, cannot = 1 - float(world.hazard[step]), float(world.could_not[step])
    left, waiting = unsolved.sum(-1) * (1 - stay), pending.sum(-1)
    done, cannot_do = unsolved * (stay * (1 - cannot)), unsolved * (stay * cannot)
    helped = done * (world.removes[:, step] if ready else 0.0)
    heard, late = helped * (1 - noise.late * (1 - noise.silent)), helped * (noise.late * (1 - noise.silent))
    failed = done - helped
    false = failed * (0.0 if world.is_preparation(step) else noise.false)
    cost = (
        (left + waiting * (1 - stay)) * minutes * noise.leaving_share
        + left * world.abandon_penalty
        + cannot_do.sum(-1) * minutes * noise.could_not_share
        + (done.sum(-1) + waiting * stay) * (minutes + float(world.risk_minutes[step]))
        + false.sum(-1) * (world.c_esc + world.recontact_penalty)
    )
    return StepOffer(cost, heard.sum(-1) + waiting, left, false.sum(-1), failed - false, late, cannot_do)


def steps_done(world: World, events: Iterable[WireEvent]) -> set[int]:
    """Steps that were done in a session, those that solved it among them."""
    return {world.steps.index(event["id"]) for event in events if event["kind"] == "step" and event.get("outcome") != "could_not"}


def steps_tried(world: World, events: Iterable[WireEvent]) -> set[int]:
    """Steps that were offered in a session."""
    return {world.steps.index(event["id"]) for event in events if event["kind"] == "step"}


def is_ready(world: World, step: int, done: set[int]) -> bool:
    """All that must come before a step is done."""
    return all(before in done for before in world.after[step].nonzero()[0].tolist())


def goes_too_far(world: World, step: int, weights: Floats, done: set[int], tried: set[int]) -> bool:
    """An irreversible step, though a reversible one is open, allowed, as likely to help now, and no dearer.

    Args:
        weights: of the causes, where the problem is unsolved.
    """
    if not world.irreversible[step]:
        return False
    chances, costs = weights @ world.removes, world.costs
    return any(
        not world.irreversible[other]
        and chances[other] >= chances[step]
        and costs[other] <= costs[step]
        and is_ready(world, other, done)
        for other in set(range(len(world.steps))) - tried
    )
