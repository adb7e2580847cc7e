"""The private knowledge base of another process: its file is not here, what was published of it is in the database."""

from __future__ import annotations

from pathlib import Path

from guiado.app.knowledge.knowledge_base import DetectionConfig, KnowledgeBase
from guiado.store import guides
from guiado.store.database import Database


class PublishedKnowledge(KnowledgeBase):
    """The newest published version of every guide of a private knowledge base.

    A guide that was taken out of the file stays known here: what was published is never deleted.

    Args:
        scope: of the knowledge base, see `KnowledgeBase.private_scope`.
    """

    def __init__(self, scope: str, db: Database, tenant: str, senses: DetectionConfig) -> None:
        super().__init__(Path(), scope, db, tenant, senses)
        self._mark: str | None = None

    async def refresh(self) -> bool:
        """Take in what was published, learned and fitted since, if there is any of it.

        Returns:
            Whether the snapshot changed.
        """
        async with self._lock:
            async with self._db.connection() as connection:
                mark = await guides.mark(connection, self._tenant, self.scope)
            if mark == self._mark:
                return await self._knows_less() and await self._reindex(self.snapshot)
            await self._restore()
            self._mark = mark
            return True
