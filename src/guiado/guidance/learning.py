"""Learning: the posterior of a guide from counts of patterns, from its author's numbers, and from the refit before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.knowledge import Knowledge
from guiado.guidance.observations import Observations, observe
from guiado.guidance.patterns import PatternCount, StepTime
from guiado.guidance.posterior import Chains, Posterior
from guiado.guidance.sampler import NOISE_PRIOR, Sampler, shrunk
from guiado.guidance.special import Floats

_FIRST_SWEEPS, _SWEEPS, _KEPT = 24, 3, 3
"""Sweeps from nothing, sweeps of a refit, and how many of the last are kept."""
_PRIOR_DRAWS, _ROUNDS = 12, 30
"""Draws of all chains before the first session, and rounds in which they are fitted to the author's chances."""
_SMALL, _MANY_ROWS = 16, 1_500
"""Steps up to which the prior is drawn that often, and rows from which a refit sweeps once less: time is bounded."""
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
    leaves = shrunk(seen.left, seen.tried + seen.could_not + seen.left)
    sampler = Sampler(guide, seen, leaves, rng)
    goes_on = before is not None and before.removes.shape[1:] == (guide.causes, guide.size)
    chains = before.chains if before is not None and goes_on else sampler.begin()
    shares = sampler.go_on(chains)
    kept: list[tuple[Chains, Floats, Knowledge]] = []
    if seen.courses:
        few = len(seen.course) <= _MANY_ROWS
        sweeps = (_SWEEPS if few else _SWEEPS - 1) if goes_on else _FIRST_SWEEPS
        for turn in range(sweeps):
            chains, shares = sampler.sweep(chains, shares)
            if turn >= sweeps - _KEPT:
                kept.append((chains, shares[:, -1], sampler.knowledge))
    else:
        for _ in range(_PRIOR_DRAWS if guide.size <= _SMALL else _KEPT):
            chains = sampler.begin()
            kept.append((chains, sampler.go_on(chains)[:, -1], sampler.knowledge))
        kept = _matched(guide, kept)
    return _posterior(guide, seen, times, kept, sampler.leaves)


def _matched(guide: CompiledGuide, drawn: list[tuple[Chains, Floats, Knowledge]]) -> list[tuple[Chains, Floats, Knowledge]]:
    """Draws from the prior whose mean chance of each step is the author's, not only about it."""
    shares = np.concatenate([each[1] for each in drawn])
    removes = np.concatenate([each[0].removes for each in drawn])
    wanted = guide.chance[guide.owner]
    for _ in range(_ROUNDS):
        found = np.einsum("svk,skn->n", shares, removes)[guide.owner] / (shares.shape[0] * shares.shape[1])
        shares[..., :-1] *= wanted / np.maximum(found, 1e-12)
        shares /= shares.sum(axis=-1, keepdims=True)
    parts = np.split(shares, len(drawn))
    return [(chains, part, known) for (chains, _, known), part in zip(drawn, parts, strict=True)]


def _posterior(
    guide: CompiledGuide,
    seen: Observations,
    times: Mapping[str, StepTime],
    kept: list[tuple[Chains, Floats, Knowledge]],
    leaves: Floats,
) -> Posterior:
    minutes = guide.minutes.copy()
    for step_id, time in times.items():
        if (place := guide.place.get(step_id)) is not None and time.attempts > 0 and np.isfinite(time.minutes):
            minutes[place] = (_TIME_WORTH * guide.minutes[place] + time.minutes) / (_TIME_WORTH + time.attempts)
    noise = np.concatenate([chains.noise for chains, _, _ in kept]).mean(axis=0)
    if not seen.courses:
        noise = NOISE_PRIOR[:, 0] / NOISE_PRIOR.sum(axis=1)
    return Posterior(
        np.concatenate([shares for _, shares, _ in kept]),
        np.concatenate([chains.removes for chains, _, _ in kept]),
        np.concatenate([known.evidence for _, _, known in kept]),
        np.concatenate([known.answers for _, _, known in kept]),
        minutes,
        (_COULD_NOT[0] + seen.could_not) / (_COULD_NOT[1] + seen.tried + seen.could_not),
        _PART,
        leaves,
        noise,
        seen.total,
        seen.tried,
        kept[-1][0],
    )
