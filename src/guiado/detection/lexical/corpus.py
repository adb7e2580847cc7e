"""Contents of the lexical index: every problem as it was read, with its words and terms.

An edit of one problem among thousands reads that problem only; everything that was read of the others is shared.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from guiado.detection.lexical.postings import Postings
from guiado.detection.lexical.vocabulary import Vocabulary
from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.detection.problem import Problem
from guiado.text.terms import importance

Source = tuple[str, ...]
"""The texts of one problem, as they were written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem as it was read: all that depends on nothing but its own texts.

    Args:
        problem_id: identifier of the problem.
        source: its texts.
        terms: numbers of the terms of its texts, one text after the other, in four bytes each; in a text each term once, in
            alphabetical order: sums come out the same every time.
        sizes: how many terms each text has; texts without any are left out.
        words: the folded words of all texts, each once.
        digest: of identifier and source.
    """

    problem_id: str
    source: Source
    terms: bytes
    sizes: tuple[int, ...]
    words: tuple[str, ...]
    digest: bytes


@dataclass(frozen=True)
class Contents:
    """The problems of an index with their statistics. Immutable; made with `Contents.of`.

    Args:
        entries: the problems, by id.
        numbers: of the terms; those of earlier contents stay, so that what was read needs no reading again.
        word_counts: in how many problems each folded word occurs.
        vocabulary: all those words.
    """

    entries: Mapping[str, Entry]
    numbers: Mapping[str, int]
    word_counts: Counter[str]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, problems: Iterable[Problem], previous: Contents | None = None, readings: Readings = NOTHING) -> Contents:
        """Read problems; those that `previous` has with the same texts are taken over, and texts that were read before."""
        old = previous or _NOTHING
        stems, numbers = dict(old.vocabulary.stems), dict(old.numbers)
        entries = {
            problem_id: _unchanged(old.entries.get(problem_id), source) or _read(problem_id, source, stems, numbers, readings)
            for problem_id, source in sorted(_sources(problems).items())
        }
        gone = [entry for entry in old.entries.values() if entries.get(entry.problem_id) is not entry]
        new = [entry for entry in entries.values() if old.entries.get(entry.problem_id) is not entry]
        word_counts = _recount(old.word_counts, (entry.words for entry in gone), (entry.words for entry in new))
        known = {word: stems[word] for word in word_counts}
        return cls(entries, numbers, word_counts, Vocabulary(known, old.vocabulary))

    @cached_property
    def postings(self) -> Postings:
        """The terms of all texts; computed anew after every edit, since one problem more or less changes every rarity."""
        entries = self.entries.values()
        return Postings(
            np.frombuffer(b"".join(entry.terms for entry in entries), np.int32),
            np.fromiter((size for entry in entries for size in entry.sizes), np.int32),
            np.fromiter((len(entry.sizes) for entry in entries), np.int64, len(entries)),
            np.fromiter(map(importance, self.numbers), np.float64, len(self.numbers)),
        )

    @cached_property
    def problem_ids(self) -> tuple[str, ...]:
        """The ids of all problems, in the order of the postings."""
        return tuple(self.entries)

    @cached_property
    def digest(self) -> str:
        """Hash of the contents, whatever they were read from and in whatever order."""
        return hashlib.sha256(b"".join(entry.digest for entry in self.entries.values())).hexdigest()


def _sources(problems: Iterable[Problem]) -> dict[str, Source]:
    """Return the texts of each id; those of equal ids are put together, in an order of their own."""
    found: dict[str, list[Source]] = {}
    for problem in problems:
        found.setdefault(problem.problem_id, []).append(problem.texts)
    return {problem_id: sum(sorted(texts), ()) if len(texts) > 1 else texts[0] for problem_id, texts in found.items()}


def _unchanged(entry: Entry | None, source: Source) -> Entry | None:
    return entry if entry and entry.source == source else None


def _read(problem_id: str, source: Source, stems: dict[str, str], numbers: dict[str, int], readings: Readings) -> Entry:
    """Read one problem; `stems` caches the stem of each word, since stemming takes longer than all else."""
    read = [readings.words(text) for text in source]
    words = dict.fromkeys(chain.from_iterable(read))
    for word in words:
        if word not in stems:
            stems[word] = readings.stem(word)
    texts = dict.fromkeys(tuple(sorted(set(map(stems.__getitem__, keys)))) for keys in read)
    texts.pop((), None)
    digest = hashlib.sha256(json.dumps([problem_id, *source]).encode()).digest()
    terms = array("i", [numbers.setdefault(term, len(numbers)) for text in texts for term in text])
    return Entry(problem_id, source, terms.tobytes(), tuple(map(len, texts)), tuple(words), digest)


def _recount(counts: Counter[str], gone: Iterable[Collection[str]], new: Iterable[Collection[str]]) -> Counter[str]:
    changed = counts.copy()
    for names in new:
        changed.update(names)
    for names in gone:
        changed.subtract(names)
        for name in names:
            if not changed[name]:
                del changed[name]
    return changed


_NOTHING = Contents({}, {}, Counter(), Vocabulary({}))
