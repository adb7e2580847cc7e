"""Reads a message: which of its clauses say that something is wrong, and what the whole comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.problem import Candidate
from guiado.detection.roles.role import ROLES, Clause, MessageKind, Role

NEUTRAL = {Role.WRONG: 1.0, Role.TRIED: 1.0, Role.NOTHING: 1.0}
"""How far a clause of a role may be about a problem, whatever the knowledge base is about."""
KEPT_FROM = 0.4
"""A clause that is about a problem with this chance is ranked, 0..1."""
FULL_FROM = 0.5
"""From this chance on a confidence stays as it is."""
PERSON_FROM = 0.6
WAVERS_FROM, _ASKED = 0.12, 0.58
"""From this chance on a message may still be about a problem; what its confidence is then at most, so that it is asked."""
_COLUMN = {role: at for at, role in enumerate(ROLES)}


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as it was understood.

    Args:
        candidates: the problems that it may be about, best first.
        kind: what it is as a whole.
        clauses: with their roles, in order.
        several: ids of the problems that it names side by side, in order; empty where it names one at most.
        denied: ids of the problems that it says it is not about.
        unknown_codes: error codes, versions and models that it names and no problem has, as they were written.
    """

    candidates: tuple[Candidate, ...] = ()
    kind: MessageKind = MessageKind.PROBLEM
    clauses: tuple[Clause, ...] = ()
    several: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    unknown_codes: tuple[str, ...] = ()


def indifference(shares: Floats) -> float:
    """Indifference of a knowledge base to roles, 0..1: one whose phrases seldom say that something is wrong has other subjects.

    Args:
        shares: of each role among its phrases.
    """
    troubles = float(shares[_COLUMN[Role.WRONG]] + shares[_COLUMN[Role.TRIED]])
    return float(np.clip((_TROUBLES_FROM - troubles) / (_TROUBLES_FROM - _NO_TROUBLES), 0, 1))


_TROUBLES_FROM, _NO_TROUBLES = 0.6, 0.35
"""Shares of phrases that say that something is wrong: of a base of problems, and of one of requests and questions."""


def acceptance(shares: Floats, least: float = 0.0) -> Floats:
    """How far a clause of each role may be about a problem.

    Args:
        shares: of each role among the phrases of a problem, or of a whole knowledge base. One that is about questions must
            not refuse questions.
        least: what every role is worth, see `indifference`.

    Returns:
        0..1 for each of `ROLES`.
    """
    given = np.array([NEUTRAL.get(role, 0.0) for role in ROLES], np.float32)
    by_phrases = np.minimum(1, _SHARE_SLOPE * np.maximum(shares - _SHARE_NOISE, 0)) * _MAY_BE_PHRASES
    return np.maximum(np.maximum(given, by_phrases), least).astype(np.float32)


_SHARE_SLOPE, _SHARE_NOISE = 2.5, 0.1
_MAY_BE_PHRASES = np.array([role not in {Role.WORKS, Role.DENIED, Role.THANKS} for role in ROLES], np.float32)
"""That something works is nobody's phrase for a problem, whatever the classifier takes a phrase for."""


def about_problem(chances: Floats, accepted: Floats) -> Floats:
    """Probability that each clause is about a problem, 0..1.

    Args:
        chances: n x roles.
        accepted: as `acceptance` gives it.
    """
    return chances @ accepted


def kind_of(chances: Floats, about: Floats) -> MessageKind:
    """Kind of a message.

    Args:
        chances: clauses x roles.
        about: how likely each clause is about a problem.
    """
    if float(chances[:, _COLUMN[Role.PERSON]].max()) >= PERSON_FROM:
        return MessageKind.PERSON
    if bool((about >= KEPT_FROM).any()):
        return MessageKind.PROBLEM
    solved = said_solved(chances)
    other = float(chances[:, [_COLUMN[Role.WISH], _COLUMN[Role.THANKS], _COLUMN[Role.AUTOMATIC]]].sum(axis=1).max())
    if float(chances[:, _COLUMN[Role.NOTHING]].min()) >= _SURE:
        return MessageKind.NOTHING_SAID
    if max(solved, other) < _SURE and float(about.max()) >= WAVERS_FROM:
        return MessageKind.PROBLEM
    return MessageKind.SOLVED if solved >= other else MessageKind.OTHER


def seems_to_say_nothing(chances: Floats) -> bool:
    """Whether each clause seems to be a greeting or background; words that no problem knows may be a problem all the same.

    Args:
        chances: clauses x roles.
    """
    return bool((chances[:, _COLUMN[Role.NOTHING]] >= _SURE).all())


_SURE = 0.7


def clauses_with_roles(texts: Sequence[str], chances: Floats) -> tuple[Clause, ...]:
    """The clauses with the likeliest role of each."""
    best = chances.argmax(axis=1)
    return tuple(
        Clause(text, ROLES[int(at)], round(float(row[at]), 4)) for text, at, row in zip(texts, best, chances, strict=True)
    )


def said_solved(chances: Floats) -> float:
    """Certainty that a clause says that something works or is not the matter, 0..1."""
    return float(chances[:, [_COLUMN[Role.WORKS], _COLUMN[Role.DENIED]]].sum(axis=1).max())


def may_be_denied(chances: Floats, kept: Sequence[int]) -> bool:
    """Whether a clause that is not kept says that something works or is not the matter.

    Args:
        chances: clauses x roles.
        kept: places of the clauses that are ranked.
    """
    out = [at for at in range(len(chances)) if at not in kept]
    return bool(out) and said_solved(chances[out]) >= KEPT_FROM


def worth(chance: float) -> float:
    """Part of a confidence that is left, 0 to 1.

    Where the roles waver, the customer is asked: a confidence of 1 becomes one that is unclear, and not none.
    """
    if chance >= FULL_FROM:
        return 1.0
    if chance >= WAVERS_FROM:
        return max(_ASKED, chance / FULL_FROM)
    return chance / FULL_FROM
