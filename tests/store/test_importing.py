"""Import of guides: planned without writing, published all or nothing, and left alone by the watcher of the file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from test_publications import IN_USE, Process, World, entry, in_world

from guiado.app.context import Scope
from guiado.app.knowledge import publications
from guiado.app.knowledge.importers.imported import SourceUnreadable
from guiado.app.knowledge.importers.registry import importer_of
from guiado.app.knowledge.importers.spool import Spool
from guiado.app.knowledge.importing import ImportPlan, plan_import, publish_import

OPERATOR = Scope(actor="operator", channel="terminal")
MANY = 450
"""More than two batches."""
DYING = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_importing import run_import
from test_publications import Process
asyncio.run(run_import(Process({dsn!r}, None), Path({source!r})))
"""
WAITING = """SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
  AND query LIKE '%guiado_publish_import%'"""


def source_of(world: World, name: str = "lote.json", **titles: str) -> Path:
    path = world.folder / name
    path.write_text(json.dumps({key: entry(title) for key, title in titles.items()}, ensure_ascii=False), "utf-8")
    return path


async def run_import(process: Process, source: Path, *, is_whole: bool = False) -> tuple[ImportPlan, int]:
    with Spool() as spool:
        plan = await plan_import(process.parts, "", source, importer_of(source), spool, is_whole=is_whole)
        return plan, await publish_import(process.parts, OPERATOR, plan, spool)


async def audit_rows(world: World) -> list[dict[str, Any]]:
    rows = await world.ask(
        "SELECT actor, object_id, detail FROM support_troubleshooting_audit_log WHERE action = 'import' ORDER BY audit_id"
    )
    return [{"actor": actor, "source": source, **json.loads(detail)} for actor, source, detail in rows]


@in_world
async def test_a_plan_writes_nothing_and_says_what_would_change(world: World) -> None:
    world.edit(a="uno", b="dos", c="tres")
    process = world.process()
    await process.titles()
    source = source_of(world, a="uno", b="otro", d="cuatro")
    with Spool() as spool:
        plan = await plan_import(process.parts, "", source, importer_of(source), spool)
        whole = await plan_import(process.parts, "", source, importer_of(source), spool, is_whole=True)
    assert (plan.added, plan.changed, plan.unchanged, plan.dropped) == (("d",), ("b",), ("a",), ())
    assert (whole.dropped, whole.changes) == (("c",), 3)
    assert await world.ask("SELECT count(*) FROM support_troubleshooting_guide_versions") == [(3,)]
    assert await process.titles() == {"a": "uno", "b": "dos", "c": "tres"}


@in_world
async def test_every_process_follows_an_import_and_who_made_it_is_noted(world: World) -> None:
    world.edit(a="uno", b="dos")
    process, other = world.process(), world.process(None)
    await process.titles()
    plan, changed = await run_import(process, source_of(world, b="otro", d="cuatro"))
    assert (plan.changes, changed) == (2, 2)
    assert await process.titles() == await other.titles() == {"a": "uno", "b": "otro", "d": "cuatro"}
    rows = await process.do(publications.versions, "b")
    assert [(row["version"], row["state"], row["origin"], row["by"]) for row in rows] == [
        (2, "in_use", "import:lote.json", "import:lote.json"),
        (1, "former", "file", "import:lote.json"),
    ]
    (noted,) = await audit_rows(world)
    assert noted == {
        "actor": "operator", "source": "lote.json", "scope": "", "guides": ["b", "d"],
        "added": 1, "changed": 1, "dropped": 0, "in_use": 2,
    }  # fmt: skip
    plan, changed = await run_import(process, source_of(world, b="otro", d="cuatro"))
    assert (plan.changes, len(plan.unchanged), changed) == (0, 2, 0)


@in_world
async def test_an_edit_of_the_file_and_a_restart_leave_an_import_alone(world: World) -> None:
    world.edit(a="uno", b="dos", c="tres")
    process = world.process()
    await process.titles()
    await run_import(process, source_of(world, b="importada", d="solo importada"))
    imported = {"a": "uno", "b": "importada", "c": "tres", "d": "solo importada"}
    assert await process.titles() == await world.process().titles() == imported
    world.edit(a="editada", b="dos", c="tres")  # an edit of another guide
    assert await process.titles() == await world.process().titles() == imported | {"a": "editada"}
    await run_import(process, source_of(world, "otro.json", a="editada"), is_whole=True)
    world.edit(a="editada otra vez", b="dos", c="tres")  # what an import dropped and nobody edited stays dropped
    assert await process.titles() == await world.process().titles() == {"a": "editada otra vez"}


@in_world
async def test_a_text_that_was_imported_stays_as_a_draft_when_its_guide_is_edited_in_the_file(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    await run_import(process, source_of(world, a="importada"))
    world.edit(a="editada")
    assert await process.titles() == {"a": "editada"}
    assert await process.states("a") == [(3, "in_use", False), (2, "draft", True), (1, "former", False)]
    await run_import(process, source_of(world, a="importada"))  # and somebody decided
    assert await process.titles() == {"a": "importada"}
    assert [row[2] for row in await process.states("a")] == [False, False, False]


@in_world
async def test_two_imports_at_once_both_end_well(world: World) -> None:
    world.edit(a="uno")
    one, two = world.process(), world.process(None)
    await one.titles()
    first = source_of(world, "primero.json", **{f"g{n}": f"primero {n}" for n in range(MANY)})
    second = source_of(world, "segundo.json", **{f"g{n}": f"segundo {n}" for n in range(MANY // 2, MANY * 2)})
    await asyncio.gather(run_import(one, first), run_import(two, second))
    titles = await one.titles()
    assert titles == await two.titles()
    assert set(titles) == {"a", *(f"g{n}" for n in range(MANY * 2))}
    shared = {titles[f"g{n}"].split()[0] for n in range(MANY // 2, MANY)}
    assert shared in ({"primero"}, {"segundo"}), "the one that came last has put all of its guides into use"
    assert len(await audit_rows(world)) == 2


@in_world
async def test_the_same_import_twice_at_once_is_one(world: World) -> None:
    world.edit(a="uno")
    one, two = world.process(), world.process(None)
    await one.titles()
    source = source_of(world, **{f"g{n}": f"título {n}" for n in range(MANY)})
    done = await asyncio.gather(run_import(one, source), run_import(two, source))
    assert sorted(changed for _, changed in done) == [0, MANY]
    assert await world.ask("SELECT count(*) FROM support_troubleshooting_guide_versions") == [(MANY + 1,)]


@in_world
async def test_an_import_that_is_killed_publishes_nothing_and_the_next_one_finishes_it(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    source = source_of(world, **{f"g{n}": f"título {n}" for n in range(MANY)})
    holding = await asyncpg.connect(world.dsn)
    program = DYING.format(tests=str(Path(__file__).parent), dsn=world.dsn, source=str(source))
    try:
        async with holding.transaction():  # the publication waits for this row, when everything is stored
            await holding.execute("SELECT FROM support_knowledge_revisions FOR UPDATE")
            dying = await asyncio.to_thread(lambda: subprocess.Popen([sys.executable, "-c", program]))
            while await world.ask(WAITING) != [(1,)]:
                assert dying.poll() is None
                await asyncio.sleep(0.02)
            os.kill(dying.pid, signal.SIGKILL)
            await asyncio.to_thread(dying.wait)
    finally:
        await holding.close()
    assert dict(await world.ask(IN_USE)) == {"a": "uno"}
    assert await audit_rows(world) == []
    plan, changed = await run_import(process, source)
    assert (len(plan.added), changed) == (MANY, MANY)
    assert len(await process.titles()) == MANY + 1
    assert await world.ask("SELECT count(*) FROM support_troubleshooting_guide_versions") == [(MANY + 1,)]


@in_world
async def test_with_errors_the_rest_is_imported_and_nothing_dropped(world: World) -> None:
    world.edit(a="uno", b="dos")
    process = world.process()
    await process.titles()
    source = world.folder / "lote.json"
    source.write_text(json.dumps({"b": {"problem_title": "sin pasos"}, "c": entry("tres")}, indent=1), "utf-8")
    plan, changed = await run_import(process, source, is_whole=True)
    assert [each.field for each in plan.errors] == ["lote.json:2 steps"]
    assert (plan.added, plan.dropped, changed) == (("c",), (), 1)
    assert await process.titles() == {"a": "uno", "b": "dos", "c": "tres"}


@in_world
async def test_a_source_without_guides_drops_nothing(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    source = world.folder / "lote.json"
    for text in ("{}", "[]"):
        source.write_text(text, "utf-8")
        importer = importer_of(source, "json")
        with Spool() as spool, pytest.raises(SourceUnreadable, match=r"lote\.json: No tiene ninguna guía"):
            await plan_import(process.parts, "", source, importer, spool, is_whole=True)
    assert await process.titles() == {"a": "uno"}
