"""Read models of a guide's order: what is known of its steps, what follows from it, and what each rule costs."""

from __future__ import annotations

from datetime import datetime

from guiado.app.models import Model


class GuidanceStepOut(Model):
    """A step as its author sees it; `chance` is that it solves the problem if it is offered first, `low` to `high` its interval.

    `place` is null where a person comes before the step.
    """

    step_id: str
    title: str
    chance: float
    low: float
    high: float
    minutes: float
    sessions: int
    author_place: int
    place: int | None
    moved: int | None
    too_few: bool


class SavedOut(Model):
    """Minutes that a session takes less than in the author's order, with their interval of 95 %."""

    minutes: float
    low: float
    high: float


class MeasuredOut(Model):
    """The learned order against the author's, corrected by the sessions that went the same way; minutes of a session.

    `not_worse` is the probability that the learned order costs no more, by which `auto` decides.
    """

    author_minutes: float
    learned_minutes: float
    saved: SavedOut
    not_worse: float
    effective_sessions: float


class OrderRulesOut(Model):
    """The rules of a guide; `order` is null where the installation decides, a cost where it is the installation's."""

    order: str | None
    pinned: list[str]
    kept: list[list[str]]
    floor: int
    explores: bool
    person_minutes: float | None
    leaving_minutes: float | None
    recontact_minutes: float | None


class RuleCostOut(Model):
    """A rule with what it costs: `minutes` as it is, `minutes_without` if it alone were dropped, `cost` the difference."""

    kind: str
    steps: list[str]
    floor: int
    known: bool
    minutes: float
    minutes_without: float
    cost: float


class GuidanceOut(Model):
    """The order of a guide, for its author.

    `order_in_use` is author, learned or shadow; null until a plan was learned. `order` are the steps as the plan offers them
    while nothing helps, before a person; `questions` those that it asks meanwhile.
    """

    problem_id: str
    title: str
    guide_version: str
    variant: str
    variants: list[str]
    order_in_use: str | None
    sessions: int
    learned_at: datetime | None
    steps: list[GuidanceStepOut]
    order: list[str]
    questions: list[str]
    author_minutes: float
    learned_minutes: float
    saved: SavedOut
    measured: MeasuredOut | None
    person_minutes: float
    rules: OrderRulesOut
    rule_costs: list[RuleCostOut]
