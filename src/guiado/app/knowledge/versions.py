"""Versions of guides: stored once per text, with step ids that outlive edits. Storing a version does not put it into use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from guiado import clock
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import carry_step_ids
from guiado.errors import DatabaseUnavailable
from guiado.store import guides
from guiado.store.database import Connection, Database

_TRIES = 10
_BATCH = 200
"""Versions that are stored with one statement: encoding them as JSON keeps the event loop for about 10 ms."""


async def store_versions(
    db: Database, tenant: str, scope: str, found: Mapping[str, Guide], hashes: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Guide]]:
    """Store those of these guides that are new, in batches that hold up no caller for long, and return the version of each.

    Args:
        found: id -> guide, without step ids, of those whose text may be new.
        hashes: id -> content hash, of all that are wanted.

    Returns:
        Id -> version id; and version id -> guide of those that this call stored, which need not be read back.
    """
    keys, version_ids, made = list(hashes.items()), dict[str, str](), dict[str, Guide]()
    async with db.connection(tenant) as connection:
        for begin in range(0, len(keys), _BATCH):
            version_ids |= await store_batch(connection, tenant, scope, found, keys[begin : begin + _BATCH], made=made)
    return version_ids, {version_id: made[version_id] for version_id in version_ids.values() if version_id in made}


async def store_batch(
    connection: Connection,
    tenant: str,
    scope: str,
    found: Mapping[str, Guide],
    keys: Sequence[guides.Key],
    author: str | None = None,
    made: dict[str, Guide] | None = None,
) -> dict[str, str]:
    """Store one batch as `store_versions` does, on a connection that is held already.

    Args:
        keys: guide id and content hash of each.
        author: who wrote them, where that is known.
        made: receives the guides that were to be stored, by version id; where somebody else was first, theirs has another id.
    """
    for _ in range(_TRIES):
        stored = await guides.known(connection, tenant, scope, keys)
        missing = [key for key in keys if key not in stored]
        if not missing:
            return {guide_id: version_id for (guide_id, _), version_id in stored.items()}
        parents = await guides.current(connection, tenant, scope, [guide_id for guide_id, _ in missing])
        versions = await asyncio.to_thread(_new_versions, found, missing, parents, author)
        if made is not None:
            made.update((str(version.version_id), version.guide) for version in versions)
        await guides.publish(connection, tenant, scope, versions, clock.now())
    raise DatabaseUnavailable("Otros procesos publican la misma guía sin parar. Vuelve a intentarlo.")


def _new_versions(
    found: Mapping[str, Guide], missing: Sequence[guides.Key], parents: Mapping[str, guides.CurrentVersion], author: str | None
) -> list[guides.NewVersion]:
    return [
        guides.NewVersion(
            carry_step_ids(found[guide_id], parent.guide if parent else None),
            fingerprint,
            parent.newest + 1 if parent else 1,
            parent.version_id if parent else None,
            author,
        )
        for guide_id, fingerprint in missing
        for parent in (parents.get(guide_id),)
    ]
