"""Import of guides of other formats: a plan that writes nothing, and its publication.

New texts are stored in batches, none of them in use; then one transaction puts all of them into use. So an import that is killed
publishes nothing half, and running it again finishes it. Nothing is noted as taken from the file, so that the file's watcher does
not undo an import.

Source: ADR 0040.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from guiado import clock
from guiado.app.access.audit import note
from guiado.app.context import AppContext, Scope
from guiado.app.knowledge.check.verdicts import GuideVerdict, check_guide
from guiado.app.knowledge.differences import same_texts
from guiado.app.knowledge.importers.imported import Imported, Importer, NotUnderstood, SourceUnreadable
from guiado.app.knowledge.importers.spool import Spool
from guiado.app.knowledge.parse import Findings, read_entry
from guiado.app.knowledge.versions import store_batch
from guiado.domain.guide import Guide, content_hash
from guiado.errors import FieldProblem, Message, printable
from guiado.store import publications
from guiado.store.database import Connection
from guiado.store.publications import InUse

_BATCH = 200
_AT_ONCE = 5_000
"""Guides that one statement puts into use; all statements of an import are one transaction."""
_MOST_LINTED = 1_000
"""Most guides that are compared with each other for warnings: more take minutes."""
_MOST_NOTED = 1_000
"""Most errors, and most warnings, that are kept."""
_NAMED = 100
"""Guides that the row of the audit log names at most; support_guide_publication_log has all of them."""

Told = Callable[[int], None]
"""Called with the number of entries that are done so far."""
Lint = Callable[[Mapping[str, Guide]], list[FieldProblem]]
"""The warnings about a knowledge base, each with the JSON path of its guide."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Plan of an import: the changes that it would make.

    Args:
        source: name of the file or folder.
        scope: of the knowledge base that it goes into.
        added, changed, unchanged: ids of the guides that it would leave in use.
        dropped: ids of the guides that it would take out of use.
        version_ids: of the unchanged guides.
        errors: what of the source is not imported, with its place.
        error_count: number of all of them; `errors` holds the first.
        warnings: what is doubtful, with its place.
        is_linted: whether the guides were compared with the others, which takes too long for many of them.
        places: id -> place in the source, of the guides that are new or changed.
        refused: ids of the guides that the check refuses; unless they are forced they are among the errors, and not imported.
    """

    source: str
    scope: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    dropped: tuple[str, ...]
    version_ids: Mapping[str, str]
    errors: tuple[FieldProblem, ...]
    error_count: int
    warnings: tuple[FieldProblem, ...]
    is_linted: bool
    places: Mapping[str, str]
    refused: tuple[str, ...] = ()

    @property
    def changes(self) -> int:
        """Number of guides that it would add, change or drop."""
        return len(self.added) + len(self.changed) + len(self.dropped)

    @property
    def by(self) -> str:
        """Origin of its texts, and author of their publication."""
        return f"import:{self.source}"


async def plan_import(
    parts: AppContext,
    scope: str,
    source: Path,
    importer: Importer,
    spool: Spool,
    *,
    is_whole: bool = False,
    told: Told | None = None,
) -> ImportPlan:
    """Read a source and compare it with what is in use; nothing is written to the database.

    Args:
        parts: of this process.
        scope: of the knowledge base, "" for the one for everybody.
        spool: receives the entries that are new or changed.
        is_whole: whether the guides in use that the source does not have are dropped.

    Raises:
        SourceUnreadable: nothing of the source can be imported.
    """
    async with parts.connection() as connection:
        used = await publications.in_use(connection, parts.tenant, scope)
    reading = _Reading(used, spool)
    found = importer.read(source)
    while await asyncio.to_thread(reading.take, found):
        reading.settle(await same_texts(parts, reading.doubtful))
        if told is not None:
            told(reading.count)
    return reading.plan(_name(source), scope, is_whole=is_whole)


def _name(source: Path) -> str:
    return printable(source.absolute().name)


async def with_lint(plan: ImportPlan, spool: Spool, in_use: Mapping[str, Guide], lint: Lint) -> ImportPlan:
    """The plan with the warnings of its guides among all that would be in use; the plan itself where they are too many.

    Args:
        in_use: the guides of the knowledge base as it is.
        lint: checks a knowledge base.
    """
    new = {*plan.added, *plan.changed}
    if not new or len(new) + len(in_use) > _MOST_LINTED:
        return plan
    read = await asyncio.to_thread(lambda: {each.problem_id: each for batch in _guides(spool, new) for each, _ in batch})
    gone = frozenset(plan.dropped)
    warnings = await asyncio.to_thread(lint, {key: guide for key, guide in in_use.items() if key not in gone} | read)
    own = [each for each in warnings if any(_is_of(each.field, problem_id) for problem_id in new)]
    return replace(plan, warnings=(*plan.warnings, *own)[:_MOST_NOTED], is_linted=True)


async def with_check(plan: ImportPlan, spool: Spool, in_use: Mapping[str, Guide], *, is_forced: bool = False) -> ImportPlan:
    """The plan without the guides that the check refuses: they are errors, as what could not be read.

    Args:
        in_use: the guides of the knowledge base as it is.
        is_forced: they are imported all the same, and what is wrong with them is a warning.
    """
    verdicts = await asyncio.to_thread(_refused, plan, spool, in_use)
    if not verdicts:
        return plan
    problems = [_in_source(plan.places[key], key, each) for key, verdict in verdicts.items() for each in verdict.refusals]
    plan = replace(plan, refused=tuple(verdicts))
    if is_forced:
        return replace(plan, warnings=(*problems, *plan.warnings)[:_MOST_NOTED])
    return replace(
        plan,
        added=tuple(key for key in plan.added if key not in verdicts),
        changed=tuple(key for key in plan.changed if key not in verdicts),
        dropped=(),
        errors=(*problems, *plan.errors)[:_MOST_NOTED],
        error_count=plan.error_count + len(problems),
    )


def _refused(plan: ImportPlan, spool: Spool, in_use: Mapping[str, Guide]) -> dict[str, GuideVerdict]:
    new = {*plan.added, *plan.changed}
    verdicts = (check_guide(guide, in_use.get(guide.problem_id)) for batch in _guides(spool, new) for guide, _ in batch)
    return {each.guide_id: each for each in verdicts if each.is_refused}


async def publish_import(parts: AppContext, scope: Scope, plan: ImportPlan, spool: Spool, told: Told | None = None) -> int:
    """Store the entries of a plan and put all of its guides into use; every process follows within two seconds.

    Args:
        scope: who imports.
        spool: as `plan_import` left it.

    Returns:
        Number of guides that changed; others may have done some of it meanwhile.
    """
    version_ids, guides = dict(plan.version_ids), _guides(spool, {*plan.added, *plan.changed})
    while batch := await asyncio.to_thread(next, guides, None):
        version_ids |= await _store(parts, plan, batch)
        if told is not None:
            told(len(version_ids) - len(plan.version_ids))
    async with parts.transaction() as connection:
        await publications.lock_import(connection, parts.tenant)
        changed = await _put_into_use(connection, parts.tenant, plan, version_ids)
        await note(parts.work(connection, scope), "import", "guide", plan.source, **_noted(plan), in_use=changed)
    parts.wrote()
    return changed


async def _put_into_use(connection: Connection, tenant: str, plan: ImportPlan, version_ids: Mapping[str, str]) -> int:
    ids, changed, now = list(version_ids), 0, clock.now()
    for begin in range(0, len(ids), _AT_ONCE):
        some = {key: version_ids[key] for key in ids[begin : begin + _AT_ONCE]}
        changed += await publications.publish_import(connection, tenant, plan.scope, some, [], plan.by, now)
    if plan.dropped:
        changed += await publications.publish_import(connection, tenant, plan.scope, {}, plan.dropped, plan.by, now)
    return changed


async def _store(parts: AppContext, plan: ImportPlan, batch: list[tuple[Guide, str]]) -> dict[str, str]:
    guides = {guide.problem_id: guide for guide, _ in batch}
    keys = [(guide.problem_id, fingerprint) for guide, fingerprint in batch]
    async with parts.transaction() as connection:
        await publications.lock_import(connection, parts.tenant)
        return await store_batch(connection, parts.tenant, plan.scope, guides, keys, plan.by)


def _noted(plan: ImportPlan) -> dict[str, object]:
    named = [*plan.added, *plan.changed, *plan.dropped]
    counts = {name: len(ids) for name, ids in (("added", plan.added), ("changed", plan.changed), ("dropped", plan.dropped))}
    return {"scope": plan.scope, "guides": sorted(named)[:_NAMED], **counts}


def _guides(spool: Spool, wanted: Collection[str]) -> Iterator[list[tuple[Guide, str]]]:
    """The wanted guides of a spool and the hashes of their texts, in batches."""
    entries = ((key, entry) for key, entry in spool.entries() if key in wanted)
    while batch := list(islice(entries, _BATCH)):
        yield [(guide, content_hash(entry)) for key, entry in batch if (guide := read_entry(key, entry, Findings())) is not None]


def _is_of(path: str, problem_id: str) -> bool:
    return path == f"$.{problem_id}" or path.startswith((f"$.{problem_id}.", f"$.{problem_id}["))


class _Reading:
    """Reading of a source: what is new, changed or wrong; entries go to the spool, ids and places stay in memory."""

    def __init__(self, used: Mapping[str, InUse], spool: Spool) -> None:
        self._used, self._spool = used, spool
        self._places = dict[str, str]()
        self._added, self._changed, self._unchanged = list[str](), list[str](), list[str]()
        self._errors, self._warnings = list[FieldProblem](), list[FieldProblem]()
        self._error_count = 0
        self._waiting = dict[str, tuple[Guide, dict[str, object]]]()
        self.count = 0

    @property
    def doubtful(self) -> dict[str, tuple[Guide, str]]:
        """Id -> guide and version in use, of those of the batch that were written in another way than that one."""
        return {key: (guide, self._used[key].version_id) for key, (guide, _) in self._waiting.items()}

    def settle(self, same: Collection[str]) -> None:
        """Take the doubtful guides of the batch for unchanged where they have the same texts, else for changed."""
        for key, (_, entry) in self._waiting.items():
            if key in same:
                self._unchanged.append(key)
            else:
                self._changed.append(key)
                self._spool.add(key, entry)
        self._waiting = {}

    def take(self, found: Iterator[Imported | NotUnderstood]) -> bool:
        """Take the next batch; False when there is none left. Its doubtful guides wait for `settle`."""
        batch = list(islice(found, _BATCH))
        for each in batch:
            self.count += 1
            if isinstance(each, NotUnderstood):
                self._refuse([each.problem])
            else:
                self._take(each)
        return bool(batch)

    def plan(self, source: str, scope: str, *, is_whole: bool) -> ImportPlan:
        """The plan, when everything was taken. With errors nothing is dropped: what could not be read may be a guide in use.

        Raises:
            SourceUnreadable: there was nothing.
        """
        if not self._places and not self._error_count:
            raise SourceUnreadable(source, Message("No tiene ninguna guía. Revisa que sea el archivo correcto."))
        dropped = [key for key in self._used if key not in self._places] if is_whole and not self._error_count else []
        return ImportPlan(
            source,
            scope,
            tuple(self._added),
            tuple(self._changed),
            tuple(self._unchanged),
            tuple(dropped),
            {key: self._used[key].version_id for key in self._unchanged},
            tuple(self._errors),
            self._error_count,
            tuple(self._warnings),
            is_linted=False,
            places={key: self._places[key] for key in (*self._added, *self._changed)},
        )

    def _take(self, each: Imported) -> None:
        key = each.problem_id
        if key in self._places:
            why = "El identificador {id} está también en {other}. Cambia uno de los dos."
            self._refuse([FieldProblem(each.place, Message(why, {"id": printable(key), "other": self._places[key]}))])
            return
        self._places[key] = each.place
        findings = Findings()
        guide = read_entry(key, each.entry, findings)
        self._warn([*each.doubts, *(_placed(warning, each) for warning in findings.warnings)])
        if guide is None:
            self._refuse([_placed(error, each) for error in findings.errors])
            return
        known = self._used.get(key)
        try:
            fingerprint = content_hash(each.entry)
        except RecursionError:
            self._refuse([FieldProblem(each.place, Message("Hay demasiados niveles anidados. Simplifícalo."))])
            return
        if known is not None and known.content_hash == fingerprint:
            self._unchanged.append(key)
            return
        if known is not None:
            self._waiting[key] = (guide, each.entry)
            return
        self._added.append(key)
        self._spool.add(key, each.entry)

    def _refuse(self, problems: list[FieldProblem]) -> None:
        self._error_count += len(problems)
        self._errors += problems[: _MOST_NOTED - len(self._errors)]

    def _warn(self, problems: list[FieldProblem]) -> None:
        self._warnings += problems[: _MOST_NOTED - len(self._warnings)]


def _placed(problem: FieldProblem, each: Imported) -> FieldProblem:
    """A problem of an entry with its place in the source before its path in the entry."""
    return _in_source(each.place, each.problem_id, problem)


def _in_source(place: str, problem_id: str, problem: FieldProblem) -> FieldProblem:
    path = problem.field.removeprefix(f"$.{problem_id}").lstrip(".")
    return replace(problem, field=f"{place} {path}".rstrip())
