"""Input and output of an index: problems with their examples, and candidates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """A customer's words, labelled as being about a problem or not.

    Args:
        text: the words, without personal data.
        weight: how far they are to be trusted, 0 to 1.
        negative: whether it was said that they are *not* about the problem.
    """

    text: str
    weight: float = 1.0
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of the knowledge base as the index knows it.

    Args:
        problem_id: identifier of the problem.
        title: its name, as an operator wrote it.
        description: one or two sentences.
        phrases: common issues in customers' words, and the texts of translations.
        learned: what sessions taught about it.
    """

    problem_id: str
    title: str
    description: str
    phrases: tuple[str, ...]
    learned: tuple[Example, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts that can be matched: title, description, phrases and learned examples."""
        if not self.learned:
            return (self.title, self.description, *self.phrases)
        taught = tuple(example.text for example in self.learned if not example.negative)
        return (self.title, self.description, *self.phrases, *taught)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A problem that a customer's text may be about.

    Args:
        problem_id: identifier of the problem.
        confidence: 0 to 1; compare it with `DEFAULT_THRESHOLD`.
        evidence: the customer's words that matched, lower case, strongest first, at most 5.
        example: the known text of the problem that is nearest to what the customer wrote.
    """

    problem_id: str
    confidence: float
    evidence: tuple[str, ...]
    example: str | None = None
