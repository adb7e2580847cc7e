"""A knowledge base in memory: the guides that are in use, and the index over them.

The database (`store/publications.py`) says which versions are in use. A change there builds a new snapshot and swaps one
reference.

Source: contract.md §2 and §6, rule 7; ADR 0019.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from guiado.app.background import run_aside
from guiado.app.knowledge.check.watch import GuideWatch
from guiado.app.knowledge.plain_index import PlainIndex
from guiado.app.knowledge.sources.file import FileSource
from guiado.app.throttle import Pace
from guiado.detection import Index, Problem, build_index
from guiado.detection.agreement import SEVERAL, agreed
from guiado.detection.arrays import Floats
from guiado.detection.classifier.calibration import USUAL_SHARE
from guiado.detection.classifier.fitted_model import FittedModel
from guiado.detection.learned_examples import Written, teach
from guiado.detection.prepared.model import model_for
from guiado.detection.semantic.approximate_search import Vectors, encode_all, encode_few
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.spoken_language import prepare as prepare_languages
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.guide_versions import guide_from_json
from guiado.domain.learning_signal import CustomerWord, Taught
from guiado.errors import KnowledgeBaseInvalid
from guiado.logs import get_logger
from guiado.store import fitted_models, guides, learning, publications
from guiado.store.database import Database
from guiado.store.publications import Mark
from guiado.text.json_shapes import items_in

_BATCH = 200
"""Versions that are read with one statement: decoding them keeps the event loop for some 10 ms."""
_ENCODED_AT_ONCE = 400
"""Most texts that are encoded at once, in 0.3 seconds. More of them are left for later, and words decide until then."""
log = get_logger()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A loaded knowledge base: its guides, their versions, and the index over them.

    Args:
        guides: id -> guide in use.
        version_ids: id -> its stored version.
        index: detection over all of them.
        mark: of the guides, examples and model that it was made from.
        by_version: version id -> guide in use.
        others: id -> the entries of kind `none`, which are no guides; the index has them too.
    """

    guides: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    version_ids: Mapping[str, str] = field(default_factory=dict[str, str])
    index: Index = field(default_factory=lambda: build_index(()))
    mark: Mark = field(default_factory=Mark)
    by_version: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    others: Mapping[str, Guide] = field(default_factory=dict[str, Guide])

    @property
    def every(self) -> Mapping[str, Guide]:
        """All entries in use, those that are no guides too."""
        return {**self.guides, **self.others} if self.others else self.guides


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """Configuration of detection.

    Args:
        encoder: turns texts into vectors and remembers them; None where the words alone decide.
        share: of all queries, how many are about nothing known, as far as the operator knows; 0..1.
    """

    encoder: VectorCache | None = None
    share: float = USUAL_SHARE


_NO_SENSES = DetectionConfig()


class KnowledgeBase:
    """The knowledge base of one scope, kept loaded and up to date.

    Args:
        scope: "" for the one that is published for everybody; a private one has its own.
        source: publishes into this scope and is asked first, if this process has one.
        plain: the index that tenants share; see `PlainIndex`.
    """

    def __init__(
        self,
        scope: str,
        db: Database,
        tenant: str,
        senses: DetectionConfig = _NO_SENSES,
        source: FileSource | None = None,
        plain: PlainIndex | None = None,
    ) -> None:
        self.scope, self.senses, self.source = scope, senses, source
        self.snapshot = Snapshot()
        self._db, self._tenant, self._plain = db, tenant, plain
        self._written = Written()
        self.watch = GuideWatch(scope)
        """Checks guides that came into use while this process ran."""
        self._lock = asyncio.Lock()
        self._pace = Pace()

    @property
    def problem(self) -> KnowledgeBaseInvalid | None:
        """The fault that keeps this process's source out of use; None when the source is in use, or there is none."""
        return self.source.problem if self.source else None

    async def refresh(self) -> bool:
        """Load guides that were published, examples that were learned and a model that was fitted since the last time.

        Returns:
            Whether the snapshot changed.
        """
        if self.source is not None:
            await self.source.sync()
        before = self.snapshot
        mark = await self._read_mark()
        if mark == before.mark:
            return False
        async with self._lock:
            return await self._take_in(mark if self.snapshot is before else await self._read_mark())

    async def _read_mark(self) -> Mark:
        async with self._db.connection(self._tenant) as connection:
            return await publications.read_mark(connection, self._tenant, self.scope)

    async def _take_in(self, mark: Mark) -> bool:
        """Make the snapshot of a mark. Guides and models count at once; where many examples come, they count a little later."""
        old = await self._with_guides(self.snapshot, mark)
        new, taught, said = replace(old, mark=old.mark._replace(guides=mark.guides, model=mark.model)), None, list[CustomerWord]()
        if old is not self.snapshot or (mark.examples != old.mark.examples and self._pace.take()):
            async with self._db.connection(self._tenant) as connection:  # not held while the index is built
                taught = await learning.examples(connection, self._tenant, self.scope) if mark.examples else []
                said = await learning.votes(connection, self._tenant, self.scope, SEVERAL) if mark.examples else []
        if taught is not None:
            index = await self._index(old, taught, said)
            new = replace(new, index=index, mark=mark)
        if taught is not None or mark.model != old.mark.model:
            new = replace(new, index=await self._fitted(new.index, mark.model))
        is_changed, before = new.index is not self.snapshot.index, self.snapshot
        self.snapshot = new
        if new.version_ids is not before.version_ids:
            changed = {key: each for key, each in new.version_ids.items() if before.version_ids.get(key) != each}
            self.watch.saw(before.every, new.every, changed)
        if is_changed:
            log.info("knowledge_base_loaded", scope=self.scope, problems=len(new.guides), detector=new.index.version)
        return is_changed

    async def _index(self, old: Snapshot, taught: Sequence[Taught], said: Sequence[CustomerWord]) -> Index:
        """The index over guides and examples; without examples, the one that another tenant with the same guides has."""
        plain, needs_vectors = None if taught or said else self._plain, self.senses.encoder is not None
        if plain is not None:
            shared = await asyncio.to_thread(plain.find, old.every, old.index, with_vectors=needs_vectors)
            if shared is not None:
                return shared
        index = await asyncio.to_thread(_index, old, taught, said, self.senses, self._written)
        if plain is not None:
            await asyncio.to_thread(plain.keep, old.every, index)
        return index

    async def _with_guides(self, known: Snapshot, mark: Mark) -> Snapshot:
        """The snapshot with the guides that are in use now; the same one where no guide changed."""
        if mark.guides == known.mark.guides:
            return known
        if mark.guides < known.mark.guides:  # an older copy of the database: nothing that is known need be in it
            known = replace(known, guides={}, others={}, version_ids={}, mark=Mark())
            if self.source is not None:
                self.source.forget()
        async with self._db.connection(self._tenant) as connection:
            changes = await publications.changed(connection, self._tenant, self.scope, known.mark.guides)
        version_ids = dict(known.version_ids)
        for change in sorted(changes, key=lambda change: change.in_use):  # what replaces comes after what it replaces
            if change.in_use:
                version_ids[change.guide_id] = change.version_id
            elif version_ids.get(change.guide_id) == change.version_id:
                del version_ids[change.guide_id]
        if version_ids == self.snapshot.version_ids:
            return self.snapshot
        found = await self._guides_of(known, version_ids)
        by_version = {version_ids[key]: guide for key, guide in found.items()}
        others = {key: guide for key, guide in found.items() if guide.kind == GuideKind.NONE}
        guides_alone = {key: guide for key, guide in found.items() if key not in others} if others else found
        return replace(known, guides=guides_alone, others=others, version_ids=version_ids, by_version=by_version)

    async def _guides_of(self, known: Snapshot, version_ids: Mapping[str, str]) -> dict[str, Guide]:
        """Guides by id; those of an unchanged version are taken over, and those that this process stored are not read back."""
        before = known.every
        found = {key: before[key] for key, version_id in version_ids.items() if known.version_ids.get(key) == version_id}
        read = self.source.take_made() if self.source else {}  # a version never changes: what was stored here is what is stored
        new = [version_id for key, version_id in version_ids.items() if key not in found and version_id not in read]
        for begin in range(0, len(new), _BATCH):
            async with self._db.connection(self._tenant) as connection:
                stored = await guides.contents(connection, self._tenant, new[begin : begin + _BATCH])
            read |= await asyncio.to_thread(_decoded, stored)
        wanted = {key: found.get(key) or read[version_id] for key, version_id in version_ids.items()}
        return await asyncio.to_thread(self._plain.same, wanted) if self._plain is not None else wanted

    async def _fitted(self, index: Index, version: str) -> Index:
        """The index with the model that was fitted last, where that is usable and not in the index already."""
        if not version and index.model is None:
            return await asyncio.to_thread(_with_prepared, index)
        if not version or (index.model is not None and index.model.version == version):
            return index
        async with self._db.connection(self._tenant) as connection:
            stored = await fitted_models.load(connection, self._tenant, self.scope, index.contents)
        return index if stored is None else await asyncio.to_thread(_with_stored, index, stored, self._plain)

    def fitted_before(self, index: Index, intercept: float) -> FittedModel | None:
        """The model that was fitted to the same contents for another tenant, with this one's intercept."""
        return self._plain.model_for(index.contents, intercept) if self._plain is not None else None

    async def complete(self) -> None:
        """Encode the texts that were left for later, and add their vectors to the index; 10,000 guides take a minute."""
        cache, known = self.senses.encoder, self.snapshot.index
        if cache is None or known.vectors is not None:
            return
        vectors = await run_aside(lambda pause: encode_all(cache, known.texts.clean, pause))
        async with self._lock:
            if self.snapshot.index is known:
                index = await asyncio.to_thread(lambda: known.with_vectors(cache.source, vectors).prepare())
                self.snapshot = replace(self.snapshot, index=index, mark=self.snapshot.mark._replace(model=""))


def _decoded(stored: Mapping[str, Mapping[str, object]]) -> dict[str, Guide]:
    return {version_id: guide_from_json(raw) for version_id, raw in stored.items()}


def _index(
    snapshot: Snapshot, taught: Sequence[Taught], said: Sequence[CustomerWord], senses: DetectionConfig, written: Written
) -> Index:
    cache = senses.encoder

    def encode(texts: Sequence[str]) -> Vectors | None:
        return None if cache is None else encode_few(cache, texts, _ENCODED_AT_ONCE)

    def rows(texts: Sequence[str]) -> Floats | None:
        found = None if cache is None else cache.encode_few(texts, _ENCODED_AT_ONCE)
        return None if found is None else found.expand()

    examples, disputes = agreed(said, rows)
    problems = teach(written.problems(snapshot.every, problem_of), [*taught, *examples], written, disputes)
    encoder = cache.source if cache else None
    prepare_languages()
    return build_index(problems, snapshot.index, encoder=encoder, vectors_of=encode, share=senses.share).prepare()


def _with_prepared(index: Index) -> Index:
    """The index with the model that ships, where it is of the guides that ship."""
    model = model_for(index.contents)
    return index if model is None else index.with_model(model).prepare()


def _with_stored(index: Index, stored: fitted_models.StoredModel, plain: PlainIndex | None) -> Index:
    model = FittedModel.from_bytes(stored.model)
    if model is not None and plain is not None:
        model = plain.same_model(index.contents, model)
    return index.with_model(model).prepare() if model else index


def problem_of(guide: Guide) -> Problem:
    """The problem that detection makes of a guide: its texts in every language."""
    phrases, not_this = list(guide.common_issues), list(guide.not_this)
    for texts in guide.translations.values():
        phrases += [str(texts.get(key) or "") for key in ("problem_title", "problem_description")]
        phrases += [str(phrase) for phrase in items_in(texts.get("common_issues"))]
        not_this += [str(phrase) for phrase in items_in(texts.get("not_this"))]
    said = tuple(filter(None, phrases))
    return Problem(
        guide.problem_id,
        guide.problem_title,
        guide.problem_description,
        said,
        codes=guide.codes,
        not_this=tuple(filter(None, not_this)),
        is_none=guide.kind == GuideKind.NONE,
    )
