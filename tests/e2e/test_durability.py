"""Nothing is lost: every door sees the same session at once. What happens when processes are killed: test_storm.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    try:
        yield made
    finally:
        made.close()


def run(installation: Installation, script: str) -> subprocess.CompletedProcess[str]:
    """A Python script of the user's own, which must end well."""
    command = [sys.executable, "-c", script]
    environment, folder = installation.environment, installation.home.parent
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_script_server_and_psql_see_the_same_session_at_once(installation: Installation) -> None:
    installation.start()
    script = (
        "from data.integrations.support_troubleshooting_agent import TroubleshootingAgent\n"
        "agent = TroubleshootingAgent()\n"
        "session = agent.start_troubleshooting('No puedo instalar el software', 'cliente@example.com')\n"
        "agent.complete_step(session.session_id, True)\n"
        "print(session.session_id)"
    )
    session_id = run(installation, script).stdout.strip()
    url = f"{installation.urls[0]}/{session_id}"
    state = httpx2.get(url).json()
    assert state["session"]["current_step"] == 1
    assert httpx2.post(f"{url}/step", json={"success": True, "step_number": 2}).status_code == 200
    status = installation.database.status()
    query = f"SELECT status, current_step FROM support_troubleshooting_sessions WHERE session_id = '{session_id}'"
    row = subprocess.run(
        [status.binaries / "psql", installation.database.dsn(), "-AtXc", query], capture_output=True, text=True, check=True
    )
    assert row.stdout.strip() == "in_progress|2"


def test_a_script_on_its_own_ends_in_peace_and_its_work_shows_in_the_views(installation: Installation) -> None:
    script = (
        "from guiado.agent import TroubleshootingAgent\n"
        "TroubleshootingAgent().start_troubleshooting('No puedo instalar el software', 'cliente@example.com')"
    )
    assert run(installation, script).stderr == ""
    assert not installation.database.status().running
    dsn = installation.database.join()
    query = "SELECT total_sessions FROM mv_daily_troubleshooting_summary"
    shown = subprocess.run(["psql", dsn, "-AtXc", query], capture_output=True, text=True, check=True)
    installation.database.leave()
    assert shown.stdout.strip() == "1"
