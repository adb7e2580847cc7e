"""Policies for tests: other orders than the author's, and a person before the steps end."""

from __future__ import annotations

from dataclasses import dataclass, field

from guiado.domain.guide import Guide
from guiado.domain.policy import NextStep, Person, Rationale, open_steps, scored
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
