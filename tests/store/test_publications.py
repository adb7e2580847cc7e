"""The database says which version of a guide is in use: for files, drafts, reverts, and every process alike."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from guiado.app.context import AppContext
from guiado.app.knowledge import publications
from guiado.app.knowledge.knowledge_base import DetectionConfig, KnowledgeBase
from guiado.app.knowledge.plain_index import PlainIndex
from guiado.app.knowledge.registry import KnowledgeBases
from guiado.app.knowledge.sources.file import FileSource, private_scope
from guiado.app.knowledge.tenants import TenantKnowledge
from guiado.domain.guide_versions import guide_to_json
from guiado.errors import DatabaseUnavailable, InvalidInput, NotFound
from guiado.store.database import Database

MANY = 1_000
IN_USE = """SELECT p.guide_id, v.content ->> 'problem_title' FROM support_guide_publications p
  JOIN support_troubleshooting_guide_versions v USING (tenant_id, guide_version_id) WHERE p.state = 'in_use'"""
KILL_WAITING = """SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
 WHERE a.wait_event_type = 'Lock' AND a.datname = current_database() AND a.query LIKE '%guiado_publish_file%'"""


def entry(title: str, number: int = 0) -> dict[str, Any]:
    return {
        "problem_title": title,
        "common_issues": [f"la pieza {number} no va"],
        "steps": [{"title": f"Cambia la pieza {number}", "instructions": ["Hazlo"]}],
    }


def write(path: Path, entries: dict[str, Any]) -> Path:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(entries, ensure_ascii=False), "utf-8")
    return draft.replace(path)


class Process:
    """What a process has of a knowledge base: connections of its own, maybe the file, the guides in memory."""

    def __init__(self, dsn: str, path: Path | None, scope: str = "", tenant: str = "default", **kind: bool) -> None:
        async def find() -> str:
            return dsn

        self.db = Database(find, tenant=tenant)
        self.parts = AppContext(self.db, tenant, 0.33)
        source = FileSource(path, scope, self.db, tenant, **kind) if path else None
        self.base = KnowledgeBase(scope, self.db, tenant, source=source)

    async def titles(self) -> dict[str, str]:
        await self.base.refresh()
        return {key: guide.problem_title for key, guide in self.base.snapshot.guides.items()}

    async def do(self, action: Callable[..., Any], *given: object) -> Any:
        async with self.db.transaction() as connection:
            return await action(self.parts.work(connection), self.base.scope, *given)

    async def states(self, guide: str) -> list[tuple[int, str, bool]]:
        return [(row["version"], row["state"], row["conflict"]) for row in await self.do(publications.versions, guide)]


class World:
    """One database and the processes that share it."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder, self._processes = dsn, folder, list[Process]()

    def process(self, file: str | None = "kb.json", *given: str, **kind: Any) -> Process:
        made = Process(self.dsn, self.folder / file if file else None, *given, **kind)
        self._processes.append(made)
        return made

    def edit(self, file: str = "kb.json", **titles: str) -> None:
        write(self.folder / file, {key: entry(title) for key, title in titles.items()})

    async def ask(self, query: str, *values: object) -> list[Any]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        try:
            yield self
        finally:
            for process in self._processes:
                await process.db.close()


def in_world(test: Callable[[World], Any]) -> Callable[[str, Path], None]:
    """A test that is a coroutine over a world of its own; a minute is enough for any."""

    @functools.wraps(test)
    def run(dsn: str, tmp_path: Path) -> None:
        async def play() -> None:
            async with World(dsn, tmp_path).running() as world:
                await asyncio.wait_for(test(world), 60)

        asyncio.run(play())

    del run.__wrapped__  # pytest would ask for its arguments
    return run


# ------------------------------------------------------------------------------------------------------------------ one file


@in_world
async def test_a_revert_in_the_file_is_a_revert_everywhere(world: World) -> None:
    first, second = world.process(), world.process(None)
    for text in ("uno", "dos", "uno"):
        world.edit(a=text, b="otra")
        assert await first.titles() == await second.titles() == {"a": text, "b": "otra"}
    assert await first.states("a") == [(2, "former", False), (1, "in_use", False)]
    # Also for whoever starts with a file that is broken by now.
    (world.folder / "kb.json").write_text('{"a": ', "utf-8")
    late = world.process()
    assert await late.titles() == {"a": "uno", "b": "otra"}
    assert late.base.problem is not None
    assert late.base.snapshot.version_ids == first.base.snapshot.version_ids


@in_world
async def test_what_was_removed_from_the_file_is_in_use_nowhere(world: World) -> None:
    first, second = world.process(), world.process(None)
    world.edit(a="uno", b="otra")
    await first.titles()
    assert (await second.titles()).keys() == {"a", "b"}
    world.edit(a="uno")
    assert await first.titles() == await second.titles() == {"a": "uno"}
    assert (await second.states("b"))[0][1] == "former"
    world.edit(a="uno", b="otra")
    assert (await first.titles()).keys() == (await second.titles()).keys() == {"a", "b"}
    assert len(await second.states("b")) == 1


@in_world
async def test_guides_keep_the_order_of_the_file_and_have_step_ids_in_every_process(world: World) -> None:
    world.edit(z="zeta", a="alfa", m="eme")
    first, second = world.process(), world.process(None)
    assert list(await first.titles()) == list(await second.titles()) == ["z", "a", "m"]
    guides = first.base.snapshot.guides
    assert guides == second.base.snapshot.guides
    assert all(step.step_id for guide in guides.values() for step in guide.steps)
    ((stored,),) = await world.ask("SELECT content FROM support_troubleshooting_guide_versions WHERE guide_id = 'z'")
    assert json.loads(stored) == json.loads(json.dumps(guide_to_json(guides["z"])))


@in_world
async def test_what_a_process_stored_it_does_not_read_back(world: World) -> None:
    world.edit(a="uno", b="dos")
    process, other, asked = world.process(), world.process(None), []
    async with process.db.connection() as connection:
        connection.add_query_logger(asked.append)
    await process.titles()
    world.edit(a="tres", b="dos")
    await process.titles()
    await asyncio.sleep(0)  # the driver tells its loggers a little later
    queries = [record.query for record in asked]
    assert sum("guiado_publish_file(" in query for query in queries) == 2
    assert not [query for query in queries if "SELECT v.guide_version_id, v.content" in query]
    assert sum("FROM support_guide_files" in query for query in queries) == 1  # what was taken last is known after that
    assert await other.titles() == {"a": "tres", "b": "dos"}
    assert process.base.snapshot.guides == other.base.snapshot.guides


@in_world
async def test_a_session_of_today_shares_the_guide_that_is_in_memory(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    path = world.folder / "kb.json"
    bases = TenantKnowledge(process.parts, lambda parts: KnowledgeBases(parts, DetectionConfig(), path, lambda _: None)).own
    base = await bases.at(None)
    version_id = base.snapshot.version_ids["a"]
    async with process.db.connection() as connection:
        assert await process.parts.guide_version(connection, "default", version_id) is base.snapshot.guides["a"]
        assert await process.parts.guide_version(connection, "acme", version_id) is None


@in_world
async def test_a_poll_is_one_query_of_one_row(world: World) -> None:
    world.edit(a="uno")
    process, asked = world.process(), []
    await process.titles()

    async with process.db.connection() as connection:  # the only one that is open, and the next poll's
        connection.add_query_logger(asked.append)
    for _ in range(3):
        assert not await process.base.refresh()
    await asyncio.sleep(0)  # the driver tells its loggers a little later
    assert len(asked) == 3
    assert {" ".join(record.query.split())[-67:] for record in asked} == {
        "LEFT JOIN support_knowledge_revisions r ON r.tenant_id = $1 AND r.scope = $2"[-67:]
    }


# -------------------------------------------------------------------------------------------------------------- drafts and others


@in_world
async def test_a_draft_is_approved_and_published_and_every_process_follows(world: World) -> None:
    world.edit(a="uno")
    editor, other = world.process(), world.process(None)
    before = (await editor.titles(), await other.titles())
    draft = await editor.do(publications.save_draft, "a", entry("dos"), "eva")
    assert (draft.version, draft.state, draft.origin) == (2, "draft", "eva")
    assert (await editor.titles(), await other.titles()) == before
    assert await editor.do(publications.approve, "a", 2, "luis")
    assert not await editor.do(publications.approve, "a", 2, "luis")
    assert (await editor.titles(), await other.titles()) == before
    await editor.do(publications.publish, "a", "luis")
    assert await editor.titles() == await other.titles() == {"a": "dos"}
    # The file was not edited: it overwrites nothing, neither here nor in a process that starts now.
    (world.folder / "kb.json").touch()
    assert await editor.titles() == await world.process().titles() == {"a": "dos"}
    assert await editor.do(publications.withdraw, "a", "luis")
    assert await editor.titles() == await other.titles() == {}
    who = await world.ask("SELECT action, by FROM support_guide_publication_log ORDER BY revision")
    assert who == [("publish", "file"), ("draft", "eva"), ("approve", "luis"), ("publish", "luis"), ("withdraw", "luis")]


@in_world
async def test_a_guide_that_only_an_editor_has_stays_when_the_file_is_edited(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    with pytest.raises(InvalidInput):
        await process.do(publications.save_draft, "b", {"problem_title": "sin pasos"}, "eva")
    await process.do(publications.save_draft, "b", entry("del editor"), "eva")
    with pytest.raises(NotFound):
        await process.do(publications.publish, "a", "eva")
    await process.do(publications.publish, "b", "eva")
    world.edit(a="dos")
    assert await process.titles() == {"a": "dos", "b": "del editor"}


@in_world
async def test_an_edit_of_the_file_leaves_a_row_in_the_audit_log(world: World) -> None:
    """What a first start loads leaves none, and neither does an edit that another process took in already."""
    world.edit(a="uno", b="dos")
    process, other = world.process(), world.process()
    await process.titles()
    world.edit(a="otro", c="tres")
    await asyncio.gather(process.titles(), other.titles())
    async with process.db.connection("default") as connection:
        rows = await connection.fetch(
            "SELECT actor, action, object_id, detail FROM support_troubleshooting_audit_log WHERE object_type = 'guide'"
        )
    detail = {"scope": "", "guides": ["a", "b", "c"], "edited": 2, "removed": 1, "conflicts": 0}
    assert [tuple(row) for row in rows] == [("machine", "publish", "file", detail)]


@pytest.mark.parametrize("is_published", [True, False])
def test_an_edit_of_the_file_over_the_work_of_others_is_a_conflict_and_loses_nothing(
    dsn: str, tmp_path: Path, is_published: bool
) -> None:
    @in_world
    async def play(world: World) -> None:
        world.edit(a="uno", b="otra")
        process, other = world.process(), world.process(None)
        await process.titles()
        await process.do(publications.save_draft, "a", entry("del editor"), "eva")
        if is_published:
            await process.do(publications.publish, "a", "eva")
            assert (await process.titles())["a"] == "del editor"
        world.edit(a="del archivo", b="otra")
        assert (await process.titles())["a"] == (await other.titles())["a"] == "del archivo"
        assert await process.states("a") == [(3, "in_use", False), (2, "draft", True), (1, "former", False)]
        # A person decides, and with that it is settled; the file, which was not edited since, does not.
        await process.do(publications.revert, "a", "ana", 2)
        assert (await process.titles())["a"] == (await other.titles())["a"] == "del editor"
        assert await process.states("a") == [(3, "former", False), (2, "in_use", False), (1, "former", False)]
        assert (await process.do(publications.revert, "a", "ana")).version == 3

    play(dsn, tmp_path)


@in_world
async def test_a_conflict_is_settled_by_keeping_what_is_in_use_too(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    await process.do(publications.save_draft, "a", entry("del editor"), "eva")
    world.edit(a="dos")
    await process.titles()
    assert [row[2] for row in await process.states("a")] == [False, True, False]
    await process.do(publications.publish, "a", "ana", 3)
    assert await process.states("a") == [(3, "in_use", False), (2, "draft", False), (1, "former", False)]
    assert await process.do(publications.withdraw, "a", "ana", 2)
    assert (await process.states("a"))[1] == (2, "discarded", False)
    with pytest.raises(NotFound):
        await process.do(publications.publish, "a", "ana", 9)


@in_world
async def test_the_same_text_in_the_file_and_in_a_draft_is_no_conflict(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    await process.do(publications.save_draft, "a", entry("dos"), "eva")
    world.edit(a="dos")
    assert await process.titles() == {"a": "dos"}
    assert await process.states("a") == [(2, "in_use", False), (1, "former", False)]
    world.edit(a="tres")
    await process.titles()
    assert await process.states("a") == [(3, "in_use", False), (2, "former", False), (1, "former", False)]


# -------------------------------------------------------------------------------------------------------------- several at once


@in_world
async def test_two_processes_that_publish_at_once_agree(world: World) -> None:
    one, two = world.process(), world.process()
    for round_ in range(5):
        world.edit(**{f"g{n}": f"título {n} {round_}" for n in range(40)})
        await asyncio.gather(one.base.refresh(), two.base.refresh())
        assert (await one.titles())["g7"] == (await two.titles())["g7"] == f"título 7 {round_}"
        assert one.base.snapshot.version_ids == two.base.snapshot.version_ids
    assert await world.ask("SELECT count(*) FROM support_guide_publications WHERE state = 'in_use'") == [(40,)]
    assert await world.ask("SELECT files FROM support_knowledge_revisions") == [(5,)]


@in_world
async def test_people_and_the_file_at_once_leave_one_version_in_use(world: World) -> None:
    world.edit(a="cero")
    process, other = world.process(), world.process(None)
    await process.titles()
    for number in range(1, 8):
        await process.do(publications.save_draft, "a", entry(f"borrador {number}"), "eva")
        world.edit(a=f"archivo {number}")
        await asyncio.gather(process.base.refresh(), other.do(publications.publish, "a", "eva"), return_exceptions=True)
        assert await process.titles() == await other.titles()
        assert [state for _, state, _ in await process.states("a")].count("in_use") == 1
        texts = {
            row[0] for row in await world.ask("SELECT content ->> 'problem_title' FROM support_troubleshooting_guide_versions")
        }
        assert {f"borrador {number}", f"archivo {number}"} <= texts


@in_world
async def test_a_publisher_that_is_killed_leaves_all_or_nothing(world: World) -> None:
    titles = {f"g{n}": f"título {n}" for n in range(MANY)}
    world.edit(**titles)
    source = world.process().base.source
    assert await source.sync()
    assert dict(await world.ask(IN_USE)) == titles
    newer = {key: f"{title} nuevo" for key, title in titles.items()}
    world.edit(**newer)
    # It is stopped in the middle: most of what it publishes is written, and the last part waits for a row that somebody holds.
    holding = await asyncpg.connect(world.dsn)
    try:
        async with holding.transaction():
            await holding.execute("SELECT FROM support_guide_files WHERE guide_id = 'g999' FOR UPDATE")
            dying = asyncio.create_task(source.sync())
            while not (killed := await world.ask(KILL_WAITING)):
                await asyncio.sleep(0.01)
            assert killed == [(True,)]
            with pytest.raises(DatabaseUnavailable):
                await dying
            assert dict(await world.ask(IN_USE)) == titles
    finally:
        await holding.close()
    assert await source.sync()
    assert dict(await world.ask(IN_USE)) == newer
    assert not await source.sync()


@in_world
async def test_tenants_and_scopes_are_apart(world: World) -> None:
    own = world.folder / "propia.json"
    world.edit(a="de todos")
    world.edit("propia.json", a="privada")
    world.edit("otra.json", a="de otra organización")
    public, private = world.process(), world.process("propia.json", private_scope(own))
    foreign = world.process("otra.json", tenant="acme")
    assert await public.titles() == {"a": "de todos"}
    assert await private.titles() == {"a": "privada"}
    assert await foreign.titles() == {"a": "de otra organización"}
    await private.do(publications.save_draft, "a", entry("borrador"), "eva")
    await private.do(publications.publish, "a", "eva")
    assert (await public.titles(), await foreign.titles()) == ({"a": "de todos"}, {"a": "de otra organización"})
    assert not await public.base.refresh()
    assert await world.process(None, private_scope(own)).titles() == {"a": "borrador"}
    assert len(await world.ask("SELECT FROM support_knowledge_revisions")) == 3


# -------------------------------------------------------------------------------------------------------------------- other files


@in_world
async def test_the_shipped_guides_do_not_push_out_those_that_somebody_chose(world: World) -> None:
    world.edit("trae.json", a="de fábrica")
    world.edit("mia.json", b="mía")
    shipped = world.process("trae.json", is_shipped=True, takes_over=False)
    assert await shipped.titles() == {"a": "de fábrica"}
    chosen = world.process("mia.json")
    assert await chosen.titles() == await shipped.titles() == {"b": "mía"}
    # A command without GUIADO_KB_PATH uses what is in use; a service without it goes back to the guides that ship.
    assert await world.process("trae.json", is_shipped=True, takes_over=False).titles() == {"b": "mía"}
    assert await world.process("trae.json", is_shipped=True).titles() == await chosen.titles() == {"a": "de fábrica"}


@in_world
async def test_an_older_copy_of_the_database_is_followed_and_the_file_published_again(world: World) -> None:
    world.edit(a="uno")
    process = world.process()
    await process.titles()
    world.edit(a="dos", b="otra")
    await process.titles()
    tables = ("support_guide_publications", "support_guide_publication_log", "support_guide_files", "support_knowledge_revisions")
    for table in tables:
        await world.ask(f"DELETE FROM {table}")
    await process.base.refresh()
    assert await process.titles() == await world.process(None).titles() == {"a": "dos", "b": "otra"}


@in_world
async def test_tenants_with_the_same_guides_share_an_index_and_those_long_unused_are_closed(world: World) -> None:
    world.edit(a="uno", b="dos")
    process, closed, plain = world.process(), list[str](), PlainIndex()

    def make(parts: AppContext) -> KnowledgeBases:
        return KnowledgeBases(parts, DetectionConfig(), world.folder / "kb.json", lambda _: None, plain=plain)

    tenants = TenantKnowledge(process.parts, make, closed.append, most=2)
    await tenants.own.public.refresh()
    bases = {name: await tenants.public(name) for name in ("x", "y", "z")}
    assert (tenants.open, closed) == (["y", "z"], ["x"])
    assert {base.snapshot.index for base in bases.values()} == {tenants.own.public.snapshot.index}
    again = await tenants.public("x")
    assert (tenants.open, [*again.snapshot.guides]) == (["z", "x"], ["a", "b"])
    async with process.db.transaction("z") as connection:
        work = process.parts.of_tenant("z").work(connection)
        version = {row["version"]: row for row in await publications.versions(work, "", "a")}
        assert [*version] == [1]
    assert await tenants.public("default") is tenants.own.public
