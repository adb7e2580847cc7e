"""Webhooks as a kind of outbound work: endpoints are leased, and their deliveries sent.

Each one's deliveries leave in the order of their events, unless it allows several at a time; those behind one that failed
overtake it. Delivery is at least once: a worker that is killed between sending and writing down leaves the delivery waiting, and
it arrives again with the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound import queue
from guiado.app.outbound.attempt_recorder import AttemptRecorder
from guiado.app.outbound.endpoint_delivery import EndpointDelivery
from guiado.app.outbound.endpoint_versions import Versions
from guiado.app.outbound.handlers import HandlerDependencies, handles
from guiado.app.outbound.queue import ClaimedWork, Leases
from guiado.app.outbound.webhooks import BUILT_IN
from guiado.delivery import retry
from guiado.store import outbox
from guiado.store.database import Connection
from guiado.store.outbox import Leased

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

_ENDPOINTS_AT_ONCE = 128


class WebhookSender:
    """Handler of webhook deliveries.

    Args:
        parts: of this process.
        client: gives the guarded client; asked when there is something to send.
        worker: name that tells this worker from others.
        own: id -> address of the endpoints whose address this process has in its environment; the others of `BUILT_IN` are
            left to the workers that have theirs.
    """

    kind = "webhook"
    due = outbox.DUE

    def __init__(
        self, parts: AppContext, client: Callable[[], GuardedClient], worker: str, own: Mapping[str, str] | None = None
    ) -> None:
        self._own = own or {}
        self.foreign = BUILT_IN - self._own.keys()
        self._parts, self._client, self._worker = parts, client, worker
        self._made: GuardedClient | None = None
        self._recorder = AttemptRecorder(parts, worker)
        self._busy: Collection[str] = ()
        self._versions = Versions(parts, worker, lambda: len(self._busy))

    async def claim(self, connection: Connection, leases: Leases, extra: int) -> list[ClaimedWork]:
        """Lease this worker's share of the endpoints that have due deliveries."""
        self._busy, room = leases.busy, _ENDPOINTS_AT_ONCE - len(leases.busy)
        if room <= 0:
            return []
        besides, busy = leases.busy | self.foreign, len(leases.busy)
        found = await outbox.claim(
            connection, self._parts.tenant, self._worker, queue.LEASE_S, room, clock.now(), retry.PAUSE_AFTER, besides,
            busy=busy, extra=extra,
        )  # fmt: skip
        return [ClaimedWork(leased.endpoint.webhook_id, partial(self._send, leased, leases)) for leased in found]

    async def renew(self, connection: Connection, keys: Sequence[str]) -> set[str]:
        """Keep the leases of endpoints."""
        return await outbox.renew(connection, self._parts.tenant, self._worker, queue.LEASE_S, keys)

    async def give_back(self, connection: Connection, keys: Sequence[str]) -> None:
        """End the leases of endpoints."""
        await outbox.give_back(connection, self._parts.tenant, self._worker, keys)

    async def is_waiting(self, connection: Connection) -> bool:
        """Whether a delivery is due at an endpoint that this worker may serve."""
        return await outbox.is_waiting(connection, self._parts.tenant, clock.now(), self.foreign)

    async def close(self) -> None:
        """Wait until all attempts are recorded."""
        await self._recorder.close()

    async def _send(self, leased: Leased, leases: Leases) -> None:
        if self._made is None:  # with the first message: its certificates take a moment
            self._made = await asyncio.to_thread(self._client)
        own_url = self._own.get(leased.endpoint.webhook_id)
        delivery = EndpointDelivery(self._parts, self._made, self._recorder, leased, self._versions, leases.may_go_on, own_url)
        await delivery.run()


@handles(WebhookSender.kind)
def make_webhook_sender(tools: HandlerDependencies) -> WebhookSender:
    """Make the handler of webhooks."""
    return WebhookSender(tools.parts, tools.client, tools.worker, tools.own)
