"""Learning: the posterior of a guide from counts of patterns, from its author's numbers, and from the refit before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.observations import Observations, observe
from guiado.guidance.patterns import PatternCount, StepTime
from guiado.guidance.posterior import Chains, Posterior
from guiado.guidance.sampler import NOISE_PRIOR, Sampler, shrunk
from guiado.guidance.special import Floats

_FIRST_SWEEPS, _SWEEPS, _KEPT = 24, 3, 3
"""Sweeps from nothing, sweeps of a refit, and how many of the last are kept."""
_WORDS_WORTH = 10.0
"""Sessions that the author's weights of answers and descriptions are worth."""
_TIME_WORTH = 3.0
"""Attempts that the author's minutes are worth."""
_COULD_NOT = (0.6, 12.0)
"""Prior of a step that cannot be done: hits and tries."""
_PART = 0.4
"""Share of a step's minutes that it takes to find out that it cannot be done."""


def fit(
    guide: CompiledGuide,
    counts: Iterable[PatternCount],
    times: Mapping[str, StepTime],
    before: Posterior | None = None,
    seed: int = 1,
) -> Posterior:
    """Fit the posterior of a guide.

    Args:
        counts: of all its sessions; the order of blocks is the order of time.
        times: step_id -> how long it took.
        before: the refit before, of the same steps, from which the chains go on; None begins anew.
        seed: of the draws.
    """
    seen = observe(guide, counts)
    rng = np.random.default_rng(seed)
    tables = _Tables(guide)
    leaves = shrunk(seen.left, seen.tried + seen.could_not + seen.left)
    sampler = Sampler(guide, seen, tables.of(seen), leaves, rng)
    goes_on = before is not None and before.removes.shape[1:] == (guide.causes, guide.size)
    chains = before.chains if before is not None and goes_on else sampler.begin()
    shares = sampler.go_on(chains)
    sweeps = _SWEEPS if goes_on else _FIRST_SWEEPS
    kept: list[tuple[Chains, Floats]] = []
    for turn in range(sweeps if seen.courses else _KEPT):
        if seen.courses:
            chains, shares, known = sampler.sweep(chains, shares)
            tables.learn(seen, known)
            sampler.knowledge = tables.of(seen)
        else:
            chains = sampler.begin()
            shares = sampler.go_on(chains)
        if turn >= (sweeps if seen.courses else _KEPT) - _KEPT:
            kept.append((chains, shares[:, -1]))
    return _posterior(guide, seen, times, kept, tables, sampler.leaves)


def _posterior(
    guide: CompiledGuide,
    seen: Observations,
    times: Mapping[str, StepTime],
    kept: list[tuple[Chains, Floats]],
    tables: _Tables,
    leaves: Floats,
) -> Posterior:
    minutes = guide.minutes.copy()
    for step_id, time in times.items():
        if (place := guide.place.get(step_id)) is not None and time.attempts > 0 and np.isfinite(time.minutes):
            minutes[place] = (_TIME_WORTH * guide.minutes[place] + time.minutes) / (_TIME_WORTH + time.attempts)
    noise = np.concatenate([chains.noise for chains, _ in kept]).mean(axis=0)
    if not seen.courses:
        noise = NOISE_PRIOR[:, 0] / NOISE_PRIOR.sum(axis=1)
    return Posterior(
        np.concatenate([shares for _, shares in kept]),
        np.concatenate([chains.removes for chains, _ in kept]),
        tables.evidence(),
        tables.answers(),
        minutes,
        (_COULD_NOT[0] + seen.could_not) / (_COULD_NOT[1] + seen.tried + seen.could_not),
        _PART,
        leaves,
        noise,
        seen.total,
        seen.tried,
        kept[-1][0],
    )


class _Tables:
    """What descriptions and answers say about the causes: the author's weights, corrected by what was seen."""

    def __init__(self, guide: CompiledGuide) -> None:
        self._evidence = list(guide.facts.evidence)
        self._answers = [(question.question_id, answer) for question in guide.facts.questions for answer in question.answers]
        self._questions = [question for question, _ in self._answers]
        self._causes = guide.causes
        weights = [guide.weights_of(guide.facts.evidence[name]) for name in self._evidence]
        self._evidence_prior = np.array(weights).reshape(-1, guide.causes)
        said = [guide.weights_of(said) for question in guide.facts.questions for said in question.answers.values()]
        self._answer_prior = self._of_question(np.array(said).reshape(-1, guide.causes))
        self._evidence_seen, self._answer_seen = np.zeros_like(self._evidence_prior), np.zeros_like(self._answer_prior)
        self._all = np.zeros(guide.causes)

    def _of_question(self, table: Floats) -> Floats:
        """Make the columns of each question add up to 1."""
        out = table.copy()
        for question in set(self._questions):
            rows = [place for place, each in enumerate(self._questions) if each == question]
            out[rows] /= out[rows].sum(axis=0)
        return out

    def answers(self) -> Floats:
        """(A, K) probability of each answer for each cause."""
        if not len(self._answer_prior):
            return self._answer_prior
        seen = self._answer_seen
        base = _WORDS_WORTH * self._of_question(self._answer_prior * (2 + seen.sum(axis=1, keepdims=True)))
        return self._of_question(base + seen)

    def evidence(self) -> Floats:
        """(E, K) how much likelier a cause is with each class of descriptions."""
        if not len(self._evidence_prior):
            return self._evidence_prior
        share = (2 + self._evidence_seen.sum(axis=1, keepdims=True)) / (2 * len(self._evidence) + 2 + self._all.sum())
        base = self._evidence_prior * share
        return (_WORDS_WORTH * base + self._evidence_seen) / (_WORDS_WORTH + self._all) / share

    def of(self, seen: Observations) -> Floats:
        """(N, K) how much likelier each cause is, for each combination of evidence and answers."""
        out = np.ones((max(len(seen.knowledge), 1), self._causes))
        evidence, answers = self.evidence(), self.answers()
        for row, (name, asked) in zip(out, seen.knowledge, strict=False):
            if name in self._evidence:
                row *= evidence[self._evidence.index(name)]
            for each in asked:
                if each in self._answers:
                    row *= answers[self._answers.index(each)]
        return out

    def learn(self, seen: Observations, known: Floats) -> None:
        """Count the causes of each combination, (N, K), as a sweep found them."""
        self._evidence_seen[:], self._answer_seen[:] = 0, 0
        self._all = known.sum(axis=0)
        for numbers, (name, asked) in zip(known, seen.knowledge, strict=True):
            if name in self._evidence:
                self._evidence_seen[self._evidence.index(name)] += numbers
            for each in asked:
                if each in self._answers:
                    self._answer_seen[self._answers.index(each)] += numbers
