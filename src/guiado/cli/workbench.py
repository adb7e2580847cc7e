"""What `guiado detect` works with: the knowledge base in use, indexed from its file, and the thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from guiado.app.evaluate import problems_of
from guiado.app.judged import Trial
from guiado.app.knowledge import problem_of, read_file
from guiado.detection import DEFAULT_THRESHOLD, Index, Problem, build_index
from guiado.detection.encoders.table import Arrays, map_arrays, remove_others, write_arrays
from guiado.detection.model import Model
from guiado.detection.outcome import DEFAULT_ACCEPT
from guiado.domain.guide import Guide
from guiado.settings import Settings, read_settings
from guiado.wiring import cache_folder, encoder_of, knowledge_path


@dataclass(frozen=True, slots=True)
class Workbench:
    """Everything that it takes to rank a text.

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
        """The same with the problems and phrases that the trial brings along."""
        if trial.problems is None and not trial.train:
            return self
        return replace(self, index=index_of(problems_of(trial, map(problem_of, self.guides.values()))))


def open_workbench() -> Workbench:
    """Read the knowledge base in use.

    Raises:
        KnowledgeBaseInvalid: it cannot be used.
        SettingsInvalid: a setting cannot be used.
    """
    settings = read_settings()
    guides = read_file(knowledge_path(settings)).guides
    index = quick_index_of(map(problem_of, guides.values()))
    return Workbench(guides, index.with_model(_fitted(index, settings)), *thresholds(settings))


def quick_index_of(problems: Iterable[Problem]) -> Index:
    """The index of some problems as it is before it is fitted, which takes seconds."""
    settings = read_settings()
    return build_index(problems, encoder=encoder_of(settings), share=settings.none_share)


def index_of(problems: Iterable[Problem]) -> Index:
    """The index of some problems, fitted, as the service makes it."""
    index = quick_index_of(problems)
    return index.with_model(index.fit())


def _fitted(index: Index, settings: Settings) -> Model:
    """What is fitted for an index: as it was kept the last time, else anew, which takes seconds."""
    folder = cache_folder(settings)
    if folder is None:
        return index.fit()
    path = folder / f"fit-{index.contents[:32]}"
    kept = map_arrays(path)
    if kept and (model := Model.from_bytes(kept.arrays["model"].tobytes())):
        return model
    written = index.fit().to_bytes()
    with suppress(OSError):
        write_arrays(path, Arrays({}, {"model": np.frombuffer(written, np.uint8)}))
        remove_others(path, "fit-*")
    return Model.from_bytes(written) or index.fit()  # read as the next time, so that it says the same


def thresholds(settings: Settings) -> tuple[float, float]:
    """Under the first, 0..1, a best candidate is none; from the second on it is taken without asking."""
    return (
        DEFAULT_THRESHOLD if settings.detection_threshold is None else settings.detection_threshold,
        DEFAULT_ACCEPT if settings.accept_threshold is None else settings.accept_threshold,
    )
