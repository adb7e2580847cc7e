"""Checks of notification channels for `guiado doctor`: which are refused, since when, and how many messages are affected."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC

from guiado import clock
from guiado.store import notifications, schedule
from guiado.store.check_result import Finding, doubtful, good
from guiado.store.connection import DriverConnection
from guiado.store.notifications import Refusal


async def look_at_channels(connection: DriverConnection, addressed: Collection[str]) -> list[Finding]:
    """A finding for each channel whose account, server or hook is refused, in every tenant.

    Args:
        addressed: channels whose recipients each have an address of their own.
    """
    rows = [
        row
        for tenant in await schedule.tenants(connection)
        for row in await notifications.refused_as_stored(connection, tenant, clock.now(), addressed)
    ]
    rows.sort(key=lambda row: row.since)
    return [_finding(row) for row in rows] or [good("channels", "Ningún canal rechaza los avisos.")]


def _finding(row: Refusal) -> Finding:
    shown = {
        "channel": row.channel,
        "since": row.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "count": row.count,
        "reason": row.reason or "?",
    }
    return doubtful(
        "channels",
        "Los avisos por {channel} no salen desde {since}. Esperan o se perdieron: {count}. Motivo: {reason}\n"
        "Corrige la causa y envíalos otra vez con guiado notifications retry --all --channel {channel}.",
        **shown,
    )
