"""Read models of sessions: steps, attempts, clarifications, ratings, candidates.

Source: contract.md §1 and §3.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from guiado.app.models import Model
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Status
from guiado.store.feedback import FeedbackBody as FeedbackBody  # noqa: PLC0414 a read model of this room too


class ResourceRow(Model):
    """A page or file that helps with a step."""

    title: str
    url: str


class SaidRow(Model):
    """The customer's words about a step that they tried already."""

    words: str


class VariantRow(Model):
    """A variant of a guide: a device, a network or whatever the customer may use."""

    id: str
    title: str


class MediaRow(Model):
    """A picture or a video of a step; `url` is a whole address, or for a stored picture its path on this service."""

    type: str
    url: str
    alt: str
    caption: str


class GuideAnswerRow(Model):
    """A possible answer to a question of a guide."""

    id: str
    text: str


class GuideQuestionOut(Model):
    """A question of the guide that is asked before the step beside it; whoever answers the step passes it over."""

    id: str
    text: str
    answers: list[GuideAnswerRow]


class StepOut(Model):
    """One step for the customer.

    `variants` are those in which it differs, and `variant` the one that its texts are for; where that is null, the texts are
    those of every variant, each with its name in front. `why` tells why it comes now, where that is known. `question` is asked
    first, where there is one.
    """

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
    preparation: bool = False
    variant: str | None = None
    variants: list[VariantRow] = []  # noqa: RUF012 every instance has its own
    media: list[MediaRow] = []  # noqa: RUF012 every instance has its own
    why: str | None = None
    question: GuideQuestionOut | None = None


class OptionOut(Model):
    """An option of a clarification: a possible problem; `example` is a known phrase of it, nearest to the customer's words."""

    problem_id: str
    title: str
    example: str | None
    confidence: float


class QuestionOut(Model):
    """The question of a clarification; `answers` are the replies that it takes."""

    id: str
    text: str
    answers: list[str]


class ClarificationOut(Model):
    """A clarification of the problem: the options to choose from, and at most one question."""

    options: list[OptionOut]
    question: QuestionOut | None


class OtherProblemOut(Model):
    """Another problem that the customer named beside the one of the session."""

    problem_id: str
    title: str


class CloseActionOut(Model):
    """The request that closes a session on the customer's word."""

    method: str
    path: str
    body: dict[str, str]


class ClosableSessionOut(Model):
    """A running session of the customer that is offered to be closed, since they write that all is well."""

    session_id: str
    reference: str
    problem_id: str | None
    problem_title: str | None
    status: str
    action: CloseActionOut


class SessionOut(Model):
    """A session as it stands; `current_step` counts the steps passed, `reference` is its short name."""

    session_id: str
    reference: str
    ticket_id: str | None
    customer_email: str | None
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
    message_kind: str = MessageKind.PROBLEM.value
    other_problems: list[OtherProblemOut] = []  # noqa: RUF012 every instance has its own
    question: GuideQuestionOut | None = None


class SessionRow(Model):
    """A session in a list; `reference` is its short name."""

    session_id: str
    reference: str
    ticket_id: str | None
    customer_email: str | None
    customer_name: str | None
    problem_description: str
    detected_problem_id: str | None
    detected_problem_title: str | None
    status: Status
    current_step: int
    total_steps: int
    language: str
    urgent: bool
    started_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    escalated_at: datetime | None
    escalation_reason: str | None
    resolution: str | None
    message_kind: str


class AnsweredQuestionRow(Model):
    """A question of the guide with what is known of it; without an answer the customer did not know, or passed it over.

    `known` says that device, product or variant told the answer, and nobody was asked.
    """

    question_id: str
    question: str
    answer_id: str | None
    answer: str | None
    known: bool


class NamedStepRow(Model):
    """A step of the guide."""

    step_id: str
    title: str


class LikelyStepRow(Model):
    """A step that may still solve it; `chance` is that it does, 0..1, and `unable` that the customer could not do it."""

    step_id: str
    title: str
    chance: float
    unable: bool


class StandOut(Model):
    """The stand of a session by what was learned of its guide, for the person who takes over.

    `other` is the chance that none of the steps that are left solves it; `next_step` and `next_question` what is worth trying
    next, where anything is; `lines` says it all in words.
    """

    ruled_out: list[NamedStepRow]
    unable: list[NamedStepRow]
    likeliest: list[LikelyStepRow]
    other: float
    next_step: NamedStepRow | None
    next_question: str | None
    too_few: bool
    lines: list[str]


class AttemptOut(Model):
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


class SummaryOut(Model):
    """Counts of the attempts of a session."""

    total_attempts: int
    successful_attempts: int
    failed_attempts: int


class ConsideredRow(Model):
    """A candidate that detection considered."""

    problem_id: str
    confidence: float
    words: list[str] = []  # noqa: RUF012 every instance has its own


class ChoiceRow(OptionOut):
    """An option that was offered in a clarification."""


class HeardRow(Model):
    """A clarification that was asked, and the customer's answer to it."""

    options: list[ChoiceRow]
    question: str | None
    rejected: str | None
    said: dict[str, Any] | None


class UnderstoodOut(Model):
    """Understanding of the problem: the candidates with their scores and words, the questions and the answers.

    `written_in` names the language of the customer's words where it is one that guiado does not speak.
    """

    language: str
    written_in: str | None
    problem_detected: str | None
    confidence: float | None
    candidates: list[ConsideredRow]
    clarifications: list[HeardRow]
    original_sender: str | None
    message_kind: str = MessageKind.PROBLEM.value
    other_problems: list[OtherProblemOut] = []  # noqa: RUF012 every instance has its own
    unknown_codes: list[str] = []  # noqa: RUF012 every instance has its own


class AttachmentOut(Model):
    """A picture that the customer added to the session; `path` is where it is read.

    `step_number` and `step_id` name the step that waited for an answer when it was sent.
    """

    attachment_id: str
    session_id: str
    step_number: int | None
    step_id: str | None
    media_type: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime
    path: str


class StateOut(Model):
    """A session with all its attempts."""

    session: SessionOut
    attempts: list[AttemptOut]
    summary: SummaryOut
    understood: UnderstoodOut
    attachments: list[AttachmentOut] = []  # noqa: RUF012 every instance has its own
    stand: StandOut | None = None
    guide_answers: list[AnsweredQuestionRow] = []  # noqa: RUF012 every instance has its own


class EvidenceOut(Model):
    """Evidence for and against a problem: the words that count, the known text nearest to them, exact codes and phrases.

    `codes` are error codes, versions and models that the text names and the problem has; `other_codes` those that it has not;
    `not_this` is the author's phrase for something else that the text is nearer to.
    """

    words: list[str]
    example: str | None
    codes: list[str]
    other_codes: list[str]
    not_this: str | None


class ClauseOut(Model):
    """A part of a message that says one thing; `role` is what it does there: wrong, works, denied, wish, thanks and others."""

    text: str
    role: str


class CandidateOut(Model):
    """A problem that a text may be about; `confidence` is the probability, 0 to 1, that it is this one."""

    problem_id: str
    problem_title: str
    category: str
    confidence: float
    evidence: EvidenceOut
