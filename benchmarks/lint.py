"""`guiado kb lint` over the knowledge base that ships, in all its languages: one process, its imports included."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import share

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.sources.json_file import read_file
from guiado.resources import data_path

LIMIT_S, ROUNDS = 5.0, 3


def _lint(path: Path) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor, and how many warnings there are."""
    command = [str(Path(sys.executable).with_name("guiado")), "kb", "lint", "--json", str(path)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, spent, len(json.loads(said.stdout)["warnings"])


def main(path: Path | None = None) -> list[tuple[str, float, str, str]]:
    """Seconds of the fastest of some rounds, by the clock and of the processor, and what was looked at.

    Args:
        path: a knowledge base; by default the one that ships.
    """
    path = path or data_path("integrations", "support_troubleshooting_kb.json")
    guides = read_file(path).guides
    languages = {language for guide in guides.values() for language in guide.translations}
    phrases = sum(len(problem_of(guide).phrases) for guide in guides.values())
    took, spent, warnings = min(_lint(path) for _ in range(ROUNDS))
    return [
        (f"Revisar {len(guides)} guías en {len(languages) + 1} idiomas", took, "s", share(took, LIMIT_S, "s")),
        ("Lo mismo, en tiempo de procesador", spent, "s", ""),
        ("Textos que se comparan entre sí", phrases, "", ""),
        ("Avisos", warnings, "", ""),
    ]


if __name__ == "__main__":
    for row in main(*map(Path, sys.argv[1:2])):
        print(*row)
