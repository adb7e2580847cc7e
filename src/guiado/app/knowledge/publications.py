"""Publication of versions of guides by an editor and the terminal; a file is published by being edited, many by `importing`.

Everything here takes effect in every process within two seconds. A session stays with the version that it began with.

Source: ADR 0019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guiado import clock
from guiado.app.access.audit import act
from guiado.app.context import UnitOfWork
from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.parse import read_entry
from guiado.app.knowledge.versions import store_batch
from guiado.domain.guide import content_hash
from guiado.errors import InvalidInput, NotFound, printable
from guiado.store import publications
from guiado.store.publications import Publication, PublicationState

View = dict[str, Any]


async def save_draft(work: UnitOfWork, scope: str, problem_id: str, entry: Mapping[str, object], by: str) -> Publication:
    """Keep a guide as a draft; customers see nothing of it.

    Args:
        scope: of the knowledge base, "" for the one for everybody.
        entry: as in a knowledge-base file.
        by: its author.

    Raises:
        InvalidInput: with every fault and its JSON path.
    """
    findings = Findings()
    guide = read_entry(problem_id, entry, findings)
    if guide is None:
        raise InvalidInput(findings.errors)
    key = (problem_id, content_hash(entry))
    async with act(work, "draft", "guide", problem_id) as detail:
        version_ids = await store_batch(work.connection, work.tenant, scope, {problem_id: guide}, [key], by)
        await _set(work, scope, problem_id, version_ids[problem_id], PublicationState.DRAFT, by)
        detail["version_id"] = version_ids[problem_id]
    return next(each for each in await versions_of(work, scope, problem_id) if each.version_id in version_ids.values())


async def approve(work: UnitOfWork, scope: str, problem_id: str, version: int, by: str) -> bool:
    """Approve a draft.

    Returns:
        False when it is no draft.

    Raises:
        NotFound: there is no such version.
    """
    found = numbered(await versions_of(work, scope, problem_id), problem_id, version)
    async with act(work, "approve", "guide", problem_id, version=version):
        return await _set(work, scope, problem_id, found.version_id, PublicationState.APPROVED, by)


async def publish(work: UnitOfWork, scope: str, problem_id: str, by: str, version: int | None = None) -> Publication:
    """Put a version into use: a draft, an approved one, or a former one. Conflicts of the guide are settled by that.

    Args:
        version: its number; by default the newest approved one, else the newest draft.

    Raises:
        NotFound: there is no such version, or no draft.
    """
    found = await versions_of(work, scope, problem_id)
    drafts = [each for state in (PublicationState.APPROVED, PublicationState.DRAFT) for each in found if each.state is state]
    if version is None and not drafts:
        raise NotFound("La guía {problem_id} no tiene ningún borrador.", problem_id=printable(problem_id))
    chosen = drafts[0] if version is None else numbered(found, problem_id, version)
    async with act(work, "publish", "guide", problem_id, version=chosen.version):
        await _set(work, scope, problem_id, chosen.version_id, PublicationState.IN_USE, by)
    return chosen


async def revert(work: UnitOfWork, scope: str, problem_id: str, by: str, version: int | None = None) -> Publication:
    """Put a former version into use again.

    Args:
        version: its number; by default the one that was in use before.

    Raises:
        NotFound: there is no such version, or none was in use before.
    """
    if version is None:
        version = await former_version(work, scope, problem_id)
    chosen = numbered(await versions_of(work, scope, problem_id), problem_id, version)
    async with act(work, "revert", "guide", problem_id, version=version):
        await _set(work, scope, problem_id, chosen.version_id, PublicationState.IN_USE, by)
    return chosen


async def withdraw(work: UnitOfWork, scope: str, problem_id: str, by: str, version: int | None = None) -> bool:
    """Take a guide out of use, or discard one of its drafts.

    Args:
        version: number of the draft; by default the version in use.

    Returns:
        False when there is nothing to withdraw.

    Raises:
        NotFound: there is no such version.
    """
    found = await versions_of(work, scope, problem_id)
    used = next((each for each in found if each.state is PublicationState.IN_USE), None)
    chosen = used if version is None else numbered(found, problem_id, version)
    if chosen is None:
        return False
    state = PublicationState.FORMER if chosen.state is PublicationState.IN_USE else PublicationState.DISCARDED
    async with act(work, "withdraw", "guide", problem_id, version=chosen.version):
        return await _set(work, scope, problem_id, chosen.version_id, state, by)


async def versions(work: UnitOfWork, scope: str, problem_id: str | None = None) -> list[View]:
    """The versions in use and the drafts, with their conflicts; of one guide every version.

    Returns:
        `guide version state origin by since conflict` of each, by guide, the newest first.

    Raises:
        NotFound: there is no such guide.
    """
    if problem_id is not None:
        return [_view(each) for each in await versions_of(work, scope, problem_id)]
    found = await publications.listed(work.connection, work.tenant, scope)
    shown = {PublicationState.IN_USE, PublicationState.APPROVED, PublicationState.DRAFT}
    return [_view(each) for of_guide in found.values() for each in of_guide if each.state in shown]


async def history(work: UnitOfWork, scope: str, problem_id: str | None, limit: int) -> list[View]:
    """Log of the actions on the versions of a guide, or of all guides, newest first.

    Returns:
        `guide version action by at` of each.

    Raises:
        NotFound: there is no such guide.
    """
    if problem_id is None:
        found = await publications.recent(work.connection, work.tenant, scope, limit)
    else:
        await versions_of(work, scope, problem_id)
        found = (await publications.history(work.connection, work.tenant, scope, problem_id))[:limit]
    return [{"guide": e.guide_id, "version": e.version, "action": e.action, "by": e.by, "at": e.at} for e in found]


def _view(each: Publication) -> View:
    return {
        "guide": each.guide_id,
        "version": each.version,
        "state": each.state.value,
        "origin": each.origin,
        "by": each.changed_by,
        "since": each.changed_at,
        "conflict": each.conflict,
    }


async def versions_of(work: UnitOfWork, scope: str, problem_id: str) -> list[Publication]:
    """All versions of a guide, newest first.

    Raises:
        NotFound: there is no such guide.
    """
    found = await publications.listed(work.connection, work.tenant, scope, [problem_id])
    if problem_id not in found:
        raise NotFound(
            "No hay ninguna guía {problem_id}. Mira la lista con: guiado kb versions", problem_id=printable(problem_id)
        )
    return found[problem_id]


def numbered(found: list[Publication], problem_id: str, version: int) -> Publication:
    """The version with this number.

    Raises:
        NotFound: there is none.
    """
    for each in found:
        if each.version == version:
            return each
    raise NotFound(
        "La guía {problem_id} no tiene versión {version}. Mira cuáles hay con: guiado kb versions {problem_id}",
        problem_id=printable(problem_id),
        version=version,
    )


async def former_version(work: UnitOfWork, scope: str, problem_id: str) -> int:
    """Number of the version that was in use before the one that is now.

    Raises:
        NotFound: there was none.
    """
    found = await versions_of(work, scope, problem_id)
    used = next((each.version for each in found if each.state is PublicationState.IN_USE), None)
    for entry in await publications.history(work.connection, work.tenant, scope, problem_id):
        if entry.action == "publish" and entry.version != used:
            return entry.version
    raise NotFound("De la guía {problem_id} no se usó antes ninguna otra versión.", problem_id=printable(problem_id))


async def _set(work: UnitOfWork, scope: str, problem_id: str, version_id: str, state: PublicationState, by: str) -> bool:
    return await publications.set_state(work.connection, work.tenant, scope, problem_id, version_id, state, by, by, clock.now())
