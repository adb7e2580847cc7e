"""Answers to a step: their recording, and the decision on what comes next."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from guiado import clock
from guiado.app.commands import AnswerStep
from guiado.app.context import UnitOfWork
from guiado.app.sessions import views
from guiado.app.sessions.alarms import hear
from guiado.app.sessions.no_problem import person_alarm
from guiado.app.sessions.running import as_running, says_solved
from guiado.domain.decide import Decision, decide
from guiado.domain.guide import Guide
from guiado.domain.session import Actor, NextAction, Outcome, Session
from guiado.domain.session_commands import Abandon, Alarm, Answer, EscalateSession, ResolveSession, SessionCommand
from guiado.errors import Conflict, FieldProblem, InvalidInput, Message, SessionNotFound, StaleSession
from guiado.i18n import translate
from guiado.store import sessions
from guiado.store.sessions import Change, Loaded, RunningSession, StoredAttempt, uuid_or_none

_TRIES = 20
"""How often a command is decided anew after another change of the session came first."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Result of an answer to a step.

    Args:
        session: the new state, or the present one when the answer was known already.
        attempt: the recorded attempt; None when no step was open (the customer said that it is solved).
        outcome: as recorded.
        action: how it goes on.
        failures_allowed: at this many failed attempts a person is called.
        running: the session itself, where the customer's words say that all is well though the answer does not.
    """

    session: Session
    guide: Guide | None
    attempt: StoredAttempt | None
    outcome: Outcome
    action: NextAction
    failures_allowed: int
    running: RunningSession | None = None


async def load(work: UnitOfWork, session_id: object) -> tuple[Loaded, Guide | None]:
    """Load a session and the guide version that it follows.

    Raises:
        SessionNotFound: no session has this id; a malformed id names none.
    """
    key = uuid_or_none(session_id)
    found = await sessions.load(work.connection, work.tenant, key) if key else None
    if found is None:
        raise SessionNotFound(session_id)
    return found, await work.guide_version(found.session.guide_version_id)


def outcome_of(command: AnswerStep) -> Outcome:
    """The outcome that an answer means.

    Raises:
        InvalidInput: `success` and `outcome` contradict each other.
    """
    if command.outcome is None:
        return Outcome.DONE if command.success else Outcome.COULD_NOT
    # "Did it, no use" may be said with either: the step was done, the problem is still there.
    if command.outcome is not Outcome.NOT_HELPED and command.outcome.success is not command.success:
        raise InvalidInput([FieldProblem("outcome", Message("Contradice a success. Haz que coincidan, o envía solo success."))])
    return command.outcome


async def answer(work: UnitOfWork, session_id: object, command: AnswerStep) -> Answered:
    """Record the answer to a step and decide what comes next.

    The same answer to a step that is already passed changes nothing and returns the recorded answer.

    Raises:
        SessionNotFound: no session has this id.
        SessionEnded, NoStepLeft, WrongStep: see `decide`; with the session's present state, as `StaleSession` too.
        StaleSession: another answer was recorded at the same moment, and it said something else, or this one did not say which
            step it is about.
    """
    async with telling_state(work, session_id):
        return await _answer(work, session_id, command)


async def _answer(work: UnitOfWork, session_id: object, command: AnswerStep) -> Answered:
    outcome = outcome_of(command)
    came_to: Session | None = None
    for _ in range(_TRIES):
        loaded, guide = await load(work, session_id)
        came_to = came_to or loaded.session
        # An answer that does not say which step it is about is about the one that was open when it came.
        if command.step_number is None and loaded.session.offered_step_id != came_to.offered_step_id:
            break
        if loaded.session.guide_version_id != came_to.guide_version_id:  # it was about a step of another guide
            break
        if loaded.session.attempts < came_to.attempts:  # the answer before it was taken back
            break
        if loaded.session.attempts > came_to.attempts and loaded.session.answers[-1].outcome is not outcome:
            break  # of two different answers at once, one wins
        known = await _recorded(work, loaded.session, command.step_number)
        language, told = loaded.session.language, "\n".join(filter(None, (command.notes, command.reason)))
        alarm = hear((command.notes, command.reason), guide, (), language) or person_alarm(told, language)
        wish, policy, allowed = _wish(command, outcome, known, alarm), work.policy, loaded.failures_allowed
        decided = decide(loaded.session, guide, wish, clock.now(), failures_allowed=allowed, speak=translate, policy=policy)
        if not isinstance(decided, Decision):
            return Answered(loaded.session, guide, known, outcome, decided.next_action, loaded.failures_allowed)
        attempt_id = clock.new_id()
        if await _commit(work, "answer", loaded.session, decided, attempt_id):
            stored = StoredAttempt(str(attempt_id), decided.attempt) if decided.attempt else None
            running = as_running(decided.session) if says_solved(command.notes) else None
            return Answered(decided.session, guide, stored, outcome, decided.next_action, loaded.failures_allowed, running)
    raise StaleSession


def _wish(command: AnswerStep, outcome: Outcome, known: StoredAttempt | None, alarm: Alarm | None) -> Answer:
    return Answer(
        outcome=outcome,
        step_number=command.step_number,
        recorded=known.attempt.outcome if known else None,
        notes=command.notes,
        active_seconds=command.active_seconds,
        source=Actor(command.source) if command.source else Actor.CUSTOMER,
        first_seen_at=_in_utc(command.first_seen_at) if command.first_seen_at else None,
        reason=command.reason,
        step_id=command.step_id,
        step_title=(command.step_title or "").strip() or None,
        alarm=alarm,
    )


def _in_utc(moment: datetime) -> datetime:
    # PostgreSQL knows no zone that is 16 hours or more away; in UTC it takes every moment.
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        why = Message("Debe ser una fecha y hora con zona, por ejemplo 2026-11-22T10:00:00Z.")
        raise InvalidInput([FieldProblem("first_seen_at", why)]) from None


async def _recorded(work: UnitOfWork, session: Session, number: int | None) -> StoredAttempt | None:
    if number is None or number > session.current_step:
        return None
    return await sessions.passing_attempt(work.connection, work.tenant, session.session_id, number)


@asynccontextmanager
async def telling_state(work: UnitOfWork, session_id: object) -> AsyncGenerator[None]:
    """Attach the session's present state to a refusal that is raised inside."""
    try:
        yield
    except Conflict as error:
        loaded, guide = await load(work, session_id)
        error.state = views.session_view(loaded.session, guide)
        raise


async def command_session(
    work: UnitOfWork, session_id: object, action: str, command: SessionCommand, detail: Mapping[str, object] | None = None
) -> tuple[Session, Guide | None]:
    """Apply a command that needs no answer of its own: escalate, close, abandon.

    Args:
        detail: more that the audit row says.

    Raises:
        SessionNotFound, SessionEnded: see `decide`.
        StaleSession: others kept changing the session.
    """

    async def wish(_session: Session) -> SessionCommand:
        return command

    return await command_wish(work, session_id, action, wish, detail)


async def command_wish(
    work: UnitOfWork,
    session_id: object,
    action: str,
    wish: Callable[[Session], Awaitable[SessionCommand]],
    detail: Mapping[str, object] | None = None,
) -> tuple[Session, Guide | None]:
    """Apply a command that depends on the session as it stands.

    Args:
        wish: makes the command; called anew each time another change of the session came first.
        detail: more that the audit row says.

    Raises:
        SessionNotFound, SessionEnded, NothingToClarify, NothingToReject: see `decide`.
        StaleSession: others kept changing the session.
    """
    for _ in range(_TRIES):
        loaded, guide = await load(work, session_id)
        decided = decide(loaded.session, guide, await wish(loaded.session), clock.now(), speak=translate, policy=work.policy)
        if not isinstance(decided, Decision):
            return loaded.session, guide
        if await _commit(work, action, loaded.session, decided, detail=detail):
            return decided.session, await work.guide_version(decided.session.guide_version_id)
    raise StaleSession


async def command_unchanged(
    work: UnitOfWork,
    session: Session,
    action: str,
    command: EscalateSession | ResolveSession | Abandon,
    now: datetime | None = None,
) -> bool:
    """Apply a command to a session as it was read; False, with nothing done, when the session changed since.

    Args:
        now: when; by default this process's present moment.

    Raises:
        SessionEnded: see `decide`.
    """
    decided = decide(session, None, command, now or clock.now())
    return isinstance(decided, Decision) and await _commit(work, action, session, decided)


async def _commit(
    work: UnitOfWork,
    action: str,
    before: Session,
    decision: Decision,
    attempt_id: UUID | None = None,
    detail: Mapping[str, object] | None = None,
) -> bool:
    after = decision.session
    clarified = after.clarifications != before.clarifications
    told = {**(detail or {}), **({"guide_version_id": after.guide_version_id} if clarified else {})}
    change = Change(
        session=after,
        expected=before.version,
        # Who leaves does nothing: `updated_at` stays that of the last activity, while the end is told when it is noted.
        now=max(after.updated_at, after.ended_at or after.updated_at),
        audit=work.scope.audit(action, before=before.status, after=after.status, ended_by=after.ended_by, **told),
        events=decision.events,
        attempt=decision.attempt,
        attempt_id=attempt_id,
        offers=decision.offers,
        lessons=decision.lessons,
        clarified=clarified,
        retracted=decision.retracted,
    )
    return await sessions.commit(work.connection, work.tenant, change)
