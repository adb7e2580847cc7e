"""Figures: a period, and the present moment."""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery

from guiado.api.schemas import (
    AnalyticsOut,
    AnalyticsSummary,
    FeedbackFigures,
    ProblemFeedback,
    ProblemFigures,
    RealtimeMetrics,
    RealtimeOut,
    StepFigures,
    Trend,
)
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.analytics import report
from guiado.app.context import UnitOfWork
from guiado.app.validation import check
from guiado.http.request import Http, language_of, numbers, read, runtime_of


def _titles(request: Http) -> report.Titles:
    snapshot = runtime_of(request).knowledge.snapshot
    return report.Titles(snapshot.guides, snapshot.version_ids, language_of(request))


@get("/analytics", operation_id="analytics", responses=TROUBLES)
async def analytics(request: Http, days: FromQuery[str] = "30") -> AnalyticsOut:
    """Cifras de las sesiones que empezaron en los últimos `days` días (de 1 a 3650)."""
    period = check(commands.Period, numbers({"days": days}, "days"))

    titles = _titles(request)

    async def run(work: UnitOfWork) -> AnalyticsOut:
        found = await report.analytics(work, period.days, titles)
        return AnalyticsOut(
            period_days=found["period_days"],
            period_start=found["period_start"],
            period_end=found["period_end"],
            summary=AnalyticsSummary(**found["summary"]),
            problem_distribution=[ProblemFigures(**row) for row in found["problem_distribution"]],
            common_failed_steps=[StepFigures(**row) for row in found["common_failed_steps"]],
            feedback_summary=FeedbackFigures(**found["feedback_summary"]),
            feedback_by_problem=[ProblemFeedback(**row) for row in found["feedback_by_problem"]],
            daily_trends=[Trend(**row) for row in found["daily_trends"]],
        )

    return await read(request, run)


@get("/realtime", operation_id="realtime", responses=TROUBLES)
async def realtime(request: Http) -> RealtimeOut:
    """Lo que está pasando ahora."""
    titles = _titles(request)

    async def run(work: UnitOfWork) -> RealtimeOut:
        found = await report.realtime(work, titles)
        metrics = RealtimeMetrics(**found.pop("metrics"))
        return RealtimeOut(metrics=metrics, **found)

    return await read(request, run)


HANDLERS = [analytics, realtime]
