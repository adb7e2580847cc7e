"""A large knowledge base is published in batches, and an edit of one guide costs what one guide costs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg

from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.knowledge.sources.file import FileSource
from guiado.store.database import Database

GUIDES = 450  # more than two batches


def entry(number: int, title: str = "") -> dict[str, Any]:
    return {
        "problem_title": title or f"Falla la pieza {number}",
        "common_issues": [f"la pieza {number} no va"],
        "steps": [{"title": f"Cambia la pieza {number}", "instructions": ["Hazlo"]}],
    }


def write(path: Path, entries: dict[str, Any], **style: Any) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(entries, ensure_ascii=False, **style), "utf-8")
    draft.replace(path)


def test_edits_of_a_large_file_store_what_changed_and_nothing_else(dsn: str, tmp_path: Path) -> None:
    path, entries = tmp_path / "kb.json", {f"p{n}": entry(n) for n in range(GUIDES)}

    async def stored() -> int:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval("SELECT count(*) FROM support_troubleshooting_guide_versions")
        finally:
            await connection.close()

    async def run() -> None:
        async def find() -> str:
            return dsn

        db = Database(find)
        base = KnowledgeBase("", db, "default", source=FileSource(path, "", db, "default"))
        try:
            write(path, entries)
            assert await base.refresh()
            first = base.snapshot
            assert len(first.version_ids) == len(first.guides) == await stored() == GUIDES

            # Changed, added, removed and moved about, by an editor with a style of its own.
            entries["p7"] = entry(7, "La cafetera está fría")
            entries["nuevo"] = entry(9_999)
            del entries["p8"]
            write(path, dict(reversed(entries.items())), indent=2)
            assert await base.refresh()
            second = base.snapshot
            assert await stored() == GUIDES + 2
            assert second.version_ids.keys() == second.guides.keys() == entries.keys()
            assert second.guides["p7"].problem_title == "La cafetera está fría"
            assert second.version_ids["p7"] != first.version_ids["p7"]
            assert second.version_ids["p9"] == first.version_ids["p9"]
            assert second.guides["p9"] is first.guides["p9"]
            assert second.index.rank("mi cafetera")[0].problem_id == "p7"

            # A broken edit, then the first text again: its versions are known.
            path.write_text(path.read_text("utf-8")[:-40] + "]", "utf-8")
            assert not await base.refresh()
            assert base.snapshot is second
            write(path, {f"p{n}": entry(n) for n in range(GUIDES)})
            assert await base.refresh()
            assert await stored() == GUIDES + 2
            assert base.snapshot.version_ids == first.version_ids
            assert base.snapshot.index.version == first.index.version
        finally:
            await db.close()

    asyncio.run(run())
