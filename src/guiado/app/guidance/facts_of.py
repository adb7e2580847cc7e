"""Facts of a guide for the computation of its order, from the guide as its author wrote it."""

from __future__ import annotations

from guiado.domain.guide import Guide, GuideQuestion, Step
from guiado.domain.guide_versions import carry_step_ids
from guiado.guidance.facts import Costs, GuideFacts, QuestionFacts, StepFacts

RISK_MINUTES = {"low": 0.0, "medium": 2.0, "high": 10.0}
"""A word for the risk of a step -> the minutes of expected damage that it counts as; any other word counts as none."""
_NO_COSTS = Costs()


def facts_of(guide: Guide, costs: Costs = _NO_COSTS, version: str = "") -> GuideFacts:
    """The facts of a guide.

    Steps that have no id yet get the one that the first publication would give them.

    Args:
        costs: of what may end a session.
        version: of the guide; any text.
    """
    named = guide if all(step.step_id for step in guide.steps) else carry_step_ids(guide, None)
    return GuideFacts(
        guide.problem_id,
        version,
        tuple(map(_step, named.steps)),
        costs,
        variants=tuple(guide.variants),
        questions=tuple(map(_question, guide.questions)),
    )


def _step(step: Step) -> StepFacts:
    risk = RISK_MINUTES.get(step.risk, 0.0) if step.risk_minutes is None else step.risk_minutes
    return StepFacts(
        step.step_id,
        None if step.chance is None else min(max(step.chance, 0.0), 1.0),
        step.minutes,
        step.preparation,
        step.irreversible,
        risk,
        step.after,
    )


def _question(question: GuideQuestion) -> QuestionFacts:
    return QuestionFacts(
        question.question_id, question.minutes, {each.answer_id: dict(each.weights) for each in question.answers}
    )
