"""The plain dicts that a guidance engine takes and gives, and the methods that a simulation calls.

Source: "How it is measured: an engine as plain JSON" in the research on guidance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, Protocol, TypedDict


class WireStep(TypedDict):
    """A step as its author knows it: `author_p` is the chance that it solves if it is offered first."""

    id: str
    author_position: int
    author_p: float
    author_minutes: float
    preparation: bool
    irreversible: bool
    risk_minutes: float
    after: list[str]


class WireQuestion(TypedDict):
    """A question as its author knows it: answer -> step id -> weight, 1 where it is missing."""

    id: str
    minutes: float
    answers: dict[str, dict[str, float]]


class WireGuide(TypedDict):
    """A guide as its author knows it."""

    guide_id: str
    guide_version: str
    c_esc_minutes: float
    abandon_penalty_minutes: float
    recontact_penalty_minutes: float
    variants: list[str]
    steps: list[WireStep]
    evidence: dict[str, dict[str, float]]
    questions: list[WireQuestion]


class WireEvent(TypedDict):
    """Part of a session: a step with its outcome and minutes, or a question with its answer."""

    kind: Literal["step", "ask"]
    id: str
    outcome: NotRequired[Literal["solved", "done", "not_helped", "could_not"]]
    minutes: NotRequired[float]
    answer: NotRequired[str]


class WireHistory(TypedDict):
    """A session until now; with `end` once it has ended, and where a customer left, in which step and after how long."""

    session_id: str
    guide_id: str
    variant: str
    evidence: str | None
    events: list[WireEvent]
    end: NotRequired[Literal["solved", "escalated", "abandoned"]]
    abandoned_in: NotRequired[str]
    abandoned_minutes: NotRequired[float]


class WireDecision(TypedDict):
    """A decision of an engine; `explore` where it was taken to learn, with its chance in `propensity`."""

    decision: Literal["step", "ask", "escalate"]
    id: NotRequired[str | None]
    reason: NotRequired[object]
    propensity: NotRequired[float | None]
    explore: NotRequired[bool]
    p_better: NotRequired[float | None]


class Chooser(Protocol):
    """Anything that chooses what comes next in a session."""

    def next(self, history: WireHistory, /) -> WireDecision:
        """A step, a question, or a human."""
        ...


class Learner(Chooser, Protocol):
    """An engine that learns from sessions."""

    def start(self, guide: WireGuide, /) -> None:
        """Take a guide as its author knows it."""
        ...

    def record(self, session: WireHistory, /) -> None:
        """Learn from a session that has ended."""
        ...

    def amend(self, guide_id: str, session_id: str, /) -> None:
        """Take back that a session was solved: the customer came back."""
        ...

    def claims(self, guide_id: str, variant: str, /) -> dict[str, tuple[float, float, float]]:
        """Chance of each step to solve it if it is offered first, with an interval of 95%."""
        ...

    def expected_cost(self, guide_id: str, variant: str, order: Sequence[str], /) -> float:
        """Minutes that an order of steps costs, a human after the last."""
        ...
