"""The watcher of a knowledge-base file, which publishes the guides that are edited in it.

An edit counts at once, without anybody's approval. What was not edited since the file was read last is left alone, whatever
others published meanwhile; what others wrote of a guide that was edited here stays as a draft, in conflict.

Source: contract.md §2 and §6, rule 7; ADR 0019.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from guiado import clock
from guiado.app.knowledge.incremental_json import Signature, sign
from guiado.app.knowledge.sources.json_file import NO_VARIABLES, Entries, Variables, read_changes
from guiado.app.knowledge.versions import store_versions
from guiado.domain.guide import Guide
from guiado.errors import DatabaseUnavailable, KnowledgeBaseInvalid
from guiado.logs import get_logger
from guiado.store import audit, publications
from guiado.store.database import Database
from guiado.store.log_rows import Audit, audit_row
from guiado.store.publications import FileEdit, Taken

_TRIES = 10
_NAMED = 5
_NOTED = 100
"""Guides that a row of the audit log names at most; support_guide_publication_log has all of them."""
FILE = "file"
log = get_logger()


def private_scope(path: Path) -> str:
    """The scope of a file that only one agent uses."""
    return hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]


class FileSource:
    """A watched knowledge-base file.

    Args:
        path: the file.
        scope: "" for the knowledge base of everybody; a private one has its own.
        is_shipped: it is the file that comes with the program, which nobody chose.
        takes_over: publish the shipped file although another one was published last.
        variables: those that the settings give to its guides.
    """

    def __init__(
        self,
        path: Path,
        scope: str,
        db: Database,
        tenant: str,
        *,
        is_shipped: bool = False,
        takes_over: bool = True,
        variables: Variables = NO_VARIABLES,
    ) -> None:
        self.path, self.scope = path, scope
        self.problem: KnowledgeBaseInvalid | None = None
        """The faults of the file as it is now; None when it is in use."""
        self._db, self._tenant, self._variables = db, tenant, variables
        self._name = "" if is_shipped else os.path.realpath(path)
        self._gives_way = is_shipped and not takes_over
        self._signature: Signature | None = None
        self._read = Entries()
        self._taken: Taken | None = None
        self._made = dict[str, Guide]()
        self._lock = asyncio.Lock()

    async def sync(self) -> bool:
        """Publish the edits since the file was last read, if there are any.

        Returns:
            Whether anything was published.
        """
        if self._is_taken_in(sign(self.path)):
            return False
        async with self._lock:
            signature = sign(self.path)
            if self._is_taken_in(signature):
                return False
            is_published = await self._publish()
            self._signature = signature
            return is_published

    def forget(self) -> None:
        """Read the file anew with the next `sync`: the database is another one, or an older copy."""
        self._signature, self._taken, self._made = None, None, {}

    def take_made(self) -> dict[str, Guide]:
        """Hand over the guides that this source stored since the last call: version id -> guide."""
        made, self._made = self._made, {}
        return made

    def _is_taken_in(self, signature: Signature | None) -> bool:
        # A missing file has no signature; that it is missing is said once.
        return signature == self._signature and (signature is not None or self.problem is not None)

    async def _publish(self) -> bool:
        for _ in range(_TRIES):
            taken = await self._last_taken()
            if self._gives_way and taken.file:
                log.info("shipped_guides_not_used", in_use=taken.file, why="another file is in use; guiado serve changes that")
                return False
            try:
                entries = await asyncio.to_thread(read_changes, self.path, self._read, taken.hashes, self._variables)
            except KnowledgeBaseInvalid as error:
                log.error("knowledge_base_invalid", file=self.path.name, problems=str(error))
                self.problem = error
                return False
            if (published := await self._take(entries, taken)) is not None:
                self._read = Entries(hashes=entries.hashes, sources=entries.sources)
                self.problem = None
                return published
        raise DatabaseUnavailable("Otros procesos publican la misma guía sin parar. Vuelve a intentarlo.")

    async def _last_taken(self) -> Taken:
        async with self._db.connection(self._tenant) as connection:
            self._taken = await publications.taken(connection, self._tenant, self.scope, self._taken)
        return self._taken

    async def _take(self, entries: Entries, taken: Taken) -> bool | None:
        """Publish the difference between the file and its last publication.

        Returns:
            Whether there was any; None where the file was taken in by somebody else meanwhile.
        """
        edited = {key: found for key, found in entries.hashes.items() if taken.hashes.get(key) != found}
        gone = [key for key in taken.hashes if key not in entries.hashes]
        if not edited and not gone and taken.file == self._name:
            return False
        version_ids, made = await store_versions(self._db, self._tenant, self.scope, entries.guides, edited)
        self._made |= made
        conflicts = await self._publish_edit(FileEdit(self._name, version_ids, edited, gone), taken.number)
        if conflicts is None:
            return None
        self._taken = Taken(taken.number + 1, self._name, entries.hashes)
        tell = log.info if taken.number else log.debug  # a first start says what was loaded, which is the same
        tell("guides_published", file=self.path.name, edited=len(edited), removed=len(gone), problems=len(entries.hashes))
        if conflicts:
            why = "otros escribieron en las mismas guías: su texto queda como borrador; se ve con guiado kb versions"
            log.warning("guides_in_conflict", guides=", ".join(conflicts[:_NAMED]), count=len(conflicts), why=why)
        return True

    async def _publish_edit(self, edit: FileEdit, number: int) -> list[str] | None:
        """Publish an edit, with its row in the audit log; what a first start loads nobody edited, and leaves none."""
        async with self._db.transaction(self._tenant) as connection:
            conflicts = await publications.publish_file(connection, self._tenant, self.scope, edit, number, FILE, clock.now())
            if number and conflicts is not None:
                guides = sorted((*edit.version_ids, *edit.gone))
                detail = {
                    "scope": self.scope,
                    "guides": guides[:_NOTED],
                    "edited": len(edit.version_ids),
                    "removed": len(edit.gone),
                }
                noted = Audit("machine", "publish", None, {**detail, "conflicts": len(conflicts)})
                await audit.write(connection, self._tenant, [audit_row(self._tenant, FILE, noted, clock.now(), "guide")])
        return conflicts
