"""The outcome of one attempt to send a delivery: read from the answer, and written as a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from guiado import clock
from guiado.delivery import retry
from guiado.i18n import text
from guiado.store.outbox import Waiting
from guiado.store.webhooks import Endpoint

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import HttpAnswer

BODY_KEPT = 1_000
_GONE = 410
_WAIT_STATUSES = frozenset({429, 503})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses of redirects; the others from 300 to 399, such as 304, name no other address."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """The outcome of one attempt to send a delivery.

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
        """Whether the receiver answered that it takes no more deliveries."""
        return self.status == _GONE


def classify(answer: HttpAnswer, now: datetime) -> AttemptOutcome:
    """The outcome of an attempt that was answered."""
    body = answer.body.decode("utf-8", "replace").replace("\x00", "�")[:BODY_KEPT]
    if 200 <= answer.status < 300:  # noqa: PLR2004 the class of success
        return AttemptOutcome(answer.status, body, None, answer.elapsed_s)
    wait_s = retry.read_retry_after_s(answer.headers.get("retry-after"), now) if answer.status in _WAIT_STATUSES else None
    why = f"HTTP {answer.status}"
    if answer.status in _REDIRECTS:
        why = say(
            "HTTP {status}: el receptor redirige a otra dirección, y guiado no sigue redirecciones. Registra la definitiva.",
            status=answer.status,
        )
    return AttemptOutcome(answer.status, body, why, answer.elapsed_s, wait_s)


def row_of(
    endpoint: Endpoint, one: Waiting, outcome: AttemptOutcome, sent_at: datetime, now: datetime, *, counts: bool
) -> dict[str, object]:
    """The row of an attempt, with the next state of its delivery.

    Args:
        counts: whether it is one of the attempts in all; a probe before the time is not.
    """
    attempts = one.attempts + counts
    return {
        "id": clock.new_id(),
        "webhook_id": endpoint.webhook_id,
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
        **_next(endpoint, one, outcome, attempts, now, counts=counts),
    }


def _next(
    endpoint: Endpoint, one: Waiting, outcome: AttemptOutcome, attempts: int, now: datetime, *, counts: bool
) -> dict[str, object]:
    if outcome.error is None:
        return {"state": "delivered", "due_at": one.due_at}
    if outcome.permanent or attempts >= endpoint.retry_attempts:
        return {"state": "exhausted", "due_at": one.due_at}
    if not counts:
        return {"state": "pending", "due_at": one.due_at}
    wait_s = max(retry.delay_s(attempts, clock.fraction()), outcome.wait_s or 0.0)
    return {"state": "pending", "due_at": now + timedelta(seconds=wait_s)}


def say(template: str, /, **params: object) -> str:
    """A text in Spanish, as the log of attempts keeps it."""
    return text("es", template, **params)
