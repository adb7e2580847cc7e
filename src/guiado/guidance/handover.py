"""Summary of a session for the person who takes it over: what was ruled out, what is likeliest now, and what to try next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from guiado.guidance.plan import ASK_ACTION, STEP_ACTION, GuidePlan, Progress
from guiado.guidance.report import LEAST_SESSIONS

_MOST_SHOWN = 3
_LEAST_SHOWN = 0.02
"""Least chance that is worth telling."""


class LikelyStep(NamedTuple):
    """A step that may still solve it.

    Args:
        chance: that it does, after all that was tried, 0..1.
        unable: whether the customer could not do it.
    """

    step_id: str
    chance: float
    unable: bool


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """Summary of where a session stands.

    Args:
        ruled_out: step_ids that did not help, in order.
        unable: step_ids that the customer could not do, in order.
        likeliest: best first.
        other: chance that none of the steps that are left solves it, 0..1.
        next_step: step_id that is worth trying next; None where none is.
        next_question: id of the question that is worth asking first; None where none is.
        too_few: whether the sessions of the guide are too few to rely on the chances: they are mostly the author's.
    """

    ruled_out: tuple[str, ...]
    unable: tuple[str, ...]
    likeliest: tuple[LikelyStep, ...]
    other: float
    next_step: str | None
    next_question: str | None
    too_few: bool


def agent_summary(plan: GuidePlan, progress: Progress) -> AgentSummary:
    """Sum up a session, by the plan of its guide."""
    beliefs, size = plan.beliefs(progress), plan.guide.size
    chances = [float((beliefs * plan.posterior.removes[:, :, step]).sum()) for step in range(size)]
    unable = tuple(each for each in progress.unable if each not in progress.done)
    rows = [
        LikelyStep(step.step_id, chance, step.step_id in unable)
        for step, chance in zip(plan.guide.facts.steps, chances, strict=True)
        if step.step_id not in progress.done and chance >= _LEAST_SHOWN
    ]
    left = [place for place, step in enumerate(plan.guide.facts.steps) if step.step_id not in progress.done]
    chosen = plan.choose(progress)
    follows = None if chosen.explored else chosen.target
    return AgentSummary(
        progress.done,
        unable,
        tuple(sorted(rows, key=lambda each: -each.chance)[:_MOST_SHOWN]),
        float((beliefs * (1 - plan.posterior.removes[:, :, left]).prod(axis=2)).sum()),
        follows if chosen.action == STEP_ACTION else None,
        follows if chosen.action == ASK_ACTION else None,
        plan.posterior.sessions < LEAST_SESSIONS,
    )
