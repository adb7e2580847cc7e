"""Measures which branches of the rules, the use cases and the store the tests run through, and asks for 95% of them.

Usage: scripts/coverage.py [pytest's arguments]   (fails below the share, and names the files with the most to cover)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AT_LEAST = 95.0
PACKAGES = ("domain", "app", "store")
TESTS = ("tests/unit", "tests/store", "tests/api", "tests/worker", "tests/contract", "tests/e2e")


def main() -> int:
    """Run the tests, print one line per package, and say by the exit code whether all reach the share."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": f"{folder}/coverage"}
        options = ["-n", "2", "--dist", "loadfile", "-m", "not long", "--cov", "--cov-report=", *(sys.argv[1:] or TESTS)]
        tested = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=ROOT, env=environment, check=False)
        report = Path(folder, "report.json")
        write = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)]
        subprocess.run(write, cwd=ROOT, env=environment, check=True)
        files = json.loads(report.read_text("utf-8"))["files"]
    return max(_judge(files), tested.returncode)


def _judge(files: dict[str, dict[str, dict[str, int]]]) -> int:
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, file in files.items():
        package = name.removeprefix("src/guiado/").partition("/")[0]
        if package in PACKAGES:
            totals[package][0] += file["summary"]["covered_branches"]
            totals[package][1] += file["summary"]["num_branches"]
            if file["summary"]["missing_branches"]:
                print(f"  {name}: {file['summary']['missing_branches']} {file.get('missing_branches', '')}")
    shares = {package: 100 * covered / max(1, every) for package, (covered, every) in sorted(totals.items())}
    for package, share in shares.items():
        print(f"{package}: {share:.1f}% of {totals[package][1]} branches")
    return int(set(shares) != set(PACKAGES) or min(shares.values()) < AT_LEAST)


if __name__ == "__main__":
    sys.exit(main())
