"""Observations: counts of session patterns as arrays that learning can read in one go.

A row is a block of time, a variant, what is known beside the steps (class of the description, answers), and a course: the
steps that were tried and how it ended. Many rows share a course, and the likelihood of a course is computed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from guiado.guidance.compiled import CompiledGuide
from guiado.guidance.patterns import ABANDONED, ASK, ASSUMED, COULD_NOT, ESCALATED, SOLVED, STEP, Pattern, PatternCount
from guiado.guidance.special import Floats, Ints

MOST_BLOCKS = 24
"""Blocks of time that changes are looked for between; half of them are recent and short."""
SHORT_BLOCK = 25
"""Sessions of a recent block."""
NONE = -1


class Course(NamedTuple):
    """The course of a session: indexes of steps, and how it ended.

    Args:
        before: steps that were done before the last two.
        second: the step before the last one; -1 where there is none.
        last: the last step that was done; -1 where none was.
        end: `solved`, `escalated`, `abandoned` or `assumed`.
        left_in: the step that was open when the customer left; -1 where none was.
        returned: whether "solved" was false.
    """

    before: frozenset[int]
    second: int
    last: int
    end: str
    left_in: int
    returned: bool


Known = tuple[str, tuple[tuple[str, str], ...]]
"""Class of the description, and the answers: (question, answer)."""
_Row = tuple[Course, int, int, Known]
"""Course, block, variant, and what is known beside the steps."""


@dataclass(frozen=True)
class Observations:
    """The observations of a guide: R rows over P courses.

    Args:
        courses: the distinct ones.
        course: (R,) index; rows are sorted by it.
        block, variant, known: (R,) indexes.
        sessions: (R,) numbers.
        knowledge: the distinct combinations of evidence and answers: (evidence, ((question, answer), …)).
        blocks: number of blocks.
        tried, could_not: (n,) how often a step was done, and could not be done.
        left: (n,) how often the customer left while a step was open.
        total: sessions.
    """

    courses: tuple[Course, ...]
    course: Ints
    block: Ints
    variant: Ints
    known: Ints
    sessions: Ints
    knowledge: tuple[Known, ...]
    blocks: int
    tried: Floats
    could_not: Floats
    left: Floats
    total: int


def observe(guide: CompiledGuide, counts: Iterable[PatternCount]) -> Observations:
    """Read counts of patterns, oldest block first, for a guide; steps that it does not have are passed over."""
    given = sorted(counts, key=lambda each: each.block)
    places = _blocks([each.sessions for each in given], [each.block for each in given])
    rows: dict[_Row, int] = {}
    total = 0
    tried, could_not, left = np.zeros(guide.size), np.zeros(guide.size), np.zeros(guide.size)
    for each, block in zip(given, places, strict=True):
        course = _course(guide, each.pattern)
        asked = tuple(sorted((event.id, event.result) for event in each.pattern.events if event.kind == ASK))
        variant = guide.variant_place.get(each.pattern.variant, 0)
        key = (course, block, variant, (each.pattern.evidence, asked))
        total += each.sessions
        if course.last != NONE or course.left_in != NONE:  # who was offered nothing says nothing
            rows[key] = rows.get(key, 0) + each.sessions
        for event in each.pattern.events:
            if event.kind == STEP and event.id in guide.place:
                (could_not if event.result == COULD_NOT else tried)[guide.place[event.id]] += each.sessions
        if course.left_in != NONE:
            left[course.left_in] += each.sessions
    return _arrays(rows, tried, could_not, left, total)


def _arrays(rows: dict[_Row, int], tried: Floats, could_not: Floats, left: Floats, total: int) -> Observations:
    courses = {course: place for place, course in enumerate(dict.fromkeys(key[0] for key in rows))}
    knowledge = {known: place for place, known in enumerate(dict.fromkeys(key[3] for key in rows))}
    ordered = sorted(rows, key=lambda key: courses[key[0]])
    return Observations(
        tuple(courses),
        column_of(courses[key[0]] for key in ordered),
        column_of(key[1] for key in ordered),
        column_of(key[2] for key in ordered),
        column_of(knowledge[key[3]] for key in ordered),
        column_of(rows[key] for key in ordered),
        tuple(knowledge),
        1 + max((key[1] for key in rows), default=0),
        tried,
        could_not,
        left,
        total,
    )


def column_of(values: Iterable[int]) -> Ints:
    """Whole numbers as an array."""
    return np.array(list(values), dtype=np.int64)


def _course(guide: CompiledGuide, pattern: Pattern) -> Course:
    done: list[int] = []
    for event in pattern.events:
        step = guide.place.get(event.id, NONE) if event.kind == STEP and event.result != COULD_NOT else NONE
        if step != NONE:
            done = [each for each in done if each != step] + [step]
    ends = pattern.events[-1] if pattern.events else None
    unseen = pattern.end == SOLVED and (not done or ends is None or ends.id not in guide.place)
    last, second = (done[-1] if done else NONE), (done[-2] if len(done) > 1 else NONE)
    end = ASSUMED if unseen else SOLVED if _helped_after_all(pattern) else pattern.end
    left_in = guide.place.get(pattern.left_in or "", NONE) if end == ABANDONED else NONE
    return Course(frozenset(done[:-2]), second, last, end, left_in, pattern.returned and end == SOLVED)


def _helped_after_all(pattern: Pattern) -> bool:
    """Whether the last step solved it although a person had been called before."""
    return pattern.end == ESCALATED and bool(pattern.events) and pattern.events[-1].result == SOLVED


def _blocks(sessions: Sequence[int], given: Sequence[int]) -> list[int]:
    """A block for each count: recent ones hold `SHORT_BLOCK` sessions, what is older is divided evenly.

    Counts of one given block (such as a day) stay together.
    """
    total, short = sum(sessions), MOST_BLOCKS // 2
    recent = max(total - short * SHORT_BLOCK, 0)
    long = max(recent / short, SHORT_BLOCK)
    out, passed, begun, current = list[int](), 0, 0, None
    for number, block in zip(sessions, given, strict=True):
        if block != current:
            current, begun = block, passed
        old = min(begun, recent)
        out.append(int(old // long) + int((begun - old) // SHORT_BLOCK) + (1 if begun >= recent > 0 else 0))
        passed += number
    dense = {value: place for place, value in enumerate(sorted(set(out)))}
    return [dense[value] for value in out]
