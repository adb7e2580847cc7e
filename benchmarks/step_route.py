"""`POST /{id}/step` through one server process, as a share of what pgbench does with the same SQL on the same server.

The two are measured in turn, several times; the median of the ratios counts, since a machine's speed drifts. pgbench calls
reads the session and calls `guiado_commit` with a document of the shape that the application writes (`step_route.sql`), so that
both sides write the same rows. The client, the server and PostgreSQL share the machine's cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import Request, urlopen

import asyncpg
import httpcore2

from guiado.store.embedded import EmbeddedPostgres

CONNECTIONS, ROUNDS, SECONDS, SESSIONS = 32, 3, 5.0, 64
BASE = "/api/support/troubleshooting"
_OK = 200


class Installation:
    """A server process with an embedded database of its own."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="guiado-bench-"))
        self.database = EmbeddedPostgres(self.home)
        self.dsn = self.database.join()
        self.port = 3977
        environment = {**os.environ, "GUIADO_HOME": str(self.home), "PORT": str(self.port), "GUIADO_LOG_LEVEL": "WARNING"}
        self.process = subprocess.Popen([sys.executable, "-m", "guiado", "serve"], env=environment)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                self.get("/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("the server did not start")

    def get(self, path: str) -> dict:
        """A JSON answer."""
        with urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            return json.load(answer)

    def start_session(self) -> str:
        """Id of a new session."""
        body = json.dumps({"problem_description": "no puedo instalar el programa", "customer_email": "b@example.com"}).encode()
        request = Request(f"http://127.0.0.1:{self.port}{BASE}/start", body, {"content-type": "application/json"})
        with urlopen(request) as answer:  # noqa: S310 loopback
            return json.load(answer)["session_id"]

    def close(self) -> None:
        """Stop everything and leave nothing behind."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.database.leave()
        folder = self.database.status().data.parent
        if folder.name != "guiado":
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)


async def _http_rate(made: Installation, sessions: list[str]) -> float:
    """Answers per second. A failed step stays where it is, so that the same session takes any number of answers."""
    body, done, stop_at = b'{"success": false, "notes": "no pude"}', 0, time.monotonic() + SECONDS
    named = {"host": f"127.0.0.1:{made.port}", "content-type": "application/json", "content-length": str(len(body))}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]

    async def client(number: int, pool: httpcore2.AsyncConnectionPool) -> None:
        nonlocal done
        turn = number
        while time.monotonic() < stop_at:
            path = f"http://127.0.0.1:{made.port}{BASE}/{sessions[turn % SESSIONS]}/step"
            answer = await pool.request("POST", path, headers=headers, content=body)
            assert answer.status == _OK, answer.content
            turn, done = turn + CONNECTIONS, done + 1

    async with httpcore2.AsyncConnectionPool(max_connections=CONNECTIONS) as pool:
        await asyncio.gather(*(client(number, pool) for number in range(CONNECTIONS)))
    return done / SECONDS


_PGBENCH = """\\set k random(1, {sessions})
SELECT bench_step(:k);
"""
_SETUP = Path(__file__).with_suffix(".sql")


async def _prepare(dsn: str, sessions: list[str]) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(_SETUP.read_text("utf-8"))
    await connection.executemany("INSERT INTO bench_session VALUES ($1, $2)", list(enumerate(sessions, 1)))
    await connection.close()


def _pgbench_rate(made: Installation, sessions: int) -> float:
    script = made.home / "step.pgbench"
    script.write_text(_PGBENCH.format(sessions=sessions))
    program = made.database.status().binaries / "pgbench"
    command = [program, "-n", "-M", "prepared", "-f", script, "-c", "16", "-j", "2", "-T", str(int(SECONDS)), made.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps = "))


def main() -> list[tuple[str, float, str, str]]:
    """Rates of both, and the median of their ratios."""
    made = Installation()
    try:
        sessions = [made.start_session() for _ in range(SESSIONS)]
        limits = [made.start_session() for _ in range(SESSIONS)]
        asyncio.run(_prepare(made.dsn, limits))
        asyncio.run(_http_rate(made, sessions))
        pairs = [(asyncio.run(_http_rate(made, sessions)), _pgbench_rate(made, SESSIONS)) for _ in range(ROUNDS)]
    finally:
        made.close()
    ratio = statistics.median(http / limit for http, limit in pairs)
    return [
        (
            "POST /step, one process",
            statistics.median(http for http, _ in pairs),
            "req/s",
            f"{ratio:.0%} of pgbench (floor 40%, goal 50%)",
        ),
        ("pgbench, the same SQL", statistics.median(limit for _, limit in pairs), "tx/s", "100%"),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
