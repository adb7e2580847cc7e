"""Customers with a hidden cause, who play a session with an engine and report with noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guiado.guidance.simulation.arithmetic import goes_too_far, is_ready, steps_done, steps_tried
from guiado.guidance.simulation.expectation import checked_question, checked_step
from guiado.guidance.simulation.world import Floats, World
from guiado.guidance.wire import Chooser, WireDecision, WireEvent, WireHistory


@dataclass(slots=True)
class PlayedSession:
    """A session that was played, with what is true of it.

    Args:
        record: as the engine sees it, its end included.
        cost: minutes, penalties included.
        solved: the problem is gone, and no human was needed.
        false: a "solved" that was none.
        comes_back: and the customer comes back and is recognised.
        first: the first decision, such as `step reboot`; None where it was taken to learn.
    """

    record: WireHistory
    cause: int
    cost: float = 0.0
    solved: bool = False
    false: bool = False
    comes_back: bool = False
    broken: int = 0
    irreversible_first: int = 0
    explored: int = 0
    explored_irreversible: int = 0
    decisions: int = 0
    first: str | None = None


def play(world: World, engine: Chooser, rng: np.random.Generator, session_id: str) -> PlayedSession:
    """Draw a customer and play the session to its end. The engine is only asked, not told.

    Raises:
        BadDecision: the engine chose a step or question that is not open.
    """
    variant = int(rng.choice(len(world.variants), p=world.variant_shares))
    cause = int(rng.choice(len(world.removes), p=world.theta[variant]))
    value = int(rng.choice(len(world.evidence), p=world.evidence_chances[cause]))
    history: WireHistory = {
        "session_id": session_id,
        "guide_id": world.guide_id,
        "variant": world.variants[variant],
        "evidence": world.evidence[value],
        "events": [],
    }
    customer = _Customer(world, rng, PlayedSession(history, cause), world.start_weights(variant, value))
    while "end" not in history:
        customer.answer(engine.next({**history, "events": list(history["events"])}))
    return customer.session


@dataclass(slots=True)
class _Customer:
    """The course of one session.

    Args:
        weights: of the causes, for someone who knows the world.
        gone: the problem is gone, and the customer has not noticed.
    """

    world: World
    rng: np.random.Generator
    session: PlayedSession
    weights: Floats
    gone: bool = False

    def answer(self, decision: WireDecision) -> None:
        """Do what was decided, and write down what came of it."""
        session, kind = self.session, decision["decision"]
        session.decisions += 1
        if session.decisions == 1 and not decision.get("explore"):
            session.first = " ".join([kind, decision.get("id") or ""]).strip()
        if kind == "escalate":
            session.cost += self.world.c_esc
            session.record["end"] = "escalated"
        elif kind == "ask":
            self._reply(decision)
        else:
            self._try(decision)

    def _reply(self, decision: WireDecision) -> None:
        question = checked_question(self.world, decision, self.session.record)
        answer = int(self.rng.choice(len(question.answers), p=question.chances[self.session.cause]))
        self.session.cost += question.minutes
        self.weights = self.weights * question.chances[:, answer]
        self.session.record["events"].append({"kind": "ask", "id": question.question_id, "answer": question.answers[answer]})

    def _try(self, decision: WireDecision) -> None:
        world, record = self.world, self.session.record
        step = checked_step(world, decision, record)
        done, tried = steps_done(world, record["events"]), steps_tried(world, record["events"])
        ready = is_ready(world, step, done)
        self.session.broken += not ready
        self.session.irreversible_first += goes_too_far(world, step, self.weights, done, tried)
        if decision.get("explore"):
            self.session.explored += 1
            self.session.explored_irreversible += bool(world.irreversible[step])
        spread = world.noise.minutes_log_sd
        minutes = float(world.minutes[step] * np.exp(self.rng.normal(-spread * spread / 2, spread)))
        if self.rng.random() < world.hazard[step]:
            self._leave(step, minutes * world.noise.leaving_share)
        elif not self.gone and self.rng.random() < world.could_not[step]:
            self.session.cost += minutes * world.noise.could_not_share
            self._report(step, "could_not", minutes * world.noise.could_not_share)
        else:
            self.session.cost += minutes + float(world.risk_minutes[step])
            self._do(step, minutes, ready=ready)

    def _do(self, step: int, minutes: float, *, ready: bool) -> None:
        world, noise, chance = self.world, self.world.noise, self.rng.random
        if self.gone:
            self._say_solved(step, minutes)
        elif ready and chance() < world.removes[self.session.cause, step]:
            if chance() < noise.silent:
                self.gone = True
                self._leave(step, minutes, counted=True)
            elif chance() < noise.late:
                self.gone = True
                self._fail(step, minutes)
            else:
                self.gone = True
                self._say_solved(step, minutes)
        elif not world.is_preparation(step) and chance() < noise.false:
            self.session.false, self.session.comes_back = True, bool(chance() < noise.returns)
            self.session.cost += world.c_esc + world.recontact_penalty
            self._say_solved(step, minutes)
        else:
            self._fail(step, minutes, ready=ready)

    def _fail(self, step: int, minutes: float, *, ready: bool = True) -> None:
        self.weights = self.weights * (1 - self.world.removes[:, step] * ready)
        self._report(step, "done" if self.world.is_preparation(step) else "not_helped", minutes)

    def _say_solved(self, step: int, minutes: float) -> None:
        self.session.solved = self.gone
        self._report(step, "solved", minutes)
        self.session.record["end"] = "solved"

    def _leave(self, step: int, minutes: float, *, counted: bool = False) -> None:
        session = self.session
        session.cost += (0.0 if counted else minutes) + (0.0 if self.gone else self.world.abandon_penalty)
        session.solved = self.gone
        session.record["end"] = "abandoned"
        session.record["abandoned_in"] = self.world.steps[step]
        session.record["abandoned_minutes"] = minutes

    def _report(self, step: int, outcome: str, minutes: float) -> None:
        event: WireEvent = {"kind": "step", "id": self.world.steps[step], "outcome": outcome, "minutes": minutes}  # pyright: ignore[reportAssignmentType]
        self.session.record["events"].append(event)
