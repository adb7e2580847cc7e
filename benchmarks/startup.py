"""From the start of the server process to its first answered request: in an empty home, and where a database exists."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

LIMIT_S, ROUNDS = 3.0, 5


def main() -> list[tuple[str, float, str, str]]:
    """Seconds of the first start, and the median of the later ones."""
    with Installation() as made:
        first = made.start()
        made.stop()
        later: list[float] = []
        for _ in range(ROUNDS):
            later.append(made.start())
            made.stop()
    again = statistics.median(later)
    return [
        ("Del arranque a la primera respuesta en una carpeta vacía: crea la base", first, "s", ""),
        ("Lo mismo con la base hecha", again, "s", share(again, LIMIT_S, "s")),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
