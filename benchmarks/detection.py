"""One query against the index, with 1,000 and with 10,000 problems, in short and in long texts."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import share
from _synthetic import knowledge_base, long_texts, queries

from guiado.detection import Index, Problem, build_index

SIZES, QUERIES, LONG, LIMIT_MS = (1_000, 10_000), 500, 100, 20.0


def _percentiles_ms(index: Index, texts: list[str]) -> tuple[float, float, float]:
    taken: list[float] = []
    for text in texts:
        began = time.perf_counter()
        index.rank(text, 4)
        taken.append((time.perf_counter() - began) * 1_000)
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[94], cuts[98]


def main() -> list[tuple[str, float, str, str]]:
    """Percentiles 50, 95 and 99 for each size and kind of text."""
    rows: list[tuple[str, float, str, str]] = []
    for size in SIZES:
        entries = knowledge_base(size)
        index = build_index(
            Problem(i, e["problem_title"], e["problem_description"], tuple(e["common_issues"])) for i, e in entries.items()
        )
        gc.collect()
        gc.freeze()  # as the server does once it has started
        for kind, texts in (("", queries(entries, QUERIES)), (", long text", long_texts(entries, LONG))):
            half, most, worst = _percentiles_ms(index, texts)
            rows.append((f"Query, {size} problems{kind}, p50 / p99", f"{half:.1f} / {worst:.1f}", "ms", ""))
            rows.append((f"Query, {size} problems{kind}, p95", most, "ms", share(most, LIMIT_MS, "ms")))
    return rows


if __name__ == "__main__":
    for row in main():
        print(*row)
