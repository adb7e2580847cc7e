"""Figures of sessions: those of a period, and those of the present moment."""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery

from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.analytics import report
from guiado.app.analytics.models import AnalyticsOut, RealtimeOut
from guiado.app.validation import check
from guiado.http.request import Http, knowledge_of, language_of, numbers, run_read


async def _titles(request: Http) -> report.Titles:
    snapshot = (await knowledge_of(request)).snapshot
    return report.Titles(snapshot.guides, snapshot.version_ids, language_of(request))


@get("/analytics", operation_id="analytics", responses=TROUBLES)
async def analytics(request: Http, days: FromQuery[str] = "30") -> AnalyticsOut:
    """Cifras de las sesiones que empezaron en los últimos `days` días (de 1 a 3650)."""
    period = check(commands.Period, numbers({"days": days}, "days"))
    return await run_read(request, report.analytics, period.days, await _titles(request))


@get("/realtime", operation_id="realtime", responses=TROUBLES)
async def realtime(request: Http) -> RealtimeOut:
    """Lo que está pasando ahora."""
    return await run_read(request, report.realtime, await _titles(request))


HANDLERS = [analytics, realtime]
