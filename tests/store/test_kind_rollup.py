"""Messages by kind: exact at once, and kept when the sessions go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = {"problem": (1, 3, 90), "person": (1, 90), "other": (3,), "solved": (0, 90, 90)}
"""How many days ago sessions of each kind began."""
COUNT = "SELECT message_kind, sum(total_sessions)::int AS n FROM guiado_kinds_daily($1, now() + interval '1 day') GROUP BY 1"
ADD = """INSERT INTO support_troubleshooting_sessions
             (session_id, customer_email, problem_description, status, started_at, updated_at, ended_at, message_kind)
         VALUES ($1, 'ana@example.com', 'x', 'resolved', $2, $2, $2, $3)"""


async def counted(db: asyncpg.Connection, days: int) -> dict[str, int]:
    return {row["message_kind"]: row["n"] for row in await db.fetch(COUNT, TODAY - timedelta(days=days))}


def test_kinds_are_counted_live_rolled_up_and_kept(dsn: str) -> None:
    async def check() -> Any:
        db = await asyncpg.connect(dsn)
        try:
            for kind, ages in DAYS.items():
                for days in ages:
                    await db.execute(ADD, uuid4(), TODAY - timedelta(days=days) + timedelta(minutes=1), kind)
            expected = {"person": 2, "other": 1, "solved": 3}
            assert await counted(db, 100) == expected
            await db.execute("SELECT guiado_roll_up(now(), true)")
            assert await counted(db, 100) == expected
            assert await counted(db, 2) == {"person": 1, "solved": 1}
            view = {
                row["message_kind"]: row["total_sessions"]
                for row in await db.fetch("SELECT * FROM vw_troubleshooting_message_kinds")
            }
            assert view == {"problem": 2, "solved": 1, "person": 1, "nothing_said": 0, "other": 1}
            await db.fetch("SELECT * FROM cleanup_old_troubleshooting_data(30)")
            assert await db.fetchval("SELECT count(*) FROM support_troubleshooting_sessions") == 5
            assert await counted(db, 100) == expected, "what was deleted still counts"
            await db.execute("SELECT guiado_roll_up(now(), true)")
            assert await counted(db, 100) == expected
        finally:
            await db.close()

    asyncio.run(check())
