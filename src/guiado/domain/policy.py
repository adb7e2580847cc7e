"""Policies: the choice of the next step of a session, of a question of its guide, or of a person.

A policy is asked with the session as it stands after the last answer. The rules of every policy stand here and not in one of
them: a step is offered once, after the steps that must come before it, a question is asked once, and an urgent guide keeps its
author's order.

Source: house.md, A3.4; data-model.md, decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from guiado.domain.escalation import NOT_ANSWERED, STEPS_EXHAUSTED
from guiado.domain.guide import Guide, GuideKind, Step
from guiado.domain.guide_questions import may_be_asked, with_given
from guiado.domain.session import Outcome, Session, StepReason
from guiado.errors import Message


class ScoredStep(NamedTuple):
    """A candidate step of a policy, with its score.

    Args:
        position: in the author's order, from 1.
        score: as the policy weighed it; None where it weighs nothing.
    """

    step_id: str
    position: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Rationale:
    """The rationale of an offer: its rule, policy and candidates, as recorded with the decision.

    Args:
        rule: what made it the next one.
        policy: the policy that chose; None where a rule left nothing to choose.
        version: of that policy, with whatever it learned.
        candidates: what it chose among.
        explored: whether it was chosen to learn from it.
        probability: with which the policy chose it, 0..1.
        reason: what the customer is told of it; None for nothing.
    """

    rule: str
    policy: str | None = None
    version: str | None = None
    candidates: tuple[ScoredStep, ...] = ()
    explored: bool = False
    probability: float = 1.0
    reason: StepReason | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """A policy's choice of a step."""

    step_id: str
    why: Rationale


@dataclass(frozen=True, slots=True)
class Person:
    """A policy's choice of a person.

    Args:
        reason: why; it is stored in the session's language.
        meanwhile: the step that stays on offer until the person comes; None where nothing is left to try.
    """

    why: Rationale
    reason: Message = STEPS_EXHAUSTED
    meanwhile: str | None = None


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """A policy's choice of a question of the guide."""

    question_id: str
    why: Rationale


@dataclass(frozen=True, slots=True)
class AskBeside:
    """A question of the guide, with the step that is offered beside it to callers who pass questions over."""

    question_id: str
    why: Rationale
    step: NextStep


Chosen = NextStep | AskBeside | Person
"""What comes next in a session."""


class Policy(Protocol):
    """Interface of a policy, which chooses the next step."""

    def next(self, session: Session, guide: Guide) -> NextStep | AskQuestion | Person:
        """Choose the next step, a question, or a person.

        Args:
            session: `answers` has the outcomes of the steps so far, `guide_answers` what is known of the questions, those among
                them that were passed over; the customer may be new, or may just have passed a step or answered a question.
            guide: the version that the session follows.
        """
        ...


@dataclass(frozen=True, slots=True)
class LinearPolicy:
    """Policy of the author's order: the first step that was not passed yet; a person when there is none."""

    def next(self, session: Session, guide: Guide) -> NextStep | Person:
        """Choose the first open step, or a person when there is none."""
        left = open_steps(session, guide)
        if not left:
            reason = NOT_ANSWERED if guide.kind == GuideKind.ANSWER else STEPS_EXHAUSTED
            return Person(Rationale("steps-exhausted", _NAME, _VERSION), reason)
        # What the customer said they did is offered to be skipped.
        rule = "already-tried" if left[0].step_id in session.said_tried else _NAME
        return NextStep(left[0].step_id, Rationale(rule, _NAME, _VERSION, tuple(map(scored, left[:_MOST_RECORDED]))))


_NAME, _VERSION = "author-order", "1"
_MOST_RECORDED = 12
"""Most candidates recorded with an offer; a guide of hundreds of steps would write all of them with each answer."""
AUTHOR_ORDER = LinearPolicy()


def scored(step: Step, score: float | None = None) -> ScoredStep:
    """The step as a candidate, with its score."""
    return ScoredStep(step.step_id, step.step_number, score)


def open_steps(session: Session, guide: Guide) -> list[Step]:
    """The steps that may be offered, in the author's order: not passed yet, with all steps passed that must come before."""
    passed = session.passed
    left = [step for step in guide.steps if step.step_id not in passed]
    # A step that waits for one which the guide does not have, or for itself, must not end the session.
    return [step for step in left if not step.after or passed.keys() >= set(step.after)] or left


def choose(policy: Policy, session: Session, guide: Guide, outcome: Outcome | None = None) -> Chosen:
    """Choose the next step, a question or a person by the policy, within the rules of every policy.

    Args:
        outcome: with which the customer passed a step just now; None at the beginning of a guide.
    """
    if policy is AUTHOR_ORDER or guide.urgent or guide.kind != GuideKind.GUIDE:
        return AUTHOR_ORDER.next(session, guide)
    chosen = policy.next(session, guide)
    if isinstance(chosen, AskQuestion):
        return _with_step(chosen, policy, session, guide, outcome)
    step_id = chosen.step_id if isinstance(chosen, NextStep) else chosen.meanwhile
    if step_id is not None and not _has(open_steps(session, guide), step_id):
        chosen = AUTHOR_ORDER.next(session, guide)
    # A step that worked is no reason to give up: many callers say no more than that it was done.
    if isinstance(chosen, Person) and chosen.meanwhile is not None and outcome is Outcome.DONE:
        return NextStep(chosen.meanwhile, replace(chosen.why, rule="done-goes-on"))
    return chosen


def _with_step(asked: AskQuestion, policy: Policy, session: Session, guide: Guide, outcome: Outcome | None) -> Chosen:
    """The question with the step that would be next without it; the author's order where it must not be asked."""
    first = AUTHOR_ORDER.next(session, guide)
    if isinstance(first, Person) or not may_be_asked(session, guide, asked.question_id):
        return first
    match choose(policy, with_given(session, asked.question_id), guide, outcome):
        case NextStep() as step:
            pass
        case AskBeside(step=step):
            pass
        case Person(why=why, meanwhile=str(step_id)):
            step = NextStep(step_id, replace(why, rule="still-open"))
        case Person():  # without the answer the policy would try none
            step = first
    return AskBeside(asked.question_id, asked.why, step)


def _has(steps: Iterable[Step], step_id: str) -> bool:
    return any(step.step_id == step_id for step in steps)
