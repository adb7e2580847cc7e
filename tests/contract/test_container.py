"""The image, built by its very commands and run as it is run, in namespaces instead of an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNABLE = 77


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_image_lives_twice_with_its_data_and_without_rights(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "scripts/check_container.py")]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=tmp_path)
    if done.returncode == UNABLE:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    lives = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lives) == 2
    for life in lives:
        seen = {name: life[name] for name in ("uid", "read_only", "networks", "kept", "exit_code", "processes_left")}
        assert seen == {"uid": 10001, "read_only": True, "networks": ["lo"], "kept": True, "exit_code": 0, "processes_left": 0}
        assert life["stopped_s"] < 10
    assert lives[0]["session"] == lives[1]["session"]
