"""The lexical model: weighted words, tolerant of typing errors, one cosine for each text of a problem."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from math import log1p, sqrt

from guiado.detection.problem import Candidate, Problem
from guiado.detection.terms import Word, importance, read_words, terms_of
from guiado.detection.vocabulary import REPAIRED, Vocabulary, stem

DEFAULT_THRESHOLD = 0.33
"""Least confidence of an answer. Measured on sets cut from Spanish and English training rows, with 5 and 10 phrases a
problem: F1 of "answered correctly" is flat and greatest between 0.30 and 0.35 (Spanish 79.0 and 79.3, English 75.5 and
76.8), where 85 to 91% of the Spanish queries that belong to no problem are refused. On the five problems delivered with
guiado, customers' sentences score from 0.41 upwards and sentences about something else up to 0.30."""

POOLED_SHARE = 0.3
"""Share of the problem's texts taken together: one phrase rarely has all the customer's words."""
VAGUENESS = 0.5
"""What every text is taken to have left unsaid, in weights of a rare word: two function words alone prove nothing."""

_MODEL = "lexical-1"
_SHORTLIST = 30
_MOST_POSTINGS = 12_000
_MOST_WORDS = 120
_MOST_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class _Asked:
    """One word of the customer's text, and the known terms that it may mean, nearest first, each 0 to 1."""

    surface: str
    is_function: bool
    weight: float
    meanings: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One problem: in which of its texts each term occurs, and what brings each text to length 1."""

    problem_id: str
    occurrences: Mapping[str, tuple[int, ...]]
    scales: tuple[float, ...]
    pooled_scale: float


@dataclass(frozen=True, slots=True)
class _Postings:
    """The problems that have a term, and its greatest weight in any of their texts."""

    entries: array[int]
    weights: array[float]


class Index:
    """Every problem of a knowledge base, ready to be compared with a customer's text. Immutable; safe between threads.

    Args:
        version: model and contents, as in "lexical-1:0123456789ab".
        entries: the problems, by id.
        vocabulary: the words of all their texts.
        rarity: the weight of every term.
    """

    __slots__ = ("_entries", "_postings", "_rarest", "_rarity", "_vocabulary", "version")

    def __init__(self, version: str, entries: Sequence[_Entry], vocabulary: Vocabulary, rarity: Mapping[str, float]) -> None:
        self.version = version
        self._entries = entries
        self._vocabulary = vocabulary
        self._rarity = rarity
        self._rarest = log1p(len(entries))
        self._postings = _post(entries, rarity)

    def __len__(self) -> int:
        return len(self._entries)

    def rank(self, text: str, limit: int = 3) -> tuple[Candidate, ...]:
        """The problems that a text may be about.

        Args:
            text: what the customer wrote, of any length; its first 2,000 meaningful characters are read.
            limit: most candidates wanted.

        Returns:
            Candidates with a confidence over 0, best first, equal ones by id; empty where nothing fits.
        """
        asked = self._ask(read_words(text)[:_MOST_WORDS])
        length = sqrt(sum(a.weight**2 for a in asked) + (VAGUENESS * self._rarest) ** 2)
        scored = [self._judge(self._entries[number], asked, length) for number in self._shortlist(asked)]
        return tuple(sorted(scored, key=lambda c: (-c.confidence, c.problem_id))[: max(0, limit)])

    def _ask(self, words: Sequence[Word]) -> list[_Asked]:
        distinct = {word.key: word for word in reversed(words)}
        return [self._weigh(word, self._meanings(word)) for word in distinct.values()]

    def _meanings(self, word: Word) -> tuple[tuple[str, float], ...]:
        nearest = [(stem(word.key), 1.0)] if word.is_function else self._vocabulary.meanings(word.key)
        return tuple((term, closeness) for term, closeness in nearest if term in self._rarity)

    def _weigh(self, word: Word, meanings: tuple[tuple[str, float], ...]) -> _Asked:
        """A word that the knowledge base never saw weighs most of all: it says that this is about something else."""
        if meanings and meanings[0][1] >= REPAIRED:
            return _Asked(word.surface, word.is_function, self._rarity[meanings[0][0]], meanings)
        weight = self._rarest * importance(stem(word.key))
        return _Asked(word.surface, word.is_function, weight, meanings)

    def _shortlist(self, asked: Sequence[_Asked]) -> list[int]:
        """The entries that can score best: the sum of their greatest weights is an upper bound.

        The rarest terms come first, and very common ones are left out where there are thousands of problems.
        """
        found = [(self._postings[term], a.weight * near) for a in asked for term, near in a.meanings]
        bounds: dict[int, float] = defaultdict(float)
        read = 0
        for postings, weight in sorted(found, key=lambda item: len(item[0].entries)):
            read += len(postings.entries)
            if read > _MOST_POSTINGS and bounds:
                break
            for number, greatest in zip(postings.entries, postings.weights, strict=True):
                bounds[number] += weight * greatest
        return nlargest(_SHORTLIST, bounds, key=lambda number: (bounds[number], -number))

    def _judge(self, entry: _Entry, asked: Sequence[_Asked], length: float) -> Candidate:
        texts = [0.0] * len(entry.scales)
        pooled = 0.0
        shares: list[tuple[float, _Asked]] = []
        for a in asked:
            found = self._find(entry, a)
            if found:
                in_pool = _add(entry, found, texts)
                pooled += in_pool
                shares.append((in_pool, a))
        score = ((1 - POOLED_SHARE) * max(texts) + POOLED_SHARE * pooled) / length
        return Candidate(entry.problem_id, _confidence(score), _evidence(shares))

    def _find(self, entry: _Entry, asked: _Asked) -> list[tuple[float, tuple[int, ...]]]:
        """The meanings of a word that an entry has: what each weighs, and in which texts it is."""
        occurrences, rarity = entry.occurrences, self._rarity
        return [
            (asked.weight * closeness * rarity[term], occurrences[term])
            for term, closeness in asked.meanings
            if term in occurrences
        ]


def _add(entry: _Entry, found: Sequence[tuple[float, tuple[int, ...]]], texts: list[float]) -> float:
    """Add one word's share to each text; its best meaning counts alone. Returns its share in the pooled texts."""
    best: dict[int, float] = {}
    pooled = 0.0
    for weight, numbers in found:
        for number in numbers:
            best[number] = max(best.get(number, 0.0), weight * entry.scales[number])
        pooled = max(pooled, weight * entry.pooled_scale * sum([entry.scales[number] for number in numbers]))
    for number, share in best.items():
        texts[number] += share
    return pooled


def build_index(problems: Iterable[Problem]) -> Index:
    """Read every text of a knowledge base.

    Args:
        problems: in any order; texts of equal ids are put together.

    Returns:
        An index whose version changes with the model and with the contents only.
    """
    known = sorted(problems, key=lambda problem: (problem.problem_id, problem.texts))
    texts: dict[str, dict[frozenset[str], None]] = {problem.problem_id: {} for problem in known}
    words: set[str] = set()
    for problem in known:
        for text in problem.texts:
            read = read_words(text)
            words.update(word.key for word in read)
            texts[problem.problem_id][terms_of(read)] = None
    rarity = _measure_rarity(texts.values())
    entries = [_enter(problem_id, [t for t in own if t], rarity) for problem_id, own in texts.items()]
    return Index(_version(known), entries, Vocabulary(words), rarity)


def _version(problems: Sequence[Problem]) -> str:
    contents = json.dumps([[problem.problem_id, *problem.texts] for problem in problems])
    return f"{_MODEL}:{hashlib.sha256(contents.encode()).hexdigest()[:12]}"


def _measure_rarity(texts: Iterable[Iterable[frozenset[str]]]) -> dict[str, float]:
    """Rarity among problems, not among texts: a word in every phrase of one problem is that problem's mark."""
    by_problem = [frozenset[str]().union(*own) for own in texts]
    counts = Counter(term for terms in by_problem for term in terms)
    return {term: importance(term) * log1p(len(by_problem) / count) for term, count in counts.items()}


def _enter(problem_id: str, texts: Sequence[frozenset[str]], rarity: Mapping[str, float]) -> _Entry:
    occurrences: dict[str, list[int]] = defaultdict(list)
    for number, terms in enumerate(texts):
        for term in terms:
            occurrences[term].append(number)
    scales = tuple(1 / sqrt(sum(rarity[term] ** 2 for term in terms)) for terms in texts)
    pool = (rarity[term] * sum(scales[n] for n in numbers) for term, numbers in occurrences.items())
    length = sqrt(sum(weight**2 for weight in pool))
    return _Entry(problem_id, {t: _share(tuple(n)) for t, n in occurrences.items()}, scales, 1 / length if length else 0.0)


@lru_cache(maxsize=4_096)
def _share(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """The same object for the same numbers: most terms occur in one text of a problem only."""
    return numbers


def _post(entries: Sequence[_Entry], rarity: Mapping[str, float]) -> dict[str, _Postings]:
    postings: dict[str, _Postings] = {term: _Postings(array("L"), array("d")) for term in rarity}
    for number, entry in enumerate(entries):
        for term, numbers in entry.occurrences.items():
            postings[term].entries.append(number)
            postings[term].weights.append(rarity[term] * max(entry.scales[n] for n in numbers))
    return postings


def _confidence(score: float) -> float:
    """The score as it is: a ranking measure between 0 and 1, below the share of right answers rather than above it."""
    return min(1.0, score)


def _evidence(shares: Sequence[tuple[float, _Asked]]) -> tuple[str, ...]:
    """Words with a meaning of their own are evidence; function words only where there is nothing else."""
    words = [(a.is_function, -share, a.surface) for share, a in shares]
    telling = [word for word in words if not word[0]] or words
    return tuple(surface for _, _, surface in sorted(telling)[:_MOST_EVIDENCE])
