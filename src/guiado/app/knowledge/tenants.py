"""The knowledge bases of all tenants that a process answers for.

Those of the process's own tenant stay open. Another tenant's are opened with its first request, which publishes the file for it
too, and closed again when too many are open: what is stored is in the database.

Source: ADR 0032.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.knowledge.registry import KnowledgeBases
from guiado.app.tenants import note_first_use
from guiado.domain.guide import Guide

MOST_OPEN = 64
"""Tenants beside the process's own whose knowledge bases are open at once."""
_FRESH_S = 0.5
"""Seconds for which another tenant's knowledge base counts as up to date; that of the process's own is watched."""

Open = Callable[[AppContext], KnowledgeBases]


@dataclass(slots=True)
class _Opened:
    """A tenant's knowledge bases, and when they were last brought up to date."""

    bases: KnowledgeBases
    refreshed_s: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TenantKnowledge:
    """The open knowledge bases by tenant.

    Args:
        parts: of this process.
        make: opens the knowledge bases of the tenant of the parts that it is given.
        closed: called with a tenant whose knowledge bases were closed.
        most: see `MOST_OPEN`.
    """

    def __init__(
        self, parts: AppContext, make: Open, closed: Callable[[str], None] = lambda _tenant: None, most: int = MOST_OPEN
    ) -> None:
        self._parts, self._make, self._closed, self._most = parts, make, closed, most
        self.own = make(parts)
        self._others: dict[str, _Opened] = {}
        parts.held = self._held

    @property
    def open(self) -> list[str]:
        """The tenants beside the process's own whose knowledge bases are open, the one that was asked for last at the end."""
        return [*self._others]

    async def public(self, tenant: str) -> KnowledgeBase:
        """The knowledge base that a tenant publishes for everybody."""
        return self.own.public if tenant == self._parts.tenant else (await self._bases(tenant)).public

    async def of_session(self, tenant: str, session_id: object) -> KnowledgeBase:
        """The knowledge base that a tenant's session was begun with."""
        bases = self.own if tenant == self._parts.tenant else await self._bases(tenant)
        return await bases.of_session(session_id)

    async def _bases(self, tenant: str) -> KnowledgeBases:
        found = self._others.pop(tenant, None) or _Opened(self._make(self._parts.of_tenant(tenant)))
        self._others[tenant] = found
        while len(self._others) > self._most:
            self._close(next(iter(self._others)))
        async with found.lock:
            if found.refreshed_s is None:
                await note_first_use(self._parts, tenant)
            if found.refreshed_s is None or clock.monotonic_s() - found.refreshed_s >= _FRESH_S:
                await found.bases.public.refresh()
                found.refreshed_s = clock.monotonic_s()
        return found.bases

    def _close(self, tenant: str) -> None:
        del self._others[tenant]
        self._closed(tenant)

    def _held(self, tenant: str, version_id: str) -> Guide | None:
        """The guide of a tenant's version that one of its open knowledge bases has in memory."""
        if tenant == self._parts.tenant:
            return self.own.held(version_id)
        opened = self._others.get(tenant)
        return opened.bases.held(version_id) if opened else None
