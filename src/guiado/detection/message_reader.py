"""Reads a customer's message against a knowledge base: cuts it into clauses, and ranks only what says that something is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.disputes import weighed
from guiado.detection.index import Index
from guiado.detection.problem import Candidate
from guiado.detection.reading import (
    FULL_FROM,
    KEPT_FROM,
    WAVERS_FROM,
    Reading,
    about_problem,
    acceptance,
    accepted_kinds,
    clauses_with_roles,
    indifference,
    kind_of,
    may_be_denied,
    said_solved,
    seems_to_say_nothing,
    surer_of_complaint,
    tempered,
)
from guiado.detection.roles import rules
from guiado.detection.roles.cues import NAMES, read_cues
from guiado.detection.roles.head import kind_chances, role_chances
from guiado.detection.roles.role import ROLES, Clause, MessageKind, Role
from guiado.text.clauses import clauses_of, coordinated, unwrapped, whole
from guiado.text.tokenize import MEANINGFUL_CHARS, mail_of, normalise, one_line

_SIDE_BY_SIDE = 0.42
"""A clause is about a problem of its own from this confidence on."""
_BESIDE = 0.6
"""The same of a clause that seems to be background."""
_COMPLAINTS = frozenset({Role.WRONG, Role.TRIED})
_NAMED_FROM = 0.15
"""A clause that says that something works names its problem from this confidence on."""
_SURELY_DENIED = 0.85
_SOLVED_FROM = 0.8
"""A few words that say that something works, as surely as this, are no search for it: "se compuso el wifi"."""
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
    part = unwrapped(mail.body)
    least = indifference(index.role_shares())
    spans = clauses_of(part) if least < 1 else whole(part)
    if not spans or not len(index.texts) or limit < 1:
        return Reading(kind=MessageKind.NOTHING_SAID if not spans else MessageKind.PROBLEM)
    message = _Message(index, one_line(part), [one_line(part[start:end]) for start, end in spans], least)
    reading = message.read(limit)
    reading = replace(reading, candidates=index.codes.weigh(reading.candidates, message.part))
    return _without_disputed(index, text, reading)


def clauses_by_words(text: str) -> tuple[Clause, ...]:
    """The clauses of a text with their roles by words alone, without a knowledge base: of a note beside an answer.

    Args:
        text: what the customer wrote, of any length.
    """
    part = unwrapped(mail_of(text).body)[:MEANINGFUL_CHARS]
    texts = [one_line(part[start:end]) for start, end in clauses_of(part)]
    return clauses_with_roles(texts, rules.apply(texts, role_chances(texts, None, None, ""))) if texts else ()


def _without_disputed(index: Index, text: str, reading: Reading) -> Reading:
    """The reading without the confidence that several customers took from these very words."""
    losses = index.disputes.of(text)
    return replace(reading, candidates=weighed(reading.candidates, losses)) if losses else reading


class _Message:
    def __init__(self, index: Index, part: str, texts: Sequence[str], least: float) -> None:
        self.index, self.part, self.texts, self.least = index, part, texts, least
        self.cleans = [index.read_part(each) for each in texts]
        self.clean = index.read_part(part) if len(texts) > 1 else self.cleans[0]
        vectors = index.vectors_of([*self.cleans, self.clean] if len(texts) > 1 else self.cleans)
        self.vectors, self.vector = (None, None) if vectors is None else (vectors[: len(texts)], vectors[-1])
        self.encoder = index.encoder.name if index.encoder else ""
        self.roles = self._roles_of(texts, self.vectors)
        self.kinds = self._kinds_of(part)
        self.accepted = acceptance(index.role_shares(), least)
        self.says: Floats = np.array([not rules.says_nothing(each) for each in texts], np.float32)
        self.about: Floats = about_problem(self.roles, self.accepted) * self.says
        self.unknown_codes: dict[str, None] = {}
        self._found: dict[int, tuple[Candidate, ...]] = {}
        self._clauses = {_words(each).strip() for each in texts}
        self._words = _words(part) if least < 1 else ""

    def _roles_of(self, texts: Sequence[str], vectors: Floats | None) -> Floats:
        """The chances of the roles of clauses; that a screen shows a code is an error, whatever its digits look like."""
        said = [self.index.codes.in_words(each) for each in texts]
        changed = [at for at, (one, other) in enumerate(zip(texts, said, strict=True)) if one != other]
        spoken = self.index.vectors_of([self.index.read_part(said[at]) for at in changed]) if changed else None
        if vectors is not None and spoken is not None:
            vectors = vectors.copy()
            vectors[changed] = spoken
        return rules.apply(said, role_chances(said, vectors, self.vector, self.encoder), shows_code=changed)

    def _kinds_of(self, part: str) -> Floats:
        said, vector = self.index.codes.in_words(part), self.vector
        if said != part and vector is not None:
            spoken = self.index.vectors_of([self.index.read_part(said)])
            vector = vector if spoken is None else spoken[0]
        return kind_chances(said, vector, self.roles, self.encoder)

    def read(self, limit: int) -> Reading:
        kept = [at for at in range(len(self.texts)) if self.about[at] >= KEPT_FROM] or list(range(len(self.texts)))
        kind = kind_of(self.roles, self.kinds, self._chance(self.accepted))
        alone = self._ranked_alone(kept)
        candidates = self._rank(kept, max(limit, _TOP), alone)
        several: Mapping[str, float] = {}
        if kind is MessageKind.PROBLEM and self.least < 1:
            several = self._side_by_side(kept)
        denied = self._denied(kept)
        candidates = self._with_whole(candidates, kept, denied, max(limit, _TOP))
        if kind is MessageKind.PROBLEM and seems_to_say_nothing(self.roles) and not _is_likely(candidates):
            kind = MessageKind.NOTHING_SAID
        if candidates and self._is_known(candidates[0]):
            kind = MessageKind.PROBLEM if kind is not MessageKind.PERSON else kind
        shaped = self._judged_by_roles(candidates, kind)[:limit]
        if kind is MessageKind.OTHER and shaped and self._is_wish_of(shaped[0]):
            kind = MessageKind.PROBLEM
        return Reading(
            tuple(each for each in shaped if each.confidence > 0),
            kind,
            clauses_with_roles(self.texts, self.roles),
            several,
            tuple(name for name, (confidence, _) in denied.items() if confidence >= _SIDE_BY_SIDE),
            tuple(self.unknown_codes),
        )

    def _judged_by_roles(self, candidates: Sequence[Candidate], kind: MessageKind) -> list[Candidate]:
        """The candidates with the chance that the message is about a problem at all, best first."""
        shaped = sorted(map(self._shaped, candidates), key=lambda each: -each.confidence)
        if kind is MessageKind.PROBLEM and self._chance(self.accepted) >= FULL_FROM:
            return surer_of_complaint(shaped, 1 - self.least)
        return shaped

    def _is_wish_of(self, candidate: Candidate) -> bool:
        """Whether a wish or a question is one of those that a guide is there for, as its own phrases say."""
        accepted = acceptance(self.index.role_shares(candidate.problem_id), self.least)
        return candidate.confidence >= _LIKELY_FROM and self._chance(accepted) >= KEPT_FROM

    def _chance(self, accepted: Floats) -> float:
        """Probability that the message is about a problem, 0..1."""
        if not self.says.any():
            return self.least
        chance = float(self.kinds @ accepted_kinds(accepted))
        searches = _is_keywords(self.part) and said_solved(self.roles) < _SOLVED_FROM
        return max(chance, FULL_FROM) if searches else chance

    def _is_known(self, candidate: Candidate) -> bool:
        """Whether a clause is a known phrase of the problem word for word, or has a long one in it and denies nothing."""
        known = _words(candidate.example or "")
        if known.strip() in self._clauses:
            return bool(known.strip())
        is_long = known.count(" ") > _LONG_PHRASE_WORDS
        return is_long and known in self._words and said_solved(self.roles) < FULL_FROM

    def _rank(self, kept: Sequence[int], limit: int, alone: Mapping[int, tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
        """The candidates of what is kept, together; a clear clause of a long text is not averaged away."""
        if len(kept) == 1:
            return self._alone(kept[0], limit)
        together = self._together(kept, limit)
        said = [found for at, found in alone.items() if found and self._complains(at)]
        clear = max(said, key=lambda found: found[0].confidence, default=())
        if not clear or not _is_clearer(clear[0], together):
            return together
        share = max((each.confidence for each in together if each.problem_id == clear[0].problem_id), default=0.0)
        return clear if share >= _LEAST_SHARE else _asked(clear)  # the best of many clauses may be chance

    def _complains(self, at: int) -> bool:
        """Whether a clause says that something is wrong, in two words at least: one word of program code resembles anything."""
        words = [word for word in _WORD.findall(self.texts[at]) if word.isalpha() and len(word) >= _LEAST_LETTERS]
        return ROLES[int(self.roles[at].argmax())] in _COMPLAINTS and len(words) > 1

    def _together(self, kept: Sequence[int], limit: int) -> tuple[Candidate, ...]:
        if len(kept) == len(self.texts):
            return self._judged(self.part, self.clean, self.vector, limit)
        joined = " ".join(self.texts[at].rstrip(" .,;") + "." for at in kept)
        clean = self.index.read_part(joined)
        vectors = self.index.vectors_of([clean])
        return self._judged(joined, clean, None if vectors is None else vectors[0], limit)

    def _ranked_alone(self, kept: Sequence[int]) -> Mapping[int, tuple[Candidate, ...]]:
        """Each kept clause by itself, where there are several."""
        if len(kept) < 2:  # noqa: PLR2004 one is ranked as the whole
            return {}
        by_chance = sorted(kept, key=lambda at: -self.about[at])[:_MOST_RANKED]
        return {at: self._alone(at, _TOP) for at in sorted(by_chance)}

    def _alone(self, at: int, limit: int) -> tuple[Candidate, ...]:
        """A clause by itself; ranked once."""
        if at not in self._found:
            vector = None if self.vectors is None else self.vectors[at]
            self._found[at] = self._judged(self.texts[at], self.cleans[at], vector, max(limit, _TOP))
        return self._found[at][:limit]

    def _with_whole(
        self, candidates: tuple[Candidate, ...], kept: Sequence[int], denied: Mapping[str, tuple[float, float]], limit: int
    ) -> tuple[Candidate, ...]:
        """The candidates of the whole message, where it is clearer than its parts and they deny nothing of it."""
        if len(kept) == len(self.texts):
            return candidates
        whole = self._judged(self.part, self.clean, self.vector, limit)
        if not whole or (candidates and whole[0].confidence <= candidates[0].confidence):
            return candidates
        if whole[0].problem_id not in denied:
            return whole
        # What its parts say of no known problem may be about the one that seems to be denied: the customer is asked.
        if _is_likely(candidates) or denied[whole[0].problem_id][1] >= _SURELY_DENIED:
            return candidates
        return _asked(whole)

    def _judged(self, part: str, clean: str, vector: Floats | None, limit: int) -> tuple[Candidate, ...]:
        judged = self.index.judge_codes(part, clean, vector, limit)
        self.unknown_codes |= dict.fromkeys(judged.unknown)
        return judged.candidates

    def _denied(self, kept: Sequence[int]) -> Mapping[str, tuple[float, float]]:
        """The problems that clauses which are not kept say it is not: how surely each is named, and how surely denied."""
        if not may_be_denied(self.roles, kept):
            return {}
        found: dict[str, tuple[float, float]] = {}
        for at in [at for at in range(len(self.texts)) if at not in kept][:_MOST_RANKED]:
            for named in self._alone(at, 1):
                if named.confidence >= _NAMED_FROM:
                    before = found.get(named.problem_id, (0.0, 0.0))
                    found[named.problem_id] = max(before, (named.confidence, said_solved(self.roles[[at]])))
        return found

    def _is_refused(self, candidate: Candidate) -> bool:
        """Whether the message refuses what the nearest phrase of a candidate wishes for: "no quiero factura en papel"."""
        wishes = _wishes(candidate.example or "")
        return wishes is True and {wish for each in self.texts if (wish := _wishes(each)) is not None} == {False}

    def _shaped(self, candidate: Candidate) -> Candidate:
        """With the chance that the message is about a problem at all."""
        if self._is_refused(candidate):
            return _asked([candidate])[0]
        if self._is_known(candidate):
            return candidate
        chance = self._chance(self.accepted)
        if chance < FULL_FROM:
            chance = max(chance, self._chance(acceptance(self.index.role_shares(candidate.problem_id), self.least)))
        return replace(candidate, confidence=tempered(candidate.confidence, chance))

    def _side_by_side(self, kept: Sequence[int]) -> Mapping[str, float]:
        """The problems that complaints are about, each by itself, where there are two or more."""
        named = dict[str, float]()
        for at in kept[:_MOST_RANKED]:
            _name(named, self.roles[at], self._alone(at, 1))
            pieces = [self.texts[at][start:end] for start, end in coordinated(self.texts[at])][:_MOST_RANKED]
            if len(pieces) > 1:
                cleans = [self.index.read_part(each) for each in pieces]
                vectors = self.index.vectors_of(cleans)
                for place, roles in enumerate(self._roles_of(pieces, vectors)):
                    vector = None if vectors is None else vectors[place]
                    _name(named, roles, self._judged(pieces[place], cleans[place], vector, 1))
        return named if len(named) > 1 else {}


def _is_keywords(part: str) -> bool:
    """Whether a message is a few words as in a search box: "instalar programa". They name a subject, and say nothing of it."""
    words = _WORD.findall(part)
    is_short = len(words) <= _MOST_KEYWORDS and any(word.isalpha() and len(word) > _LEAST_LETTERS for word in words)
    return is_short and not read_cues(part)[_TELLING].any()


_MOST_KEYWORDS = 4
_LEAST_LETTERS = 2
_TELLING = np.array([name != "short" for name in NAMES])
"""The cues that are words, not the length of a clause."""


def _name(named: dict[str, float], roles: Floats, found: Sequence[Candidate]) -> None:
    """Add the problem that a clause complains of by itself, if any; background has to be surer."""
    least = {Role.WRONG: _SIDE_BY_SIDE, Role.TRIED: _SIDE_BY_SIDE, Role.NOTHING: _BESIDE}.get(ROLES[int(roles.argmax())], 1.0)
    for each in found:
        if each.confidence >= least:
            named[each.problem_id] = max(named.get(each.problem_id, 0.0), each.confidence)


def _words(text: str) -> str:
    """The words of a text, a blank around each, in one spelling."""
    return f" {' '.join(_WORD.findall(normalise(text)))} "


_WORD = re.compile(r"[^\W_]+")
_LONG_PHRASE_WORDS = 3


def _wishes(text: str) -> bool | None:
    """Whether a text wishes for something, or says that it does not want it; None where it says neither."""
    cues = read_cues(text)
    if cues[_NOT_WANTING]:
        return False
    return True if cues[_WANTING] else None


_WANTING, _NOT_WANTING = NAMES.index("want"), NAMES.index("not_wanting")


def _is_clearer(clear: Candidate, together: Sequence[Candidate]) -> bool:
    """Whether a clause by itself says more than all together: they say nothing, or the same with less confidence."""
    if not _is_likely(together):
        return not together or clear.confidence > together[0].confidence
    return clear.problem_id == together[0].problem_id and clear.confidence > together[0].confidence


def _asked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with confidences that are unclear at most."""
    return tuple(replace(each, confidence=tempered(each.confidence, WAVERS_FROM)) for each in candidates)


def _is_likely(candidates: Sequence[Candidate]) -> bool:
    return bool(candidates) and candidates[0].confidence >= _LIKELY_FROM


_LIKELY_FROM = 0.4
_LEAST_SHARE = 0.1
"""Confidence that a message as a whole has in the problem of its clearest clause; with less, the customer is asked."""
