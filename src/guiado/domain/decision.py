"""The decision on a command to a session, and the offers to the customer in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from guiado.domain import escalation
from guiado.domain.clarification import Considered
from guiado.domain.escalation import Speak
from guiado.domain.events import Event
from guiado.domain.guide import Guide, GuideKind, Step
from guiado.domain.learning_signal import Lesson
from guiado.domain.policy import NextStep, Person, Policy, Rationale, ScoredStep, choose, scored
from guiado.domain.session import Attempt, NextAction, Offer, Session
from guiado.domain.session_commands import Alarm
from guiado.domain.variants import with_known_variant


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on a command: the new state of the session, its events, offers and lessons.

    Args:
        session: the new state.
        events: the events for receivers, in order.
        attempt: the attempt to record, if the command was an answer.
        offers: what the customer is offered next, in order.
        next_action: the next action for the customer.
        lessons: the lessons for detection, in order.
        retracted: id of the attempt that is taken back, if the command was to undo one.
    """

    session: Session
    events: tuple[Event, ...] = ()
    attempt: Attempt | None = None
    offers: tuple[Offer, ...] = ()
    next_action: NextAction = NextAction.CONTINUE
    lessons: tuple[Lesson, ...] = ()
    retracted: str | None = None


@dataclass(frozen=True, slots=True)
class RepeatedAnswer:
    """A command that was carried out already: the caller gets the recorded answer again, and nothing changes.

    Args:
        step_number: the step that was answered; 0 for none.
        next_action: the next action that was answered then.
    """

    step_number: int
    next_action: NextAction


def is_shown(session: Session, guide: Guide) -> bool:
    """Whether the customer is shown the steps of this guide.

    An urgent session shows those of an urgent guide alone: others would keep the customer busy with something else.
    """
    return guide.urgent or not session.urgent


def follow(
    session: Session, guide: Guide, now: datetime, policy: Policy, considered: Considered, speak: Speak, heard: Alarm | None
) -> Decision:
    """Begin a guide: offer its first step, after a person where an alarm or the policy calls one.

    Args:
        considered: the problems that were weighed.
        heard: what the customer's words set off, if anything.
    """
    session = with_known_variant(session, guide)
    chosen = _without_steps(guide) or choose(policy, session, guide)
    alarm = escalation.alarm_of(session, guide, heard, speak)
    if alarm is not None:
        session, called = escalation.sound(session, alarm, now)
        is_heard = session.urgent or heard is not None
        why = alarm_rule(urgent=session.urgent) if is_heard else Rationale(PERSON_RULE)
    elif isinstance(chosen, Person):
        session, called = escalation.call_person(session, chosen.reason, now, speak)
        why = chosen.why
    else:
        session, offered = offer_step(session, guide, now, chosen, considered)
        return Decision(session, offers=(offered,))
    session, offers = offer_person(session, guide, now, why, chosen, considered)
    return Decision(session, called, offers=offers, next_action=NextAction.ESCALATE)


def _without_steps(guide: Guide) -> Person | None:
    """The choice of a person for a guide that goes to one at once; None for any other, whose policy chooses."""
    return Person(Rationale(PERSON_RULE)) if guide.kind == GuideKind.PERSON else None


PERSON_RULE = "person-guide"
"""Rule of the offer of a person where the guide is of that kind."""
ALARM_RULES = frozenset(("urgent", "criterion"))
"""Rules of the offers of a person after an alarm."""


def alarm_rule(*, urgent: bool) -> Rationale:
    """The rationale for offering a person after an alarm."""
    return Rationale("urgent" if urgent else "criterion")


def offer_step(
    session: Session, guide: Guide, now: datetime, chosen: NextStep, considered: Considered = ()
) -> tuple[Session, Offer]:
    """The session with this step open, and the offer of the step."""
    offered = offer_of(session, guide.step(chosen.step_id), now, chosen.why, considered)
    session = replace(session, decisions=offered.number, offered_step_id=chosen.step_id, offered_why=chosen.why.reason)
    return session, offered


def offer_person(
    session: Session,
    guide: Guide,
    now: datetime,
    why: Rationale,
    chosen: NextStep | Person,
    considered: Considered = (),
    *,
    is_same: bool = False,
) -> tuple[Session, tuple[Offer, ...]]:
    """The session and its offers: a person, and the step that stays open where it is shown.

    Args:
        why: a person is offered.
        chosen: by the policy, or the step that was open already.
        considered: the problems that were weighed.
        is_same: the step is the one that was answered just now, so that whoever answered sees it.
    """
    person = offer_of(session, None, now, why, considered)
    step_id = chosen.step_id if isinstance(chosen, NextStep) else chosen.meanwhile
    session = replace(session, decisions=person.number, offered_step_id=step_id, offered_why=None)
    if step_id is None or not (is_same or is_shown(session, guide)):
        return session, (person,)
    session, again = offer_step(session, guide, now, NextStep(step_id, replace(chosen.why, rule="still-open")))
    return session, (person, again)


def offer_again(session: Session, guide: Guide | None, now: datetime, rule: str) -> Offer:
    """The offer of what a session waited for before: its question, its step or a person.

    Args:
        rule: why it is offered again.
    """
    asked = session.open_clarification
    if asked is not None:
        return Offer(session.decisions + 1, "question" if asked.question else "options", now, rule)
    step = guide.step(session.offered_step_id) if guide is not None and is_shown(session, guide) else None
    return offer_of(session, step, now, Rationale(rule, candidates=(scored(step),) if step else ()))


def offer_of(session: Session, step: Step | None, now: datetime, why: Rationale, considered: Considered = ()) -> Offer:
    """The next offer to a customer: a step or a person.

    Args:
        step: a step of the guide; None means a person.
        considered: the problems that were weighed just before.
    """
    return Offer(
        number=session.decisions + 1,
        kind="escalation" if step is None else "step",
        offered_at=now,
        rule=why.rule,
        step_number=None if step is None else session.step_number,
        step_id=None if step is None else step.step_id,
        step_revision=None if step is None else step.revision,
        candidates=(*considered, *map(_candidate_row, why.candidates)),
        policy=why.policy,
        policy_version=why.version,
        explored=why.explored,
        probability=why.probability,
    )


def _candidate_row(candidate: ScoredStep) -> dict[str, object]:
    row: dict[str, object] = {"step_id": candidate.step_id, "position": candidate.position}
    return row if candidate.score is None else {**row, "score": candidate.score}
