"""Metrics for Prometheus: queues of webhooks and notifications, requests of this process, and the process itself.

The queues come from the database, so that every process tells the same of them; requests and memory are this process's own.

Source: Prometheus, text exposition format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from litestar import Response, get
from msgspec import Struct
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from guiado import clock
from guiado.api.troubles import TROUBLES
from guiado.app.context import UnitOfWork
from guiado.delivery.channels import addressed
from guiado.http.request import Http, run_read
from guiado.store import notifications, outbox
from guiado.store.notifications import ChannelFigures, Refusal

_CONTENT_TYPE = "text/plain; version=0.0.4"  # the framework adds the charset
_Gauges = Mapping[str, tuple[str, str]]
"""Name of a metric -> field that it shows, and its description."""
_GAUGES: _Gauges = {
    "guiado_webhook_enabled": ("enabled", "1 si el webhook está activo, 0 si está en pausa"),
    "guiado_webhook_consecutive_failures": ("failures", "Fallos seguidos del webhook desde su último envío aceptado"),
    "guiado_deliveries_pending": ("pending", "Envíos que esperan en la cola del webhook"),
    "guiado_deliveries_oldest_seconds": ("oldest_s", "Segundos que lleva en la cola el envío más antiguo del webhook"),
    "guiado_delivery_attempts_succeeded_last_hour": ("successes", "Intentos aceptados en la última hora"),
    "guiado_delivery_attempts_failed_last_hour": ("failed", "Intentos fallidos en la última hora"),
    "guiado_delivery_attempt_seconds_last_hour": (
        "seconds",
        "Segundos que sumaron los intentos de la última hora",
    ),
}
"""Gauges of a webhook's queue and attempts; see `outbox.figures`."""
_CHANNEL_GAUGES: _Gauges = {
    "guiado_notifications_pending": ("pending", "Avisos que esperan en la cola del canal"),
    "guiado_notifications_oldest_seconds": ("oldest_s", "Segundos que lleva en la cola el aviso más antiguo que ya toca enviar"),
    "guiado_notifications_sent_last_hour": ("sent", "Avisos enviados en la última hora"),
    "guiado_notifications_failed_last_day": ("failed", "Avisos dados por perdidos en el último día"),
}
"""Gauges of a channel's notifications; see `notifications.figures`."""
_REFUSED_GAUGES: _Gauges = {
    "guiado_notification_channel_refused": ("is_refused", "1 mientras la cuenta, el servidor o la dirección del canal rechaza"),
    "guiado_notification_channel_refused_seconds": ("refused_s", "Segundos desde que el canal rechaza los avisos"),
}
"""Gauges of channels whose account, server or hook refuses messages; see `notifications.refused`."""

disable_created_metrics()
_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
_REQUESTS = Histogram(
    "guiado_http_request_seconds",
    "Duración de las peticiones que contestó este proceso, en segundos",
    ("method", "route", "status"),
    registry=_PROCESS,
)
_OTHER = "other"


class _Families(Collector):
    """Collector of gauges that were read just now.

    Args:
        families: all of them.
    """

    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the gauges."""
        return self._families


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request and the time that it took.

    Args:
        method: as it was asked with.
        route: path with the names of its parameters; empty where no route of ours was meant.
        status: of the answer.
        seconds: from the request's head to the answer's end.
    """
    if route:
        _REQUESTS.labels(method, route, status).observe(seconds)
    else:  # whatever strangers ask for is one series, not one each
        _REQUESTS.labels(_OTHER, _OTHER, status).observe(seconds)


@get("/metrics", operation_id="metrics", media_type="text/plain", responses=TROUBLES)
async def metrics(request: Http) -> Response[str]:
    """Colas y envíos de cada webhook y de cada canal, y lo que hace y usa este proceso, en el formato de Prometheus."""
    return Response(await run_read(request, _exposition), media_type=_CONTENT_TYPE)


async def _exposition(work: UnitOfWork) -> str:
    by_webhook = await outbox.figures(work.connection, work.tenant, clock.now())
    by_channel = await notifications.figures(work.connection, work.tenant, clock.now())
    refused = await notifications.refused(work.connection, work.tenant, clock.now(), addressed())
    families = [
        *_families(_GAUGES, "webhook", "webhook_id", by_webhook),
        *_families(_CHANNEL_GAUGES, "channel", "channel", by_channel),
        *_families(_REFUSED_GAUGES, "channel", "channel", _by_channel(by_channel, refused)),
    ]
    return (generate_latest(_Families(families)) + generate_latest(_PROCESS)).decode()


class _RefusedChannel(Struct, frozen=True):
    channel: str
    is_refused: bool
    refused_s: float


def _by_channel(known: Sequence[ChannelFigures], refused: Sequence[Refusal]) -> list[_RefusedChannel]:
    """The refusal of each channel that has a queue or is refused; of several, the longest."""
    longest_s: dict[str, float] = dict.fromkeys((row.channel for row in known), 0.0)
    for row in refused:
        longest_s[row.channel] = max(row.refused_s, longest_s.get(row.channel, 0.0))
    names = {row.channel for row in refused}
    return [_RefusedChannel(name, is_refused=name in names, refused_s=longest_s[name]) for name in sorted(longest_s)]


def _families(gauges: _Gauges, label: str, key: str, found: Sequence[Struct]) -> Iterator[GaugeMetricFamily]:
    for name, (figure, about) in gauges.items():
        family = GaugeMetricFamily(name, about, labels=(label,))
        for row in found:
            family.add_metric((str(getattr(row, key)),), float(getattr(row, figure)))
        yield family


HANDLERS = [metrics]
