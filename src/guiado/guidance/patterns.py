"""Patterns of sessions: what was tried in which order, what came of it, and how the session ended.

Sessions with the same pattern count as one row with a number. All that learning reads is patterns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

STEP, ASK = "step", "ask"
SOLVED, DONE, NOT_HELPED, COULD_NOT = "solved", "done", "not_helped", "could_not"
ESCALATED, ABANDONED = "escalated", "abandoned"
ASSUMED = "assumed"
"""End of a session whose customer did every step and said no more: what the last step did is not known, only that those before it
did not end the session."""


class PatternEvent(NamedTuple):
    """An event of a session: a step with its outcome, or a question with its answer.

    Args:
        kind: `step` or `ask`.
        id: of the step or question.
        result: outcome of the step, or id of the answer.
    """

    kind: str
    id: str
    result: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pattern of a session.

    Args:
        events: in order.
        end: `solved`, `escalated`, `abandoned` or `assumed`.
        variant: "" where nobody knows it.
        evidence: class of what the customer wrote; "" where there is none.
        left_in: step or question that was open when the customer left; None where none was.
        returned: whether the customer came back after `solved` or `assumed`, so that it was false.
    """

    events: tuple[PatternEvent, ...]
    end: str
    variant: str = ""
    evidence: str = ""
    left_in: str | None = None
    returned: bool = False

    def to_text(self) -> str:
        """The pattern as compact JSON, the same for the same pattern."""
        return json.dumps(
            [self.variant, self.evidence, [list(each) for each in self.events], self.end, self.left_in, self.returned],
            ensure_ascii=False, separators=(",", ":"),
        )  # fmt: skip

    @classmethod
    def from_text(cls, text: str) -> Pattern:
        """Read back what `to_text` wrote."""
        variant, evidence, events, end, left_in, returned = json.loads(text)
        return cls(tuple(PatternEvent(*each) for each in events), end, variant, evidence, left_in, returned)


class PatternCount(NamedTuple):
    """How many sessions of one block of time had a pattern.

    Args:
        block: number of a stretch of time, growing with it, such as a day.
    """

    pattern: Pattern
    block: int
    sessions: int


class StepTime(NamedTuple):
    """How long a step took.

    Args:
        attempts: of which the minutes are known.
        minutes: their sum.
    """

    attempts: int
    minutes: float
