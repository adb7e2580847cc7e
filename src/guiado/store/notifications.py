"""The queue of notifications, one row per recipient: storage, leases and results; and the recipients' preferences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert, structs

from guiado import clock
from guiado.domain.recipient import RecipientPreferences
from guiado.store.connection import Connection, Row, Statements, converted
from guiado.store.queries import sql
from guiado.store.recipient_place import RecipientPlace
from guiado.store.secret_box import SecretBox
from guiado.text.json_shapes import JsonObject


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A notification to one recipient, to be stored.

    Args:
        status: pending, sent, failed or cancelled.
        dedup_key: the same for the same message; None where each one counts.
    """

    notification_type: str
    channel: str
    recipient: str
    priority: str
    subject: str | None
    message: str | None
    session_id: str | None = None
    status: str = "pending"
    error_message: str | None = None
    metadata: Mapping[str, object] | None = field(default=None, repr=False)
    dedup_key: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A notification leased to a worker.

    Args:
        attempts: made so far.
        digest_at: time of the digest that it waited for.
    """

    id: UUID
    session_id: UUID | None
    notification_type: str
    channel: str
    recipient: str = field(repr=False)
    priority: str
    subject: str | None
    message: str | None
    attempts: int
    digest_at: datetime | None
    metadata: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fate:
    """New state of notifications after a worker handled them.

    Args:
        status: pending, sent, failed or cancelled.
        due_at: when they are due again.
        attempts: number of attempts made just now.
        note: further detail: the reason for waiting, or the provider's message.
        subject, message: the text, where a template rendered it.
        is_refused: whether the channel was refused; None without an attempt.
    """

    status: str
    due_at: datetime
    attempts: int = 0
    error_message: str | None = None
    note: str | None = None
    provider_message_id: str | None = None
    digest_at: datetime | None = None
    subject: str | None = None
    message: str | None = None
    is_refused: bool | None = None


class NotificationRow(Struct, kw_only=True):
    """A notification to one recipient, with its state."""

    id: str
    session_id: str | None
    notification_type: str
    channel: str
    recipient: str
    priority: str
    subject: str | None
    message: str | None
    status: str
    error_message: str | None
    note: str | None
    attempts: int
    provider_message_id: str | None
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None


async def put(
    connection: Connection, tenant: str, message: NewNotification, within_s: float, now: datetime
) -> tuple[NotificationRow, bool]:
    """Store a notification, in a transaction.

    Args:
        within_s: the same message within so many seconds is one notification.

    Returns:
        The row, with its id; and whether it was stored already.
    """
    if message.dedup_key:
        await connection.execute(sql("notifications", "one_at_a_time"), tenant, message.dedup_key)
    notification_id, place = clock.new_id(), RecipientPlace(connection.box, tenant, message.channel)
    row = await connection.fetchrow(
        sql("notifications", "put"), tenant, notification_id, UUID(message.session_id) if message.session_id else None,
        message.notification_type, message.channel, place.seal(message.recipient), message.priority, message.subject,
        message.message, message.status, message.error_message,
        place.seal_options(message.recipient, message.metadata or {}), message.dedup_key, within_s, now,
    )  # fmt: skip
    if row is None:
        raise RuntimeError("a notification is stored, or was before")
    return _shown(row, connection.box), row["id"] != notification_id


async def page(
    connection: Connection,
    tenant: str,
    most: int,
    *,
    session_id: UUID | None = None,
    status: str | None = None,
    channel: str | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> list[NotificationRow]:
    """One page of notifications, newest first.

    Args:
        session_id, status, channel: only those with it.
        before: time and id of the last row of the page before.
    """
    created_at, last_id = before or (None, None)
    rows = await connection.fetch(sql("notifications", "list"), tenant, session_id, status, channel, most, created_at, last_id)
    return [_shown(row, connection.box) for row in rows]


async def one(connection: Connection, tenant: str, notification_id: UUID) -> NotificationRow | None:
    """One notification, or None."""
    row = await connection.fetchrow(sql("notifications", "one"), tenant, notification_id)
    return _shown(row, connection.box) if row else None


DUE = sql("notifications", "due_kind")
"""SQL that tells whether a due notification can be leased; part of the query of `queue.join_due`."""


async def claim(
    connection: Connection, tenant: str, worker: str, lease_s: float, now: datetime, room: Mapping[str, int]
) -> list[Due]:
    """Lease due notifications.

    Args:
        lease_s: after so many seconds without `renew` the worker counts as dead.
        room: number of notifications to lease, by channel.
    """
    channels, most = list(room), list(room.values())
    rows = await connection.fetch(sql("notifications", "claim"), tenant, worker, lease_s, now, channels, most)
    return [_due(row, connection.box) for row in rows]


async def renew(connection: Connection, tenant: str, worker: str, lease_s: float, notification_ids: Sequence[UUID]) -> set[UUID]:
    """Renew the leases of notifications.

    Returns:
        The notifications that are still leased to this worker.
    """
    rows = await connection.fetch(sql("notifications", "renew"), tenant, worker, lease_s, list(notification_ids))
    return {row["id"] for row in rows}


async def give_back(connection: Connection, tenant: str, worker: str, notification_ids: Sequence[UUID]) -> None:
    """End the leases of a worker whose work was interrupted."""
    await connection.execute(sql("notifications", "give_back"), tenant, worker, list(notification_ids))


async def gather(
    connection: Connection, tenant: str, worker: str, lease_s: float, now: datetime, first: UUID, most: int
) -> list[Due]:
    """Lease the notifications that go out in the same digest as a leased one."""
    rows = await connection.fetch(sql("notifications", "gather"), tenant, worker, lease_s, now, first, most)
    return [_due(row, connection.box) for row in rows]


async def settle(
    connection: Connection, tenant: str, worker: str, notification_ids: Sequence[UUID], fate: Fate, now: datetime
) -> None:
    """Record the new state of notifications, and end their leases."""
    await connection.execute(
        sql("notifications", "settle"), tenant, worker, list(notification_ids), fate.status, fate.attempts, fate.due_at,
        fate.error_message, fate.note, fate.provider_message_id, fate.digest_at, now, fate.subject, fate.message,
        fate.is_refused,
    )  # fmt: skip


async def again(
    connection: Connection,
    tenant: str,
    now: datetime,
    statuses: Sequence[str],
    *,
    notification_id: UUID | None = None,
    channel: str | None = None,
    since: datetime | None = None,
) -> int:
    """Make failed notifications, and those that wait for another attempt, due now.

    Args:
        statuses: "failed", "pending" or both.
        notification_id: this one only.
        channel: of this one only.
        since: stored then or later.

    Returns:
        Number of notifications that are due now.
    """
    again = sql("notifications", "again")
    return int(await connection.fetchval(again, tenant, notification_id, now, list(statuses), channel, since))


async def is_waiting(connection: Connection, tenant: str, now: datetime) -> bool:
    """Whether any notification is due now."""
    return bool(await connection.fetchval(sql("notifications", "is_waiting"), tenant, now))


class ChannelFigures(Struct, frozen=True):
    """Figures of a channel: its queue, messages sent in the last hour, and those of the last day that were given up."""

    channel: str
    pending: int
    oldest_s: float
    sent: int
    failed: int


class Refusal(Struct, frozen=True):
    """A channel whose account, server or hook is refused."""

    channel: str
    recipient: str | None
    since: datetime
    refused_s: float
    count: int
    reason: str | None


class Story(Struct, frozen=True):
    """Data for a message about a session: the event's data, fields of the session, and how many pictures it has."""

    data: JsonObject | None
    session_id: UUID
    ticket_id: str | None
    customer_name: str | None
    customer_email: str | None
    problem_description: str | None
    language: str | None
    problem_title: str | None
    current_step: int | None
    total_steps: int | None
    escalation_reason: str | None
    pictures: int = 0


async def figures(connection: Connection, tenant: str, now: datetime) -> list[ChannelFigures]:
    """Figures of each channel."""
    return [converted(row, ChannelFigures) for row in await connection.fetch(sql("notifications", "figures"), tenant, now)]


async def refused(connection: Connection, tenant: str, now: datetime, addressed: Collection[str]) -> list[Refusal]:
    """Channels whose account, server or hook is refused, longest first.

    Args:
        addressed: channels whose recipients each have an address of their own, which may be refused alone.
    """
    found = await refused_as_stored(connection, tenant, now, addressed)
    return [structs.replace(one, recipient=_opened(one, RecipientPlace(connection.box, tenant, one.channel))) for one in found]


async def refused_as_stored(connection: Statements, tenant: str, now: datetime, addressed: Collection[str]) -> list[Refusal]:
    """As `refused`, with the recipients as they are stored: for whoever has no key."""
    rows = await connection.fetch(sql("notifications", "refused"), tenant, now, list(addressed))
    return [converted(row, Refusal) for row in rows]


async def story(connection: Connection, tenant: str, session_id: UUID, event_id: UUID | None) -> Story | None:
    """Data for a message about a session; None when there is no such session."""
    row = await connection.fetchrow(sql("notifications", "story"), tenant, session_id, event_id)
    return converted(row, Story) if row else None


async def put_recipient(
    connection: Connection, tenant: str, recipient: RecipientPreferences, spellings: Sequence[str] = ()
) -> None:
    """Store a recipient's preferences; the same channel and recipient again replaces them.

    Args:
        spellings: ways in which the same address may be stored already.
    """
    place = RecipientPlace(connection.box, tenant, recipient.channel)
    await connection.execute(
        sql("notifications", "recipient_put"), tenant, recipient.channel, place.seal(recipient.recipient), list(recipient.events),
        list(recipient.muted), recipient.language, recipient.time_zone, recipient.quiet_from, recipient.quiet_to,
        recipient.digest_minutes, place.seal_options(recipient.recipient, recipient.options),
        place.forms((recipient.recipient, *spellings)),
    )  # fmt: skip


async def offer_recipient(connection: Connection, tenant: str, channel: str, recipient: str, events: Sequence[str]) -> bool:
    """Store a recipient; False where it is known: preferences changed by hand stay."""
    stored = RecipientPlace(connection.box, tenant, channel).seal(recipient)
    return bool(await connection.fetchval(sql("notifications", "recipient_offer"), tenant, channel, stored, list(events)))


async def recipients(connection: Connection, tenant: str) -> list[RecipientPreferences]:
    """Preferences of all recipients."""
    return [_recipient(row, connection.box) for row in await connection.fetch(sql("notifications", "recipients"), tenant)]


async def recipient(connection: Connection, tenant: str, channel: str, spellings: Sequence[str]) -> RecipientPreferences:
    """Notification preferences of a recipient; the defaults for an unknown one.

    Args:
        spellings: of the address, the normal form first.
    """
    forms = RecipientPlace(connection.box, tenant, channel).forms(spellings)
    row = await connection.fetchrow(sql("notifications", "recipient"), tenant, channel, forms)
    return _recipient(row, connection.box) if row else RecipientPreferences(channel, spellings[0])


async def delete_recipient(connection: Connection, tenant: str, channel: str, spellings: Sequence[str]) -> bool:
    """Delete a recipient, in any spelling of the address; False when there is none."""
    forms = RecipientPlace(connection.box, tenant, channel).forms(spellings)
    return bool(await connection.fetchval(sql("notifications", "recipient_delete"), tenant, channel, forms))


def _shown(row: Row, box: SecretBox) -> NotificationRow:
    session_id, place = row["session_id"], RecipientPlace(box, row["tenant_id"], row["channel"])
    ids = {"id": str(row["id"]), "session_id": str(session_id) if session_id else None}
    return convert({**dict(row), **ids, "recipient": place.open(row["recipient"])}, NotificationRow)


def _due(row: Row, box: SecretBox) -> Due:
    place = RecipientPlace(box, row["tenant_id"], row["channel"])
    recipient = place.open(row["recipient"])
    opened = {"recipient": recipient, "metadata": place.open_options(recipient, row["metadata"])}
    return convert({**dict(row), **opened}, Due)


def _recipient(row: Row, box: SecretBox) -> RecipientPreferences:
    place = RecipientPlace(box, row["tenant_id"], row["channel"])
    recipient = place.open(row["recipient"])
    opened = {"recipient": recipient, "options": place.open_options(recipient, row["options"])}
    return convert({**dict(row), **opened}, RecipientPreferences)


def _opened(refusal: Refusal, place: RecipientPlace) -> str | None:
    return None if refusal.recipient is None else place.open(refusal.recipient)
