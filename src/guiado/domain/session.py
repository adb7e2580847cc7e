"""A session: one customer, one problem, one guide version. Its commands are in `session_commands`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import cast

from guiado.domain.clarification import Clarification
from guiado.domain.given_answer import GivenAnswer
from guiado.domain.message_kind import MessageKind


class Status(StrEnum):
    """Status of a session; `needs_escalation` still takes answers, the last three do not."""

    STARTED = "started"
    IN_PROGRESS = "in_progress"
    NEEDS_ESCALATION = "needs_escalation"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    ABANDONED = "abandoned"

    @property
    def ended(self) -> bool:
        """Whether the session takes no more answers to steps."""
        return self in {Status.RESOLVED, Status.ESCALATED, Status.ABANDONED}


class Outcome(StrEnum):
    """Outcome of an attempt at a step."""

    SOLVED = "solved"
    """The problem is gone."""
    DONE = "done"
    """The step worked; go on."""
    NOT_HELPED = "not_helped"
    """The customer did the step, and it did not help."""
    COULD_NOT = "could_not"
    """The customer was not able to do the step."""

    @property
    def success(self) -> bool:
        """Whether the step itself was carried out."""
        return self is not Outcome.COULD_NOT


class Actor(StrEnum):
    """Author of an answer, an ending or a lesson: customer, machine or agent; assumed where there is none."""

    CUSTOMER = "customer"
    MACHINE = "machine"
    AGENT = "agent"
    ASSUMED = "assumed"


class Resolution(StrEnum):
    """Resolution of a session: confirmed, or assumed because every step was done."""

    CONFIRMED = "confirmed"
    ASSUMED = "assumed"


class NextAction(StrEnum):
    """Next action for the customer after a command."""

    CONTINUE = "continue"
    RESOLVED = "resolved"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """The answer to a step: its outcome, and the next action that it led to.

    Args:
        action: the next action for the customer who passed it; the same answer once more gets the same.
    """

    step_id: str
    outcome: Outcome
    action: NextAction = NextAction.CONTINUE


@dataclass(frozen=True, slots=True)
class NamedProblem:
    """A problem that the customer named; `title` is in the session's language.

    Args:
        handled: whether an earlier session was about it.
    """

    problem_id: str
    title: str
    handled: bool = False


LIKELIEST, QUICKEST = "likeliest", "quickest"
"""Kinds of reason for a step: it is the likeliest to solve it, or the quickest to try."""


@dataclass(frozen=True, slots=True)
class StepReason:
    """The reason for the step that is offered, as far as it is told to the customer.

    Args:
        kind: `likeliest` or `quickest`.
        minutes: that the step takes, as known when it was offered.
    """

    kind: str
    minutes: float


@dataclass(frozen=True, slots=True)
class Session:
    """The state of one session.

    Args:
        session_id: UUID text.
        customer_email: lower case; None while the customer gave none.
        version: counts the changes, from 1; two writers cannot both change version n.
        status: see `Status`.
        current_step: steps passed, 0..total_steps.
        offered_step_id: the step that waits for an answer, or would if the session were resumed; None where no step is left.
        answers: to the steps of the guide that is followed, in order.
        total_steps: steps of the guide version that the session began with; 0 when nothing was detected.
        failures: attempts that were not carried out, over the whole session.
        attempts: all attempts.
        decisions: offers made to the customer so far.
        started_at, updated_at: aware; updated_at is the last activity.
        resolution: confirmed by somebody, or assumed because every step was done.
        escalation_reason: why a person is needed; None as long as none is.
        clarifications: the turns of clarifying the problem, in order; the last one may be open.
        urgent: whether a person was called at once; the first line of the reason then says what to do, or what is urgent.
        message_kind: of what the customer wrote; all but a problem begin without a guide.
        also_named: the problems that the customer named side by side, the one that is followed among them.
        unknown_codes: error codes, versions and models that the customer named and no guide has, as they were written.
        variant: the variant that the customer uses, of this guide or of one before; None where nobody knows.
        offered_why: why the open step comes now; None where nothing is told of it.

    Source: contract.md §4 and §6; data-model.md, session.
    """

    session_id: str
    customer_email: str | None
    problem_description: str
    started_at: datetime
    updated_at: datetime
    version: int = 1
    status: Status = Status.STARTED
    current_step: int = 0
    offered_step_id: str | None = None
    answers: tuple[StepAnswer, ...] = ()
    total_steps: int = 0
    failures: int = 0
    attempts: int = 0
    decisions: int = 0
    ticket_id: str | None = None
    customer_name: str | None = None
    problem_id: str | None = None
    problem_title: str | None = None
    guide_version_id: str | None = None
    language: str = "es"
    notes: str | None = None
    resolved_at: datetime | None = None
    escalated_at: datetime | None = None
    resolution: Resolution | None = None
    ended_at: datetime | None = None
    ended_how: str | None = None
    ended_by: Actor | None = None
    escalation_reason: str | None = None
    recontact_until: datetime | None = None
    true_problem_id: str | None = None
    true_step_id: str | None = None
    agent_minutes: float | None = None
    clarifications: tuple[Clarification, ...] = ()
    urgent: bool = False
    message_kind: MessageKind = MessageKind.PROBLEM
    also_named: tuple[NamedProblem, ...] = ()
    unknown_codes: tuple[str, ...] = ()
    variant: str | None = None
    offered_why: StepReason | None = None
    asked_question_id: str | None = None
    guide_answers: tuple[GivenAnswer, ...] = ()
    facts: dict[str, object] = field(default_factory=dict[str, object])
    """Facts from the start of the session: channel, source, device, detection, steps already tried. Only those that detection
    found change later, when the customer clarifies."""

    @property
    def step_number(self) -> int:
        """Position in this session, from 1, of the step that waits for an answer."""
        return self.current_step + 1

    @property
    def passed(self) -> dict[str, StepAnswer]:
        """The steps that were carried out, in order: step_id -> answer."""
        return {each.step_id: each for each in self.answers if each.outcome.success}

    def given_answer(self, question_id: str) -> GivenAnswer | None:
        """The answer to a question of the guide; None where nothing is known of it yet."""
        return next((each for each in self.guide_answers if each.question_id == question_id), None)

    def failures_at(self, step_id: str) -> int:
        """How many attempts at a step were not carried out."""
        return sum(each.step_id == step_id and not each.outcome.success for each in self.answers)

    @property
    def said_tried(self) -> dict[str, str]:
        """The steps that the customer said they had tried before: step_id -> the customer's words."""
        told = cast("Sequence[dict[str, str]]", self.facts.get("already_tried") or ())
        return {each["step_id"]: each["words"] for each in told}

    @property
    def open_clarification(self) -> Clarification | None:
        """The clarification that waits for the customer's answer, or None."""
        last = self.clarifications[-1] if self.clarifications else None
        waits = last is not None and last.said is None and self.problem_id is None and not self.status.ended
        return last if waits else None

    @property
    def other_problems(self) -> tuple[NamedProblem, ...]:
        """Problems that the customer named and that are left, while one of them is followed."""
        if self.problem_id is None:
            return ()
        out = {self.problem_id, *self.rejected}
        return tuple(each for each in self.also_named if not each.handled and each.problem_id not in out)

    @property
    def rejected(self) -> tuple[str, ...]:
        """The ids of the problems that the customer rejected."""
        return tuple(each.rejected for each in self.clarifications if each.rejected is not None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt at a step: one answer of the customer to one offer.

    Args:
        step_number: position in this session, from 1.
        author_position: in the author's order, from 1.
    """

    step_number: int
    step_title: str | None
    step_id: str
    step_revision: int
    step_type: str
    outcome: Outcome
    notes: str | None
    attempted_at: datetime
    duration_seconds: float
    active_seconds: float | None
    first_seen_at: datetime | None
    decision_number: int
    source: Actor
    reason: str | None
    guide_version_id: str | None = None
    author_position: int | None = None

    @property
    def success(self) -> bool:
        """Whether the step was carried out."""
        return self.outcome.success


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer to the customer: a step, a question, or a person.

    Args:
        step_number: position in this session, from 1.
        candidates: the problems and steps that were weighed.
        policy, policy_version, explored, probability: see `policy.Rationale`.
    """

    number: int
    kind: str
    offered_at: datetime
    rule: str
    step_number: int | None = None
    step_id: str | None = None
    step_revision: int | None = None
    candidates: tuple[dict[str, object], ...] = ()
    policy: str | None = None
    policy_version: str | None = None
    explored: bool = False
    probability: float = 1.0
