"""What an API key costs the step route, and whether refusals differ in time.

Two servers, one open and one that asks for a key, pass steps in turn, as `step_route.py` does; the median of the ratios counts.
After that the second one refuses requests without a key, with a mistyped, a truncated, a non-ASCII and a 4 KB long one, in turn:
the medians of their times are compared with that of the first.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation
from step_route import CONNECTIONS, SECONDS, SESSIONS_EACH, http_rate, long_guide, start_session

ROUNDS, REFUSALS = 7, 1_500
_LEAST, _MOST_APART = 0.95, 0.10


def main() -> list[tuple[str, float, str, str]]:
    """Rates without and with a key, and the medians of the refusals."""
    with Installation(GUIADO_LOG_LEVEL="INFO") as opened, Installation(GUIADO_LOG_LEVEL="INFO") as closed:
        for made in (opened, closed):
            guide = made.home / "guide.json"
            guide.write_text(json.dumps(long_guide()), "utf-8")
            made.environment["GUIADO_KB_PATH"] = str(guide)
            made.start()
        key = _key(closed)
        ways = [(made.port, _sessions(made.port, given), given) for made, given in ((opened, ""), (closed, key))]
        for port, sessions, given in ways:
            http_rate(port, sessions, 2, given)
        pairs = [[http_rate(port, sessions, SECONDS, given) for port, sessions, given in ways] for _ in range(ROUNDS)]
        medians = _refusals(closed.port, key)
    ratios = sorted(with_key / without for without, with_key in pairs)
    spread = f"{statistics.median(ratios):.0%} de sin clave de API ({ratios[0]:.0%} a {ratios[-1]:.0%}; mínimo {_LEAST:.0%})"
    first, *others = medians.values()
    apart = max(abs(one - first) / first for one in others)
    return [
        ("`POST /{id}/step` sin clave de API", statistics.median(without for without, _ in pairs), "req/s", "100%"),
        ("`POST /{id}/step` con clave de API", statistics.median(with_key for _, with_key in pairs), "req/s", spread),
        ("401 sin clave de API, mediana", 1_000 * first, "ms", "100%"),
        ("401 con claves de API mal escritas, la más distinta", 100 * apart, "% de diferencia", f"máximo {_MOST_APART:.0%}"),
    ]


def _key(made: Installation) -> str:
    command = [sys.executable, "-m", "guiado", "keys", "create", "--name", "medida", "--json"]
    done = subprocess.run(command, env=made.environment, capture_output=True, check=True)
    return json.loads(done.stdout)["key"]


def _sessions(port: int, key: str) -> list[str]:
    return [start_session(port, key) for _ in range(CONNECTIONS * SESSIONS_EACH)]


def _refusals(port: int, key: str) -> dict[str, float]:
    """Median seconds of a refusal by the kind of key, over one kept-alive connection, the kinds in turn."""
    kinds = {
        "none": b"", "checksum": key[:-1].encode() + (b"0" if key[-1] != "0" else b"1"), "truncated": key[:-9].encode(),
        "unicode": "guiado_ñandú€".encode(), "4 KB": b"guiado_" + b"a" * 4_096,
    }  # fmt: skip
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(REFUSALS):
            for kind, given in kinds.items():
                line = b"authorization: Bearer " + given + b"\r\n" if given else b""
                request = b"GET /api/support/troubleshooting/sessions HTTP/1.1\r\nhost: localhost\r\n" + line + b"\r\n"
                began = time.perf_counter()
                connection.sendall(request)
                received = b""
                while not received.endswith(b"}"):
                    received += connection.recv(65_536)
                took[kind].append(time.perf_counter() - began)
                assert received.startswith(b"HTTP/1.1 401"), received
    return {kind: statistics.median(times) for kind, times in took.items()}


if __name__ == "__main__":
    for row in main():
        print(*row)
