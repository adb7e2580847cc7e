"""The learned policy: what comes next by the plan of the guide version that a session follows.

It makes no query and never waits: what is not learned, or cannot be used, leaves the author's order.

Source: ADR 0046.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from guiado.app.guidance.reasons import step_reason
from guiado.domain.guide import Guide
from guiado.domain.guide_questions import answers_known
from guiado.domain.policy import AUTHOR_ORDER, AskQuestion, NextStep, Person, Rationale, ScoredStep, open_steps
from guiado.domain.session import Outcome, Session
from guiado.errors import Message
from guiado.guidance.plan import ASK_ACTION, PERSON_ACTION, STEP_ACTION, GuidePlan, PlanChoice, Progress, Score
from guiado.logs import get_logger

NAME = "learned"
AUTHOR, LEARNED, SHADOW = "author", "learned", "shadow"
_MOST_RECORDED = 12
log = get_logger()


class PlanInUse(NamedTuple):
    """The plan of a guide version, and the order that is in use.

    Args:
        order: author, learned or shadow.
    """

    version: int
    order: str
    plan: GuidePlan


Find = Callable[[str, Guide], PlanInUse | None]
"""Function that finds the plan of a guide version: (id of the version, the guide) -> plan; None where nothing was learned."""


class LearningPolicy:
    """Policy of the learned order: it asks where that saves more than it takes, and calls a person where going on costs more."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def plan_of(self, session: Session, guide: Guide) -> GuidePlan | None:
        """The plan of the guide that a session follows, whichever order is in use; None where nothing was learned."""
        found = self._find(session.guide_version_id, guide) if session.guide_version_id is not None else None
        return found.plan if found is not None else None

    def next(self, session: Session, guide: Guide) -> NextStep | AskQuestion | Person:
        """Choose the next step, a question of the guide, or a person."""
        if session.guide_version_id is None:
            return AUTHOR_ORDER.next(session, guide)
        try:
            found = self._find(session.guide_version_id, guide)
            if found is None or found.order == AUTHOR:
                return AUTHOR_ORDER.next(session, guide)
            chosen = _Choosing(session, guide, found).next()
            return chosen if found.order == LEARNED else _in_shadow(session, guide, chosen)
        except Exception as error:  # noqa: BLE001 a customer gets the next step, whatever is wrong with a plan
            why = f"{type(error).__name__}: {error}"[:500]
            log.error("learned_order_fails", problem=guide.problem_id, version=session.guide_version_id, error=why)
            return AUTHOR_ORDER.next(session, guide)


class _Choosing:
    """One choice by a plan."""

    def __init__(self, session: Session, guide: Guide, found: PlanInUse) -> None:
        self._session, self._guide, self._found = session, guide, found
        self._open = {step.step_id: step.step_number for step in open_steps(session, guide)}
        self._choice = found.plan.choose(progress_of(session))
        self._scores = [each for each in self._choice.scores if each.step_id in self._open]

    def next(self) -> NextStep | AskQuestion | Person:
        choice, scores = self._choice, self._scores
        if not scores:
            return self._left_over()
        if choice.action == ASK_ACTION and choice.target is not None:
            return AskQuestion(choice.target, self._why("worth-asking", scores))
        if choice.action == PERSON_ACTION and _may_be_called(self._session):
            return Person(self._why("costs-more", scores), too_costly(choice, scores[0]), scores[0].step_id)
        if choice.action == STEP_ACTION and choice.target in self._open:
            why = self._why("explored" if choice.explored else "least-cost", scores)
            return NextStep(choice.target or "", replace(why, reason=step_reason(self._found.plan, choice)))
        # Nobody is called before something was tried: then the best step comes.
        why = self._why("least-cost", scores)
        return NextStep(scores[0].step_id, replace(why, explored=False, probability=1.0))

    def _left_over(self) -> NextStep | Person:
        """The choice where the plan has no step left: what the customer said to have tried comes last, to be skipped."""
        offered = AUTHOR_ORDER.next(self._session, self._guide)
        is_stuck = bool(self._session.answers) and self._session.answers[-1].outcome is Outcome.COULD_NOT
        if isinstance(offered, Person) or is_stuck or not _may_be_called(self._session):
            return offered
        return Person(self._why("nothing-new", ()), meanwhile=offered.step_id)

    def _why(self, rule: str, scores: Sequence[Score]) -> Rationale:
        considered = tuple(
            ScoredStep(each.step_id, self._open[each.step_id], round(each.minutes, 2)) for each in scores[:_MOST_RECORDED]
        )
        choice, version = self._choice, str(self._found.version)
        return Rationale(rule, NAME, version, considered, choice.explored, choice.propensity)


def progress_of(session: Session) -> Progress:
    """How far a session has come. A step that could not be done is still on offer; it counts until something else is said."""
    last = session.answers[-1] if session.answers else None
    unable = (last.step_id,) if last is not None and last.outcome is Outcome.COULD_NOT else ()
    done = dict.fromkeys((*session.passed, *session.said_tried))
    answers = answers_known(session)
    return Progress(session.variant or "", done=tuple(done), unable=unable, answers=answers, key=session.session_id)


def too_costly(choice: PlanChoice, best: Score) -> Message:
    """The reason for a person who is called before all steps were tried: the comparison that decided it."""
    person = round(choice.person_minutes)
    costs: dict[str, object] = {"person": person, "steps": max(math.ceil(best.minutes), person + 1)}
    return Message("Después de lo probado, seguir costaría unos {steps} min de media y una persona cuesta {person} min.", costs)


def _may_be_called(session: Session) -> bool:
    """Whether a person may be called by cost: a step did not help, and nobody was called yet.

    A step that could not be done is offered once more; how often is for `auto_escalate_after_failures` to say.
    """
    return bool(session.answers) and session.answers[-1].outcome is not Outcome.COULD_NOT and session.escalation_reason is None


_SHADOWS = {NextStep: "shadow-step", AskQuestion: "shadow-question", Person: "shadow-person"}


def _in_shadow(session: Session, guide: Guide, learned: NextStep | AskQuestion | Person) -> NextStep | Person:
    """The author's choice, with the scores of the learned one among its candidates, and whether both agree."""
    chosen = AUTHOR_ORDER.next(session, guide)
    if isinstance(chosen, Person):
        return chosen
    rule = _SHADOWS[type(learned)]
    agrees = isinstance(learned, NextStep) and learned.step_id == chosen.step_id
    candidates = learned.why.candidates or chosen.why.candidates
    return replace(chosen, why=replace(chosen.why, rule=chosen.why.rule if agrees else rule, candidates=candidates))
