"""Guide versions: immutable, found by the hash of what the author wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guiado import clock
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import guide_from_json, guide_to_json
from guiado.store.database import Connection
from guiado.store.queries import sql

Key = tuple[str, str]
"""Guide id and content hash."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to publish.

    Args:
        guide: with step ids and revisions.
        content_hash: of the entry as written.
        number: counts the versions of this guide, from 1.
        parent_id: the version before.
    """

    guide: Guide
    content_hash: str
    number: int
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class LatestVersion:
    """The newest stored version of a guide."""

    version_id: str
    number: int
    guide: Guide


async def known(connection: Connection, tenant: str, scope: str, keys: Sequence[Key]) -> dict[Key, str]:
    """Version ids of those of the keys that are stored."""
    ids, hashes = [key[0] for key in keys], [key[1] for key in keys]
    rows = await connection.fetch(sql("guides", "known"), tenant, scope, ids, hashes)
    return {(row["guide_id"], row["content_hash"]): str(row["guide_version_id"]) for row in rows}


async def latest(
    connection: Connection, tenant: str, scope: str, guide_ids: Sequence[str] | None = None
) -> dict[str, LatestVersion]:
    """Newest version of each of these guides, or of all."""
    rows = await connection.fetch(sql("guides", "latest"), tenant, scope, guide_ids)
    return {
        row["guide_id"]: LatestVersion(str(row["guide_version_id"]), row["version"], guide_from_json(row["content"]))
        for row in rows
    }


async def mark(connection: Connection, tenant: str, scope: str) -> str:
    """A text that is another one whenever a version was published."""
    return await connection.fetchval(sql("guides", "mark"), tenant, scope)


async def publish(connection: Connection, tenant: str, scope: str, versions: Sequence[NewVersion], now: datetime) -> None:
    """Store new versions. One that somebody else stored first stays theirs: ask `known` again afterwards."""
    await connection.execute(sql("guides", "publish"), tenant, [_row(tenant, scope, version, now) for version in versions])


async def load(connection: Connection, tenant: str, version_id: str) -> Guide | None:
    """The guide of this version id."""
    content: Mapping[str, object] | None = await connection.fetchval(sql("guides", "load"), tenant, UUID(version_id))
    return guide_from_json(content) if content else None


def _row(tenant: str, scope: str, version: NewVersion, now: datetime) -> dict[str, object]:
    return {
        "guide_version_id": clock.new_id(),
        "tenant_id": tenant,
        "scope": scope,
        "guide_id": version.guide.problem_id,
        "version": version.number,
        "content_hash": version.content_hash,
        "parent_id": version.parent_id,
        "published_at": now,
        "content": guide_to_json(version.guide),
    }
