"""Likelihood of courses: how probable what a customer reported is, for each cause of the problem.

The noise of reports is part of it: a success may be noticed one step late, never be told, or be false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guiado.guidance.observations import NONE, Course
from guiado.guidance.patterns import ABANDONED, ASSUMED, ESCALATED, SOLVED
from guiado.guidance.special import Floats

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
        done = np.zeros((3, count, steps))
        for place, course in enumerate(courses):
            for depth, more in enumerate(((), (course.second,), (course.second, course.last))):
                done[depth, place, [each for each in (*course.before, *more) if each != NONE]] = 1
        last, second = _column(each.last for each in courses), _column(each.second for each in courses)
        left_in = _column(each.left_in for each in courses)
        ends = np.array([each.end for each in courses], dtype=object)
        self.returned = np.array([each.returned for each in courses], dtype=bool)
        self.solved, self.escalated = ends == SOLVED, ends == ESCALATED
        self.left, self.assumed = ends == ABANDONED, ends == ASSUMED
        told = self.solved[:, None]
        unsolved = np.where(self.assumed[:, None], done[1], done[2])
        self.failed = np.stack([unsolved, done[1], np.where(told, done[0], done[1]), done[2]])
        missing = np.full(count, NONE)
        self.solver = np.stack([
            missing,
            np.where(self.solved, last, NONE),
            np.where(self.solved, second, np.where(self.escalated, last, NONE)),
            np.where(self.left, left_in, NONE),
        ])

    def likelihood(self, removes: Floats, noise: Noise, leaves: Floats) -> Floats:
        """(C, K, P, ways) likelihood of each course for each cause.

        Args:
            removes: (C, K, n) chances that a step removes a cause.
            leaves: (n,) chance of leaving each step unhelped.
        """
        stays = np.log1p(-np.minimum(removes, 1 - 1e-9))
        out = np.exp(np.einsum("ckn,wpn->ckpw", stays, self.failed, optimize=True))
        for way in (AT_LAST, LATE, UNTOLD):
            solver = self.solver[way]
            out[..., way] *= np.where(solver == NONE, 0.0, removes[:, :, solver])
        return out * self._of_reports(noise, leaves)[:, None]

    def _stayed(self, leaves: Floats) -> Floats:
        return np.where(self.solver[UNTOLD] == NONE, 1.0, leaves[self.solver[UNTOLD]])

    def _of_reports(self, noise: Noise, leaves: Floats) -> Floats:
        """(C, P, ways) probabilities of the reports."""
        late, untold, false, back = (each[:, None] for each in (noise.late, noise.untold, noise.false, noise.back))
        unsolved = np.where(self.solved, false * np.where(self.returned, back, 1 - back), self._stayed(leaves))
        true = np.where(self.returned, 1e-4, 1.0)
        return np.stack(
            [
                unsolved,
                true * (1 - late - untold) * np.ones_like(unsolved),
                late * true * np.ones_like(unsolved),
                untold * np.ones_like(unsolved),
            ],
            axis=-1,
        )


def _column(values: object) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)  # type: ignore[arg-type]
