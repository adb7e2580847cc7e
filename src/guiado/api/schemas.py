"""What the API answers.

Source: contract.md §3.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from guiado.api.rows import (
    ActiveRow,
    ConsideredRow,
    DeliveryAttempt,
    FieldError,
    HeardRow,
    NotificationRow,
    RenderedGuide,
    ResourceRow,
    SaidRow,
    SessionRow,
    StatsRow,
    TemplateRow,
    TemplateWhole,
    TestResult,
    TopProblem,
)


class Out(msgspec.Struct, kw_only=True):
    """Base of every answer."""


class Problem(Out):
    """An error, as RFC 9457 problem details; `error` says what is wrong, where, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    success: bool
    request_id: str
    code: str
    errors: list[FieldError] = []
    session: SessionOut | None = None


class StepOut(Out):
    """One step for the customer."""

    session_id: str
    step_number: int
    step_id: str
    type: str
    title: str
    description: str
    instructions: list[str]
    expected_result: str
    warnings: list[str]
    resources: list[ResourceRow]
    irreversible: bool
    already_tried: SaidRow | None
    total_steps: int
    current_step: int
    estimated_time: str
    difficulty: str


class SessionOut(Out):
    """A session as it stands; `current_step` counts the steps passed, `reference` is its short name."""

    session_id: str
    reference: str
    ticket_id: str | None
    customer_email: str
    customer_name: str | None
    problem_description: str
    detected_problem_id: str | None
    detected_problem_title: str | None
    status: str
    current_step: int
    total_steps: int
    language: str
    started_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    escalated_at: datetime | None
    ended_at: datetime | None
    resolution: str | None
    escalation_reason: str | None
    urgent: bool
    notes: str | None
    version: int
    next_step: StepOut | None
    clarification: ClarificationOut | None = None


class AttemptOut(Out):
    """One attempt at a step."""

    id: str
    step_number: int
    step_id: str
    step_title: str | None
    success: bool
    outcome: str
    notes: str | None
    attempted_at: datetime
    duration_seconds: float
    active_seconds: float | None
    step_type: str
    source: str
    reason: str | None


class AlternativeOut(Out):
    """Another problem that it could be."""

    problem_id: str
    problem_title: str
    confidence: float


class EvidenceOut(Out):
    """Why it could be this problem: the customer's words that count, strongest first, and the known text nearest to them."""

    words: list[str]
    example: str | None


class CandidateOut(Out):
    """A problem that a text may be about; `confidence` is the probability, 0 to 1, that it is this one."""

    problem_id: str
    problem_title: str
    category: str
    confidence: float
    evidence: EvidenceOut


class DetectOut(Out):
    """What detection says of a text: `verdict` is accept, unclear or none; `language` is null where the text does not tell.

    Below `threshold` the best candidate is none of them; from `accept_from` on it is taken without asking.
    """

    success: bool
    verdict: str
    detector: str
    threshold: float
    accept_from: float
    language: str | None
    candidates: list[CandidateOut]


class OptionOut(Out):
    """A problem that it could be; `example` is known words of it, the nearest to the customer's."""

    problem_id: str
    title: str
    example: str | None
    confidence: float


class QuestionOut(Out):
    """One question; `answers` are what may be said to it."""

    id: str
    text: str
    answers: list[str]


class ClarificationOut(Out):
    """What the customer is asked about the problem: which of the options, and at most one question."""

    options: list[OptionOut]
    question: QuestionOut | None


class StartOut(Out):
    """A session as it goes on: with a first step, with options to choose from, or with a person.

    `verdict` is accept, unclear or none. Where `urgent` is true a person was called at once, and `message` says what to do first.
    """

    success: bool
    session_id: str
    ticket_id: str | None
    status: str
    problem_detected: str | None
    problem_title: str | None
    message: str
    first_step: StepOut | None
    confidence: float
    alternatives: list[AlternativeOut]
    language: str
    verdict: str
    options: list[OptionOut]
    question: QuestionOut | None
    urgent: bool


class UnderstoodOut(Out):
    """What was understood of the problem: the candidates with their scores and words, and what was asked and said."""

    language: str
    problem_detected: str | None
    confidence: float | None
    candidates: list[ConsideredRow]
    clarifications: list[HeardRow]


class SummaryOut(Out):
    """How many attempts there were, and how they went."""

    total_attempts: int
    successful_attempts: int
    failed_attempts: int


class StateOut(Out):
    """A session with all its attempts."""

    session: SessionOut
    attempts: list[AttemptOut]
    summary: SummaryOut
    understood: UnderstoodOut


class StepAnswerOut(Out):
    """What came of an answer."""

    success: bool
    attempt: AttemptOut | None
    session: SessionOut
    next_action: str
    message: str
    suggest_escalation: bool


class FeedbackBody(Out):
    """A rating as stored."""

    session_id: str
    ticket_id: str | None
    customer_email: str
    rating: int
    feedback_text: str | None
    was_helpful: bool | None
    problem_detected: str | None
    total_steps: int
    completed_steps: int
    resolved: bool
    collected_at: datetime
    id: str | None = None


class FeedbackOut(Out):
    """The answer to a rating, or the ratings so far: `feedback` is the one that counts."""

    success: bool
    feedback: FeedbackBody | None
    message: str
    history: list[FeedbackBody] = []


class EscalationInfo(Out):
    """What the person who takes over gets to know."""

    reason: str | None
    attempted_steps: int
    failed_steps: int
    escalated_at: datetime
    already_tried: dict[str, str]
    attempts: list[AttemptOut]
    understood: UnderstoodOut


class EscalationOut(Out):
    """A session that was handed over."""

    success: bool
    session_id: str
    ticket_id: str | None
    status: str
    escalation_info: EscalationInfo
    message: str


class ResolveOut(Out):
    """A session that an agent closed."""

    success: bool
    session: SessionOut
    message: str


class ResumeOut(Out):
    """A session that was abandoned and is open again."""

    success: bool
    session: SessionOut
    message: str


class CorrectOut(Out):
    """A session whose true problem an agent told."""

    success: bool
    session: SessionOut
    problem_id: str
    message: str


class SessionPage(Out):
    """A page of sessions; `next_cursor` leads to the next one."""

    sessions: list[SessionRow]
    next_cursor: str | None


class AnalyticsSummary(Out):
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


class ProblemFigures(Out):
    """Totals of one problem."""

    detected_problem_id: str
    detected_problem_title: str | None
    total_sessions: int
    resolved: int
    escalated: int
    resolution_rate: float


class StepFigures(Out):
    """Failures of one step."""

    problem_id: str
    step_number: int
    step_id: str
    step_title: str | None
    total_attempts: int
    failed_attempts: int
    failure_rate: float


class FeedbackFigures(Out):
    """Ratings in figures."""

    total_feedback: int
    average_rating: float
    helpful_percentage: float


class ProblemFeedback(FeedbackFigures):
    """Ratings of one problem in figures."""

    problem_detected_id: str
    problem_title: str | None


class Trend(Out):
    """One day."""

    date: date
    total_sessions: int
    resolved: int
    escalated: int
    resolution_rate: float


class AnalyticsOut(Out):
    """Figures of the sessions that began in the period."""

    period_days: int
    period_start: datetime
    period_end: datetime
    summary: AnalyticsSummary
    problem_distribution: list[ProblemFigures]
    common_failed_steps: list[StepFigures]
    feedback_summary: FeedbackFigures
    feedback_by_problem: list[ProblemFeedback]
    daily_trends: list[Trend]


class RealtimeMetrics(Out):
    """The present moment in figures."""

    active_sessions: int
    resolved_last_hour: int
    escalated_last_hour: int
    avg_resolution_time_minutes: float
    unique_problems_24h: int
    avg_rating_24h: float


class RealtimeOut(Out):
    """What is going on right now."""

    timestamp: datetime
    metrics: RealtimeMetrics
    top_problems: list[TopProblem]
    active_sessions: list[ActiveRow]


class WebhookBody(Out):
    """An endpoint; its secret is shown once, when it is made or given. Of its headers the names are shown, the values masked."""

    webhook_id: str
    url: str
    events: list[str]
    headers: dict[str, str]
    timeout: float
    retry_attempts: int
    enabled: bool
    thin: bool
    max_per_second: float | None
    max_parallel: int
    disabled_reason: str | None
    created_at: datetime | None
    updated_at: datetime | None
    has_secret: bool
    secret: str | None = None


class WebhookOut(Out):
    """An endpoint that was registered or changed; `warning` says what keeps it from working."""

    success: bool
    webhook_id: str
    webhook: WebhookBody
    message: str
    warning: str | None = None


class WebhookFound(Out):
    """One endpoint."""

    success: bool
    webhook_id: str
    webhook: WebhookBody


class WebhookList(Out):
    """All endpoints."""

    success: bool
    webhooks: list[WebhookBody]
    total: int


class Done(Out):
    """Something was done."""

    success: bool
    message: str


class WebhookStats(Out):
    """What became of the deliveries to an endpoint."""

    success: bool
    webhook_id: str
    stats: StatsRow


class WebhookAttempts(Out):
    """A page of the attempts at an endpoint, newest first; `next_cursor` leads to the next one."""

    success: bool
    webhook_id: str
    attempts: list[DeliveryAttempt]
    total: int
    next_cursor: str | None = None


class Replayed(Out):
    """How much is on its way again."""

    success: bool
    webhook_id: str
    replayed: int
    message: str


class ReplayedOne(Out):
    """How much is on its way again to one endpoint."""

    webhook_id: str
    replayed: int


class ReplayedAll(Out):
    """How much is on its way again, in all and to each endpoint; `disabled` got nothing."""

    success: bool
    replayed: int
    webhooks: list[ReplayedOne]
    disabled: list[str]
    message: str


class Tested(Out):
    """What came of a test event; `success` is that of its first attempt."""

    success: bool
    webhook_id: str
    event_id: str
    results: list[TestResult]


class TemplateList(Out):
    """Templates; with `template_id` the one that was asked for, whole."""

    success: bool
    templates: list[TemplateRow]
    template: TemplateWhole | None = None


class TemplateOut(Out):
    """A template that was stored."""

    success: bool
    template_id: str
    template: TemplateWhole
    message: str


class RenderedOut(Out):
    """The guide that a template made."""

    success: bool
    rendered_template: RenderedGuide


class NotificationList(Out):
    """A page of notifications, newest first; `next_cursor` leads to the next one."""

    success: bool
    notifications: list[NotificationRow]
    next_cursor: str | None


class NotificationOut(Out):
    """A notification that was stored; `message` says whether it is on its way or what it waits for."""

    success: bool
    notification: NotificationRow
    message: str


class NotificationsRetried(Out):
    """How many notifications are on their way again."""

    success: bool
    retried: int
    message: str


class RecipientBody(Out):
    """Who is told of what, and how they want it. A recipient that is a URL is shown without its key."""

    channel: str
    recipient: str
    events: list[str]
    muted: list[str]
    language: str | None
    time_zone: str
    quiet_from: str | None
    quiet_to: str | None
    digest_minutes: int
    has_webhook_url: bool


class RecipientOut(Out):
    """A recipient that was stored; `warning` says what keeps messages from its address."""

    success: bool
    recipient: RecipientBody
    warning: str | None = None


class RecipientList(Out):
    """Everybody who is told something."""

    success: bool
    recipients: list[RecipientBody]
    total: int


class Health(Out):
    """How the service is."""

    status: str
    checks: dict[str, str] = {}
