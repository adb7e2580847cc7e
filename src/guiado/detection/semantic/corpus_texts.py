"""The known texts of a knowledge base, without duplicates, as written and as the encoder reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby
from typing import NamedTuple

import numpy as np

from guiado.detection.arrays import Floats, Marks, Rows
from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.detection.problem import Problem

_WORD = re.compile(r"[^\W\d_]+")
_HEADINGS = 2


@dataclass(frozen=True)
class Texts:
    """The known texts of all problems, those of one problem side by side.

    Args:
        problem_ids: in alphabetical order.
        spoken: each text as it was written.
        clean: each text as the encoder reads it.
        owners: position in `problem_ids` of each text's problem.
        trust: of each text, 0..1.
        negative: whether it is said that the text is *not* about its problem.
        heading: whether an author wrote it as a title or description, or as a phrase that is something else: not how customers
            speak of the problem.
        words: every word of the knowledge base as the encoder reads it, and how often it occurs.
    """

    problem_ids: tuple[str, ...]
    spoken: tuple[str, ...]
    clean: tuple[str, ...]
    owners: Rows
    trust: Floats
    negative: Marks
    heading: Marks
    words: Counter[str] = field(default_factory=Counter[str])

    def __len__(self) -> int:
        return len(self.spoken)

    @cached_property
    def denied(self) -> Marks:
        """Whether a session taught that the text is not about its problem; an author's `not_this` is judged by itself."""
        return self.negative & ~self.heading

    def only(self, rows: Rows) -> Texts:
        """The texts of these rows, in their order; all problems and all words stay."""
        return Texts(
            self.problem_ids,
            tuple(self.spoken[int(row)] for row in rows),
            tuple(self.clean[int(row)] for row in rows),
            self.owners[rows],
            self.trust[rows],
            self.negative[rows],
            self.heading[rows],
            self.words,
        )


class ReadTexts(NamedTuple):
    """Problems with the texts that were read of them.

    Args:
        problems: with different ids, in alphabetical order.
        texts: of them.
    """

    problems: Sequence[Problem]
    texts: Texts


class _Columns(NamedTuple):
    """Columns of consecutive texts."""

    spoken: Sequence[str]
    clean: Sequence[str]
    trust: Floats
    negative: Marks
    heading: Marks


def texts_of(problems: Sequence[Problem], previous: ReadTexts | None = None, readings: Readings = NOTHING) -> tuple[Texts, Rows]:
    """Read the texts of problems, each text once.

    Args:
        problems: with different ids, in alphabetical order.
        previous: the texts of problems that did not change are taken over: to read 250,000 texts anew takes half a minute.
        readings: of texts that were read before.

    Returns:
        The texts, and where each one was among the previous ones: -1 for one that is new.
    """
    held = _held(problems, previous) if previous else [None] * len(problems)
    new = [_read(problem, readings) for problem, rows in zip(problems, held, strict=True) if rows is None]
    parts, fresh = list[_Columns](), iter(new)
    for rows, group in groupby(_runs(held)):
        parts += [next(fresh) for _ in group] if rows is None or previous is None else [_part(previous.texts, *rows)]
    lengths = map(len, (columns.spoken for columns in new))
    counts = [next(lengths) if rows is None else rows[1] - rows[0] for rows in held]
    texts = Texts(
        tuple(problem.problem_id for problem in problems),
        tuple(chain.from_iterable(part.spoken for part in parts)),
        tuple(chain.from_iterable(part.clean for part in parts)),
        np.repeat(np.arange(len(counts)), counts),
        np.concatenate([np.zeros(0, np.float32), *(part.trust for part in parts)]),
        np.concatenate([np.zeros(0, np.bool_), *(part.negative for part in parts)]),
        np.concatenate([np.zeros(0, np.bool_), *(part.heading for part in parts)]),
        _recount(previous.texts if previous else None, held, new),
    )
    begins = np.array([-1 if rows is None else rows[0] for rows in held], np.int64)[texts.owners]
    offsets = np.arange(len(texts)) - np.searchsorted(texts.owners, texts.owners)
    return texts, np.where(begins < 0, -1, begins + offsets)


_Held = tuple[int, int] | None
"""Begin and end of an unchanged problem's texts among those read before; None for a problem to be read."""


def _held(problems: Sequence[Problem], previous: ReadTexts) -> list[_Held]:
    known = {problem.problem_id: place for place, problem in enumerate(previous.problems)}
    bounds: list[int] = np.searchsorted(previous.texts.owners, np.arange(len(known) + 1)).tolist()
    found: list[_Held] = []
    for problem in problems:
        place = known.get(problem.problem_id)
        same = place is not None and (previous.problems[place] is problem or previous.problems[place] == problem)
        found.append((bounds[place], bounds[place + 1]) if same and place is not None else None)
    return found


def _runs(held: Sequence[_Held]) -> Iterator[_Held]:
    """Ranges of rows, adjacent ones joined."""
    run: _Held = None
    for rows in held:
        if run is not None and (rows is None or rows[0] != run[1]):
            yield run
            run = None
        if rows is None:
            yield None
        else:
            run = (run[0] if run else rows[0], rows[1])
    if run is not None:
        yield run


def _part(texts: Texts, begin: int, end: int) -> _Columns:
    columns = texts.spoken, texts.clean, texts.trust, texts.negative, texts.heading
    return _Columns(*(column[begin:end] for column in columns))  # pyright: ignore[reportArgumentType]


def _read(problem: Problem, readings: Readings) -> _Columns:
    rows = list(_rows(problem, readings.clean))
    return _Columns(
        [row[0] for row in rows],
        [row[1] for row in rows],
        np.array([row[2] for row in rows], np.float32),
        np.array([row[3] for row in rows], np.bool_),
        np.array([row[4] for row in rows], np.bool_),
    )


def _rows(problem: Problem, clean_of: Callable[[str], str]) -> Iterator[tuple[str, str, float, bool, bool]]:
    """Each text of a problem that is not empty, once; an author's text goes before a learned one, also where that denies it."""
    seen: set[tuple[str, bool]] = set()
    written = [
        (text, 1.0, False, number < _HEADINGS)
        for number, text in enumerate((problem.title, problem.description, *problem.phrases))
    ]
    written += [(text, 1.0, True, True) for text in problem.not_this]
    denied = {clean_of(text) for text in problem.not_this}
    learned = [(example.text, example.weight, example.negative, False) for example in problem.learned]
    if denied:
        learned = [row for row in learned if row[2] or clean_of(row[0]) not in denied]
    for text, trust, negative, heading in written + learned:
        clean = clean_of(text)
        if clean and trust > 0 and (clean, negative) not in seen:
            seen.add((clean, negative))
            yield text, clean, trust, negative, heading


def _recount(previous: Texts | None, held: Sequence[_Held], new: Iterable[_Columns]) -> Counter[str]:
    words = previous.words.copy() if previous else Counter[str]()
    words.update(_words(text for columns in new for text in columns.clean))
    if previous:
        gone = np.ones(len(previous), np.bool_)
        for rows in _runs(held):
            if rows is not None:
                gone[rows[0] : rows[1]] = False
        words -= Counter(_words(previous.clean[int(row)] for row in np.flatnonzero(gone)))
    return words


def _words(texts: Iterable[str]) -> list[str]:
    return _WORD.findall("\n".join(texts))
