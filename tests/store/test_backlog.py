"""A burst of deliveries: what each look at the queue costs does not grow with what waits in it.

PostgreSQL plans with statistics from before the burst, when next to nothing was pending. Counted is what a plan reads, not its time.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
from secret_keys import BOX

from guiado import clock
from guiado.store import outbox
from guiado.store.database import Connection, Database
from guiado.store.migrate import connect
from guiado.store.queries import sql

ENDPOINTS, BEFORE, BURST, BATCH = 20, 4_000, 500, 50
EMIT = """SELECT guiado_emit('default', (SELECT jsonb_agg(jsonb_build_object('tenant_id', 'default', 'event_id', gen_random_uuid(),
    'event', 'step_completed', 'data', '{}'::jsonb, 'occurred_at', now() - interval '1 minute')) FROM generate_series(1, $1)))"""


async def _burst(dsn: str, connection: Connection) -> list[str]:
    """Statistics of a queue that was empty, then very many deliveries at once."""
    names = [f"e{number:02}" for number in range(ENDPOINTS)]
    await connection.execute(
        """INSERT INTO support_webhooks (webhook_id, url, events)
           SELECT e, 'https://example.com/' || e, '{step_completed}' FROM unnest($1::text[]) AS e""",
        names,
    )
    await connection.execute(EMIT, BEFORE)
    await connection.execute("UPDATE support_troubleshooting_deliveries SET state = 'delivered', finished_at = now()")
    admin = await connect(dsn)  # VACUUM takes no transaction around it, and a tenant's connection always has one
    for table in ("support_troubleshooting_deliveries", "support_troubleshooting_outbox", "support_webhooks"):
        await admin.execute(f"VACUUM ANALYZE {table}")
    await admin.close()
    await connection.execute(EMIT, BURST)
    return names


async def _rows_read(connection: Connection, name: str, *arguments: object) -> int:
    """Of the fullest node of the plan of a query of the outbox."""
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql('outbox', name)}", *arguments)
    return _most(msgspec.json.decode(plan)[0]["Plan"])


def _most(node: dict[str, Any]) -> int:
    own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)) * node[
        "Actual Loops"
    ]
    return max([own, *(_most(child) for child in cast("list[dict[str, Any]]", node.get("Plans", [])))])


async def _scenario(dsn: str) -> dict[str, int]:
    async def find() -> str:
        return dsn

    db = Database(find, box=BOX)
    try:
        async with db.connection() as connection:
            return await _reads(dsn, connection)
    finally:
        await db.close()


async def _reads(dsn: str, connection: Connection) -> dict[str, int]:
    endpoint = (await _burst(dsn, connection))[3]
    waiting = await outbox.due(connection, "default", endpoint, clock.now(), BATCH)
    now = clock.now()
    done = [
        {
            "id": clock.new_id(),
            "webhook_id": endpoint,
            "delivery_id": one.delivery_id,
            "event_id": one.event_id,
            "event": one.event,
            "attempt": 1,
            "success": True,
            "sent_at": now,
            "attempts": 1,
            "state": "delivered",
            "due_at": one.due_at,
        }
        for one in waiting
    ]
    return {
        "claim": await _rows_read(connection, "claim", "default", "a", 30.0, 100, now, 5, [], 0, 0),
        "due": await _rows_read(connection, "due", "default", endpoint, now, BATCH, False, None),
        "is_waiting": await _rows_read(connection, "is_waiting", "default", now, []),
        "record": await _rows_read(connection, "record", "default", "a", done, []),
    }


def test_a_look_at_the_queue_reads_what_it_needs_however_much_waits(dsn: str) -> None:
    read = asyncio.run(_scenario(dsn))
    assert max(read.values()) <= max(ENDPOINTS * ENDPOINTS, 2 * BATCH), read
