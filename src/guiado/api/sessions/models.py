"""Answers of the session routes.

Source: contract.md §3.
"""

from __future__ import annotations

from datetime import datetime

from guiado.api.sessions.callers import StartLinkOut
from guiado.app.models import Model
from guiado.app.sessions.models import (
    AnsweredQuestionRow,
    AttachmentOut,
    AttemptOut,
    CandidateOut,
    ClauseOut,
    ClosableSessionOut,
    FeedbackBody,
    OptionOut,
    OtherProblemOut,
    QuestionOut,
    SessionOut,
    SessionRow,
    StandOut,
    StepOut,
    UnderstoodOut,
)


class AlternativeOut(Model):
    """Another candidate for the customer's problem."""

    problem_id: str
    problem_title: str
    confidence: float


class StartOut(Model):
    """State of a session after detection: with a first step, with options to choose from, or with a person.

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
    message_kind: str
    other_problems: list[OtherProblemOut]
    closable_session: ClosableSessionOut | None
    unknown_codes: list[str]
    customer_link: StartLinkOut | None = None


class StepAnswerOut(Model):
    """Result of the answer to a step: the attempt, the session and the next action."""

    success: bool
    attempt: AttemptOut | None
    session: SessionOut
    next_action: str
    message: str
    suggest_escalation: bool
    closable_session: ClosableSessionOut | None


class FeedbackOut(Model):
    """Answer to a rating, or all ratings of a session; `feedback` is the one that counts."""

    success: bool
    feedback: FeedbackBody | None
    message: str
    history: list[FeedbackBody] = []  # noqa: RUF012 every instance has its own


class EscalationInfo(Model):
    """Summary of a session for the person who takes over."""

    reason: str | None
    attempted_steps: int
    failed_steps: int
    escalated_at: datetime
    already_tried: dict[str, str]
    attempts: list[AttemptOut]
    understood: UnderstoodOut
    attachments: list[AttachmentOut]
    stand: StandOut | None = None
    guide_answers: list[AnsweredQuestionRow] = []  # noqa: RUF012 every instance has its own


class EscalationOut(Model):
    """Answer to handing a session over to a person."""

    success: bool
    session_id: str
    ticket_id: str | None
    status: str
    escalation_info: EscalationInfo
    message: str


class ResolveOut(Model):
    """Answer to closing a session as resolved."""

    success: bool
    session: SessionOut
    message: str


class ResumeOut(Model):
    """Answer to resuming an abandoned session."""

    success: bool
    session: SessionOut
    message: str


class ContactOut(Model):
    """Answer to noting the customer's address."""

    success: bool
    session: SessionOut
    message: str


class UndoOut(Model):
    """Answer to taking back the last answer to a step; `attempt` is that answer, which counts no longer."""

    success: bool
    attempt: AttemptOut
    session: SessionOut
    message: str


class VariantOut(Model):
    """Answer to noting which variant of the guide the customer uses."""

    success: bool
    session: SessionOut


class QuestionAnsweredOut(Model):
    """Answer to answering the question of the guide that was open."""

    success: bool
    session: SessionOut
    message: str


class CorrectOut(Model):
    """Answer to correcting the problem of a session."""

    success: bool
    session: SessionOut
    problem_id: str
    message: str


class AttachedOut(Model):
    """Answer to adding a picture to a session."""

    success: bool
    attachment: AttachmentOut
    message: str


class AttachmentList(Model):
    """Answer with the pictures of a session."""

    success: bool
    attachments: list[AttachmentOut]
    total: int


class SessionPage(Model):
    """A page of sessions; `next_cursor` leads to the next one."""

    sessions: list[SessionRow]
    next_cursor: str | None


class DetectOut(Model):
    """Detection of a text: `verdict` is accept, unclear or none; `language` is null where none is recognised.

    `written_in` names the language of the text where it is one that guiado does not speak.

    `clauses` are the parts of the text with their roles, `denied` the problems that it says it is not about,
    `several` those that it names side by side, `unknown_codes` the codes that no problem has. `explanation` tells all that in
    sentences.
    Below `threshold` the best candidate is none of them; from `accept_from` on it is taken without asking.
    """

    success: bool
    verdict: str
    detector: str
    threshold: float
    accept_from: float
    language: str | None
    message_kind: str
    written_in: str | None
    candidates: list[CandidateOut]
    clauses: list[ClauseOut]
    denied: list[str]
    several: list[str]
    unknown_codes: list[str]
    explanation: list[str]
