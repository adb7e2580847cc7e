"""The clarifying question with the largest expected information gain, about a symptom or a subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2

from guiado.text.stemming import stem
from guiado.text.terms import read_words

NONE_OF_THESE = ""
"""Problem id that stands for "none of the options"."""
NOISE = 0.15
"""How often an honest customer answers otherwise than the problem would have it."""
SYMPTOM = 0.6
"""How often a customer has one particular symptom of a problem that has several: a subject tells more than a symptom."""
ELSEWHERE = 0.25
"""How often a problem that is none of the options has the subject that is asked about."""
UNSURE = 0.1
"""How often the answer is "I don't know", which tells nothing."""
LEAST_GAIN_BITS = 0.1
"""Least expected gain, in bits, for which a question is asked."""

_MOST_PHRASES = 12
_LONGEST = 90
_FEWEST_WORDS = 2


@dataclass(frozen=True, slots=True)
class Topic:
    """A candidate problem, with the symptoms and the subject that a question may ask about.

    Args:
        prior: chance that it is this one, 0..1; what all leave to 1 is "none of them".
        phrases: its symptoms in customers' words.
        subject: what it is about in general, such as its category; "" where nothing can be asked about it.
        shown: phrases that the customer sees anyway.
    """

    problem_id: str
    prior: float
    phrases: tuple[str, ...]
    subject: str = ""
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A possible question about a symptom or a subject, with its expected gain.

    Args:
        phrase: the symptom that it asks for; "" where it asks for a subject.
        subject: the subject that it asks for.
        yes: problem id -> chance of a yes, 0..1, `NONE_OF_THESE` among them.
        gain_bits: how much less doubt is expected after the answer.
    """

    phrase: str
    subject: str
    yes: Mapping[str, float]
    gain_bits: float


def choose(topics: Sequence[Topic]) -> Inquiry | None:
    """The question with the largest expected drop in entropy; None where that is below `LEAST_GAIN_BITS`."""
    priors = _priors(topics)
    found = max(_inquiries(topics, priors), key=lambda inquiry: inquiry.gain_bits, default=None)
    return found if found and found.gain_bits >= LEAST_GAIN_BITS else None


def expected_gain_bits(priors: Mapping[str, float], yes: Mapping[str, float]) -> float:
    """Expected drop in entropy by an honest answer, in bits.

    Args:
        priors: problem id -> chance, summing to 1.
        yes: problem id -> chance of a yes.
    """
    of_yes = sum(prior * yes[name] for name, prior in priors.items())
    told = _doubt_bits(of_yes) - sum(prior * _doubt_bits(yes[name]) for name, prior in priors.items())
    return max(0.0, told) * (1 - UNSURE)


def update(priors: Mapping[str, float], yes: Mapping[str, float], said_yes: bool) -> dict[str, float]:
    """The chances of the problems after an answer, by Bayes' rule.

    Args:
        priors: problem id -> chance, `NONE_OF_THESE` among them.
        yes: problem id -> chance of a yes; where it is missing the answer tells nothing.
    """
    weighed = {name: prior * (_chance(yes, name) if said_yes else 1 - _chance(yes, name)) for name, prior in priors.items()}
    total = sum(weighed.values())
    return {name: weight / total for name, weight in weighed.items()} if total > 0 else dict(priors)


def _chance(yes: Mapping[str, float], name: str) -> float:
    return yes.get(name, 0.5)


def _priors(topics: Sequence[Topic]) -> dict[str, float]:
    given = {topic.problem_id: topic.prior for topic in topics}
    total = sum(given.values())
    if total > 1:
        return {**{name: prior / total for name, prior in given.items()}, NONE_OF_THESE: 0.0}
    return {**given, NONE_OF_THESE: 1 - total}


def _inquiries(topics: Sequence[Topic], priors: Mapping[str, float]) -> Iterator[Inquiry]:
    for subject in dict.fromkeys(topic.subject for topic in topics if topic.subject):
        yes = {topic.problem_id: 1 - NOISE if topic.subject == subject else NOISE for topic in topics}
        yes[NONE_OF_THESE] = ELSEWHERE
        yield Inquiry("", subject, yes, expected_gain_bits(priors, yes))
    for topic in topics:
        for phrase in filter(_is_askable, topic.phrases[:_MOST_PHRASES]):
            if phrase not in topic.shown:
                yes = {other.problem_id: _fits(phrase, other) for other in topics} | {NONE_OF_THESE: NOISE}
                yield Inquiry(phrase, "", yes, expected_gain_bits(priors, yes))


def _is_askable(phrase: str) -> bool:
    return len(phrase) <= _LONGEST and len(_stems(phrase)) >= _FEWEST_WORDS


def _fits(phrase: str, topic: Topic) -> float:
    """Chance that a customer with this problem says yes to the phrase: greater the more of its words the problem has."""
    wanted = _stems(phrase)
    likeness = max((len(wanted & _stems(known)) / len(wanted) for known in topic.phrases[:_MOST_PHRASES]), default=0.0)
    return NOISE + (SYMPTOM - NOISE) * likeness


@lru_cache(maxsize=4_096)
def _stems(phrase: str) -> frozenset[str]:
    return frozenset(stem(word.key) for word in read_words(phrase) if not word.is_function)


def _doubt_bits(chance: float) -> float:
    """Entropy, in bits, of an event with this chance."""
    return -sum(p * log2(p) for p in (chance, 1 - chance) if p > 0)
