"""Disputed words: what several customers rejected loses a share of its confidence, and nothing else does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from guiado.detection.problem import Candidate, Problem
from guiado.text.fold import fold_accents
from guiado.text.normalise import meaningful_part

_WORD = re.compile(r"\w+")


class Disputes:
    """The words that are disputed in a knowledge base.

    Args:
        problems: with what is disputed of each.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._losses = defaultdict[str, dict[str, float]](dict)
        for problem in problems:
            for text, loss in problem.disputed:
                self._losses[_in_words(text)][problem.problem_id] = loss

    def of(self, text: str) -> dict[str, float]:
        """Problem id -> the share of its confidence that this text loses; the same words in the same order are the same text."""
        return self._losses.get(_in_words(text), {}) if self._losses else {}


def weighed(candidates: Sequence[Candidate], losses: dict[str, float]) -> tuple[Candidate, ...]:
    """Candidates without what they lost, best first.

    Args:
        losses: see `Disputes.of`.
    """
    left = [replace(each, confidence=each.confidence * (1 - losses.get(each.problem_id, 0.0))) for each in candidates]
    return tuple(sorted(left, key=lambda each: -each.confidence))


def _in_words(text: str) -> str:
    return " ".join(_WORD.findall(fold_accents(meaningful_part(text))))
