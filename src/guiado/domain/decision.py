"""The decision on a command to a session, and the offers to the customer in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from guiado.domain import escalation
from guiado.domain.clarification import Considered
from guiado.domain.escalation import Speak
from guiado.domain.events import Event
from guiado.domain.guide import Guide, GuideKind, GuideQuestion, Step
from guiado.domain.guide_questions import with_known_answers
from guiado.domain.learning_signal import Lesson
from guiado.domain.policy import AskBeside, Chosen, NextStep, Person, Policy, Rationale, ScoredStep, choose, scored
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
    """Begin a guide: offer its first step, after a question that the policy asks, or a person whom an alarm or the policy calls.

    Args:
        considered: the problems that were weighed.
        heard: what the customer's words set off, if anything.
    """
    session = with_known_answers(with_known_variant(session, guide), guide)
    chosen: Chosen = _without_steps(guide) or choose(policy, session, guide)
    alarm = escalation.alarm_of(session, guide, heard, speak)
    if alarm is not None:
        session, called = escalation.sound(session, alarm, now)
        is_heard = session.urgent or heard is not None
        why = alarm_rule(urgent=session.urgent) if is_heard else Rationale(PERSON_RULE)
    elif isinstance(chosen, Person):
        session, called = escalation.call_person(session, chosen.reason, now, speak)
        why = chosen.why
    else:
        session, offers = offer_next(session, guide, now, chosen, considered)
        return Decision(session, offers=offers)
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


def offer_next(
    session: Session, guide: Guide, now: datetime, chosen: NextStep | AskBeside, considered: Considered = ()
) -> tuple[Session, tuple[Offer, ...]]:
    """The session with the next step open, and its offer; a question that the policy asks comes before it, where it is shown."""
    question = guide.question(chosen.question_id) if isinstance(chosen, AskBeside) and is_shown(session, guide) else None
    step = chosen.step if isinstance(chosen, AskBeside) else chosen
    if question is None:
        session, offered = offer_step(session, guide, now, step, considered)
        return session, (offered,)
    asked = _question_of(session, question, now, replace(chosen.why, rule=QUESTION_RULE), considered)
    session = replace(session, decisions=asked.number, asked_question_id=question.question_id)
    session, offered = offer_step(session, guide, now, step)
    return session, (asked, offered)


QUESTION_RULE = "guide-question"
"""Rule of the offer of a question of the guide."""


def _question_of(session: Session, asked: GuideQuestion, now: datetime, why: Rationale, considered: Considered = ()) -> Offer:
    answers: Considered = tuple({"question_id": asked.question_id, "answer_id": each.answer_id} for each in asked.answers)
    return Offer(
        number=session.decisions + 1,
        kind="question",
        offered_at=now,
        rule=why.rule,
        candidates=(*considered, *answers),
        policy=why.policy,
        policy_version=why.version,
        explored=why.explored,
        probability=why.probability,
    )


def offer_person(
    session: Session,
    guide: Guide,
    now: datetime,
    why: Rationale,
    chosen: Chosen,
    considered: Considered = (),
    *,
    is_same: bool = False,
) -> tuple[Session, tuple[Offer, ...]]:
    """The session and its offers: a person, and the step that stays open where it is shown.

    Args:
        why: a person is offered.
        chosen: by the policy, or the step that was open already; a question is not asked of a customer who is to wait.
        considered: the problems that were weighed.
        is_same: the step is the one that was answered just now, so that whoever answered sees it.
    """
    chosen = chosen.step if isinstance(chosen, AskBeside) else chosen
    person = offer_of(session, None, now, why, considered)
    step_id = chosen.step_id if isinstance(chosen, NextStep) else chosen.meanwhile
    session = replace(session, decisions=person.number, offered_step_id=step_id, offered_why=None)
    if step_id is None or not (is_same or is_shown(session, guide)):
        return session, (person,)
    session, again = offer_step(session, guide, now, NextStep(step_id, replace(chosen.why, rule="still-open")))
    return session, (person, again)


def offer_again(session: Session, guide: Guide | None, now: datetime, rule: str) -> tuple[Session, tuple[Offer, ...]]:
    """The session and its offers of what it waited for before: its question, its step or a person.

    Args:
        rule: why it is offered again.
    """
    offers = _offered_before(session, guide, now, rule)
    return replace(session, decisions=offers[-1].number), offers


def _offered_before(session: Session, guide: Guide | None, now: datetime, rule: str) -> tuple[Offer, ...]:
    asked = session.open_clarification
    if asked is not None:
        return (Offer(session.decisions + 1, "question" if asked.question else "options", now, rule),)
    shown = guide if guide is not None and is_shown(session, guide) else None
    step, question = (shown.step(session.offered_step_id), shown.question(session.asked_question_id)) if shown else (None, None)
    why = Rationale(rule, candidates=(scored(step),) if step else ())
    if step is None or question is None:
        return (offer_of(session, step, now, why),)
    first = _question_of(session, question, now, Rationale(rule))
    return first, offer_of(replace(session, decisions=first.number), step, now, why)


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
