"""Figures for Prometheus: the queues of webhooks and notifications, from the database, so that every process tells the same.

Source: Prometheus, text exposition format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from litestar import Response, get

from guiado import clock
from guiado.api.troubles import TROUBLES
from guiado.app.context import UnitOfWork
from guiado.http.request import Http, run_read
from guiado.store import notifications, outbox

_CONTENT_TYPE = "text/plain; version=0.0.4"  # the framework adds the charset
_GAUGES: Mapping[str, str] = {
    "guiado_webhook_enabled": "enabled",
    "guiado_webhook_consecutive_failures": "failures",
    "guiado_deliveries_pending": "pending",
    "guiado_deliveries_oldest_seconds": "oldest_s",
    "guiado_delivery_attempts_succeeded_last_hour": "successes",
    "guiado_delivery_attempts_failed_last_hour": "failed",
    "guiado_delivery_attempt_seconds_last_hour": "seconds",
}
"""Name of the metric -> the figure that it shows, see `outbox.figures`."""
_CHANNEL_GAUGES: Mapping[str, str] = {
    "guiado_notifications_pending": "pending",
    "guiado_notifications_oldest_seconds": "oldest_s",
    "guiado_notifications_sent_last_hour": "sent",
    "guiado_notifications_failed_last_day": "failed",
}
"""The same of `notifications.figures`."""
_REFUSED_GAUGES: Mapping[str, str] = {
    "guiado_notification_channel_refused": "is_refused",
    "guiado_notification_channel_refused_seconds": "refused_s",
}
"""Whether a channel's account, server or hook refuses, and for how long: see `notifications.refused`."""


@get("/metrics", operation_id="metrics", media_type="text/plain", responses=TROUBLES)
async def metrics(request: Http) -> Response[str]:
    """Colas y envíos de cada webhook y de cada canal, en el formato de Prometheus."""
    return Response(await run_read(request, _exposition), media_type=_CONTENT_TYPE)


async def _exposition(work: UnitOfWork) -> str:
    by_webhook = await outbox.figures(work.connection, work.tenant, clock.now())
    by_channel = await notifications.figures(work.connection, work.tenant, clock.now())
    refused = await notifications.refused(work.connection, work.tenant, clock.now())
    lines = [
        *_write(_GAUGES, "webhook", "webhook_id", by_webhook),
        *_write(_CHANNEL_GAUGES, "channel", "channel", by_channel),
        *_write(_REFUSED_GAUGES, "channel", "channel", _by_channel(by_channel, refused)),
    ]
    return "".join(lines)


def _by_channel(known: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each channel that has a queue or is refused, with the longest refusal."""
    longest_s: dict[str, float] = dict.fromkeys((row["channel"] for row in known), 0.0)
    for row in refused:
        longest_s[row["channel"]] = max(row["refused_s"], longest_s.get(row["channel"], 0.0))
    names = {row["channel"] for row in refused}
    return [{"channel": name, "is_refused": name in names, "refused_s": longest_s[name]} for name in sorted(longest_s)]


def _write(gauges: Mapping[str, str], label: str, key: str, found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name, figure in gauges.items():
        yield f"# TYPE {name} gauge\n"
        for row in found:  # ids of webhooks have no character that would need a mark before it
            yield f'{name}{{{label}="{row[key]}"}} {float(row[figure]):g}\n'


HANDLERS = [metrics]
