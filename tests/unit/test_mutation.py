"""How much of the domain its tests really hold: small faults are put in, one at a time, and a test must notice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ("test_decide.py", "test_policy.py", "test_knowledge.py", "test_bad_knowledge.py", "test_domain_values.py", "test_domain_details.py",
         "test_alarms.py", "test_recipient.py", "test_privacy.py", "test_learned.py")  # fmt: skip
EVERY = int(os.environ.get("MUTANTS_EVERY", "4"))
"""One mutant in so many is tried; a fixed choice. All of them take about half an hour on two cores."""
AT_LEAST = 0.85
SETUP = f"""
[tool.mutmut]
source_paths = ["src/guiado/domain"]
also_copy = ["src/guiado", "data"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-k", "not time_grows and not ten_thousand"]  # no clock bears tracing
pytest_add_cli_args_test_selection = {json.dumps([f"tests/unit/{name}" for name in TESTS])}
"""


def mutmut(folder: Path, *arguments: str, timeout_s: float = 2400) -> str:
    # CI makes hypothesis draw the same examples each time.
    variables = {**os.environ, "CI": "true", "COLUMNS": "120"}
    variables.pop("PYTHONPATH", None)
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def scratch_copy(folder: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", folder / "src", ignore=skipped)
    shutil.copytree(ROOT / "data", folder / "data", ignore=skipped)
    (folder / "tests/unit").mkdir(parents=True)
    for name in TESTS:
        shutil.copy(ROOT / "tests/unit" / name, folder / "tests/unit")
    shutil.copy(ROOT / "tests/orders.py", folder / "tests/unit")
    (folder / "pyproject.toml").write_text(SETUP, encoding="utf-8")


def verdicts(folder: Path) -> dict[str, str]:
    lines = (line.strip().rsplit(": ", 1) for line in mutmut(folder, "results", "--all", "true").splitlines() if ": " in line)
    return dict(lines)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_the_tests_of_the_domain_notice_faults(tmp_path: Path) -> None:
    scratch_copy(tmp_path)
    mutmut(tmp_path, "run", "--max-children", "2", "guiado.domain.escalation.x_too_many_failures__mutmut_1")
    chosen = sorted(verdicts(tmp_path))[::EVERY]
    assert chosen
    mutmut(tmp_path, "run", "--max-children", "2", *chosen)
    found = {name: verdict for name, verdict in verdicts(tmp_path).items() if name in set(chosen)}
    left = sorted(name for name, verdict in found.items() if verdict not in {"killed", "timeout"})
    share = 1 - len(left) / len(found)
    print(f"{share:.1%} of {len(found)} mutants were noticed")  # noqa: T201
    assert share >= AT_LEAST, "\n".join(left)
