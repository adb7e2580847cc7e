"""10,000 guides: reading, publishing and indexing them, and an edit of one while the event loop goes on working."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share
from _synthetic import Writer, knowledge_base, write

from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.knowledge.sources.file import FileSource
from guiado.store.database import Database
from guiado.store.migrate import migrate

GUIDES, EDITS, LOAD_LIMIT_S, EDIT_LIMIT_S, PAUSE_LIMIT_MS = 10_000, 5, 20.0, 0.5, 50.0
_TICK_S = 0.001


class _Pauses:
    """How long the event loop let a task wait that wanted to go on each millisecond."""

    def __init__(self) -> None:
        self.longest_ms = 0.0

    async def watch(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            self.longest_ms = max(self.longest_ms, (time.perf_counter() - began - _TICK_S) * 1_000)


async def _measure(dsn: str, path: Path) -> tuple[float, float, float]:
    async def find() -> str:
        return dsn

    entries, writer = knowledge_base(GUIDES), Writer(99)
    write(path, entries)
    await migrate(dsn)
    db = Database(find)
    base = KnowledgeBase("", db, "default", source=FileSource(path, "", db, "default"))
    try:
        began = time.perf_counter()
        assert await base.refresh()
        loaded = time.perf_counter() - began
        pauses, edits = _Pauses(), list[float]()
        for number in range(EDITS):
            entries[f"problema_{number * 777:05}"]["common_issues"] = [writer.sentence(7)]
            write(path, entries)
            watching = asyncio.create_task(pauses.watch())
            began = time.perf_counter()
            assert await base.refresh()
            edits.append(time.perf_counter() - began)
            watching.cancel()
        return loaded, max(edits), pauses.longest_ms
    finally:
        await db.close()


def main() -> list[tuple[str, float, str, str]]:
    """Seconds of the load and of the slowest edit, the longest pause of the event loop, and the memory taken."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with Installation() as made:
        loaded, edited, pause = asyncio.run(_measure(made.database.join(), made.home / "kb.json"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    return [
        (f"Leer, publicar e indexar {GUIDES} guías", loaded, "s", share(loaded, LOAD_LIMIT_S, "s")),
        ("Edición de una de ellas, la más lenta", edited, "s", share(edited, EDIT_LIMIT_S, "s")),
        ("Pausa más larga del bucle de eventos mientras tanto", pause, "ms", share(pause, PAUSE_LIMIT_MS, "ms")),
        ("Memoria en el peor momento, con el archivo y quien lo hace", memory, "MB", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
