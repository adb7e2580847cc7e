"""The detector of `guiado detect`: the one the service uses, or one built from the knowledge-base file alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.settings_variables import settings_variables
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.learning.evaluate import problems_of
from guiado.app.learning.labelled_texts import Trial
from guiado.detection import DEFAULT_THRESHOLD, Index, Problem, build_index
from guiado.detection.classifier.fitted_model import FittedModel
from guiado.detection.semantic.encoders.mapped_arrays import Arrays, map_arrays, remove_others, write_arrays
from guiado.detection.verdict import DEFAULT_ACCEPT
from guiado.domain.guide import Guide
from guiado.errors import DatabaseUnavailable, GuiadoError
from guiado.settings import Settings, read_settings
from guiado.store.embedded import EmbeddedPostgres, default_home
from guiado.wiring import Runtime, cache_folder, encoder_of, knowledge_path, loop_factory


@dataclass(frozen=True, slots=True)
class Workbench:
    """A detector ready to rank texts.

    Args:
        guides: the knowledge base.
        index: over it.
        none_below, accept_from: the two thresholds, 0..1.
    """

    guides: Mapping[str, Guide]
    index: Index
    none_below: float
    accept_from: float

    def for_trial(self, trial: Trial) -> Workbench:
        """Return a detector with the problems and phrases of an evaluation; itself where it brings none."""
        if trial.problems is None and not trial.train:
            return self
        return replace(self, index=index_of(problems_of(trial, map(problem_of, self.guides.values()))))


def open_detector() -> tuple[Workbench, GuiadoError | None]:
    """The detector of `POST /detect`: the last good knowledge base, learned examples and fitted model.

    Returns:
        The detector; and the reason why it is built from the file alone although there is a database, or why the present file
        is not in use.

    Raises:
        KnowledgeBaseInvalid: neither the file nor the database has a knowledge base that can be used.
        SettingsInvalid: a setting cannot be used.
    """
    settings = read_settings()
    try:
        if not _has_database(settings):
            return open_workbench(), None
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_read_detector(settings))
    except DatabaseUnavailable as error:
        return open_workbench(), error


def _has_database(settings: Settings) -> bool:
    """Whether a database already exists; ranking a text does not create one."""
    if settings.database_url:
        return True
    return (EmbeddedPostgres(settings.home or default_home()).status().data / "PG_VERSION").is_file()


async def _read_detector(settings: Settings) -> tuple[Workbench, GuiadoError | None]:
    runtime = await Runtime.open(settings)
    try:
        knowledge = runtime.knowledge
        await knowledge.complete()
        await knowledge.refresh()
        if knowledge.problem and not knowledge.snapshot.guides:
            raise knowledge.problem
        found = knowledge.snapshot
        parts = runtime.parts
        return Workbench(found.guides, found.index, parts.threshold, parts.accept_from), knowledge.problem
    finally:
        await runtime.close()


def open_workbench() -> Workbench:
    """Build a detector from the knowledge-base file in use.

    Raises:
        KnowledgeBaseInvalid: it cannot be used.
        SettingsInvalid: a setting cannot be used.
    """
    settings = read_settings()
    guides = read_file(knowledge_path(settings), settings_variables(settings)).guides
    index = quick_index_of(map(problem_of, guides.values()))
    return Workbench(guides, index.with_model(_fitted(index, settings)), *thresholds(settings))


def quick_index_of(problems: Iterable[Problem]) -> Index:
    """Build an index without fitting it, which would take seconds."""
    settings = read_settings()
    return build_index(problems, encoder=encoder_of(settings), share=settings.none_share)


def index_of(problems: Iterable[Problem]) -> Index:
    """Build a fitted index, as the service does."""
    index = quick_index_of(problems)
    return index.with_model(index.fit())


def _fitted(index: Index, settings: Settings) -> FittedModel:
    """Load the fitted model of an index, or fit it, which takes seconds."""
    folder = cache_folder(settings)
    if folder is None:
        return index.fit()
    path = folder / f"fit-{index.contents[:32]}"
    kept = map_arrays(path)
    if kept and (model := FittedModel.from_bytes(kept.arrays["model"].tobytes())):
        return model
    written = index.fit().to_bytes()
    with suppress(OSError):
        write_arrays(path, Arrays({}, {"model": np.frombuffer(written, np.uint8)}))
        remove_others(path, "fit-*")
    return FittedModel.from_bytes(written) or index.fit()  # read back as at the next start, so that both give the same


def thresholds(settings: Settings) -> tuple[float, float]:
    """The two thresholds, 0..1: none below the first, recognised from the second on."""
    return (
        DEFAULT_THRESHOLD if settings.detection_threshold is None else settings.detection_threshold,
        DEFAULT_ACCEPT if settings.accept_threshold is None else settings.accept_threshold,
    )
