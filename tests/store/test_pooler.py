"""Tenant and role belong to a transaction, never to a connection; and what differs where a pooler stands before PostgreSQL.

With a real PgBouncer: tests/e2e/test_pgbouncer.py.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import pytest

from guiado.store import pooler
from guiado.store.database import Database
from guiado.store.migrate import APP_ROLE, connect

WHO = "SELECT current_user::text || '/' || coalesce(current_setting('guiado.tenant', true), '')"
KEY_DATA, READY = b"K" + struct.pack("!i", 12), b"Z" + struct.pack("!i", 5)


@asynccontextmanager
async def opened(dsn: str, *, role: str | None = APP_ROLE, presence: pooler.Presence = "auto") -> AsyncIterator[Database]:
    async def find() -> str:
        return dsn

    db = Database(find, pool_size=4, role=role, tenant="casa", presence=presence)
    try:
        yield db
    finally:
        await db.close()


def given_back(db: Database) -> Any:
    """The connection that the next one is given, without a tenant of its own."""
    return db._idle[-1][0]


@pytest.mark.parametrize("presence", ["auto", "on"])
def test_a_connection_given_back_carries_nothing(dsn: str, presence: pooler.Presence) -> None:
    async def scenario() -> None:
        async with opened(dsn, presence=presence) as db:
            async with db.connection("acme") as connection:
                assert await connection.fetchval(WHO) == "guiado_app/acme"
                assert await connection.fetchval(f"{WHO} || $1::text", "!") == "guiado_app/acme!"
                await connection.execute("SELECT 1 / 1")
                with pytest.raises(asyncpg.DivisionByZeroError):
                    await connection.fetchval("SELECT 1 / $1::int", 0)
            async with db.transaction("otro") as connection:
                assert await connection.fetchval(WHO) == "guiado_app/otro"
                async with connection.transaction():
                    assert await connection.fetchval(WHO) == "guiado_app/otro"
            free = given_back(db)
            login = await free.fetchval("SELECT session_user::text")
            assert await free.fetchval(WHO) == f"{login}/"
            if presence == "on":
                assert await free.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
            async with db.connection() as connection:
                assert await connection.fetchval(WHO) == "guiado_app/casa"

    asyncio.run(scenario())


def test_one_connection_serves_one_tenant_after_the_other_and_each_sees_its_own_rows(dsn: str) -> None:
    add = "INSERT INTO support_tickets (tenant_id, ticket_id) VALUES ($1, $2)"

    async def scenario() -> None:
        async with opened(dsn) as db:
            numbers = set[int]()
            for tenant in ("acme", "o'tro \\ $1 $2 {0} %s", "acme"):
                async with db.connection(tenant) as connection:
                    numbers.add(await connection.fetchval("SELECT pg_backend_pid()"))
                    await connection.execute(
                        add, tenant, f"t{len(numbers)}{await connection.fetchval('SELECT clock_timestamp()')}"
                    )
                    await connection.execute("SELECT 1; SELECT 2")
                    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                        await connection.execute(add, "ajeno", "1")
                    seen = await connection.fetch("SELECT DISTINCT tenant_id FROM support_tickets")
                    assert [row["tenant_id"] for row in seen] == [tenant]
            assert len(numbers) == 1

    asyncio.run(scenario())


def test_after_arguments_that_do_not_fit_nothing_is_left_open(dsn: str) -> None:
    async def scenario() -> None:
        async with opened(dsn) as db:
            for error, arguments in ((asyncpg.DataError, ("x",)), (asyncpg.InterfaceError, (1, 2))):
                async with db.connection("acme") as connection:
                    assert await connection.fetchval("SELECT $1::int", 1) == 1
                    with pytest.raises(error):
                        await connection.fetchval("SELECT $1::int", *arguments)
                    assert await given_state(dsn) == {"idle"}
                    assert await connection.fetchval(WHO) == "guiado_app/acme"

    asyncio.run(scenario())


async def given_state(dsn: str) -> set[str]:
    """What the server says of the other connections to this database."""
    watch = await connect(dsn)
    try:
        query = "SELECT DISTINCT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return {row["state"] for row in await watch.fetch(query)}
    finally:
        await watch.close()


def test_a_statement_that_the_driver_prepares_anew_has_its_tenant_too(dsn: str) -> None:
    async def scenario() -> None:
        other = await connect(dsn)
        await other.execute(
            "CREATE TABLE wandel (a integer); GRANT SELECT ON wandel TO guiado_app; INSERT INTO wandel VALUES (1)"
        )
        async with opened(dsn) as db, db.connection("acme") as connection:
            query = (
                "SELECT w.*, current_setting('guiado.tenant') AS tenant, current_user::text AS name FROM wandel w WHERE w.a = $1"
            )
            assert len(await connection.fetchrow(query, 1)) == 3
            await other.execute("ALTER TABLE wandel ADD COLUMN b text")
            row = await connection.fetchrow(query, 1)
            assert (len(row), row["tenant"], row["name"]) == (4, "acme", "guiado_app")
        await other.close()

    asyncio.run(scenario())


@asynccontextmanager
async def other_number(dsn: str, *, shift: int) -> AsyncIterator[tuple[str, list[int]]]:
    """An address behind a forwarder that gives other process numbers than PostgreSQL's, as poolers do, and counts answers.

    Args:
        shift: added to the number of the server's process.
    """
    options = dict(parse_qsl(dsn.partition("?")[2]))
    answers, tasks, writers = [0], set[asyncio.Task[None]](), list[asyncio.StreamWriter]()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool) -> None:
        while chunk := await source.read(1 << 20):
            if is_answer:
                answers[0] += chunk.count(READY)
                head, found, tail = chunk.partition(KEY_DATA)
                if found:
                    chunk = head + found + struct.pack("!I", struct.unpack("!I", tail[:4])[0] + shift) + tail[4:]
            target.write(chunk)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(f"{options['host']}/.s.PGSQL.5432")
        writers.extend([writer, inner_writer])
        tasks.add(asyncio.create_task(pump(reader, inner_writer, is_answer=False)))
        tasks.add(asyncio.create_task(pump(inner_reader, writer, is_answer=True)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"{dsn.partition('?')[0]}?host=127.0.0.1&port={server.sockets[0].getsockname()[1]}", answers
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()


@pytest.mark.parametrize(("shift", "names"), [(0, True), (1, False)], ids=["direct", "pooler"])
def test_a_pooler_is_recognised_by_the_number_of_its_processes(dsn: str, shift: int, names: bool) -> None:
    async def scenario() -> None:
        async with other_number(dsn, shift=shift) as (address, _), opened(address) as db:
            async with db.connection() as connection:
                assert await connection.fetchval("SELECT $1::int", 1) == 1
                assert db.is_pooled is not names
                assert (await connection.fetchval("SELECT count(*) FROM pg_prepared_statements") > 0) is names
            await db.prove()

    asyncio.run(scenario())


def test_a_direct_connection_takes_one_round_trip_for_each_statement_and_is_looked_at_once(dsn: str) -> None:
    async def scenario() -> None:
        async with other_number(dsn, shift=0) as (address, answers), opened(address) as db:
            async with db.connection("acme") as first:
                await first.fetchval("SELECT $1::int", 1)
                before = answers[0]
                for _ in range(10):
                    assert await first.fetchval("SELECT $1::int", 1) == 1
                assert answers[0] - before == 10
                before = answers[0]
                async with db.connection("otro"):  # the second connection is opened once: what kind it is, is known
                    pass
                opening = answers[0] - before
            async with opened(address, presence="off") as plain:
                before = answers[0]
                async with plain.connection():
                    pass
                assert answers[0] - before == opening

    asyncio.run(scenario())
