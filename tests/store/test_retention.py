"""Retention: what ended long ago goes, a batch at a time, with everything personal that hangs on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

_FILL = """
WITH s AS (
    INSERT INTO support_troubleshooting_sessions
        (session_id, customer_email, problem_description, detected_problem_id, status, started_at, updated_at, resolved_at, ended_at)
    SELECT gen_random_uuid(), 'c' || n || '@example.com', 'No puedo entrar', 'recuperar_cuenta', 'resolved', at, at, at, at
      FROM (SELECT n, now() - interval '60 days' - make_interval(mins => n) AS at FROM generate_series(1, $1) n) x
    RETURNING session_id, started_at
), o AS (
    INSERT INTO support_troubleshooting_outbox (event_id, session_id, event, data, occurred_at)
    SELECT gen_random_uuid(), s.session_id, 'step_completed', '{}', s.started_at FROM s, generate_series(1, 5)
    RETURNING event_id, occurred_at
)
INSERT INTO support_webhook_events (id, webhook_id, event_id, event, success, sent_at)
SELECT gen_random_uuid(), 'w', o.event_id, 'step_completed', true, o.occurred_at FROM o
"""
_COUNTS = """SELECT (SELECT count(*) FROM support_troubleshooting_sessions), (SELECT count(*) FROM support_troubleshooting_outbox),
                    (SELECT count(*) FROM support_webhook_events)"""


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def clean_by_hand(dsn: str, sessions: int) -> float:
    """Seconds that the function of the guide takes for so many sessions, in the little memory that PostgreSQL 12 gives by default."""

    async def check(db: asyncpg.Connection) -> float:
        await db.execute(_FILL, sessions)
        await db.execute("ANALYZE")
        await db.execute("SET work_mem = '64kB'")  # a large array does not fit: what looks through it for each row is found out
        begun = time.monotonic()
        rows = await db.fetch("SELECT * FROM cleanup_old_troubleshooting_data(30)", timeout=600)
        took_s = time.monotonic() - begun
        deleted = {row["table_name"]: row["deleted"] for row in rows}
        assert deleted["support_troubleshooting_sessions"] == sessions
        assert deleted["support_troubleshooting_outbox"] == deleted["support_webhook_events"] == 5 * sessions
        assert tuple(await db.fetchrow(_COUNTS)) == (0, 0, 0)
        kept = await db.fetchval(
            "SELECT sum(total_sessions) FROM guiado_daily(now() - interval '400 days', now()) WHERE problem_id = '*'"
        )
        assert kept == sessions
        return took_s

    return on(dsn, check)


def test_three_thousand_sessions_go_in_the_time_of_three_thousand(dsn: str) -> None:
    assert clean_by_hand(dsn, 3_000) < 15


@pytest.mark.long
@pytest.mark.timeout(900)
def test_sixty_thousand_sessions_go_in_the_time_of_sixty_thousand(dsn: str) -> None:
    assert clean_by_hand(dsn, 60_000) < 240
