"""Sending what waits for webhooks: any number of senders, in any number of processes.

A sender leases endpoints, sends each one's deliveries in order, and writes down what became of them. Delivery is at least once:
whoever is killed between sending and writing down leaves the delivery waiting, and it arrives again with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from guiado import clock
from guiado.app.parts import Parts
from guiado.delivery import retry
from guiado.delivery.envelope import write_body, write_headers
from guiado.errors import DeliveryFailed, GuiadoError, InvalidInput, TargetRefused
from guiado.i18n import text
from guiado.logs import get_logger
from guiado.store import outbox
from guiado.store.outbox import Leased, Waiting
from guiado.store.registry import Endpoint

if TYPE_CHECKING:
    from guiado.delivery.http import GuardedClient, HttpAnswer

POLL_S = 0.25
LEASE_S = 30.0
_RENEW_S = 8.0
_ENDPOINTS_AT_ONCE = 64
_BATCH = 50
_WRITE_AFTER_S = 0.2
_BODY_KEPT = 1_000
_GONE = 410
_WAIT_STATUSES = frozenset({429, 503})
_STOP_S = 12.0
_VISIT_S = 5.0
log = get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt.

    Args:
        status: of HTTP; None where there was no answer.
        error: why it failed; None for a success.
        wait_s: how long the receiver asks to be left alone, in seconds.
        permanent: whether trying again cannot help.
        seconds: how long it took.
    """

    status: int | None
    body: str
    error: str | None
    seconds: float
    wait_s: float | None = None
    permanent: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == _GONE


class Sender:
    """Sends what is due until it is told to stop.

    Args:
        parts: of this process.
        client: gives the guarded client; asked when there is something to send.
        name: tells this sender from others.
    """

    def __init__(self, parts: Parts, client: Callable[[], GuardedClient], name: str) -> None:
        self._parts, self._client, self._name = parts, client, name
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._mine: set[str] = set()

    def wake(self) -> None:
        """Something was stored: look at once."""
        self._wake.set()

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
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
            if tasks:
                await asyncio.wait(tasks, timeout=_STOP_S)
        finally:
            for task in (renewing, *tasks):
                task.cancel()
            await asyncio.gather(renewing, *tasks, return_exceptions=True)

    async def drain(self, deadline_s: float) -> None:
        """Wait until nothing is due any more, or the time is over; what is left waits for the next sender."""
        end = clock.monotonic_s() + deadline_s
        with contextlib.suppress(GuiadoError):
            while clock.monotonic_s() < end:
                self.wake()
                async with self._parts.db.connection() as connection:
                    if not self._mine and not await outbox.is_waiting(connection, self._parts.tenant, clock.now()):
                        return
                await asyncio.sleep(_DRAIN_POLL_S)

    async def _claim(self, most: int) -> list[Leased]:
        if most <= 0:
            return []
        try:
            async with self._parts.db.connection() as connection:
                found = await outbox.claim(
                    connection, self._parts.tenant, self._name, LEASE_S, most, clock.now(), retry.PAUSE_AFTER
                )
        except Exception as error:  # noqa: BLE001 a sender that dies unseen is worse than one that tries again
            log.error("sender_waits", error=f"{type(error).__name__}: {error}"[:500])
            return []
        self._mine.update(leased.endpoint.webhook_id for leased in found)
        return found

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            with contextlib.suppress(GuiadoError):
                async with self._parts.db.connection() as connection:
                    held = await outbox.renew(connection, self._parts.tenant, self._name, LEASE_S, sorted(self._mine))
                self._mine &= held

    async def _serve(self, leased: Leased) -> None:
        webhook_id = leased.endpoint.webhook_id
        try:
            client = await asyncio.to_thread(self._client)  # made with the first message: its certificates take a moment
            await _Visit(self._parts, client, self._name, leased, self._may_go_on).run()
        except Exception as error:  # noqa: BLE001 one endpoint's fault must not stop the others; its lease ends by itself
            log.error("delivery_waits", webhook=webhook_id, error=f"{type(error).__name__}: {error}"[:500])
        finally:
            self._mine.discard(webhook_id)
            self._wake.set()

    def _may_go_on(self, webhook_id: str) -> bool:
        return webhook_id in self._mine and not self._stopping.is_set()


_DRAIN_POLL_S = 0.02


class _Visit:
    """One lease of one endpoint: batch after batch, until nothing is due or the endpoint needs a pause."""

    def __init__(
        self, parts: Parts, client: GuardedClient, sender: str, leased: Leased, may_go_on: Callable[[str], bool]
    ) -> None:
        self._parts, self._client, self._sender, self._may_go_on = parts, client, sender, may_go_on
        self._endpoint: Endpoint = leased.endpoint
        self._failures, self._failing_since = leased.failures, leased.failing_since
        self._paused_until: datetime | None = None
        self._told: list[dict[str, Any]] = []
        self._disabled: str | None = None

    async def run(self) -> None:
        """Send what is due, then give the endpoint back: after some seconds too, since it may have been changed meanwhile."""
        end_s = clock.monotonic_s() + _VISIT_S
        try:
            while self._goes_on and clock.monotonic_s() < end_s and (waiting := await self._read()):
                await self._send_all(waiting)
        finally:
            await asyncio.shield(self._finish())

    @property
    def _goes_on(self) -> bool:
        return self._paused_until is None and self._disabled is None and self._may_go_on(self._endpoint.webhook_id)

    @property
    def _is_down(self) -> bool:
        return self._failures >= retry.PAUSE_AFTER

    async def _read(self) -> list[Waiting]:
        """What is due; of an endpoint that is down only the oldest, due or not."""
        async with self._parts.db.connection() as connection:
            now, most = clock.now(), 1 if self._is_down else _BATCH
            return await outbox.due(connection, self._parts.tenant, self._endpoint.webhook_id, now, most, early=self._is_down)

    async def _send_all(self, waiting: list[Waiting]) -> None:
        written_s = clock.monotonic_s()
        for one in waiting:
            if not self._goes_on:
                break
            await self._send(one)
            if clock.monotonic_s() - written_s > _WRITE_AFTER_S:
                await self._write()
                written_s = clock.monotonic_s()
            if rate := self._endpoint.max_per_second:
                await asyncio.sleep(1 / rate)
        await self._write()

    async def _send(self, one: Waiting) -> None:
        sent_at = clock.now()
        outcome = await self._attempt(one, sent_at)
        now = clock.now()
        was_down = self._is_down
        self._told.append(self._account(one, outcome, sent_at, now, counts=not was_down or one.due_at <= sent_at))
        if outcome.error is None:
            self._failures, self._failing_since = 0, None
            if was_down:
                await self._write()
                await self._on_connection(outbox.bring_forward, self._endpoint.webhook_id, now)
                log.info("webhook_is_back", webhook=self._endpoint.webhook_id)
            return
        self._failures += 1
        self._failing_since = self._failing_since or sent_at
        await self._think(outcome, now)

    async def _attempt(self, one: Waiting, sent_at: datetime) -> Outcome:
        endpoint, began_s = self._endpoint, clock.monotonic_s()
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
            answer = await self._client.post(endpoint.url, body, headers, timeout_s=endpoint.timeout)
        except (DeliveryFailed, TargetRefused, InvalidInput) as error:
            permanent = isinstance(error, DeliveryFailed) and error.permanent
            return Outcome(None, "", str(error)[:_BODY_KEPT], clock.monotonic_s() - began_s, permanent=permanent)
        return _judge(answer, sent_at)

    async def _think(self, outcome: Outcome, now: datetime) -> None:
        """What a failure means for the endpoint as a whole."""
        since = self._failing_since or now
        if outcome.is_gone:
            self._disabled = _say("El receptor contestó 410: no quiere más envíos.")
        elif now - since >= retry.GIVE_UP:
            self._disabled = _say("El receptor no contesta desde hace cinco días.")
        elif outcome.wait_s is not None:
            self._paused_until = now + timedelta(seconds=max(outcome.wait_s, 1.0))
        elif self._is_down:
            self._paused_until = now + timedelta(seconds=retry.PROBE_S)
            limit = now - timedelta(seconds=retry.horizon_s(self._endpoint.retry_attempts) + retry.PROBE_S)
            await self._on_connection(outbox.expire, self._endpoint.webhook_id, limit, now)

    def _account(self, one: Waiting, outcome: Outcome, sent_at: datetime, now: datetime, *, counts: bool) -> dict[str, Any]:
        """The row of an attempt; a probe before the time is an attempt that does not count."""
        attempts = one.attempts + counts
        return {
            "id": clock.new_id(),
            "delivery_id": one.delivery_id,
            "event_id": one.event_id,
            "event": one.event,
            "attempt": one.attempts + 1,
            "success": outcome.error is None,
            "response_status": outcome.status,
            "response_body": outcome.body or None,
            "error_message": outcome.error,
            "duration_ms": round(outcome.seconds * 1_000, 2),
            "sent_at": sent_at,
            "attempts": attempts,
            **self._next(one, outcome, attempts, now, counts=counts),
        }

    def _next(self, one: Waiting, outcome: Outcome, attempts: int, now: datetime, *, counts: bool) -> dict[str, Any]:
        if outcome.error is None:
            return {"state": "delivered", "due_at": one.due_at}
        if outcome.permanent or attempts >= self._endpoint.retry_attempts:
            return {"state": "exhausted", "due_at": one.due_at}
        if not counts:
            return {"state": "pending", "due_at": one.due_at}
        wait_s = max(retry.delay_s(attempts, secrets.randbelow(1_000_001) / 1_000_000), outcome.wait_s or 0.0)
        return {"state": "pending", "due_at": now + timedelta(seconds=wait_s)}

    async def _write(self) -> None:
        told, self._told = self._told, []
        if told:
            await self._on_connection(outbox.record, self._endpoint.webhook_id, told)

    async def _finish(self) -> None:
        await self._write()
        webhook_id = self._endpoint.webhook_id
        async with self._parts.db.connection() as connection:
            if self._disabled is not None:
                log.warning("webhook_disabled", webhook=webhook_id, why=self._disabled)
                await outbox.disable(connection, self._parts.tenant, webhook_id, self._disabled, clock.now())
            await outbox.settle(
                connection,
                self._parts.tenant,
                self._sender,
                webhook_id,
                failures=self._failures,
                failing_since=self._failing_since,
                paused_until=self._paused_until,
                release=True,
            )

    async def _on_connection(self, do: Callable[..., Awaitable[None]], *args: object) -> None:
        async with self._parts.db.connection() as connection:
            await do(connection, self._parts.tenant, *args)


def _judge(answer: HttpAnswer, now: datetime) -> Outcome:
    body = answer.body.decode("utf-8", "replace").replace("\x00", "�")[:_BODY_KEPT]
    if 200 <= answer.status < 300:  # noqa: PLR2004 the class of success
        return Outcome(answer.status, body, None, answer.elapsed_s)
    wait_s = retry.read_retry_after_s(answer.headers.get("retry-after"), now) if answer.status in _WAIT_STATUSES else None
    why = f"HTTP {answer.status}"
    if 300 <= answer.status < 400:  # noqa: PLR2004 the class of redirects
        why = _say(
            "HTTP {status}: el receptor reenvía a otra dirección, y no se sigue. Registra la definitiva.", status=answer.status
        )
    return Outcome(answer.status, body, why, answer.elapsed_s, wait_s)


def _say(template: str, **params: object) -> str:
    return text("es", template, **params)
