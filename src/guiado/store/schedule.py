"""The schedule of periodic work: who runs what, and when it is due again."""

from __future__ import annotations

from datetime import datetime

from guiado.logs import get_logger
from guiado.store.database import Connection, Database
from guiado.store.queries import sql

log = get_logger()
_MAINTENANCE_S = 1_500.0


async def take(connection: Connection, tenant: str, job: str, worker: str, every_s: float, lease_s: float) -> bool:
    """Take a job if it is due and nobody runs it.

    A time far in the future, as a clock that was set back leaves it, counts as due.

    Args:
        every_s: seconds between two starts.
        lease_s: seconds after which this runner counts as dead.
    """
    return bool(await connection.fetchval(sql("schedule", "take"), tenant, job, worker, every_s, lease_s))


async def renew(connection: Connection, tenant: str, job: str, worker: str, lease_s: float) -> None:
    """Keep a job while it runs.

    Args:
        lease_s: seconds after which this runner counts as dead.
    """
    await connection.execute(sql("schedule", "renew"), tenant, job, worker, lease_s)


async def finish(connection: Connection, tenant: str, job: str, worker: str, problem: str | None) -> None:
    """Give a job back.

    Args:
        problem: why it failed, if it did.
    """
    await connection.execute(sql("schedule", "finish"), tenant, job, worker, problem)


async def hasten(connection: Connection, tenant: str, job: str) -> None:
    """Make a job due now, with all its parts: "refit_detector:…" with "refit_detector"."""
    await connection.execute(sql("schedule", "hasten"), tenant, job)


async def last_run(connection: Connection, tenant: str, job: str) -> tuple[datetime | None, str | None]:
    """When a job was last finished, and why it failed then, if it did."""
    row = await connection.fetchrow(sql("schedule", "last_run"), tenant, job)
    return (row["finished_at"], row["last_error"]) if row else (None, None)


async def refresh_views(db: Database) -> int:
    """Roll up what is due and refresh the materialized views; see refresh_troubleshooting_views in the schema.

    Returns:
        1, for the log.
    """
    async with db.transaction() as connection:
        await connection.execute(sql("schedule", "as_owner"))
        await connection.fetch(sql("schedule", "refresh"), timeout=_MAINTENANCE_S)
    return 1


async def clean_up(connection: Connection, days: int) -> int:
    """Delete the tenant's sessions that ended so many days ago, with all that hangs on them; analytics by day stay.

    Returns:
        Rows deleted over all tables.
    """
    rows = await connection.fetch(sql("schedule", "clean_up"), days, timeout=_MAINTENANCE_S)
    return sum(row["deleted"] for row in rows)


async def maintain(db: Database) -> int:
    """Roll up, refresh the materialized views, drop what expired.

    Returns:
        Rows affected over all tasks.
    """
    async with db.transaction() as connection:
        await connection.execute(sql("schedule", "as_owner"))
        rows = await connection.fetch(sql("schedule", "maintain"), timeout=_MAINTENANCE_S)
    for row in rows:
        log.info("maintenance", task=row["task"], result=row["result"], rows=row["rows_affected"])
    return sum(row["rows_affected"] or 0 for row in rows)
