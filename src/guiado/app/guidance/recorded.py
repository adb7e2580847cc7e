"""Recorded sessions of guides, as patterns with the step ids of a version: what a changed guide is played on."""

from __future__ import annotations

from collections.abc import Mapping

from guiado.app.context import AppContext
from guiado.app.guidance.lineage import meanings_of, translated
from guiado.guidance.patterns import PatternCount
from guiado.store import guidance_evidence, guidance_plans


async def recorded_sessions(parts: AppContext, version_ids: Mapping[str, str]) -> dict[str, list[PatternCount]]:
    """Id -> patterns of the sessions of a guide, of those that had any.

    Args:
        version_ids: id -> version whose step ids the patterns are told in.
    """
    found = dict[str, list[PatternCount]]()
    async with parts.connection() as connection:
        for key, version_id in version_ids.items():
            rows = await guidance_evidence.patterns_of(connection, parts.tenant, key)
            if rows:
                versions = await guidance_plans.lineage(connection, parts.tenant, "", key)
                found[key] = translated(rows, meanings_of(versions), version_id)
    return {key: counts for key, counts in found.items() if counts}
