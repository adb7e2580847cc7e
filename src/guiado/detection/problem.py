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
        disputed: words that customers agree are not about it, and the share of its confidence that each loses.
        codes: error codes, versions or models that its author says are its own.
        not_this: customers' phrases that its author says are about something else.
        is_none: whether its texts are about something else than all problems: it competes with them and is never an answer.
    """

    problem_id: str
    title: str
    description: str
    phrases: tuple[str, ...]
    learned: tuple[Example, ...] = ()
    disputed: tuple[tuple[str, float], ...] = ()
    codes: tuple[str, ...] = ()
    not_this: tuple[str, ...] = ()
    is_none: bool = False

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
        codes: error codes that the customer named and the problem has.
        other_codes: codes that the customer named, of a kind that the problem has others of.
        not_this: the author's phrase that is something else, where what the customer wrote is nearer to it.
    """

    problem_id: str
    confidence: float
    evidence: tuple[str, ...]
    example: str | None = None
    codes: tuple[str, ...] = ()
    other_codes: tuple[str, ...] = ()
    not_this: str | None = None
