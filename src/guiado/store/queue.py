"""The outbound queue as a whole: live workers, and the kinds with due work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from guiado.store.connection import Connection
from guiado.store.queries import sql

_MARK = "/* kinds */"


async def tell_alive(connection: Connection, tenant: str, worker: str, for_s: float) -> None:
    """Register this worker as alive, so that it takes its share of the due work.

    Args:
        for_s: seconds after which it counts as dead.
    """
    await connection.execute(sql("queue", "tell_alive"), tenant, worker, for_s)


async def tell_gone(connection: Connection, tenant: str, worker: str) -> None:
    """Unregister this worker, so that the others take its share."""
    await connection.execute(sql("queue", "tell_gone"), tenant, worker)


def join_due(queries: Sequence[str]) -> str:
    """Join the queries of several kinds into one."""
    return sql("queue", "due_kinds").replace(_MARK, "".join(f"\nUNION ALL\n{query}" for query in queries))


async def due_kinds(
    connection: Connection, tenant: str, query: str, now: datetime, worker: str, besides: Collection[str], probe_from: int
) -> set[str]:
    """Kinds with due work that can be leased.

    Args:
        query: of `join_due`.
        besides: keys that the worker is busy with or leaves to others.
        probe_from: failures in a row from which a target is only probed, due or not.
    """
    rows = await connection.fetch(query, tenant, now, worker, list(besides), probe_from)
    return {row["kind"] for row in rows}
