"""What a database holds, in figures: two equal counts mean that nothing was written in between."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg


def rows_of(server: Any) -> dict[str, int]:
    """Rows of every table that a request writes, counted by the owner; the worker writes its own at any time."""

    async def count() -> dict[str, int]:
        connection = await asyncpg.connect(server._settings["DATABASE_URL"])
        try:
            tables = await connection.fetch(
                "SELECT relid::regclass::text FROM pg_stat_user_tables WHERE relname !~ 'rollup|schedule|detectors'"
            )
            every = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for (name,) in tables)
            return dict(await connection.fetch(every))
        finally:
            await connection.close()

    return asyncio.run(count())
