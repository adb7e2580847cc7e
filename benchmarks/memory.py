"""Memory of everything at rest: server with its worker, and all processes of PostgreSQL. Linux only.

Counted is the proportional set size: a page that several processes share counts once over all of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

LIMIT_MB, SESSIONS, REST_S = 400.0, 50, 5.0


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _use(made: Installation) -> None:
    body = json.dumps({"problem_description": "no puedo instalar el programa", "customer_email": "b@example.com"}).encode()
    address = f"http://127.0.0.1:{made.port}/api/support/troubleshooting/start"
    for _ in range(SESSIONS):
        with urlopen(Request(address, body, {"content-type": "application/json"})) as answer:
            answer.read()


def main() -> list[tuple[str, float, str, str]]:
    """Megabytes of the server, of PostgreSQL, and of both."""
    with Installation() as made:
        made.start()
        _use(made)
        time.sleep(REST_S)
        assert made.process is not None
        postmaster = made.database.status().pid
        assert postmaster is not None
        database = set(_family(postmaster))
        server = set(_family(made.process.pid)) - database
        server_mb, database_mb = sum(map(_pss_mb, server)), sum(map(_pss_mb, database))
    total = server_mb + database_mb
    return [
        ("Memory at rest, server and worker", server_mb, "MB", ""),
        ("Memory at rest, PostgreSQL", database_mb, "MB", ""),
        ("Memory at rest, everything", total, "MB", share(total, LIMIT_MB, "MB")),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
