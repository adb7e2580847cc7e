"""Order of the steps of a guide that is too long to plan exactly: chance per minute, and the best place to stop.

Source: Kadane and Simon 1977 (p/c); the best prefix of it with a person behind, research/mission-anchors.md.
"""

from __future__ import annotations

import numpy as np

from guiado.guidance.planning import DOMINATES
from guiado.guidance.special import Bools, Floats


def by_chance_per_minute(
    weights: Floats,
    removes: Floats,
    costs: Floats,
    irreversible: Bools,
    before: tuple[int, ...],
    behind: int = 0,
    most: int = 0,
) -> list[int]:
    """Order the steps by the chance per minute that each has once those in front of it have failed.

    A step that waits for others brings them along, and its minutes count with theirs. Irreversible ones come after reversible
    ones that are nearly as good.

    Args:
        weights: (M,) of each sample and cause.
        removes: (M, n) chances that each step removes it.
        costs: (n,) minutes and risk.
        before: bit masks of the steps that each waits for.
        behind: bit mask of the steps that are out already.
        most: steps that are needed; 0 for all.
    """
    left, order = weights.copy(), list[int]()
    while not most or len(order) < most:
        open_steps = [step for step in range(len(costs)) if not behind >> step & 1]
        bundles = [bundle for step in open_steps if (bundle := _bundle(step, before, behind))]
        if not bundles:
            break
        alone = left @ removes / (costs * max(float(left.sum()), 1e-300))
        gains = np.array([alone[each[0]] if len(each) == 1 else _gain(left, removes, costs, each) for each in bundles])
        final = np.array([bool(irreversible[bundle].any()) for bundle in bundles])
        if final.any() and not final.all() and gains[~final].max() > DOMINATES * gains[final].max():
            gains[final] = -1.0
        chosen = bundles[int(np.argmax(gains))]
        for step in chosen:
            left *= 1 - removes[:, step]
            behind |= 1 << step
        order += chosen
    return order


def _bundle(step: int, before: tuple[int, ...], behind: int) -> list[int]:
    """The step with all that it waits for, in an order that respects it; empty where it waits in a circle."""
    out, path = list[int](), set[int]()

    def add(each: int) -> bool:
        if behind >> each & 1 or each in out:
            return True
        if each in path:
            return False
        path.add(each)
        fine = all(add(need) for need in range(before[each].bit_length()) if before[each] >> need & 1)
        out.append(each)
        return fine

    return out if add(step) else []


def _gain(left: Floats, removes: Floats, costs: Floats, bundle: list[int]) -> float:
    """Chance per minute of a bundle, for those who are left; the later steps of it are taken by fewer."""
    mass, minutes = left, 0.0
    total = float(left.sum())
    if total <= 0:
        return 0.0
    for step in bundle:
        minutes += float(mass.sum()) * float(costs[step])
        mass = mass * (1 - removes[:, step])
    return (total - float(mass.sum())) / max(minutes, 1e-9)
