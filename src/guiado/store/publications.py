"""Publications of guides: the version in use, drafts, and changes since a revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from guiado.store.advisory_locks import IMPORTS
from guiado.store.connection import Connection, Row
from guiado.store.queries import sql


class PublicationState(StrEnum):
    """Publication state of a guide version."""

    IN_USE = "in_use"
    DRAFT = "draft"
    APPROVED = "approved"
    FORMER = "former"
    DISCARDED = "discarded"


class Mark(NamedTuple):
    """Mark of a knowledge base, which differs after every change of its guides, model or examples.

    Args:
        guides: number of the last change of its publications.
        model: version of the model that was fitted last; "" where there is none.
        examples: mark of the newest change of its examples; "" where there are none. Read it before the examples, and compare
            it for equality only: it may change once more without a new example, when the oldest transaction ends.
    """

    guides: int = 0
    model: str = ""
    examples: str = ""


class PublicationChange(NamedTuple):
    """A guide version that came into use or went out of use."""

    guide_id: str
    version_id: str
    in_use: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """The last import of a knowledge base from its file.

    Args:
        number: number of imports by then.
        file: its path, "" for the one that ships; None without an import.
        hashes: guide id -> content hash.
    """

    number: int
    file: str | None
    hashes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileEdit:
    """Edit of a knowledge base's file: the guides that were changed, added or removed.

    Args:
        file: as in `Taken`.
        version_ids: guide id -> version, of the guides that were changed or added.
        hashes: guide id -> content hash, of the same guides.
        gone: ids of the guides that were removed.
    """

    file: str
    version_ids: Mapping[str, str]
    hashes: Mapping[str, str]
    gone: Sequence[str]


@dataclass(frozen=True, slots=True)
class Publication:
    """A guide version with its publication state.

    Args:
        guide_id: identifier of the guide.
        version_id: identifier of the version.
        version: its number, from 1.
        state: its publication state.
        origin: source of its text: file, or its author.
        changed_by: author of the last change of state.
        changed_at: time of that change.
        conflict: the file was edited without this text, and a person has to decide.
    """

    guide_id: str
    version_id: str
    version: int
    state: PublicationState
    origin: str
    changed_by: str
    changed_at: datetime
    conflict: bool


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Entry in the log of a guide: publish, withdraw, draft, approve, discard, or a conflict."""

    guide_id: str
    action: str
    version: int
    by: str
    at: datetime


async def read_mark(connection: Connection, tenant: str, scope: str) -> Mark:
    """Read the mark of a knowledge base: one query of one row.

    Three looks into an index tell about the examples. A row bears the number of the transaction that wrote it; those below the
    oldest transaction that still runs are complete, and the rows of later ones are told one by one. Whatever commits later
    changes the mark, in whatever order it was begun, and no writer waits for another.
    """
    row = await connection.fetchrow(sql("publications", "mark"), tenant, scope)
    return Mark(row["guides"], row["model"], row["examples"]) if row else Mark()


async def changed(connection: Connection, tenant: str, scope: str, since: int) -> list[PublicationChange]:
    """Versions that came into use or went out of use after a revision; with 0, those in use, oldest guide first."""
    rows = await connection.fetch(sql("publications", "changed"), tenant, scope, since)
    return [PublicationChange(row["guide_id"], str(row["guide_version_id"]), row["in_use"]) for row in rows]


async def taken(connection: Connection, tenant: str, scope: str, known: Taken | None) -> Taken:
    """The last import from the file.

    Args:
        known: result of an earlier call; returned again while it still holds.
    """
    row = await connection.fetchrow(sql("publications", "taken"), tenant, scope)
    number, file = (row["files"], row["file"]) if row else (0, None)
    if known is not None and (known.number, known.file) == (number, file):
        return known
    rows = await connection.fetch(sql("publications", "file_hashes"), tenant, scope)
    return Taken(number, file, {row["guide_id"]: row["content_hash"] for row in rows})


async def publish_file(
    connection: Connection, tenant: str, scope: str, edit: FileEdit, number: int, by: str, now: datetime
) -> list[str] | None:
    """Publish an edit of the file, all or nothing.

    Args:
        number: of the `Taken` that the edit was compared with.

    Returns:
        Guides that were edited outside the file too: those texts are drafts now, in conflict. None, with nothing done, after
        another import from the file.
    """
    ids = list(edit.version_ids)
    versions = [UUID(edit.version_ids[guide_id]) for guide_id in ids]
    hashes = [edit.hashes[guide_id] for guide_id in ids]
    values = (tenant, scope, edit.file, number, by, now, ids, hashes, versions, list(edit.gone))
    conflicts: list[str] | None = await connection.fetchval(sql("publications", "publish_file"), *values)
    return conflicts


class InUse(NamedTuple):
    """Version of a guide that is in use, and the hash of its text."""

    version_id: str
    content_hash: str


async def in_use(connection: Connection, tenant: str, scope: str) -> dict[str, InUse]:
    """The versions in use, by guide id."""
    rows = await connection.fetch(sql("publications", "in_use"), tenant, scope)
    return {row["guide_id"]: InUse(str(row["guide_version_id"]), row["content_hash"]) for row in rows}


async def lock_import(connection: Connection, tenant: str) -> None:
    """Wait until no other transaction stores or publishes guides of an import for this tenant; call it inside of one."""
    await connection.execute(sql("publications", "lock_import"), tenant, IMPORTS)


async def publish_import(
    connection: Connection, tenant: str, scope: str, version_ids: Mapping[str, str], gone: Sequence[str], by: str, now: datetime
) -> int:
    """Put versions into use and take guides out of use, all or nothing.

    Args:
        version_ids: guide id -> version to use.
        gone: ids of the guides that are no longer used, none of them in `version_ids`.
        by: source of the texts and author of the change.

    Returns:
        Number of guides that changed; the others were so already.
    """
    versions = [UUID(version_id) for version_id in version_ids.values()]
    values = (tenant, scope, by, now, list(version_ids), versions, list(gone))
    return int(await connection.fetchval(sql("publications", "publish_import"), *values))


async def set_state(
    connection: Connection,
    tenant: str,
    scope: str,
    guide_id: str,
    version_id: str,
    state: PublicationState,
    origin: str,
    by: str,
    now: datetime,
) -> bool:
    """Set the publication state of a guide version.

    Args:
        origin: source of its text, if it is new.

    Returns:
        False when it has that state already, or cannot take it.
    """
    values = (tenant, scope, guide_id, UUID(version_id), state.value, origin, by, now)
    return bool(await connection.fetchval(sql("publications", "publish"), *values))


async def listed(
    connection: Connection, tenant: str, scope: str, guide_ids: Sequence[str] | None = None
) -> dict[str, list[Publication]]:
    """All versions of each of these guides, or of all guides, by guide id, newest first."""
    found: dict[str, list[Publication]] = {}
    for row in await connection.fetch(sql("publications", "listed"), tenant, scope, guide_ids):
        each = Publication(
            row["guide_id"],
            str(row["guide_version_id"]),
            row["version"],
            PublicationState(row["state"]),
            row["origin"],
            row["changed_by"],
            row["changed_at"],
            row["conflict"],
        )
        found.setdefault(each.guide_id, []).append(each)
    return found


async def replaced(connection: Connection, tenant: str, scope: str, since: datetime, most: int) -> dict[str, tuple[str, str]]:
    """Guide id -> the version that came into use since a time, and the one before it; the last changed first."""
    rows = await connection.fetch(sql("publications", "replaced"), tenant, scope, since, most)
    return {row["guide_id"]: (str(row["used"]), str(row["former"])) for row in rows}


async def history(connection: Connection, tenant: str, scope: str, guide_id: str) -> list[LogEntry]:
    """Log of the actions on a guide's versions, newest first."""
    rows = await connection.fetch(sql("publications", "history"), tenant, scope, guide_id)
    return list(map(_log_entry, rows))


async def recent(connection: Connection, tenant: str, scope: str, limit: int) -> list[LogEntry]:
    """Log of the actions on the versions of all guides, newest first."""
    return list(map(_log_entry, await connection.fetch(sql("publications", "recent"), tenant, scope, limit)))


def _log_entry(row: Row) -> LogEntry:
    return LogEntry(row["guide_id"], row["action"], row["version"], row["by"], row["at"])


async def conflicts(connection: Connection, tenant: str, scope: str) -> list[str]:
    """Ids of the guides with a conflict that a person has to resolve."""
    return [row["guide_id"] for row in await connection.fetch(sql("publications", "conflicts"), tenant, scope)]
