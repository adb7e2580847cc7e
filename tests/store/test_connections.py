"""The connections of a process: which ones are kept, and which ones nobody gets again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import pytest

from guiado import clock
from guiado.errors import DatabaseUnavailable, QueryTooSlow
from guiado.store import database, diagnostics, host_watch
from guiado.store.database import Database
from guiado.store.migrate import connect


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    async def find() -> str:
        return dsn

    db = Database(find, pool_size=4)
    try:
        yield db
    finally:
        await db.close()


async def db_value(db: Database, query: str) -> Any:
    async with db.connection() as connection:
        return await connection.fetchval(query)


async def backend(db: Database) -> int:
    return await db_value(db, "SELECT pg_backend_pid()")


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


def of_two_hosts(dsn: str, first: int) -> str:
    """The same database behind a list of two servers: the first is a port of this machine."""
    head, _, query = dsn.partition("?")
    folder = dict(parse_qsl(query))["host"]
    return f"{head}?host=127.0.0.1,{folder}&port={first},5432"


@pytest.fixture
def silent() -> Iterator[int]:
    """Port of a server that hangs: the system takes its connections, and nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_a_server_that_hangs_keeps_no_other_out(empty_dsn: str, silent: int) -> None:
    address = of_two_hosts(empty_dsn, silent)

    async def scenario() -> None:
        async with asyncio.timeout(8), opened(address) as db:
            begun_s = clock.monotonic_s()
            await backend(db)
            await db.prove()
            assert clock.monotonic_s() - begun_s < 4
        async with asyncio.timeout(4):
            await (await connect(address)).close()

    asyncio.run(scenario())


def test_who_waits_for_a_server_that_began_to_hang_is_let_go(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_watch, "_LONGEST_SILENCE_S", 0.1)
    monkeypatch.setattr(host_watch, "_POLL_S", 0.05)
    monkeypatch.setattr(host_watch, "_ANSWER_TIMEOUT_S", 0.3)

    async def scenario() -> None:
        async with asyncio.timeout(10), forwarder(empty_dsn) as (port, freeze), opened(of_two_hosts(empty_dsn, port)) as db:
            async with db.connection() as connection:
                first = await connection.fetchval("SELECT pg_backend_pid()")
                await connection.fetchval("SELECT pg_sleep(0.5)")  # slow is not hanging
            freeze.set()
            with pytest.raises(DatabaseUnavailable):
                await backend(db)
            assert await backend(db) != first

    asyncio.run(scenario())


@asynccontextmanager
async def forwarder(dsn: str) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port that leads to the server of an address, and an event after which nothing passes any more."""
    folder, frozen, tasks = dict(parse_qsl(dsn.partition("?")[2]))["host"], asyncio.Event(), set[asyncio.Task[None]]()
    writers: list[asyncio.StreamWriter] = []

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            if frozen.is_set():
                await asyncio.Event().wait()
            target.write(chunk)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        writers.extend([writer, inner_writer])
        tasks.update({asyncio.create_task(pump(reader, inner_writer)), asyncio.create_task(pump(inner_reader, writer))})

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], frozen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def read_only(dsn: str, value: str) -> None:
    async def run() -> None:
        connection = await connect(dsn)
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f"ALTER DATABASE {name} SET {value}")
        await connection.close()

    asyncio.run(run())


def test_a_connection_that_takes_no_writes_is_not_kept(dsn: str) -> None:
    """The server was demoted, or the name leads to another one by now: new connections reach the one that takes writes."""

    async def write(db: Database) -> None:
        async with db.connection() as connection:
            await connection.execute("DELETE FROM support_troubleshooting_cache")

    async def scenario() -> None:
        async with opened(dsn) as db:
            await asyncio.to_thread(read_only, dsn, "default_transaction_read_only = on")
            with pytest.raises(DatabaseUnavailable, match="solo admite lecturas"):
                await write(db)
            with pytest.raises(DatabaseUnavailable, match="solo admite lecturas"):
                await db.prove()
            assert {one.state for one in await diagnostics.look_at(dsn, 1) if one.check == "writable"} == {"bad"}
            await asyncio.to_thread(read_only, dsn, "default_transaction_read_only = off")
            await write(db)
            await db.prove()

    asyncio.run(scenario())


async def use(db: Database, action: Callable[[Any], Awaitable[object]]) -> None:
    """Do something in the middle of a connection; not the one that `backend` takes next."""
    async with db.connection() as connection:
        await action(connection)


def test_a_slow_query_and_a_mistake_of_the_program_empty_no_pool(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_COMMAND_TIMEOUT_S", 0.2)

    async def scenario() -> None:
        async with opened(empty_dsn) as db:
            async with db.connection() as first:
                kept = await backend(db)  # so that there are two; the one that was given back last is taken first
                assert await first.fetchval("SELECT pg_backend_pid()") != kept
            with pytest.raises(QueryTooSlow):
                await use(db, lambda one: one.execute("SELECT pg_sleep(30)"))
            assert await backend(db) == kept
            with pytest.raises(asyncpg.InterfaceError):
                await use(db, lambda one: one.fetchval("SELECT 1", 2))
            with pytest.raises(FileNotFoundError):
                await use(db, lambda _: asyncio.to_thread(Path("/nada").stat))
            assert await backend(db) == kept

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "parameter", ["gssencmode=disable&channel_binding=require&keepalives=1&pgbouncer=true", "connect_timeout=5"]
)
def test_parameters_of_other_readers_are_no_obstacle(empty_dsn: str, parameter: str) -> None:
    async def scenario() -> None:
        async with opened(f"{empty_dsn}&{parameter}&application_name=mesa&options=-c%20work_mem%3D7MB") as db:
            settings = "current_setting('application_name') || current_setting('work_mem')"
            assert await db_value(db, f"SELECT {settings}") == "mesa7MB"

    asyncio.run(scenario())


def test_a_parameter_that_nobody_knows_is_named(empty_dsn: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="no se conoce el parámetro sslmod") as caught:
        asyncio.run(connect(f"{empty_dsn}&sslmod=require"))
    assert "DATABASE_URL" in str(caught.value)
