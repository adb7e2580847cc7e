"""Read models of analytics: figures of a period, and of the present moment.

Source: contract.md §3, `/analytics` and `/realtime`.
"""

from __future__ import annotations

from datetime import date, datetime

from guiado.app.models import Model
from guiado.domain.session import Status


class AnalyticsSummary(Model):
    """Totals of a period; rates are percentages."""

    total_sessions: int
    resolved_sessions: int
    confirmed_sessions: int
    escalated_sessions: int
    abandoned_sessions: int
    active_sessions: int
    resolution_rate: float
    avg_duration_minutes: float
    avg_steps_to_resolution: float


class ProblemFigures(Model):
    """Totals of one problem."""

    detected_problem_id: str
    detected_problem_title: str | None
    total_sessions: int
    resolved: int
    escalated: int
    resolution_rate: float


class StepFigures(Model):
    """Attempts at one step, and the failed ones among them."""

    problem_id: str
    step_number: int
    step_id: str
    step_title: str | None
    total_attempts: int
    failed_attempts: int
    failure_rate: float


class FeedbackFigures(Model):
    """Figures of the customers' ratings."""

    total_feedback: int
    average_rating: float
    helpful_percentage: float


class ProblemFeedback(FeedbackFigures):
    """Figures of the ratings of one problem."""

    problem_detected_id: str
    problem_title: str | None


class Trend(Model):
    """Totals of one day."""

    date: date
    total_sessions: int
    resolved: int
    escalated: int
    resolution_rate: float


class MessageKinds(Model):
    """Sessions by the kind of their message; those that are solved already are in no other figure."""

    problem: int
    solved: int
    person: int
    nothing_said: int
    other: int


class AnalyticsOut(Model):
    """Figures of the sessions that began in the period."""

    period_days: int
    period_start: datetime
    period_end: datetime
    summary: AnalyticsSummary
    message_kinds: MessageKinds
    problem_distribution: list[ProblemFigures]
    common_failed_steps: list[StepFigures]
    feedback_summary: FeedbackFigures
    feedback_by_problem: list[ProblemFeedback]
    daily_trends: list[Trend]


class RealtimeMetrics(Model):
    """Figures of the present moment."""

    active_sessions: int
    resolved_last_hour: int
    escalated_last_hour: int
    avg_resolution_time_minutes: float
    unique_problems_24h: int
    avg_rating_24h: float


class TopProblem(Model):
    """One of the most frequent problems of the last day."""

    detected_problem_id: str
    detected_problem_title: str | None
    total_sessions: int
    resolved: int


class ActiveRow(Model):
    """An open session, with the minutes since its last change."""

    session_id: str
    detected_problem_id: str | None
    detected_problem_title: str | None
    status: Status
    current_step: int
    total_steps: int
    started_at: datetime
    updated_at: datetime
    idle_minutes: float


class RealtimeOut(Model):
    """Report of the present moment: figures, most frequent problems and open sessions."""

    timestamp: datetime
    metrics: RealtimeMetrics
    top_problems: list[TopProblem]
    active_sessions: list[ActiveRow]
