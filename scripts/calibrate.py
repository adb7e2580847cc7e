"""Fit the weights that turn signals into a confidence: `python scripts/calibrate.py DATA [--encoder e5] [--check] [--write]`.

DATA is a folder of labelled sets: JSON with `name`, `lang`, `problems` [{id, title}], `train` and `test` [[text, id or null]].
Only `train` rows are fitted on. From each set knowledge bases are cut at random: some problems stay, the rest are "none of them".
Two sets with the same problems in two languages ask each other. `--check` fits without a family of sets (all that share problems)
and measures on the test rows of that family; `--write` writes the weights that guiado ships.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guiado.detection.build import build_index
from guiado.detection.classifier.calibration import Judge, Weights, standings
from guiado.detection.classifier.scorer import SIGNALS, Observation
from guiado.detection.classifier.training import Spread
from guiado.detection.evaluation import calibration_error, reference_weights
from guiado.detection.index import Index
from guiado.detection.problem import Problem
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoder import shared_from
from guiado.detection.semantic.encoders import EncoderKind, make_encoder

BASES_A_SET = 8
LEAST_ROWS = 150
_MOST_INSIDE, _MOST_OUTSIDE, _MOST_PROBLEMS = 160, 100, 60
NONE_SHARE = 0.2
DECAY = 0.01
_FOLDER = Path(__file__).parents[1] / "src/guiado/detection/classifier"
_TARGETS: dict[EncoderKind, Path] = {"use": _FOLDER / "calibration.json", "e5": _FOLDER / "calibration_joint.json"}
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """One query against a knowledge base.

    Args:
        observed: what detection saw.
        known: whether it is about a problem of the knowledge base.
        right: whether the best problem is the right one.
    """

    observed: Observation
    known: bool
    right: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One knowledge base with its queries."""

    family: str
    index: Index
    asked: list[Asked]
    foreign: bool


def read_sets(folder: Path) -> dict[str, dict[str, Any]]:
    """The sets that are large enough, by name."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return {each["name"]: each for each in found if len(each["train"]) >= LEAST_ROWS}


def family_of(one: dict[str, Any]) -> str:
    """Sets about the same problems are one family."""
    return md5(json.dumps(sorted(p["id"] for p in one["problems"])).encode(), usedforsecurity=False).hexdigest()[:8]


def base_of(problems: Sequence[dict[str, Any]], rows: Sequence[tuple[str, str]], encoder: VectorCache) -> Index:
    """A fitted knowledge base."""
    phrases: dict[str, list[str]] = {problem["id"]: [] for problem in problems}
    for text, problem_id in rows:
        phrases[problem_id].append(text)
    known = [Problem(p["id"], p["title"], p.get("description", ""), tuple(phrases[p["id"]])) for p in problems]
    index = build_index(known, encoder=encoder)
    return index.with_model(index.fit())


def ask(index: Index, queries: Sequence[tuple[str, str | None]], *, foreign: bool) -> list[Asked]:
    """Ask a knowledge base; queries without meaning are left out."""
    found: list[Asked] = []
    for text, problem_id in queries:
        observed = index.observe(text, foreign=foreign)
        if observed is not None:
            best = index.texts.problem_ids[observed.best]
            found.append(Asked(observed, problem_id is not None, best == problem_id))
    return found


def cut(one: dict[str, Any], other: dict[str, Any] | None, dice: random.Random, encoder: VectorCache) -> list[Case]:
    """A knowledge base of some problems of a set, asked with held out rows, or with the rows of its twin in another language."""
    many = len(one["problems"])
    count = round(math.exp(dice.uniform(math.log(5), math.log(min(_MOST_PROBLEMS, many * 0.8)))))
    chosen = {problem["id"] for problem in dice.sample(one["problems"], count)}
    fewest = min(20, len(one["train"]) // many - 1)
    examples = dice.choice([size for size in (2, 3, 4, 5, 8, 10, 20) if size <= fewest])
    rows = sorted(map(tuple, one["train"]))
    dice.shuffle(rows)
    kept, rest = _divide(rows, chosen, examples)
    asked = rest if other is None else [tuple(row) for row in other["train"]]
    inside = [(text, label) for text, label in asked if label in chosen][:_MOST_INSIDE]
    unknown = [text for text, label in asked if label not in chosen][:_MOST_OUTSIDE]
    outside: list[tuple[str, str | None]] = [(text, None) for text in unknown]
    index = base_of([problem for problem in one["problems"] if problem["id"] in chosen], kept, encoder)
    queries: list[tuple[str, str | None]] = [*inside, *outside]
    manners = (True,) if other else (False, True)
    family = family_of(one)
    return [
        Case(family, state, ask(state, queries, foreign=foreign), foreign)
        for state in (index, index.with_model(None))
        for foreign in manners
    ]


def _divide(rows: Sequence[Any], chosen: set[str], examples: int) -> tuple[list[Any], list[Any]]:
    taken = dict.fromkeys(chosen, 0)
    kept: list[Any] = []
    rest: list[Any] = []
    for text, label in rows:
        if label in chosen and taken[label] < examples:
            taken[label] += 1
            kept.append((text, label))
        else:
            rest.append((text, label))
    return kept, rest


def cases_of(sets: dict[str, dict[str, Any]], encoder: VectorCache) -> Iterator[Case]:
    """Knowledge bases of all sets."""
    dice = random.Random(7)  # noqa: S311
    for name, one in sets.items():
        twins = [each for each in sets.values() if each is not one and family_of(each) == family_of(one)]
        for number in range(BASES_A_SET):
            cases = cut(one, twins[0] if twins and number % 2 else None, dice, encoder)
            print(name, number, len(cases[0].index), len(cases[0].asked), file=sys.stderr)
            yield from cases


def fit(cases: Sequence[Case]) -> Weights:
    """The weights that fit these knowledge bases."""
    nothing = Judge(0.0, np.zeros(0, np.float32))
    usual = Weights(_usual(cases), nothing, nothing)
    families = {case.family for case in cases}
    share = {family: 1 / sum(case.family == family for case in cases) for family in families}
    table = np.concatenate([_places(case, usual) for case in cases])
    known = np.array([each.known for case in cases for each in case.asked])
    right = np.array([each.right for case in cases for each in case.asked])
    weight = np.concatenate([_weigh(case) * share[case.family] for case in cases])
    return Weights(usual.usual, _fit_judge(table, known, weight), _fit_judge(table[known], right[known], weight[known]))


def _usual(cases: Sequence[Case]) -> dict[str, Spread]:
    found: dict[str, list[Spread]] = {}
    for case in cases:
        for side in ("inside", "outside"):
            name = f"foreign_{side}" if case.foreign else side
            if case.index.model is None:  # nothing measured: the queries themselves
                those = [each.observed.signals for each in case.asked if each.known == (side == "inside")]
                found.setdefault(f"plain_{name}", []).append(Spread.of(those))
            else:
                found.setdefault(name, []).append(getattr(case.index.model.profile, name))
    return {name: _mean([each for each in measured if each.rows]) for name, measured in found.items()}


def _mean(measured: Sequence[Spread]) -> Spread:
    return Spread(np.mean([s.mean for s in measured], axis=0), np.mean([s.deviation for s in measured], axis=0), 0)


def _places(case: Case, usual: Weights) -> Floats:
    model = case.index.model
    return np.stack(
        [
            standings(each.observed, model.profile if model else None, len(case.index.texts), usual, foreign=case.foreign)
            for each in case.asked
        ]
    )


def _weigh(case: Case) -> NDArray[np.float64]:
    known = np.array([each.known for each in case.asked])
    return np.where(known, (1 - NONE_SHARE) / max(1, known.sum()), NONE_SHARE / max(1, (~known).sum()))


def _fit_judge(table: Floats, truth: NDArray[np.bool_], weight: NDArray[np.float64]) -> Judge:
    """Logistic regression by accelerated gradient; the weights of all signals are kept at 0 or above, which keeps their order."""
    weight = weight / weight.sum()
    signals = 2 * len(SIGNALS) + 1
    steep = 0.25 * float(np.linalg.eigvalsh((table * weight[:, None]).T @ table)[-1]) + DECAY + 0.25
    now = ahead = np.zeros(table.shape[1] + 1)
    pace = 1.0
    for _ in range(2_000):
        error = weight * (1 / (1 + np.exp(-(table @ ahead[:-1] + ahead[-1]))) - truth)
        following = ahead.copy()
        following[:-1] -= (table.T @ error + DECAY * ahead[:-1]) / steep
        following[-1] -= 2 * error.sum()
        following[:signals] = np.maximum(following[:signals], 0)
        faster = (1 + math.sqrt(1 + 4 * pace * pace)) / 2
        ahead = following + (pace - 1) / faster * (following - now)
        now, pace = following, faster
    return Judge(float(now[-1]), now[:-1].astype(np.float32))


def confidences(case: Case, weights: Weights) -> list[float]:
    """What each query's best problem gets."""
    table = _places(case, weights)
    chances = [1 / (1 + np.exp(-(table @ judge.weights + judge.bias))) for judge in (weights.known, weights.right)]
    return [float(one) for one in chances[0] * chances[1]]


def check(sets: dict[str, dict[str, Any]], cases: Sequence[Case], encoder: VectorCache) -> None:
    """Measure on the test rows of each family with the weights of all others."""
    pooled: list[tuple[float, bool, bool]] = []
    for name, one in sets.items():
        weights = fit([case for case in cases if case.family != family_of(one)])
        found = [_test(one, seed, weights, encoder) for seed in range(3)]
        figures = [100 * _error(rows) for rows in found]
        pooled += found[0]
        print(f"{name:16s} ece20 {np.mean(figures):5.1f}")
    print(f"{'pooled':16s} ece20 {100 * _error(pooled):5.1f}")


def _error(rows: Sequence[tuple[float, bool, bool]]) -> float:
    sure, right, known = (np.array(column) for column in zip(*rows, strict=True))
    return calibration_error(sure, right, reference_weights(known, NONE_SHARE)) or 0.0


def _test(one: dict[str, Any], seed: int, weights: Weights, encoder: VectorCache) -> list[tuple[float, bool, bool]]:
    """Confidence, whether right, whether known, of each test row with 5 examples a problem."""
    rows: list[tuple[str, str]] = []
    for problem in one["problems"]:
        own = sorted((text for text, label in one["train"] if label == problem["id"]), key=lambda text: _order(seed, text))
        rows += [(text, problem["id"]) for text in own[:5]]
    index = base_of(one["problems"], rows, encoder)
    foreign = "->" in one["lang"]
    case = Case("", index, ask(index, [tuple(row) for row in one["test"]], foreign=foreign), foreign)
    return [(sure, each.right, each.known) for sure, each in zip(confidences(case, weights), case.asked, strict=True)]


def _order(seed: int, text: str) -> tuple[int, str]:
    return int(md5(f"{seed}|{text}".encode(), usedforsecurity=False).hexdigest()[:12], 16), text


def write(weights: Weights, target: Path) -> None:
    """Write the weights into a file of the package."""

    def numbers(values: Floats) -> list[float]:
        return [round(float(value), 4) for value in values]

    content: dict[str, Any] = {
        "usual": {name: {"mean": numbers(s.mean), "deviation": numbers(s.deviation)} for name, s in weights.usual.items()}
    }
    judges = {name: getattr(weights, name) for name in ("known", "right")}
    content |= {name: {"bias": round(j.bias, 4), "weights": numbers(j.weights)} for name, j in judges.items()}
    target.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", choices=list(_TARGETS), default="use")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    sets = read_sets(wanted.data)
    kind: EncoderKind = wanted.encoder
    with tempfile.TemporaryDirectory() as folder:
        made = make_encoder(kind, folder=Path(folder))
        if made is None or (shared_from(made) > 0) != (kind == "e5"):
            raise SystemExit(f"{kind} cannot be used here")
        encoder = VectorCache(Path(folder), made)
        cases = list(cases_of(sets, encoder))
        if wanted.write:
            write(fit(cases), _TARGETS[kind])
        if wanted.check:
            check(sets, cases, encoder)


if __name__ == "__main__":
    main()
