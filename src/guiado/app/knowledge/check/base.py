"""Check of a whole knowledge base: what is wrong with its file, with each guide, and what changes in their sessions' costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from guiado.app.knowledge.check.lines import JsonLines
from guiado.app.knowledge.check.verdicts import USUAL_TERMS, CheckTerms, GuideChange, GuideVerdict, check_guides
from guiado.app.knowledge.differences import read_source
from guiado.app.knowledge.importers import json_guides
from guiado.app.knowledge.importers.registry import importer_of
from guiado.app.knowledge.sources.json_file import NO_VARIABLES, Variables, read_with_faults
from guiado.app.text_file import read_text_file
from guiado.domain.guide import Guide
from guiado.errors import FieldProblem

Lint = Callable[[Mapping[str, Guide]], list[FieldProblem]]
"""The warnings about a knowledge base, each with the JSON path of its guide."""


@dataclass(frozen=True, slots=True)
class GivenBase:
    """A knowledge base that is to be checked.

    Args:
        name: of its file; empty for the one in use.
        guides: id -> guide, of those without an error.
        ids: of all its guides, those with errors too.
        errors: what keeps guides, or the whole file, from being used.
        warnings: what is doubtful, as far as its reader saw it.
        lines: of the file; None where it is not JSON.
    """

    name: str
    guides: Mapping[str, Guide]
    ids: tuple[str, ...] = ()
    errors: tuple[FieldProblem, ...] = ()
    warnings: tuple[FieldProblem, ...] = ()
    lines: JsonLines | None = None


@dataclass(frozen=True, slots=True)
class BaseVerdict:
    """Verdict on a knowledge base.

    Args:
        given: what was checked.
        verdicts: id -> verdict, of each of its guides.
        removed: ids of the guides that it does not have and the version before had.
        errors: of the file as a whole.
        warnings: of the base as a whole, and of its guides by id; "" is the whole.
    """

    given: GivenBase
    verdicts: Mapping[str, GuideVerdict]
    removed: tuple[str, ...] = ()
    errors: tuple[FieldProblem, ...] = ()
    warnings: Mapping[str, Sequence[FieldProblem]] = field(default_factory=dict[str, Sequence[FieldProblem]])

    @property
    def is_refused(self) -> bool:
        """Whether the base should not be published as it is."""
        return bool(self.errors) or any(each.is_refused for each in self.verdicts.values())

    @property
    def warning_count(self) -> int:
        """Number of all warnings."""
        return sum(map(len, self.warnings.values()))

    def line_of(self, problem: FieldProblem) -> int | None:
        """Line of the file at which a problem stands; None where the place is told otherwise, or nobody knows it."""
        return self.given.lines.line_of(problem.field) if self.given.lines is not None else None


def read_base(path: Path, variables: Variables = NO_VARIABLES) -> GivenBase:
    """Read a file or folder of any format, with its errors.

    Args:
        variables: those that the settings give to its guides.

    Raises:
        KnowledgeBaseInvalid, SourceUnreadable: nothing of it can be read.
    """
    if importer_of(path).NAME != json_guides.NAME:
        guides, problems = read_source(path)
        return GivenBase(path.name, guides, tuple(guides), tuple(problems))
    entries = read_with_faults(path, variables)
    found = entries.findings
    lines = JsonLines(read_text_file(path))
    return GivenBase(path.name, entries.guides, tuple(entries.hashes), tuple(found.errors), tuple(found.warnings), lines)


def check_base(
    given: GivenBase, before: Mapping[str, Guide], terms: CheckTerms = USUAL_TERMS, lint: Lint | None = None
) -> BaseVerdict:
    """Check a knowledge base against the one that it would take over from.

    Args:
        before: id -> guide in use.
        lint: gives the warnings about the guides as texts.
    """
    errors = by_guide(given.errors, given.ids)
    verdicts = check_guides(given.guides, before, terms)
    for key in given.ids:
        if key in errors:
            found = verdicts.get(key) or GuideVerdict(key, GuideChange.CHANGED if key in before else GuideChange.ADDED)
            verdicts[key] = replace(found, refusals=(*errors[key], *found.refusals))
    warnings = by_guide([*given.warnings, *(lint(given.guides) if lint and given.guides else ())], given.ids)
    removed = tuple(key for key in before if key not in given.ids)
    ordered = {key: verdicts[key] for key in given.ids if key in verdicts}
    return BaseVerdict(given, ordered, removed, tuple(errors.get("", ())), warnings)


def by_guide(problems: Iterable[FieldProblem], ids: Collection[str]) -> dict[str, list[FieldProblem]]:
    """Problems by the guide that their JSON path begins with; "" for those of no guide alone."""
    known, found = frozenset(ids), dict[str, list[FieldProblem]]()
    for each in problems:
        found.setdefault(_guide_of(each.field, known), []).append(each)
    return found


def _guide_of(path: str, ids: frozenset[str]) -> str:
    head = path.removeprefix("$.") if path.startswith("$.") else ""
    while head and head not in ids:  # an id may have dots of its own
        head = head[: max(head.rfind("."), head.rfind("["), 0)]
    return head
