"""Everything that a database holds, as text, and statements on a connection of its owner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """Run some work on a connection."""

    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def dump(db: asyncpg.Connection, *, without: str = "") -> dict[str, str]:
    """Every row of every table as text."""
    tables = await db.fetch("SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace")
    return {
        name: str(await db.fetchval(f"SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {name} t"))
        for (name,) in tables
        if name != without
    }


def until(dsn: str, query: str, wanted: object = True) -> None:
    """Wait for what a query finds, 15 seconds at most."""
    deadline = time.monotonic() + 15
    while (found := on(dsn, lambda db: db.fetchval(query))) != wanted:
        assert time.monotonic() < deadline, f"{query}: {found}"
        time.sleep(0.05)
