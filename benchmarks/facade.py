"""`TroubleshootingAgent()` to the first step, in a fresh interpreter each time, with the database running."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

LIMIT_S, ROUNDS = 0.5, 9
_SCRIPT = """
import time
began = time.perf_counter()
from guiado.agent import TroubleshootingAgent
imported = time.perf_counter()
agent = TroubleshootingAgent()
session = agent.start_troubleshooting("no puedo instalar el programa", "b@example.com")
assert agent.get_current_step(session.session_id)
print(time.perf_counter() - began, time.perf_counter() - imported)
"""


def main() -> list[tuple[str, float, str, str]]:
    """Medians with and without the imports; the first run only fills the bytecode cache."""
    with Installation() as made:
        made.database.join()
        environment = {**made.environment, "PYTHONPYCACHEPREFIX": str(made.home / "bytecode")}

        def run() -> tuple[float, float]:
            done = subprocess.run([sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True)
            whole, work = map(float, done.stdout.split())
            return whole, work

        run()
        whole, work = (statistics.median(column) for column in zip(*(run() for _ in range(ROUNDS)), strict=True))
    return [
        ("Facade to the first step", work, "s", share(work, LIMIT_S, "s")),
        ("Facade to the first step, with imports", whole, "s", share(whole, LIMIT_S, "s")),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
