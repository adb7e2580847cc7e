"""Stored answers by Idempotency-Key, written in the transaction that did the work."""

from __future__ import annotations

from typing import Any

from guiado.store.connection import Connection
from guiado.store.queries import sql


async def claim(connection: Connection, tenant: str, key: str, request_hash: str) -> bool:
    """Take the key for this transaction; False when a request with it was answered before."""
    return bool(await connection.fetchval(sql("idempotency", "claim"), tenant, key, request_hash))


async def record(connection: Connection, tenant: str, key: str, answer: object) -> None:
    """Store the answer, plain JSON values, until the key expires (48 h)."""
    await connection.execute(sql("idempotency", "record"), tenant, key, answer)


async def recorded(connection: Connection, tenant: str, key: str) -> tuple[str, Any] | None:
    """Hash of the request that used this key, and its answer."""
    row = await connection.fetchrow(sql("idempotency", "answer"), tenant, key)
    return (row["request_hash"], row["answer"]) if row else None
