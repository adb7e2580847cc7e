"""Storage of the pictures that customers add to their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guiado.store.advisory_locks import ATTACHMENTS
from guiado.store.connection import Connection
from guiado.store.queries import sql


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A picture of a session, without its content.

    Args:
        step_number: of the step that waited for an answer when it was sent, if any.
        step_id: of the same step.
        width: in pixels.
        height: in pixels.
    """

    attachment_id: UUID
    session_id: UUID
    step_number: int | None
    step_id: str | None
    media_type: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A picture to store; see `StoredAttachment`."""

    attachment_id: UUID
    session_id: UUID
    step_number: int | None
    step_id: str | None
    media_type: str
    width: int
    height: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Usage:
    """Pictures of a session, and bytes of all pictures of its tenant."""

    in_session: int
    total_bytes: int


async def lock(connection: Connection, tenant: str) -> None:
    """Wait until no other transaction adds a picture for this tenant; call it inside of one."""
    await connection.execute(sql("attachments", "lock"), tenant, ATTACHMENTS)


async def usage(connection: Connection, tenant: str, session_id: UUID) -> Usage | None:
    """The present usage; None when there is no such session."""
    row = await connection.fetchrow(sql("attachments", "usage"), tenant, session_id)
    return Usage(**dict(row)) if row else None


async def add(connection: Connection, tenant: str, new: NewAttachment, now: datetime) -> StoredAttachment | None:
    """Store a picture; None when there is no such session. Call it inside of a transaction."""
    await connection.fetchval(sql("attachments", "hold"), tenant, new.session_id)
    row = await connection.fetchrow(
        sql("attachments", "add"), tenant, new.attachment_id, new.session_id, new.step_number, new.step_id, new.media_type,
        new.width, new.height, new.content, now,
    )  # fmt: skip
    return StoredAttachment(**dict(row)) if row else None


async def listed(connection: Connection, tenant: str, session_id: UUID) -> list[StoredAttachment]:
    """The pictures of a session, oldest first."""
    return [StoredAttachment(**dict(row)) for row in await connection.fetch(sql("attachments", "listed"), tenant, session_id)]


async def one(
    connection: Connection, tenant: str, session_id: UUID, attachment_id: UUID
) -> tuple[StoredAttachment, bytes] | None:
    """A picture and its content; None when the session has no such picture."""
    row = await connection.fetchrow(sql("attachments", "one"), tenant, session_id, attachment_id)
    if row is None:
        return None
    values = dict(row)
    content = bytes(values.pop("content"))
    return StoredAttachment(**values), content
