"""Chance over cost: the author's numbers alone, steps by p/c and a human where no prefix of the rest pays. Nothing is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from guiado.guidance.wire import WireDecision, WireGuide, WireHistory

MOST_CERTAIN = 0.97
"""Greatest sum of the chances of all steps; the rest is "something else"."""


@dataclass(frozen=True, slots=True)
class RatioStep:
    """A step as p/c sees it.

    Args:
        p: chance that it solves it now.
        cost: minutes and expected damage.
    """

    step_id: str
    p: float
    cost: float
    after: tuple[str, ...]


class RatioPolicy:
    """The author's own p/c with the best prefix, without learning, evidence and questions."""

    def __init__(self, guide: WireGuide) -> None:
        total = sum(step["author_p"] for step in guide["steps"] if not step["preparation"])
        self._share = min(1.0, MOST_CERTAIN / max(total, 1e-9))
        self._guide = guide

    def next(self, history: WireHistory, /) -> WireDecision:
        """The first step of the best prefix of what is left."""
        tried = {event["id"] for event in history["events"] if event["kind"] == "step"}
        done = {event["id"] for event in history["events"] if event["kind"] == "step" and event.get("outcome") != "could_not"}
        p = {step["id"]: 0.0 if step["preparation"] else step["author_p"] * self._share for step in self._guide["steps"]}
        left = 1 - sum(chance for step_id, chance in p.items() if step_id in done)
        steps = [
            RatioStep(step["id"], p[step["id"]] / left, step["author_minutes"] + step["risk_minutes"], tuple(step["after"]))
            for step in self._guide["steps"]
            if step["id"] not in tried
        ]
        return decide_by_ratio(steps, done, self._guide["c_esc_minutes"])


def decide_by_ratio(
    steps: Sequence[RatioStep], done: AbstractSet[str], c_esc: float, stopping: Mapping[str, float] | None = None
) -> WireDecision:
    """The first step by p/c if some prefix costs less than a human at once.

    Args:
        steps: those that were not offered yet; their chances are of causes that exclude each other.
        stopping: step id -> chance for the question whether to stop; as the steps have it where it is missing.
    """
    order = order_by_ratio(steps, done)
    believed = {step.step_id: step.p for step in steps} | dict(stopping or {})
    left, spent, best = 1.0, 0.0, c_esc
    for step in order:
        spent += left * step.cost
        left = max(0.0, left - believed[step.step_id])
        best = min(best, spent + left * c_esc)
    if not order or best >= c_esc:
        return {"decision": "escalate"}
    return {"decision": "step", "id": order[0].step_id}


def order_by_ratio(steps: Sequence[RatioStep], done: AbstractSet[str]) -> list[RatioStep]:
    """Steps by p/c, each together with what must still come before it; those that can never be done are left out."""
    open_, order, ready = {step.step_id: step for step in steps}, list[RatioStep](), set(done)
    while bundles := [bundle for step in open_.values() if (bundle := _bundle(step, open_, ready))]:
        for step in max(bundles, key=lambda bundle: sum(step.p for step in bundle) / sum(step.cost for step in bundle)):
            order.append(step)
            ready.add(step.step_id)
            del open_[step.step_id]
    return order


def _bundle(step: RatioStep, open_: Mapping[str, RatioStep], ready: AbstractSet[str]) -> list[RatioStep] | None:
    """A step after all that it needs; None where something that it needs cannot be had."""
    needed: list[RatioStep] = []
    for before in step.after:
        if before in ready or any(before == other.step_id for other in needed):
            continue
        if before not in open_ or (more := _bundle(open_[before], open_, ready)) is None:
            return None
        needed += [other for other in more if other not in needed]
    return [*needed, step]
