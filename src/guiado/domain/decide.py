"""The one rule of a session: given its state and a command, what becomes of it.

Pure and total: no input, no output, every status and every command has an answer or a named refusal.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from guiado.domain import clarify, escalation, events
from guiado.domain.clarification import Clarification, Considered
from guiado.domain.decision import Decision, Replay, first_offers, is_shown, offer_of, order_rule
from guiado.domain.escalation import Speak, in_spanish
from guiado.domain.guide import Guide, Step
from guiado.domain.learning_signal import confirmed, corrected, withdrawn
from guiado.domain.session import (
    Abandon,
    Actor,
    Alarm,
    Answer,
    Attempt,
    Clarify,
    Command,
    Escalate,
    NextAction,
    Offer,
    Outcome,
    Reject,
    Resolution,
    Resolve,
    Resume,
    Session,
    Status,
)
from guiado.errors import NoStepLeft, SessionEnded, StaleSession, WrongStep

RECONTACT_WINDOW = timedelta(days=7)
"""A second contact within this time says that the solution did not hold."""


def begin(
    session: Session,
    guide: Guide | None,
    now: datetime,
    *,
    asked: Clarification | None = None,
    considered: Considered = (),
    speak: Speak = in_spanish,
    alarm: Alarm | None = None,
) -> Decision:
    """The first decision of a new session: offer the first step, a question, or a person when nothing was recognised.

    Args:
        session: with everything that is known from the start.
        guide: the guide that was recognised, or None.
        now: the present moment.
        asked: what to ask first, where it is unclear and the caller can ask.
        considered: the problems that were weighed.
        speak: puts the reason for a person into the session's language.
        alarm: what the customer's words set off, if anything.
    """
    if asked is not None:
        waiting = clarify.ask(session, asked, considered, now)
        return replace(waiting, events=(events.session_started(session),))
    if guide is None or not guide.steps:
        return _begin_without_steps(session, now, considered, speak, alarm)
    sounded = escalation.alarm_of(session, guide, alarm, speak)
    begun, called = escalation.sound(session, sounded, now) if sounded else (session, ())
    offers = first_offers(begun, guide, now, considered, waits=sounded is not None)
    begun = replace(begun, decisions=offers[-1].number)
    told = (events.session_started(begun), events.problem_detected(begun), *called)
    return Decision(begun, told, offers=offers, next_action=NextAction.ESCALATE if sounded else NextAction.CONTINUE)


def _begin_without_steps(session: Session, now: datetime, considered: Considered, speak: Speak, alarm: Alarm | None) -> Decision:
    if alarm is not None:
        left, called = escalation.sound(session, alarm, now)
        rule = "urgent" if alarm.urgent else "criterion"
    else:
        left, called = escalation.call_person(session, escalation.NOTHING_DETECTED, now, speak)
        rule = "nothing-detected"
    offered = offer_of(left, None, now, rule, considered)
    told = (events.session_started(session), *called)
    return Decision(replace(left, decisions=offered.number), told, offers=(offered,), next_action=NextAction.ESCALATE)


def decide(
    session: Session,
    guide: Guide | None,
    command: Command,
    now: datetime,
    *,
    failures_allowed: int = 2,
    speak: Speak = in_spanish,
) -> Decision | Replay:
    """What becomes of `session` when `command` reaches it.

    Args:
        session: its present state.
        guide: the guide version that the session follows; None when nothing was detected.
        command: an answer, a wish for a person, an agent's closing, what the problem is or is not, or the passing of time.
        now: the present moment.
        failures_allowed: at this many failed attempts a person is called.
        speak: puts the reason for a person into the session's language.

    Raises:
        SessionEnded: the session takes no such command any more.
        NoStepLeft: an answer came but no step is open.
        WrongStep: the answer is about another step.
        StaleSession: the answer is about a step of another guide.
        NothingToClarify, NothingToReject: see `clarify`.

    Source: contract.md §6, rules 1 to 5.
    """
    if now < session.updated_at:  # the clock was set back: what happens later is recorded as later, so that order is kept
        now = session.updated_at + timedelta(microseconds=1)
    match command:
        case Answer():
            return _answer(session, guide, command, now, failures_allowed, speak)
        case Escalate():
            return _escalate(session, command, now, speak)
        case Resolve():
            return _close(session, command, now)
        case Clarify():
            return clarify.clarify(session, command, now, speak)
        case Reject():
            return clarify.reject(session, command, now, speak, was_urgent=guide is not None and guide.urgent)
        case Abandon() | Resume():
            return _abandon(session, command, now) if isinstance(command, Abandon) else _resume(session, guide, now)
        case _:
            assert_never(command)


def passed_action(outcome: Outcome, *, is_last: bool) -> NextAction:
    """What was answered when a step was passed with this outcome.

    Args:
        outcome: solved, done or not_helped.
        is_last: whether it was the last step of the guide.
    """
    if outcome is Outcome.SOLVED:
        return NextAction.RESOLVED
    if not is_last:
        return NextAction.CONTINUE
    return NextAction.RESOLVED if outcome is Outcome.DONE else NextAction.ESCALATE


# ----------------------------------------------------------------------------------------------------------------- answers


def _answer(
    session: Session, guide: Guide | None, answer: Answer, now: datetime, failures_allowed: int, speak: Speak
) -> Decision | Replay:
    number = answer.step_number
    alarm = answer.alarm if answer.outcome is not Outcome.SOLVED else None  # who is done needs nobody
    if number is not None and 1 <= number <= session.current_step and answer.recorded is answer.outcome:
        alarmed = alarm is not None and escalation.is_known(session, alarm)
        passed = passed_action(answer.outcome, is_last=number == session.total_steps)
        return Replay(number, NextAction.ESCALATE if alarmed else passed)
    if session.status.ended:
        raise SessionEnded(session.status.value)
    step = guide.step(session.current_step + 1) if guide else None
    if step is None:
        return _answer_without_step(session, answer, now)
    if number is not None and number != step.step_number:
        raise WrongStep(number, step.step_number)
    if answer.step_id not in {None, step.step_id}:  # of the guide that was followed before
        raise StaleSession
    attempt = _attempt(session, step, answer, now)
    tried = replace(
        session,
        version=session.version + 1,
        status=Status.IN_PROGRESS if session.status is Status.STARTED else session.status,
        attempts=session.attempts + 1,
        failures=session.failures + (not attempt.success),
        current_step=step.step_number if attempt.success else session.current_step,
        updated_at=now,
    )
    if alarm is not None and not escalation.is_known(session, alarm):
        return _sound(tried, guide, attempt, alarm, now)
    if not attempt.success:
        return _fail(tried, step, attempt, answer.failed_before, now, failures_allowed, speak)
    return _advance(tried, guide, step, attempt, now, speak)


def _answer_without_step(session: Session, answer: Answer, now: datetime) -> Decision:
    # With no step open only one answer makes sense: the problem went away.
    if answer.outcome is not Outcome.SOLVED or answer.step_number is not None:
        raise NoStepLeft
    said = replace(session, version=session.version + 1, notes=_with_note(session, answer.notes))
    solved = _resolved(said, Resolution.CONFIRMED, answer.source, now)
    told = (events.session_resolved(solved),)
    return Decision(solved, told, next_action=NextAction.RESOLVED, lessons=confirmed(solved))


def _sound(session: Session, guide: Guide | None, attempt: Attempt, alarm: Alarm, now: datetime) -> Decision:
    """The customer's words call a person; the step that is open now stays on offer, where it is shown."""
    asked, called = escalation.sound(session, alarm, now)
    person = offer_of(asked, None, now, "urgent" if alarm.urgent else "criterion")
    asked = replace(asked, decisions=person.number)
    following = guide.step(session.current_step + 1) if guide and is_shown(asked, guide) else None
    again = (offer_of(asked, following, now, "still-open"),) if following else ()
    offers = (person, *again)
    told = (events.step_answered(asked, attempt), *called)
    return Decision(replace(asked, decisions=offers[-1].number), told, attempt, offers, NextAction.ESCALATE)


def _fail(
    session: Session, step: Step, attempt: Attempt, failed_before: int, now: datetime, failures_allowed: int, speak: Speak
) -> Decision:
    told = (events.step_answered(session, attempt),)
    if session.failures < failures_allowed:
        offered = offer_of(session, step, now, "try-again")
        again = events.retry_attempt(session, step.step_number, failed_before + 2)
        return Decision(replace(session, decisions=offered.number), (*told, again), attempt, (offered,))
    asked, called = escalation.call_person(session, escalation.too_many_failures(session.failures), now, speak)
    person = offer_of(asked, None, now, "too-many-failures")
    # Who waits for a person may go on trying: the step stays on offer.
    again = offer_of(replace(asked, decisions=person.number), step, now, "still-open")
    offers = (person, again)
    return Decision(replace(asked, decisions=again.number), (*told, *called), attempt, offers, NextAction.ESCALATE)


def _advance(session: Session, guide: Guide | None, step: Step, attempt: Attempt, now: datetime, speak: Speak) -> Decision:
    told = (events.step_answered(session, attempt),)
    is_last = step.step_number == session.total_steps
    action = passed_action(attempt.outcome, is_last=is_last)
    match action:
        case NextAction.RESOLVED:
            resolution = Resolution.CONFIRMED if attempt.outcome is Outcome.SOLVED else Resolution.ASSUMED
            by = attempt.source if resolution is Resolution.CONFIRMED else Actor.ASSUMED
            solved = _resolved(session, resolution, by, now)
            return Decision(solved, (*told, events.session_resolved(solved)), attempt, (), action, confirmed(solved))
        case NextAction.ESCALATE:
            asked, called = escalation.call_person(session, escalation.STEPS_EXHAUSTED, now, speak)
            offered = offer_of(asked, None, now, "steps-exhausted")
            return Decision(replace(asked, decisions=offered.number), (*told, *called), attempt, (offered,), action)
        case NextAction.CONTINUE:
            following = guide.step(step.step_number + 1) if guide else None
            offered = offer_of(session, following, now, order_rule(session, following))
            return Decision(replace(session, decisions=offered.number), told, attempt, (offered,), action)
        case _:
            assert_never(action)


def _attempt(session: Session, step: Step, answer: Answer, now: datetime) -> Attempt:
    return Attempt(
        step_number=step.step_number,
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
    )


def _resolved(session: Session, resolution: Resolution, by: Actor, now: datetime) -> Session:
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


# ------------------------------------------------------------------------------------------------------- the other commands


def _escalate(session: Session, wish: Escalate, now: datetime, speak: Speak) -> Decision:
    first = session.escalation_reason is None
    escalated = replace(
        session,
        version=session.version + 1,
        status=Status.ESCALATED,
        escalation_reason=escalation.add_reason(session, wish, speak),
        decisions=session.decisions + 1,
        escalated_at=session.escalated_at or now,
        resolved_at=None,
        resolution=None,
        recontact_until=None,
        ended_at=session.ended_at if session.status is Status.ESCALATED else now,
        ended_how="escalated",
        ended_by=wish.by,
        updated_at=now,
    )
    told = (events.session_escalated(escalated),) if first else ()
    offers = (offer_of(session, None, now, "requested"),)
    lessons = (withdrawn("escalated"),) if session.status is Status.RESOLVED else ()
    return Decision(escalated, told, offers=offers, next_action=NextAction.ESCALATE, lessons=lessons)


def _close(session: Session, closing: Resolve, now: datetime) -> Decision:
    if session.status is Status.RESOLVED:
        raise SessionEnded(session.status.value)
    solved = replace(
        _resolved(replace(session, version=session.version + 1), Resolution.CONFIRMED, Actor.AGENT, now),
        true_problem_id=closing.problem_id or session.true_problem_id,
        true_step_id=closing.step_id,
        agent_minutes=closing.minutes,
        notes=_with_note(session, closing.notes),
    )
    told = (events.session_resolved(solved),)
    true = closing.problem_id
    lessons = corrected(session, true) if true and true != session.true_problem_id else ()
    return Decision(solved, told, next_action=NextAction.RESOLVED, lessons=lessons)


def _resume(session: Session, guide: Guide | None, now: datetime) -> Decision | Replay:
    """An abandoned session as it stood: the same step, question or person is on offer."""
    if not session.status.ended:
        return Replay(session.current_step, NextAction.CONTINUE)
    if session.status is not Status.ABANDONED:
        raise SessionEnded(session.status.value)
    begun = Status.IN_PROGRESS if session.attempts else Status.STARTED
    back = replace(
        session,
        version=session.version + 1,
        status=Status.NEEDS_ESCALATION if session.escalation_reason is not None else begun,
        ended_at=None,
        ended_how=None,
        ended_by=None,
        updated_at=now,
    )
    offered = _offered_again(back, guide, now)
    return Decision(replace(back, decisions=offered.number), offers=(offered,))


def _offered_again(session: Session, guide: Guide | None, now: datetime) -> Offer:
    asked = session.open_clarification
    if asked is not None:
        return Offer(session.decisions + 1, "question" if asked.question else "options", now, "resumed")
    step = guide.step(session.current_step + 1) if guide is not None and is_shown(session, guide) else None
    return offer_of(session, step, now, "resumed")


def correct(session: Session, problem_id: str, note: str | None = None) -> Decision:
    """What becomes of a session, in whatever state, when an agent says what it was about. It is no activity of the customer.

    Args:
        problem_id: the true problem, or `NO_KNOWN_PROBLEM`.
        note: the agent's words, added to the session's notes.
    """
    notes = _with_note(session, note)
    known = replace(session, version=session.version + 1, true_problem_id=problem_id, notes=notes)
    return Decision(known, lessons=corrected(session, problem_id))


def _with_note(session: Session, note: str | None) -> str | None:
    return "\n".join(filter(None, (session.notes, note))) or None


def _abandon(session: Session, wish: Abandon, now: datetime) -> Decision:
    # A session that waits for a person is not abandoned by its customer: it expires when nobody came for very long.
    ending = {Status.NEEDS_ESCALATION} if wish.expired else {Status.STARTED, Status.IN_PROGRESS}
    if session.status not in ending:
        raise SessionEnded(session.status.value)
    left = replace(
        session,
        version=session.version + 1,
        status=Status.ABANDONED,
        ended_at=now,
        ended_how="expired" if wish.expired else "abandoned",
        ended_by=Actor.ASSUMED,
    )
    return Decision(left, (events.session_abandoned(left),), next_action=NextAction.ESCALATE)
