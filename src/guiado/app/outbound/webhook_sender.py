"""Sending what waits for webhooks: any number of senders, in any number of processes.

A sender leases endpoints, sends each one's deliveries in the order of their events, and writes down what became of them; those
behind one that failed overtake it. Delivery is at least once: whoever is killed between sending and writing down leaves the
delivery waiting, and it arrives again with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound.attempt_recorder import AttemptRecorder
from guiado.app.outbound.endpoint_delivery import EndpointDelivery
from guiado.app.outbound.endpoint_versions import Versions
from guiado.app.outbound.webhooks import BUILT_IN
from guiado.delivery import retry
from guiado.errors import GuiadoError
from guiado.logs import get_logger
from guiado.store import outbox
from guiado.store.outbox import Leased

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

POLL_S = 0.25
_GLANCE_S = 0.05
"""Between two glances at whether another process stored an event."""
LEASE_S = 30.0
_RENEW_S = 8.0
_ENDPOINTS_AT_ONCE = 128
STOP_S = 8.0
"""How long a sender that was told to stop lets its attempts go on; `EXIT_S` has room for writing them down."""
EXIT_S = STOP_S + 2.0
"""How long a process waits for its senders."""
_DRAIN_POLL_S = 0.02
_AFTER_ERROR_S = 1.0
log = get_logger()


class Sender:
    """Sends what is due until it is told to stop.

    Args:
        parts: of this process.
        client: gives the guarded client; asked when there is something to send.
        name: tells this sender from others.
        own: id -> address of the endpoints whose address this process has in its environment; the others of `BUILT_IN` are
            left to whoever has theirs.
    """

    def __init__(
        self, parts: AppContext, client: Callable[[], GuardedClient], name: str, own: Mapping[str, str] | None = None
    ) -> None:
        self._own = own or {}
        self._foreign = BUILT_IN - self._own.keys()
        self._parts, self._client, self._name = parts, client, name
        self._made: GuardedClient | None = None
        self._ledger = AttemptRecorder(parts, name)
        self._versions = Versions(parts, name, lambda: len(self._serving))
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._is_held = False
        self._mine: set[str] = set()
        self._serving: set[str] = set()
        self._latest: datetime | None = None

    @property
    def serving(self) -> frozenset[str]:
        """The endpoints that are being sent to."""
        return frozenset(self._serving)

    def wake(self) -> None:
        """Something was stored: look at once."""
        self._wake.set()

    def hold(self, *, on: bool) -> None:
        """Begin nothing new, or go on."""
        if self._is_held and not on:
            self._wake.set()
        self._is_held = on

    def stop(self) -> None:
        """Finish the attempts at hand, then end `run`."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`; an error of the database is logged and the work goes on."""
        tasks = set[asyncio.Task[None]]()
        renewing = asyncio.create_task(self._renew())
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                for leased in await self._claim(_ENDPOINTS_AT_ONCE - len(tasks)):
                    task = asyncio.create_task(self._serve(leased))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                await self._rest()
            if tasks:
                await asyncio.wait(tasks, timeout=STOP_S)
        finally:
            for task in (renewing, *tasks):
                task.cancel()
            await asyncio.gather(renewing, *tasks, return_exceptions=True)
            await self._ledger.close()

    async def _rest(self) -> None:
        """Wait until this process stored something, another one stored an event, or it is time to look for what is due."""
        end_s = clock.monotonic_s() + POLL_S
        while not self._wake.is_set() and (left_s := end_s - clock.monotonic_s()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), min(left_s, _GLANCE_S))
                return
            if await self._has_news():
                return

    async def _has_news(self) -> bool:
        try:
            async with self._parts.db.connection() as connection:
                latest = await outbox.latest(connection, self._parts.tenant)
        except Exception:  # noqa: BLE001 the next claim meets it too, and logs it
            return False
        before, self._latest = self._latest, latest
        return latest != before

    async def drain(self, deadline_s: float) -> None:
        """Wait until nothing is due any more, or the time is over; what is left waits for the next sender."""
        end = clock.monotonic_s() + deadline_s
        with contextlib.suppress(GuiadoError):
            while clock.monotonic_s() < end:
                self.wake()
                async with self._parts.db.connection() as connection:
                    if not self._mine and not await outbox.is_waiting(connection, self._parts.tenant, clock.now(), self._foreign):
                        return
                await asyncio.sleep(_DRAIN_POLL_S)

    async def _claim(self, most: int) -> list[Leased]:
        if most <= 0 or self._is_held:
            return []
        besides = self._serving | self._foreign
        try:
            async with self._parts.db.connection() as connection:
                found = await outbox.claim(
                    connection, self._parts.tenant, self._name, LEASE_S, most, clock.now(), retry.PAUSE_AFTER, besides
                )
        except Exception as error:  # noqa: BLE001 a sender that dies unseen is worse than one that tries again
            log.error("sender_waits", error=f"{type(error).__name__}: {error}"[:500])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _AFTER_ERROR_S)
            return []
        claimed = {leased.endpoint.webhook_id for leased in found}
        self._mine |= claimed
        self._serving |= claimed
        return found

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            asked = set(self._mine)
            try:
                async with self._parts.db.connection() as connection:
                    held = await outbox.renew(connection, self._parts.tenant, self._name, LEASE_S, sorted(asked))
            except Exception as error:  # noqa: BLE001 without renewals two senders would serve one endpoint
                log.error("lease_waits", error=f"{type(error).__name__}: {error}"[:500])
            else:
                self._mine -= asked - held

    async def _serve(self, leased: Leased) -> None:
        webhook_id = leased.endpoint.webhook_id
        try:
            if self._made is None:  # with the first message: its certificates take a moment
                self._made = await asyncio.to_thread(self._client)
            own_url = self._own.get(webhook_id)
            await EndpointDelivery(self._parts, self._made, self._ledger, leased, self._versions, self._may_go_on, own_url).run()
        except Exception as error:  # noqa: BLE001 one endpoint's fault must not stop the others; its lease ends by itself
            log.error("delivery_waits", webhook=webhook_id, error=f"{type(error).__name__}: {error}"[:500])
            # What was sent and could not be written down is sent again: at least not at full speed.
            await asyncio.sleep(_AFTER_ERROR_S)
        finally:
            self._mine.discard(webhook_id)
            self._serving.discard(webhook_id)
            self._wake.set()

    def _may_go_on(self, webhook_id: str) -> bool:
        return webhook_id in self._mine and not self._stopping.is_set()
