"""Behaviour of the people in a synthetic session: what helps, what the customer reports of it, and what the agent does.

The cause of a problem is one of the guide's steps, by the author's chances, or none of them. Reports are as noisy as real ones: a
solution is told a step late, or never, or is none and the customer comes back. Over the months the guides get a bit better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from guiado.app.demo.courses import CLOSED, EXPIRED, LEFT, PERSON, TAKEN, Node
from guiado.app.demo.customers import SyntheticCustomer
from guiado.app.demo.draws import Draws
from guiado.domain.guide import Guide, Step
from guiado.domain.session import Outcome, Status

_USUAL_CHANCES, _USUAL_MINUTES = 0.85, 4.0
_MOST_CHANCES = 0.93
_MOST_MOVES = 60
"""Moves of one session at most: a guide of hundreds of steps is left at some point."""
_TOLD_AT_ONCE, _TOLD_LATE = 0.84, 0.12
_TOLD_NEXT = 0.75
_FALSELY_SOLVED = 0.035
_COULD_NOT = {"low": 0.03, "medium": 0.05, "high": 0.09}
_LEAVES, _ASKS = 0.034, 0.022
_GOES_ON, _GOES_ON_URGENT = 0.2, 0.55
_NEVER_ATTENDED, _CLOSED = 0.05, 0.5
_WAITED_DAYS = timedelta(days=30)
_IDLE = timedelta(hours=24)
_DAY_BEGINS_H, _DAY_ENDS_H = 8, 20


@dataclass(slots=True)
class Told:
    """A synthetic session as it went: the places of its course, and seconds from each to the next.

    Args:
        gaps_s: seconds before each place; 0 before the first.
        cause: step that ends the problem; None where no step does.
        is_fixed: whether the problem is truly gone.
        agent_minutes: of the agent who closed it.
    """

    nodes: list[Node]
    gaps_s: list[float] = field(default_factory=lambda: [0.0])
    cause: str | None = None
    is_fixed: bool = False
    agent_minutes: float | None = None

    @property
    def last(self) -> Node:
        """The place where it ended, or stands."""
        return self.nodes[-1]

    def go(self, move: str, after_s: float) -> None:
        """Make a move."""
        self.nodes.append(self.last.after(move))
        self.gaps_s.append(after_s)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Circumstances of a session.

    Args:
        progress: of the whole time, 0..1.
        comes_back: whether the customer is back with a problem that counted as solved.
        began: when.
        until: nothing happens later.
    """

    customer: SyntheticCustomer
    progress: float
    comes_back: bool
    began: datetime
    until: datetime


def live(told: Told, guide: Guide | None, around: Circumstances, draws: Draws) -> None:
    """Go on from the beginning of a session to its end."""
    told.cause = _cause(guide, around, draws)
    for _ in range(_MOST_MOVES):
        session = told.last.session
        if session.status.ended:
            return
        step = guide.step(session.offered_step_id) if guide else None
        if session.status is Status.NEEDS_ESCALATION:
            goes_on = _GOES_ON_URGENT if session.urgent else _GOES_ON
            if step is None or not draws.happens(goes_on):
                _hand_over(told, around, draws)
                return
        if step is None or _stops(told, around, draws):
            break
        _answer(told, step, around, draws)
    if not told.last.session.status.ended:
        _leave_or_ask(told, around, draws)


def _cause(guide: Guide | None, around: Circumstances, draws: Draws) -> str | None:
    """The step that would end the problem; with the months more often one of the first."""
    if guide is None or not guide.steps:
        return None
    chances = _chances(guide.steps)
    helped = 0.8 + 0.2 * around.progress
    if around.comes_back:
        helped *= 0.45
    point = draws.fraction() / helped
    for step, chance in zip(guide.steps, chances, strict=True):
        point -= chance
        if point < 0:
            return guide.steps[0].step_id if draws.happens(0.22 * around.progress) else step.step_id
    return None


def _chances(steps: Sequence[Step]) -> list[float]:
    """The author's chances; where there are none, the earlier steps help more often. They add up to less than 1."""
    given = [step.chance for step in steps]
    if not any(given):
        weights = [0.75**place for place in range(len(steps))]
        return [_USUAL_CHANCES * weight / sum(weights) for weight in weights]
    known = [min(max(chance or 0.0, 0.0), 1.0) for chance in given]
    return [chance * min(1.0, _MOST_CHANCES / sum(known)) for chance in known]


def _stops(told: Told, around: Circumstances, draws: Draws) -> bool:
    """Whether the customer gives up before the step that is offered now."""
    tired = 1 + 0.25 * told.last.session.current_step
    relief = 2.0 if told.is_fixed else 1.0  # who needs nothing any more says nothing
    return draws.happens((_LEAVES + _ASKS) * tired * relief * (1.25 - 0.5 * around.progress))


def _leave_or_ask(told: Told, around: Circumstances, draws: Draws) -> None:
    waits = told.last.session.status is Status.NEEDS_ESCALATION
    if waits or (not told.is_fixed and draws.happens(_ASKS / (_LEAVES + _ASKS))):
        if not waits:
            told.go(PERSON, draws.about(45, 0.5))
        _hand_over(told, around, draws)
    else:
        told.go(LEFT, _IDLE.total_seconds() + 60 * draws.fraction())


def _answer(told: Told, step: Step, around: Circumstances, draws: Draws) -> None:
    outcome = _report(told, step, draws)
    minutes = step.minutes or _USUAL_MINUTES
    usual_s = 60 * minutes * (0.4 if outcome is Outcome.COULD_NOT else 0.85)
    told.go(outcome.value, min(max(8.0, draws.about(usual_s, 0.55) * around.customer.pace), 4 * 3_600))


def _report(told: Told, step: Step, draws: Draws) -> Outcome:
    """The customer's report on a step."""
    if told.is_fixed:  # by an earlier step
        return Outcome.SOLVED if draws.happens(_TOLD_NEXT) else Outcome.DONE
    if draws.happens(_COULD_NOT.get(str(step.risk), _COULD_NOT["low"]) + (0.03 if step.irreversible else 0)):
        return Outcome.COULD_NOT
    if step.step_id == told.cause:
        told.is_fixed = True
        point = draws.fraction()
        if point < _TOLD_AT_ONCE:
            return Outcome.SOLVED
        return Outcome.DONE if point < _TOLD_AT_ONCE + _TOLD_LATE else Outcome.NOT_HELPED
    if draws.happens(_FALSELY_SOLVED):
        return Outcome.SOLVED
    return Outcome.DONE if draws.happens(0.12 if step.type == "fix" else 0.4) else Outcome.NOT_HELPED


def _hand_over(told: Told, around: Circumstances, draws: Draws) -> None:
    """An agent takes over and, often, closes; once in a while nobody does."""
    waits = told.last.session.status is Status.NEEDS_ESCALATION
    if waits and draws.happens(_NEVER_ATTENDED) and around.began + 2 * _WAITED_DAYS < around.until:
        told.go(EXPIRED, _WAITED_DAYS.total_seconds() + 60 * draws.fraction())
        return
    if told.last.session.status is not Status.ESCALATED:
        told.go(TAKEN, _wait_s(told, around, draws))
    if draws.happens(_CLOSED + 0.1 * around.progress):
        tried = told.last.session.attempts
        told.agent_minutes = round(draws.about(14.0 if tried else 18.0, 0.5), 1)
        told.go(CLOSED, 60 * told.agent_minutes + draws.about(600, 0.8))


def _wait_s(told: Told, around: Circumstances, draws: Draws) -> float:
    """Seconds until an agent takes over: soon where it is urgent, else in working hours."""
    if told.last.session.urgent:
        return draws.about(240, 0.6)
    wait_s = draws.about(2_400, 0.8) * (1.15 - 0.3 * around.progress)
    local = around.began + timedelta(hours=around.customer.utc_h, seconds=sum(told.gaps_s) + wait_s)
    if local.hour < _DAY_BEGINS_H:
        return wait_s + 3_600 * (_DAY_BEGINS_H - local.hour)
    return wait_s + 3_600 * (24 - local.hour + _DAY_BEGINS_H) if local.hour >= _DAY_ENDS_H else wait_s
