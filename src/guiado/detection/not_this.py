"""Negative examples of an author: phrases that are close to a problem and something else.

A text that is nearer to such a phrase than to all texts of the problem itself loses the confidence in it. What it loses goes to
none: that it is not this does not make it another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt

from guiado.detection.problem import Candidate, Problem
from guiado.text.terms import read_words

LEAST_LIKENESS = 0.6
"""A phrase that is less like the text says nothing about it."""
AS_NEAR, FAR_NEARER = 0.05, 0.2
"""So much nearer than the problem's own texts begins to count, and counts fully."""
LEFT = 0.15
"""What is left of a confidence then."""


@dataclass(frozen=True, slots=True)
class Denial:
    """The author's nearest phrase that is something else.

    Args:
        phrase: as it was written.
        likeness: of it and the text, -1 to 1.
        own_likeness: of the text and the nearest text of the problem itself.
    """

    phrase: str
    likeness: float
    own_likeness: float

    @property
    def worth(self) -> float:
        """Part of a confidence that is left, 0 to 1."""
        if self.likeness < LEAST_LIKENESS:
            return 1.0
        nearer = (self.likeness - self.own_likeness - AS_NEAR) / (FAR_NEARER - AS_NEAR)
        return 1 - (1 - LEFT) * min(1.0, max(0.0, nearer))


def judge_denied(candidates: Iterable[Candidate], denial_of: Callable[[str], Denial | None]) -> tuple[Candidate, ...]:
    """Candidates with the confidence that negative examples leave them, best first.

    Args:
        denial_of: finds the nearest negative example of a problem; None where it has none.
    """
    judged = (_judged(each, denial_of(each.problem_id)) for each in candidates)
    return tuple(sorted(judged, key=lambda each: -each.confidence))


def _judged(candidate: Candidate, denial: Denial | None) -> Candidate:
    worth = denial.worth if denial else 1.0
    if denial is None or worth == 1:
        return candidate
    return replace(candidate, confidence=candidate.confidence * worth, not_this=denial.phrase)


def denial_in_words(text: str, problem: Problem) -> Denial | None:
    """The nearest negative example of a problem by the words that it shares with a text, for where there is no encoder."""
    said = _keys(text)
    if not problem.not_this or not said:
        return None
    likeness, phrase = max((_likeness(said, _known_keys(phrase)), phrase) for phrase in problem.not_this)
    return Denial(phrase, likeness, max(_likeness(said, _known_keys(own)) for own in problem.texts))


@lru_cache(maxsize=8_192)
def _known_keys(text: str) -> frozenset[str]:
    """The words of a known text, which many queries ask for."""
    return _keys(text)


def _keys(text: str) -> frozenset[str]:
    return frozenset(word.key for word in read_words(text))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / sqrt(len(one) * len(other)) if one and other else 0.0
