"""Recognition of the steps of a guide that a customer says they have tried already.

A step that is wrongly taken for done costs the customer's trust, one that is offered again costs a minute: where there is doubt,
nothing was tried. So a clause counts only when its verb says that the customer themselves did it, and did it before, and when it
names the first action of a step's title and the thing that it is done to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from math import log

from guiado.guidance.deeds import WORD, Deed, deed_of, deeds_in, prepare

LEAST_CONFIDENCE = 0.6
"""Least confidence, 0..1, for which a step counts as tried."""

_LEAST_COVERED = 0.45
_LEAST_LEAD = 0.12
_UNNAMED = 0.9
"""Confidence of a clause that names the action only, where just one step has it."""


@dataclass(frozen=True, slots=True)
class StepTitles:
    """The titles of a step of a guide.

    Args:
        step_id: names it for ever.
        titles: in the languages that the customer may use.
        informs: whether the step only gives information, so that having done it is no reason to skip it.
    """

    step_id: str
    titles: tuple[str, ...]
    informs: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A step that the customer says they have tried.

    Args:
        step_id: of the guide.
        words: the customer's own clause that says so.
        confidence: 0 to 1.
    """

    step_id: str
    words: str
    confidence: float


def tried(text: str, steps: Sequence[StepTitles]) -> tuple[Tried, ...]:
    """The steps of a guide that a customer says they did already.

    Args:
        text: the customer's words, of any length; the first 2,000 characters are read.
        steps: of the guide that was found, in order.

    Returns:
        Each step at most once, in the guide's order, with the words that say so.
    """
    said = deeds_in(text)
    known = [(step, deeds) for step in steps if not step.informs and (deeds := _deeds_of(step))] if said else []
    found: dict[str, Tried] = {}
    weights = _Weights([deeds for _, deeds in known])
    for words, deed in said if known else ():
        best = _best(deed, known, weights)
        if best and (best[0] not in found or best[1] > found[best[0]].confidence):
            found[best[0]] = Tried(best[0], words, round(best[1], 2))
    return tuple(found[step.step_id] for step in steps if step.step_id in found)


class _Weights:
    """Weights of actions and things, by how well they tell the steps of one guide apart."""

    def __init__(self, deeds: Sequence[Sequence[Deed]]) -> None:
        self._count = len(deeds)
        self._frequency: dict[str, int] = {}
        for of_step in deeds:
            for named in {each for deed in of_step for each in deed.things}:
                self._frequency[named] = self._frequency.get(named, 0) + 1

    def of(self, named: AbstractSet[str]) -> float:
        """The sum of the weights of these things; a thing that no step names weighs as much as one that two name."""
        return sum(log(1 + self._count / self._frequency.get(each, 2)) for each in named)

    @property
    def action(self) -> float:
        """The weight of an action."""
        return log(1 + self._count)


_ALTERNATIVES = re.compile(r"\s(?:o|u|or|ou)\s")


@lru_cache(maxsize=1_024)
def _deeds_of(step: StepTitles) -> tuple[Deed, ...]:
    found: list[Deed] = []
    for title in step.titles:
        actions: frozenset[str] = frozenset()
        for part in _ALTERNATIVES.split(prepare(title)):
            deed = deed_of(WORD.findall(part), None)
            actions = deed.actions or actions
            if actions and deed.things:
                found.append(Deed(actions, deed.things))
    return tuple(found)


def _best(deed: Deed, known: Sequence[tuple[StepTitles, tuple[Deed, ...]]], weights: _Weights) -> tuple[str, float] | None:
    if not deed.things:
        having = [step for step, deeds in known if any(_is_same(deed, asked) for asked in deeds)]
        sure = deed.actions & {"restart", "remove"} and len(having) == 1
        return (having[0].step_id, _UNNAMED) if sure else None
    rated = sorted(((max(_alike(deed, asked, weights) for asked in deeds), step.step_id) for step, deeds in known), reverse=True)
    lead = rated[0][0] - (rated[1][0] if len(rated) > 1 else 0.0)
    return (rated[0][1], rated[0][0]) if rated[0][0] >= LEAST_CONFIDENCE and lead >= _LEAST_LEAD else None


def _is_same(deed: Deed, asked: Deed) -> bool:
    # What clears or resets is done to something that would have been named.
    return bool(deed.actions & asked.actions) and not asked.actions & {"clear", "reset"}


def _alike(deed: Deed, asked: Deed, weights: _Weights) -> float:
    common = deed.things & asked.things
    if not deed.actions & asked.actions or not common - {"again"}:
        return 0.0
    if "again" in asked.things and "again" not in deed.things and asked.actions & {"install", "download"}:
        return 0.0  # everybody who has a program downloaded it once
    if "forget" in deed.actions and "password" in deed.things:
        return 0.0
    matched = weights.of(common) + weights.action
    covered = matched / (weights.of(asked.things - {"again"} | common) + weights.action)
    return matched / (weights.of(deed.things) + weights.action) if covered >= _LEAST_COVERED else 0.0
