"""Checks across guides by their words: twins, and phrases that two guides have. Time grows with the number of phrases."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.phrases import Phrase
from guiado.app.knowledge.lint.shown_texts import shortened
from guiado.domain.guide import Guide

_ALIKE = 0.8
"""Share of common words from which two phrases say the same."""
_LEAST_WORDS = 3
"""Fewest words of phrases that are compared by shared words; shorter ones say the same only when they are equal."""
_MOST_HAVING = 16
"""Most phrases that are compared because of one word; a more frequent word tells nothing about two of them."""


def doubt_alike(phrases: Sequence[Phrase], guides: Mapping[str, Guide], findings: Findings) -> set[frozenset[str]]:
    """Warn about phrases and whole problems that say the same.

    Returns:
        The pairs of problems that are as good as one.
    """
    found = list(_alike(phrases))
    sizes = Counter(phrase.problem_id for phrase in phrases)
    matched = Counter(frozenset((one.problem_id, other.problem_id)) for one, other in found)
    twins = {pair for pair, count in matched.items() if count >= _ALIKE * max(sizes[problem_id] for problem_id in pair)}
    for one, other in sorted(sorted(pair) for pair in twins):
        findings.of("twins").warn(
            f"$.{other}",
            "«{title}» dice casi lo mismo que «{near}», de {other}. Únelas, o escribe en cada una lo que la distingue.",
            title=shortened(guides[other].problem_title),
            near=shortened(guides[one].problem_title),
            other=f"$.{one}",
        )
    told: set[str] = set()
    for one, other in found:
        if other.path in told or frozenset((one.problem_id, other.problem_id)) in twins:
            continue
        told.add(other.path)
        if one.words == other.words:
            same = "La misma frase, «{phrase}», está también en {other}. Déjala solo en una guía."
            findings.of("same_phrase").warn(other.path, same, phrase=shortened(other.text), other=one.path)
        else:
            alike = "Casi la misma frase que «{phrase}» está en {other}: «{there}». Déjala solo en una guía."
            findings.of("same_phrase").warn(
                other.path, alike, phrase=shortened(other.text), other=one.path, there=shortened(one.text)
            )
    return twins


def _alike(phrases: Sequence[Phrase]) -> Iterator[tuple[Phrase, Phrase]]:
    """Pairs of phrases of different problems that say the same; of each phrase, the first such pair with each problem."""
    counts = Counter(word for phrase in phrases for word in phrase.distinct)
    having: dict[object, list[Phrase]] = defaultdict(list)
    for phrase in phrases:
        if not phrase.words:
            continue
        seen: set[str] = set()
        for key in _keys(phrase, counts):
            for other in having[key]:
                if other.problem_id != phrase.problem_id and other.problem_id not in seen and _say_the_same(other, phrase):
                    seen.add(other.problem_id)
                    yield other, phrase
            if len(having[key]) < _MOST_HAVING:
                having[key].append(phrase)


def _keys(phrase: Phrase, counts: Counter[str]) -> Iterator[object]:
    """Keys that two phrases share when they say the same: all words, or one of the rarest of each."""
    yield phrase.words
    distinct = sorted(phrase.distinct, key=lambda word: (counts[word], word))
    if len(distinct) >= _LEAST_WORDS:
        yield from distinct[: len(distinct) - ceil(_ALIKE * len(distinct)) + 1]


def _say_the_same(one: Phrase, other: Phrase) -> bool:
    if one.words == other.words:
        return True
    fewer, more = sorted((len(one.distinct), len(other.distinct)))
    if fewer < _LEAST_WORDS or fewer < _ALIKE * more:
        return False
    shared = len(one.distinct & other.distinct)
    return shared >= _ALIKE * (fewer + more - shared)
