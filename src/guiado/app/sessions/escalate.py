"""Escalate, resolve, resume and abandon: the handover of a session to a person, its end, and its reopening."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from guiado import clock
from guiado.app import commands
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.app.sessions import attachments
from guiado.app.sessions.answer import command_session, command_unchanged, load, telling_state
from guiado.app.sessions.models import AnsweredQuestionRow, AttachmentOut, StandOut
from guiado.app.sessions.record import answers_for, stand_for
from guiado.domain.events import EventKind
from guiado.domain.guide import Guide
from guiado.domain.learning_signal import NO_KNOWN_PROBLEM
from guiado.domain.session import Actor, Session
from guiado.domain.session_commands import Abandon, EscalateSession, ResolveSession, Resume
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.logs import get_logger
from guiado.store import configuration, guides, schedule, sessions, webhooks
from guiado.store.sessions import Loaded, StoredAttempt

_MAX_DURATION_KEY = "max_session_duration_hours"
_MAX_DURATION_HOURS = 24.0
_WAITING_KEY = "waiting_days"
_WAITING_DAYS = 30.0
_MOST_BATCHES = 20
_MOST_HOURS = 876_000.0
"""Longest interval, in hours: a hundred years; a longer one is more than PostgreSQL's calendar takes."""
log = get_logger()


@dataclass(frozen=True, slots=True)
class Handover:
    """Handover of a session to a person, with its guide, attempts, pictures and stand, so that no question is asked twice."""

    session: Session
    guide: Guide | None
    attempts: list[StoredAttempt]
    escalated_at: datetime
    pictures: list[AttachmentOut]
    stand: StandOut | None = None
    guide_answers: list[AnsweredQuestionRow] = field(default_factory=list[AnsweredQuestionRow])

    @property
    def failed(self) -> list[StoredAttempt]:
        """The attempts that could not be carried out."""
        return [stored for stored in self.attempts if not stored.attempt.success]


async def escalate(work: UnitOfWork, session_id: object, command: commands.Escalate) -> Handover:
    """Hand a session over to a person.

    Raises:
        SessionNotFound: no session has this id.
        SessionEnded, StaleSession: see `command_session`; with the session's present state.
    """
    wish = EscalateSession(command.reason, Actor(command.source) if command.source else _actor(work.scope))
    async with telling_state(work, session_id):
        session, guide = await command_session(work, session_id, "escalate", wish)
    tried = await sessions.attempts(work.connection, work.tenant, session.session_id)
    pictures = await attachments.of_session(work, session.session_id)
    stand, answers = stand_for(work, session, guide), answers_for(work, session, guide)
    return Handover(session, guide, tried, session.ended_at or clock.now(), pictures, stand, answers)


async def resolve(work: UnitOfWork, session_id: object, command: commands.Resolve) -> tuple[Session, Guide | None]:
    """Close a session as solved: on an agent's word with the true problem, or on the customer's.

    Raises:
        SessionNotFound: no session has this id.
        InvalidInput: there is no such problem or step, or a customer names one.
        SessionEnded, StaleSession: see `command_session`; with the session's present state.
    """
    async with telling_state(work, session_id):
        loaded, guide = await load(work, session_id)
        by = Actor(command.source) if command.source else Actor.AGENT
        if by is not Actor.AGENT:
            _refuse_judgement(command)
        await refuse_unknown(work, loaded.session, guide, command.problem_id, command.step_id)
        closing = ResolveSession(command.problem_id, command.step_id, command.minutes, command.notes, by)
        return await command_session(work, session_id, "resolve", closing)


def _refuse_judgement(command: commands.Resolve) -> None:
    """Refuse what only an agent can say of a session: detection would learn it as theirs."""
    given = [name for name in ("problem_id", "step_id", "minutes") if getattr(command, name) is not None]
    if given:
        why = Message("Solo lo dice un agente. Quita el campo, o quita source.")
        raise InvalidInput([FieldProblem(name, why) for name in given])


async def resume(work: UnitOfWork, session_id: object) -> tuple[Session, Guide | None]:
    """Open an abandoned session where it stood. One that is open already stays as it is.

    Raises:
        SessionNotFound: no session has this id.
        SessionEnded, StaleSession: see `command_session`; with the session's present state.
    """
    async with telling_state(work, session_id):
        return await command_session(work, session_id, "resume", Resume())


async def is_anybody_told(work: UnitOfWork) -> bool:
    """Whether any endpoint or recipient hears of a session that waits for a person: only then is one promised."""
    return await webhooks.is_told(work.connection, work.tenant, EventKind.SESSION_ESCALATED)


async def refuse_unknown(
    work: UnitOfWork,
    session: Session,
    guide: Guide | None,
    problem_id: str | None,
    step_id: str | None = None,
) -> None:
    """Refuse a true problem or step that never existed: nothing could be learned from it.

    Args:
        guide: the one that the session follows.
        problem_id: what a person calls the true problem; None means the one that was found.

    Raises:
        InvalidInput: the knowledge base of this session never held them.
    """
    wanted = problem_id or session.problem_id
    scope = await sessions.scope(work.connection, work.tenant, session.session_id)
    stored = await guides.current(work.connection, work.tenant, scope, [wanted]) if wanted else {}
    published = [version.guide for version in stored.values() if version.was_used]
    known = [each for each in (guide, *published) if each and each.problem_id == wanted]
    problems: list[FieldProblem] = []
    if problem_id not in {None, NO_KNOWN_PROBLEM} and not known:
        why = Message("No hay ninguna guía {id}. Escribe la correcta, o «otro» si no es ninguna.", {"id": wanted})
        problems.append(FieldProblem("problem_id", why))
    elif step_id is not None and step_id not in {step.step_id for each in known for step in each.steps}:
        why = Message("La guía no tiene ningún paso {id}. Escribe su step_id o quita el campo.", {"id": step_id})
        problems.append(FieldProblem("step_id", why))
    if problems:
        raise InvalidInput(problems)


async def abandon_idle(parts: AppContext) -> int:
    """End the sessions that have been idle for too long.

    Those that their customer left `max_session_duration_hours` ago count as abandoned, those that have waited for a person for
    `waiting_days` as expired. The database's clock decides.

    Returns:
        How many were ended.
    """
    ended = 0
    async with parts.connection() as connection:
        hours = await configuration.number(connection, parts.tenant, _MAX_DURATION_KEY, _MAX_DURATION_HOURS)
        days = await configuration.number(connection, parts.tenant, _WAITING_KEY, _WAITING_DAYS)
        for find, limit_h, wish in (
            (sessions.idle, _sensible(hours, _MAX_DURATION_HOURS), Abandon()),
            (sessions.waiting, _sensible(days * 24, _WAITING_DAYS * 24), Abandon(expired=True)),
        ):
            for _ in range(_MOST_BATCHES):
                found = await find(connection, parts.tenant, limit_h)
                count = await _end(parts.work(connection), found, wish)
                ended += count
                if count < len(found) or not found:
                    break
    return ended


async def _end(work: UnitOfWork, found: list[Loaded], wish: Abandon) -> int:
    caller, count, now = Scope(actor="machine", channel="worker"), 0, await schedule.now(work.connection)
    for loaded in found:
        if await command_unchanged(work.called_by(caller), loaded.session, "abandon", wish, now):
            count += 1
        else:
            # Somebody came back at this very moment: then it is not abandoned.
            log.info("abandon_skipped", session_id=loaded.session.session_id)
    return count


def _sensible(hours: float, usual: float) -> float:
    # Zero or less would end every session at once.
    return min(hours, _MOST_HOURS) if hours > 0 else usual


def _actor(caller: Scope) -> Actor:
    return Actor(caller.actor) if caller.actor in {"customer", "machine"} else Actor.AGENT
