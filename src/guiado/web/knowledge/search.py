"""Search over the problems: the detector's own ranking; where it knows none of the words, the texts of the steps come first."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping

from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.ranking import rank
from guiado.domain.guide import Guide
from guiado.text.fold import fold_accents

LONGEST_WORDS = 200
"""Longest text that is searched for, in characters."""
_MOST_FOUND = 10
_LEAST_CONFIDENCE = 0.1
_LEAST_BY_MEANING = 0.35
"""Least confidence of a result that shares no word with what is searched for."""
_LEAST_SHARE = 0.25
"""Least confidence of a result, as a share of the best one's."""
_SHORTEST_WORD = 3
_ACCENTED = {"a": "aáàâãä", "e": "eéèêë", "i": "iíìîï", "o": "oóòôõö", "u": "uúùûü", "n": "nñ", "c": "cç"}


async def find_problems(snapshot: Snapshot, words: str, language: str) -> list[Guide]:
    """The problems that words are about, best first.

    Args:
        snapshot: of the knowledge base.
        words: of any spelling, at most `LONGEST_WORDS`.
        language: whose texts of steps are read.
    """
    ranking = await rank(snapshot, words, _MOST_FOUND)
    candidates = [each for each in ranking.candidates if each.problem_id in snapshot.guides]
    best = max((each.confidence for each in candidates), default=0.0)
    least = max(_LEAST_CONFIDENCE, best * _LEAST_SHARE)
    likely = [each for each in candidates if each.confidence >= (least if each.evidence else _LEAST_BY_MEANING)]
    found = [each.problem_id for each in likely]
    if not any(each.evidence for each in likely):
        # A thousand guides take 20 ms: not in the event loop.
        found = [*await asyncio.to_thread(_in_steps, snapshot.guides, words, language), *found]
    return [snapshot.guides[each] for each in dict.fromkeys(found)]


def _in_steps(guides: Mapping[str, Guide], words: str, language: str) -> list[str]:
    """Ids of the guides that hold all the words anywhere, in the order of the knowledge base."""
    wanted = [_pattern(word) for word in re.findall(r"\w+", fold_accents(words)) if len(word) >= _SHORTEST_WORD]
    if not wanted:
        return []
    found: list[str] = []
    for problem_id, guide in guides.items():
        text = "\n".join(_texts(guide.in_language(language)))
        if all(each.search(text) for each in wanted):
            found.append(problem_id)
            if len(found) == _MOST_FOUND:
                break
    return found


def _pattern(folded: str) -> re.Pattern[str]:
    """The pattern of the words that begin so, with and without accents."""
    letters = (f"[{_ACCENTED[letter]}]" if letter in _ACCENTED else re.escape(letter) for letter in folded)
    return re.compile(r"\b" + "".join(letters), re.IGNORECASE)


def _texts(guide: Guide) -> Iterator[str]:
    yield guide.problem_title
    yield guide.problem_description
    for step in guide.steps:
        yield step.title
        yield step.description
        yield from step.warnings
        yield from step.instructions
