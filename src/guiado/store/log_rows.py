"""Rows of the audit log and of the outbox, as every change writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from guiado import clock
from guiado.domain.events import Event


@dataclass(frozen=True, slots=True)
class Audit:
    """Entry of the audit log: an actor and an action.

    Args:
        actor: customer, agent, machine, or the name of a key.
        action: verb of the use case.
        request_id: joins it to the log lines of one request.
        detail: what the action changed.
    """

    actor: str
    action: str
    request_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict[str, object])


def event_rows(tenant: str, session_id: str | None, happened: tuple[Event, ...], now: datetime) -> list[dict[str, object]]:
    """Rows of the outbox for these events."""
    return [
        {
            "event_id": clock.new_id(),
            "tenant_id": tenant,
            "session_id": session_id,
            "event": event.kind.value,
            "data": event.data,
            "occurred_at": now,
        }
        for event in happened
    ]


def audit_row(tenant: str, object_id: str | None, audit: Audit, now: datetime, object_type: str = "session") -> dict[str, object]:
    """Row of the audit log."""
    return {
        "audit_id": clock.new_id(),
        "tenant_id": tenant,
        "at": now,
        "actor": audit.actor,
        "action": audit.action,
        "object_type": object_type,
        "object_id": object_id,
        "request_id": audit.request_id,
        "detail": audit.detail,
    }
