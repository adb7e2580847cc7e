"""The knowledge base of a process: one file, its published versions and the index over it.

A reload builds a new snapshot and swaps one reference. A broken edit keeps the last good snapshot and says what is wrong.

Source: contract.md §2 and §6, rule 7.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from guiado import clock
from guiado.detection import Index, Problem, build_index
from guiado.domain.guide import Guide, content_hash
from guiado.domain.knowledge import Findings, read_entry
from guiado.domain.versions import carry_step_ids
from guiado.errors import DatabaseUnavailable, FieldProblem, KnowledgeBaseInvalid, Message
from guiado.logs import get_logger
from guiado.store import guides
from guiado.store.database import Connection, Database

_PUBLISH_TRIES = 10
_MAX_FILE_BYTES = 256 * 1024 * 1024
log = get_logger()
Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entries:
    """A knowledge-base file that was read.

    Args:
        guides: id -> guide, without the ids that publishing gives to steps.
        hashes: id -> hash of the entry as written.
        findings: errors and warnings.
    """

    guides: Mapping[str, Guide]
    hashes: Mapping[str, str]
    findings: Findings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A knowledge base that is ready: what is known, under which version, and how to find it.

    Args:
        guides: id -> guide.
        hashes: id -> content hash.
        version_ids: id -> stored version.
        index: detection over all of them.
    """

    guides: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    version_ids: Mapping[str, str] = field(default_factory=dict[str, str])
    index: Index = field(default_factory=lambda: build_index(()))


def read_file(path: Path, known: Snapshot | None = None) -> Entries:
    """Read and check a knowledge-base file.

    Args:
        path: a JSON file.
        known: an earlier snapshot; entries that did not change are taken from it.

    Raises:
        KnowledgeBaseInvalid: with every fault and its JSON path.
    """
    findings = Findings()
    raw = _decode(path, findings)
    found: dict[str, Guide] = {}
    hashes: dict[str, str] = {}
    for problem_id, entry in raw.items():
        fingerprint = _fingerprint(entry)
        old = known.guides.get(problem_id) if known and known.hashes.get(problem_id) == fingerprint else None
        guide = old or read_entry(problem_id, entry, findings)
        if guide is not None:
            found[problem_id], hashes[problem_id] = guide, fingerprint
    if not raw:
        findings.error("$", "No hay ningún problema. Agrega al menos uno.")
    if findings.errors:
        raise KnowledgeBaseInvalid(path.name, findings.errors)
    return Entries(found, hashes, findings)


def _fingerprint(entry: object) -> str:
    return content_hash(cast("Mapping[str, object]", entry)) if isinstance(entry, dict) else ""


def _decode(path: Path, findings: Findings) -> Mapping[str, object]:
    def no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        for name in {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ():
            findings.error(f"$..{name}", "Está repetido. Deja solo uno.")
        return dict(pairs)

    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ValueError("el archivo supera 256 MB")  # noqa: TRY301
        raw: object = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=no_twins)
    except json.JSONDecodeError as error:
        at = FieldProblem(
            f"línea {error.lineno}, columna {error.colno}", Message("El JSON está mal escrito ({why}).", {"why": error.msg})
        )
        raise KnowledgeBaseInvalid(path.name, [at]) from None
    except RecursionError:
        at = FieldProblem("$", Message("Hay demasiados niveles anidados. Simplifica la entrada."))
        raise KnowledgeBaseInvalid(path.name, [at]) from None
    except (OSError, ValueError) as error:
        at = FieldProblem(
            str(path), Message("No se puede leer ({why}). Revisa la ruta, los permisos y que sea UTF-8.", {"why": error})
        )
        raise KnowledgeBaseInvalid(path.name, [at]) from None
    if not isinstance(raw, dict):
        at = FieldProblem("$", Message("Debe ser un objeto: identificador del problema → datos."))
        raise KnowledgeBaseInvalid(path.name, [at])
    return cast("Mapping[str, object]", raw)


class KnowledgeBase:
    """One knowledge-base file, kept loaded.

    Args:
        path: the file.
        scope: "" for the one that is published for everybody; a private one has its own.
    """

    def __init__(self, path: Path, scope: str, db: Database, tenant: str) -> None:
        self.path, self.scope = path, scope
        self.snapshot = Snapshot()
        self.problem: KnowledgeBaseInvalid | None = None
        """Why the file as it is now cannot be used; None when it is in use."""
        self._db, self._tenant = db, tenant
        self._signature: Signature | None = None
        self._lock = asyncio.Lock()

    @staticmethod
    def private_scope(path: Path) -> str:
        """The scope of a file that only one agent uses."""
        return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]

    async def refresh(self) -> bool:
        """Take in an edit of the file, if there is one.

        Returns:
            Whether the snapshot changed.
        """
        signature = _signature(self.path)
        if self._is_taken_in(signature):
            return False
        async with self._lock:
            if self._is_taken_in(signature):
                return False
            changed = await self._reload()
            self._signature = signature
            return changed

    def _is_taken_in(self, signature: Signature | None) -> bool:
        # A missing file has no signature; that it is missing is said once.
        return signature == self._signature and (signature is not None or self.problem is not None)

    async def _reload(self) -> bool:
        try:
            entries = await asyncio.to_thread(read_file, self.path, self.snapshot)
        except KnowledgeBaseInvalid as error:
            log.error("knowledge_base_invalid", file=self.path.name, problems=str(error))
            self.problem = error
            if not self.snapshot.guides:
                await self._restore()
            return False
        async with self._db.connection() as connection:
            version_ids = await self._publish(connection, entries)
        index = await asyncio.to_thread(build_index, [problem_of(guide) for guide in entries.guides.values()])
        self.snapshot = Snapshot(entries.guides, entries.hashes, version_ids, index)
        self.problem = None
        log.info("knowledge_base_loaded", file=self.path.name, problems=len(entries.guides), detector=index.version)
        return True

    async def _restore(self) -> None:
        """Start from the versions that were published before, when the file is broken from the beginning."""
        async with self._db.connection() as connection:
            stored = await guides.latest(connection, self._tenant, self.scope)
        known = {guide_id: version.guide for guide_id, version in stored.items()}
        index = await asyncio.to_thread(build_index, [problem_of(guide) for guide in known.values()])
        self.snapshot = Snapshot(known, {}, {guide_id: version.version_id for guide_id, version in stored.items()}, index)

    async def _publish(self, connection: Connection, entries: Entries) -> dict[str, str]:
        keys = list(entries.hashes.items())
        for _ in range(_PUBLISH_TRIES):
            stored = await guides.known(connection, self._tenant, self.scope, keys)
            missing = [key for key in keys if key not in stored]
            if not missing:
                return {guide_id: version_id for (guide_id, _), version_id in stored.items()}
            await self._store(connection, entries, missing)
        raise DatabaseUnavailable("Otros procesos publican la misma guía sin parar. Vuelve a intentarlo.")

    async def _store(self, connection: Connection, entries: Entries, missing: list[guides.Key]) -> None:
        parents = await guides.latest(connection, self._tenant, self.scope, [guide_id for guide_id, _ in missing])
        versions = [
            guides.NewVersion(
                carry_step_ids(entries.guides[guide_id], parent.guide if parent else None),
                fingerprint,
                parent.number + 1 if parent else 1,
                parent.version_id if parent else None,
            )
            for guide_id, fingerprint in missing
            for parent in (parents.get(guide_id),)
        ]
        await guides.publish(connection, self._tenant, self.scope, versions, clock.now())


def _signature(path: Path) -> Signature | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def problem_of(guide: Guide) -> Problem:
    """What detection knows of a guide: its texts in every language."""
    phrases = list(guide.common_issues)
    for texts in guide.translations.values():
        phrases += [str(texts.get(key) or "") for key in ("problem_title", "problem_description")]
        phrases += [str(phrase) for phrase in cast("list[object]", texts.get("common_issues") or [])]
    return Problem(guide.problem_id, guide.problem_title, guide.problem_description, tuple(filter(None, phrases)))
