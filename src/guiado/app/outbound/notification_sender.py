"""Sending what waits for people: any number of messengers, in any number of processes.

A messenger leases notifications, sends each through its channel, and writes down what became of it. Each one has its own
retries, so that a target that fails holds no other up; and a channel that hangs has only its own places. Delivery is at least
once: whoever is killed between sending and writing down leaves the notification waiting, and it goes out again with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound import recipients
from guiado.app.outbound.compose import compose
from guiado.app.outbound.webhook_sender import STOP_S
from guiado.delivery import retry
from guiado.delivery.channels import KINDS
from guiado.domain.recipient import Drop, Recipient, Wait
from guiado.errors import DeliveryFailed, GuiadoError, InvalidInput, TargetRefused
from guiado.i18n import text
from guiado.logs import get_logger
from guiado.store import notifications
from guiado.store.database import Connection
from guiado.store.notifications import Due, Fate

if TYPE_CHECKING:
    from guiado.delivery.channels import Channel, Outgoing

POLL_S = 0.5
LEASE_S = 45.0
SEND_S = 30.0
"""For one message, whatever the channel does: well within the lease."""
_DRAIN_POLL_S = 0.02
_PLACES = 8
_MOST_GATHERED = 100
_ERROR_KEPT = 1_000
log = get_logger()


class ChannelMaker(Protocol):
    """Gives the channel of a kind."""

    def __call__(self, kind: str) -> Channel:
        """The channel.

        Raises:
            SettingsInvalid, DeliveryFailed: it is not set up here; says what is missing.
        """
        ...


class Messenger:
    """Sends what is due until it is told to stop.

    Args:
        parts: of this process.
        channel_of: gives the channel of a kind.
        name: tells this messenger from others.
    """

    def __init__(self, parts: AppContext, channel_of: ChannelMaker, name: str) -> None:
        self._parts, self._make, self._name = parts, channel_of, name
        self._channels: dict[str, Channel] = {}
        self._making = asyncio.Lock()
        self._busy = Counter[str]()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._is_held = False

    def wake(self) -> None:
        """Something was stored: look at once."""
        self._wake.set()

    def hold(self, *, on: bool) -> None:
        """Begin nothing new, or go on."""
        if self._is_held and not on:
            self._wake.set()
        self._is_held = on

    def stop(self) -> None:
        """Finish the messages at hand, then end `run`."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`; an error of the database is logged and the work goes on."""
        tasks = set[asyncio.Task[None]]()
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                for due in await self._claim():
                    self._busy[due.channel] += 1
                    task = asyncio.create_task(self._serve(due))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
            if tasks:
                await asyncio.wait(tasks, timeout=STOP_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self, deadline_s: float) -> None:
        """Wait until nothing is due any more, or the time is over; what is left waits for the next messenger."""
        end = clock.monotonic_s() + deadline_s
        with contextlib.suppress(GuiadoError):
            while clock.monotonic_s() < end:
                self.wake()
                async with self._parts.db.connection() as connection:
                    is_waiting = await notifications.is_waiting(connection, self._parts.tenant, clock.now())
                if not is_waiting and not self._busy.total():
                    return
                await asyncio.sleep(_DRAIN_POLL_S)

    async def _claim(self) -> list[Due]:
        if self._is_held:
            return []
        room = {kind: _PLACES - self._busy[kind] for kind in KINDS if self._busy[kind] < _PLACES}
        try:
            async with self._parts.db.connection() as connection:
                return await notifications.claim(connection, self._parts.tenant, self._name, LEASE_S, clock.now(), room)
        except Exception as error:  # noqa: BLE001 a messenger that dies unseen is worse than one that tries again
            log.error("messenger_waits", error=f"{type(error).__name__}: {error}"[:500])
            return []

    async def _serve(self, due: Due) -> None:
        try:
            await self._handle(due)
        except Exception as error:  # noqa: BLE001 one message's fault must not stop the others; its lease ends by itself
            log.error("notification_waits", notification=str(due.id), error=f"{type(error).__name__}: {error}"[:500])
        finally:
            self._busy[due.channel] -= 1
            self._wake.set()

    async def _handle(self, due: Due) -> None:
        together, outgoing = [due], None
        async with self._parts.db.connection() as connection:
            recipient = await recipients.find(self._parts.work(connection), due.channel, due.recipient)
            fate = _put_off(due, recipient, clock.now())
            if fate is None:
                together += await self._gather(connection, due)
                outgoing, fate = await self._compose(connection, together, recipient)
        if outgoing is not None:
            fate = await self._attempt(due, outgoing)
            if len(together) == 1 and due.message is None:
                fate = replace(fate, subject=outgoing.subject, message=outgoing.text)
        if fate is not None:
            async with self._parts.db.connection() as connection:
                keys = [one.id for one in together]
                await notifications.settle(connection, self._parts.tenant, self._name, keys, fate, clock.now())

    async def _gather(self, connection: Connection, due: Due) -> list[Due]:
        if due.digest_at is None:
            return []
        tenant, now = self._parts.tenant, clock.now()
        return await notifications.gather(connection, tenant, self._name, LEASE_S, now, due.id, _MOST_GATHERED)

    async def _compose(
        self, connection: Connection, together: list[Due], recipient: Recipient
    ) -> tuple[Outgoing, None] | tuple[None, Fate]:
        try:
            return await compose(self._parts.work(connection), together, recipient), None
        except InvalidInput as error:  # its template is gone
            return None, _failed(together[0], str(error), clock.now(), permanent=True)

    async def _attempt(self, due: Due, outgoing: Outgoing) -> Fate:
        try:
            async with asyncio.timeout(SEND_S):
                receipt = await (await self._channel(due.channel)).send(outgoing)
        except TimeoutError:
            return _failed(due, _say("El canal no contestó en {timeout_s} s.", timeout_s=int(SEND_S)), clock.now())
        except DeliveryFailed as error:
            permanent, is_refused, wait_s = error.permanent, error.of_channel, error.retry_after_s
            return _failed(due, str(error), clock.now(), permanent=permanent, is_refused=is_refused, wait_s=wait_s)
        except (TargetRefused, InvalidInput) as error:  # a caller's address never works; the operator's own may be mended
            is_callers = due.channel == "webhook" or "webhook_url" in outgoing.options
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


def _put_off(due: Due, recipient: Recipient, now: datetime) -> Fate | None:
    """What becomes of a message that its recipient does not want now."""
    is_urgent, is_gathered = due.priority == "urgent", due.digest_at is not None
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
    delay_s = None if permanent else retry.notification_delay_s(due.attempts + 1, secrets.randbelow(1_000_001) / 1_000_000)
    why = why[:_ERROR_KEPT]
    if delay_s is None:
        return Fate("failed", now, 1, why, digest_at=due.digest_at, is_refused=is_refused)
    due_at = now + timedelta(seconds=max(delay_s, wait_s or 0.0))
    return Fate("pending", due_at, 1, why, digest_at=due.digest_at, is_refused=is_refused)


def _say(template: str, /, **params: object) -> str:
    return text("es", template, **params)
