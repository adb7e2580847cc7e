"""Differences between two texts of a guide, and between a file and the guides in use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path

from guiado.app.context import AppContext, UnitOfWork
from guiado.app.knowledge.entries import entry_of, entry_of_edit
from guiado.app.knowledge.importers import json_guides
from guiado.app.knowledge.importers.imported import NotUnderstood
from guiado.app.knowledge.importers.registry import importer_of
from guiado.app.knowledge.parse import Findings, read_entry
from guiado.app.knowledge.publications import former_version, numbered, versions_of
from guiado.app.knowledge.sources.json_file import read_file
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import guide_from_json
from guiado.errors import FieldProblem
from guiado.store import guides
from guiado.store.publications import Publication, PublicationState
from guiado.text.json_shapes import is_mapping, is_series, items_in

_UNCOUNTED = {"step_number"}
"""Fields of a step that change with its place alone; the order of the steps is told apart."""
STEP_ID = "step_id"
Steps = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs.

    Args:
        field: its path from the guide, where a step is named by its id.
        before: its lines, none where it was missing.
        after: its lines, none where it is gone.
    """

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionDifferences:
    """Differences between two versions of a guide, by their numbers."""

    guide: str
    before: int
    after: int
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class FileDifferences:
    """Changes that a file would make.

    Args:
        added: ids of guides that are not in use.
        changed: id -> differences.
        unchanged: number of guides with the same text.
        missing: ids of guides in use that the file does not have.
    """

    added: Sequence[str] = ()
    changed: Mapping[str, Sequence[Difference]] = field(default_factory=dict[str, Sequence[Difference]])
    unchanged: int = 0
    missing: Sequence[str] = ()


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[Difference]:
    """Differences between two entries, in the order of the first one's fields."""
    return list(_of_objects("", before, after))


def is_same(edited: Guide, used: Guide) -> bool:
    """Whether publishing `edited` over the guide in use would change none of its texts."""
    return entry_of_edit(edited, used) == entry_of(used)


async def same_texts(parts: AppContext, edited: Mapping[str, tuple[Guide, str]]) -> set[str]:
    """Ids of the guides whose texts are those of the version in use, whatever way they are written.

    Args:
        parts: of this process.
        edited: id -> guide, without the step ids that publishing gives, and version in use.
    """
    if not edited:
        return set()
    async with parts.connection() as connection:
        stored = await guides.contents(connection, parts.tenant, [version_id for _, version_id in edited.values()])
    return await asyncio.to_thread(_same, edited, stored)


def _same(edited: Mapping[str, tuple[Guide, str]], stored: Mapping[str, Mapping[str, object]]) -> set[str]:
    return {key for key, (guide, used) in edited.items() if used in stored and is_same(guide, guide_from_json(stored[used]))}


async def between_versions(
    work: UnitOfWork, scope: str, problem_id: str, before: int | None = None, after: int | None = None
) -> VersionDifferences:
    """Compare two versions of a guide.

    Args:
        before: number of the earlier one; by default the one that was in use before.
        after: number of the later one; by default the one in use.

    Raises:
        NotFound: there is no such guide or version, or none was in use before.
    """
    found = await versions_of(work, scope, problem_id)
    later = _in_use(found) if after is None else numbered(found, problem_id, after)
    earlier = numbered(found, problem_id, await former_version(work, scope, problem_id) if before is None else before)
    stored = await guides.contents(work.connection, work.tenant, [earlier.version_id, later.version_id])
    one, other = (entry_of(guide_from_json(stored[each.version_id])) for each in (earlier, later))
    return VersionDifferences(problem_id, earlier.version, later.version, differences(one, other))


def read_source(source: Path) -> tuple[dict[str, Guide], list[FieldProblem]]:
    """The guides of a file or folder of any format, and what of it gives none.

    Raises:
        KnowledgeBaseInvalid: a knowledge-base file is broken.
        SourceUnreadable: nothing of another source can be read.
    """
    importer = importer_of(source)
    if importer.NAME == json_guides.NAME:
        return dict(read_file(source).guides), []
    found, problems = dict[str, Guide](), list[FieldProblem]()
    for each in importer.read(source):
        if isinstance(each, NotUnderstood):
            problems.append(each.problem)
            continue
        findings = Findings()
        guide = read_entry(each.problem_id, each.entry, findings)
        problems += [replace(error, field=f"{each.place}: {error.field}") for error in findings.errors]
        if guide is not None:
            found[each.problem_id] = guide
    return found, problems


def of_file(given: Mapping[str, Guide], used: Mapping[str, Guide]) -> FileDifferences:
    """Compare the guides of a file with those in use.

    Args:
        given: of the file, by id, without step ids.
        used: in use, by id.
    """
    changed = {key: found for key, guide in given.items() if key in used and (found := _edit(guide, used[key]))}
    added = [key for key in given if key not in used]
    missing = [key for key in used if key not in given]
    return FileDifferences(added, changed, len(given) - len(added) - len(changed), missing)


def _edit(edited: Guide, used: Guide) -> list[Difference]:
    return differences(entry_of(used), entry_of_edit(edited, used))


def _in_use(found: Sequence[Publication]) -> Publication:
    """The version in use, else the newest."""
    return next((each for each in found if each.state is PublicationState.IN_USE), found[0])


def _of_objects(path: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Difference]:
    for key in (*before, *(key for key in after if key not in before)):
        if key not in _UNCOUNTED:
            yield from _of_values(f"{path}.{key}" if path else key, before.get(key), after.get(key))


def _of_values(path: str, before: object, after: object) -> Iterator[Difference]:
    if before == after:
        return
    one, other = _by_id(before), _by_id(after)
    if one or other:
        yield from _of_steps(path, one, other)
    elif _are_alike(before, after):
        for place, (old, new) in enumerate(zip(items_in(before), items_in(after), strict=True)):
            yield from _of_values(f"{path}[{place}]", old, new)
    elif is_mapping(before) and is_mapping(after):
        yield from _of_objects(path, before, after)
    elif is_mapping(before) or is_mapping(after):
        yield from _of_objects(path, before if is_mapping(before) else {}, after if is_mapping(after) else {})
    else:
        yield Difference(path, _lines(before), _lines(after))


def _are_alike(before: object, after: object) -> bool:
    """Whether both are lists of as many objects, as the steps of translations are, which belong together by their place."""
    one, other = items_in(before), items_in(after)
    return bool(one) and len(one) == len(other) and all(map(is_mapping, (*one, *other)))


def _by_id(value: object) -> Steps:
    """The steps of a list by their id; none where it is another list."""
    steps = [item for item in items_in(value) if is_mapping(item) and item.get(STEP_ID)]
    return {str(step[STEP_ID]): step for step in steps}


def _of_steps(
    path: str, before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]
) -> Iterator[Difference]:
    if [key for key in before if key in after] != [key for key in after if key in before]:
        yield Difference(path, tuple(before), tuple(after))
    for key in (*before, *(key for key in after if key not in before)):
        yield from _of_objects(f"{path}.{key}", before.get(key, {}), after.get(key, {}))


def _lines(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.splitlines()) or ("",)
    return tuple(map(_line, value)) if is_series(value) else (_line(value),)


def _line(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def marked(difference: Difference) -> Iterator[tuple[str, str]]:
    """Lines of a field with "-" for one that is gone, "+" for a new one and " " for one that both have."""
    matcher = SequenceMatcher(None, difference.before, difference.after, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield from ((" ", line) for line in difference.before[a:b])
        else:
            yield from (("-", line) for line in difference.before[a:b])
            yield from (("+", line) for line in difference.after[c:d])
