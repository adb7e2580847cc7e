"""Facts about a guide that its order is computed from: steps, questions, variants and costs; no texts.

Source: research/guidance-engine.md; the costs of a session are minutes throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

USUAL_MINUTES = 3.0
"""Minutes of a step whose author gives none."""
SURE = 0.97
"""Most that the chances of all steps together are believed; authors' chances may add up to more than 1."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of what may end a session, in minutes.

    Args:
        person: of a hand-over to a person.
        leaving: of a customer who leaves unhelped.
        recontact: of a false "solved", beside the person that it needs after all.
    """

    person: float = 45.0
    leaving: float = 45.0
    recontact: float = 15.0


@dataclass(frozen=True, slots=True)
class StepFacts:
    """Facts about a step, as its author gives them.

    Args:
        step_id: stable for ever.
        chance: that it solves the problem if it is offered first, 0..1; None where the author gives none.
        minutes: that it takes; None where the author gives none.
        preparation: whether it only prepares others and solves nothing by itself.
        irreversible: whether it cannot be undone.
        risk_minutes: expected damage.
        after: step_ids that must be passed before.
    """

    step_id: str
    chance: float | None = None
    minutes: float | None = None
    preparation: bool = False
    irreversible: bool = False
    risk_minutes: float = 0.0
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """Facts about a question of a guide.

    Args:
        minutes: that it takes to answer.
        answers: answer id -> step_id -> how many times likelier the step is to end the problem, if this is the answer.
    """

    question_id: str
    minutes: float
    answers: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class GuideFacts:
    """Facts about one version of a guide.

    Args:
        version: of the guide; any text.
        steps: in the author's order.
        variants: ids; a customer of whom nobody knows the variant has the variant "".
        evidence: class of what the customer wrote -> step_id -> how much likelier the step is to end the problem.
    """

    guide_id: str
    version: str
    steps: tuple[StepFacts, ...]
    costs: Costs = Costs()
    variants: tuple[str, ...] = ()
    questions: tuple[QuestionFacts, ...] = ()
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
