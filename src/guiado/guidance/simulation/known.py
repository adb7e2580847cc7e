"""Worlds made from what is known of a guide, and plain ones without noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from guiado.guidance.simulation.world import PREPARATION, AuthorView, Floats, ReportNoise, World, WorldQuestion
from guiado.guidance.wire import WireGuide, WireQuestion

USUAL_NOISE = ReportNoise(late=0.03, silent=0.03, false=0.03, returns=0.7, minutes_log_sd=0.4)
OWN_CAUSE = 0.95
"""Chance that a step removes its own cause, where nothing else is known."""
USUAL_HAZARD, USUAL_COULD_NOT = 0.03, 0.04
LEAST_OTHER = 0.05
"""Least chance of "something else", however sure the author is."""


def world_of_guide(guide: WireGuide, *, noise: ReportNoise = USUAL_NOISE) -> World:
    """A world in which the author's numbers are right; what a guide does not say is as usual."""
    steps = guide["steps"]
    names = [step["id"] for step in steps]
    helping = [i for i, step in enumerate(steps) if not step["preparation"]]
    cause_of = [helping.index(i) if i in helping else PREPARATION for i in range(len(steps))]
    removes = np.zeros((len(helping) + 1, len(steps)))
    removes[range(len(helping)), helping] = OWN_CAUSE
    theta = _shares(np.array([steps[i]["author_p"] for i in helping]))
    values: list[str | None] = [*guide["evidence"]] or [None]
    evidence = np.array([_row(guide["evidence"].get(value or "", {}), names) for value in values])
    variants = tuple(guide["variants"]) or ("",)
    minutes = np.array([step["author_minutes"] for step in steps], float)
    return World(
        guide_id=guide["guide_id"],
        steps=tuple(names),
        variants=variants,
        variant_shares=np.full(len(variants), 1 / len(variants)),
        theta=np.tile(theta, (len(variants), 1)),
        removes=removes,
        minutes=minutes,
        could_not=np.full(len(steps), USUAL_COULD_NOT),
        hazard=np.full(len(steps), USUAL_HAZARD),
        noise=noise,
        evidence=tuple(values),
        evidence_chances=chances_of(evidence, helping),
        questions=tuple(_question(question, names, helping) for question in guide["questions"]),
        after=np.array([[before in step["after"] for before in names] for step in steps]),
        irreversible=np.array([step["irreversible"] for step in steps]),
        risk_minutes=np.array([step["risk_minutes"] for step in steps], float),
        cause_of=tuple(cause_of),
        c_esc=guide["c_esc_minutes"],
        abandon_penalty=guide["abandon_penalty_minutes"],
        recontact_penalty=guide["recontact_penalty_minutes"],
        author=AuthorView(
            tuple(sorted(range(len(steps)), key=lambda i: steps[i]["author_position"])),
            np.array([step["author_p"] for step in steps], float),
            minutes,
            evidence,
        ),
    )


def plain_world(
    theta: Sequence[float], removes: Floats, minutes: Sequence[float], c_esc: float, names: Sequence[str] = ()
) -> World:
    """A world without noise, risks and questions, where every step is reversible and stands alone.

    Args:
        theta: chance of each cause.
        removes: [cause, step].
        minutes: of each step.
    """
    count = len(minutes)
    shares, first = np.array([theta], float), np.array(theta, float) @ removes
    return World(
        guide_id="plain",
        steps=tuple(names) or tuple(f"s{i}" for i in range(count)),
        variants=("",),
        variant_shares=np.ones(1),
        theta=shares,
        removes=np.array(removes, float),
        minutes=np.array(minutes, float),
        could_not=np.zeros(count),
        hazard=np.zeros(count),
        noise=ReportNoise(),
        evidence=(None,),
        evidence_chances=np.ones((shares.shape[1], 1)),
        questions=(),
        after=np.zeros((count, count), bool),
        irreversible=np.zeros(count, bool),
        risk_minutes=np.zeros(count),
        cause_of=tuple(range(count)),
        c_esc=c_esc,
        abandon_penalty=c_esc,
        recontact_penalty=c_esc,
        author=AuthorView(tuple(range(count)), first, np.array(minutes, float), np.ones((1, count))),
    )


def chances_of(weights: Floats, helping: Sequence[int]) -> Floats:
    """Chance of each value under each cause, [cause, value], from how much likelier each value makes a step, [value, step]."""
    of_causes = np.concatenate([weights[:, list(helping)], np.ones((len(weights), 1))], axis=1).T
    return of_causes / of_causes.sum(axis=1, keepdims=True)


def _shares(p: Floats) -> Floats:
    """Shares of the causes, "something else" last, from the author's chances."""
    shares = np.clip(p, 0.0, 1.0) / OWN_CAUSE
    shares *= min(1.0, (1 - LEAST_OTHER) / max(float(shares.sum()), 1e-9))
    return np.append(shares, 1 - shares.sum())


def _row(weights: Mapping[str, float], names: Sequence[str]) -> Floats:
    return np.array([weights.get(name, 1.0) for name in names], float)


def _question(question: WireQuestion, names: Sequence[str], helping: Sequence[int]) -> WorldQuestion:
    weights = np.array([_row(of_steps, names) for of_steps in question["answers"].values()])
    return WorldQuestion(question["id"], question["minutes"], tuple(question["answers"]), chances_of(weights, helping), weights.T)
