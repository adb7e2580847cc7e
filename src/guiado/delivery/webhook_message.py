"""Messages to webhooks: the body of an event, and the headers of an attempt, with signatures.

Source: contract.md §3; Standard Webhooks 1.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from guiado.delivery.signing import contract_signature, signed_text, standard_signature, write_sorted

_IDS = ("_id", "_number", "_step", "_steps")
_SAFE = frozenset({"session_id", "detected_problem", "success", "outcome", "rating", "was_helpful", "attempt", "resolution"})
_CONTENT_TYPE = "application/json"


MAX_BODY_BYTES = 256 * 1024
"""Longest body that is sent; many receivers, and the queues and functions behind them, take no more."""


def write_body(
    event: str, occurred_at: datetime, data: Mapping[str, object], webhook_id: str, secret: str | None, *, thin: bool = False
) -> bytes:
    """Write the body of an event for one endpoint: the same bytes for every attempt.

    What would be longer than `MAX_BODY_BYTES` arrives as identifiers only, and says with `truncated` that there is more.

    Args:
        event: its kind.
        occurred_at: when it happened, aware.
        data: what there is to tell.
        webhook_id: of the endpoint.
        secret: of the endpoint; with one the body carries its own signature.
        thin: leave out everything but identifiers, numbers and marks.
    """
    written = _write(event, occurred_at, _thinned(data) if thin else data, webhook_id, secret)
    if len(written) > MAX_BODY_BYTES:
        written = _write(event, occurred_at, {**_thinned(data), "truncated": True}, webhook_id, secret)
    if len(written) > MAX_BODY_BYTES:
        written = _write(event, occurred_at, {"truncated": True}, webhook_id, secret)
    return written.encode()


def write_headers(
    event: str, event_id: str, attempt: int, body: bytes, secrets: Sequence[str], timestamp_s: int, own: Mapping[str, str]
) -> dict[str, str]:
    """Write the headers of one attempt.

    Args:
        event_id: the same for every attempt, so that a receiver knows what it has already.
        attempt: its number, from 1.
        secrets: of the endpoint; during a rotation the new one and the one before.
        timestamp_s: of this attempt, seconds since 1970.
        own: headers that the endpoint asked for.
    """
    headers = {
        **own,
        "Content-Type": _CONTENT_TYPE,
        "X-Webhook-Event": event,
        "X-Webhook-Attempt": str(attempt),
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp_s),
    }
    if secrets:
        headers["X-Webhook-Signature"] = contract_signature(body, secrets[0])
        headers["webhook-signature"] = " ".join(standard_signature(event_id, timestamp_s, body, one) for one in secrets)
    return headers


def _write(event: str, occurred_at: datetime, data: Mapping[str, object], webhook_id: str, secret: str | None) -> str:
    written = write_sorted({"event": event, "timestamp": occurred_at.isoformat(), "data": data, "webhook_id": webhook_id})
    if secret:  # the members that are signed are written once
        return f'{written[:-1]}, "signature": "{signed_text(written, secret)}"}}'
    return written


def _thinned(data: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in data.items() if name in _SAFE or name.endswith(_IDS)}
