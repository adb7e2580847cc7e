"""The state machine of a session: the decision on each command in each state.

Pure and total: no input, no output, every status and every command has a decision or a named refusal.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from guiado.domain import clarify, escalation, events
from guiado.domain.clarification import Clarification, Considered, Declared
from guiado.domain.decision import Decision, RepeatedAnswer, alarm_rule, follow, offer_again, offer_of
from guiado.domain.escalation import Speak, in_spanish
from guiado.domain.guide import Guide
from guiado.domain.learning_signal import Lesson, confirmed, corrected, withdrawn
from guiado.domain.no_problem import begin_without_problem
from guiado.domain.policy import AUTHOR_ORDER, Policy, Rationale
from guiado.domain.question_answer import answer_question
from guiado.domain.session import Actor, NextAction, Resolution, Session, Status
from guiado.domain.session_commands import (
    Abandon,
    Alarm,
    Answer,
    AnswerQuestion,
    ClarifyProblem,
    EscalateSession,
    RejectProblem,
    ResolveSession,
    Resume,
    SessionCommand,
    UndoAnswer,
)
from guiado.domain.step_answer import answer_step, resolved, with_note
from guiado.domain.undo import undo_answer
from guiado.errors import SessionEnded


def begin(
    session: Session,
    guide: Guide | None,
    now: datetime,
    *,
    asked: Clarification | None = None,
    considered: Considered = (),
    speak: Speak = in_spanish,
    alarm: Alarm | None = None,
    policy: Policy = AUTHOR_ORDER,
    instead: Declared | Clarification | None = None,
) -> Decision:
    """The first decision of a new session: offer the first step, a question, or a person when nothing was recognised.

    Args:
        session: with everything that is known from the start.
        guide: the guide that was recognised, or None.
        asked: what to ask first, where it is unclear and the caller can ask.
        considered: the problems that were weighed.
        speak: puts the reason for a person into the session's language.
        alarm: what the customer's words set off, if anything.
        policy: chooses the step.
        instead: how it goes on where the message reports no problem.
    """
    if instead is not None:
        return begin_without_problem(session, instead, now, considered, speak)
    if asked is not None:
        waiting = clarify.ask(session, asked, now, considered)
        return replace(waiting, events=(events.session_started(session),))
    if guide is None or not guide.steps:
        return _begin_without_steps(session, now, considered, speak, alarm)
    followed = follow(session, guide, now, policy, considered, speak, alarm)
    begun = followed.session
    return replace(followed, events=(events.session_started(begun), events.problem_detected(begun), *followed.events))


def _begin_without_steps(session: Session, now: datetime, considered: Considered, speak: Speak, alarm: Alarm | None) -> Decision:
    if alarm is not None:
        left, called = escalation.sound(session, alarm, now)
        why = alarm_rule(urgent=alarm.urgent)
    else:
        left, called = escalation.call_person(session, escalation.nothing_detected(session), now, speak)
        why = Rationale("nothing-detected")
    offered = offer_of(left, None, now, why, considered)
    told = (events.session_started(session), *called)
    return Decision(replace(left, decisions=offered.number), told, offers=(offered,), next_action=NextAction.ESCALATE)


def decide(
    session: Session,
    guide: Guide | None,
    command: SessionCommand,
    now: datetime,
    *,
    failures_allowed: int = 2,
    speak: Speak = in_spanish,
    policy: Policy = AUTHOR_ORDER,
) -> Decision | RepeatedAnswer:
    """The decision on `command` in the state of `session`.

    Args:
        guide: the guide version that the session follows; None when nothing was detected.
        command: an answer to a step or a question, one taken back, a wish for a person, an agent's closing, what the problem is
            or is not, or the passing of time.
        now: the present moment.
        failures_allowed: at this many failed attempts a person is called, with a reason that `speak` puts into words.
        policy: chooses what comes after a step.

    Raises:
        SessionEnded, NoStepLeft, WrongStep, StaleSession, NothingToClarify, NothingToReject, NothingToUndo, NotLastAnswer,
        CannotUndo, QuestionNotOpen, InvalidInput: the command does not fit.
    Source: contract.md §6, rules 1 to 5.
    """
    if now < session.updated_at:  # the clock was set back: what happens later is recorded as later, so that order is kept
        now = session.updated_at + timedelta(microseconds=1)
    match command:
        case Answer():
            return answer_step(session, guide, command, now, policy, failures_allowed, speak)
        case AnswerQuestion() | UndoAnswer():
            return (
                answer_question(session, guide, command, now, policy, speak)
                if isinstance(command, AnswerQuestion)
                else undo_answer(session, guide, command, now)
            )
        case EscalateSession() | ResolveSession():
            return (
                _escalate(session, command, now, speak) if isinstance(command, EscalateSession) else _close(session, command, now)
            )
        case ClarifyProblem():
            return clarify.clarify(session, command, now, speak, policy)
        case RejectProblem():
            return clarify.reject(session, command, now, speak, policy, was_urgent=guide is not None and guide.urgent)
        case Abandon() | Resume():
            return _abandon(session, command, now) if isinstance(command, Abandon) else _resume(session, guide, now)
        case _:
            assert_never(command)


# ------------------------------------------------------------------------------------------------------- the other commands


def _escalate(session: Session, wish: EscalateSession, now: datetime, speak: Speak) -> Decision:
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
    offers = (offer_of(session, None, now, Rationale("requested")),)
    lessons = (withdrawn("escalated"),) if session.status is Status.RESOLVED else ()
    return Decision(escalated, told, offers=offers, next_action=NextAction.ESCALATE, lessons=lessons)


def _close(session: Session, closing: ResolveSession, now: datetime) -> Decision:
    if session.status is Status.RESOLVED:
        raise SessionEnded(session.status.value)
    solved = replace(
        resolved(replace(session, version=session.version + 1), Resolution.CONFIRMED, closing.by, now),
        true_problem_id=closing.problem_id or session.true_problem_id,
        true_step_id=closing.step_id,
        agent_minutes=closing.minutes,
        notes=with_note(session, closing.notes),
    )
    told = (events.session_resolved(solved),)
    return Decision(solved, told, next_action=NextAction.RESOLVED, lessons=_lessons_of_closing(session, solved, closing))


def _lessons_of_closing(session: Session, solved: Session, closing: ResolveSession) -> tuple[Lesson, ...]:
    """The lessons of a closing: of an agent the true problem; of a customer that it was theirs, once they tried its guide."""
    if closing.by is Actor.AGENT:
        true = closing.problem_id
        return corrected(session, true) if true and true != session.true_problem_id else ()
    return confirmed(solved) if session.answers else ()


def _resume(session: Session, guide: Guide | None, now: datetime) -> Decision | RepeatedAnswer:
    """Reopen an abandoned session with the same step, questions or person on offer."""
    if not session.status.ended:
        return RepeatedAnswer(session.current_step, NextAction.CONTINUE)
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
    back, offers = offer_again(back, guide, now, "resumed")
    return Decision(back, offers=offers)


def correct(session: Session, problem_id: str, note: str | None = None) -> Decision:
    """The decision on an agent's correction of the problem of a session in any state; it is no activity of the customer.

    Args:
        problem_id: the true problem, or `NO_KNOWN_PROBLEM`.
        note: the agent's words, added to the session's notes.
    """
    notes = with_note(session, note)
    known = replace(session, version=session.version + 1, true_problem_id=problem_id, notes=notes)
    return Decision(known, lessons=corrected(session, problem_id))


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
