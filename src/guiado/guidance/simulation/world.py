"""One guide as it really is: causes, what each step removes, minutes, noise of reports, and what its author believes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guiado.guidance.wire import WireGuide, WireQuestion, WireStep

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PREPARATION = -1
"""Cause of a step that removes none: a mere preparation."""
TOLD_BY_AUTHOR = 1.05
"""Least factor, up or down, for which an author writes a weight."""


@dataclass(frozen=True, slots=True)
class ReportNoise:
    """Ways in which what is reported differs from what happened.

    Args:
        late: chance that a success is noticed only in the next step.
        silent: chance that a success is never told: the customer leaves.
        false: chance that a step that did not help is called a success.
        returns: chance that such a customer comes back and is recognised.
        minutes_log_sd: spread of a step's minutes between sessions.
        could_not_share: part of a step's minutes spent until it turns out that it cannot be done.
        leaving_share: part of a step's minutes spent by someone who leaves in it.
    """

    late: float = 0.0
    silent: float = 0.0
    false: float = 0.0
    returns: float = 0.0
    minutes_log_sd: float = 0.0
    could_not_share: float = 0.3
    leaving_share: float = 0.5


@dataclass(frozen=True, slots=True)
class WorldQuestion:
    """A question with its real answers.

    Args:
        chances: [cause, answer], each row sums to 1.
        weights: [step, answer], what the author believes.
    """

    question_id: str
    minutes: float
    answers: tuple[str, ...]
    chances: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class AuthorView:
    """A guide's numbers as its author wrote them.

    Args:
        order: indices of steps.
        p: chance of each step to solve it if it is offered first.
        evidence: [value, step], how much likelier a value makes a step.
    """

    order: tuple[int, ...]
    p: Floats
    minutes: Floats
    evidence: Floats


@dataclass(frozen=True, slots=True)
class World:
    """A guide as it really is. The last cause is "something else".

    Args:
        theta: [variant, cause], each row sums to 1.
        removes: [cause, step], chance that a step that is done removes a cause.
        minutes: mean of each step, in minutes.
        could_not: chance of each step that a customer cannot do it.
        hazard: chance of each step that a customer leaves in it.
        evidence_chances: [cause, value], each row sums to 1.
        after: [step, step], which steps must come before.
        cause_of: own cause of each step, or `PREPARATION`.
    """

    guide_id: str
    steps: tuple[str, ...]
    variants: tuple[str, ...]
    variant_shares: Floats
    theta: Floats
    removes: Floats
    minutes: Floats
    could_not: Floats
    hazard: Floats
    noise: ReportNoise
    evidence: tuple[str | None, ...]
    evidence_chances: Floats
    questions: tuple[WorldQuestion, ...]
    after: Bools
    irreversible: Bools
    risk_minutes: Floats
    cause_of: tuple[int, ...]
    c_esc: float
    abandon_penalty: float
    recontact_penalty: float
    author: AuthorView

    @property
    def costs(self) -> Floats:
        """Minutes and expected damage of each step."""
        return self.minutes + self.risk_minutes

    def is_preparation(self, step: int) -> bool:
        """A step that removes no cause."""
        return self.cause_of[step] == PREPARATION

    def first_chances(self, variant: int) -> Floats:
        """Chance of each step to solve it if it is done first."""
        return self.theta[variant] @ self.removes

    def start_weights(self, variant: int, value: int) -> Floats:
        """Chance of each cause together with a variant and a value of the evidence; they sum to 1 over all three."""
        return self.variant_shares[variant] * self.theta[variant] * self.evidence_chances[:, value]

    def drifted(self, rng: np.random.Generator, log_sd: float) -> World:
        """The same guide after the frequencies of its causes have changed."""
        changed = self.theta * np.exp(rng.normal(0, log_sd, len(self.removes)))
        return replace(self, theta=changed / changed.sum(axis=1, keepdims=True))

    def guide(self) -> WireGuide:
        """The guide as its author knows it."""
        return {
            "guide_id": self.guide_id,
            "guide_version": "1",
            "c_esc_minutes": self.c_esc,
            "abandon_penalty_minutes": self.abandon_penalty,
            "recontact_penalty_minutes": self.recontact_penalty,
            "variants": list(self.variants),
            "steps": [self._step(place, step) for place, step in enumerate(self.author.order, 1)],
            "evidence": {value: self._weights(self.author.evidence[e]) for e, value in enumerate(self.evidence) if value},
            "questions": [self._question(question) for question in self.questions],
        }

    def _step(self, place: int, step: int) -> WireStep:
        return {
            "id": self.steps[step],
            "author_position": place,
            "author_p": float(self.author.p[step]),
            "author_minutes": float(self.author.minutes[step]),
            "preparation": self.is_preparation(step),
            "irreversible": bool(self.irreversible[step]),
            "risk_minutes": float(self.risk_minutes[step]),
            "after": [self.steps[before] for before in np.flatnonzero(self.after[step])],
        }

    def _question(self, question: WorldQuestion) -> WireQuestion:
        weights = {answer: self._weights(question.weights[:, a]) for a, answer in enumerate(question.answers)}
        return {"id": question.question_id, "minutes": question.minutes, "answers": weights}

    def _weights(self, of_steps: Floats) -> dict[str, float]:
        told = {self.steps[step]: float(weight) for step, weight in enumerate(of_steps) if not self.is_preparation(step)}
        return {step: weight for step, weight in told.items() if not 1 / TOLD_BY_AUTHOR < weight < TOLD_BY_AUTHOR}
