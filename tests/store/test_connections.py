"""The connections of a process: which ones are kept, and which ones nobody gets again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from guiado.store import database
from guiado.store.database import Database


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    async def find() -> str:
        return dsn

    db = Database(find, pool_size=4)
    try:
        yield db
    finally:
        await db.close()


async def backend(db: Database) -> int:
    async with db.connection() as connection:
        return await connection.fetchval("SELECT pg_backend_pid()")


async def sleep_in(db: Database, asleep: asyncio.Event) -> None:
    async with db.connection() as connection:
        asleep.set()
        await connection.execute("SELECT pg_sleep(60)")


def test_a_connection_is_kept_unless_it_was_idle_for_too_long(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with opened(empty_dsn) as db:
            first = await backend(db)
            assert await backend(db) == first
            monkeypatch.setattr(database, "_LONGEST_IDLE_S", -1.0)
            assert await backend(db) != first

    asyncio.run(scenario())


def test_who_is_stopped_in_the_middle_of_a_statement_takes_no_other_connection_along(empty_dsn: str) -> None:
    async def scenario() -> None:
        async with opened(empty_dsn) as db:
            async with db.connection():
                await backend(db)  # so that there are two
            asleep = asyncio.Event()
            sleeping = asyncio.create_task(sleep_in(db, asleep))
            await asleep.wait()
            idle = await backend(db)
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)
            assert await backend(db) == idle

    asyncio.run(scenario())
