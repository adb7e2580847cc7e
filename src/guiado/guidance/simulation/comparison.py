"""Comparison of two orders of a guide on the same invented customers, drawn from what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.engine import progress_of
from guiado.guidance.plan import STEP_ACTION, GuidePlan
from guiado.guidance.posterior import Posterior
from guiado.guidance.simulation.customer import PlayedSession, play
from guiado.guidance.simulation.known import USUAL_NOISE, world_of_guide
from guiado.guidance.simulation.orders import author_order
from guiado.guidance.simulation.world import World
from guiado.guidance.wire import Chooser, WireDecision, WireGuide, WireHistory, WireStep

_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class OrderResult:
    """Result of an order.

    Args:
        minutes: mean of a session, with those of the person and of what went wrong.
        solved, escalated, left, false: shares of the sessions, 0..1: solved without a person, handed over, left unhelped, and
            told solved though they are not.
        steps: mean number of steps tried.
    """

    minutes: float
    solved: float
    escalated: float
    left: float
    false: float
    steps: float


@dataclass(frozen=True, slots=True)
class OrderComparison:
    """The same customers in two orders.

    Args:
        saved: minutes per session that the plan takes less than the author's order, `low` to `high` its 95 % interval.
    """

    sessions: int
    seed: int
    author: OrderResult
    plan: OrderResult
    saved: float
    low: float
    high: float


class PlanChooser:
    """A plan as a simulated session asks it; nothing is tried only to learn from it."""

    def __init__(self, plan: GuidePlan) -> None:
        self._plan = GuidePlan(plan.guide, plan.posterior, replace(plan.rules, explores=False))

    def next(self, history: WireHistory, /) -> WireDecision:
        """Choose by the plan."""
        choice = self._plan.choose(progress_of(history))
        return {"decision": choice.action, "id": choice.target}  # pyright: ignore[reportReturnType] one of the three


def compare(plan: GuidePlan, sessions: int, seed: int = 1, *, learned: bool = True) -> OrderComparison:
    """Play a number of customers twice: with the author's order of all steps, a person after the last, and with a plan.

    Args:
        seed: of the draws; the same gives the same result.
        learned: whether the customers are as the plan's sessions say, or as the author's numbers do.
    """
    world = world_of(plan.guide, plan.posterior if learned else None)
    author, guided = author_order(world, None), PlanChooser(plan)
    before = [_played(world, author, seed, number) for number in range(sessions)]
    after = [_played(world, guided, seed, number) for number in range(sessions)]
    saved = np.array([first.cost - second.cost for first, second in zip(before, after, strict=True)])
    middle, spread = float(saved.mean()), _NORMAL_95 * float(saved.std(ddof=1)) / sessions**0.5 if sessions > 1 else 0.0
    return OrderComparison(sessions, seed, _result(before), _result(after), middle, middle - spread, middle + spread)


def world_of(guide: CompiledGuide, believed: Posterior | None = None) -> World:
    """The world of a guide: as its author's numbers say, with the noise of real reports, or as was learned from its sessions."""
    world = world_of_guide(wire_of(guide))
    if believed is None:
        return world
    places = [guide.variant_place[name] for name in world.variants]
    late, untold, false, back = map(float, believed.noise)
    return replace(
        world,
        theta=_shares(believed.shares[:, places].mean(axis=0)),
        removes=believed.removes.mean(axis=0),
        minutes=believed.minutes,
        could_not=believed.could_not,
        hazard=believed.leaves,
        noise=replace(USUAL_NOISE, late=late, silent=untold, false=false, returns=back, could_not_share=believed.could_not_cost),
    )


def wire_of(guide: CompiledGuide) -> WireGuide:
    """The facts about a guide as plain values; what its author left out is as `compile_guide` fills it in."""
    facts = guide.facts
    return {
        "guide_id": facts.guide_id,
        "guide_version": facts.version,
        "c_esc_minutes": facts.costs.person,
        "abandon_penalty_minutes": facts.costs.leaving,
        "recontact_penalty_minutes": facts.costs.recontact,
        "variants": list(facts.variants),
        "steps": [_wire_step(guide, at) for at in range(guide.size)],
        "evidence": {name: dict(weights) for name, weights in facts.evidence.items()},
        "questions": [
            {"id": each.question_id, "minutes": each.minutes, "answers": _plain(each.answers)} for each in facts.questions
        ],
    }


def _plain(answers: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {name: dict(weights) for name, weights in answers.items()}


def _wire_step(guide: CompiledGuide, at: int) -> WireStep:
    step, needs = guide.facts.steps[at], guide.needs[at]
    return {
        "id": step.step_id,
        "author_position": at + 1,
        "author_p": float(guide.chance[at]),
        "author_minutes": float(guide.minutes[at]),
        "preparation": step.preparation,
        "irreversible": step.irreversible,
        "risk_minutes": float(guide.risk[at]),
        "after": [guide.facts.steps[each].step_id for each in range(guide.size) if needs >> each & 1],
    }


def _shares(table: np.ndarray) -> np.ndarray:
    return table / table.sum(axis=-1, keepdims=True)


def _played(world: World, chooser: Chooser, seed: int, number: int) -> PlayedSession:
    return play(world, chooser, np.random.default_rng([seed, number]), f"{seed}.{number}")


def _result(played: Sequence[PlayedSession]) -> OrderResult:
    count = max(len(played), 1)

    def share(end: str) -> float:
        return sum(each.record.get("end") == end and not each.solved for each in played) / count

    steps = sum(event["kind"] == STEP_ACTION for each in played for event in each.record["events"])
    minutes = sum(each.cost for each in played) / count
    solved, false = (sum(ends) / count for ends in ((each.solved for each in played), (each.false for each in played)))
    return OrderResult(minutes, solved, share("escalated"), share("abandoned"), false, steps / count)
