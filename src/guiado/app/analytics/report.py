"""Reports on the sessions of a period and of the present moment, exact at the moment of reading.

Source: contract.md §3, `/analytics` and `/realtime`; §6, rule 8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from guiado import clock
from guiado.app.analytics.models import (
    ActiveRow,
    AnalyticsOut,
    AnalyticsSummary,
    FeedbackFigures,
    MessageKinds,
    ProblemFeedback,
    ProblemFigures,
    RealtimeMetrics,
    RealtimeOut,
    StepFigures,
    TopProblem,
    Trend,
)
from guiado.app.context import UnitOfWork
from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.store import reports
from guiado.store.reports import Figures

K = TypeVar("K")
_TOTAL = "*"
_TOP_STEPS = 20
_SUMS = (
    "total_sessions", "resolved", "resolved_confirmed", "escalated", "abandoned", "active", "duration_seconds",
    "duration_count", "steps_to_resolution", "feedback", "rating_sum", "positive", "negative", "helpful", "helpful_answers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles of problems and steps in the reader's language; one that is in no guide keeps its stored title.

    Args:
        guides: id -> guide, of the knowledge base as it is now.
        version_ids: id -> its stored version, whose steps have their ids.
        language: of the reader.
    """

    guides: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    version_ids: Mapping[str, str] = field(default_factory=dict[str, str])
    language: str = DEFAULT_LANGUAGE

    def problem(self, problem_id: str, stored: str | None) -> str | None:
        """The title of a problem."""
        guide = self.guides.get(problem_id)
        return guide.in_language(self.language).problem_title if guide else stored


async def analytics(work: UnitOfWork, days: int, titles: Titles = Titles()) -> AnalyticsOut:
    """Figures of the sessions that began in the last `days` days; rates are percentages, 0..100.

    Args:
        days: 1..3650, counted back from this moment.
        titles: of the problems, in the reader's language.
    """
    until = clock.now()
    since = until - timedelta(days=days)
    rows = await reports.daily(work.connection, work.tenant, since, until + timedelta(seconds=1))
    steps = await reports.steps(work.connection, work.tenant, since, until + timedelta(seconds=1))
    kinds = await reports.kinds(work.connection, work.tenant, since, until + timedelta(seconds=1))
    totals = [row for row in rows if row["problem_id"] == _TOTAL]
    problems = [row for row in rows if row["problem_id"] not in {_TOTAL, ""}]
    whole = _sum(totals)
    return AnalyticsOut(
        period_days=days,
        period_start=since,
        period_end=until,
        summary=_summary(whole),
        message_kinds=_kinds(whole, kinds),
        problem_distribution=_by_problem(problems, titles),
        common_failed_steps=[await _named_step(work, row, titles) for row in _failed_steps(steps)],
        feedback_summary=_feedback(whole),
        feedback_by_problem=_feedback_by_problem(problems, titles),
        daily_trends=[_trend(day, _sum(group)) for day, group in sorted(_grouped(totals, lambda row: row["day"]).items())],
    )


async def realtime(work: UnitOfWork, titles: Titles = Titles()) -> RealtimeOut:
    """Report of the present moment: figures, most frequent problems and open sessions.

    Args:
        titles: of the problems, in the reader's language.
    """
    now = clock.now()
    metrics = await reports.realtime(work.connection, work.tenant)
    top = await reports.top_problems(work.connection, work.tenant, now - timedelta(days=1))
    return RealtimeOut(
        timestamp=now,
        metrics=msgspec.convert({name: _number(value) for name, value in metrics.items()}, RealtimeMetrics),
        top_problems=[_named(row, titles) for row in top],
        active_sessions=[_with_idle(row, now) for row in await reports.active(work.connection, work.tenant, 50)],
    )


def _named(row: Figures, titles: Titles) -> TopProblem:
    title = titles.problem(row["detected_problem_id"], row["detected_problem_title"])
    return msgspec.convert({**row, "detected_problem_title": title}, TopProblem)


def percentage(part: float, whole: float) -> float:
    """`part` as a percentage of `whole`, with two decimals; 0 where `whole` is 0."""
    return round(100.0 * part / whole, 2) if whole else 0.0


def mean(total: float, count: float) -> float:
    """`total` divided by `count`, with two decimals; 0 where `count` is 0."""
    return round(total / count, 2) if count else 0.0


def _sum(rows: Iterable[Figures]) -> dict[str, float]:
    sums: dict[str, float] = dict.fromkeys(_SUMS, 0)
    for row in rows:
        for name in _SUMS:
            sums[name] += row[name] or 0
    return sums


def _grouped(rows: Iterable[Figures], key: Callable[[Figures], K]) -> dict[K, list[Figures]]:
    groups: dict[K, list[Figures]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _summary(sums: dict[str, float]) -> AnalyticsSummary:
    return AnalyticsSummary(
        total_sessions=int(sums["total_sessions"]),
        resolved_sessions=int(sums["resolved"]),
        confirmed_sessions=int(sums["resolved_confirmed"]),
        escalated_sessions=int(sums["escalated"]),
        abandoned_sessions=int(sums["abandoned"]),
        active_sessions=int(sums["active"]),
        resolution_rate=percentage(sums["resolved"], sums["total_sessions"]),
        avg_duration_minutes=mean(sums["duration_seconds"] / 60, sums["duration_count"]),
        avg_steps_to_resolution=mean(sums["steps_to_resolution"], sums["resolved"]),
    )


def _kinds(sums: dict[str, float], without_problem: Mapping[str, int]) -> MessageKinds:
    """Sessions by kind: the totals hold those of all kinds but solved."""
    named = {kind: without_problem.get(kind, 0) for kind in ("solved", "person", "nothing_said", "other")}
    return MessageKinds(problem=int(sums["total_sessions"]) - sum(named.values()) + named["solved"], **named)


def _title(titles: Titles, problem_id: str, group: list[Figures]) -> str | None:
    """The title of a problem: its guide's, else the stored title of its newest session."""
    named = [row for row in group if row["problem_title"]]
    newest = max(named, key=lambda row: (row["last_started_at"], row["problem_title"]), default=None)
    return titles.problem(problem_id, newest["problem_title"] if newest else None)


def _by_problem(rows: list[Figures], titles: Titles) -> list[ProblemFigures]:
    found = [
        ProblemFigures(
            detected_problem_id=problem_id,
            detected_problem_title=_title(titles, problem_id, group),
            total_sessions=int(sums["total_sessions"]),
            resolved=int(sums["resolved"]),
            escalated=int(sums["escalated"]),
            resolution_rate=percentage(sums["resolved"], sums["total_sessions"]),
        )
        for problem_id, group in _grouped(rows, lambda row: row["problem_id"]).items()
        for sums in (_sum(group),)
    ]
    return sorted(found, key=lambda row: (-row.total_sessions, row.detected_problem_id))


def _failed_steps(rows: list[Figures]) -> list[Figures]:
    failed = [row for row in rows if row["failed"]]
    return sorted(failed, key=lambda row: (-row["failed"], row["problem_id"], row["step_number"], row["step_id"]))[:_TOP_STEPS]


async def _named_step(work: UnitOfWork, row: Figures, titles: Titles) -> StepFigures:
    """Figures of a step, with its number and title in the guide; the stored ones where the guide no longer has the step."""
    guide = await work.guide_version(titles.version_ids.get(row["problem_id"]))
    step = guide.in_language(titles.language).step(row["step_id"]) if guide else None
    return StepFigures(
        problem_id=row["problem_id"],
        step_number=step.step_number if step else row["step_number"],
        step_id=row["step_id"],
        step_title=step.title if step else row["step_title"],
        total_attempts=row["total_attempts"],
        failed_attempts=row["failed"],
        failure_rate=percentage(row["failed"], row["total_attempts"]),
    )


def _feedback(sums: dict[str, float]) -> FeedbackFigures:
    return FeedbackFigures(
        total_feedback=int(sums["feedback"]),
        average_rating=mean(sums["rating_sum"], sums["feedback"]),
        helpful_percentage=percentage(sums["helpful"], sums["helpful_answers"]),
    )


def _feedback_by_problem(rows: list[Figures], titles: Titles) -> list[ProblemFeedback]:
    groups = _grouped(rows, lambda row: row["problem_id"])
    summed = [(problem_id, _title(titles, problem_id, group), _sum(group)) for problem_id, group in groups.items()]
    return [
        ProblemFeedback(problem_detected_id=problem_id, problem_title=title, **msgspec.structs.asdict(_feedback(sums)))
        for problem_id, title, sums in sorted(summed, key=lambda item: (-item[2]["feedback"], item[0]))
        if sums["feedback"]
    ]


def _trend(day: date, sums: dict[str, float]) -> Trend:
    return Trend(
        date=day,
        total_sessions=int(sums["total_sessions"]),
        resolved=int(sums["resolved"]),
        escalated=int(sums["escalated"]),
        resolution_rate=percentage(sums["resolved"], sums["total_sessions"]),
    )


def _with_idle(row: Figures, now: datetime) -> ActiveRow:
    return ActiveRow(**row, idle_minutes=round(max(0.0, (now - row["updated_at"]).total_seconds()) / 60, 1))


def _number(value: float | Decimal | None) -> float:
    return value if isinstance(value, int) else round(float(value or 0), 2)
