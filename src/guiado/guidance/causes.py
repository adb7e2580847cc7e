"""Causes of customers' problems: which step solves each, drawn from the chances of two versions of a guide, or inferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guiado.guidance.facts import SURE, GuideFacts
from guiado.guidance.patterns import ASSUMED, COULD_NOT, SOLVED, STEP, Pattern, PatternCount

ELSE = -1
"""Cause that no step solves."""
_USUAL_TOTAL, _LEAST = 0.75, 0.02
"""Chance of all steps together where nobody says more, and the least of one whose author gives none."""
Causes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class KnownCauses:
    """Causes that the customers of two versions of a guide may have.

    Args:
        names: step_id of each, as in the new version where it has the step.
        chances: of each, 0..1; what they leave to 1 is something else.
        former: step_id of the old version -> the name of its cause.
    """

    names: tuple[str, ...]
    chances: NDArray[np.float64]
    former: Mapping[str, str]

    @classmethod
    def of(cls, old: GuideFacts, new: GuideFacts, renamed: Mapping[str, str]) -> KnownCauses:
        """The causes of the steps of both versions; the new version's estimates go before the old one's.

        Steps that are gone where new ones came without an estimate were written anew, as far as anybody knows: the new ones
        solve what they solved. Of a step that is gone otherwise the cause is left, and nothing solves it.

        Args:
            renamed: step_id of the new version -> the one of the old version that it took over from.
        """
        former = _former(old, new, renamed)
        told = dict[str, float | None]()
        for step in old.steps:
            name, chance = former.get(step.step_id, step.step_id), 0.0 if step.preparation else step.chance
            before = told.get(name)
            told[name] = chance if before is None else before + (chance or 0.0)
        for step in new.steps:
            chance = 0.0 if step.preparation else step.chance
            told[step.step_id] = told.get(step.step_id) if chance is None else chance
        return cls(tuple(told), _settled(list(told.values())), former)

    def columns_of_new(self, guide: GuideFacts) -> list[int]:
        """Number of the cause that each step of the new version solves."""
        places = {name: place for place, name in enumerate(self.names)}
        return [places[step.step_id] for step in guide.steps]

    def columns_of_old(self, guide: GuideFacts) -> list[int]:
        """Number of the cause that each step of the old version solves."""
        places = {name: place for place, name in enumerate(self.names)}
        return [places[self.former.get(step.step_id, step.step_id)] for step in guide.steps]

    def column_of(self, step_id: str) -> int | None:
        """Number of the cause that a step of a recorded session solves; None where neither version has it."""
        name = self.former.get(step_id, step_id)
        return self.names.index(name) if name in self.names else None


def _former(old: GuideFacts, new: GuideFacts, renamed: Mapping[str, str]) -> dict[str, str]:
    """step_id of each step of the old version that goes on under another name -> that name."""
    known, before = {step.step_id for step in new.steps}, {step.step_id for step in old.steps}
    former = {gone: name for name, gone in renamed.items() if gone in before - known}
    fresh = [step.step_id for step in new.steps if step.step_id not in before and step.step_id not in renamed]
    unrated = {step.step_id for step in new.steps if step.chance is None and not step.preparation}
    heirs = [name for name in fresh if name in unrated]
    gone = [step.step_id for step in old.steps if step.step_id not in known and step.step_id not in former]
    return former | ({name: heirs[place % len(heirs)] for place, name in enumerate(gone)} if heirs else {})


def _settled(told: Sequence[float | None]) -> NDArray[np.float64]:
    """Chances that add up to `SURE` at most; steps without an estimate share what the others leave of the usual total."""
    missing = sum(chance is None for chance in told)
    given = sum(chance or 0.0 for chance in told)
    usual = max(_LEAST, (_USUAL_TOTAL - given) / missing) if missing else 0.0
    chances = np.array([usual if chance is None else chance for chance in told], dtype=np.float64)
    total = float(chances.sum())
    return chances * (SURE / total) if total > SURE else chances


def draw_causes(
    world: KnownCauses, recorded: Sequence[PatternCount], sessions: int, generator: np.random.Generator
) -> tuple[Causes, int]:
    """The cause of each customer, and the number of those that were recorded; they come first.

    Args:
        recorded: more than `sessions` of them are drawn by their numbers.
        sessions: of all together.
    """
    rows = [each for each in recorded if each.sessions > 0 and each.pattern.events]
    counts = np.array([each.sessions for each in rows], dtype=np.intp)
    total = int(counts.sum()) if rows else 0
    which = np.repeat(np.arange(len(rows)), counts)
    if total > sessions:
        which = np.sort(generator.choice(which, sessions, replace=False))
    inferred = [_inferred(rows[row].pattern, world, generator) for row in which.tolist()]
    drawn = _drawn(world.chances, sessions - len(inferred), generator)
    return np.concatenate([np.array(inferred, dtype=np.intp), drawn]), len(inferred)


def _inferred(pattern: Pattern, world: KnownCauses, generator: np.random.Generator) -> int:
    """The cause of a recorded session: the step that solved, else one of those that were not tried, or something else."""
    tried = [event for event in pattern.events if event.kind == STEP]
    if tried and tried[-1].result == SOLVED and pattern.end == SOLVED and not pattern.returned:
        column = world.column_of(tried[-1].id)
        return ELSE if column is None else column
    chances = world.chances.copy()
    rest = max(0.0, 1.0 - float(chances.sum()))
    known = tried[:-1] if pattern.end == ASSUMED else tried
    ruled_out = {world.column_of(event.id) for event in known if event.result != COULD_NOT}
    chances[[column for column in ruled_out if column is not None]] = 0.0
    total = float(chances.sum()) + rest
    if total <= 0:
        return ELSE
    return int(_places(chances / total, generator.random(1))[0])


def _drawn(chances: NDArray[np.float64], customers: int, generator: np.random.Generator) -> Causes:
    """Causes in the proportions of their chances, as nearly as whole customers allow, in random order."""
    if customers <= 0:
        return np.zeros(0, dtype=np.intp)
    spread = (np.arange(customers) + generator.random()) / customers
    return generator.permutation(_places(chances, spread))


def _places(chances: NDArray[np.float64], spread: NDArray[np.float64]) -> Causes:
    found = np.searchsorted(np.cumsum(chances), spread, side="right").astype(np.intp)
    found[found >= len(chances)] = ELSE
    return found
