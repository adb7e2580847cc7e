"""A tenant's knowledge bases that are open: the one for everybody, this process's private ones, and those of other processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from guiado.app.context import AppContext
from guiado.app.knowledge.knowledge_base import DetectionConfig, KnowledgeBase
from guiado.app.knowledge.plain_index import PlainIndex
from guiado.app.knowledge.sources.file import FileSource, private_scope
from guiado.app.knowledge.sources.json_file import NO_VARIABLES, Variables
from guiado.domain.guide import Guide
from guiado.store import sessions

_MOST_OF_OTHERS = 16


class KnowledgeBases:
    """The open knowledge bases, to be found by file or by session.

    Args:
        path: file of the knowledge base for everybody.
        is_shipped, takes_over: see `FileSource`.
        opened: called with each one that has a file here.
        plain: the index that tenants share where they have the same guides and no examples.
        variables: those that the settings give to the guides of a file.
    """

    def __init__(
        self,
        parts: AppContext,
        senses: DetectionConfig,
        path: Path,
        opened: Callable[[KnowledgeBase], None],
        *,
        is_shipped: bool = False,
        takes_over: bool = True,
        plain: PlainIndex | None = None,
        variables: Variables = NO_VARIABLES,
    ) -> None:
        self._parts, self._senses, self._opened, self._path = parts, senses, opened, path
        self._plain, self._variables = plain, variables
        source = self._source(path, "", is_shipped=is_shipped, takes_over=takes_over)
        self.public = self._open(source)
        self._private: dict[str, KnowledgeBase] = {}
        self._of_others: dict[str, KnowledgeBase] = {}

    async def at(self, path: Path | None) -> KnowledgeBase:
        """The knowledge base of this file, up to date; None means the one for everybody."""
        found = self._at(path)
        await found.refresh()
        return found

    async def of_session(self, session_id: object) -> KnowledgeBase:
        """The knowledge base that a session was begun with; the one for everybody as it is, a private one up to date."""
        scope, key = "", sessions.uuid_or_none(session_id)
        if key is not None:
            async with self._parts.connection() as connection:
                scope = await sessions.scope(connection, self._parts.tenant, str(key))
        found = self._in(scope) if scope else self.public
        if scope:
            await found.refresh()
        return found

    def _in(self, scope: str) -> KnowledgeBase:
        """The private knowledge base of a scope: with its file where this process has it open, else as it was published."""
        if mine := next((knowledge for knowledge in self._private.values() if knowledge.scope == scope), None):
            return mine
        # The ones that were asked for last are at the end.
        found = self._of_others.pop(scope, None) or KnowledgeBase(scope, self._parts.db, self._parts.tenant, self._senses)
        self._of_others[scope] = found
        if len(self._of_others) > _MOST_OF_OTHERS:
            del self._of_others[next(iter(self._of_others))]
        return found

    def _at(self, path: Path | None) -> KnowledgeBase:
        # Not `resolve`: that fails where links lead in circles, which is for the reader of the file to say.
        if path is None or os.path.realpath(path) == os.path.realpath(self._path):
            return self.public
        real = os.path.realpath(path)
        if real not in self._private:
            self._private[real] = self._open(self._source(path, private_scope(path)))
        return self._private[real]

    def _source(self, path: Path, scope: str, *, is_shipped: bool = False, takes_over: bool = True) -> FileSource:
        db, tenant, given = self._parts.db, self._parts.tenant, self._variables
        return FileSource(path, scope, db, tenant, is_shipped=is_shipped, takes_over=takes_over, variables=given)

    def held(self, version_id: str) -> Guide | None:
        """The guide of a version that an open knowledge base has in memory, so that a session need not read its own."""
        found = (base.snapshot.by_version.get(version_id) for base in (self.public, *self._private.values()))
        return next(filter(None, found), None)

    def _open(self, source: FileSource) -> KnowledgeBase:
        plain = self._plain if source.scope == "" else None
        knowledge = KnowledgeBase(source.scope, self._parts.db, self._parts.tenant, self._senses, source, plain)
        self._opened(knowledge)
        return knowledge
