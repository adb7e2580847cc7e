"""Codes of one problem: those that its texts name and its author declares, and which of them tell it from others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.detection.problem import Problem
from guiado.text.code import Code, CodeKind, covers
from guiado.text.code_words import SYSTEMS
from guiado.text.codes import codes_in, declared_code

ERROR, MODEL, LOOSE = "error", "model", "number"
"""Families of codes."""
YEAR = re.compile(r"(?:19|20)\d\d")
_ABOUT_SHARE = 1 / 3
"""A problem is about the codes that its title has, or at least this share of its phrases."""
_LEAST_TELLING = 4
"""Digits of a number in a title that is taken for a code."""


@dataclass(frozen=True, slots=True)
class ProblemCodes:
    """The codes of one problem.

    Args:
        problem: whose they are.
        codes: all that its texts name and its author declares.
        own: keys of those that tell it from others: error codes that its author's texts name, and codes that are declared.
        about: the families of codes that it is about.
        shapes: of its error codes.
    """

    problem: Problem
    codes: tuple[Code, ...]
    own: frozenset[str]
    about: frozenset[str]
    shapes: frozenset[str] = frozenset()

    def knows(self, code: Code) -> bool:
        """Whether one of its codes is this one or includes it."""
        return any(covers(own, code) for own in self.codes)

    def excludes(self, named: Sequence[Code]) -> tuple[Code, ...]:
        """The named codes that say that a text is about something else: of a family that it is about, none of them its own."""
        own = frozenset(code.family for code in named if self.knows(code))
        return tuple(code for code in named if code.family not in own and (self._is_about(code) or self._is_rival(code, own)))

    def _is_about(self, code: Code) -> bool:
        """Whether it is about such codes; a number that may be none must look like its own."""
        return code.family in self.about and (code.certain or code.kind is not CodeKind.ERROR or code.shape in self.shapes)

    def _is_rival(self, code: Code, own: frozenset[str]) -> bool:
        """Whether it is about another operating system of the same kind of device."""
        if code.kind is not CodeKind.VERSION or any(code.family == each.family for each in self.codes):
            return False
        return any(code.family in kind and kind & self.about and not kind & own for kind in SYSTEMS)


def read_codes(problem: Problem, readings: Readings = NOTHING) -> ProblemCodes:
    """Read the codes of a problem.

    Args:
        readings: of texts that were read before.
    """
    title, *others = map(readings.codes_in, (problem.title, problem.description, *problem.phrases))
    title = tuple(replace(code, family=ERROR, certain=True) if _is_telling(code) else code for code in title)
    declared = tuple(filter(None, map(declared_code, problem.codes)))
    written = _certain((*declared, *title, *(code for found in others for code in found)))
    learned = [codes_in(example.text) for example in problem.learned if not example.negative]
    codes = _certain((*written, *(code for found in learned for code in found)))
    own = frozenset(code.key for code in (*declared, *(code for code in written if code.kind is CodeKind.ERROR)))
    about = frozenset(_about((*declared, *title), others, written))
    shapes = frozenset(code.shape for code in codes if code.kind is CodeKind.ERROR)
    return ProblemCodes(problem, codes, own, about, shapes)


def _is_telling(code: Code) -> bool:
    """Whether a number in a title is what the problem is about: titles name no amounts."""
    return code.family == LOOSE and len(code.value) >= _LEAST_TELLING and not YEAR.fullmatch(code.value)


def _certain(codes: Iterable[Code]) -> tuple[Code, ...]:
    """Codes that are some in any case or that a screen is said to show, each once."""
    return tuple(dict.fromkeys(replace(code, certain=True) for code in codes if code.certain or code.family != LOOSE))


def _about(heading: Iterable[Code], others: Sequence[Sequence[Code]], written: Sequence[Code]) -> Iterable[str]:
    """The families that the title names or enough of the other texts do."""
    yield from (code.family for code in heading if code.certain)
    values = {code.value: code.family for code in written}
    least = max(1.0, _ABOUT_SHARE * max(1, len(others) - 1))
    for family in set(values.values()):
        if sum(any(values.get(code.value) == family for code in found) for found in others) >= least:
            yield family
