"""What ships to be run by hand: the example script and the maintenance file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "data/integrations/examples/troubleshooting_example.py"
MAINTENANCE = ROOT / "data/db/support_troubleshooting_maintenance.sql"


def run_example(folder: Path, dsn: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": dsn, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, str(EXAMPLE)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_example_runs_from_any_folder(dsn: str, tmp_path: Path) -> None:
    done = run_example(tmp_path, dsn)
    assert done.returncode == 0, done.stderr
    assert "Paso 1 de " in done.stdout
    assert "needs_escalation: " in done.stdout
    assert "EJEMPLO-2 pasa a una persona. Motivos:\n- 2 intentos fallidos.\n- El cliente pide que lo llamen\n" in done.stdout
    assert "Valoración guardada: 5 de 5" in done.stdout
    assert "Sesiones en 30 días: 2\nTasa de resolución: 50.0 %" in done.stdout


def test_the_example_says_what_is_missing(tmp_path: Path) -> None:
    done = run_example(tmp_path, "postgresql://user:pass@host:5432/dbname")
    assert done.returncode == 1
    assert "DATABASE_URL todavía tiene el valor de ejemplo" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_maintenance_file_runs_while_others_work(in_contract: str, rows: Callable[..., Any]) -> None:
    before = rows("SELECT count(*) AS n FROM support_troubleshooting_sessions")
    for _ in range(2):
        with MAINTENANCE.open("rb") as statements:
            done = subprocess.run(
                ["psql", in_contract, "-X", "-v", "ON_ERROR_STOP=1"],
                stdin=statements,
                capture_output=True,
                text=True,
                check=False,
            )
        assert (done.returncode, done.stderr) == (0, "")
        assert "error:" not in done.stdout
        for task in ("cleanup_expired_cache", "roll_up", "refresh_views", "analyze"):
            assert task in done.stdout
    assert rows("SELECT count(*) AS n FROM support_troubleshooting_sessions") == before
