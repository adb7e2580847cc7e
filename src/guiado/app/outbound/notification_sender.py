"""Notifications as a kind of outbound work: each is sent through its channel.

Each one has its own retries, so that a target that fails holds no other up; and a channel that hangs has only its own places.
Delivery is at least once: a worker that is killed between sending and writing down leaves the notification waiting, and it goes
out again with the same id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound import queue, recipients
from guiado.app.outbound.compose import compose
from guiado.app.outbound.handlers import HandlerDependencies, handles
from guiado.app.outbound.queue import ClaimedWork, Leases
from guiado.delivery import retry
from guiado.delivery.channels import kind_of, names
from guiado.delivery.templates import NEW_LINK
from guiado.domain.recipient import Drop, RecipientPreferences, Wait
from guiado.errors import DeliveryFailed, GuiadoError, InvalidInput, SecretUnreadable, TargetRefused
from guiado.i18n import text
from guiado.logs import get_logger
from guiado.store import notifications
from guiado.store.database import Connection
from guiado.store.notifications import Due, Fate

if TYPE_CHECKING:
    from guiado.delivery.channels import Channel, Outgoing

SEND_S = 30.0
"""Seconds for sending one message, whatever the channel does."""
_PLACES = 8
_MOST_GATHERED = 100
_ERROR_KEPT = 1_000
log = get_logger()


ChannelMaker = Callable[[str], "Channel"]
"""Function that returns the channel of a name; it raises where the channel is not set up here, and says what is missing."""


class NotificationSender:
    """Handler of notifications.

    Args:
        parts: of this process.
        channel_of: gives the channel of a name.
        worker: name that tells this worker from others.
    """

    kind = "notification"
    due = notifications.DUE
    foreign: frozenset[str] = frozenset()

    def __init__(self, parts: AppContext, channel_of: ChannelMaker, worker: str) -> None:
        self._parts, self._make, self._worker = parts, channel_of, worker
        self._channels: dict[str, Channel] = {}
        self._making = asyncio.Lock()
        self._busy = Counter[str]()
        self._together: dict[str, list[UUID]] = {}
        """Key of a lease -> the notifications that it covers: several where they go out as one message."""

    async def claim(self, connection: Connection, leases: Leases, extra: int) -> list[ClaimedWork]:  # noqa: ARG002 places are few: no share
        """Lease due notifications, as far as each channel has free places."""
        room = {name: _PLACES - self._busy[name] for name in names() if self._busy[name] < _PLACES}
        found = await notifications.claim(connection, self._parts.tenant, self._worker, queue.LEASE_S, clock.now(), room)
        found = [due for due in found if str(due.id) not in leases.busy]
        for due in found:
            self._busy[due.channel] += 1
            self._together[str(due.id)] = [due.id]
        return [ClaimedWork(str(due.id), partial(self._serve, due)) for due in found]

    async def renew(self, connection: Connection, keys: Sequence[str]) -> set[str]:
        """Keep the leases of notifications, each with those that go out together with it."""
        held = await notifications.renew(connection, self._parts.tenant, self._worker, queue.LEASE_S, self._covered(keys))
        return {key for key in keys if UUID(key) in held}

    async def give_back(self, connection: Connection, keys: Sequence[str]) -> None:
        """End the leases of notifications."""
        await notifications.give_back(connection, self._parts.tenant, self._worker, self._covered(keys))

    async def is_waiting(self, connection: Connection) -> bool:
        """Whether a notification is due."""
        return await notifications.is_waiting(connection, self._parts.tenant, clock.now())

    async def close(self) -> None:
        """Do nothing: each notification is recorded as soon as it is sent."""

    def _covered(self, keys: Sequence[str]) -> list[UUID]:
        return [one for key in keys for one in self._together.get(key, [UUID(key)])]

    async def _serve(self, due: Due) -> None:
        try:
            await self._handle(due)
        except Exception:
            self._together.pop(str(due.id), None)
            raise
        finally:
            self._busy[due.channel] -= 1
        self._together.pop(str(due.id), None)

    async def _handle(self, due: Due) -> None:
        together, outgoing = [due], None
        async with self._parts.connection() as connection:
            recipient = await recipients.find(self._parts.work(connection), due.channel, due.recipient)
            fate = _put_off(due, recipient, clock.now())
            if fate is None:
                together += await self._gather(connection, due)
                self._together[str(due.id)] = [one.id for one in together]
                outgoing, fate = await self._compose(connection, together, recipient)
        if outgoing is not None:
            fate = await self._attempt(due, outgoing)
            if len(together) == 1 and due.message is None and due.notification_type != NEW_LINK:  # what lets in is not kept
                fate = replace(fate, subject=outgoing.subject, message=outgoing.text)
        if fate is not None:
            async with self._parts.connection() as connection:
                keys = [one.id for one in together]
                await notifications.settle(connection, self._parts.tenant, self._worker, keys, fate, clock.now())

    async def _gather(self, connection: Connection, due: Due) -> list[Due]:
        if due.digest_at is None:
            return []
        tenant, now = self._parts.tenant, clock.now()
        return await notifications.gather(connection, tenant, self._worker, queue.LEASE_S, now, due.id, _MOST_GATHERED)

    async def _compose(
        self, connection: Connection, together: list[Due], recipient: RecipientPreferences
    ) -> tuple[Outgoing, None] | tuple[None, Fate]:
        try:
            return await compose(self._parts.work(connection), together, recipient), None
        except InvalidInput as error:  # its template is gone
            return None, _failed(together[0], str(error), clock.now(), permanent=True)
        except SecretUnreadable as error:  # perhaps another process has the key
            return None, _failed(together[0], str(error), clock.now())

    async def _attempt(self, due: Due, outgoing: Outgoing) -> Fate:
        try:
            channel = await self._channel(due.channel)
            async with asyncio.timeout(SEND_S):
                receipt = await channel.send(outgoing)
        except TimeoutError:
            return _failed(due, _say("El canal no contestó en {timeout_s} s.", timeout_s=int(SEND_S)), clock.now())
        except DeliveryFailed as error:
            permanent, is_refused, wait_s = error.permanent, error.of_channel, error.retry_after_s
            return _failed(due, str(error), clock.now(), permanent=permanent, is_refused=is_refused, wait_s=wait_s)
        except (TargetRefused, InvalidInput) as error:  # a caller's address never works; the operator's own may be mended
            kind = kind_of(due.channel)
            is_callers = "webhook_url" in outgoing.options or (kind is not None and kind.address == "recipient")
            return _failed(due, str(error), clock.now(), permanent=is_callers, is_refused=not is_callers)
        except GuiadoError as error:  # not set up here: perhaps in another process, or soon
            return _failed(due, str(error), clock.now(), is_refused=True)
        except Exception as error:  # noqa: BLE001 what no channel should do must not be tried for ever
            log.error("channel_broke", channel=due.channel, error=f"{type(error).__name__}: {error}"[:500])
            why = _say("Error interno del canal. El registro del servicio dice por qué.")
            return _failed(due, why, clock.now())
        note, name = receipt.detail, receipt.provider_message_id
        return Fate("sent", clock.now(), 1, note=note, provider_message_id=name, is_refused=False)

    async def _channel(self, kind: str) -> Channel:
        async with self._making:
            if kind not in self._channels:
                # Its libraries and certificates take a moment the first time.
                self._channels[kind] = await asyncio.to_thread(self._make, kind)
        return self._channels[kind]


@handles(NotificationSender.kind)
def make_notification_sender(tools: HandlerDependencies) -> NotificationSender:
    """Make the handler of notifications."""
    return NotificationSender(tools.parts, tools.channel_of, tools.worker)


def _put_off(due: Due, recipient: RecipientPreferences, now: datetime) -> Fate | None:
    """The fate of a notification that its recipient does not want now: cancelled or put off; None where it is sent now."""
    # Whoever asked for a link waits for it.
    is_urgent, is_gathered = due.priority == "urgent" or due.notification_type == NEW_LINK, due.digest_at is not None
    match recipient.plan(due.notification_type, is_urgent=is_urgent, is_gathered=is_gathered, now=now):
        case Drop():
            return Fate("cancelled", now, note=_say("El destinatario no quiere avisos de este tipo."))
        case Wait(until=until, is_gathered=gathers):
            here = until.astimezone(ZoneInfo(recipient.time_zone))
            note = _say("Espera hasta el {moment}, como lo pidió el destinatario.", moment=here.strftime("%Y-%m-%d %H:%M"))
            return Fate("pending", until, note=note, digest_at=until if gathers else None)
        case _:
            return None


def _failed(
    due: Due, why: str, now: datetime, *, permanent: bool = False, is_refused: bool = False, wait_s: float | None = None
) -> Fate:
    delay_s = None if permanent else retry.notification_delay_s(due.attempts + 1, clock.fraction())
    why = why[:_ERROR_KEPT]
    if delay_s is None:
        return Fate("failed", now, 1, why, digest_at=due.digest_at, is_refused=is_refused)
    due_at = now + timedelta(seconds=max(delay_s, wait_s or 0.0))
    return Fate("pending", due_at, 1, why, digest_at=due.digest_at, is_refused=is_refused)


def _say(template: str, /, **params: object) -> str:
    return text("es", template, **params)
