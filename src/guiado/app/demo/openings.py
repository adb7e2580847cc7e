"""Openings of synthetic sessions: the customer's words, and what detection makes of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from guiado.app.demo import phrases
from guiado.app.demo.courses import Courses, Followed, Node
from guiado.app.demo.draws import Draws
from guiado.app.sessions.alarms import hear
from guiado.app.sessions.already_tried import already_tried
from guiado.domain.clarification import Clarification, Considered, Declared, Option
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.domain.session_commands import Alarm

_NEIGHBOURS = 3
_CLARIFIED, _UNKNOWN, _PERSON = 0.08, 0.035, 0.012
_SURE = (9.0, 1.6)
"""Shape of the confidence of detection where it is sure (beta distribution)."""
_UNSURE = (0.31, 0.36, 0.39, 0.42, 0.44, 0.46, 0.48, 0.51, 0.54, 0.58)
"""Confidence of detection where it asks; a few values, so that sessions share their courses."""
_BLOCK = 512
_LONG_WORD = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence about a problem, as far as it tells more than the problem."""

    text: str
    tried: tuple[dict[str, object], ...]
    alarm: Alarm | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a session.

    Args:
        nodes: the first places of its course.
        guide: that is followed in the end; None for a message about none of the known problems.
        considered: the problems that were weighed, best first, as JSON.
        alternatives: those among them that were not taken.
    """

    text: str
    nodes: list[Node]
    guide: Guide | None
    confidence: float
    considered: msgspec.Raw
    alternatives: msgspec.Raw


class Openings:
    """Makes openings from the guides of a knowledge base.

    Args:
        version_ids: guide id -> stored version.
        failures_allowed: at this many failed attempts a person is called.
    """

    def __init__(self, guides: Mapping[str, Guide], version_ids: Mapping[str, str], failures_allowed: int) -> None:
        self._guides, self._version_ids, self._failures_allowed = guides, version_ids, failures_allowed
        self.problem_ids = sorted(guides)
        self._by_category: dict[str, list[str]] = {}
        for each in self.problem_ids:
            self._by_category.setdefault(str(guides[each].category), []).append(each)
        self._courses = Courses()
        self._confidences: list[float] = []
        self._sentences = lru_cache(maxsize=16_000)(self._read)
        self._neighbours = lru_cache(maxsize=4_000)(self._near)

    def make(self, problem_id: str, language: str, draws: Draws, *, comes_back: bool) -> Opening:
        """An opening about a problem; now and then it is unclear, or about nothing known.

        Args:
            comes_back: whether the customer was here with the same problem before.
        """
        point = draws.fraction()
        if not comes_back and point < _UNKNOWN + _PERSON:
            return self._without_guide(language, draws, wants_person=point < _PERSON)
        guide = self._guides[problem_id]
        spoken = guide.in_language(language)
        sentence = self._sentences(problem_id, language, draws.one_of(spoken.common_issues or (spoken.problem_title,)))
        text = draws.one_of(phrases.of(phrases.BOOK.greetings, language)) + sentence.text
        followed = Followed(guide, self._version_ids[problem_id], language, self._failures_allowed)
        may_ask = not comes_back and sentence.alarm is None and bool(guide.steps) and len(self.problem_ids) > 1
        if may_ask and point > 1 - _CLARIFIED:
            return self._clarified(text, sentence, followed, draws)
        confidence = self._confidence(draws)
        rows = self._weighed(problem_id, sentence.words, confidence)
        node = self._courses.plain(followed, sentence.tried, sentence.alarm)
        return Opening(text, [node], guide, confidence, _json(rows), _json(rows[1:]))

    def _clarified(self, text: str, sentence: Sentence, followed: Followed, draws: Draws) -> Opening:
        problem_id = followed.guide.problem_id
        confidence = draws.one_of(_UNSURE)
        rows = self._weighed(problem_id, sentence.words, confidence)
        options = tuple(self._option(row, followed.language) for row in rows)
        nodes = self._courses.clarified(followed, Clarification(options), tuple(rows), confidence)
        return Opening(text, nodes, followed.guide, confidence, _json(rows), _json(rows[1:]))

    def _without_guide(self, language: str, draws: Draws, *, wants_person: bool) -> Opening:
        said = phrases.BOOK.wants_a_person if wants_person else phrases.BOOK.unknown
        text = draws.one_of(phrases.of(phrases.BOOK.greetings, language)) + draws.one_of(phrases.of(said, language))
        node = self._courses.without_guide(language, Declared(MessageKind.PERSON) if wants_person else None)
        confidence = round(0.02 + 0.2 * draws.fraction(), 4)
        rows = self._weighed(draws.one_of(self.problem_ids), (), confidence)
        return Opening(text, [node], None, confidence, _json(rows), _json(rows))

    def _confidence(self, draws: Draws) -> float:
        if not self._confidences:
            self._confidences = draws.random.beta(*_SURE, _BLOCK).round(4).tolist()
        return self._confidences.pop()

    def _weighed(self, problem_id: str, words: tuple[str, ...], confidence: float) -> list[dict[str, object]]:
        """The problem and its neighbours as detection weighs them; see `clarifying_question.considered_of`."""
        left, rows = (1 - confidence) * 0.6, [{"problem_id": problem_id, "confidence": confidence, "words": list[object](words)}]
        for other in self._neighbours(problem_id):
            rows.append({"problem_id": other, "confidence": round(left, 4), "words": []})
            left *= 0.5
        return [dict[str, object](row) for row in rows]

    def _option(self, row: dict[str, object], language: str) -> Option:
        problem_id, confidence = str(row["problem_id"]), row["confidence"]
        title = self._guides[problem_id].in_language(language).problem_title
        return Option(problem_id, title, float(str(confidence)), None, self._version_ids[problem_id])

    def _near(self, problem_id: str) -> list[str]:
        """Problems that this one is taken for: the next ones of its category, then any."""
        category = self._by_category[str(self._guides[problem_id].category)]
        found = [*_after(category, problem_id), *_after(self.problem_ids, problem_id)]
        return list(dict.fromkeys(found))[:_NEIGHBOURS]

    def _read(self, problem_id: str, language: str, text: str) -> Sentence:
        guide = self._guides[problem_id]
        words = tuple(word for word in text.lower().split() if len(word) > _LONG_WORD)[:3]
        return Sentence(text, already_tried(guide, text, language), hear((text,), guide, (), language), words)


def _json(rows: list[dict[str, object]] | Considered) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(rows))


def _after(problem_ids: list[str], problem_id: str) -> list[str]:
    """The ids that come after one in a sorted list, and around; a few of them."""
    place = bisect_left(problem_ids, problem_id)
    turned = [problem_ids[(place + further) % len(problem_ids)] for further in range(1, _NEIGHBOURS + 1)]
    return [each for each in turned if each != problem_id]
