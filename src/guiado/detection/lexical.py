"""The lexical model: weighted words, tolerant of typing errors, one cosine for each text of a problem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import log1p, sqrt

from guiado.detection.contents import Contents, Entry, Text
from guiado.detection.problem import Candidate, Problem
from guiado.detection.terms import Word, importance, read_words
from guiado.detection.vocabulary import REPAIRED, stem

POOLED_SHARE = 0.3
"""Share of the problem's texts taken together: one phrase rarely has all the customer's words."""
VAGUENESS = 0.5
"""What every text is taken to have left unsaid, in weights of a rare word: two function words alone prove nothing."""

_MODEL = "lexical-1"
_SHORTLIST = 14
_SHORTLISTED_TEXTS = 6 * _SHORTLIST
_MOST_POSTINGS = 6_000
_MOST_WORDS = 64
_MOST_TOLERANT = 16  # words whose typing errors are looked for; what is wrong stands at the beginning of a long text
_MOST_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class _Asked:
    """One word of the customer's text, and the known terms that it may mean, nearest first, each 0 to 1."""

    surface: str
    is_function: bool
    weight: float
    meanings: tuple[tuple[str, float], ...]


class LexicalIndex:
    """Every problem of a knowledge base, ready to be compared with a customer's text. Immutable; safe between threads.

    Args:
        contents: the problems.
    """

    __slots__ = ("_rarest", "_rarity", "_scales", "contents", "version")

    def __init__(self, contents: Contents) -> None:
        self.version = f"{_MODEL}:{contents.digest[:12]}"
        """Model and contents, as in "lexical-1:0123456789ab": changes with them only."""
        self.contents = contents
        self._rarity = contents.rarity
        self._rarest = log1p(len(contents.entries))
        self._scales = _measure(contents.entries.values(), self._rarity)

    def __len__(self) -> int:
        return len(self.contents.entries)

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
        scored = [self._judge(problem_id, asked, length) for problem_id in self._shortlist(asked)]
        return tuple(sorted(scored, key=lambda c: (-c.confidence, c.problem_id))[: max(0, limit)])

    def _ask(self, words: Sequence[Word]) -> list[_Asked]:
        distinct = {word.key: word for word in reversed(words)}
        asked = list(reversed(distinct.values()))
        return [self._weigh(word, self._meanings(word, number)) for number, word in enumerate(asked)]

    def _meanings(self, word: Word, number: int) -> tuple[tuple[str, float], ...]:
        exact = word.is_function or number >= _MOST_TOLERANT
        nearest = ((stem(word.key), 1.0),) if exact else self.contents.vocabulary.meanings(word.key)
        return tuple((term, closeness) for term, closeness in nearest if term in self._rarity)

    def _weigh(self, word: Word, meanings: tuple[tuple[str, float], ...]) -> _Asked:
        """A word that the knowledge base never saw weighs most of all: it says that this is about something else."""
        if meanings and meanings[0][1] >= REPAIRED:
            return _Asked(word.surface, word.is_function, self._rarity[meanings[0][0]], meanings)
        weight = self._rarest * importance(stem(word.key))
        return _Asked(word.surface, word.is_function, weight, meanings)

    def _shortlist(self, asked: Sequence[_Asked]) -> list[str]:
        """The problems with the texts that are most like what was asked, every meaning of a word counted.

        The rarest terms come first, and very common ones are left out where there are thousands of problems.
        """
        having, scales = self.contents.having, self._scales
        found = [(having[term], a.weight * near * self._rarity[term]) for a in asked for term, near in a.meanings]
        likeness: dict[Text, float] = defaultdict(float)
        read = 0
        for texts, weight in sorted(found, key=lambda item: len(item[0])):
            read += len(texts)
            if read > _MOST_POSTINGS and likeness:
                break
            for text in texts:
                likeness[text] += weight
        # Equal ones by id: plain pairs are compared far more quickly than through a key function.
        best = nsmallest(_SHORTLISTED_TEXTS, [(-like * scales[text], text.problem_id) for text, like in likeness.items()])
        return list(dict.fromkeys(problem_id for _, problem_id in best))[:_SHORTLIST]

    def _judge(self, problem_id: str, asked: Sequence[_Asked], length: float) -> Candidate:
        entry = self.contents.entries[problem_id]
        scales = [self._scales[text] for text in entry.texts]
        occurrences = _occurrences(entry)
        pooled_scale = self._pooled_scale(occurrences, scales)
        texts = [0.0] * len(scales)
        pooled = 0.0
        shares: list[tuple[float, _Asked]] = []
        for a in asked:
            found = self._find(occurrences, a)
            if found:
                in_pool = _add(found, scales, texts) * pooled_scale
                pooled += in_pool
                shares.append((in_pool, a))
        score = ((1 - POOLED_SHARE) * max(texts) + POOLED_SHARE * pooled) / length
        return Candidate(entry.problem_id, _confidence(score), _evidence(shares))

    def _find(self, occurrences: Mapping[str, Sequence[int]], asked: _Asked) -> list[tuple[float, Sequence[int]]]:
        """The meanings of a word that an entry has: what each weighs, and in which texts it is."""
        rarity = self._rarity
        return [
            (asked.weight * closeness * rarity[term], occurrences[term])
            for term, closeness in asked.meanings
            if term in occurrences
        ]

    def _pooled_scale(self, occurrences: Mapping[str, Sequence[int]], scales: Sequence[float]) -> float:
        """What brings the texts of an entry, taken together, to length 1."""
        rarity = self._rarity
        pool = [rarity[term] * sum([scales[n] for n in numbers]) for term, numbers in occurrences.items()]
        return 1 / sqrt(sum([weight * weight for weight in pool]))


def _add(found: Sequence[tuple[float, Sequence[int]]], scales: Sequence[float], texts: list[float]) -> float:
    """Add one word's share to each text; its best meaning counts alone. Returns its share in the pooled texts, unscaled."""
    best: dict[int, float] = {}
    pooled = 0.0
    for weight, numbers in found:
        for number in numbers:
            best[number] = max(best.get(number, 0.0), weight * scales[number])
        pooled = max(pooled, weight * sum([scales[number] for number in numbers]))
    for number, share in best.items():
        texts[number] += share
    return pooled


def build_lexical(problems: Iterable[Problem], previous: LexicalIndex | None = None) -> LexicalIndex:
    """Read every text of a knowledge base.

    Args:
        problems: in any order; texts of equal ids are put together.
        previous: an index whose work is taken over for every problem that did not change; the result is the same without it.

    Returns:
        An index whose version changes with the model and with the contents only.
    """
    return LexicalIndex(Contents.of(problems, previous.contents if previous else None))


def _measure(entries: Iterable[Entry], rarity: Mapping[str, float]) -> dict[Text, float]:
    """What brings each text to length 1. All of it, for every edit: one problem more or less changes every rarity."""
    square = {term: weight**2 for term, weight in rarity.items()}.__getitem__
    return {text: 1 / sqrt(sum(map(square, text.terms))) for entry in entries for text in entry.texts}


def _occurrences(entry: Entry) -> dict[str, list[int]]:
    """In which of its texts each term occurs."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(entry.texts):
        for term in text.terms:
            found[term].append(number)
    return found


def _confidence(score: float) -> float:
    """The score as it is: a ranking measure between 0 and 1, below the share of right answers rather than above it."""
    return min(1.0, score)


def _evidence(shares: Sequence[tuple[float, _Asked]]) -> tuple[str, ...]:
    """Words with a meaning of their own are evidence; function words only where there is nothing else."""
    words = [(a.is_function, -share, a.surface) for share, a in shares]
    telling = [word for word in words if not word[0]] or words
    return tuple(surface for _, _, surface in sorted(telling)[:_MOST_EVIDENCE])
