"""Reasons for a step that a customer can be told, from the plan that chose it."""

from __future__ import annotations

from guiado.domain.session import LIKELIEST, QUICKEST, StepReason
from guiado.guidance.plan import STEP_ACTION, GuidePlan, PlanChoice
from guiado.guidance.report import LEAST_SESSIONS


def step_reason(plan: GuidePlan, choice: PlanChoice) -> StepReason | None:
    """The reason for a step that a customer can be told; None where there is none, or where too little is known.

    Nothing is said of a step that is offered to learn from it, or of one that is neither the likeliest nor the quickest.
    """
    step = plan.guide.place.get(choice.target or "", -1)
    if choice.action != STEP_ACTION or choice.explored or step < 0:
        return None
    if plan.posterior.step_sessions[step] < LEAST_SESSIONS:
        return None
    minutes = plan.posterior.minutes
    own = next((each.chance for each in choice.scores if each.step_id == choice.target), 0.0)
    if own <= 0:
        return None
    rest = [each for each in choice.scores if each.step_id != choice.target]
    if all(each.chance <= own for each in rest):
        return StepReason(LIKELIEST, float(minutes[step]))
    quickest = all(minutes[plan.guide.place[each.step_id]] >= minutes[step] for each in rest)
    return StepReason(QUICKEST, float(minutes[step])) if quickest else None
