"""Plans: what to do next in a session of one guide, by what is believed of it.

A plan belongs to one version of a guide and one posterior. Up to eight steps it is exact; above, the eight that come first by
chance per minute are planned exactly, anew after each answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.exploring import worth_of_knowing
from guiado.guidance.ordering import by_chance_per_minute
from guiado.guidance.planning import FIRST_QUESTION, MOST_STEPS, StepPlan, Terms, reach_of
from guiado.guidance.posterior import Posterior, interval
from guiado.guidance.special import Floats

Action = Literal["step", "ask", "escalate"]
STEP_ACTION: Action = "step"
ASK_ACTION: Action = "ask"
PERSON_ACTION: Action = "escalate"
_MOST_CACHED = 4096
_PATIENCE = 1.1
"""Weight of a hand-over while the chances are not known, where a guide may learn: stopping too early was a third of the loss."""
_MOST_QUESTIONS = 3
"""Questions of a guide that are planned with: every answer to each needs a plan of its own."""
_EXPLORED_SHARE = 0.25
"""Most of the sessions that reach the end of what pays which try one step more, to learn from it."""
_HORIZON = (100, 300)
"""Sessions ahead for which it pays to learn: as many as there were, within these."""
_TRIALS = 3
"""Sessions that it takes to learn what one step is worth."""
_LEAST_LOSS = 1e-3
"""Minutes that a trial costs at least, so that what it teaches can be divided by them."""
_WIDE = 6.0
"""Sessions that the shares of the causes are worth where a change of the world may not have been noticed."""
_UNNOTICED = 0.2
"""Share of the samples which suppose that."""


@dataclass(frozen=True, slots=True)
class AuthorRules:
    """Rules of an author for the order of a guide, whatever was learned.

    Args:
        pinned: step_ids that come first, in this order.
        kept: pairs of step_ids of which the first comes before the second.
        floor: steps that are tried before a person is called.
        explores: whether more may be tried than pays by what is believed, to learn from it.
    """

    pinned: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    floor: int = 0
    explores: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session has come.

    Args:
        done: step_ids that did not help.
        unable: step_ids that could not be done.
        answers: question id -> answer id; questions whose answer is known otherwise are among them.
        key: of the session; it decides who explores.
    """

    variant: str = ""
    evidence: str = ""
    done: tuple[str, ...] = ()
    unable: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict[str, str])
    key: str = ""


class Score(NamedTuple):
    """A step that may be next: expected minutes of the session from here on with it first, and the chance that it solves it."""

    step_id: str
    minutes: float
    chance: float


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """A choice of what to do next.

    Args:
        action: `step`, `ask` or `escalate`.
        target: id of the step or question; None for a person.
        minutes: expected until the end of the session.
        person_minutes: expected if a person is called now.
        scores: the open steps, best first.
        propensity: with which this was chosen.
        explored: whether it was chosen to learn from it.
    """

    action: Action
    target: str | None
    minutes: float
    person_minutes: float
    scores: tuple[Score, ...]
    propensity: float = 1.0
    explored: bool = False


class Estimate(NamedTuple):
    """A chance with its 95 % interval."""

    chance: float
    low: float
    high: float


class GuidePlan:
    """The plan of a guide."""

    def __init__(self, guide: CompiledGuide, posterior: Posterior, rules: AuthorRules | None = None) -> None:
        self.guide, self.posterior, self.rules = guide, posterior, rules or AuthorRules()
        self._plans: dict[tuple[object, ...], StepPlan] = {}
        self._choices: dict[tuple[object, ...], tuple[PlanChoice, PlanChoice | None]] = {}
        self._waits = self._author_waits()
        samples = len(posterior.shares)
        self._removes = posterior.removes.reshape(samples * guide.causes, guide.size)

    def choose(self, progress: Progress) -> PlanChoice:
        """Choose what to do next."""
        done, unable = self._mask(progress.done), self._mask(progress.unable)
        unable &= ~done
        answers = tuple(sorted(progress.answers.items())) if progress.answers else ()
        state = (progress.variant, progress.evidence, answers, done, unable)
        found = self._choices.get(state)
        if found is None:
            found = self._weigh(*state)
            if len(self._choices) >= _MOST_CACHED:
                self._choices.clear()
            self._choices[state] = found
        best, trial = found
        if trial is None:
            return best
        drawn = zlib.crc32(f"{progress.key}|{done}|{unable}".encode()) / 2**32
        return trial if drawn < trial.propensity else best

    def claims(self, variant: str) -> dict[str, Estimate]:
        """The chance of each step that it solves the problem of a variant's customer if it is offered first."""
        place = self.guide.variant_place.get(variant, 0)
        samples = self.posterior.chances(place)
        wide = self._unnoticed(place)
        chances, low, high = interval(np.concatenate([samples, wide]))
        return {
            step.step_id: Estimate(float(p), float(lo), float(hi))
            for step, p, lo, hi in zip(self.guide.facts.steps, chances, low, high, strict=True)
        }

    def expected_cost(self, variant: str, order: Sequence[str]) -> float:
        """The expected minutes of a session that follows an order of step_ids, with a person after the last.

        Before the first session it is by the author's chances as they are written, each step against a cause of its own.
        """
        if self.posterior.sessions:
            return float(self.expected_costs(variant, order).mean())
        chances = self.guide.chance[self.guide.owner]
        removes = np.zeros((1, self.guide.causes, self.guide.size))
        removes[0, np.arange(len(chances)), self.guide.owner] = 1
        return float(self._costs(np.append(chances, 1 - chances.sum())[None], removes, order)[0])

    def expected_costs(self, variant: str, order: Sequence[str]) -> Floats:
        """(S,) expected minutes of a session that follows an order of step_ids, for each sample of the posterior."""
        shares = self.posterior.shares[:, self.guide.variant_place.get(variant, 0)]
        return self._costs(shares, self.posterior.removes, order)

    def _costs(self, shares: Floats, removes: Floats, order: Sequence[str]) -> Floats:
        left, total = shares.copy(), np.zeros(len(shares))
        for step_id in order:
            step = self.guide.place[step_id]
            total += (self.posterior.minutes[step] + self.guide.risk[step]) * left.sum(axis=1)
            left *= 1 - removes[:, :, step]
        return total + self.guide.facts.costs.person * left.sum(axis=1)

    def beliefs(self, progress: Progress) -> Floats:
        """(S, K) how likely each sample and cause is after all that was tried; together they are 1."""
        answers = tuple(sorted(progress.answers.items()))
        left = self._weights(progress.variant, progress.evidence, answers)
        done = self._mask(progress.done)
        left = left * np.prod(1 - self._removes[:, [i for i in range(self.guide.size) if done >> i & 1]], axis=1)
        return (left / max(left.sum(), 1e-300)).reshape(-1, self.guide.causes)

    def warm(self) -> None:
        """Plan ahead for each variant of which nothing more is known."""
        for variant in self.guide.variant_place:
            self.choose(Progress(variant))

    # ------------------------------------------------------------------------------------------------------------- weighing

    def _weigh(
        self, variant: str, evidence: str, answers: tuple[tuple[str, str], ...], done: int, unable: int
    ) -> tuple[PlanChoice, PlanChoice | None]:
        weights = self._weights(variant, evidence, answers)
        local, steps, here_done, here_unable, asked = self._plan_at(variant, evidence, answers, weights, done, unable)
        mass = float(local.reach[here_done])
        action = local.action(here_done, here_unable)
        scores = self._scores(local, steps, here_done, here_unable, mass)
        value = local.value(here_done, here_unable) / max(mass, 1e-12)
        person = self.guide.facts.costs.person
        if action >= 0:
            return PlanChoice(STEP_ACTION, self._id(steps[action]), value, person, scores), None
        if action <= FIRST_QUESTION:
            return PlanChoice(ASK_ACTION, asked[FIRST_QUESTION - action], value, person, scores), None
        best = PlanChoice(PERSON_ACTION, None, person, person, scores)
        trial = self._trial(local, steps, here_done, here_unable, weights, done) if self.rules.explores else None
        if trial is None:
            return best, None
        share, step = trial
        minutes = next(each.minutes for each in scores if each.step_id == step)
        return (
            PlanChoice(PERSON_ACTION, None, person, person, scores, 1 - share),
            PlanChoice(STEP_ACTION, step, minutes, person, scores, share, explored=True),
        )

    def _scores(self, local: StepPlan, steps: Sequence[int], done: int, unable: int, mass: float) -> tuple[Score, ...]:
        minutes = local.scores(done, unable)
        chances = [1 - float(local.reach[done | 1 << place]) / max(mass, 1e-12) for place in range(len(steps))]
        scored = [Score(self._id(step), minutes[place], chances[place]) for place, step in enumerate(steps)]
        return tuple(sorted((each for each in scored if np.isfinite(each.minutes)), key=lambda each: each.minutes))

    def _trial(
        self, local: StepPlan, steps: Sequence[int], done: int, unable: int, weights: Floats, behind: int
    ) -> tuple[float, str] | None:
        """The step beyond the stop from which most could be learned for what it costs, and the share of sessions that try it."""
        if not steps:
            return None
        costs = np.array(local.scores(done, unable))
        loss = np.maximum(costs - self.guide.facts.costs.person, _LEAST_LOSS)
        left = weights * np.prod(1 - self._removes[:, [i for i in range(self.guide.size) if behind >> i & 1]], axis=1)
        total, samples = float(left.sum()), len(self.posterior.shares)
        removes = self._removes[:, steps].reshape(samples, self.guide.causes, len(steps))
        worth = worth_of_knowing(left.reshape(samples, -1) / max(total, 1e-300), removes, local.terms, done, unable)
        worth[~np.isfinite(costs) | self.guide.irreversible[steps]] = 0.0
        place = int(np.argmax(worth / loss))
        ahead = min(max(self.posterior.sessions, _HORIZON[0]), _HORIZON[1]) * total / float(weights.sum())
        if worth[place] * ahead <= _TRIALS * loss[place]:
            return None
        return _EXPLORED_SHARE, self._id(steps[place])

    def _plan_at(
        self, variant: str, evidence: str, answers: tuple[tuple[str, str], ...], weights: Floats, done: int, unable: int
    ) -> tuple[StepPlan, list[int], int, int, list[str]]:
        """The plan around a state: itself, its steps, the state in it, and the questions it may ask."""
        questions = self.guide.facts.questions[:_MOST_QUESTIONS]
        names = [each.question_id for each in questions if each.question_id not in dict(answers)]
        if self.guide.size <= MOST_STEPS:
            plan = self._exact((variant, evidence, answers), weights, list(range(self.guide.size)), 0, answers)
            return plan, list(range(self.guide.size)), done, unable, names
        left = weights * np.prod(1 - self._removes[:, [i for i in range(self.guide.size) if done >> i & 1]], axis=1)
        costs = self.posterior.minutes + self.guide.risk
        before = tuple(need | wait for need, wait in zip(self.guide.needs, self._waits, strict=True))
        steps = by_chance_per_minute(left, self._removes, costs, self.guide.irreversible, before, done | unable, MOST_STEPS)
        steps = [step for step in steps[:MOST_STEPS] if not self._lost(step, unable)]
        plan = self._exact((variant, evidence, answers, done, unable), left, steps, done | unable, answers)
        return plan, steps, 0, 0, names

    def _exact(
        self, key: tuple[object, ...], weights: Floats, steps: list[int], behind: int, answers: tuple[tuple[str, str], ...]
    ) -> StepPlan:
        found = self._plans.get(key)
        if found is None:
            asked = list[tuple[float, list[StepPlan]]]()
            for question in self.guide.facts.questions[:_MOST_QUESTIONS]:
                if question.question_id in dict(answers):
                    continue
                said = [((question.question_id, answer), says) for answer, says in self._answers_of(question.question_id)]
                after = [self._exact((*key, each), weights * says, steps, behind, (*answers, each)) for each, says in said]
                asked.append((question.minutes, after))
            found = StepPlan(reach_of(weights, self._removes[:, steps]), self._terms(steps, behind), asked)
            if len(self._plans) >= _MOST_CACHED // 32:
                self._plans.clear()
            self._plans[key] = found
        return found

    def _terms(self, steps: list[int], behind: int) -> Terms:
        costs, believed = self.guide.facts.costs, self.posterior
        place = {step: at for at, step in enumerate(steps)}

        def within(mask: int) -> int:
            return sum(
                1 << place[each]
                for each in range(mask.bit_length())
                if mask >> each & 1 and each in place and not behind >> each & 1
            )

        return Terms(
            minutes=believed.minutes[steps],
            risk=self.guide.risk[steps],
            could_not=believed.could_not[steps],
            irreversible=self.guide.irreversible[steps],
            needs=tuple(within(self.guide.needs[step]) for step in steps),
            could_not_cost=believed.could_not_cost,
            leaves=believed.leaves[steps],
            leaving=costs.leaving,
            late=float(believed.noise[0]),
            false=float(believed.noise[2]),
            recontact=costs.recontact,
            person=costs.person,
            waits=tuple(within(self._waits[step]) for step in steps),
            floor=max(self.rules.floor - behind.bit_count(), 0),
            patience=_PATIENCE if self.rules.explores and len(believed.shares) > 1 else 1.0,
        )

    # -------------------------------------------------------------------------------------------------------------- helpers

    def _weights(self, variant: str, evidence: str, answers: tuple[tuple[str, str], ...]) -> Floats:
        shares = self.posterior.shares[:, self.guide.variant_place.get(variant, 0)]
        known = list(self.guide.facts.evidence)
        if evidence in known:
            shares = shares * self.posterior.evidence[:, known.index(evidence)]
        weights = np.ascontiguousarray(shares).reshape(-1) / len(shares)
        for question, answer in answers:
            says = dict(self._answers_of(question)).get(answer)
            weights = weights if says is None else weights * says
        return weights / max(weights.sum(), 1e-300)

    def _answers_of(self, question_id: str) -> list[tuple[str, Floats]]:
        """Each answer of a question, with its probability for each sample and cause."""
        row = 0
        for question in self.guide.facts.questions:
            if question.question_id == question_id:
                return [
                    (answer, self.posterior.answers[:, row + place].reshape(-1)) for place, answer in enumerate(question.answers)
                ]
            row += len(question.answers)
        return []

    def _unnoticed(self, place: int) -> Floats:
        """Chances of the steps in samples in which the world has changed without a sign of it yet."""
        shares = self.posterior.shares[:, place]
        rng = np.random.default_rng(1)
        some = max(1, round(_UNNOTICED * len(shares)))
        drawn = np.maximum(rng.standard_gamma(np.maximum(_WIDE * shares[:some], 0.05)), 1e-9)
        return np.einsum("sk,skn->sn", drawn / drawn.sum(axis=1, keepdims=True), self.posterior.removes[:some])

    def _author_waits(self) -> tuple[int, ...]:
        place, waits = self.guide.place, [0] * self.guide.size
        pinned = [place[each] for each in self.rules.pinned if each in place]
        for rank, step in enumerate(pinned):
            for other in range(self.guide.size):
                if other != step and other not in pinned[:rank] and not self.guide.needs[step] >> other & 1:
                    waits[other] |= 1 << step
        for first, second in self.rules.kept:
            if first in place and second in place:
                waits[place[second]] |= 1 << place[first]
        return tuple(waits)

    def _lost(self, step: int, unable: int) -> bool:
        return bool(self.guide.needs[step] & unable)

    def _mask(self, step_ids: Sequence[str]) -> int:
        mask = 0
        for each in step_ids:
            place = self.guide.place.get(each)
            if place is not None:
                mask |= 1 << place
        return mask

    def _id(self, step: int) -> str:
        return self.guide.facts.steps[step].step_id
