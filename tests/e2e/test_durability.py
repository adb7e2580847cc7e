"""Nothing is lost: every door sees the same session, and a kill -9 of everything in the middle changes nothing for the customer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from guiado.store.embedded import EmbeddedPostgres

PROBLEM = {"problem_description": "no me deja instalar el programa", "customer_email": "cliente@example.com"}
DEADLINE_S = 40


def wait_for(condition, what: str):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {DEADLINE_S} s: {what}")


class Installation:
    """guiado as a user runs it: one command, an empty home, the embedded database."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.home, self.process = home, None
        self.environment = {**os.environ, "GUIADO_HOME": str(home), "PORT": str(self.port)}
        self.api = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}/api/support/troubleshooting", timeout=20)
        self.database = EmbeddedPostgres(home)

    def start(self) -> None:
        command = [sys.executable, "-m", "guiado", "serve"]
        log = (self.home.parent / "serve.log").open("a")
        self.process = subprocess.Popen(command, env=self.environment, cwd=self.home.parent, stderr=log, stdout=log)
        log.close()
        wait_for(self.answers, "the server answers")

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.home.parent / "serve.log").read_text()[-2000:]
        try:
            return self.api.get("/realtime").status_code == 200
        except httpx2.TransportError:
            return False

    def run(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=self.home.parent, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.api.close()
        # Whoever joins and leaves last stops a server that a killed process left behind.
        self.database.join()
        self.database.leave()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "home")
    yield made
    made.close()


def test_script_server_and_psql_see_the_same_session_at_once(installation: Installation) -> None:
    installation.start()
    script = (
        "from data.integrations.support_troubleshooting_agent import TroubleshootingAgent\n"
        "agent = TroubleshootingAgent()\n"
        "session = agent.start_troubleshooting('No puedo instalar el software', 'cliente@example.com')\n"
        "agent.complete_step(session.session_id, True)\n"
        "print(session.session_id)"
    )
    session_id = installation.run("-c", script).strip()
    state = installation.api.get(f"/{session_id}").json()
    assert state["session"]["current_step"] == 1
    installation.api.post(f"/{session_id}/step", json={"success": True, "step_number": 2})
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
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=installation.environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert not installation.database.status().running
    dsn = installation.database.join()
    query = "SELECT total_sessions FROM mv_daily_troubleshooting_summary"
    shown = subprocess.run(["psql", dsn, "-AtXc", query], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "1"


def test_after_kill_9_of_everything_the_customer_goes_on(installation: Installation) -> None:
    installation.start()
    session = installation.api.post("/start", json=PROBLEM).json()
    url = f"/{session['session_id']}"
    for number in (1, 2):
        assert installation.api.post(f"{url}/step", json={"success": True, "step_number": number}).status_code == 200
    postmaster = installation.database.status().pid
    for pid in (installation.process.pid, postmaster):
        os.kill(pid, signal.SIGKILL)
    installation.process.wait(10)
    installation.start()
    state = installation.api.get(url).json()
    assert (state["session"]["status"], state["session"]["current_step"]) == ("in_progress", 2)
    assert state["session"]["next_step"]["step_number"] == 3
    answer = installation.api.post(f"{url}/step", json={"success": True, "step_number": 3}).json()
    assert answer["session"]["current_step"] == 3


def test_the_server_gets_over_a_killed_database_by_itself(installation: Installation) -> None:
    installation.start()
    session = installation.api.post("/start", json=PROBLEM).json()
    url = f"/{session['session_id']}/step"
    for number in (1, 2, 3):
        os.kill(wait_for(lambda: installation.database.status().pid, "a running database"), signal.SIGKILL)
        body = {"success": True, "step_number": number}
        wait_for(lambda body=body: installation.api.post(url, json=body).status_code == 200, "the step is taken")
    state = installation.api.get(f"/{session['session_id']}").json()
    assert state["session"]["current_step"] == 3
    assert state["summary"]["total_attempts"] == 3
