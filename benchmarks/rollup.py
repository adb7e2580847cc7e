"""Analytics over 200,000 sessions of a year: the first roll-up, the refresh of one minute, and the reads."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import asyncpg
from _installation import Installation, share

from guiado.store import reports
from guiado.store.migrate import migrate

SESSIONS, PROBLEMS, DAYS, ROUNDS, READ_LIMIT_MS, REFRESH_LIMIT_S = 200_000, 40, 365, 21, 50.0, 1.0
_FILL = f"""
INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, detected_problem_id,
    detected_problem_title, status, current_step, total_steps, started_at, updated_at, resolved_at, escalated_at)
SELECT md5(n::text)::uuid, 'c' || n % 20000 || '@example.com', 'texto ' || n, 'p' || n % {PROBLEMS},
       'Problema ' || n % {PROBLEMS}, CASE n % 4 WHEN 0 THEN 'escalated' WHEN 1 THEN 'abandoned' ELSE 'resolved' END, n % 4, 4,
       at, at + interval '9 minutes',
       CASE WHEN n % 4 > 1 THEN at + interval '9 minutes' END, CASE WHEN n % 4 = 0 THEN at + interval '9 minutes' END
  FROM generate_series(1, {SESSIONS}) n, LATERAL (SELECT now() - n * interval '{DAYS} days' / {SESSIONS} AS at) t;
INSERT INTO support_troubleshooting_attempts (id, session_id, step_number, step_title, success, attempted_at)
SELECT md5(n || '-' || k)::uuid, md5(n::text)::uuid, k, 'Paso ' || k, k % 3 = 0, at
  FROM generate_series(1, {SESSIONS}) n, generate_series(1, 2) k,
       LATERAL (SELECT now() - n * interval '{DAYS} days' / {SESSIONS} AS at) t;
ANALYZE;
"""


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _median_ms(work: Callable[[], Awaitable[object]]) -> float:
    return statistics.median([await _seconds(work) for _ in range(ROUNDS)]) * 1_000


async def _measure(dsn: str) -> list[tuple[str, float, str, str]]:
    await migrate(dsn)
    connection: Any = await asyncpg.connect(dsn)
    try:
        await connection.execute(_FILL)
        refresh = "SELECT refresh_troubleshooting_views()"
        first = await _seconds(lambda: connection.fetchval(refresh))
        again = await _seconds(lambda: connection.fetchval(refresh))
        now = datetime.now(UTC)
        reads: dict[str, Callable[[], Awaitable[object]]] = {
            "Analíticas de 30 días": lambda: reports.daily(connection, "default", now - timedelta(days=30), now),
            "Pasos de 30 días": lambda: reports.steps(connection, "default", now - timedelta(days=30), now),
            "El momento presente": lambda: reports.realtime(connection, "default"),
            "mv_top_problems": lambda: connection.fetch("SELECT * FROM mv_top_problems"),
            "mv_daily_troubleshooting_summary": lambda: connection.fetch("SELECT * FROM mv_daily_troubleshooting_summary"),
        }
        taken = {name: await _median_ms(read) for name, read in reads.items()}
        year = await _median_ms(lambda: reports.daily(connection, "default", now - timedelta(days=DAYS), now))
    finally:
        await connection.close()
    return [
        (f"Primer resumen de {SESSIONS} sesiones de un año", first, "s", ""),
        ("Resumen y vistas, cada minuto", again, "s", share(again, REFRESH_LIMIT_S, "s")),
        (f"Analíticas de {DAYS} días ({DAYS * (PROBLEMS + 1)} filas)", year, "ms", ""),
        *((name, value, "ms", share(value, READ_LIMIT_MS, "ms")) for name, value in taken.items()),
    ]


def main() -> list[tuple[str, float, str, str]]:
    """Seconds of roll-ups, and the median milliseconds of each read."""
    with Installation() as made:
        return asyncio.run(_measure(made.database.join()))


if __name__ == "__main__":
    for row in main():
        print(*row)
