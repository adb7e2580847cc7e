"""Figures for Prometheus: the queues of the webhooks, from the database, so that every process tells the same.

Source: Prometheus, text exposition format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from litestar import Response, get

from guiado import clock
from guiado.api.errors import TROUBLES
from guiado.api.request import Http, read
from guiado.app.parts import Parts
from guiado.store import outbox
from guiado.store.database import Connection

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
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


@get("/metrics", operation_id="metrics", media_type="text/plain", responses=TROUBLES)
async def metrics(request: Http) -> Response[str]:
    """Colas y envíos de cada webhook, en el formato de Prometheus."""

    async def run(parts: Parts, connection: Connection) -> str:
        return "".join(_write(await outbox.figures(connection, parts.tenant, clock.now())))

    return Response(await read(request, run), media_type=_CONTENT_TYPE)


def _write(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name, figure in _GAUGES.items():
        yield f"# TYPE {name} gauge\n"
        for row in found:  # ids of webhooks have no character that would need a mark before it
            yield f'{name}{{webhook="{row["webhook_id"]}"}} {float(row[figure]):g}\n'


HANDLERS = [metrics]
