"""Guides that took over from another version lately, with both versions: what the check of a running installation looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.knowledge.check.verdicts import USUAL_TERMS, CheckTerms, GuideVerdict, check_guide
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import guide_from_json
from guiado.store import guides, publications
from guiado.store.database import Connection

LATELY = timedelta(days=7)
_MOST = 200
"""Most guides that are looked at, the last ones changed."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A guide in use, and the version that was in use before it."""

    used: Guide
    before: Guide


async def recent(connection: Connection, tenant: str, scope: str = "") -> dict[str, Replacement]:
    """Id -> replacement, of the guides of which another version came into use lately.

    Args:
        scope: of the knowledge base, "" for the one for everybody.
    """
    found = await publications.replaced(connection, tenant, scope, clock.now() - LATELY, _MOST)
    wanted = {version_id for pair in found.values() for version_id in pair}
    stored: Mapping[str, Mapping[str, object]] = await guides.contents(connection, tenant, sorted(wanted)) if wanted else {}
    return {
        key: Replacement(guide_from_json(stored[used]), guide_from_json(stored[before]))
        for key, (used, before) in found.items()
        if used in stored and before in stored
    }


async def recent_of(parts: AppContext, scope: str = "") -> dict[str, Replacement]:
    """The replacements of a process's own tenant."""
    async with parts.connection() as connection:
        return await recent(connection, parts.tenant, scope)


def refused_of(found: Mapping[str, Replacement], terms: CheckTerms = USUAL_TERMS) -> dict[str, GuideVerdict]:
    """Id -> verdict, of the replacements that a check would have refused."""
    verdicts = {key: check_guide(each.used, each.before, terms) for key, each in found.items()}
    return {key: verdict for key, verdict in verdicts.items() if verdict.is_refused}
