"""`guiado guidance`: stored evidence that is not what the sessions say is named, and mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from statements import execute, rows
from terminal import Ran

DAY = "2026-01-05"
WRONG = f"""INSERT INTO support_troubleshooting_rollup_days (day) VALUES ('{DAY}');
INSERT INTO support_troubleshooting_rollup_patterns (day, problem_id, guide_version, pattern, sessions) VALUES ('{DAY}', 'p', 'v', '[]', 3)"""


@pytest.fixture(autouse=True)
def _by_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    monkeypatch.setenv("GUIADO_HOME", str(tmp_path))


def test_a_wrong_day_is_named_and_counted_again(facade: str, here: Callable[..., Ran]) -> None:
    assert here("guidance", "verify").code == 0
    execute(facade, WRONG)
    said = here("guidance", "verify")
    assert (said.code, said.out) == (1, "")
    assert DAY in said.err
    assert "guiado guidance verify --repair" in said.err
    found = json.loads(here("guidance", "verify", "--json").out)
    assert (found["valid"], found["differing"], found["miscounted"], found["days"]) == (False, [DAY], ["p"], 1)

    mended = here("guidance", "verify", "--repair")
    assert (mended.code, mended.err) == (0, "")
    assert "Contado otra vez" in mended.out
    assert rows(facade, "SELECT 1 FROM support_troubleshooting_rollup_patterns") == []
    assert json.loads(here("guidance", "verify", "--repair", "--json").out)["repaired"] is False
