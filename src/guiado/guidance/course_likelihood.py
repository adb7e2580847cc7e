"""Likelihood of courses: how probable what a customer reported is, for each cause of the problem.

The noise of reports is part of it: a success may be noticed one step late, never be told, or be false.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from guiado.guidance.observations import NONE, Course, column_of
from guiado.guidance.patterns import ABANDONED, ASSUMED, ESCALATED, SOLVED
from guiado.guidance.special import Bools, Floats

UNSOLVED, AT_LAST, LATE, UNTOLD = range(4)
WAYS = 4
"""Ways in which a course may have come about: not solved at all, solved by the last step, by the one before and noticed late, or
by the step in which the customer left."""


@dataclass(frozen=True)
class Noise:
    """The noise of reports, for each of C chains: (C,) probabilities.

    Args:
        late: of noticing a success one step late.
        untold: of leaving without telling a success.
        false: of telling a success that is none.
        back: of coming back after a false one, recognised.
    """

    late: Floats
    untold: Floats
    false: Floats
    back: Floats


class CourseTable:
    """P courses over n steps, as arrays.

    `failed[way]` (P, n): the steps that did not solve it, and `solver[way]` (P,): the one that did; -1 where none did.
    """

    def __init__(self, courses: Sequence[Course], steps: int) -> None:
        count = len(courses)
        done: Floats = np.zeros((3, count, steps))
        for place, course in enumerate(courses):
            for depth, more in enumerate(((), (course.second,), (course.second, course.last))):
                done[depth, place, [each for each in (*course.before, *more) if each != NONE]] = 1
        last, second = column_of(each.last for each in courses), column_of(each.second for each in courses)
        left_in = column_of(each.left_in for each in courses)
        self.returned = _which(each.returned for each in courses)
        self.solved = _which(each.end == SOLVED for each in courses)
        escalated = _which(each.end == ESCALATED for each in courses)
        self.left = _which(each.end == ABANDONED and each.left_in != NONE for each in courses)
        self._assumed = _which(each.end == ASSUMED for each in courses)
        self._done = done
        self.failed = done[[2, 1, 1, 2]]
        self.failed[UNSOLVED, self._assumed] = done[1, self._assumed]
        self.failed[LATE, self.solved] = done[0, self.solved]
        missing = np.full(count, NONE)
        self.solver = np.stack(
            [
                missing,
                np.where(self.solved, last, NONE),
                np.where(self.solved, second, np.where(escalated, last, NONE)),
                np.where(self.left, left_in, NONE),
            ]
        )

    def likelihood(self, removes: Floats, noise: Noise, leaves: Floats) -> Floats:
        """(ways, C, K, P) likelihood of each course for each cause.

        Args:
            removes: (C, K, n) chances that a step removes a cause.
            leaves: (n,) chance of leaving each step unhelped.
        """
        stays = np.log1p(-np.minimum(removes, 1 - 1e-9))
        least, less, full = (np.exp(stays @ done.T) for done in self._done)
        late, untold, false, back = (each[:, None, None] for each in (noise.late, noise.untold, noise.false, noise.back))
        here = self.solver[UNTOLD]
        reported = np.where(self.solved, false * np.where(self.returned, back, 1 - back), np.where(self.left, leaves[here], 1.0))
        true = np.where(self.returned, _NOT_TRUE, 1.0)
        out = np.empty((WAYS, *full.shape))
        out[UNSOLVED] = np.where(self._assumed, less, full) * reported
        out[AT_LAST] = less * self._by(AT_LAST, removes) * (1 - late - untold) * true
        out[LATE] = np.where(self.solved, least, less) * self._by(LATE, removes) * late * true
        out[UNTOLD] = full * self._by(UNTOLD, removes) * untold
        return out

    def _by(self, way: int, removes: Floats) -> Floats:
        """(C, K, P) chance that the step which solves a course in a way removes each cause; 0 where there is none."""
        solver = self.solver[way]
        return np.where(solver == NONE, 0.0, removes[:, :, solver])


_NOT_TRUE = 1e-4
"""Likelihood of a true success whose customer came back all the same."""


def _which(values: Iterable[bool]) -> Bools:
    return np.array(list(values), dtype=np.bool_)
