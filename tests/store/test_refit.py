"""What detection fits is kept, shared between processes, and fitted again when there is something to learn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from seven_guides import SEVEN_GUIDES

from guiado import clock
from guiado.app.background import Stopped, run_aside
from guiado.app.context import AppContext
from guiado.app.knowledge import knowledge_base
from guiado.app.knowledge.knowledge_base import DetectionConfig, KnowledgeBase
from guiado.app.knowledge.sources.file import FileSource
from guiado.app.learning.refit import refit
from guiado.app.throttle import BURST, EVERY_S
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoders import make_encoder
from guiado.resources import data_path
from guiado.store.database import Database

LESSON = """INSERT INTO support_troubleshooting_ml_training (id, tenant_id, scope, text, text_key, problem_id, source, status)
VALUES (gen_random_uuid(), 'default', '', $1, $1, $2, 'agent', 'accepted')"""
KB = SEVEN_GUIDES


class World:
    """One database, and processes that know the same knowledge base."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self._folder, self._open = dsn, folder, list[Database]()

    def process(self, guides: Path = KB) -> tuple[AppContext, KnowledgeBase]:
        async def find() -> str:
            return self.dsn

        db = Database(find)
        self._open.append(db)
        encoder = make_encoder()
        senses = DetectionConfig(VectorCache(self._folder, encoder) if encoder else None)
        return AppContext(db, "default", 0.33), KnowledgeBase("", db, "default", senses, FileSource(guides, "", db, "default"))

    async def ask(self, query: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        try:
            yield self
        finally:
            for db in self._open:
                await db.close()


def test_what_ships_fitted_is_stored_and_not_fitted_again(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guiado.detection.index.Index.fit", None)

    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            parts, one = world.process(data_path("integrations", "support_troubleshooting_kb.json"))
            await one.refresh()
            shipped = one.snapshot.index.version
            assert await refit(parts, one) == 1
            assert await refit(parts, one) == 0
            assert one.snapshot.index.version == shipped
            assert not shipped.endswith(":unfitted")

    asyncio.run(run())


def test_a_fit_is_stored_once_and_every_process_uses_it(dsn: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            parts, one = world.process()
            _, other = world.process()
            await one.refresh()
            await other.refresh()
            assert one.snapshot.index.version.endswith(":unfitted")
            assert await refit(parts, one) == 1
            assert await refit(parts, one) == 0
            assert await other.refresh()
            assert not await other.refresh()
            _, late = world.process()
            await late.refresh()
            assert one.snapshot.index.version == other.snapshot.index.version == late.snapshot.index.version
            assert not late.snapshot.index.version.endswith(":unfitted")
            said = [each.snapshot.index.rank("me han cobrado de más este mes")[0] for each in (one, other, late)]
            assert said[0] == said[1] == said[2]

    asyncio.run(run())


def test_an_accepted_example_counts_with_the_next_look_and_is_fitted_later(dsn: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            parts, base = world.process()
            await base.refresh()
            await refit(parts, base)
            text = "el cacharro de las lucecitas parpadea en naranja"
            fitted = base.snapshot.index.version
            await world.ask(LESSON, text, "recuperar_cuenta")
            assert await base.refresh()
            best = base.snapshot.index.rank(text)[0]
            assert (best.problem_id, best.example) == ("recuperar_cuenta", text)
            assert base.snapshot.index.version.split(":")[2] == fitted.split(":")[2]
            # A fit that has just been made is not made again at once, however many examples come in.
            await world.ask("UPDATE support_troubleshooting_detectors SET fit_seconds = 100")
            assert await refit(parts, base) == 0
            await world.ask("UPDATE support_troubleshooting_detectors SET created_at = now() - interval '1 hour'")
            assert await refit(parts, base) == 1
            assert base.snapshot.index.version.split(":")[2] != fitted.split(":")[2]
            assert len(await world.ask("SELECT FROM support_troubleshooting_detectors")) == 2

    asyncio.run(run())


def test_examples_that_pour_in_do_not_rebuild_the_index_each_time(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            _, base = world.process()
            await base.refresh()
            start_s, passed_s = clock.monotonic_s(), 0.0
            monkeypatch.setattr(clock, "monotonic_s", lambda: start_s + passed_s)
            rebuilt = 0
            for number in range(60):
                await world.ask(LESSON, f"el cacharro {number} parpadea", "recuperar_cuenta")
                rebuilt += await base.refresh()
                passed_s += 1.0
            assert rebuilt <= BURST + 1
            # The last one is not forgotten when nothing more comes.
            passed_s += EVERY_S
            assert await base.refresh()
            assert base.snapshot.index.rank("el cacharro 59 parpadea")[0].example == "el cacharro 59 parpadea"
            assert not await base.refresh()

    asyncio.run(run())


def test_no_connection_is_held_while_an_index_is_built(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            _, base = world.process()
            free: list[int] = []
            build = knowledge_base._index

            def look(*arguments):
                free.append(base._db._slots._value)
                return build(*arguments)

            monkeypatch.setattr(knowledge_base, "_index", look)
            await base.refresh()
            await world.ask(LESSON, "el cacharro parpadea", "recuperar_cuenta")
            assert await base.refresh()
            assert free == [16, 16]

    asyncio.run(run())


def test_a_damaged_model_is_not_used_and_the_service_goes_on(dsn: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            parts, base = world.process()
            await base.refresh()
            await refit(parts, base)
            await world.ask("UPDATE support_troubleshooting_detectors SET model = substr(model, 1, 1000)")
            _, late = world.process()
            await late.refresh()
            assert late.snapshot.index.model is None
            assert late.snapshot.index.rank("se me cae el wifi")[0].problem_id == "conexion_internet"
            assert not await late.refresh()

    asyncio.run(run())


def test_judged_answers_change_the_confidence_of_the_next_ones(dsn: str, tmp_path: Path) -> None:
    row = {
        "problem_description": "x y",
        "status": "resolved",
        "detected_problem_id": "conexion_internet",
        "detection_confidence": 0.9,
    }

    async def run() -> None:
        async with World(dsn, tmp_path).running() as world:
            parts, base = world.process()
            await base.refresh()
            await refit(parts, base)
            before = base.snapshot.index.rank("la red no va bien")[0].confidence
            for number in range(60):
                truth = "conexion_internet" if number % 3 == 0 else "otro"
                await world.ask(
                    """INSERT INTO support_troubleshooting_sessions (session_id, tenant_id, customer_email, problem_description, status,
                         detected_problem_id, detection_confidence, true_problem_id, version, started_at, updated_at)
                       VALUES (gen_random_uuid(), 'default', 'a@example.com', $1, $2, $3, $4, $5, 1, now(), now())""",
                    *row.values(),
                    truth,
                )
            assert await refit(parts, base) == 1
            assert base.snapshot.index.rank("la red no va bien")[0].confidence < before
            assert await refit(parts, base) == 0

    asyncio.run(run())


def test_a_computation_that_nobody_waits_for_ends() -> None:
    ended = threading.Event()

    def work(pause) -> None:
        try:
            while True:
                pause()
        except Stopped:
            ended.set()
            raise

    async def run() -> None:
        task = asyncio.create_task(run_aside(work))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert ended.wait(10)
