"""Guide versions: immutable, identified by the hash of the author's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from guiado import clock
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import guide_from_json, guide_to_json
from guiado.store.connection import Connection
from guiado.store.queries import sql

Key = tuple[str, str]
"""Guide id and content hash."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A new guide version to store.

    Args:
        guide: with step ids and revisions.
        content_hash: of the entry as written.
        number: counts the versions of this guide, from 1.
        parent_id: the version before.
        author: its author, where known.
        version_id: its identifier, unless another process stores the same text first.
    """

    guide: Guide
    content_hash: str
    number: int
    parent_id: str | None
    author: str | None = None
    version_id: UUID = field(default_factory=clock.new_id)


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """The current version of a guide: the one in use, else the newest that ever was, else the newest.

    Args:
        version_id: its identifier.
        guide: with step ids.
        newest: the highest number of all versions.
        was_used: whether it is in use, or once was.
    """

    version_id: str
    guide: Guide
    newest: int
    was_used: bool


async def known(connection: Connection, tenant: str, scope: str, keys: Sequence[Key]) -> dict[Key, str]:
    """Version ids of those keys that are stored."""
    ids, hashes = [key[0] for key in keys], [key[1] for key in keys]
    rows = await connection.fetch(sql("guides", "known"), tenant, scope, ids, hashes)
    return {(row["guide_id"], row["content_hash"]): str(row["guide_version_id"]) for row in rows}


async def current(connection: Connection, tenant: str, scope: str, guide_ids: Sequence[str]) -> dict[str, CurrentVersion]:
    """The current version of each of these guides. No id in the database has a NUL, and none may be sent to it."""
    asked = [each for each in guide_ids if "\0" not in each]
    rows = await connection.fetch(sql("guides", "current"), tenant, scope, asked)
    return {
        row["guide_id"]: CurrentVersion(
            str(row["guide_version_id"]), guide_from_json(row["content"]), row["newest"], row["was_used"]
        )
        for row in rows
    }


async def publish(connection: Connection, tenant: str, scope: str, versions: Sequence[NewVersion], now: datetime) -> None:
    """Store new versions without putting them into use. One that is stored already keeps its id: ask `known` afterwards."""
    await connection.execute(sql("guides", "publish"), tenant, [_row(tenant, scope, version, now) for version in versions])


async def load(connection: Connection, tenant: str, version_id: str) -> Guide | None:
    """The guide of this version id; None when there is none."""
    content: Mapping[str, object] | None = await connection.fetchval(sql("guides", "load"), tenant, UUID(version_id))
    return guide_from_json(content) if content else None


async def contents(connection: Connection, tenant: str, version_ids: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """Stored contents by version id, as plain values for `guide_from_json`."""
    rows = await connection.fetch(sql("guides", "contents"), tenant, list(map(UUID, version_ids)))
    return {str(row["guide_version_id"]): row["content"] for row in rows}


def _row(tenant: str, scope: str, version: NewVersion, now: datetime) -> dict[str, object]:
    return {
        "guide_version_id": version.version_id,
        "tenant_id": tenant,
        "scope": scope,
        "guide_id": version.guide.problem_id,
        "version": version.number,
        "content_hash": version.content_hash,
        "parent_id": version.parent_id,
        "author": version.author,
        "published_at": now,
        "content": guide_to_json(version.guide),
    }
