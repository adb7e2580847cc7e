"""Import of 30,000 Markdown guides: reading and comparing them, putting them into use, and the same import again."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share
from _synthetic import Writer

from guiado.app.context import AppContext
from guiado.app.knowledge.importers.registry import importer_of
from guiado.app.knowledge.importers.spool import Spool
from guiado.app.knowledge.importing import plan_import, publish_import
from guiado.store.database import Database
from guiado.store.migrate import migrate

GUIDES, LIMIT_S = 30_000, 180.0
_FOLDER_SIZE = 1_000


def _article(entry: dict[str, Any]) -> str:
    """An entry as an author writes it in Markdown."""
    phrases = "".join(f"  - {phrase}\n" for phrase in entry["common_issues"])
    head = f"---\ntítulo: {entry['problem_title']}\ncategoría: {entry['category']}\nfrases:\n{phrases}---\n"
    parts = [head, f"{entry['problem_description']}\n"]
    for step in entry["steps"]:
        instructions = "".join(f"{number}. {text}\n" for number, text in enumerate(step["instructions"], 1))
        (resource_,) = step["resources"]
        link = f"[{resource_['title']}]({resource_['url']})"
        title = f"## Paso {step['step_number']}: {step['title']}\n"
        parts += [title, f"{step['description']} {link}\n", instructions, f"Resultado esperado: {step['expected_result']}\n"]
    return "\n".join(parts)


def _write(folder: Path, count: int) -> int:
    """Write so many articles.

    Returns:
        Their size in bytes.
    """
    writer, size = Writer(), 0
    for number in range(count):
        path = folder / f"{number // _FOLDER_SIZE:03}" / f"problema_{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        size += path.write_text(_article(writer.guide(number)), "utf-8")
    return size


async def _import(parts: AppContext, folder: Path) -> tuple[float, float, int]:
    with Spool() as spool:
        began = time.perf_counter()
        plan = await plan_import(parts, "", folder, importer_of(folder), spool)
        read = time.perf_counter() - began
        assert not plan.errors, plan.errors[0]
        changed = await publish_import(parts, parts.scope("operator", "terminal"), plan, spool)
        return read, time.perf_counter() - began - read, changed


async def _measure(dsn: str, folder: Path, count: int) -> tuple[float, float, float, float]:
    async def find() -> str:
        return dsn

    await migrate(dsn)
    db = Database(find)
    try:
        parts = AppContext(db, "default", 0.33)
        began = time.process_time()
        read, published, changed = await _import(parts, folder)
        processor = time.process_time() - began
        assert changed == count
        again, _, changed = await _import(parts, folder)
        assert not changed
        return read, published, processor, again
    finally:
        await db.close()


def main(count: int = GUIDES) -> list[tuple[str, float, str, str]]:
    """Seconds of the import and of its parts, and the memory taken."""
    with Installation() as made:
        folder = made.home / "articulos"
        size = _write(folder, count)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        read, published, processor, again = asyncio.run(_measure(made.database.join(), folder, count))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    total = read + published
    return [
        (f"Importar {count} guías en Markdown ({size / 1e6:.0f} MB)", total, "s", share(total, LIMIT_S * count / GUIDES, "s")),
        ("Lo mismo, en tiempo de procesador de quien importa", processor, "s", ""),
        ("De eso, leerlas y compararlas: el plan", read, "s", f"{count / read:.0f} guías por segundo"),
        ("De eso, guardarlas y ponerlas en uso", published, "s", f"{count / published:.0f} guías por segundo"),
        ("El plan de la misma importación otra vez: nada cambia", again, "s", ""),
        ("Memoria en el peor momento, de quien lo hace", memory, "MB", ""),
    ]


if __name__ == "__main__":
    for row in main(*map(int, sys.argv[1:])):
        print(*row)
