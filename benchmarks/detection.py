"""One query on one core, with 1,000 and 10,000 problems, in short and in long texts; memory, fitting and an example's effect.

`make bench ARGS="detection"`; with 50,000 problems too, some ten minutes more: `.venv/bin/python benchmarks/detection.py 50000`.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

# One core: before numpy starts its threads.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
from _installation import share
from _synthetic import knowledge_base, long_texts, queries

from guiado.detection import Index, Problem, build_index
from guiado.detection.problem import Example
from guiado.detection.semantic.approximate_search import encode_all
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoder import Encoder
from guiado.detection.semantic.encoders import make_encoder

SIZES, QUERIES, LONG, PHRASES = (1_000, 10_000), 500, 100, 3
LIMITS_MS = {1_000: (4.0, 15.0), 50_000: (10.0, 30.0)}
MEMORY_LIMIT_MB, EFFECT_LIMIT_S = 300.0, 1.0
Row = tuple[str, float | str, str, str]


def _problems(size: int) -> tuple[list[Problem], list[str], list[str]]:
    entries = knowledge_base(size)
    problems = [
        Problem(i, e["problem_title"], e["problem_description"], tuple(e["common_issues"][:PHRASES])) for i, e in entries.items()
    ]
    return problems, queries(entries, QUERIES), long_texts(entries, LONG)


def _percentiles(ask: Callable[[str], object], texts: list[str]) -> tuple[float, float]:
    """Milliseconds."""
    taken: list[float] = []
    for text in texts:
        began = time.perf_counter()
        ask(text)
        taken.append((time.perf_counter() - began) * 1_000)
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]


def _encoder() -> Encoder:
    """The encoder of the installation.

    Raises:
        SystemExit: none is set.
    """
    if (encoder := make_encoder()) is None:
        raise SystemExit("GUIADO_ENCODER: ninguno")
    return encoder


def _measure(size: int, folder: Path) -> list[Row]:
    problems, short, long = _problems(size)
    encoder = _encoder()
    cache = VectorCache(folder, encoder)

    def built(known: list[Problem], previous: Index | None = None) -> Index:
        return build_index(known, previous, encoder=encoder, vectors_of=lambda texts: encode_all(cache, texts)).prepare()

    began = time.perf_counter()
    index = built(problems)
    rows: list[Row] = [(f"Índice y vectores, {size} problemas", time.perf_counter() - began, "s", "")]
    began = time.perf_counter()
    index = index.with_model(index.fit()).prepare()
    rows.append((f"Ajuste de {size} problemas", time.perf_counter() - began, "s", ""))
    gc.collect()
    gc.freeze()  # as the server does once it has started
    half_limit, worst_limit = LIMITS_MS.get(size, (0.0, 0.0))
    bare, _ = _percentiles(lambda text: encoder.encode([text]), short)
    rows.append((f"El codificador solo, consultas de {size} problemas: p50", bare, "ms", ""))
    for kind, texts in (("", short), (", textos de miles de letras", long)):
        half, worst = _percentiles(lambda text: index.rank(text, 4), texts)
        what = f"Consulta, {size} problemas{kind}"
        rows.append((f"{what}: p50", half, "ms", share(half, half_limit, "ms") if half_limit and not kind else ""))
        rows.append((f"{what}: p99", worst, "ms", share(worst, worst_limit, "ms") if worst_limit else ""))
    problems[5] = replace(problems[5], learned=(Example("lo que nadie dijo hasta hoy"),))
    began = time.perf_counter()
    taught = built(problems, index)
    assert taught.rank("lo que nadie dijo hasta hoy", 1)[0].problem_id == problems[5].problem_id
    effect = time.perf_counter() - began
    return [*rows, (f"Un ejemplo confirmado surte efecto, {size} problemas", effect, "s", share(effect, EFFECT_LIMIT_S, "s"))]


def _memory_mb(folder: Path) -> float:
    """Of a process that only holds a detector of 1,000 problems, as a restart makes it: vectors are in the cache."""
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import detection; detection.hold({str(folder)!r})"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(ran.stdout)


def hold(folder: str) -> None:
    """Print the resident megabytes of this process once it has answered."""
    problems, short, _ = _problems(SIZES[0])
    encoder = _encoder()
    cache = VectorCache(Path(folder), encoder)
    index = build_index(problems, encoder=encoder, vectors_of=lambda texts: encode_all(cache, texts)).prepare()
    for text in short:
        index.rank(text)
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    print(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


def main(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """For each size: building, fitting, percentiles 50 and 99, the effect of an example; and memory."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = [row for size in sizes for row in _measure(size, Path(folder) / str(size))]
            memory = _memory_mb(Path(folder) / str(SIZES[0]))
    finally:
        os.sched_setaffinity(0, cores)
    return [*rows, (f"Memoria de un proceso con {SIZES[0]} problemas", memory, "MB", share(memory, MEMORY_LIMIT_MB, "MB"))]


if __name__ == "__main__":
    for row in main((*SIZES, *map(int, sys.argv[1:]))):
        print(*row)
