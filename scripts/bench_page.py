"""The page of measurements: its tables come from the benchmarks, the prose around them from people.

The table of `benchmarks/NAME.py` stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, with the machine, the
day, the commit and the rounds under it. A benchmark that was not run keeps its table, with its own day and commit.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

Row = tuple[str, float | str, str, str]

DIGITS = 3
_KIB_IN_GIB = 2**20


@dataclass(frozen=True, slots=True)
class Measured:
    """What one benchmark measured.

    Args:
        rows: name, value, unit, comparison.
        rounds: how often it measured.
        around: machine, day, commit and load.
    """

    rows: Sequence[Row]
    rounds: int
    around: str


def rewrite(page: str, measured: Mapping[str, Measured]) -> str:
    """The page with the tables of what was measured; a benchmark that it has no place for yet comes last.

    Args:
        page: Markdown.
        measured: by the names of the benchmarks.

    Raises:
        ValueError: the marks of a table do not fit together.
    """
    for name, each in measured.items():
        begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        if (page.count(begin), page.count(end)) not in {(0, 0), (1, 1)} or page.find(begin) > page.find(end):
            raise ValueError(f"the marks of {name} do not fit together")
        block = f"{begin}\n{markdown(name, each)}\n{end}"
        if begin not in page:
            page = f"{page.rstrip()}\n\n{block}\n"
            continue
        before, after = page.split(begin)[0], page.split(end)[1]
        page = before + block + after
    return page


def markdown(name: str, measured: Measured) -> str:
    """The table of one benchmark."""
    lines = [f"| `{name}.py` | Valor | Comparación |", "|---|---|---|"]
    lines += [f"| {_cell(what)} | {_number(value)} {unit} | {_cell(told)} |" for what, value, unit, told in measured.rows]
    rounds = "1 ronda" if measured.rounds == 1 else f"{measured.rounds} rondas"
    return "\n".join([*lines, "", f"*{measured.around} · {rounds}*"])


def shown(value: float | str) -> str:
    """A value with some significant digits; whole numbers and large ones without decimals."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 10**DIGITS:
        return f"{value:.0f}"
    return f"{value:.{DIGITS}g}"


def circumstances(root: Path) -> str:
    """Machine, load, day and commit, in one line.

    Args:
        root: of the checkout.
    """
    cores, load = len(os.sched_getaffinity(0)), f"{os.getloadavg()[0]:.1f}".replace(".", ",")
    machine = f"{_processor()}, {cores} núcleos, {_memory_gib()} GB, Python {platform.python_version()}"
    return f"{machine} · carga {load} · {datetime.now(UTC).date().isoformat()} · {_commit(root)}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else shown(value).replace(".", ",")


def _processor() -> str:
    with suppress(OSError):
        if found := re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE):
            return found[1].strip()
    return platform.machine()


def _memory_gib() -> str:
    with suppress(OSError):
        if found := re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text("utf-8"), re.MULTILINE):
            return f"{int(found[1]) / _KIB_IN_GIB:.0f}"
    return "?"


def _commit(root: Path) -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
        return f"`{git('rev-parse', '--short', 'HEAD')}`" + (" con cambios" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "sin git"
