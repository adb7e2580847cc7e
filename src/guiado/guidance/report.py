"""Reports on a guide's plan for its author: what is known of each step, the order that follows, and what each wish costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from guiado.guidance.plan import ASK_ACTION, STEP_ACTION, AuthorRules, Estimate, GuidePlan, Progress
from guiado.guidance.special import Floats

PIN_RULE, KEEP_RULE, FLOOR_RULE = "pin", "keep", "floor"
LEAST_SESSIONS = 20
"""Fewest sessions that tried a step from which anything is told of it."""
WIDEST = 0.5
"""Widest interval of a chance, 0..1, from which anything is told of it."""
_NORMAL_95 = 1.96


class MinutesRange(NamedTuple):
    """Expected minutes with their 95 % interval."""

    minutes: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step as its author sees it.

    Args:
        chance: that it solves the problem if it is offered first; 0 for a preparation.
        minutes: that it takes.
        sessions: that tried it.
        author_place: in the author's order, from 1.
        place: in the order that the plan follows, from 1; None where a person comes before it.
        moved: places that it came forward since the author's order, below 0 backward; None where a person comes before it.
        too_few: whether the sessions are too few to say anything of it.
    """

    step_id: str
    chance: Estimate
    minutes: float
    sessions: int
    author_place: int
    place: int | None
    moved: int | None
    too_few: bool


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A wish of the author, with what it costs.

    Args:
        kind: `pin`, `keep` or `floor`.
        steps: step_ids that it is about; none for a floor.
        floor: steps before a person; 0 for the others.
        known: whether the guide has all these steps; a wish about others is without effect.
        minutes: expected of a session, as it is; `minutes_without` if this wish alone were dropped.
    """

    kind: str
    steps: tuple[str, ...]
    floor: int
    known: bool
    minutes: float
    minutes_without: float

    @property
    def cost(self) -> float:
        """Minutes that the wish adds to a session."""
        return self.minutes - self.minutes_without


@dataclass(frozen=True, slots=True)
class GuideReport:
    """A guide's plan for the customers of one variant, as its author sees it.

    Args:
        variant: "" for customers of whom nobody knows it.
        sessions: that it was learned from.
        steps: in the author's order.
        order: step_ids as the plan offers them while nothing helps; a person comes after the last.
        asks: ids of the questions that it asks on the way.
        author_minutes, learned_minutes: expected of a session in the author's order of all steps and in this one, a person after
            the last of each.
        saved: minutes per session of the difference, with its 95 % interval.
    """

    guide_id: str
    version: str
    variant: str
    sessions: int
    steps: tuple[StepReport, ...]
    order: tuple[str, ...]
    asks: tuple[str, ...]
    author_minutes: float
    learned_minutes: float
    saved: MinutesRange
    rules: tuple[RuleReport, ...] = ()


def report_on(plan: GuidePlan, variant: str = "", *, orders: bool = True) -> GuideReport:
    """The report on a plan for the customers of a variant; an unknown variant is nobody's, like "".

    Args:
        orders: whether the plan orders the steps at all; otherwise the author's order is what follows, whatever the rules.
    """
    facts = plan.guide.facts
    author = tuple(step.step_id for step in facts.steps)
    order, asks = planned_order(plan, variant) if orders else (author, ())
    before, after = plan.expected_costs(variant, author), plan.expected_costs(variant, order)
    return GuideReport(
        facts.guide_id,
        facts.version,
        variant,
        plan.posterior.sessions,
        _steps(plan, variant, order),
        order,
        asks,
        float(before.mean()),
        float(after.mean()),
        _mean_of(before - after),
        tuple(_rule(plan, variant, *each) for each in _without_each(plan.rules)) if orders else (),
    )


def planned_order(plan: GuidePlan, variant: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps that a plan offers a customer whom nothing helps, and the questions that it asks them meanwhile.

    Nobody knows what this customer would answer, so that the order goes on as if no question had been answered.
    """
    told = _without_trials(plan)
    silent = _without_questions(told)
    done: tuple[str, ...] = ()
    asks = list[str]()
    for _ in range(plan.guide.size + 1):
        progress = Progress(variant, done=done)
        if told is not silent and (asked := told.choose(progress)).action == ASK_ACTION and asked.target not in asks:
            asks.append(str(asked.target))
        chosen = silent.choose(progress)
        if chosen.action != STEP_ACTION or chosen.target is None:
            break
        done = (*done, chosen.target)
    return done, tuple(asks)


def too_few(chance: Estimate, sessions: float) -> bool:
    """Whether what is known of a step is too little to be told."""
    return chance.high - chance.low > WIDEST or sessions < LEAST_SESSIONS


def _steps(plan: GuidePlan, variant: str, order: Sequence[str]) -> tuple[StepReport, ...]:
    claims, posterior = plan.claims(variant), plan.posterior
    places = {step_id: place for place, step_id in enumerate(order, 1)}
    out = list[StepReport]()
    for at, step in enumerate(plan.guide.facts.steps):
        place, chance = places.get(step.step_id), claims[step.step_id]
        sessions = round(float(posterior.step_sessions[at]))
        moved = None if place is None else at + 1 - place
        minutes = float(posterior.minutes[at])
        out.append(StepReport(step.step_id, chance, minutes, sessions, at + 1, place, moved, too_few(chance, sessions)))
    return tuple(out)


def _mean_of(samples: Floats) -> MinutesRange:
    middle, spread = float(samples.mean()), _NORMAL_95 * float(samples.std())
    return MinutesRange(middle, middle - spread, middle + spread)


# ------------------------------------------------------------------------------------------------------------------- rules


def _without_each(rules: AuthorRules) -> list[tuple[str, tuple[str, ...], int, AuthorRules]]:
    """Each wish, with all the others."""
    pins = [
        (PIN_RULE, (step,), 0, replace(rules, pinned=tuple(each for each in rules.pinned if each != step)))
        for step in rules.pinned
    ]
    pairs = [(KEEP_RULE, pair, 0, replace(rules, kept=tuple(each for each in rules.kept if each != pair))) for pair in rules.kept]
    floors = [(FLOOR_RULE, (), rules.floor, replace(rules, floor=0))] if rules.floor > 0 else []
    return [*pins, *pairs, *floors]


def _rule(plan: GuidePlan, variant: str, kind: str, steps: tuple[str, ...], floor: int, others: AuthorRules) -> RuleReport:
    known = all(each in plan.guide.place for each in steps)
    minutes = _minutes(plan, variant)
    without = _minutes(GuidePlan(plan.guide, plan.posterior, others), variant) if known else minutes
    return RuleReport(kind, steps, floor, known, minutes, without)


def _minutes(plan: GuidePlan, variant: str) -> float:
    return _without_trials(plan).choose(Progress(variant)).minutes


def _without_trials(plan: GuidePlan) -> GuidePlan:
    """The plan without steps that are offered only to learn from them."""
    return GuidePlan(plan.guide, plan.posterior, replace(plan.rules, explores=False)) if plan.rules.explores else plan


def _without_questions(plan: GuidePlan) -> GuidePlan:
    if not plan.guide.facts.questions:
        return plan
    guide = replace(plan.guide, facts=replace(plan.guide.facts, questions=()))
    return GuidePlan(guide, plan.posterior, plan.rules)
