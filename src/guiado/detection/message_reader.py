"""Reads a customer's message against a knowledge base: cuts it into clauses, and ranks only what says that something is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.disputes import weighed
from guiado.detection.index import Index
from guiado.detection.problem import Candidate
from guiado.detection.reading import (
    FULL_FROM,
    KEPT_FROM,
    Reading,
    about_problem,
    acceptance,
    clauses_with_roles,
    indifference,
    kind_of,
    may_be_denied,
    said_solved,
    seems_to_say_nothing,
    worth,
)
from guiado.detection.roles import rules
from guiado.detection.roles.head import chances
from guiado.detection.roles.role import ROLES, MessageKind, Role
from guiado.text.clauses import clauses_of, whole
from guiado.text.tokenize import mail_of, normalise, one_line

_SIDE_BY_SIDE = 0.42
"""A clause is about a problem of its own from this confidence on."""
_SOLVED_WEIGHT = 0.45
"""How far a clause that says that something works speaks against a problem in another one, which must be surer then."""
_MOST_RANKED = 8
"""Clauses that are ranked by themselves."""
_TOP = 5


def read_message(index: Index, text: str, limit: int = 3) -> Reading:
    """Understand a message.

    Args:
        index: of the known problems.
        text: what the customer wrote, of any length; its first 2,000 meaningful characters are read.
        limit: most candidates wanted.
    """
    mail = mail_of(text)
    if mail.automatic:
        return Reading(kind=MessageKind.OTHER)
    part = one_line(mail.body)
    shares = index.role_shares()
    least = indifference(shares)
    spans = clauses_of(part) if least < 1 else whole(part)
    if not spans or not len(index.texts) or limit < 1:
        return Reading(kind=MessageKind.NOTHING_SAID if not spans else MessageKind.PROBLEM)
    texts = [part[start:end] for start, end in spans]
    cleans = [index.read_part(each) for each in texts]
    vectors = index.vectors_of(cleans)
    roles = _roles_of(index, texts, vectors)
    about = about_problem(roles, acceptance(shares, least)) * np.array([not rules.says_nothing(each) for each in texts])
    message = _Message(index, part, texts, cleans, vectors, roles, about, least)
    reading = message.read(limit)
    reading = replace(reading, candidates=index.codes.weigh(reading.candidates, part))
    return _without_disputed(index, text, reading)


def _roles_of(index: Index, texts: Sequence[str], vectors: Floats | None) -> Floats:
    """The chances of the roles of clauses; that a screen shows a code is an error, whatever its digits look like."""
    said = [index.codes.in_words(each) for each in texts]
    changed = [at for at, (one, other) in enumerate(zip(texts, said, strict=True)) if one != other]
    if (
        vectors is not None
        and changed
        and (spoken := index.vectors_of([index.read_part(said[at]) for at in changed])) is not None
    ):
        vectors = vectors.copy()
        vectors[changed] = spoken
    return rules.apply(said, chances(said, vectors, index.encoder.name if index.encoder else ""))


def _without_disputed(index: Index, text: str, reading: Reading) -> Reading:
    """The reading without the confidence that several customers took from these very words."""
    losses = index.disputes.of(text)
    return replace(reading, candidates=weighed(reading.candidates, losses)) if losses else reading


class _Message:
    def __init__(
        self,
        index: Index,
        part: str,
        texts: Sequence[str],
        cleans: Sequence[str],
        vectors: Floats | None,
        roles: Floats,
        about: Floats,
        least: float,
    ) -> None:
        self.part, self.least = part, least
        self.index, self.texts, self.cleans, self.vectors, self.roles, self.about = index, texts, cleans, vectors, roles, about
        self.unknown_codes: dict[str, None] = {}
        self._found: dict[int, tuple[Candidate, ...]] = {}
        self._clauses = {_words(each).strip() for each in texts}
        self._words = _words(part) if least < 1 else ""

    def read(self, limit: int) -> Reading:
        kind = kind_of(self.roles, self.about)
        kept = [at for at in range(len(self.texts)) if self.about[at] >= KEPT_FROM] or list(range(len(self.texts)))
        alone = self._ranked_alone(kept)
        candidates = self._rank(kept, max(limit, _TOP), alone)
        complaints = [at for at in kept if ROLES[int(self.roles[at].argmax())] is Role.WRONG]
        several = _side_by_side(self._ranked_alone(complaints)) if kind is not MessageKind.SOLVED else ()
        denied = self._denied(kept)
        candidates = self._with_whole(candidates, kept, denied, max(limit, _TOP))
        if kind is MessageKind.PROBLEM and seems_to_say_nothing(self.roles) and not _is_likely(candidates):
            kind = MessageKind.NOTHING_SAID
        if candidates and self._is_known(candidates[0]):
            kind = MessageKind.PROBLEM if kind is not MessageKind.PERSON else kind
        shaped = sorted((self._shaped(each, kept) for each in candidates[:limit]), key=lambda each: -each.confidence)
        return Reading(
            tuple(each for each in shaped if each.confidence > 0),
            kind,
            clauses_with_roles(self.texts, self.roles),
            several,
            denied,
            tuple(self.unknown_codes),
        )

    def _is_known(self, candidate: Candidate) -> bool:
        """Whether a clause is a known phrase of the problem word for word, or has a long one in it and denies nothing."""
        known = _words(candidate.example or "")
        if known.strip() in self._clauses:
            return bool(known.strip())
        is_long = known.count(" ") > _LONG_PHRASE_WORDS
        return is_long and known in self._words and said_solved(self.roles) < FULL_FROM

    def _rank(self, kept: Sequence[int], limit: int, alone: Sequence[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
        """The candidates of what is kept, together; a clear clause of a long text is not averaged away."""
        if len(kept) == 1:
            return self._alone(kept[0], limit)
        joined = " ".join(self.texts[at].rstrip(" .,;") + "." for at in kept)
        clean = self.index.read_part(joined)
        vectors = self.index.vectors_of([clean])
        together = self._judged(joined, clean, None if vectors is None else vectors[0], limit)
        clear = max((found for found in alone if found), key=lambda found: found[0].confidence, default=())
        if clear and _is_clearer(clear[0], together):
            return clear
        return together

    def _ranked_alone(self, kept: Sequence[int]) -> list[tuple[Candidate, ...]]:
        """Each kept clause by itself, where there are several."""
        if len(kept) < 2:  # noqa: PLR2004 one is ranked as the whole
            return []
        by_chance = sorted(kept, key=lambda at: -self.about[at])[:_MOST_RANKED]
        return [self._alone(at, _TOP) for at in sorted(by_chance)]

    def _alone(self, at: int, limit: int) -> tuple[Candidate, ...]:
        """A clause by itself; ranked once."""
        if at not in self._found:
            vector = None if self.vectors is None else self.vectors[at]
            self._found[at] = self._judged(self.texts[at], self.cleans[at], vector, max(limit, _TOP))
        return self._found[at][:limit]

    def _with_whole(
        self, candidates: tuple[Candidate, ...], kept: Sequence[int], denied: Sequence[str], limit: int
    ) -> tuple[Candidate, ...]:
        """The candidates of the whole message, where it is clearer than its parts and they deny nothing of it."""
        if len(kept) == len(self.texts):
            return candidates
        clean = self.index.read_part(self.part)
        vectors = self.index.vectors_of([clean])
        whole = self._judged(self.part, clean, None if vectors is None else vectors[0], limit)
        if not whole or whole[0].problem_id in denied:
            return candidates
        return whole if not candidates or whole[0].confidence > candidates[0].confidence else candidates

    def _judged(self, part: str, clean: str, vector: Floats | None, limit: int) -> tuple[Candidate, ...]:
        judged = self.index.judge_codes(part, clean, vector, limit)
        self.unknown_codes |= dict.fromkeys(judged.unknown)
        return judged.candidates

    def _denied(self, kept: Sequence[int]) -> tuple[str, ...]:
        """The problems that clauses which are not kept say it is not."""
        if not may_be_denied(self.roles, kept):
            return ()
        out = [at for at in range(len(self.texts)) if at not in kept][:_MOST_RANKED]
        named = [found[0].problem_id for at in out if (found := self._alone(at, 1)) and found[0].confidence >= _SIDE_BY_SIDE]
        return tuple(dict.fromkeys(named))

    def _shaped(self, candidate: Candidate, kept: Sequence[int]) -> Candidate:
        """With the chance that the message is about a problem at all."""
        chance = float(self.about[list(kept)].max())
        if chance < FULL_FROM:
            own = acceptance(self.index.role_shares(candidate.problem_id), self.least)
            chance = max(chance, float(about_problem(self.roles[list(kept)], own).max()))
        chance *= 1 - _SOLVED_WEIGHT * (1 - self.least) * said_solved(self.roles)
        if self._is_known(candidate):
            chance = 1.0
        return replace(candidate, confidence=candidate.confidence * worth(chance))


def _words(text: str) -> str:
    """The words of a text, a blank around each, in one spelling."""
    return f" {' '.join(_WORD.findall(normalise(text)))} "


_WORD = re.compile(r"[^\W_]+")
_LONG_PHRASE_WORDS = 3


def _is_clearer(clear: Candidate, together: Sequence[Candidate]) -> bool:
    """Whether a clause by itself says more than all together: they say nothing, or the same with less confidence."""
    if not _is_likely(together):
        return not together or clear.confidence > together[0].confidence
    return clear.problem_id == together[0].problem_id and clear.confidence > together[0].confidence


def _is_likely(candidates: Sequence[Candidate]) -> bool:
    return bool(candidates) and candidates[0].confidence >= _LIKELY_FROM


_LIKELY_FROM = 0.4


def _side_by_side(alone: Sequence[tuple[Candidate, ...]]) -> tuple[str, ...]:
    """The problems that clauses are about, each by itself, where there are two or more."""
    named = [found[0].problem_id for found in alone if found and found[0].confidence >= _SIDE_BY_SIDE]
    ids = tuple(dict.fromkeys(named))
    return ids if len(ids) > 1 else ()
