"""Undo: the customer takes back the last answer to a step, and answers that step again."""

from __future__ import annotations

from dataclasses import dataclass

from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import command_wish, telling_state
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.domain.session_commands import UndoAnswer
from guiado.errors import NothingToUndo, StaleSession
from guiado.store import sessions
from guiado.store.sessions import StoredAttempt


@dataclass(frozen=True, slots=True)
class Undone:
    """Result of an undo: the session as it stands, and the attempt that was taken back."""

    session: Session
    guide: Guide | None
    attempt: StoredAttempt


async def undo(work: UnitOfWork, session_id: object, command: commands.Undo) -> Undone:
    """Take back the last answer to a step: the session is as it was before, and the same step waits for an answer.

    The attempt stays as a fact, marked as retracted; nothing counts it or learns from it. Events that were emitted stay emitted.

    Raises:
        SessionNotFound: no session has this id.
        NothingToUndo, NotLastAnswer, SessionEnded, CannotUndo: see `undo_answer`; with the session's present state.
        StaleSession: an answer was recorded, or taken back, at the same moment.
    """
    came_to: list[int] = []
    found: list[sessions.LastAnswer] = []

    async def wish(session: Session) -> UndoAnswer:
        came_to.append(session.attempts)
        if session.attempts != came_to[0]:  # what was the last answer when this came is not any more
            raise StaleSession
        last = await sessions.last_answer(work.connection, work.tenant, session.session_id)
        if last is None:
            raise NothingToUndo
        found.append(last)
        return UndoAnswer(last.stored.attempt, last.stored.attempt_id, command.step_number, last.led_to, last.taken_over)

    async with telling_state(work, session_id):
        session, guide = await command_wish(work, session_id, "undo", wish)
    return Undone(session, guide, found[-1].stored)
