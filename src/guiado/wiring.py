"""The composition root: from settings to running parts, and back."""

from __future__ import annotations

import asyncio
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from guiado.app.knowledge import KnowledgeBase
from guiado.app.parts import Parts
from guiado.delivery.addresses import TargetPolicy
from guiado.detection import DEFAULT_THRESHOLD
from guiado.logs import get_logger
from guiado.resources import data_path
from guiado.settings import Settings
from guiado.store.database import Database
from guiado.store.embedded import EmbeddedPostgres, default_home
from guiado.store.migrate import APP_ROLE, may_take_role, migrate

if TYPE_CHECKING:
    from guiado.delivery.http import GuardedClient

log = get_logger()


def knowledge_path(settings: Settings) -> Path:
    """The knowledge base that is published for everybody."""
    return settings.kb_path or data_path("integrations", "support_troubleshooting_kb.json")


class Site:
    """Where the database is: the one of `DATABASE_URL`, or the embedded one, started on demand.

    Args:
        settings: of this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._embedded = None if self._url else EmbeddedPostgres(settings.home or default_home(), pg_bin=settings.pg_bin)

    def join(self) -> str:
        """The address, with the server running and this process counted among its users. Blocks."""
        return self._url or self._server.join()

    async def find(self) -> str:
        """The address; an embedded server that crashed is started again."""
        return self._url or await asyncio.to_thread(self._server.ensure)

    def leave(self) -> None:
        """This process needs the server no more; the last one to leave stops an embedded one. Blocks."""
        if self._embedded is not None:
            self._embedded.leave()

    @property
    def is_embedded(self) -> bool:
        """Whether the database is ours."""
        return self._embedded is not None

    @property
    def _server(self) -> EmbeddedPostgres:
        if self._embedded is None:
            raise RuntimeError("DATABASE_URL is set: there is no embedded server")
        return self._embedded


class Runtime:
    """The running parts of one process. Make it with `Runtime.open`, end it with `close`."""

    def __init__(self, settings: Settings, site: Site, parts: Parts) -> None:
        self.settings, self.site, self.parts = settings, site, parts
        self._policy = TargetPolicy.parse(settings.private_targets)
        self.knowledge = KnowledgeBase(knowledge_path(settings), "", parts.db, settings.tenant)
        self._private: dict[str, KnowledgeBase] = {}

    @classmethod
    async def open(cls, settings: Settings) -> Runtime:
        """Start everything that `settings` ask for: the database, its schema, the knowledge base.

        Raises:
            DatabaseUnavailable: there is no database to work with.
            SettingsInvalid: a setting cannot be used.
        """
        site = Site(settings)
        dsn = await asyncio.to_thread(site.join)
        try:
            await migrate(dsn)
            role = APP_ROLE if await may_take_role(dsn) else None
            db = Database(site.find, pool_size=settings.pool_size, role=role, tenant=settings.tenant)
            threshold = DEFAULT_THRESHOLD if settings.detection_threshold is None else settings.detection_threshold
            runtime = cls(settings, site, Parts(db, settings.tenant, threshold))
        except BaseException:
            await asyncio.to_thread(site.leave)
            raise
        try:
            await runtime.knowledge.refresh()
        except BaseException:
            await runtime.close()
            raise
        return runtime

    @cached_property
    def client(self) -> GuardedClient:
        """For everything that goes out; made when first used: its certificates take a facade's start longer than all else."""
        from guiado.delivery.http import GuardedClient

        return GuardedClient(self._policy)

    async def knowledge_of(self, path: Path | None) -> KnowledgeBase:
        """The knowledge base of this file, up to date; None means the one for everybody."""
        found = self._knowledge_at(path)
        await found.refresh()
        return found

    def _knowledge_at(self, path: Path | None) -> KnowledgeBase:
        # Not `resolve`: that fails where links lead in circles, which is for the reader of the file to say.
        if path is None or os.path.realpath(path) == os.path.realpath(self.knowledge.path):
            return self.knowledge
        scope = KnowledgeBase.private_scope(path)
        return self._private.setdefault(os.path.realpath(path), KnowledgeBase(path, scope, self.parts.db, self.parts.tenant))

    async def close(self) -> None:
        """End everything; an embedded server that nobody else uses stops."""
        if "client" in self.__dict__:
            await self.client.aclose()
        await self.parts.db.close()
        await asyncio.to_thread(self.site.leave)
