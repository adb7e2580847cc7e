"""Delivery to one leased endpoint: batch after batch, in order unless the endpoint allows several requests at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound.attempt_outcome import BODY_KEPT, AttemptOutcome, classify, row_of, say
from guiado.app.outbound.attempt_recorder import AttemptRecorder
from guiado.app.outbound.endpoint_versions import Versions
from guiado.delivery import retry
from guiado.delivery.webhook_message import write_body, write_headers
from guiado.errors import DeliveryFailed, InvalidInput, SecretUnreadable, TargetRefused
from guiado.logs import get_logger
from guiado.store import outbox
from guiado.store.outbox import Leased, Settled, Waiting

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

_BATCH = 100
_WRITE_AFTER_S = 0.2
_TURN_S = 5.0
"""Seconds after which the lease of an endpoint is given back, also where more is due: a less busy worker may take it."""
_BODY_S = 0.5
"""How long an answer's body is waited for: it is for the log only."""
_LONGEST_GAP_S = 1.0
"""Longest wait between two messages of one lease, in seconds; a longer one becomes a pause of the endpoint."""
log = get_logger()


class EndpointDelivery:
    """Delivery during one lease of an endpoint: batch after batch, until nothing is due or the endpoint needs a pause.

    Args:
        parts: of this process.
        client: sends.
        recorder: records the attempts.
        leased: the endpoint, and how it has been doing.
        versions: tells whether the endpoint is still as it was leased.
        may_go_on: whether this worker goes on with an endpoint.
        own_url: where it is, for one whose address is in the environment.
    """

    def __init__(
        self,
        parts: AppContext,
        client: GuardedClient,
        recorder: AttemptRecorder,
        leased: Leased,
        versions: Versions,
        may_go_on: Callable[[str], bool],
        own_url: str | None,
    ) -> None:
        self._own_url, self._versions = own_url, versions
        self._is_changed = False
        self._parts, self._client, self._recorder, self._may_go_on = parts, client, recorder, may_go_on
        self._endpoint = leased.endpoint
        self._failures, self._failing_since = leased.failures, leased.failing_since
        self._paused_until: datetime | None = None
        self._disabled: str | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._unwritten: list[dict[str, object]] = []
        self._written: asyncio.Future[None] | None = None
        self._flushing = asyncio.Lock()
        self._flushed_s = self._end_s = 0.0

    async def run(self) -> None:
        """Send due deliveries, then end the lease: after some seconds too, and as soon as the endpoint is changed."""
        self._flushed_s = clock.monotonic_s()
        self._end_s = self._flushed_s + _TURN_S
        try:
            await self._send_batches()
            while await self._one_ended():
                pass
        finally:
            for task in self._under_way:  # only where this was broken off
                task.cancel()
            await asyncio.shield(self._finish())

    async def _send_batches(self) -> None:
        after = None
        while self._goes_on:
            most = 1 if self._is_down else _BATCH
            waiting = await self._read(most, after)
            await self._send_all(waiting)
            after = waiting[-1].event_id if waiting else after
            if len(waiting) < most and not await self._one_ended():
                return

    @property
    def _goes_on(self) -> bool:
        is_well = self._paused_until is None and self._disabled is None and not self._is_changed
        return is_well and clock.monotonic_s() < self._end_s and self._may_go_on(self._endpoint.webhook_id)

    @property
    def _is_down(self) -> bool:
        return self._failures >= retry.PAUSE_AFTER

    @property
    def _width(self) -> int:
        """How many requests may be under way at once."""
        return 1 if self._is_down else self._endpoint.max_parallel

    async def _read(self, most: int, after: UUID | None) -> list[Waiting]:
        """Read due deliveries, of an endpoint that is down the oldest, due or not; `after` skips sent ones not recorded yet."""
        async with self._parts.connection() as connection:
            return await outbox.due(
                connection, self._parts.tenant, self._endpoint.webhook_id, clock.now(), most, early=self._is_down, after=after
            )

    async def _send_all(self, waiting: list[Waiting]) -> None:
        rate = self._endpoint.max_per_second
        for one in waiting:
            while len(self._under_way) >= self._width:
                await self._one_ended()
            if not self._goes_on or not await self._is_current():
                return
            await self._begin(one)
            if rate:
                await self._space_out(1 / rate)

    async def _begin(self, one: Waiting) -> None:
        """Send one delivery: wait for its end where order is kept, else run it beside those under way."""
        if self._width == 1:
            await self._send(one)
            return
        self._under_way.add(asyncio.create_task(self._send(one)))

    async def _one_ended(self) -> bool:
        """Wait until one of the requests under way has ended; False where there is none."""
        if not self._under_way:
            return False
        await self._flush()
        ended, self._under_way = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        return True

    async def _is_current(self) -> bool:
        self._is_changed = self._is_changed or not await self._versions.is_current(self._endpoint)
        return not self._is_changed

    async def _space_out(self, gap_s: float) -> None:
        """Wait before the next message; a long wait becomes a pause of the endpoint, which holds for other workers too."""
        if gap_s <= _LONGEST_GAP_S:
            await asyncio.sleep(gap_s)
        elif self._paused_until is None:
            self._paused_until = clock.now() + timedelta(seconds=gap_s)

    async def _send(self, one: Waiting) -> None:
        sent_at = clock.now()
        outcome = await self._attempt(one, sent_at)
        now = clock.now()
        was_down = self._is_down
        counts = not was_down or one.due_at <= sent_at
        self._unwritten.append(row_of(self._endpoint, one, outcome, sent_at, now, counts=counts))
        if outcome.error is None:
            self._failures, self._failing_since = 0, None
            if was_down:
                await self._note_recovery(now)
        else:
            self._failures += 1
            self._failing_since = self._failing_since or sent_at
            await self._apply_failure_policy(outcome, now)
        if self._endpoint.max_per_second or clock.monotonic_s() - self._flushed_s > _WRITE_AFTER_S:
            await self._flush()

    async def _note_recovery(self, now: datetime) -> None:
        self._paused_until = None
        await self._write()
        await self._on_connection(outbox.bring_forward, self._endpoint.webhook_id, now)
        log.info("webhook_is_back", webhook=self._endpoint.webhook_id)

    async def _attempt(self, one: Waiting, sent_at: datetime) -> AttemptOutcome:
        endpoint, began_s = self._endpoint, clock.monotonic_s()
        try:
            endpoint.require_readable()
        except SecretUnreadable as error:
            return AttemptOutcome(None, "", str(error)[:BODY_KEPT], 0.0)
        body = write_body(one.event, one.occurred_at, one.data, endpoint.webhook_id, endpoint.secret, thin=endpoint.thin)
        headers = write_headers(
            one.event,
            str(one.event_id),
            one.attempts + 1,
            body,
            endpoint.secrets(sent_at),
            int(sent_at.timestamp()),
            endpoint.headers,
        )
        try:
            url, timeout_s = self._own_url or endpoint.url, endpoint.timeout
            is_own = self._own_url is not None
            answer = await self._client.post(url, body, headers, timeout_s=timeout_s, operator=is_own, body_s=_BODY_S)
        except (DeliveryFailed, TargetRefused, InvalidInput) as error:
            permanent = isinstance(error, DeliveryFailed) and error.permanent
            status = error.message.params.get("status")
            known = status if isinstance(status, int) else None
            return AttemptOutcome(known, "", str(error)[:BODY_KEPT], clock.monotonic_s() - began_s, permanent=permanent)
        except Exception as error:
            log.exception("attempt_failed", webhook=endpoint.webhook_id)
            why = say("Error interno de guiado al enviar ({kind}). Mira el registro.", kind=type(error).__name__)
            return AttemptOutcome(None, "", why, clock.monotonic_s() - began_s)
        return classify(answer, sent_at)

    async def _apply_failure_policy(self, outcome: AttemptOutcome, now: datetime) -> None:
        """Disable or pause the endpoint after a failed attempt, where its failures require that."""
        since = self._failing_since or now
        if outcome.is_gone:
            self._disabled = say("El receptor contestó 410: ya no acepta envíos.")
        elif now - since >= retry.GIVE_UP:
            self._disabled = say("El receptor no contesta desde hace cinco días.")
        elif outcome.wait_s is not None:
            self._paused_until = now + timedelta(seconds=max(outcome.wait_s, 1.0))
        elif self._is_down:
            self._paused_until = now + timedelta(seconds=retry.PROBE_S)
            limit = now - timedelta(seconds=retry.horizon_s(self._endpoint.retry_attempts) + retry.PROBE_S)
            await self._on_connection(outbox.expire, self._endpoint.webhook_id, limit, now)

    async def _flush(self, settled: Settled | None = None) -> None:
        """Pass finished attempts to the recorder, once those passed before are recorded."""
        async with self._flushing:
            self._flushed_s = clock.monotonic_s()
            written, self._written = self._written, None
            if written is not None:
                await written
            rows, self._unwritten = self._unwritten, []
            if rows or settled:
                self._written = self._recorder.record(rows, settled)

    async def _write(self, settled: Settled | None = None) -> None:
        """Pass finished attempts to the recorder, and wait until they are recorded."""
        await self._flush(settled)
        await self._flush()

    async def _finish(self) -> None:
        """Record the last attempts and, with them, the state of the endpoint; its lease ends."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        webhook_id, version = self._endpoint.webhook_id, self._endpoint.updated_at
        if self._disabled is not None:
            await self._write()
            log.warning("webhook_disabled", webhook=webhook_id, why=self._disabled)
            await self._on_connection(outbox.disable, webhook_id, self._disabled, clock.now(), version)
        await self._write(Settled(webhook_id, self._failures, self._failing_since, self._paused_until, version))

    async def _on_connection(self, do: Callable[..., Awaitable[None]], *args: object) -> None:
        async with self._parts.connection() as connection:
            await do(connection, self._parts.tenant, *args)
