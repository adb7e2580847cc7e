"""Pictures of a session: adding one within the caps, listing them, reading one."""

from __future__ import annotations

from uuid import UUID

from guiado import clock
from guiado.app.access.audit import note, note_access
from guiado.app.context import AppContext, UnitOfWork
from guiado.app.sessions import views
from guiado.app.sessions.answer import load
from guiado.app.sessions.models import AttachmentOut
from guiado.app.sessions.pictures import Picture
from guiado.errors import AttachmentNotFound, AttachmentsFull, AttachmentsOff, SessionNotFound, TooManyAttachments
from guiado.logs import get_logger
from guiado.store import attachments
from guiado.store.attachments import NewAttachment, StoredAttachment, Usage
from guiado.store.sessions import uuid_or_none

MOST_OF_SESSION = 5
"""Pictures of a session, at most."""
_MB = 1_048_576
_PATH = "/api/support/troubleshooting/{session_id}/attachments/{attachment_id}"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
log = get_logger()


async def require_room(work: UnitOfWork, session_id: object) -> None:
    """Check that a session can have one more picture, before anything is received; `add` decides.

    Raises:
        SessionNotFound: no session has this id.
        AttachmentsOff, TooManyAttachments, AttachmentsFull: it can not.
    """
    key = uuid_or_none(session_id)
    usage = await attachments.usage(work.connection, work.tenant, key) if key else None
    if usage is None:
        raise SessionNotFound(session_id)
    _require_room(work.app, usage)


async def add(work: UnitOfWork, session_id: object, picture: Picture) -> AttachmentOut:
    """Add a picture to a session, in whatever state it is. Pictures of a tenant are counted one after another.

    Raises:
        SessionNotFound: no session has this id.
        AttachmentsOff, TooManyAttachments, AttachmentsFull: it can have no more.
    """
    loaded, guide = await load(work, session_id)
    key, step = UUID(loaded.session.session_id), views.open_step(loaded.session, guide)
    step_number, step_id = (step.step_number, step.step_id) if step else (None, None)
    new = NewAttachment(
        clock.new_id(), key, step_number, step_id, picture.media_type, picture.width, picture.height, picture.content
    )
    async with work.connection.transaction():
        await attachments.lock(work.connection, work.tenant)
        usage = await attachments.usage(work.connection, work.tenant, key)
        if usage is not None:
            _require_room(work.app, usage, len(picture.content))
        stored = await attachments.add(work.connection, work.tenant, new, clock.now())
        if stored is None:
            raise SessionNotFound(session_id)
        await note(work, "attach", "attachment", str(new.attachment_id), session_id=str(key))
    return attachment_view(stored)


async def list_of(work: UnitOfWork, session_id: object) -> list[AttachmentOut]:
    """The pictures of a session without their content, oldest first.

    Raises:
        SessionNotFound: no session has this id.
    """
    loaded, _ = await load(work, session_id)
    found = await of_session(work, loaded.session.session_id)
    await note_access(work, "attachment", [each.attachment_id for each in found], session_id=loaded.session.session_id)
    return found


async def of_session(work: UnitOfWork, session_id: str) -> list[AttachmentOut]:
    """The pictures of a session that was read just now: whoever reads it notes the access."""
    return [attachment_view(each) for each in await attachments.listed(work.connection, work.tenant, UUID(session_id))]


async def read_one(work: UnitOfWork, session_id: object, attachment_id: object) -> tuple[AttachmentOut, bytes]:
    """A picture of a session, and its content.

    Raises:
        AttachmentNotFound: the session has no such picture.
    """
    session, key = uuid_or_none(session_id), uuid_or_none(attachment_id)
    found = await attachments.one(work.connection, work.tenant, session, key) if session and key else None
    if found is None:
        raise AttachmentNotFound(attachment_id)
    await note_access(work, "attachment", [str(key)], session_id=str(session))
    return attachment_view(found[0]), found[1]


def file_name(attachment: AttachmentOut, number: int | None = None) -> str:
    """The name of a picture as a file: of our making, without a word of the customer's.

    Args:
        number: its place in the session, from 1; by default the end of its id stands there.
    """
    of_session = views.reference(attachment.session_id)
    which = views.reference(attachment.attachment_id) if number is None else str(number)
    return f"{of_session}-{which}.{_ENDINGS[attachment.media_type]}"


def attachment_view(stored: StoredAttachment) -> AttachmentOut:
    """The read model of a picture."""
    session_id, attachment_id = str(stored.session_id), str(stored.attachment_id)
    return AttachmentOut(
        attachment_id=attachment_id,
        session_id=session_id,
        step_number=stored.step_number,
        step_id=stored.step_id,
        media_type=stored.media_type,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        created_at=stored.created_at,
        path=_PATH.format(session_id=session_id, attachment_id=attachment_id),
    )


def _require_room(app: AppContext, usage: Usage, size_bytes: int = 1) -> None:
    if app.attachments_mb == 0:
        raise AttachmentsOff
    if usage.in_session >= MOST_OF_SESSION:
        raise TooManyAttachments(MOST_OF_SESSION)
    if usage.total_bytes + size_bytes > app.attachments_mb * _MB:
        log.warning("attachments_full", tenant=app.tenant, remedy="GUIADO_ATTACHMENTS_MB")
        raise AttachmentsFull(app.attachments_mb)
