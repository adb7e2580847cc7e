"""The page of measurements: its tables are written by the benchmarks, and nothing else in it is touched."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = """# Mediciones

Antes.

<!-- bench:facade -->
| lo | de | antes |
<!-- /bench:facade -->

En medio, con un | y `código`.

<!-- bench:memory -->
| otra | tabla | vieja |

*otra máquina · 2026-01-01 · `abc`*
<!-- /bench:memory -->

Después.
"""


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    for name in ("bench", "bench_page"):
        sys.modules.pop(name, None)
    import bench

    yield bench
    for name in ("bench", "bench_page"):
        sys.modules.pop(name, None)


def folder_of(tmp_path, **modules):
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


GOOD = 'ROUNDS = 9\ndef main():\n    return [("Al primer | paso", 0.2345, "s", f"{ROUNDS}"), ("Cuántas", 1500, "/s", "")]\n'


def test_only_what_was_measured_changes(bench, tmp_path):
    measured, failed = bench.run(
        bench.benchmarks(folder_of(tmp_path, facade=GOOD, bad="def main():\n    raise OSError\n"), []), 3
    )
    assert [name.split(":")[0] for name in failed] == ["bad"]
    page = tmp_path / "page.md"
    page.write_text(PAGE, "utf-8")
    bench.write(page, measured)
    written = page.read_text("utf-8")
    assert "| Al primer \\| paso | 0,234 s | 3 |" in written
    assert "| Cuántas | 1500 /s |" in written
    assert re.search(r"\*.+ núcleos, \d+ GB, Python 3\.\d+\.\d+ · carga \d+,\d · \d{4}-\d\d-\d\d · .+ · 3 rondas\*", written)
    assert "lo | de | antes" not in written
    old, new = (re.sub(r"(?s)<!-- bench:facade -->.*<!-- /bench:facade -->", "", text) for text in (PAGE, written))
    assert new == old, "prose and the other table stay"
    bench.write(page, measured)
    assert page.read_text("utf-8") == written


def test_a_new_benchmark_comes_last_and_is_found_again(bench, tmp_path):
    measured, _ = bench.run(bench.benchmarks(folder_of(tmp_path, nueva=GOOD), ["nueva"]))
    once = bench.rewrite(PAGE, measured)
    assert once.startswith(PAGE.rstrip())
    assert once.count("<!-- bench:nueva -->") == once.count("9 rondas") == 1
    assert bench.rewrite(once, measured) == once


@pytest.mark.parametrize("page", [PAGE.replace("<!-- /bench:facade -->", ""), PAGE + PAGE])
def test_a_page_whose_marks_do_not_fit_is_left_alone(bench, tmp_path, page):
    measured, _ = bench.run(bench.benchmarks(folder_of(tmp_path, facade=GOOD), []))
    with pytest.raises(ValueError, match="facade"):
        bench.rewrite(page, measured)


def test_a_benchmark_that_does_not_exist_is_said(bench):
    with pytest.raises(SystemExit, match=r"fachada.*facade"):
        bench.benchmarks(ROOT / "benchmarks", ["fachada"])


def test_the_page_has_a_place_for_every_benchmark():
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    names = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.name.startswith("_")}
    assert set(re.findall(r"<!-- bench:(\w+) -->", page)) == set(re.findall(r"<!-- /bench:(\w+) -->", page)) == names
