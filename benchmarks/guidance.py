"""The guidance engine on simulated guides: how far above the exact optimum it is while it learns, beside simpler engines.

`make bench ARGS="guidance"`; more guides, other engines: `.venv/bin/python benchmarks/guidance.py --help`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

# One core a process: before numpy starts its threads.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np

from guiado.guidance.simulation.expectation import expected_cost_of
from guiado.guidance.simulation.families import EPOCH_SESSIONS, FAMILIES, Family, draw_worlds
from guiado.guidance.simulation.orders import author_order
from guiado.guidance.simulation.ratio import RatioPolicy
from guiado.guidance.simulation.trial import LEAST_CHANCE, EngineTrial, run_trial
from guiado.guidance.wire import Learner, WireDecision, WireGuide, WireHistory

GUIDES, CHECKPOINTS, PROCESSES, SEED = 24, (0, 50, 500), 2, 2026
ENGINE, TEXTBOOK = "guiado.guidance.engine:make", "_textbook_engine:make"
EARLY, WARM = 100, 20
NAMES: dict[Family, str] = {"independent": "independientes", "overlap": "con solapes", "drift": "con cambios"}
Row = tuple[str, float | str, str, str]


@dataclass(slots=True)
class Played:
    """What became of one guide; `cost` to `width` have a value for each number of sessions.

    Args:
        covered: claims whose interval holds the chance of a step that is done; `covered_offered`: of one that is offered.
        width: sum over the claims.
        changes: of the first step, in the first sessions and later.
    """

    cost: list[float]
    optimum: list[float]
    solved: list[float]
    covered: list[int]
    covered_offered: list[int]
    claims: list[int]
    width: list[float]
    sessions: int
    broken: float
    irreversible_first: float
    explored: float
    explored_irreversible: float
    changes: list[int]
    next_ms: list[float]
    record_ms: list[float]


@dataclass(slots=True)
class Peers:
    """Costs and successes of what does not learn, at each checkpoint."""

    author: list[float] = field(default_factory=list[float])
    author_solved: list[float] = field(default_factory=list[float])
    ratio: list[float] = field(default_factory=list[float])


class Timed:
    """An engine whose calls are timed."""

    def __init__(self, engine: Learner) -> None:
        self._engine = engine
        self.next_ms: list[float] = []
        self.record_ms: list[float] = []

    def start(self, guide: WireGuide) -> None:
        """Pass on."""
        self._engine.start(guide)

    def next(self, history: WireHistory) -> WireDecision:
        """Pass on, and keep the time."""
        began = time.perf_counter()
        decision = self._engine.next(history)
        self.next_ms.append((time.perf_counter() - began) * 1_000)
        return decision

    def record(self, session: WireHistory) -> None:
        """Pass on, and keep the time."""
        began = time.perf_counter()
        self._engine.record(session)
        self.record_ms.append((time.perf_counter() - began) * 1_000)

    def amend(self, guide_id: str, session_id: str) -> None:
        """Pass on."""
        self._engine.amend(guide_id, session_id)

    def claims(self, guide_id: str, variant: str) -> dict[str, tuple[float, float, float]]:
        """Pass on."""
        return self._engine.claims(guide_id, variant)

    def expected_cost(self, guide_id: str, variant: str, order: Sequence[str]) -> float:
        """Pass on."""
        return self._engine.expected_cost(guide_id, variant, order)


def made(path: str) -> Learner:
    """A new engine.

    Args:
        path: module and function, with a colon between.
    """
    module, _, name = path.partition(":")
    return cast("Callable[[], Learner]", getattr(importlib.import_module(module), name))()


def play_guide(task: tuple[str, Family, int, Sequence[int], int]) -> Played:
    """One engine on one guide."""
    path, family, number, checkpoints, seed = task
    worlds = draw_worlds(family, np.random.default_rng([seed, FAMILIES.index(family), number]), number)
    engine = Timed(made(path))
    trial = run_trial(worlds, engine, np.random.default_rng([seed, FAMILIES.index(family), number, 1]), checkpoints)
    return _played(trial, engine)


def _played(trial: EngineTrial, engine: Timed) -> Played:
    points, played, changed = trial.checkpoints, trial.played, trial.first_step_changes
    return Played(
        cost=[point.expected.cost for point in points],
        optimum=[point.optimum for point in points],
        solved=[point.expected.solved for point in points],
        covered=[sum(claim.covers for claim in point.claims) for point in points],
        covered_offered=[sum(claim.covers_offered for claim in point.claims) for point in points],
        claims=[len(point.claims) for point in points],
        width=[sum(claim.high - claim.low for claim in point.claims) for point in points],
        sessions=len(played),
        broken=sum(each.broken for each in played) + sum(point.expected.broken for point in points),
        irreversible_first=sum(each.irreversible_first for each in played),
        explored=sum(each.explored for each in played),
        explored_irreversible=sum(each.explored_irreversible for each in played),
        changes=[sum(changed[:EARLY]), sum(changed[EARLY:])],
        next_ms=engine.next_ms[WARM:],
        record_ms=engine.record_ms[WARM:],
    )


def play_peers(task: tuple[Family, int, Sequence[int], int]) -> Peers:
    """What does not learn, on one guide."""
    family, number, checkpoints, seed = task
    worlds = draw_worlds(family, np.random.default_rng([seed, FAMILIES.index(family), number]), number)
    peers = Peers()
    for sessions in checkpoints:
        world = worlds[min(sessions // EPOCH_SESSIONS, len(worlds) - 1)]
        author = expected_cost_of(author_order(world), world, least_chance=LEAST_CHANCE)
        peers.author.append(author.cost)
        peers.author_solved.append(author.solved)
        peers.ratio.append(expected_cost_of(RatioPolicy(world.guide()), world, least_chance=LEAST_CHANCE).cost)
    return peers


def _above(costs: Sequence[float], optima: Sequence[float]) -> tuple[float, float]:
    """Ratio of sums less 1 and its standard error over guides, in percent."""
    cost, optimum = np.array(costs), np.array(optima)
    ratio = cost.sum() / optimum.sum()
    return 100 * float(ratio - 1), 100 * float(np.sqrt(((cost - ratio * optimum) ** 2).sum()) / optimum.sum())


def _comma(*values: float, digits: int = 1) -> str:
    return " / ".join(f"{value:.{digits}f}" for value in values).replace(".", ",")


def _each(of_guides: Sequence[Sequence[float]]) -> list[list[float]]:
    return [list(at) for at in zip(*of_guides, strict=True)]


def _shares(parts: Sequence[Sequence[float]], wholes: Sequence[Sequence[float]]) -> list[float]:
    return [100 * sum(p) / max(1e-9, sum(w)) for p, w in zip(_each(parts), _each(wholes), strict=True)]


def rows_of(family: Family, engines: dict[str, list[Played]], peers: Sequence[Peers]) -> list[Row]:
    """The table of a family.

    Args:
        engines: name -> results, guide by guide.
    """
    first = next(iter(engines.values()))
    optima = _each([each.optimum for each in first])
    rows: list[Row] = []
    for name, costs, note in (
        ("orden de quien la escribió, una persona tras 3 fallos", [each.author for each in peers], ""),
        ("p/c de quien la escribió, sin aprender", [each.ratio for each in peers], ""),
        *((name, [each.cost for each in of_guides], "± error") for name, of_guides in engines.items()),
    ):
        found = [_above(c, o) for c, o in zip(_each(costs), optima, strict=True)]
        errors = f"± {_comma(*(error for _, error in found))}" if note else ""
        rows.append((f"{NAMES[family]} · {name}: sobre el óptimo", _comma(*(above for above, _ in found)), "%", errors))
    authors = [100 * sum(at) / len(at) for at in _each([each.author_solved for each in peers])]
    for name, played in engines.items():
        rows += _rows_of_engine(f"{NAMES[family]} · {name}", played, authors)
    return rows


def _rows_of_engine(name: str, played: Sequence[Played], authors: Sequence[float]) -> list[Row]:
    claims = [each.claims for each in played]
    covered = _shares([each.covered for each in played], claims)
    offered = _shares([each.covered_offered for each in played], claims)
    width = [share / 100 for share in _shares([each.width for each in played], claims)]
    solved = [100 * sum(at) / len(at) for at in _each([each.solved for each in played])]
    note = f"si se ofrece {_comma(*offered)}; anchos {_comma(*width, digits=2)}"
    return [
        (f"{name}: intervalos del 95 % que aciertan", _comma(*covered), "%", note),
        (f"{name}: resueltas sin una persona", _comma(*solved), "%", f"orden de quien la escribió {_comma(*authors)}"),
        *_rows_of_conduct(name, played),
        _row_of_time(f"{name}: decidir", [ms for each in played for ms in each.next_ms]),
        _row_of_time(f"{name}: aprender una sesión", [ms for each in played for ms in each.record_ms]),
    ]


def _rows_of_conduct(name: str, played: Sequence[Played]) -> list[Row]:
    sessions = sum(each.sessions for each in played)
    early = 100 * sum(each.changes[0] for each in played) / max(1, sum(min(EARLY, each.sessions) for each in played))
    late = 100 * sum(each.changes[1] for each in played) / max(1, sum(max(0, each.sessions - EARLY) for each in played))
    first = 1_000 * sum(each.irreversible_first for each in played) / max(1, sessions)
    dared = sum(each.explored_irreversible for each in played)
    explored = f"explorados {sum(each.explored for each in played):.0f}; irreversibles {dared:.0f}"
    return [
        (f"{name}: pasos sin los previos", sum(each.broken for each in played), "pasos", f"en {sessions} sesiones"),
        (f"{name}: irreversible antes que otro igual", first, "de cada 1.000 sesiones", explored),
        (f"{name}: cambios del primer paso", _comma(early, late, digits=2), "cada 100 sesiones", f"primeras {EARLY} / después"),
    ]


def _row_of_time(name: str, taken_ms: Sequence[float]) -> Row:
    ms = np.array(taken_ms or [0.0])
    return (
        name,
        float(np.median(ms)),
        "ms",
        f"media {_comma(float(ms.mean()), digits=2)}; p99 {_comma(float(np.quantile(ms, 0.99)), digits=2)} ms",
    )


def measure(
    engines: dict[str, str],
    families: Sequence[Family],
    guides: int,
    checkpoints: Sequence[int],
    seed: int,
    details: Path | None = None,
) -> list[Row]:
    """Rows of all families.

    Args:
        engines: name -> module and function.
        details: where the results of each guide are written as JSON, if anywhere.
    """
    rows: list[Row] = []
    kept: dict[str, object] = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        for family in families:
            peers = list(pool.map(play_peers, [(family, number, checkpoints, seed) for number in range(guides)]))
            played = {
                name: list(pool.map(play_guide, [(path, family, number, checkpoints, seed) for number in range(guides)]))
                for name, path in engines.items()
            }
            rows += rows_of(family, played, peers)
            kept[family] = {name: [asdict(each) for each in of_guides] for name, of_guides in played.items()}
    if details:
        details.write_text(json.dumps(kept), "utf-8")
    return rows


def main() -> list[Row]:
    """The shipped engine, if there is one, beside the textbook's."""
    return measure(_named([ENGINE, TEXTBOOK] if _is_there(ENGINE) else [TEXTBOOK]), FAMILIES, GUIDES, CHECKPOINTS, SEED)


def _is_there(path: str) -> bool:
    return importlib.util.find_spec(path.partition(":")[0]) is not None


def _named(paths: Sequence[str]) -> dict[str, str]:
    return {{ENGINE: "motor", TEXTBOOK: "de libro"}.get(path, path): path for path in paths}


def _asked() -> list[Row]:
    parser = argparse.ArgumentParser(prog="benchmarks/guidance.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--guides", type=int, default=GUIDES, metavar="N", help="guías de cada familia")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="solo esta familia; se puede repetir")
    parser.add_argument(
        "--engine", action="append", metavar="MÓDULO:FUNCIÓN", help="otro motor; se puede repetir; «textbook» es el de libro"
    )
    parser.add_argument("--sessions", type=int, nargs="+", default=CHECKPOINTS, metavar="N", help="sesiones tras las que se mide")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--details", type=Path, metavar="ARCHIVO", help="resultados de cada guía, en JSON")
    given = parser.parse_args()
    paths = [TEXTBOOK if path == "textbook" else path for path in given.engine or [ENGINE, TEXTBOOK]]
    return measure(_named(paths), given.family or FAMILIES, given.guides, given.sessions, given.seed, given.details)


if __name__ == "__main__":
    for row in _asked():
        print(" | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
