"""What goes into an index and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What the index knows of one problem of the knowledge base.

    Args:
        problem_id: identifier of the problem.
        title: its name, as an operator wrote it.
        description: one or two sentences.
        phrases: common issues in customers' words, and the texts of translations.
    """

    problem_id: str
    title: str
    description: str
    phrases: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that can be matched: title, description and phrases."""
        return (self.title, self.description, *self.phrases)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A problem that a customer's text may be about.

    Args:
        problem_id: identifier of the problem.
        confidence: 0 to 1; compare it with `DEFAULT_THRESHOLD`.
        evidence: the customer's words that matched, lower case, strongest first, at most 5.
    """

    problem_id: str
    confidence: float
    evidence: tuple[str, ...]
