"""Exact codes in detection: what a message and the texts of each problem say of error codes, versions and models.

Likeness takes error 1406 for error 1402. A problem that is about another code than the one that is named is not taken for it; one
that alone has the named code is; and an unknown code counts nothing, so that the other words must suffice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.detection.problem import Candidate, Problem
from guiado.detection.problem_codes import ERROR, MODEL, YEAR, ProblemCodes, read_codes
from guiado.detection.worded_codes import NO_WORDED_CODES, WordedCodes
from guiado.text.code import Code, CodeKind, covers, without_codes
from guiado.text.codes import codes_in
from guiado.text.fold import fold

AGAINST = 0.2
"""Worth of a confidence in a problem that is about another code, or that nothing but an unknown code speaks for."""
FOR = 20.0
"""How much likelier a problem is when it alone has the code that is named."""
FOR_ONE_OF_FEW = 5.0
"""The same of each where two or three have it, or where a number may be a code or not."""
_FEW = 3
_LEAST_CONFIDENCE = 0.05
"""Of a problem that has the code, where the other words say nothing for it."""
_RANKED = 5
_SEVERAL = 2
_SAYS_MORE = 0.4
"""From this confidence on the other words of a text say which of several codes is meant."""
_NO_CODES: Mapping[str, ProblemCodes] = {}


class JudgedCodes(NamedTuple):
    """A ranking after the codes of a text were compared.

    Args:
        candidates: best first; each says which codes decided.
        unknown: codes of the text, as written, that no problem has, of a kind that is known to exist.
    """

    candidates: tuple[Candidate, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodeIndex:
    """The codes of all problems. Immutable; made with `CodeIndex.of`.

    Args:
        by_problem: problem id -> its codes; problems without any are left out.
        owners: key of an error code or a declared one -> ids of the problems whose own it is, in alphabetical order.
        keys: of all known codes, by which error codes and models are found.
        versions: family -> the known versions of that product.
        families: those of which any problem has codes.
        shapes: of all known error codes.
        models: shapes of all known models.
        worded: the known error codes that say in words what they mean.
        read: every problem with what was read of it, for the next index.
    """

    by_problem: Mapping[str, ProblemCodes] = field(default_factory=lambda: _NO_CODES)
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    keys: frozenset[str] = frozenset()
    versions: Mapping[str, frozenset[Code]] = field(default_factory=dict[str, frozenset[Code]])
    families: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    worded: WordedCodes = NO_WORDED_CODES
    read: Mapping[str, ProblemCodes] = field(default_factory=lambda: _NO_CODES)

    @classmethod
    def of(cls, problems: Iterable[Problem], previous: CodeIndex | None = None, readings: Readings = NOTHING) -> CodeIndex:
        """Read the codes of these problems, but of those that `previous` has unchanged, and of texts that were read before."""
        before = previous.read if previous else _NO_CODES
        read = {problem.problem_id: _unchanged(before, problem) or read_codes(problem, readings) for problem in problems}
        having = {problem_id: found for problem_id, found in read.items() if found.codes}
        known = {code for found in having.values() for code in found.codes}
        return cls(
            having,
            _owners(having),
            frozenset(code.key for code in known),
            _versions(known),
            frozenset(code.family for code in known),
            frozenset(code.shape for code in known if code.kind is CodeKind.ERROR),
            frozenset(code.shape for code in known if code.kind is CodeKind.MODEL),
            WordedCodes(code.value for code in known if code.is_worded),
            read,
        )

    def named_in(self, text: str) -> tuple[Code, ...]:
        """The codes that a message names: those that are codes in any case, and numbers that are known as one.

        Args:
            text: the meaningful part of a message.
        """
        return tuple(dict.fromkeys(found for code in self._read(text) if (found := self._as_known(code))))

    def _read(self, text: str) -> Iterator[Code]:
        """The codes of a text; a name that is known with its words apart is not read as a longer one."""
        apart = tuple(self.worded.written_apart(text))
        starts = {code.start for code in apart}
        yield from apart
        yield from (code for code in codes_in(text) if code.start not in starts)

    def unknown_of(self, named: Iterable[Code]) -> tuple[Code, ...]:
        """The named codes that no problem has: error codes of any form, versions and models where others are known.

        A version beside one that is known names something else, as the build does.
        """
        named = tuple(named)
        known = {code.family for code in named if code.kind is CodeKind.VERSION and self._is_known(code)}
        return tuple(
            code
            for code in named
            if (code.kind is CodeKind.ERROR or code.family in self.families - known) and not self._is_known(code)
        )

    def judge(self, text: str, limit: int, rank: Callable[[str, int], tuple[Candidate, ...]]) -> JudgedCodes:
        """Rank a message, and weigh the confidences by the codes that it names.

        Args:
            text: the meaningful part of it.
            limit: most candidates wanted.
            rank: ranks a text by everything else, so many candidates at most.
        """
        named = self.named_in(text) if limit > 0 else ()
        if limit > 0 and (amounts := self._amounts(text, named)):
            rank = _without_amounts(rank, amounts)
        if not named:
            return JudgedCodes(rank(text, limit))
        unknown = self.unknown_of(named)
        found = rank(text, max(limit, _RANKED))
        errors = tuple(code for code in unknown if code.kind is CodeKind.ERROR and code.certain and not code.is_worded)
        if errors and not any(code.key in self.owners for code in named):
            rest = without_codes(text, errors)
            found = _at_most(found, rank(rest, max(limit, _RANKED)) if rest else ())
        judged = self._evened(judge_codes(found, named, self), named, text, rank)
        decided = {written for each in judged for written in each.other_codes}
        told = (code.written for code in unknown if code.certain or code.written in decided)
        return JudgedCodes(judged[:limit], tuple(dict.fromkeys(told)))

    def _evened(self, judged: tuple[Candidate, ...], named: Sequence[Code], text: str, rank: Rank) -> tuple[Candidate, ...]:
        """The candidates; where codes of several problems are all that a text says, those are equally likely."""
        having = [each for each in judged if each.codes and not each.other_codes]
        if len({each.codes for each in having}) < _SEVERAL:
            return judged
        rest = without_codes(text, named)
        plain = rank(rest, 1) if rest else ()
        if plain and plain[0].confidence >= _SAYS_MORE:
            return judged
        share = sum(each.confidence for each in having) / len(having)
        evened = (replace(each, confidence=share) if each in having else each for each in judged)
        return tuple(sorted(evened, key=lambda each: (-each.confidence, each.problem_id)))

    def weigh(self, candidates: Sequence[Candidate], text: str) -> tuple[Candidate, ...]:
        """Candidates of a part of a message, weighed by the codes that the whole of it names.

        Args:
            candidates: best first.
            text: the whole of it.
        """
        named = self.named_in(text) if candidates else ()
        if not named:
            return tuple(candidates)
        judged = (
            each if each.codes or each.other_codes else _excluded(each, self.by_problem.get(each.problem_id), named)
            for each in candidates
        )
        return tuple(sorted(judged, key=lambda each: -each.confidence))

    def in_words(self, text: str) -> str:
        """A text in which the word "error" stands for each error code that no such word introduces."""
        shown = [code for code in self._read(text) if self._is_shown(code, text)]
        for code in sorted(shown, key=lambda each: -each.start):
            text = f"{text[: code.start]}error{text[code.end :]}"
        return _SHOWS_ERROR if shown and text.strip(" .,;:!") == "error" else text

    def _is_shown(self, code: Code, text: str) -> bool:
        """Whether a text says that a screen shows a code, without calling it an error."""
        is_error = code.family == ERROR and (code.certain or code.key in self.owners)
        return is_error and not _SAYS_ERROR.search(fold(text[code.start : code.end]))

    def _amounts(self, text: str, named: Sequence[Code]) -> Amounts:
        """The numbers of a text that are no codes in it, with the problems that have a code of the same digits."""
        keys = {code.key for code in named}
        numbers = {number for number in _NUMBER.findall(text) if number not in keys}
        return {number: owners for number in numbers if (owners := self.owners.get(number))}

    def _as_known(self, code: Code) -> Code | None:
        if code.is_worded:
            return replace(code, value=self.worded.meant(code.value))
        if code.certain:
            is_error = code.family == MODEL and code.shape in self.shapes
            return replace(code, kind=CodeKind.ERROR, family=ERROR) if is_error else code
        if code.kind is not CodeKind.ERROR:
            is_alike = code.kind is CodeKind.VERSION or code.shape in self.models
            return code if code.family in self.families and is_alike else None
        if code.family == ERROR and (code.key in self.owners or code.shape in self.shapes):
            return replace(code, certain=True)
        if code.key in self.owners:
            return replace(code, family=ERROR, certain=not code.value.isdigit())
        is_alike = code.shape in self.shapes and not YEAR.fullmatch(code.value)
        return replace(code, family=ERROR) if is_alike else None

    def _is_known(self, code: Code) -> bool:
        return code.key in self.keys or any(covers(known, code) for known in self.versions.get(code.family, ()))


Rank = Callable[[str, int], tuple[Candidate, ...]]
Amounts = Mapping[str, tuple[str, ...]]


def _without_amounts(rank: Rank, amounts: Amounts) -> Rank:
    """The ranking, in which an amount does not speak for a problem that has a code of the same digits."""
    owners = {problem_id for ids in amounts.values() for problem_id in ids}

    def ranked(given: str, limit: int) -> tuple[Candidate, ...]:
        found = rank(given, limit)
        if not any(each.problem_id in owners for each in found[:_RANKED]):
            return found
        rest = _NUMBER.sub(lambda number: "" if number.group() in amounts else number.group(), given)
        return rank(rest, limit) if rest.strip() else found

    return ranked


def _owners(having: Mapping[str, ProblemCodes]) -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for problem_id, found in sorted(having.items()):
        for key in found.own:
            owners.setdefault(key, []).append(problem_id)
    return {key: tuple(ids) for key, ids in owners.items()}


def _versions(known: Iterable[Code]) -> dict[str, frozenset[Code]]:
    found: dict[str, set[Code]] = {}
    for code in known:
        if code.kind is CodeKind.VERSION:
            found.setdefault(code.family, set()).add(code)
    return {family: frozenset(codes) for family, codes in found.items()}


_NUMBER = re.compile(r"(?<![\w.])\d{3,8}(?![\w.]*\w)")
_SHOWS_ERROR = "me sale un error"
_SAYS_ERROR = re.compile(r"\b(?:error|erro|fall[ao]|falha|exception|excepcion)")
_PARTS, _DIGIT = re.compile(r"[^\W_]+"), re.compile(r"\d")


def judge_codes(candidates: Sequence[Candidate], named: Sequence[Code], index: CodeIndex) -> tuple[Candidate, ...]:
    """Candidates weighed by the codes that a message names.

    Args:
        candidates: best first; their confidences sum to 1 at most.
        named: by the message, see `CodeIndex.named_in`.
        index: of the same problems.

    Returns:
        Best first, equal ones by id; the confidences sum to 1 at most. What other codes take from a problem is left to none.
    """
    owned = _owned(named, index)
    judged = [_excluded(each, index.by_problem.get(each.problem_id), named) for each in _with_owners(candidates, owned, index)]
    rest = max(0.0, 1 - sum(each.confidence for each in judged))
    weights = [each.confidence * _boost(each, owned.get(each.problem_id, ()), index) for each in judged]
    total = sum(weights) + rest
    if total > 0:
        judged = [replace(each, confidence=weight / total) for each, weight in zip(judged, weights, strict=True)]
    return tuple(sorted(judged, key=lambda each: (-each.confidence, each.problem_id)))


def _owned(named: Iterable[Code], index: CodeIndex) -> dict[str, tuple[Code, ...]]:
    """Problem id -> the named codes that are its own and at most a few others'."""
    owned: dict[str, tuple[Code, ...]] = {}
    for code in named:
        owners = index.owners.get(code.key, ())
        for problem_id in owners if len(owners) <= _FEW else ():
            owned[problem_id] = (*owned.get(problem_id, ()), code)
    return owned


def _with_owners(candidates: Sequence[Candidate], owned: Mapping[str, Sequence[Code]], index: CodeIndex) -> list[Candidate]:
    """The candidates, and the problems that have a named code although the other words do not say so."""
    found = {each.problem_id: each for each in candidates}
    room = max(0.0, 1 - sum(each.confidence for each in candidates))
    for problem_id, codes in owned.items():
        known = found.get(problem_id) or Candidate(problem_id, 0.0, (), _text_with(index.by_problem[problem_id], codes[0]))
        least = min(_LEAST_CONFIDENCE, known.confidence + room) if any(code.certain for code in codes) else 0.0
        given = max(known.confidence, least)
        room -= given - known.confidence
        if given > 0:
            found[problem_id] = replace(known, confidence=given, codes=tuple(code.written for code in codes))
    return list(found.values())


def _excluded(candidate: Candidate, own: ProblemCodes | None, named: Sequence[Code]) -> Candidate:
    others = own.excludes(named) if own else ()
    if not others:
        return candidate
    written = tuple(code.written for code in others)
    evidence = _without(candidate.evidence, others)
    return replace(candidate, confidence=candidate.confidence * AGAINST, other_codes=written, evidence=evidence)


def _without(words: Iterable[str], codes: Iterable[Code]) -> tuple[str, ...]:
    """The words that count, but for the codes of something else."""
    out = {part for code in codes for part in _PARTS.findall(fold(code.written)) if _DIGIT.search(part)}
    return tuple(word for word in words if fold(word) not in out)


def _boost(candidate: Candidate, own: Sequence[Code], index: CodeIndex) -> float:
    """How much likelier its own codes make a candidate; nothing where it is about another code too."""
    if not own or candidate.other_codes:
        return 1.0
    is_sole = any(code.certain and len(index.owners[code.key]) == 1 for code in own)
    return FOR if is_sole else FOR_ONE_OF_FEW


def _at_most(candidates: Sequence[Candidate], others: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with no more confidence than the text without its unknown codes gives them."""
    plain = {each.problem_id: each.confidence for each in others}
    capped = (
        replace(each, confidence=min(each.confidence, max(plain.get(each.problem_id, 0.0), AGAINST * each.confidence)))
        for each in candidates
    )
    return tuple(sorted(capped, key=lambda each: (-each.confidence, each.problem_id)))


def _text_with(own: ProblemCodes, code: Code) -> str | None:
    """The text of a problem that names a code."""
    return next((text for text in own.problem.texts if any(covers(found, code) for found in codes_in(text))), None)


def _unchanged(before: Mapping[str, ProblemCodes], problem: Problem) -> ProblemCodes | None:
    known = before.get(problem.problem_id)
    return known if known is not None and (known.problem is problem or known.problem == problem) else None
