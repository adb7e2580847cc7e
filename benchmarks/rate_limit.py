"""What the rate limits cost the step route: one server that counts requests by address, one that does not, in turn.

The limit is so high that nothing is refused; every request is counted in the database all the same. The median of the ratios
counts.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation
from step_route import CONNECTIONS, SECONDS, SESSIONS_EACH, http_rate, long_guide, start_session

ROUNDS, _LEAST = 7, 0.90


def main() -> list[tuple[str, float, str, str]]:
    """Rates without and with limits."""
    counting = {"GUIADO_RATE_PER_IP_MINUTE": "1000000"}
    with Installation(GUIADO_LOG_LEVEL="INFO") as free, Installation(GUIADO_LOG_LEVEL="INFO", **counting) as limited:
        for made in (free, limited):
            guide = made.home / "guide.json"
            guide.write_text(json.dumps(long_guide()), "utf-8")
            made.environment["GUIADO_KB_PATH"] = str(guide)
            made.start()
        ways = [(made.port, [start_session(made.port) for _ in range(CONNECTIONS * SESSIONS_EACH)]) for made in (free, limited)]
        for port, sessions in ways:
            http_rate(port, sessions, 2)
        pairs = [[http_rate(port, sessions, SECONDS) for port, sessions in ways] for _ in range(ROUNDS)]
    ratios = sorted(with_limits / without for without, with_limits in pairs)
    spread = f"{statistics.median(ratios):.0%} de sin límites ({ratios[0]:.0%} a {ratios[-1]:.0%}; mínimo {_LEAST:.0%})"
    return [
        ("`POST /{id}/step` sin límites", statistics.median(without for without, _ in pairs), "req/s", "100%"),
        ("`POST /{id}/step`, cada petición contada", statistics.median(limited for _, limited in pairs), "req/s", spread),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
