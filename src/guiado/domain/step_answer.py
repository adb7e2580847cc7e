"""The transition of a session when its customer answers a step.

Source: contract.md §6, rules 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from guiado.domain import escalation, events
from guiado.domain.decision import Decision, RepeatedAnswer, alarm_rule, offer_next, offer_person, offer_step
from guiado.domain.escalation import Speak
from guiado.domain.guide import Guide, Step
from guiado.domain.guide_questions import passed_over
from guiado.domain.learning_signal import confirmed
from guiado.domain.policy import AskBeside, Chosen, NextStep, Person, Policy, Rationale, choose, scored
from guiado.domain.session import Actor, Attempt, NextAction, Outcome, Resolution, Session, Status, StepAnswer
from guiado.domain.session_commands import Alarm, Answer
from guiado.errors import Message, NoStepLeft, SessionEnded, StaleSession, WrongStep

RECONTACT_WINDOW = timedelta(days=7)
"""Time after a solution within which a second contact means that the solution did not hold."""


@dataclass(slots=True)
class _Situation:
    """A session that just took an answer, with everything that the decision depends on."""

    session: Session
    guide: Guide
    step: Step
    attempt: Attempt
    now: datetime
    policy: Policy
    failures_allowed: int
    speak: Speak

    def told(self, *more: events.Event) -> tuple[events.Event, ...]:
        return (events.step_answered(self.session, self.attempt), *more)


def answer_step(
    session: Session, guide: Guide | None, answer: Answer, now: datetime, policy: Policy, failures_allowed: int, speak: Speak
) -> Decision | RepeatedAnswer:
    """The decision on the customer's answer to a step; see `decide`."""
    number = answer.step_number
    alarm = answer.alarm if answer.outcome is not Outcome.SOLVED else None  # who is done needs nobody
    if number is not None and 1 <= number <= session.current_step and answer.recorded is answer.outcome:
        alarmed = alarm is not None and escalation.is_known(session, alarm)
        return RepeatedAnswer(number, NextAction.ESCALATE if alarmed else _action_then(session, number, answer.outcome))
    if session.status.ended:
        raise SessionEnded(session.status.value)
    step = guide.step(session.offered_step_id) if guide else None
    if guide is None or step is None:
        return _answer_without_step(session, answer, now)
    if number is not None and number != session.step_number:
        raise WrongStep(number, session.step_number)
    if answer.step_id not in {None, step.step_id}:  # of the guide that was followed before
        raise StaleSession
    attempt = _attempt(session, step, answer, now)
    situation = _Situation(_tried(session, attempt, now), guide, step, attempt, now, policy, failures_allowed, speak)
    if alarm is not None and not escalation.is_known(session, alarm):
        return _sound(situation, alarm)
    if not attempt.success:
        return _fail(situation)
    decided = _advance(situation)
    return _with_action(decided, decided.next_action)


def passed_action(outcome: Outcome, *, is_last: bool) -> NextAction:
    """The next action after a step was passed with this outcome.

    Args:
        outcome: solved, done or not_helped.
        is_last: whether no step came after it.
    """
    if outcome is Outcome.SOLVED:
        return NextAction.RESOLVED
    if not is_last:
        return NextAction.CONTINUE
    return NextAction.RESOLVED if outcome is Outcome.DONE else NextAction.ESCALATE


def _action_then(session: Session, number: int, outcome: Outcome) -> NextAction:
    """The next action recorded when the step at this position was passed; of older sessions without it, by the author's order."""
    passed = list(session.passed.values())
    return passed[number - 1].action if number <= len(passed) else passed_action(outcome, is_last=number == session.total_steps)


def _with_action(decided: Decision, action: NextAction) -> Decision:
    """The decision with the next action that a repetition of its answer gets."""
    *before, last = decided.session.answers
    if last.action is action:
        return decided
    answers = (*before, replace(last, action=action))
    return replace(decided, session=replace(decided.session, answers=answers))


def _tried(session: Session, attempt: Attempt, now: datetime) -> Session:
    return replace(
        passed_over(session),
        version=session.version + 1,
        status=Status.IN_PROGRESS if session.status is Status.STARTED else session.status,
        attempts=session.attempts + 1,
        failures=session.failures + (not attempt.success),
        current_step=session.current_step + attempt.success,
        answers=(*session.answers, StepAnswer(attempt.step_id, attempt.outcome)),
        updated_at=now,
    )


def _answer_without_step(session: Session, answer: Answer, now: datetime) -> Decision:
    # With no step open only one answer makes sense: the problem went away.
    if answer.outcome is not Outcome.SOLVED or answer.step_number is not None:
        raise NoStepLeft
    said = replace(session, version=session.version + 1, notes=with_note(session, answer.notes))
    solved = resolved(said, Resolution.CONFIRMED, answer.source, now)
    told = (events.session_resolved(solved),)
    return Decision(solved, told, next_action=NextAction.RESOLVED, lessons=confirmed(solved))


def _sound(at: _Situation, alarm: Alarm) -> Decision:
    """Call a person for the customer's words; the step that is open now stays on offer, where it is shown."""
    asked, called = escalation.sound(at.session, alarm, at.now)
    chosen: Chosen = _same(at.step, "still-open")
    if at.attempt.success:
        chosen = choose(at.policy, asked, at.guide, at.attempt.outcome)
    asked, offers = offer_person(asked, at.guide, at.now, alarm_rule(urgent=alarm.urgent), chosen)
    decided = Decision(asked, at.told(*called), at.attempt, offers, NextAction.ESCALATE)
    # The same words call for the same person again; without them the answer counts alone.
    return _with_action(decided, passed_action(at.attempt.outcome, is_last=isinstance(chosen, Person)))


def _fail(at: _Situation) -> Decision:
    session, again = at.session, _same(at.step, "try-again")
    if session.failures >= at.failures_allowed:
        # Who waits for a person may go on trying: the step stays on offer.
        reason = escalation.too_many_failures(session.failures)
        return _call(at, reason, Rationale("too-many-failures"), again, is_same=True)
    chosen = choose(at.policy, session, at.guide, at.attempt.outcome)
    if isinstance(chosen, Person):
        return _call(at, chosen.reason, chosen.why, again, is_same=True)
    session, offered = offer_step(session, at.guide, at.now, again)
    retried = events.retry_attempt(session, at.attempt, session.failures_at(at.step.step_id) + 1)
    return Decision(session, at.told(retried), at.attempt, (offered,))


def _advance(at: _Situation) -> Decision:
    if at.attempt.outcome is Outcome.SOLVED:
        return _solve(at, Resolution.CONFIRMED, at.attempt.source)
    chosen = choose(at.policy, at.session, at.guide, at.attempt.outcome)
    match chosen:
        case NextStep() | AskBeside():
            session, offers = offer_next(at.session, at.guide, at.now, chosen)
            return Decision(session, at.told(), at.attempt, offers)
        case Person() if at.attempt.outcome is Outcome.DONE:
            return _solve(at, Resolution.ASSUMED, Actor.ASSUMED)
        case Person():
            return _call(at, chosen.reason, chosen.why, chosen)
        case _:
            assert_never(chosen)


def _solve(at: _Situation, resolution: Resolution, by: Actor) -> Decision:
    solved = resolved(replace(at.session, offered_step_id=None, offered_why=None), resolution, by, at.now)
    told = at.told(events.session_resolved(solved))
    return Decision(solved, told, at.attempt, (), NextAction.RESOLVED, confirmed(solved))


def _call(at: _Situation, reason: Message, why: Rationale, chosen: NextStep | Person, *, is_same: bool = False) -> Decision:
    asked, called = escalation.call_person(at.session, reason, at.now, at.speak)
    asked, offers = offer_person(asked, at.guide, at.now, why, chosen, is_same=is_same)
    return Decision(asked, at.told(*called), at.attempt, offers, NextAction.ESCALATE)


def _same(step: Step, rule: str) -> NextStep:
    """The choice of the step that was open already: a customer who could not do it stays on it."""
    return NextStep(step.step_id, Rationale(rule, candidates=(scored(step),)))


def _attempt(session: Session, step: Step, answer: Answer, now: datetime) -> Attempt:
    return Attempt(
        step_number=session.step_number,
        step_title=answer.step_title or step.title,
        step_id=step.step_id,
        step_revision=step.revision,
        step_type=step.type,
        outcome=answer.outcome,
        notes=answer.notes,
        attempted_at=now,
        duration_seconds=(now - session.updated_at).total_seconds(),
        active_seconds=answer.active_seconds,
        first_seen_at=answer.first_seen_at,
        decision_number=session.decisions,
        source=answer.source,
        reason=answer.reason,
        guide_version_id=session.guide_version_id,
        author_position=step.step_number,
    )


def resolved(session: Session, resolution: Resolution, by: Actor, now: datetime) -> Session:
    """The session ended as resolved, with its recontact window."""
    return replace(
        session,
        status=Status.RESOLVED,
        resolution=resolution,
        resolved_at=now,
        ended_at=now,
        ended_how="solved",
        ended_by=by,
        recontact_until=now + RECONTACT_WINDOW,
        updated_at=now,
    )


def with_note(session: Session, note: str | None) -> str | None:
    """The session's notes with this one added."""
    return "\n".join(filter(None, (session.notes, note))) or None
