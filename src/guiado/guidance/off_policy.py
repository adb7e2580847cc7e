"""Off-policy evaluation: what sessions would cost in the learned order against the author's, by model and recorded sessions.

Doubly robust: the model says what each order costs, and sessions that went the same way correct it, step by step. At each step
the correction is the chance that the model expects less the share that was seen, times what is saved there; it counts by its
sessions.
The model's costs are those of `GuidePlan.expected_costs`: minutes of the steps, and a person after the last.

Source: Jiang and Li 2016 (doubly robust, sequential); Hanna et al. 2019 (propensities estimated from the sessions themselves).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.patterns import ABANDONED, ASSUMED, COULD_NOT, SOLVED, STEP, Pattern, PatternCount
from guiado.guidance.plan import ASK_ACTION, STEP_ACTION, GuidePlan, Progress
from guiado.guidance.special import Floats

_WORTH = 10.0
"""Sessions that the model's chance is worth at a step, against those that were seen there."""
_DRAWS = 8
"""Draws of what stays open, for each sample of the posterior."""
_OPEN = 0.5
"""Share of a correction that stays open: one standard deviation."""
_MOST_STEPS = 60
"""Steps of an order that are looked at: what comes later is reached by hardly anybody."""
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Comparison:
    """The learned order against the author's, in minutes a session.

    Args:
        author, learned: expected minutes.
        low, mean, high: the difference, learned less author's, with its 95 % interval.
        not_worse: probability that the learned order costs no more.
        effective_sessions: that many recorded sessions went the learned way.
    """

    author: float
    learned: float
    low: float
    mean: float
    high: float
    not_worse: float
    effective_sessions: float


class _Trial(NamedTuple):
    """Sessions that did the same steps without help: the step after them, and whether it helped; None where nobody knows."""

    variant: str
    done: tuple[int, ...]
    step: int
    helped: bool | None
    sessions: int


def author_order(guide: CompiledGuide) -> list[int]:
    """Indexes of the steps as the author's order offers them: each as soon as those that it waits for are passed."""
    order, behind = list[int](), 0
    while len(order) < guide.size:
        left = [step for step in range(guide.size) if not behind >> step & 1]
        step = next((each for each in left if guide.needs[each] & ~behind == 0), left[0])
        order.append(step)
        behind |= 1 << step
    return order


def learned_order(plan: GuidePlan, variant: str) -> list[int]:
    """Indexes of the steps that a plan offers to a customer whom none of them helps, until it calls a person."""
    place, done = plan.guide.place, list[str]()
    while len(done) < min(plan.guide.size, _MOST_STEPS):
        choice = plan.choose(Progress(variant, done=tuple(done)))
        if choice.explored or choice.action not in {STEP_ACTION, ASK_ACTION} or not choice.scores:
            if done or not choice.scores:
                break
            done.append(choice.scores[0].step_id)  # nobody is called before the first step
            continue
        done.append(choice.target or "" if choice.action == STEP_ACTION else choice.scores[0].step_id)
    return [place[each] for each in done]


def compare(plan: GuidePlan, counts: Iterable[PatternCount], seed: int = 1) -> Comparison:
    """Compare the order of a plan with the author's, over the variants that the sessions had.

    Args:
        counts: of the sessions that the plan was learned from.
        seed: of the draws.
    """
    given, rng = list(counts), np.random.default_rng(seed)
    trials = _trials(plan.guide, given)
    mix = _variants(plan.guide, given)
    author = author_order(plan.guide)[:_MOST_STEPS]
    orders = {variant: learned_order(plan, variant) for variant in mix}
    samples = len(plan.posterior.shares) * _DRAWS
    costs = np.zeros((2, samples))
    for variant, share in mix.items():
        of_variant = [each for each in trials if each.variant == variant]
        own = _cost(plan, variant, author, of_variant, rng)
        same = orders[variant] == author  # then it costs the same, whatever was drawn
        costs[0] += share * own
        costs[1] += share * (own if same else _cost(plan, variant, orders[variant], of_variant, rng))
    difference = costs[1] - costs[0]
    low, high = np.quantile(difference, (0.025, 0.975))
    agreeing = _effective(trials, orders)
    is_not_worse = float((difference <= _SAME).mean())
    return Comparison(
        float(costs[0].mean()), float(costs[1].mean()), float(low), float(difference.mean()), float(high), is_not_worse, agreeing
    )


def _cost(plan: GuidePlan, variant: str, order: Sequence[int], trials: Sequence[_Trial], rng: np.random.Generator) -> Floats:
    """(samples,) the cost of an order by the model, corrected by the sessions that went that way."""
    reach, minutes = _walk(plan, variant, order)  # (S, T + 1), (T,)
    person = plan.guide.facts.costs.person
    to_go = np.zeros_like(reach)  # of all customers together, from each step on
    to_go[:, -1] = person * reach[:, -1]
    for place in range(len(order) - 1, -1, -1):
        to_go[:, place] = minutes[place] * reach[:, place] + to_go[:, place + 1]
    total = np.repeat(to_go[:, 0], _DRAWS)
    for place, step in enumerate(order):
        here = [each for each in trials if each.step == step and each.done == tuple(order[:place]) and each.helped is not None]
        seen = sum(each.sessions for each in here)
        if not seen:
            continue
        share = sum(each.sessions for each in here if each.helped) / seen
        expected = 1 - reach[:, place + 1].mean() / max(reach[:, place].mean(), 1e-12)
        saved = to_go[:, place + 1] / np.maximum(reach[:, place + 1], 1e-12) * reach[:, place]
        # The samples differ as much as so many sessions leave open; what the model got wrong comes on top.
        wrong = (expected - share) * seen / (seen + _WORTH)
        total += wrong * (1 + _OPEN * rng.standard_normal(len(total))) * np.repeat(saved, _DRAWS)
    return total


def _walk(plan: GuidePlan, variant: str, order: Sequence[int]) -> tuple[Floats, Floats]:
    """(S, T + 1) shares of the customers who reach each step of an order and its end, and (T,) minutes of its steps."""
    believed = plan.posterior
    left = believed.shares[:, plan.guide.variant_place.get(variant, 0)].copy()
    reach = [left.sum(axis=1)]
    for step in order:
        left = left * (1 - believed.removes[:, :, step])
        reach.append(left.sum(axis=1))
    steps = list(order)
    return np.stack(reach, axis=1), believed.minutes[steps] + plan.guide.risk[steps]


def _variants(guide: CompiledGuide, counts: Sequence[PatternCount]) -> dict[str, float]:
    sessions = dict[str, int]()
    for each in counts:
        variant = each.pattern.variant if each.pattern.variant in guide.variant_place else ""
        sessions[variant] = sessions.get(variant, 0) + each.sessions
    total = sum(sessions.values())
    return {variant: number / total for variant, number in sessions.items()} if total else {"": 1.0}


def _trials(guide: CompiledGuide, counts: Sequence[PatternCount]) -> list[_Trial]:
    """Each step of each session, as far as the sessions' steps are those of the guide and could be done."""
    found = dict[tuple[str, tuple[int, ...], int, bool | None], int]()
    for each in counts:
        variant = each.pattern.variant if each.pattern.variant in guide.variant_place else ""
        for done, step, helped in _of_session(guide, each.pattern):
            key = (variant, done, step, helped)
            found[key] = found.get(key, 0) + each.sessions
    return [_Trial(*key, sessions) for key, sessions in found.items()]


def _of_session(guide: CompiledGuide, pattern: Pattern) -> Iterable[tuple[tuple[int, ...], int, bool | None]]:
    done, steps = tuple[int, ...](), [each for each in pattern.events if each.kind == STEP]
    for place, event in enumerate(steps):
        step = guide.place.get(event.id)
        if step is None or event.result == COULD_NOT or step in done:
            return
        is_last = place == len(steps) - 1
        helped = is_last and pattern.end == SOLVED and not pattern.returned
        yield done, step, None if is_last and pattern.end == ASSUMED else helped
        done = (*done, step)
    left_in = guide.place.get(pattern.left_in or "") if pattern.end == ABANDONED else None
    if left_in is not None and left_in not in done:
        yield done, left_in, None


def _effective(trials: Sequence[_Trial], orders: dict[str, list[int]]) -> float:
    """Effective number of sessions that went the learned way, each weighted by one over the chance to be offered that way.

    The chance to be offered a step is the share of the sessions at the same point that were.
    """
    offered = dict[tuple[str, tuple[int, ...]], int]()
    same = dict[tuple[str, tuple[int, ...]], int]()
    for each in trials:
        at = (each.variant, each.done)
        offered[at] = offered.get(at, 0) + each.sessions
        order = orders.get(each.variant, [])
        if tuple(order[: len(each.done) + 1]) == (*each.done, each.step):
            same[at] = same.get(at, 0) + each.sessions
    weights, numbers = list[float](), list[float]()
    for variant, order in orders.items():
        weight = 1.0
        for place in range(len(order)):
            at = (variant, tuple(order[:place]))
            if not same.get(at):
                break
            weight *= offered[at] / same[at]
            going_on = same.get((variant, tuple(order[: place + 1])), 0)
            numbers.append(max(same[at] - going_on, 0))
            weights.append(weight)
    w, n = np.array(weights), np.array(numbers)
    spread = float((n * w * w).sum())
    return float((n * w).sum() ** 2 / spread) if spread > 0 else 0.0
