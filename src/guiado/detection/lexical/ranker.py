"""The lexical model: weighted words, tolerant of typing errors, one cosine for each text of a problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log1p, sqrt
from typing import NamedTuple

import numpy as np

from guiado.detection.arrays import Rows, shares, spans
from guiado.detection.lexical.corpus import Contents
from guiado.detection.lexical.postings import Weights
from guiado.detection.lexical.vocabulary import REPAIRED, Meanings
from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.detection.problem import Candidate, Problem
from guiado.text.stemming import stem
from guiado.text.terms import Word, importance, read_part
from guiado.text.tokenize import meaningful_part

POOLED_SHARE = 0.3
"""Weight of a problem's texts taken together: one phrase rarely has all the customer's words."""
VAGUENESS = 0.5
"""Length that every query has besides its words, in weights of a rare word: two function words alone prove nothing."""

_MODEL = "lexical-1"
_SHORTLIST = 14
_MOST_POSTINGS = 20_000
_MOST_WORDS = 64
_MOST_TOLERANT = 16  # words whose typing errors are looked for; what is wrong stands at the beginning of a long text
_MOST_EVIDENCE = 5
_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class _Asked:
    """A word of the customer's text, and the known terms that it may mean, nearest first, each 0 to 1."""

    surface: str
    is_function: bool
    weight: float
    meanings: tuple[tuple[int, float], ...]


class _Meant(NamedTuple):
    """The terms of a query, ascending, with the word that means each, and its weight for that word."""

    terms: Rows
    words: Rows
    weights: Weights


@dataclass(frozen=True, slots=True, eq=False)
class LexicalMatch:
    """Result of comparing a text with the problems by its words.

    Args:
        problems: positions of those that it may be about, in no order.
        confidences: of each, 0 to 1.
        shares: what each word adds to each problem (problems x words).
        asked: the words.
    """

    problems: Rows
    confidences: Weights
    shares: Weights
    asked: Sequence[_Asked]

    def evidence(self, problem: int) -> tuple[str, ...]:
        """Return the words that speak for a problem, strongest first.

        Words with a meaning of their own are evidence; function words only where there is nothing else.
        """
        for row in np.flatnonzero(self.problems == problem):
            shares: list[float] = self.shares[row].tolist()
            words = [(a.is_function, -share, a.surface) for share, a in zip(shares, self.asked, strict=True) if share > 0]
            telling = [word for word in words if not word[0]] or words
            return tuple(surface for _, _, surface in sorted(telling)[:_MOST_EVIDENCE])
        return ()


class LexicalIndex:
    """Lexical detector: every problem of a knowledge base, ready to be compared. Immutable; safe between threads.

    Args:
        contents: the problems.
    """

    __slots__ = ("_postings", "_rarest", "_rarity", "contents", "version")

    def __init__(self, contents: Contents) -> None:
        self.version = f"{_MODEL}:{contents.digest[:12]}"
        """Version of model and contents, as in "lexical-1:0123456789ab"; changes with them only."""
        self.contents = contents
        self._postings = contents.postings
        self._rarity: list[float] = contents.postings.rarity.tolist()
        self._rarest = log1p(len(contents.entries))

    def __len__(self) -> int:
        return len(self.contents.entries)

    def rank(self, text: str, limit: int = 3) -> tuple[Candidate, ...]:
        """Rank the problems that a text may be about.

        Args:
            text: what the customer wrote, of any length; its first 2,000 meaningful characters are read.
            limit: most candidates wanted.

        Returns:
            Candidates with a confidence over 0, best first, equal ones by id; the confidences of all sum to 1 at most,
            however many are wanted. Empty where nothing fits.
        """
        found = self.find(meaningful_part(text))
        problems: list[int] = found.problems.tolist()
        each: list[float] = shares(found.confidences).tolist()
        confidences = {problem: share for problem, share in zip(problems, each, strict=True) if share > 0}
        best = sorted(confidences, key=lambda problem: (-confidences[problem], problem))[: max(0, limit)]
        ids = self.contents.problem_ids  # in alphabetical order
        return tuple(Candidate(ids[problem], confidences[problem], found.evidence(problem)) for problem in best)

    def find(self, part: str, *, forms: bool = True) -> LexicalMatch:
        """Find the problems that a text may be about, in no order.

        Args:
            part: the meaningful part of a text.
            forms: whether known words may mean others that look like them; where an encoder has its say, that changes nothing.
        """
        asked = self._ask(read_part(part)[:_MOST_WORDS], forms=forms)
        length = sqrt(sum(a.weight**2 for a in asked) + (VAGUENESS * self._rarest) ** 2)
        meant = _meant(asked, self._rarity)
        return self._judge(self._shortlist(meant), asked, meant, length)

    def _ask(self, words: Sequence[Word], *, forms: bool) -> list[_Asked]:
        distinct = {word.key: word for word in reversed(words)}
        asked = list(reversed(distinct.values()))
        tolerant = [word.key for word in asked[:_MOST_TOLERANT] if not word.is_function]
        found = dict(zip(tolerant, self.contents.vocabulary.meanings(tolerant, forms=forms), strict=True))
        return [self._weigh(word, self._known(found.get(word.key) or ((stem(word.key), 1.0),))) for word in asked]

    def _known(self, meanings: Meanings) -> tuple[tuple[int, float], ...]:
        known = ((self.contents.numbers.get(term), closeness) for term, closeness in meanings)
        return tuple((term, closeness) for term, closeness in known if term is not None and self._rarity[term])

    def _weigh(self, word: Word, meanings: tuple[tuple[int, float], ...]) -> _Asked:
        """Weigh a word; one that the knowledge base never saw weighs most: it speaks for another subject."""
        if meanings and meanings[0][1] >= REPAIRED:
            return _Asked(word.surface, word.is_function, self._rarity[meanings[0][0]], meanings)
        weight = self._rarest * importance(stem(word.key))
        return _Asked(word.surface, word.is_function, weight, meanings)

    def _shortlist(self, meant: _Meant) -> Rows:
        """Find the problems with the texts most like the query, every meaning of a word counted.

        The rarest terms come first, and very common ones are left out where there are tens of thousands of problems.
        """
        much = self._postings.how_many(meant.terms)
        order = np.argsort(much, kind="stable")
        rare = order[: max(1, int(np.searchsorted(np.cumsum(much[order]), _MOST_POSTINGS, "right")))]
        return self._postings.nearest(meant.terms[rare], meant.weights[rare], _SHORTLIST)

    def _judge(self, problems: Rows, asked: Sequence[_Asked], meant: _Meant, length: float) -> LexicalMatch:
        """Score problems in full: the best meaning of a word counts in each text, and in all of them together."""
        postings, words = self._postings, len(asked)
        if not len(problems):
            return LexicalMatch(problems, np.zeros(0), np.zeros((0, words)), asked)
        texts, starts = postings.texts_of(problems)
        terms, hosts = postings.terms_of(texts)
        first, end = np.searchsorted(meant.terms, terms), np.searchsorted(meant.terms, terms, "right")
        meanings, hosts = spans(first, end), np.repeat(hosts, end - first)
        best = np.zeros(len(texts) * words)
        np.maximum.at(best, hosts * words + meant.words[meanings], meant.weights[meanings])
        scores = np.maximum.reduceat(best.reshape(-1, words).sum(axis=1) * postings.scales[texts], starts)
        owners = np.searchsorted(starts, hosts, "right") - 1
        kinds = len(meant.terms)
        pool = np.bincount(owners * kinds + meanings, postings.scales[texts][hosts], len(problems) * kinds)
        shares = np.zeros((words, len(problems)))
        np.maximum.at(shares, meant.words, pool.reshape(-1, kinds).T * meant.weights[:, None])
        shares = shares.T * postings.pooled_scales[problems][:, None]
        scores = ((1 - POOLED_SHARE) * scores + POOLED_SHARE * shares.sum(axis=1)) / length
        return LexicalMatch(problems, _confidences(scores), shares, asked)


def _meant(asked: Sequence[_Asked], rarity: Sequence[float]) -> _Meant:
    found = sorted(
        (term, word, a.weight * closeness * rarity[term]) for word, a in enumerate(asked) for term, closeness in a.meanings
    )
    terms, words, weights = zip(*found, strict=True) if found else ((), (), ())
    return _Meant(np.array(terms, np.int64), np.array(words, np.int64), np.array(weights, np.float64))


def build_lexical(
    problems: Iterable[Problem], previous: LexicalIndex | None = None, readings: Readings = NOTHING
) -> LexicalIndex:
    """Build the lexical index of a knowledge base.

    Args:
        problems: in any order; texts of equal ids are put together.
        previous: an index whose work is taken over for every problem that did not change; the result is the same without it.
        readings: of texts that were read before.

    Returns:
        An index whose version changes with the model and with the contents only.
    """
    return LexicalIndex(Contents.of(problems, previous.contents if previous else None, readings))


def _confidences(scores: Weights) -> Weights:
    """Return scores as confidences: a ranking measure between 0 and 1, below the share of right answers rather than above.

    Rounded, since terms are summed up in the order in which they were first met, which an edit may change.
    """
    return np.minimum(1.0, np.round(scores, _DECIMALS))
