"""Record of a session: the session with its guide version, attempts and ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guiado.app.access.audit import audited_read, note_access
from guiado.app.context import UnitOfWork
from guiado.app.guidance.stand import stand_of
from guiado.app.sessions import attachments, views
from guiado.app.sessions.answer import load
from guiado.app.sessions.models import AnsweredQuestionRow, AttachmentOut, FeedbackBody, StandOut, StateOut
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.store import feedback, sessions
from guiado.store.sessions import StoredAttempt


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session with everything that happened in it.

    Args:
        guide: the version that it follows; None where no problem was found.
        attempts: oldest first.
        ratings: newest first.
        pictures: without their content, oldest first.
        stand: by what was learned of the guide, for the person who takes over; None for the customer, or where nothing was.
        guide_answers: what is known of the guide's questions, in the reader's language.
        sizes: address of a stored picture that the guide shows -> its width and height; only for pages.
    """

    session: Session
    guide: Guide | None
    attempts: list[StoredAttempt]
    ratings: list[FeedbackBody]
    pictures: list[AttachmentOut]
    stand: StandOut | None = None
    guide_answers: list[AnsweredQuestionRow] = field(default_factory=list[AnsweredQuestionRow])
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])


@audited_read
async def read_record(work: UnitOfWork, session_id: str, *, with_ratings: bool = False) -> SessionRecord:
    """Read a session's record.

    Raises:
        SessionNotFound: there is no such session.
    """
    loaded, guide = await load(work, session_id)
    attempts = await sessions.attempts(work.connection, work.tenant, loaded.session.session_id)
    given = await feedback.of_session(work.connection, work.tenant, loaded.session.session_id) if with_ratings else []
    pictures = await attachments.of_session(work, loaded.session.session_id)
    await note_access(work, "session", [loaded.session.session_id])
    stand, answers = stand_for(work, loaded.session, guide), answers_for(work, loaded.session, guide)
    return SessionRecord(loaded.session, guide, attempts, given, pictures, stand, answers)


def stand_for(work: UnitOfWork, session: Session, guide: Guide | None) -> StandOut | None:
    """The stand of a session, for the person who takes over; None for its customer, who comes with a link."""
    if work.scope.session_id is not None:
        return None
    return stand_of(work.app.policy, session, guide, work.scope.language or DEFAULT_LANGUAGE)


def answers_for(work: UnitOfWork, session: Session, guide: Guide | None) -> list[AnsweredQuestionRow]:
    """Answers to the questions of a session's guide, in the language of whoever reads them: a customer's is the session's."""
    language = session.language if work.scope.session_id is not None else work.scope.language or DEFAULT_LANGUAGE
    return views.guide_answers_view(session, guide, language)


def state_view(record: SessionRecord) -> StateOut:
    """The read model of a session with all its attempts."""
    return StateOut(
        session=views.session_view(record.session, record.guide),
        attempts=[views.attempt_view(stored) for stored in record.attempts],
        summary=views.summary_view(record.attempts),
        understood=views.understood_view(record.session),
        attachments=record.pictures,
        stand=record.stand,
        guide_answers=record.guide_answers,
    )


async def state(work: UnitOfWork, session_id: str) -> StateOut:
    """Read a session with all its attempts; see `read_record`."""
    return state_view(await read_record(work, session_id))
