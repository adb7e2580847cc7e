"""Learned examples, assigned to their problems and weighted by the trust in their source.

Authors come first, agents next, customers last: what all customers together taught about a problem weighs at most as much as what
its author wrote and agents said, and the author's own words about one problem never become an example of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from guiado.detection.problem import Example, Problem
from guiado.domain.learning_signal import Dispute, Taught, text_key

CUSTOMERS_SHARE = 1.0
"""Most weight of the customers' examples of a problem, in parts of that of its author's texts and agents' examples."""
T = TypeVar("T")


class Written:
    """Cache of what authors wrote, by guide: an edit of one among thousands computes that one again."""

    def __init__(self) -> None:
        self._problems: dict[str, tuple[object, Problem]] = {}
        self._keys: dict[str, tuple[Problem, frozenset[str]]] = {}

    def problems(self, guides: Mapping[str, T], problem_of: Callable[[T], Problem]) -> list[Problem]:
        """Return the problem of each guide; the same object for the same guide."""
        known = self._problems
        self._problems = {
            key: held if (held := known.get(key)) and held[0] is guide else (guide, problem_of(guide))
            for key, guide in guides.items()
        }
        return [problem for _, problem in self._problems.values()]

    def keys(self, problems: Iterable[Problem]) -> dict[str, frozenset[str]]:
        """Return the `text_key` of each text, by problem id."""
        known = self._keys
        self._keys = {
            problem.problem_id: held
            if (held := known.get(problem.problem_id)) and held[0] == problem
            else (problem, frozenset(map(text_key, problem.texts)))
            for problem in problems
        }
        return {key: keys for key, (_, keys) in self._keys.items()}


def teach(
    problems: Iterable[Problem], taught: Iterable[Taught], known_texts: Written | None = None, disputes: Sequence[Dispute] = ()
) -> list[Problem]:
    """Add their examples to problems.

    Args:
        problems: of one knowledge base.
        taught: see `store.learning.examples`; what is about no problem of this knowledge base is left out.
        known_texts: of an earlier call.
        disputes: see `agreement.agreed`; an author's own words about a problem are not disputed.
    """
    known, taught = list(problems), list(taught)
    if not taught and not disputes:
        return known
    written = (known_texts or Written()).keys(known)
    owners: dict[str, str] = {}
    for problem_id, keys in written.items():
        owners.update(dict.fromkeys(keys, problem_id))
    of_problem: dict[str, list[Taught]] = {problem_id: [] for problem_id in written}
    for example in taught:
        if example.problem_id in of_problem and not _is_settled(example, owners, written):
            of_problem[example.problem_id].append(example)
    disputed: dict[str, list[tuple[str, float]]] = {}
    for each in disputes:
        if each.problem_id in written and text_key(each.text) not in written[each.problem_id]:
            disputed.setdefault(each.problem_id, []).append((each.text, each.loss))
    return [
        replace(problem, learned=_weighed(problem, found), disputed=tuple(lost)) if found or lost else problem
        for problem in known
        for found, lost in [(of_problem[problem.problem_id], disputed.get(problem.problem_id, []))]
    ]


def _is_settled(example: Taught, owners: Mapping[str, str], written: Mapping[str, frozenset[str]]) -> bool:
    """Whether an author's own text settles an example: it repeats the author, or contradicts one."""
    key = text_key(example.text)
    is_own = key in written[example.problem_id]
    return is_own or (key in owners and not example.negative)


def _weighed(problem: Problem, found: list[Taught]) -> tuple[Example, ...]:
    trusted = len(problem.texts) + sum(e.weight for e in found if e.source == "agent" and not e.negative)
    ours = [e.weight for e in found if e.source != "agent"]
    share = min(1.0, CUSTOMERS_SHARE * trusted / sum(ours)) if ours else 1.0
    return tuple(Example(e.text, e.weight * (1.0 if e.source == "agent" else share), e.negative) for e in found)
