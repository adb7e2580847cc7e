"""Runs every benchmark in `benchmarks/` in order and prints one table; with `--write` it also writes `docs/benchmarks.md`.

Each module there has `main() -> list[tuple[name, value, unit, comparison]]`. Arguments choose modules by their names;
`--rounds N` changes how often those measure that have rounds.
Source: architecture, row "make bench".
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import cast

from bench_page import Measured, Row, circumstances, rewrite, shown

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
HEADER = ("Medición", "Valor", "Unidad", "Comparación")


def benchmarks(folder: Path, chosen: Sequence[str]) -> list[Path]:
    """Benchmark modules in the order of their names; those that start with an underscore are shared parts.

    Raises:
        SystemExit: there is none of a chosen name.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")}
    if unknown := [name for name in chosen if name not in found]:
        raise SystemExit(f"No hay ninguna medición {', '.join(unknown)}. Elige entre: {', '.join(found)}.")
    return [path for name, path in found.items() if not chosen or name in chosen]


def load(path: Path, rounds: int | None) -> ModuleType:
    """A benchmark module, ready to run.

    Args:
        rounds: how often it measures, where it has rounds; None leaves that to it.
    """
    spec = importlib.util.spec_from_file_location(f"benchmarks.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    if rounds is not None and hasattr(module, "ROUNDS"):
        vars(module)["ROUNDS"] = rounds
    return module


def table(rows: Sequence[Row]) -> str:
    """Rows as text, with columns as wide as their contents; values to the right."""
    cells = [HEADER, *((name, shown(value), unit, ratio) for name, value, unit, ratio in rows)]
    name_width, value_width, unit_width = (max(len(row[column]) for row in cells) for column in range(3))
    lines = [f"{n:<{name_width}}  {v:>{value_width}}  {u:<{unit_width}}  {r}".rstrip() for n, v, u, r in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def run(paths: Sequence[Path], rounds: int | None = None) -> tuple[dict[str, Measured], list[str]]:
    """What each benchmark measured, and the names of those that failed: one failure does not hide the others' results."""
    measured: dict[str, Measured] = {}
    failed: list[str] = []
    for path in paths:
        print(f"· {path.stem}", file=sys.stderr, flush=True)
        try:
            module, around = load(path, rounds), circumstances(ROOT)
            rows = cast("list[Row]", module.main())
            measured[path.stem] = Measured(rows, cast("int", getattr(module, "ROUNDS", 1)), around)
        except Exception as error:  # noqa: BLE001 - reported by name below
            failed.append(f"{path.stem}: {error!r}")
    return measured, failed


def write(page: Path, measured: Mapping[str, Measured]) -> None:
    """Put what was measured into the page; everything else in it stays."""
    page.write_text(rewrite(page.read_text("utf-8"), measured), "utf-8")
    print(f"Escrito en {page.relative_to(ROOT) if page.is_relative_to(ROOT) else page}.", file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    """Prints the table. Returns 1 when a benchmark failed."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description="Ejecuta las mediciones de benchmarks/.")
    parser.add_argument("names", nargs="*", metavar="MEDICIÓN", help="nombres de archivos de benchmarks/; todas si no se dice")
    parser.add_argument("--write", action="store_true", help="escribe las tablas en docs/benchmarks.md")
    parser.add_argument("--rounds", type=int, metavar="N", help="rondas de las mediciones que las tienen")
    given = parser.parse_args(arguments)
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds: escribe 1 o más")
    measured, failed = run(benchmarks(ROOT / "benchmarks", given.names), given.rounds)
    if measured:
        print(table([row for each in measured.values() for row in each.rows]))
        if given.write:
            write(PAGE, measured)
    for failure in failed:
        print(f"Falló {failure}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
