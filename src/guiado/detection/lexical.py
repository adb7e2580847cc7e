"""The lexical model: weighted words, tolerant of typing errors, one cosine for each text of a problem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log1p, sqrt

from guiado.detection.contents import Contents
from guiado.detection.problem import Candidate, Problem
from guiado.detection.terms import Word, importance, read_words
from guiado.detection.vocabulary import REPAIRED, stem

POOLED_SHARE = 0.3
"""Share of the problem's texts taken together: one phrase rarely has all the customer's words."""
VAGUENESS = 0.5
"""What every text is taken to have left unsaid, in weights of a rare word: two function words alone prove nothing."""

_MODEL = "lexical-1"
_SHORTLIST = 14
_MOST_POSTINGS = 20_000
_MOST_WORDS = 64
_MOST_TOLERANT = 16  # words whose typing errors are looked for; what is wrong stands at the beginning of a long text
_MOST_EVIDENCE = 5
_DECIMALS = 12

_ByTerm = dict[int, list[tuple[int, float]]]
"""What was asked by term: positions of words, and what the term is worth for each."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One word of the customer's text, and the known terms that it may mean, nearest first, each 0 to 1."""

    surface: str
    is_function: bool
    weight: float
    meanings: tuple[tuple[int, float], ...]


class LexicalIndex:
    """Every problem of a knowledge base, ready to be compared with a customer's text. Immutable; safe between threads.

    Args:
        contents: the problems.
    """

    __slots__ = ("_postings", "_rarest", "_rarity", "contents", "version")

    def __init__(self, contents: Contents) -> None:
        self.version = f"{_MODEL}:{contents.digest[:12]}"
        """Model and contents, as in "lexical-1:0123456789ab": changes with them only."""
        self.contents = contents
        self._postings = contents.postings
        self._rarity: list[float] = contents.postings.rarity.tolist()
        self._rarest = log1p(len(contents.entries))

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
        by_term = _by_term(asked, self._rarity)
        scored = [self._judge(problem, asked, by_term, length) for problem in self._shortlist(asked)]
        return tuple(sorted(scored, key=lambda c: (-c.confidence, c.problem_id))[: max(0, limit)])

    def _ask(self, words: Sequence[Word]) -> list[_Asked]:
        distinct = {word.key: word for word in reversed(words)}
        asked = list(reversed(distinct.values()))
        return [self._weigh(word, self._meanings(word, number)) for number, word in enumerate(asked)]

    def _meanings(self, word: Word, number: int) -> tuple[tuple[int, float], ...]:
        exact = word.is_function or number >= _MOST_TOLERANT
        nearest = ((stem(word.key), 1.0),) if exact else self.contents.vocabulary.meanings(word.key)
        known = ((self.contents.numbers.get(term), closeness) for term, closeness in nearest)
        return tuple((term, closeness) for term, closeness in known if term is not None and self._rarity[term])

    def _weigh(self, word: Word, meanings: tuple[tuple[int, float], ...]) -> _Asked:
        """A word that the knowledge base never saw weighs most of all: it says that this is about something else."""
        if meanings and meanings[0][1] >= REPAIRED:
            return _Asked(word.surface, word.is_function, self._rarity[meanings[0][0]], meanings)
        weight = self._rarest * importance(stem(word.key))
        return _Asked(word.surface, word.is_function, weight, meanings)

    def _shortlist(self, asked: Sequence[_Asked]) -> list[int]:
        """The problems with the texts that are most like what was asked, every meaning of a word counted.

        The rarest terms come first, and very common ones are left out where there are tens of thousands of problems.
        """
        found = [(term, a.weight * near * self._rarity[term]) for a in asked for term, near in a.meanings]
        found.sort(key=lambda item: self._postings.how_many(item[0]))
        read = accumulate(self._postings.how_many(term) for term, _ in found)
        rare = [one for one, much in zip(found, read, strict=True) if much <= _MOST_POSTINGS]
        return self._postings.nearest(rare or found[:1], _SHORTLIST)

    def _judge(self, problem: int, asked: Sequence[_Asked], by_term: _ByTerm, length: float) -> Candidate:
        """One problem in full: of the meanings of a word the best counts in each text, and in all of them together."""
        texts: list[float] = []
        pool: dict[int, float] = defaultdict(float)
        for scale, terms in self._postings.texts_of(problem):
            best: dict[int, float] = {}
            for term in terms:
                if term in by_term:
                    pool[term] += scale
                    for word, weight in by_term[term]:
                        best[word] = max(best.get(word, 0.0), weight)
            texts.append(scale * sum(best[word] for word in sorted(best)))
        shares: dict[int, float] = {}
        for term, scale in pool.items():
            for word, weight in by_term[term]:
                shares[word] = max(shares.get(word, 0.0), weight * scale)
        pooled_scale = float(self._postings.pooled_scales[problem])
        pooled = sum(shares[word] for word in sorted(shares)) * pooled_scale
        score = ((1 - POOLED_SHARE) * max(texts) + POOLED_SHARE * pooled) / length
        evidence = _evidence([(share * pooled_scale, asked[word]) for word, share in shares.items()])
        return Candidate(self.contents.problem_ids[problem], _confidence(score), evidence)


def _by_term(asked: Sequence[_Asked], rarity: Sequence[float]) -> _ByTerm:
    found: _ByTerm = defaultdict(list)
    for word, a in enumerate(asked):
        for term, closeness in a.meanings:
            found[term].append((word, a.weight * closeness * rarity[term]))
    return dict(found)


def build_lexical(problems: Iterable[Problem], previous: LexicalIndex | None = None) -> LexicalIndex:
    """Read every text of a knowledge base.

    Args:
        problems: in any order; texts of equal ids are put together.
        previous: an index whose work is taken over for every problem that did not change; the result is the same without it.

    Returns:
        An index whose version changes with the model and with the contents only.
    """
    return LexicalIndex(Contents.of(problems, previous.contents if previous else None))


def _confidence(score: float) -> float:
    """The score as it is: a ranking measure between 0 and 1, below the share of right answers rather than above it.

    Rounded, since terms are summed up in the order in which they were first met, which an edit may change.
    """
    return min(1.0, round(score, _DECIMALS))


def _evidence(shares: Sequence[tuple[float, _Asked]]) -> tuple[str, ...]:
    """Words with a meaning of their own are evidence; function words only where there is nothing else."""
    words = [(a.is_function, -share, a.surface) for share, a in shares]
    telling = [word for word in words if not word[0]] or words
    return tuple(surface for _, _, surface in sorted(telling)[:_MOST_EVIDENCE])
