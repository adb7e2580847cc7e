"""Knowledge beside the steps: what a description and the answers to questions say about the causes.

The author's weights are the prior of a table for each chain, and each table is drawn anew from it and from what was seen: an
author's weights are rough, and taking one best table for the truth would let the answers of a few decide between causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.observations import Known
from guiado.guidance.special import Floats

_WORTH = 10.0
"""Sessions that the author's weights are worth, for each cause."""
_LEAST = 1e-9


@dataclass(frozen=True)
class Knowledge:
    """Tables of C chains.

    Args:
        evidence: (C, E, K) how much likelier a cause is with each class of descriptions.
        answers: (C, A, K) probability of each answer for each cause, questions one after another.
    """

    evidence: Floats
    answers: Floats


class KnowledgeTables:
    """The tables of a guide: their prior, and how they are drawn."""

    def __init__(self, guide: CompiledGuide, combinations: Sequence[Known]) -> None:
        facts = guide.facts
        self._causes = guide.causes
        self._classes = list(facts.evidence)
        self._answers = [(question.question_id, answer) for question in facts.questions for answer in question.answers]
        said = [guide.weights_of(each) for question in facts.questions for each in question.answers.values()]
        self._prior_of_answers = _normal(np.array(said).reshape(-1, guide.causes), self._rows())
        said = [guide.weights_of(facts.evidence[name]) for name in self._classes]
        self._prior_of_classes = _normal(np.array(said).reshape(-1, guide.causes), [list(range(len(self._classes)))])
        self._classes_of = np.zeros((len(combinations), len(self._classes)))
        self._answers_of = np.zeros((len(combinations), len(self._answers)))
        for row, (name, asked) in enumerate(combinations):
            if name in self._classes:
                self._classes_of[row, self._classes.index(name)] = 1
            for each in asked:
                if each in self._answers:
                    self._answers_of[row, self._answers.index(each)] = 1

    def draw(self, numbers: Floats, rng: np.random.Generator) -> Knowledge:
        """Draw the tables.

        Args:
            numbers: (C, K, N) sessions of each cause and combination; all 0 where nothing was seen.
        """
        answers = self._drawn(self._prior_of_answers, numbers @ self._answers_of, self._rows(), rng)
        classes = [list(range(len(self._classes)))]
        evidence = self._drawn(self._prior_of_classes, numbers @ self._classes_of, classes, rng)
        return Knowledge(evidence * max(len(self._classes), 1), answers)

    def weights(self, known: Knowledge) -> Floats:
        """(C, K, N) how much likelier each cause is, for each combination."""
        logs = np.log(known.evidence).transpose(0, 2, 1) @ self._classes_of.T
        return np.exp(logs + np.log(known.answers).transpose(0, 2, 1) @ self._answers_of.T)

    def _rows(self) -> list[list[int]]:
        """The rows of each question."""
        questions = dict.fromkeys(question for question, _ in self._answers)
        return [[row for row, (name, _) in enumerate(self._answers) if name == question] for question in questions]

    def _drawn(self, prior: Floats, seen: Floats, groups: list[list[int]], rng: np.random.Generator) -> Floats:
        """(C, rows, K) tables whose rows of a group add up to 1 for each cause.

        Args:
            seen: (C, K, rows) sessions.
        """
        counted = seen.transpose(0, 2, 1)
        usual = np.zeros_like(counted)
        for rows in groups:  # how frequent an answer is at all is not for the author to know
            share = 2 + counted[:, rows].sum(axis=2, keepdims=True)
            usual[:, rows] = prior[rows] * share / (prior[rows] * share).sum(axis=1, keepdims=True)
        drawn = np.maximum(rng.standard_gamma(np.maximum(_WORTH * usual + counted, 0.02)), _LEAST)
        for rows in groups:
            drawn[:, rows] /= drawn[:, rows].sum(axis=1, keepdims=True)
        return drawn


def _normal(table: Floats, groups: list[list[int]]) -> Floats:
    out = table.copy()
    for rows in groups:
        out[rows] /= out[rows].sum(axis=0)
    return out
