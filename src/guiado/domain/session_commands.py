"""Commands of a session: what a customer, an agent or the passing of time asks of it, and the alarm that words set off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guiado.domain.clarification import Considered, Turn
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Actor, Attempt, NamedProblem, Outcome


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that calls a person: the customer's words meet an escalation criterion, or the guide is urgent.

    Args:
        reason: the criterion, or the title of the urgent guide, in the session's language.
        urgent: whether the person is called at once, before any step.
    """

    reason: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Command with the customer's answer to a step.

    Args:
        outcome: see `Outcome`.
        step_number: position in this session of the step that is meant; None means the current one.
        step_id: the same for ever, whichever guide is followed meanwhile; None where the caller does not know it.
        recorded: the outcome with which that step was passed before, where it was.
        notes: the customer's words.
        active_seconds: how long the step was in view.
        reason: why it could not be done.
        step_title: as the customer was shown it; None means the guide's own.
        alarm: what the customer's words set off, if anything.
    """

    outcome: Outcome
    step_number: int | None = None
    recorded: Outcome | None = None
    notes: str | None = None
    active_seconds: float | None = None
    first_seen_at: datetime | None = None
    source: Actor = Actor.CUSTOMER
    reason: str | None = None
    step_id: str | None = None
    step_title: str | None = None
    alarm: Alarm | None = None


@dataclass(frozen=True, slots=True)
class EscalateSession:
    """Command to hand a session over to a person."""

    reason: str | None = None
    by: Actor = Actor.CUSTOMER


@dataclass(frozen=True, slots=True)
class ResolveSession:
    """Command to close the session as solved: of a human agent, with its true problem and step, or of the customer."""

    problem_id: str | None = None
    step_id: str | None = None
    minutes: float | None = None
    notes: str | None = None
    by: Actor = Actor.AGENT


@dataclass(frozen=True, slots=True)
class ClarifyProblem:
    """Command with the customer's answer to a clarification.

    Args:
        said: exactly one of problem_id, answer, text, none.
        turn: what follows from it.
        considered: the problems that were weighed for it.
        question_id: the question that is answered; None means the one that is open.
        alarm: what the customer's words set off, if anything.
        kind: of the words; None where there are none.
        named: the problems that the words name side by side.
        tells: whether the words say what the problem is.
        unknown_codes: that the words name and no guide has.
    """

    said: dict[str, object]
    turn: Turn = None
    considered: Considered = ()
    question_id: str | None = None
    alarm: Alarm | None = None
    kind: MessageKind | None = None
    named: tuple[NamedProblem, ...] = ()
    tells: bool = True
    unknown_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectProblem:
    """Command of the customer to reject the problem whose guide is followed.

    Args:
        said: their words, and the problem that it is instead, as far as they were told.
        rejected: the problem that is meant; None means the present one.
        turn, considered, alarm, kind, named, tells, unknown_codes: as in `ClarifyProblem`.
    """

    said: dict[str, object]
    rejected: str | None = None
    turn: Turn = None
    considered: Considered = ()
    alarm: Alarm | None = None
    kind: MessageKind | None = None
    named: tuple[NamedProblem, ...] = ()
    tells: bool = True
    unknown_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Abandon:
    """Command to abandon a session without activity for too long.

    Args:
        expired: whether it waited for a person, instead of for its customer.
    """

    expired: bool = False


@dataclass(frozen=True, slots=True)
class Resume:
    """Command to reopen an abandoned session."""


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Command with the customer's answer to a question of the guide.

    Args:
        answer_id: None where the customer does not know, or would rather go on.
    """

    question_id: str
    answer_id: str | None = None


@dataclass(frozen=True, slots=True)
class UndoAnswer:
    """Command of the customer to take back the last answer to a step.

    Args:
        attempt: the one that the last answer recorded.
        attempt_id: of its row.
        step_number: position in this session of the step that is meant; None means the one that was answered last.
        led_to: rule of the offer that followed that answer; None where none did.
        taken_over: whether a person works on the session's ticket.
    """

    attempt: Attempt
    attempt_id: str
    step_number: int | None = None
    led_to: str | None = None
    taken_over: bool = False


SessionCommand = (
    Answer | AnswerQuestion | UndoAnswer | EscalateSession | ResolveSession | ClarifyProblem | RejectProblem | Abandon | Resume
)
