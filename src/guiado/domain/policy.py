"""Policies: which step a session is offered next, or a person.

A policy is asked with the session as it stands after the last answer. What holds for every policy stands here and not in one of
them: a step is offered once, after the steps that must come before it, and an urgent guide keeps its author's order.

Source: house.md, A3.4; data-model.md, decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from guiado.domain.escalation import STEPS_EXHAUSTED
from guiado.domain.guide import Guide, Step
from guiado.domain.session import Outcome, Session
from guiado.errors import Message


class ScoredStep(NamedTuple):
    """A step that a policy could have offered.

    Args:
        position: in the author's order, from 1.
        score: as the policy weighed it; None where it weighs nothing.
    """

    step_id: str
    position: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Rationale:
    """How something came to be offered; recorded with the decision as it is.

    Args:
        rule: what made it the next one.
        policy: the policy that chose; None where a rule left nothing to choose.
        version: of that policy, with whatever it learned.
        candidates: what it chose among.
        explored: whether it was chosen to learn from it.
        probability: with which the policy chose it, 0..1.
    """

    rule: str
    policy: str | None = None
    version: str | None = None
    candidates: tuple[ScoredStep, ...] = ()
    explored: bool = False
    probability: float = 1.0


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


class Policy(Protocol):
    """What chooses the next step."""

    def next(self, session: Session, guide: Guide) -> NextStep | Person:
        """The step that comes next, or a person.

        Args:
            session: `answers` has what came of the steps so far; the customer may be new, or may just have passed a step.
            guide: the version that the session follows.
        """
        ...


@dataclass(frozen=True, slots=True)
class LinearPolicy:
    """The author's order: the first step that was not passed yet; a person when there is none."""

    def next(self, session: Session, guide: Guide) -> NextStep | Person:
        """The first step that is left."""
        left = open_steps(session, guide)
        if not left:
            return Person(Rationale("steps-exhausted", _NAME, _VERSION))
        # What the customer said they did is offered to be skipped.
        rule = "already-tried" if left[0].step_id in session.said_tried else _NAME
        return NextStep(left[0].step_id, Rationale(rule, _NAME, _VERSION, tuple(map(scored, left[:_MOST_RECORDED]))))


_NAME, _VERSION = "author-order", "1"
_MOST_RECORDED = 12
"""The author's order never looks further ahead; a guide of hundreds of steps would write all of them with each answer."""
AUTHOR_ORDER = LinearPolicy()


def scored(step: Step, score: float | None = None) -> ScoredStep:
    """A step as a candidate."""
    return ScoredStep(step.step_id, step.step_number, score)


def open_steps(session: Session, guide: Guide) -> list[Step]:
    """The steps that may be offered, in the author's order: not passed yet, and all that must come before them was."""
    passed = session.passed
    left = [step for step in guide.steps if step.step_id not in passed]
    # A step that waits for one which the guide does not have, or for itself, must not end the session.
    return [step for step in left if not step.after or passed.keys() >= set(step.after)] or left


def choose(policy: Policy, session: Session, guide: Guide, outcome: Outcome | None = None) -> NextStep | Person:
    """What comes next by the policy, within what holds for all of them.

    Args:
        outcome: with which the customer passed a step just now; None at the beginning of a guide.
    """
    if policy is AUTHOR_ORDER or guide.urgent:
        return AUTHOR_ORDER.next(session, guide)
    chosen = policy.next(session, guide)
    step_id = chosen.step_id if isinstance(chosen, NextStep) else chosen.meanwhile
    if step_id is not None and not _has(open_steps(session, guide), step_id):
        chosen = AUTHOR_ORDER.next(session, guide)
    # A step that worked is no reason to give up: many callers say no more than that it was done.
    if isinstance(chosen, Person) and chosen.meanwhile is not None and outcome is Outcome.DONE:
        return NextStep(chosen.meanwhile, replace(chosen.why, rule="done-goes-on"))
    return chosen


def _has(steps: Iterable[Step], step_id: str) -> bool:
    return any(step.step_id == step_id for step in steps)
