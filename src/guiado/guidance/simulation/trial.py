"""Trials of an engine: it learns from simulated sessions of one guide, and is measured against the optimum on the way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from guiado.guidance.simulation.customer import PlayedSession, play
from guiado.guidance.simulation.expectation import Expectation, expected_cost_of
from guiado.guidance.simulation.families import EPOCH_SESSIONS
from guiado.guidance.simulation.optimum import Optimum
from guiado.guidance.simulation.world import World
from guiado.guidance.wire import Learner

LEAST_CHANCE = 2e-4
"""Courses of a session rarer than this are not followed."""
_LATEST_RETURN = 10


@dataclass(frozen=True, slots=True)
class ClaimedChance:
    """A step's chance as an engine claims it, beside the true one.

    Args:
        true: chance that it solves it if it is done first.
        offered: the same if it is offered first, where some leave or cannot do it.
    """

    step: str
    p: float
    low: float
    high: float
    true: float
    offered: float

    @property
    def covers(self) -> bool:
        """The interval holds the chance of a step that is done."""
        return self.low <= self.true <= self.high

    @property
    def covers_offered(self) -> bool:
        """The interval holds the chance of a step that is offered."""
        return self.low <= self.offered <= self.high


@dataclass(frozen=True, slots=True)
class TrialPoint:
    """An engine after some sessions of a guide."""

    sessions: int
    optimum: float
    expected: Expectation
    claims: tuple[ClaimedChance, ...]


@dataclass(slots=True)
class EngineTrial:
    """Results of one guide.

    Args:
        first_step_changes: for each session, whether its first decision is another than before for the same variant and evidence.
    """

    guide_id: str
    checkpoints: list[TrialPoint] = field(default_factory=list[TrialPoint])
    played: list[PlayedSession] = field(default_factory=list[PlayedSession])
    first_step_changes: list[bool] = field(default_factory=list[bool])


def run_trial(
    worlds: Sequence[World],
    engine: Learner,
    rng: np.random.Generator,
    checkpoints: Sequence[int] = (0, 50, 500),
    least_chance: float = LEAST_CHANCE,
) -> EngineTrial:
    """Let an engine learn until the last checkpoint.

    Args:
        worlds: the guide in each epoch of `EPOCH_SESSIONS` sessions; the last one stays.

    Raises:
        BadDecision: the engine chose a step or question that is not open.
    """
    guide_id, firsts = worlds[0].guide_id, dict[str, str]()
    trial, returns = EngineTrial(guide_id), _Returns(engine, guide_id)
    optima = dict[int, float]()
    engine.start(worlds[0].guide())
    for number in range(max(checkpoints) + 1):
        epoch = min(number // EPOCH_SESSIONS, len(worlds) - 1)
        world = worlds[epoch]
        if number in checkpoints:
            optima[epoch] = optima.get(epoch) or Optimum(world).cost
            trial.checkpoints.append(measure(world, engine, number, optima[epoch], least_chance))
        if number < max(checkpoints):
            played = play(world, engine, rng, f"{guide_id}.{number}")
            engine.record(played.record)
            returns.expect(number, played, rng)
            trial.played.append(played)
            trial.first_step_changes.append(_is_changed(played, firsts))
    return trial


def measure(world: World, engine: Learner, sessions: int, optimum: float, least_chance: float = LEAST_CHANCE) -> TrialPoint:
    """An engine's expected cost beside the optimum's, and its claims beside the truth."""
    expected = expected_cost_of(engine, world, least_chance=least_chance, session_id=f"measured.{sessions}")
    return TrialPoint(sessions, optimum, expected, tuple(claims_of(world, engine)))


def claims_of(world: World, engine: Learner) -> list[ClaimedChance]:
    """Claims about every step of every variant but preparations; a step that is missing counts as claimed to be 0."""
    found: list[ClaimedChance] = []
    for variant, name in enumerate(world.variants):
        claims = engine.claims(world.guide_id, name)
        true = world.first_chances(variant)
        offered = true * (1 - world.could_not) * (1 - world.hazard)
        for step, step_id in enumerate(world.steps):
            if not world.is_preparation(step):
                p, low, high = claims.get(step_id, (0.0, 0.0, 0.0))
                found.append(ClaimedChance(step_id, p, low, high, float(true[step]), float(offered[step])))
    return found


def _is_changed(played: PlayedSession, firsts: dict[str, str]) -> bool:
    if played.first is None:
        return False
    kind = f"{played.record['variant']} {played.record['evidence']}"
    before, firsts[kind] = firsts.get(kind, played.first), played.first
    return before != played.first


@dataclass(slots=True)
class _Returns:
    """Customers who come back some sessions later because "solved" was false."""

    engine: Learner
    guide_id: str
    due: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def expect(self, number: int, played: PlayedSession, rng: np.random.Generator) -> None:
        """Note a customer who will come back, and amend for those whose time has come."""
        if played.comes_back:
            self.due.append((number + int(rng.integers(1, _LATEST_RETURN + 1)), played.record["session_id"]))
        come: Collection[tuple[int, str]] = [each for each in self.due if each[0] <= number]
        for each in come:
            self.engine.amend(self.guide_id, each[1])
            self.due.remove(each)
