"""Policies for tests: other orders than the author's, a person before the steps end, and questions of the guide."""

from __future__ import annotations

from dataclasses import dataclass, field

from guiado.domain.guide import Guide
from guiado.domain.policy import AUTHOR_ORDER, AskQuestion, NextStep, Person, Policy, Rationale, open_steps, scored
from guiado.domain.session import Outcome, Session
from guiado.errors import Message

ENOUGH = Message("Otro intento cuesta más que una persona.")


@dataclass
class Backwards:
    """The last step first; says with which chance, and remembers the guides that it saw.

    Args:
        leaves_out: a step that it never offers.
    """

    leaves_out: str | None = None
    seen: list[Guide] = field(default_factory=list[Guide])

    def next(self, session: Session, guide: Guide) -> NextStep | Person:
        self.seen.append(guide)
        left = [step for step in open_steps(session, guide) if step.step_id != self.leaves_out]
        candidates = tuple(scored(step, step.chance) for step in left)
        if not left:
            return Person(Rationale("nothing-left", "backwards", "7"))
        return NextStep(left[-1].step_id, Rationale("backwards", "backwards", "7", candidates, explored=True, probability=0.25))


@dataclass
class Impatient:
    """The author's order, and a person as soon as one step was of no use or could not be done; the steps stay on offer."""

    meanwhile: bool = True
    from_the_start: bool = False

    def next(self, session: Session, guide: Guide) -> NextStep | Person:
        left = open_steps(session, guide)
        why = Rationale("costs-more", "impatient", "1", tuple(map(scored, left)))
        tired = any(each.outcome in {Outcome.NOT_HELPED, Outcome.COULD_NOT} for each in session.answers)
        if left and not tired and not self.from_the_start:
            return NextStep(left[0].step_id, why)
        return Person(why, ENOUGH, left[0].step_id if left and self.meanwhile else None)


@dataclass
class Stubborn:
    """Names the same step for ever, whether there is one or not."""

    step_id: str

    def next(self, session: Session, guide: Guide) -> NextStep | Person:
        return NextStep(self.step_id, Rationale("stubborn", "stubborn", "1"))


@dataclass
class Curious:
    """Asks a question of the guide as soon as `after` steps were passed, then goes by another policy.

    Args:
        question_id: the one that it asks for ever; None for all those of which nothing is known yet, in order.
        first: per answer, the step that it then offers first.
    """

    then: Policy = AUTHOR_ORDER
    after: int = 0
    question_id: str | None = None
    first: dict[str, str] = field(default_factory=dict[str, str])

    def next(self, session: Session, guide: Guide) -> NextStep | AskQuestion | Person:
        left = [each.question_id for each in guide.questions if session.given_answer(each.question_id) is None]
        asked = self.question_id or next(iter(left), None)
        if asked is not None and session.current_step >= self.after:
            return AskQuestion(asked, Rationale("worth-it", "curious", "3", explored=True, probability=0.5))
        told = {each.answer_id for each in session.guide_answers}
        open_ids = {each.step_id for each in open_steps(session, guide)}
        meant = next((step for answer, step in self.first.items() if answer in told and step in open_ids), None)
        return NextStep(meant, Rationale("as-answered", "curious", "3")) if meant else self.then.next(session, guide)
