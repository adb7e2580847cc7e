"""One visit to an endpoint: batch after batch of its deliveries, in order, and what each answer means for it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound.attempt_recorder import AttemptRecorder
from guiado.app.outbound.endpoint_versions import Versions
from guiado.delivery import retry
from guiado.delivery.webhook_message import write_body, write_headers
from guiado.errors import DeliveryFailed, InvalidInput, TargetRefused
from guiado.i18n import text
from guiado.logs import get_logger
from guiado.store import outbox
from guiado.store.outbox import Leased, Settled, Waiting
from guiado.store.registry import Endpoint

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient, HttpAnswer

_BATCH = 100
_WRITE_AFTER_S = 0.2
_VISIT_S = 5.0
_BODY_KEPT = 1_000
_BODY_S = 0.5
"""How long an answer's body is waited for: it is for the log only."""
_LONGEST_GAP_S = 1.0
"""Between two messages of one visit, for an endpoint that asked for few."""
_GONE = 410
_WAIT_STATUSES = frozenset({429, 503})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The other statuses from 300 to 399, such as 304, lead nowhere."""
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


class EndpointDelivery:
    """One lease of one endpoint: batch after batch, until nothing is due or the endpoint needs a pause.

    Args:
        parts: of this process.
        client: sends.
        ledger: writes down what was done.
        leased: the endpoint, and how it has been doing.
        versions: tells whether the endpoint is still as it was leased.
        may_go_on: whether this sender goes on.
        own_url: where it is, for one whose address is in the environment.
    """

    def __init__(
        self,
        parts: AppContext,
        client: GuardedClient,
        ledger: AttemptRecorder,
        leased: Leased,
        versions: Versions,
        may_go_on: Callable[[str], bool],
        own_url: str | None,
    ) -> None:
        self._own_url, self._versions = own_url, versions
        self._is_changed = False
        self._parts, self._client, self._ledger, self._may_go_on = parts, client, ledger, may_go_on
        self._endpoint: Endpoint = leased.endpoint
        self._failures, self._failing_since = leased.failures, leased.failing_since
        self._paused_until: datetime | None = None
        self._told: list[dict[str, Any]] = []
        self._written: asyncio.Future[None] | None = None
        self._disabled: str | None = None
        self._end_s = 0.0

    async def run(self) -> None:
        """Send what is due, then give the endpoint back: after some seconds too, and as soon as somebody changed it."""
        after = None
        self._end_s = clock.monotonic_s() + _VISIT_S
        try:
            while self._goes_on:
                most = 1 if self._is_down else _BATCH
                waiting = await self._read(most, after)
                await self._send_all(waiting)
                after = waiting[-1].event_id if waiting else None
                if len(waiting) < most:
                    break
        finally:
            await asyncio.shield(self._finish())

    @property
    def _goes_on(self) -> bool:
        is_well = self._paused_until is None and self._disabled is None and not self._is_changed
        return is_well and clock.monotonic_s() < self._end_s and self._may_go_on(self._endpoint.webhook_id)

    @property
    def _is_down(self) -> bool:
        return self._failures >= retry.PAUSE_AFTER

    async def _read(self, most: int, after: UUID | None) -> list[Waiting]:
        """What is due; of an endpoint that is down only the oldest, due or not. What was sent may not be written down yet."""
        async with self._parts.db.connection() as connection:
            return await outbox.due(
                connection, self._parts.tenant, self._endpoint.webhook_id, clock.now(), most, early=self._is_down, after=after
            )

    async def _send_all(self, waiting: list[Waiting]) -> None:
        """Send, and hand over what was done now and then; what is left over is handed over with the next batch, or at the end."""
        written_s, rate = clock.monotonic_s(), self._endpoint.max_per_second
        for one in waiting:
            if not self._goes_on or not await self._is_current():
                break
            await self._send(one)
            if rate or clock.monotonic_s() - written_s > _WRITE_AFTER_S:
                await self._tell()
                written_s = clock.monotonic_s()
            if rate:
                await self._space_out(1 / rate)

    async def _is_current(self) -> bool:
        self._is_changed = not await self._versions.is_current(self._endpoint)
        return not self._is_changed

    async def _space_out(self, gap_s: float) -> None:
        """Wait before the next message; a long time is left to the endpoint's pause, which ends no earlier for other senders."""
        if gap_s <= _LONGEST_GAP_S:
            await asyncio.sleep(gap_s)
        elif self._paused_until is None:
            self._paused_until = clock.now() + timedelta(seconds=gap_s)

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
            url, timeout_s = self._own_url or endpoint.url, endpoint.timeout
            is_own = self._own_url is not None
            answer = await self._client.post(url, body, headers, timeout_s=timeout_s, operator=is_own, body_s=_BODY_S)
        except (DeliveryFailed, TargetRefused, InvalidInput) as error:
            permanent = isinstance(error, DeliveryFailed) and error.permanent
            status = cast("int | None", error.message.params.get("status"))
            return Outcome(status, "", str(error)[:_BODY_KEPT], clock.monotonic_s() - began_s, permanent=permanent)
        except Exception as error:
            log.exception("attempt_failed", webhook=endpoint.webhook_id)
            why = _say("Error interno de guiado al enviar ({kind}). Mira el registro.", kind=type(error).__name__)
            return Outcome(None, "", why, clock.monotonic_s() - began_s)
        return _judge(answer, sent_at)

    async def _think(self, outcome: Outcome, now: datetime) -> None:
        """What a failure means for the endpoint as a whole."""
        since = self._failing_since or now
        if outcome.is_gone:
            self._disabled = _say("El receptor contestó 410: ya no acepta envíos.")
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
            "webhook_id": self._endpoint.webhook_id,
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

    async def _tell(self, settled: Settled | None = None) -> None:
        """Hand over what was done, once what was handed over before is written down."""
        written, self._written = self._written, None
        if written is not None:
            await written
        told, self._told = self._told, []
        if told or settled:
            self._written = self._ledger.tell(told, settled)

    async def _write(self, settled: Settled | None = None) -> None:
        """The same, and wait until it is written down."""
        await self._tell(settled)
        await self._tell()

    async def _finish(self) -> None:
        webhook_id = self._endpoint.webhook_id
        if self._disabled is not None:
            await self._write()
            log.warning("webhook_disabled", webhook=webhook_id, why=self._disabled)
            await self._on_connection(outbox.disable, webhook_id, self._disabled, clock.now(), self._endpoint.updated_at)
        version = self._endpoint.updated_at
        await self._write(Settled(webhook_id, self._failures, self._failing_since, self._paused_until, version))

    async def _on_connection(self, do: Callable[..., Awaitable[None]], *args: object) -> None:
        async with self._parts.db.connection() as connection:
            await do(connection, self._parts.tenant, *args)


def _judge(answer: HttpAnswer, now: datetime) -> Outcome:
    body = answer.body.decode("utf-8", "replace").replace("\x00", "�")[:_BODY_KEPT]
    if 200 <= answer.status < 300:  # noqa: PLR2004 the class of success
        return Outcome(answer.status, body, None, answer.elapsed_s)
    wait_s = retry.read_retry_after_s(answer.headers.get("retry-after"), now) if answer.status in _WAIT_STATUSES else None
    why = f"HTTP {answer.status}"
    if answer.status in _REDIRECTS:
        why = _say(
            "HTTP {status}: el receptor redirige a otra dirección, y guiado no sigue redirecciones. Registra la definitiva.",
            status=answer.status,
        )
    return Outcome(answer.status, body, why, answer.elapsed_s, wait_s)


def _say(template: str, /, **params: object) -> str:
    return text("es", template, **params)
