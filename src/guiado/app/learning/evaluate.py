"""Evaluation of detection on labelled texts, with the ranking that every door uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from guiado import clock
from guiado.app.learning.labelled_texts import LabelledText, Trial
from guiado.app.sessions.detect import Detected, detect
from guiado.detection import Index, Problem
from guiado.detection.evaluation import Figures, confusions, measure, percentile
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide

Pair = tuple[str | None, str | None]
"""Right problem and found problem of a text; None means none of the known ones."""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of a trial of detection.

    Args:
        figures: see `Figures`.
        verdicts_inside: how often each verdict came for texts about a known problem.
        verdicts_outside: the same for texts about none of them.
        pairs: how often each pair occurred; what was not taken for any problem was found to be none.
        samples: one text of each pair that is wrong.
        p50_ms, p99_ms: time of one text, in milliseconds.
    """

    figures: Figures
    verdicts_inside: Counter[Verdict]
    verdicts_outside: Counter[Verdict]
    pairs: Counter[Pair]
    samples: Mapping[Pair, str]
    p50_ms: float
    p99_ms: float

    def worst(self, limit: int) -> list[tuple[Pair, int]]:
        """The pairs that were confused most often, most frequent first."""
        wrong = [(pair, count) for pair, count in self.pairs.items() if pair[0] != pair[1]]
        return sorted(wrong, key=lambda item: (-item[1], str(item[0])))[:limit]


def problems_of(trial: Trial, known: Iterable[Problem]) -> list[Problem]:
    """The problems that the trial is about, with its own phrases added."""
    more: dict[str, list[str]] = {}
    for row in trial.train:
        more.setdefault(str(row.problem_id), []).append(row.text)
    found = known if trial.problems is None else trial.problems
    return [replace(each, phrases=(*each.phrases, *more.get(each.problem_id, ()))) for each in found]


def evaluate(
    index: Index, guides: Mapping[str, Guide], rows: Sequence[LabelledText], none_below: float, accept_from: float
) -> Report:
    """Detect the problem of every text, and report how often it is right.

    Args:
        guides: of the knowledge base; a trial's own problems have none.
        rows: at least one.
        none_below, accept_from: the two thresholds, 0..1.
    """
    gold = [row.problem_id for row in rows]
    found: list[Detected] = []
    times: list[float] = []
    for row in rows:
        started = clock.monotonic_s()
        found.append(detect(index, guides, row.text, none_below, accept_from))
        times.append((clock.monotonic_s() - started) * 1_000)
    ranked = [[(c.problem_id, c.confidence) for c in each.candidates] for each in found]
    taken = [each.candidates[0].problem_id if each.verdict is not Verdict.NONE else None for each in found]
    pairs = list(zip(gold, taken, strict=True))
    return Report(
        figures=measure(gold, ranked, none_below),
        verdicts_inside=Counter(each.verdict for each, g in zip(found, gold, strict=True) if g is not None),
        verdicts_outside=Counter(each.verdict for each, g in zip(found, gold, strict=True) if g is None),
        pairs=confusions(gold, taken),
        samples={pair: row.text for pair, row in reversed(list(zip(pairs, rows, strict=True))) if pair[0] != pair[1]},
        p50_ms=percentile(times, 0.5) or 0.0,
        p99_ms=percentile(times, 0.99) or 0.0,
    )
