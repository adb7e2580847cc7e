"""Runs every benchmark in `benchmarks/` in order and prints one table.

Each module there has `main() -> list[tuple[name, value, unit, ratio_text]]`. Arguments choose modules by their names.
Source: architecture, row "make bench".
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

Row = tuple[str, float | str, str, str]

ROOT = Path(__file__).resolve().parent.parent
HEADER = ("Medición", "Valor", "Unidad", "Comparación")
DIGITS = 4


def benchmarks(folder: Path, chosen: Sequence[str]) -> list[Path]:
    """Benchmark modules in the order of their names; those that start with an underscore are shared parts."""
    found = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    return [path for path in found if not chosen or path.stem in chosen]


def load(path: Path) -> Callable[[], list[Row]]:
    """The `main` function of one benchmark module."""
    spec = importlib.util.spec_from_file_location(f"benchmarks.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return cast("Callable[[], list[Row]]", module.main)


def shown(value: float | str) -> str:
    """A value with four significant digits; whole numbers and large ones without decimals."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 10**DIGITS:
        return f"{value:.0f}"
    return f"{value:.{DIGITS}g}"


def table(rows: Sequence[Row]) -> str:
    """Rows as text, with columns as wide as their contents; values to the right."""
    cells = [HEADER, *((name, shown(value), unit, ratio) for name, value, unit, ratio in rows)]
    name_width, value_width, unit_width = (max(len(row[column]) for row in cells) for column in range(3))
    lines = [f"{n:<{name_width}}  {v:>{value_width}}  {u:<{unit_width}}  {r}".rstrip() for n, v, u, r in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def run(paths: Sequence[Path]) -> tuple[list[Row], list[str]]:
    """Rows of all benchmarks, and the names of those that failed: one failure does not hide the others' results."""
    rows: list[Row] = []
    failed: list[str] = []
    for path in paths:
        print(f"· {path.stem}", file=sys.stderr, flush=True)
        try:
            rows += load(path)()
        except Exception as error:  # noqa: BLE001 - reported by name below
            failed.append(f"{path.stem}: {error!r}")
    return rows, failed


def main(arguments: Sequence[str]) -> int:
    """Prints the table. Returns 1 when a benchmark failed."""
    paths = benchmarks(ROOT / "benchmarks", arguments)
    if not paths:
        print("No hay mediciones que ejecutar en benchmarks/.")
        return 0
    rows, failed = run(paths)
    if rows:
        print(table(rows))
    for failure in failed:
        print(f"Falló {failure}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
