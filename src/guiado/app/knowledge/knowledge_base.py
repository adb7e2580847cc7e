"""The knowledge base of a process: one file, its published versions and the index over it.

A reload builds a new snapshot and swaps one reference. A broken edit keeps the last good snapshot and says what is wrong.

Source: contract.md §2 and §6, rule 7.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

from guiado import clock
from guiado.app.background import run_aside
from guiado.app.json_values import json_problem
from guiado.app.knowledge.incremental_json import UNCHANGED, Signature, Source, sign, walk
from guiado.app.knowledge.parse import Findings, read_entry
from guiado.app.throttle import Pace
from guiado.detection import Index, Problem, build_index
from guiado.detection.classifier.calibration import USUAL_SHARE
from guiado.detection.classifier.fitted_model import Model
from guiado.detection.learned_examples import teach
from guiado.detection.semantic.approximate_search import Vectors, encode_all
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.domain.guide import Guide, content_hash
from guiado.domain.guide_versions import carry_step_ids
from guiado.domain.learning_signal import Taught
from guiado.errors import DatabaseUnavailable, FieldProblem, KnowledgeBaseInvalid, Message, os_reason
from guiado.logs import get_logger
from guiado.store import fitted_models, guides, learning
from guiado.store.database import Connection, Database

_PUBLISH_TRIES = 10
_BATCH = 200
"""Versions that are stored with one statement: what is put into JSON at once keeps the event loop for about 10 ms."""
_ENCODED_AT_ONCE = 400
"""Texts that are encoded while somebody waits: 0.3 seconds. More of them are left for later, and words decide until then."""
_MAX_FILE_MB = 64
_PIECE_CHARS = 1 << 20
log = get_logger()


@dataclass(frozen=True, slots=True)
class Entries:
    """A knowledge-base file that was read.

    Args:
        guides: id -> guide, without the ids that publishing gives to steps.
        hashes: id -> hash of the entry as written.
        findings: errors and warnings.
        sources: id -> what the entry looked like in the file.
    """

    guides: Mapping[str, Guide]
    hashes: Mapping[str, str]
    findings: Findings
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A knowledge base that is ready: what is known, under which version, and how to find it.

    Args:
        guides: id -> guide.
        hashes: id -> content hash.
        version_ids: id -> stored version.
        index: detection over all of them.
        sources: id -> what its entry looked like in the file.
        lessons: mark of the examples that the index knows, see `store.learning.revision`.
        model_version: of the newest model when the index was made, see `store.detectors.newest`.
    """

    guides: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    version_ids: Mapping[str, str] = field(default_factory=dict[str, str])
    index: Index = field(default_factory=lambda: build_index(()))
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    lessons: str = ""
    model_version: str = ""


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """What detection works with.

    Args:
        encoder: turns texts into vectors and remembers them; None where the words alone decide.
        share: of all queries, how many are about nothing known, as far as the operator knows; 0..1.
    """

    encoder: VectorCache | None = None
    share: float = USUAL_SHARE


_NO_SENSES = DetectionConfig()


def read_file(path: Path, known: Snapshot | None = None) -> Entries:
    """Read and check a knowledge-base file.

    Args:
        path: a JSON file.
        known: an earlier snapshot; entries that did not change are taken from it.

    Raises:
        KnowledgeBaseInvalid: with every fault and its JSON path.
    """
    findings, known = Findings(), known or Snapshot()
    raw, sources = _decode(path, findings, known.sources)
    found: dict[str, Guide] = {}
    hashes: dict[str, str] = {}
    for problem_id, entry in raw.items():
        same = entry is UNCHANGED
        fingerprint = known.hashes[problem_id] if same else _fingerprint(problem_id, entry, findings)
        old = known.guides.get(problem_id) if known.hashes.get(problem_id) == fingerprint else None
        guide = old or read_entry(problem_id, entry, findings)
        if guide is not None:
            found[problem_id], hashes[problem_id] = guide, fingerprint
    if not raw:
        findings.error("$", "No hay ningún problema. Agrega al menos uno.")
    if findings.errors:
        raise KnowledgeBaseInvalid(path.name, findings.errors, findings.warnings)
    return Entries(found, hashes, findings, sources)


def _fingerprint(problem_id: str, entry: object, findings: Findings) -> str:
    try:
        return content_hash(cast("Mapping[str, object]", entry)) if isinstance(entry, dict) else ""
    except RecursionError:
        findings.error(f"$.{problem_id}", "Hay demasiados niveles anidados. Simplifícalo.")
        return ""


class _Twins(dict[str, object]):
    """A JSON object that names a key twice."""

    names: frozenset[str] = frozenset()


def _decode(path: Path, findings: Findings, known: Mapping[str, Source]) -> tuple[Mapping[str, object], Mapping[str, Source]]:
    twins = False

    def note_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal twins
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        twins, marked = True, _Twins(found)
        marked.names = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return marked

    def refuse_constant(name: str) -> float:
        findings.error("$", "{name} no es JSON. Escribe un número o null.", name=name)
        return float(name)

    text = _read_text(path)
    if walked := walk(text, known):
        return walked
    # Something is wrong with it, or unusual: read as a whole, so that it can be told what and where.
    try:
        raw: object = json.loads(text, object_pairs_hook=note_twins, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise KnowledgeBaseInvalid(path.name, [json_problem(error)]) from None
    if not isinstance(raw, dict):
        at = FieldProblem("$", Message("Debe ser un objeto: identificador del problema → datos."))
        raise KnowledgeBaseInvalid(path.name, [at])
    if twins:
        _name_twins(cast("object", raw), findings)
    return cast("Mapping[str, object]", raw), {}


def _name_twins(raw: object, findings: Findings) -> None:
    waiting: list[tuple[str, object]] = [("$", raw)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Twins):
            for name in sorted(value.names):
                findings.error(f"{path}.{name}", "Está repetido. Deja solo uno.")
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}", part) for key, part in cast("dict[str, object]", value).items()]
        elif isinstance(value, list):
            waiting += [(f"{path}[{i}]", part) for i, part in enumerate(cast("list[object]", value))]


def _read_text(path: Path) -> str:
    """The text of a file that is one; a pipe would be waited for until somebody writes into it."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            why = Message("no es un archivo normal")
        elif status.st_size > _MAX_FILE_MB * 1024 * 1024:
            why = Message("pasa de {limit} MB", {"limit": _MAX_FILE_MB})
        else:
            with path.open(encoding="utf-8-sig") as file:
                # In pieces: decoding tens of MB at once would hold up every other thread.
                return "".join(iter(partial(file.read, _PIECE_CHARS), ""))
    except UnicodeDecodeError:
        why = Message("no es texto en UTF-8")
    except OSError as error:
        why = os_reason(error)
    except ValueError:  # a NUL in the path
        why = Message("la ruta no es válida")
    remedy = Message("No se puede leer ({why}). Revisa la ruta, los permisos y que sea UTF-8.", {"why": why})
    shown = str(path) if str(path).isprintable() else ascii(str(path))
    raise KnowledgeBaseInvalid(path.name, [FieldProblem(shown, remedy)])


class KnowledgeBase:
    """One knowledge-base file, kept loaded.

    Args:
        path: the file.
        scope: "" for the one that is published for everybody; a private one has its own.
    """

    def __init__(self, path: Path, scope: str, db: Database, tenant: str, senses: DetectionConfig = _NO_SENSES) -> None:
        self.path, self.scope, self.senses = path, scope, senses
        self.snapshot = Snapshot()
        self.problem: KnowledgeBaseInvalid | None = None
        """Why the file as it is now cannot be used; None when it is in use."""
        self._db, self._tenant = db, tenant
        self._signature: Signature | None = None
        self._lock = asyncio.Lock()
        self._pace = Pace()

    @staticmethod
    def private_scope(path: Path) -> str:
        """The scope of a file that only one agent uses."""
        return hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]

    async def refresh(self) -> bool:
        """Take in an edit of the file, what was learned since, and what was fitted, if there is any of it.

        Returns:
            Whether the snapshot changed.
        """
        signature = sign(self.path)
        if self._is_taken_in(signature) and not await self._knows_less():
            return False
        async with self._lock:
            if self._is_taken_in(signature):
                return await self._knows_less() and await self._reindex(self.snapshot)
            changed = await self._reload()
            self._signature = signature
            return changed

    async def _knows_less(self) -> bool:
        """Whether there are other examples or another model than those of the index."""
        async with self._db.connection() as connection:
            return await self._marks(connection) != (self.snapshot.lessons, self.snapshot.model_version)

    async def _marks(self, connection: Connection) -> tuple[str, str]:
        lessons = await learning.revision(connection, self._tenant, self.scope)
        return lessons, await fitted_models.newest(connection, self._tenant, self.scope)

    def _is_taken_in(self, signature: Signature | None) -> bool:
        # A missing file has no signature; that it is missing is said once.
        return signature == self._signature and (signature is not None or self.problem is not None)

    async def _reload(self) -> bool:
        try:
            entries = await asyncio.to_thread(read_file, self.path, self.snapshot)
        except KnowledgeBaseInvalid as error:
            log.error("knowledge_base_invalid", file=self.path.name, problems=str(error))
            if not self.snapshot.guides:
                await self._restore()
            # Only now: a missing file counts as taken in from here on, and would never be restored.
            self.problem = error
            return False
        version_ids = await self._publish(entries)
        await self._reindex(Snapshot(entries.guides, entries.hashes, version_ids, self.snapshot.index, entries.sources))
        self.problem = None
        log.info("knowledge_base_loaded", file=self.path.name, problems=len(entries.guides), detector=self.snapshot.index.version)
        return True

    async def _reindex(self, snapshot: Snapshot) -> bool:
        """Make this snapshot the one in use, with what is known by now; what was merely learned has to wait where it pours in.

        Returns:
            Whether the snapshot changed.
        """
        taught: list[Taught] | None = None
        async with self._db.connection() as connection:  # not held while the index is built
            lessons, version = await self._marks(connection)
            if snapshot is not self.snapshot or (lessons != snapshot.lessons and self._pace.take()):
                taught = await learning.examples(connection, self._tenant, self.scope) if lessons else []
        index = snapshot.index
        if taught is not None:
            index = await asyncio.to_thread(_index, snapshot, taught, self.senses)
            snapshot = replace(snapshot, lessons=lessons)
        elif version == snapshot.model_version:
            return False
        self.snapshot = replace(snapshot, index=await self._fitted(index, version), model_version=version)
        return True

    async def _fitted(self, index: Index, version: str) -> Index:
        """The index with what was fitted last, where it is usable and not in it already."""
        if not version or (index.model is not None and index.model.version == version):
            return index
        async with self._db.connection() as connection:
            stored = await fitted_models.load(connection, self._tenant, self.scope, index.contents)
        return index if stored is None else await asyncio.to_thread(_with_stored, index, stored)

    async def complete(self) -> None:
        """Give the index the vectors that were left for later; with 10,000 guides that takes a minute. They are remembered."""
        cache, known = self.senses.encoder, self.snapshot.index
        if cache is None or known.vectors is not None:
            return
        vectors = await run_aside(lambda pause: encode_all(cache, known.texts.clean, pause))
        async with self._lock:
            if self.snapshot.index is known:
                index = await asyncio.to_thread(lambda: known.with_vectors(cache.source, vectors).prepare())
                self.snapshot = replace(self.snapshot, index=index, model_version="")

    async def _restore(self) -> None:
        """Start from the versions that were published before, when the file is broken from the beginning."""
        async with self._db.connection() as connection:
            stored = await guides.latest(connection, self._tenant, self.scope)
        known = {guide_id: version.guide for guide_id, version in stored.items()}
        version_ids = {guide_id: version.version_id for guide_id, version in stored.items()}
        await self._reindex(Snapshot(known, {}, version_ids, self.snapshot.index))

    async def _publish(self, entries: Entries) -> dict[str, str]:
        """The stored version of every entry; what is new is stored, a batch at a time, so that nobody waits for all of it."""
        known = self.snapshot
        version_ids = {
            guide_id: known.version_ids[guide_id]
            for guide_id, fingerprint in entries.hashes.items()
            if known.hashes.get(guide_id) == fingerprint
        }
        changed = [key for key in entries.hashes.items() if key[0] not in version_ids]
        async with self._db.connection() as connection:
            for begin in range(0, len(changed), _BATCH):
                version_ids |= await self._publish_batch(connection, entries, changed[begin : begin + _BATCH])
        return version_ids

    async def _publish_batch(self, connection: Connection, entries: Entries, keys: list[guides.Key]) -> dict[str, str]:
        for _ in range(_PUBLISH_TRIES):
            stored = await guides.known(connection, self._tenant, self.scope, keys)
            missing = [key for key in keys if key not in stored]
            if not missing:
                return {guide_id: version_id for (guide_id, _), version_id in stored.items()}
            parents = await guides.latest(connection, self._tenant, self.scope, [guide_id for guide_id, _ in missing])
            versions = await asyncio.to_thread(_new_versions, entries.guides, missing, parents)
            await guides.publish(connection, self._tenant, self.scope, versions, clock.now())
        raise DatabaseUnavailable("Otros procesos publican la misma guía sin parar. Vuelve a intentarlo.")


def _new_versions(
    found: Mapping[str, Guide], missing: list[guides.Key], parents: Mapping[str, guides.LatestVersion]
) -> list[guides.NewVersion]:
    return [
        guides.NewVersion(
            carry_step_ids(found[guide_id], parent.guide if parent else None),
            fingerprint,
            parent.number + 1 if parent else 1,
            parent.version_id if parent else None,
        )
        for guide_id, fingerprint in missing
        for parent in (parents.get(guide_id),)
    ]


def _index(snapshot: Snapshot, taught: Sequence[Taught], senses: DetectionConfig) -> Index:
    problems = teach(map(problem_of, snapshot.guides.values()), taught)
    cache = senses.encoder

    def encode(texts: Sequence[str]) -> Vectors | None:
        return None if cache is None or cache.missing(texts) > _ENCODED_AT_ONCE else encode_all(cache, texts)

    encoder = cache.source if cache else None
    return build_index(problems, snapshot.index, encoder=encoder, vectors_of=encode, share=senses.share).prepare()


def _with_stored(index: Index, stored: fitted_models.StoredModel) -> Index:
    model = Model.from_bytes(stored.model)
    return index.with_model(model).prepare() if model else index


def problem_of(guide: Guide) -> Problem:
    """What detection knows of a guide: its texts in every language."""
    phrases = list(guide.common_issues)
    for texts in guide.translations.values():
        phrases += [str(texts.get(key) or "") for key in ("problem_title", "problem_description")]
        phrases += [str(phrase) for phrase in cast("list[object]", texts.get("common_issues") or [])]
    return Problem(guide.problem_id, guide.problem_title, guide.problem_description, tuple(filter(None, phrases)))
