"""`POST /{id}/step` through one server process, as a share of what pgbench reaches with the same two statements.

Both sides do the same to the same server: 32 connections; each owns a few sessions and passes one step after another, that is
one read of the session and one `guiado_commit` (session, attempt, offer, event, audit row), as the application's role. They run
in turn, several times, and the median of the ratios counts, since a machine's speed drifts. Client, server and PostgreSQL share
the machine's cores, so that the machine should have nothing else to do.

Source: research, "HTTP, one worker"; ADR 0011 says where the rest goes.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import asyncpg

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation

from guiado.store.queries import sql

# A guide of 40 steps: a session writes its answers with each step, so that a guide of thousands would measure its own length.
CONNECTIONS, SESSIONS_EACH, STEPS, ROUNDS, SECONDS = 32, 40, 40, 5, 4
BASE = "/api/support/troubleshooting"
_OK = b"HTTP/1.1 200"


def start_session(port: int, key: str = "") -> str:
    """Id of a new session; `key`: of the API, where it needs one."""
    body = json.dumps({"problem_description": "el aparato no responde", "customer_email": "b@example.com"}).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    request = Request(f"http://127.0.0.1:{port}{BASE}/start", body, headers)
    with urlopen(request) as answer:  # noqa: S310 loopback
        return json.load(answer)["session_id"]


def long_guide() -> dict[str, object]:
    """A knowledge base with one guide that no measurement comes to the end of."""
    steps = [
        {
            "step_id": f"paso-{number}",
            "step_number": number,
            "title": f"Reinicia el aparato ({number})",
            "description": "Muchas veces basta con apagarlo y encenderlo.",
            "type": "fix",
            "instructions": ["Apaga el aparato.", "Espera diez segundos.", "Enciéndelo otra vez.", "Prueba de nuevo."],
            "expected_result": "Todo vuelve a funcionar.",
            "warnings": ["No lo desenchufes mientras guarda."],
        }
        for number in range(1, STEPS + 1)
    ]
    title, said = "El aparato no responde", ["el aparato no responde", "no enciende"]
    return {"aparato": {"problem_title": title, "problem_description": f"{title}.", "steps": steps, "common_issues": said}}


class _Client:
    """One kept-alive connection that passes one step after another."""

    def __init__(self, port: int, sessions: list[str], key: str) -> None:
        body = b'{"success": true, "notes": "listo"}'
        more = f"authorization: Bearer {key}\r\n" if key else ""
        head = f"host: 127.0.0.1:{port}\r\n{more}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        self._requests = _endless([f"POST {BASE}/{session}/step HTTP/1.1\r\n".encode() + head + body for session in sessions])
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self) -> None:
        """Answer the next step."""
        self.socket.sendall(next(self._requests))

    def receive(self) -> bool:
        """Take what came; whether the whole answer is there.

        Raises:
            AssertionError: an answer other than 200.
        """
        self._received += self.socket.recv(65_536)
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return False
        assert head.startswith(_OK), self._received
        self._received = b""
        return True


def _endless(requests: list[bytes]) -> Iterator[bytes]:
    while True:
        yield from requests


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def http_rate(port: int, sessions: list[str], seconds: float, key: str = "") -> float:
    """Answers per second over all connections. A client of its own: a general one costs more than what is measured."""
    done = 0
    with selectors.DefaultSelector() as waiting:
        for number in range(CONNECTIONS):
            client = _Client(port, sessions[number::CONNECTIONS], key)
            waiting.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            for ready, _ in waiting.select(1):
                if ready.data.receive():
                    done += 1
                    ready.data.send()
        for one in [*waiting.get_map().values()]:
            while not one.data.receive():  # what is under way would be in the way of the next round
                pass
            one.data.socket.close()
    return done / passed


# The application's own statements; pgbench has no session ids, so that the read looks one up by number.
_PGBENCH = """\\set k 1 + :client_id + {connections} * random(0, {last})
{load}
\\gset s_
SELECT guiado_commit('default', bench_change(:s_session_id, :s_version, :s_decisions, :s_current_step));
"""
_SETUP = Path(__file__).with_suffix(".sql")


def _pgbench_script() -> str:
    load = sql("sessions", "load").replace("$1", "'default'").replace("$2", "(SELECT session_id FROM bench_session WHERE k = :k)")
    lines = [line for line in load.splitlines() if not line.lstrip().startswith("--")]
    return _PGBENCH.format(connections=CONNECTIONS, last=SESSIONS_EACH - 1, load="\n".join(lines))


async def _prepare(dsn: str, sessions: list[str]) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(_SETUP.read_text("utf-8"))
    await connection.executemany("INSERT INTO bench_session VALUES ($1, $2)", list(enumerate(sessions, 1)))
    await connection.close()


def _pgbench_rate(made: Installation, dsn: str, seconds: int) -> float:
    script = made.home / "step.pgbench"
    script.write_text(_pgbench_script())
    binaries = made.database.status().binaries
    if binaries is None:
        raise SystemExit("no pgbench")
    command = [
        binaries / "pgbench",
        "-n",
        "-M",
        "prepared",
        "-f",
        script,
        "-c",
        str(CONNECTIONS),
        "-j",
        "1",
        "-T",
        str(seconds),
        dsn,
    ]
    environment = {**os.environ, "PGOPTIONS": "-c role=guiado_app -c guiado.tenant=default"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0 or "tps = " not in done.stdout:
        raise SystemExit(done.stderr)
    return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps = "))


def main() -> list[tuple[str, float, str, str]]:
    """Rates of both, and the median of their ratios."""
    with Installation(GUIADO_LOG_LEVEL="INFO", GUIADO_POOL_SIZE="16") as made:
        guide = made.home / "guide.json"
        guide.write_text(json.dumps(long_guide()), "utf-8")
        made.environment["GUIADO_KB_PATH"] = str(guide)
        dsn = made.database.join()
        made.start()
        sessions, others = ([start_session(made.port) for _ in range(CONNECTIONS * SESSIONS_EACH)] for _ in range(2))
        asyncio.run(_prepare(dsn, others))
        http_rate(made.port, sessions, 2)
        _pgbench_rate(made, dsn, 2)
        pairs = [(http_rate(made.port, sessions, SECONDS), _pgbench_rate(made, dsn, SECONDS)) for _ in range(ROUNDS)]
    ratios = sorted(http / limit for http, limit in pairs)
    spread = f"{statistics.median(ratios):.0%} de pgbench ({ratios[0]:.0%} a {ratios[-1]:.0%}; mínimo 40%, meta 50%)"
    return [
        ("`POST /{id}/step`, un proceso", statistics.median(http for http, _ in pairs), "req/s", spread),
        ("pgbench, las mismas sentencias", statistics.median(limit for _, limit in pairs), "tx/s", "100%"),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
