"""Statements over a connection of their own, for what tests change behind the product's back."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg


def rows(dsn: str, *statements: str) -> list[Any]:
    """The rows of the last of some statements."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return [tuple(row) for row in await connection.fetch(statements[-1])]
        finally:
            await connection.close()

    return asyncio.run(run())


def execute(dsn: str, *statements: str) -> None:
    """Execute statements, each in a transaction of its own."""

    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
