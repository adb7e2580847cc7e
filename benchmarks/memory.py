"""Memory of everything at rest: server with its worker, and all processes of PostgreSQL. Linux only.

Counted is the proportional set size: a page that several processes share counts once over all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

SERVER_LIMIT_MB, LIMIT_MB, SESSIONS, REST_S = 200.0, 400.0, 50, 5.0
_PEER = """
import asyncpg, litestar, numpy, pathlib, uvicorn
lines = pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024)
"""


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # it ends meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # PostgreSQL's helpers come and go
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _use(made: Installation) -> None:
    body = json.dumps({"problem_description": "no puedo instalar el programa", "customer_email": "b@example.com"}).encode()
    address = f"http://127.0.0.1:{made.port}/api/support/troubleshooting/start"
    for _ in range(SESSIONS):
        with urlopen(Request(address, body, {"content-type": "application/json"})) as answer:
            answer.read()


def _at_rest(made: Installation) -> tuple[float, float, float]:
    """Megabytes of a server that was used and has nothing to do, of PostgreSQL, and of that server at its worst moment."""
    made.start()
    _use(made)
    time.sleep(REST_S)
    assert made.process is not None
    postmaster = made.database.status().pid
    assert postmaster is not None
    database = set(_family(postmaster))
    server = set(_family(made.process.pid)) - database
    taken = sum(map(_pss_mb, server)), sum(map(_pss_mb, database)), _peak_mb(made.process.pid)
    made.stop()
    return taken


def main() -> list[tuple[str, float, str, str]]:
    """Megabytes of the server, of PostgreSQL, and of both, in a new home and in one that was used before."""
    with Installation() as made:
        first_mb, _, peak_mb = _at_rest(made)
        server_mb, database_mb, _ = _at_rest(made)
    peer_mb = float(subprocess.run([sys.executable, "-c", _PEER], capture_output=True, text=True, check=True).stdout)
    total = server_mb + database_mb
    beside = f"{server_mb / peer_mb:.1f} veces lo que ocupan sus bibliotecas".replace(".", ",")
    told = f"{share(server_mb, SERVER_LIMIT_MB, 'MB')}; {beside}"
    return [
        ("Memoria en reposo: servidor con su worker", server_mb, "MB", told),
        ("Lo mismo en una carpeta nueva", first_mb, "MB", share(first_mb, SERVER_LIMIT_MB, "MB")),
        ("El servidor en su peor momento: el primer arranque en una carpeta nueva", peak_mb, "MB", ""),
        ("Memoria en reposo: todos los procesos de PostgreSQL", database_mb, "MB", ""),
        ("Memoria en reposo, todo", total, "MB", share(total, LIMIT_MB, "MB")),
        ("Un proceso con asyncpg, litestar, numpy y uvicorn, y nada más", peer_mb, "MB", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
