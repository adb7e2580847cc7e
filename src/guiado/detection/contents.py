"""What an index is made of: every problem as it was read, and how many of them have each term and each word.

An edit of one problem among thousands reads that problem only; everything that was read of the others is shared.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log1p

from guiado.detection.problem import Problem
from guiado.detection.terms import importance, read_words
from guiado.detection.vocabulary import Filed, Vocabulary, file_under, refile, stem

Source = tuple[str, ...]
"""The texts of one problem, as they were written."""


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """One text of a problem; each is itself only, so that it can be a key that costs nothing to look up.

    Args:
        problem_id: of the problem.
        terms: each term once, in alphabetical order: sums come out the same every time.
    """

    problem_id: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem as it was read: all that depends on nothing but its own texts.

    Args:
        problem_id: identifier of the problem.
        source: its texts.
        texts: those that have any term.
        words: the folded words of all texts, each once.
        digest: of identifier and source.
    """

    problem_id: str
    source: Source
    texts: tuple[Text, ...]
    words: tuple[str, ...]
    digest: bytes


@dataclass(frozen=True)
class Contents:
    """The problems of an index with their statistics. Immutable; made with `Contents.of`.

    Args:
        entries: the problems, by id.
        having: the texts that have each term.
        term_counts: in how many problems each term occurs.
        word_counts: in how many problems each folded word occurs.
        vocabulary: all those words.
    """

    entries: Mapping[str, Entry]
    having: Filed[Text]
    term_counts: Counter[str]
    word_counts: Counter[str]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, problems: Iterable[Problem], previous: Contents | None = None) -> Contents:
        """Read these problems, but those that `previous` has with the same texts."""
        old = previous or _NOTHING
        stems = dict(old.vocabulary.stems)
        entries = {
            problem_id: _unchanged(old.entries.get(problem_id), source) or _read(problem_id, source, stems)
            for problem_id, source in sorted(_sources(problems).items())
        }
        gone = [entry for entry in old.entries.values() if entries.get(entry.problem_id) is not entry]
        new = [entry for entry in entries.values() if old.entries.get(entry.problem_id) is not entry]
        having = refile(old.having, _by_term(new), _by_term(gone))
        term_counts = _recount(old.term_counts, map(_terms, gone), map(_terms, new))
        word_counts = _recount(old.word_counts, (entry.words for entry in gone), (entry.words for entry in new))
        known = {word: stems[word] for word in word_counts}
        return cls(entries, having, term_counts, word_counts, old.vocabulary.with_words(known))

    @cached_property
    def rarity(self) -> Mapping[str, float]:
        """The weight of every term. Among problems, not texts: a word in every phrase of one problem is that problem's mark."""
        total = len(self.entries)
        return {term: importance(term) * log1p(total / count) for term, count in self.term_counts.items()}

    @cached_property
    def digest(self) -> str:
        """Names the contents, whatever they were read from and in whatever order."""
        return hashlib.sha256(b"".join(entry.digest for entry in self.entries.values())).hexdigest()


def _sources(problems: Iterable[Problem]) -> dict[str, Source]:
    """The texts of each id; those of equal ids are put together, in an order of their own."""
    found: dict[str, list[Source]] = {}
    for problem in problems:
        found.setdefault(problem.problem_id, []).append(problem.texts)
    return {problem_id: sum(sorted(texts), ()) if len(texts) > 1 else texts[0] for problem_id, texts in found.items()}


def _unchanged(entry: Entry | None, source: Source) -> Entry | None:
    return entry if entry and entry.source == source else None


def _read(problem_id: str, source: Source, stems: dict[str, str]) -> Entry:
    """Read one problem; `stems` keeps what is known of each word, since to stem one takes longer than all else."""
    texts: dict[tuple[str, ...], None] = {}
    words: dict[str, None] = {}
    for text in source:
        keys = [word.key for word in read_words(text)]
        for key in keys:
            if key not in stems:
                stems[key] = stem(key)
        words.update(dict.fromkeys(keys))
        texts[tuple(sorted({stems[key] for key in keys}))] = None
    texts.pop((), None)
    digest = hashlib.sha256(json.dumps([problem_id, *source]).encode()).digest()
    return Entry(problem_id, source, tuple(Text(problem_id, terms) for terms in texts), tuple(words), digest)


def _by_term(entries: Iterable[Entry]) -> Filed[Text]:
    return file_under((text for entry in entries for text in entry.texts), lambda text: text.terms)


def _terms(entry: Entry) -> frozenset[str]:
    return frozenset[str]().union(*(text.terms for text in entry.texts))


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


_NOTHING = Contents({}, {}, Counter(), Counter(), Vocabulary({}))
