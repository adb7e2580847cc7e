"""`TroubleshootingAgent()` to the first step, in a fresh interpreter each time, with the database running."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

WORK_LIMIT_S, WHOLE_LIMIT_S, ROUNDS = 0.35, 0.7, 9
_SCRIPT = """
import time
began, busy = time.perf_counter(), time.process_time()
from guiado.agent import TroubleshootingAgent
imported = time.perf_counter()
agent = TroubleshootingAgent()
session = agent.start_troubleshooting("no puedo instalar el programa", "b@example.com")
assert agent.get_current_step(session.session_id)
print(time.perf_counter() - imported, time.perf_counter() - began, time.process_time() - busy)
"""
_PEER = """
import time
began = time.perf_counter()
import asyncio, asyncpg, numpy
print(time.perf_counter() - began)
"""


def main() -> list[tuple[str, float, str, str]]:
    """Medians with and without the imports, beside what two of them take alone; the first run only fills the caches."""
    with Installation() as made:
        made.database.join()
        environment = {**made.environment, "PYTHONPYCACHEPREFIX": str(made.home / "bytecode")}

        def run(script: str) -> list[float]:
            done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
            return [float(number) for number in done.stdout.split()]

        run(_SCRIPT)
        run(_PEER)
        rounds = [run(_SCRIPT) + run(_PEER) for _ in range(ROUNDS)]
    work, whole, busy, peer = map(statistics.median, zip(*rounds, strict=True))
    beside = f"{whole / peer:.1f} veces lo que tarda importar asyncpg y numpy".replace(".", ",")
    return [
        ("De `TroubleshootingAgent()` al primer paso, sin los `import`", work, "s", share(work, WORK_LIMIT_S, "s")),
        ("Lo mismo con los `import`", whole, "s", f"{share(whole, WHOLE_LIMIT_S, 's')}; {beside}"),
        ("Lo mismo, en tiempo de procesador", busy, "s", ""),
        ("Importar asyncpg y numpy, y nada más", peer, "s", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
