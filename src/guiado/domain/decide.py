"""The one rule of a session: given its state and a command, what becomes of it.

Pure and total: no input, no output, every status and every command has an answer or a named refusal.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from guiado.domain import clarify, escalation, events
from guiado.domain.clarification import Clarification, Considered
from guiado.domain.decision import Decision, Replay, offer_of, order_rule
from guiado.domain.escalation import Speak, in_spanish
from guiado.domain.guide import Guide, Step
from guiado.domain.lesson import confirmed, corrected, withdrawn
from guiado.domain.session import (
    Abandon,
    Actor,
    Answer,
    Attempt,
    Clarify,
    Command,
    Escalate,
    NextAction,
    Outcome,
    Reject,
    Resolution,
    Resolve,
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
) -> Decision:
    """The first decision of a new session: offer the first step, a question, or a person when nothing was recognised.

    Args:
        session: with everything that is known from the start.
        guide: the guide that was recognised, or None.
        now: the present moment.
        asked: what to ask first, where it is unclear and the caller can ask.
        considered: the problems that were weighed.
        speak: puts the reason for a person into the session's language.
    """
    if asked is not None:
        waiting = clarify.ask(session, asked, considered, now)
        return replace(waiting, events=(events.session_started(session),))
    if guide is None or not guide.steps:
        left, called = escalation.call_person(session, escalation.NOTHING_DETECTED, now, speak)
        offered = offer_of(left, None, now, "nothing-detected", considered)
        return Decision(
            replace(left, decisions=offered.number),
            (events.session_started(session), *called),
            offers=(offered,),
            next_action=NextAction.ESCALATE,
        )
    offered = offer_of(session, guide.steps[0], now, order_rule(session, guide.steps[0]), considered)
    started = replace(session, decisions=offered.number)
    return Decision(started, (events.session_started(started), events.problem_detected(started)), offers=(offered,))


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
            return clarify.reject(session, command, now, speak)
        case Abandon():
            return _abandon(session, command, now)
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
    if number is not None and 1 <= number <= session.current_step and answer.recorded is answer.outcome:
        return Replay(number, passed_action(answer.outcome, is_last=number == session.total_steps))
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
    if not attempt.success:
        return _fail(tried, step, attempt, now, failures_allowed, speak)
    return _advance(tried, guide, step, attempt, now, speak)


def _answer_without_step(session: Session, answer: Answer, now: datetime) -> Decision:
    # With no step open only one answer makes sense: the problem went away.
    if answer.outcome is not Outcome.SOLVED or answer.step_number is not None:
        raise NoStepLeft
    said = replace(session, version=session.version + 1, notes=_with_note(session, answer.notes))
    solved = _resolved(said, Resolution.CONFIRMED, answer.source, now)
    told = (events.session_resolved(solved),)
    return Decision(solved, told, next_action=NextAction.RESOLVED, lessons=confirmed(solved))


def _fail(session: Session, step: Step, attempt: Attempt, now: datetime, failures_allowed: int, speak: Speak) -> Decision:
    told = (events.step_answered(session, attempt),)
    if session.failures < failures_allowed:
        offered = offer_of(session, step, now, "try-again")
        again = events.retry_attempt(session, step.step_number, session.failures + 1)
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
        step_title=step.title,
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
    if session.status is Status.ABANDONED:
        raise SessionEnded(session.status.value)
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
    if session.status in {Status.RESOLVED, Status.ABANDONED}:
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
