"""What was learned, given to the problems that it is about, as far as it may be trusted.

Authors come first, agents next, customers last: what all customers together taught about a problem weighs at most as much as what
its author wrote and agents said, and the author's own words about one problem never become an example of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from guiado.detection.problem import Example, Problem
from guiado.domain.learning_signal import Taught, text_key

CUSTOMERS_SHARE = 1.0
"""What customers taught about a problem may weigh, in parts of what author and agents say about it."""


def teach(problems: Iterable[Problem], taught: Iterable[Taught]) -> list[Problem]:
    """The problems with their examples.

    Args:
        problems: of one knowledge base.
        taught: see `store.learning.examples`; what is about no problem of this knowledge base is left out.
    """
    known = list(problems)
    written = {problem.problem_id: frozenset(map(text_key, problem.texts)) for problem in known}
    owners: dict[str, str] = {}
    for problem_id, keys in written.items():
        owners.update(dict.fromkeys(keys, problem_id))
    of_problem: dict[str, list[Taught]] = {problem_id: [] for problem_id in written}
    for example in taught:
        if example.problem_id in of_problem and not _is_settled(example, owners, written):
            of_problem[example.problem_id].append(example)
    return [replace(problem, learned=_weighed(problem, of_problem[problem.problem_id])) for problem in known]


def _is_settled(example: Taught, owners: Mapping[str, str], written: Mapping[str, frozenset[str]]) -> bool:
    """Whether the author has said what this text is about: then nobody needs to say it again, or may say something else."""
    key = text_key(example.text)
    is_own = key in written[example.problem_id]
    return is_own or (key in owners and not example.negative)


def _weighed(problem: Problem, found: list[Taught]) -> tuple[Example, ...]:
    trusted = len(problem.texts) + sum(e.weight for e in found if e.source == "agent" and not e.negative)
    ours = [e.weight for e in found if e.source != "agent"]
    share = min(1.0, CUSTOMERS_SHARE * trusted / sum(ours)) if ours else 1.0
    return tuple(Example(e.text, e.weight * (1.0 if e.source == "agent" else share), e.negative) for e in found)
