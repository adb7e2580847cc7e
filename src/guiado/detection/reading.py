"""Reads a message: which of its clauses say that something is wrong, and what the whole comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.classifier.calibration import shifted
from guiado.detection.problem import Candidate
from guiado.detection.roles.head import KINDS
from guiado.detection.roles.role import ROLES, Clause, MessageKind, Role
from guiado.detection.verdict import DEFAULT_THRESHOLD

NEUTRAL = {Role.WRONG: 1.0, Role.TRIED: 1.0, Role.NOTHING: 1.0}
"""How far a clause of a role may be about a problem, whatever the knowledge base is about."""
KEPT_FROM = 0.4
"""A clause that is about a problem with this chance is ranked, 0..1."""
FULL_FROM = 0.6
"""From this chance on a confidence stays as it is."""
PERSON_FROM = 0.6
WAVERS_FROM = 0.12
"""From this chance on a message may still be about a problem, and its customer is asked."""
_COLUMN = {role: at for at, role in enumerate(ROLES)}


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as it was understood.

    Args:
        candidates: the problems that it may be about, best first.
        kind: what it is as a whole.
        clauses: with their roles, in order.
        several: the problems that it names side by side, in order, with the confidence of each part; empty where it names one
            at most.
        denied: ids of the problems that it says it is not about.
        unknown_codes: error codes, versions and models that it names and no problem has, as they were written.
    """

    candidates: tuple[Candidate, ...] = ()
    kind: MessageKind = MessageKind.PROBLEM
    clauses: tuple[Clause, ...] = ()
    several: Mapping[str, float] = field(default_factory=dict[str, float])
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


def accepted_kinds(accepted: Floats) -> Floats:
    """How far a message of each kind may be about a problem, 0..1, in the order of `KINDS`.

    Args:
        accepted: of roles, as `acceptance` gives it.
    """
    of = dict(zip(ROLES, accepted.tolist(), strict=True))
    by_kind = {
        MessageKind.PROBLEM: 1.0,
        MessageKind.SOLVED: of[Role.WORKS],
        MessageKind.PERSON: of[Role.PERSON],
        MessageKind.NOTHING_SAID: of[Role.NOTHING],
        MessageKind.OTHER: max(of[Role.WISH], of[Role.THANKS], of[Role.AUTOMATIC]),
    }
    return np.array([by_kind[kind] for kind in KINDS], np.float32)


def kind_of(roles: Floats, kinds: Floats, chance: float) -> MessageKind:
    """Kind of a message.

    Args:
        roles: clauses x roles, their chances.
        kinds: chance of each of `KINDS` for the whole.
        chance: that it is about a problem.
    """
    of = dict(zip(KINDS, kinds.tolist(), strict=True))
    if max(float(roles[:, _COLUMN[Role.PERSON]].max()), of[MessageKind.PERSON]) >= PERSON_FROM:
        return MessageKind.PERSON
    if chance >= KEPT_FROM:
        return MessageKind.PROBLEM
    if float(roles[:, _COLUMN[Role.NOTHING]].min()) >= _SURE:
        return MessageKind.NOTHING_SAID
    likeliest = max((MessageKind.SOLVED, MessageKind.OTHER, MessageKind.NOTHING_SAID), key=of.__getitem__)
    return MessageKind.PROBLEM if chance >= WAVERS_FROM and of[likeliest] < _LIKELY else likeliest


def seems_to_say_nothing(chances: Floats) -> bool:
    """Whether each clause seems to be a greeting or background; words that no problem knows may be a problem all the same.

    Args:
        chances: clauses x roles.
    """
    return bool((chances[:, _COLUMN[Role.NOTHING]] >= _SURE).all())


_SURE, _LIKELY = 0.7, 0.65


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


def tempered(confidence: float, chance: float) -> float:
    """Confidence in a problem, given the chance that the message is about a problem at all.

    Where the roles waver, the customer is asked: a high confidence becomes one that is unclear, and not none.

    Args:
        confidence: 0..1, of a message that is about a problem.
        chance: 0..1.
    """
    if chance >= FULL_FROM:
        return confidence
    if chance >= WAVERS_FROM:
        return min(confidence, DEFAULT_THRESHOLD) + _WAVERING * max(confidence - DEFAULT_THRESHOLD, 0)
    return confidence * chance / FULL_FROM


_WAVERING = 0.3
"""Part that is left of the confidence above the threshold, 0..1: one that was sure stays under `DEFAULT_ACCEPT`."""


def surer_of_complaint(candidates: Sequence[Candidate], weight: float) -> list[Candidate]:
    """Raise the confidences of a message that complains, up to where its customer is asked.

    Confidences are fitted where one message in five is about no known problem. Many of those are wishes, praise and chatter, so
    that of complaints fewer are.

    Args:
        candidates: best first.
        weight: how far the knowledge base is one of problems, 0..1.
    """
    if not candidates or not 0 < candidates[0].confidence < _SURE_OF_COMPLAINT:
        return list(candidates)
    first_two = min(sum(each.confidence for each in candidates[:2]), _NEARLY_SURE)
    raised = shifted(first_two, weight * _ODDS_OF_COMPLAINT) / first_two
    raised = max(1.0, min(raised, _SURE_OF_COMPLAINT / candidates[0].confidence))
    left = max(0.0, 1 - raised * first_two) / (1 - first_two)
    weights = [raised if place < 2 else left for place in range(len(candidates))]  # noqa: PLR2004 the first two
    return [replace(each, confidence=each.confidence * weight) for each, weight in zip(candidates, weights, strict=True)]


_ODDS_OF_COMPLAINT = 0.35
"""Log-odds by which complaints are about known problems more often than messages; `data/roles/train.jsonl` tells twice that."""
_SURE_OF_COMPLAINT = 0.59
_NEARLY_SURE = 0.999
