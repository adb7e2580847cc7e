"""Clarification of an unclear problem description: the options, the question and the customer's reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.errors import Message


class Reply(StrEnum):
    """Reply to a clarifying question; callers send its value."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate problem as shown to the customer.

    Args:
        title: of the guide, in the session's language.
        confidence: chance that the problem is this one, 0..1.
        example: known words of this problem that are nearest to what the customer wrote.
        guide_version_id: the guide that is followed if it is chosen.
    """

    problem_id: str
    title: str
    confidence: float
    example: str | None = None
    guide_version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A clarifying question whose answer tells the options apart.

    Args:
        text: in the session's language; it can be answered with yes, no or "I don't know".
        yes: problem id -> chance of a yes if it is this problem, 0..1; "" stands for none of the options.
    """

    question_id: str
    text: str
    yes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Clarification:
    """One turn of clarifying the problem: the options and the question, and the customer's answer.

    Args:
        options: best first.
        question: None where the options alone are shown.
        rejected: the problem that the customer rejected, if that led to this turn.
        said: the customer's answer; None while the turn is open.
        tells: whether the words in the answer, if any, say what the problem is.
    """

    options: tuple[Option, ...] = ()
    question: Question | None = None
    rejected: str | None = None
    said: Mapping[str, object] | None = None
    tells: bool = True

    @property
    def words(self) -> str | None:
        """The customer's words about the problem, where the answer has some."""
        given = self.said.get("text") if self.said else None
        return str(given) if given and self.tells else None

    @property
    def asks_openly(self) -> bool:
        """Whether the options are frequent problems, shown to a customer who had said nothing."""
        return bool(self.options) and not any(option.confidence > 0 for option in self.options)


@dataclass(frozen=True, slots=True)
class Pick:
    """The problem that a session takes up, with its guide.

    Args:
        title: of the guide, in the session's language.
        confidence: chance that it is the right one, 0..1.
        recontact_of: the solved session that this one calls into doubt.
        already_tried: the steps of the guide that the customer said they did.
    """

    guide: Guide
    guide_version_id: str
    title: str
    confidence: float
    recontact_of: str | None = None
    already_tried: Considered = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of the customer in place of a problem.

    Args:
        kind: solved, person or other.
        reason: why a person is called; by default that the customer asked for one.
    """

    kind: MessageKind
    reason: Message | None = None


Turn = Pick | Clarification | Declared | None
"""The next turn of a session: a picked guide, a clarification, a declaration, or None for a person: no known problem matches."""
Considered = tuple[dict[str, object], ...]
"""The candidate problems: problem_id, confidence, words (those of the customer that matched), best first."""
