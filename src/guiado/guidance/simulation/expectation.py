"""Expected cost of a policy in a world, by every course that a session may take: no drawing, so no noise in the figure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from guiado.guidance.simulation.arithmetic import goes_too_far, is_ready, offer, steps_done, steps_tried
from guiado.guidance.simulation.world import Floats, World, WorldQuestion
from guiado.guidance.wire import Chooser, WireDecision, WireEvent, WireHistory


@dataclass(slots=True)
class Expectation:
    """Expected values of a session, in minutes or as chances and numbers per session.

    Args:
        solved: without a human, told or not.
        broken: steps offered before what must come before them.
        irreversible_first: irreversible steps before a reversible one that is as good.
        cut: chance of the courses that were too rare to follow; they are charged a human.
    """

    cost: float = 0.0
    solved: float = 0.0
    escalated: float = 0.0
    abandoned: float = 0.0
    false: float = 0.0
    asked: float = 0.0
    broken: float = 0.0
    irreversible_first: float = 0.0
    explored: float = 0.0
    explored_irreversible: float = 0.0
    cut: float = 0.0
    decisions: int = 0


class BadDecision(ValueError):
    """An engine chose what is not open in the session."""


def expected_cost_of(policy: Chooser, world: World, *, least_chance: float = 0.0, session_id: str = "expected") -> Expectation:
    """Follow a policy that does not learn meanwhile through every course of a session.

    Args:
        least_chance: courses rarer than this end with a human at once, which makes figures too high by less than `cut * c_esc`.
        session_id: what the sessions are called, before a dot and the number of variant and value.

    Raises:
        BadDecision: the policy chose a step or question that is not open.
    """
    walk = _Walk(policy, world, least_chance)
    for variant, name in enumerate(world.variants):
        for value, words in enumerate(world.evidence):
            weights = world.start_weights(variant, value)
            called = f"{session_id}.{variant}.{value}"
            start: WireHistory = {
                "session_id": called,
                "guide_id": world.guide_id,
                "variant": name,
                "evidence": words,
                "events": [],
            }
            walk.follow(start, weights, np.zeros_like(weights))
    return walk.total


def checked_step(world: World, decision: WireDecision, history: WireHistory) -> int:
    """Index of the step that was chosen.

    Raises:
        BadDecision: it is none of the guide's, or was offered before in the session.
    """
    chosen = decision.get("id")
    if chosen not in world.steps:
        raise BadDecision(f"{world.guide_id}: {chosen!r} is no step of this guide; it has {', '.join(world.steps)}")
    step = world.steps.index(chosen)
    if step in steps_tried(world, history["events"]):
        raise BadDecision(f"{world.guide_id}: step {chosen!r} was offered before in session {history['session_id']}")
    return step


def checked_question(world: World, decision: WireDecision, history: WireHistory) -> WorldQuestion:
    """The question that was chosen.

    Raises:
        BadDecision: it is none of the guide's, or was asked before in the session.
    """
    found = next((question for question in world.questions if question.question_id == decision.get("id")), None)
    if found is None or any(event["kind"] == "ask" and event["id"] == found.question_id for event in history["events"]):
        raise BadDecision(f"{world.guide_id}: question {decision.get('id')!r} is unknown or was asked before")
    return found


@dataclass(slots=True)
class _Walk:
    policy: Chooser
    world: World
    least_chance: float
    total: Expectation = field(default_factory=Expectation)

    def follow(self, history: WireHistory, unsolved: Floats, pending: Floats) -> None:
        """Add what comes of a session from here on."""
        chance = float(unsolved.sum() + pending.sum())
        if chance <= 0:
            return
        if chance < self.least_chance:
            self.total.cut += chance
            self._escalate(chance)
            return
        self.total.decisions += 1
        decision = self.policy.next(history)
        if decision["decision"] == "escalate":
            self._escalate(chance)
        elif decision["decision"] == "ask":
            self._ask(checked_question(self.world, decision, history), history, unsolved, pending)
        else:
            self._step(decision, history, unsolved, pending)

    def _escalate(self, chance: float) -> None:
        self.total.escalated += chance
        self.total.cost += chance * self.world.c_esc

    def _ask(self, question: WorldQuestion, history: WireHistory, unsolved: Floats, pending: Floats) -> None:
        chance = float(unsolved.sum() + pending.sum())
        self.total.asked += chance
        self.total.cost += chance * question.minutes
        for a, answer in enumerate(question.answers):
            event: WireEvent = {"kind": "ask", "id": question.question_id, "answer": answer}
            self.follow(_longer(history, event), unsolved * question.chances[:, a], pending * question.chances[:, a])

    def _step(self, decision: WireDecision, history: WireHistory, unsolved: Floats, pending: Floats) -> None:
        world, total, step = self.world, self.total, checked_step(self.world, decision, history)
        done, tried = steps_done(world, history["events"]), steps_tried(world, history["events"])
        ready, chance = is_ready(world, step, done), float(unsolved.sum() + pending.sum())
        total.broken += 0 if ready else chance
        total.irreversible_first += chance if goes_too_far(world, step, unsolved, done, tried) else 0
        if decision.get("explore"):
            total.explored += chance
            total.explored_irreversible += chance if world.irreversible[step] else 0
        came = offer(world, step, unsolved, pending, ready=ready)
        total.cost += float(came.cost)
        total.solved += float(came.solved)
        total.abandoned += float(came.abandoned)
        total.false += float(came.false)
        minutes = float(world.minutes[step])
        cannot: WireEvent = {
            "kind": "step",
            "id": world.steps[step],
            "outcome": "could_not",
            "minutes": minutes * world.noise.could_not_share,
        }
        outcome = "done" if world.is_preparation(step) else "not_helped"
        tried_it: WireEvent = {"kind": "step", "id": world.steps[step], "outcome": outcome, "minutes": minutes}
        self.follow(_longer(history, cannot), came.could_not, np.zeros_like(pending))
        self.follow(_longer(history, tried_it), came.unsolved, came.pending)


def _longer(history: WireHistory, event: WireEvent) -> WireHistory:
    return {**history, "events": [*history["events"], event]}
