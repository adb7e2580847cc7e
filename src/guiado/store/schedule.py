"""The schedule of periodic jobs: their leases, due times and last runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from guiado.store.connection import Connection, Statements
from guiado.store.database import Database
from guiado.store.queries import sql

_MAINTENANCE_S = 1_500.0


class MaintenanceFailed(Exception):
    """Failure of tasks of the hourly maintenance; names tasks and reasons."""


async def take(connection: Connection, tenant: str, job: str, worker: str, every_s: float, lease_s: float) -> bool:
    """Lease a job if it is due and no worker runs it.

    A time far in the future, as a clock that was set back leaves it, counts as due.

    Args:
        every_s: seconds between two starts.
        lease_s: seconds without `renew` after which the worker counts as dead.
    """
    return bool(await connection.fetchval(sql("schedule", "take"), tenant, job, worker, every_s, lease_s))


async def renew(connection: Connection, tenant: str, job: str, worker: str, lease_s: float) -> None:
    """Renew the lease of a running job.

    Args:
        lease_s: seconds without `renew` after which the worker counts as dead.
    """
    await connection.execute(sql("schedule", "renew"), tenant, job, worker, lease_s)


async def finish(connection: Connection, tenant: str, job: str, worker: str, problem: str | None) -> None:
    """Record the end of a job's run, and end its lease.

    Args:
        problem: the reason for its failure, if it failed.
    """
    await connection.execute(sql("schedule", "finish"), tenant, job, worker, problem)


async def give_back(connection: Connection, tenant: str, job: str, worker: str) -> None:
    """End the lease of a job that was interrupted; it is due again at once, for any worker."""
    await connection.execute(sql("schedule", "give_back"), tenant, job, worker)


async def hasten(connection: Connection, tenant: str, job: str) -> None:
    """Make a job due now, with all its parts: "refit_detector:…" with "refit_detector"."""
    await connection.execute(sql("schedule", "hasten"), tenant, job)


async def last_run(connection: Connection, tenant: str, job: str) -> tuple[datetime | None, str | None]:
    """Time of the end of a job's last run, and its error if it failed."""
    row = await connection.fetchrow(sql("schedule", "last_run"), tenant, job)
    return (row["finished_at"], row["last_error"]) if row else (None, None)


async def as_owner(connection: Connection) -> None:
    """Switch to the role that logged in, until the transaction ends."""
    await connection.execute(sql("schedule", "as_owner"))


async def refresh_views(db: Database) -> int:
    """Roll up due days and refresh the materialized views; see refresh_troubleshooting_views in the schema.

    Returns:
        0: nothing worth a line in the log.
    """
    async with db.transaction() as connection:
        await as_owner(connection)
        await connection.fetch(sql("schedule", "refresh"), timeout=_MAINTENANCE_S)
    return 0


async def roll_up(connection: Connection) -> None:
    """Bring the daily roll-up up to date, including every past day."""
    await connection.fetch(sql("schedule", "roll_up"), timeout=_MAINTENANCE_S)


async def clean_up(
    connection: Connection, tenant: str, days: int | None, most: int, days_by_kind: Mapping[str, int] | None = None
) -> int:
    """Delete one batch of the sessions that ended more than `days` ago, with all dependent rows; daily analytics stay.

    Args:
        days: None keeps sessions for ever.
        most: sessions at most.
        days_by_kind: the same for kinds of records that have a number of their own; see guiado_clean_batch in the schema.

    Returns:
        Rows deleted over all tables; 0 when nothing is left to delete.
    """
    values = (tenant, days, most, dict(days_by_kind or {}))
    rows = await connection.fetch(sql("schedule", "clean_up"), *values, timeout=_MAINTENANCE_S)
    deleted: int = rows[0]["deleted"]
    return deleted


async def trim_examples(connection: Connection, tenant: str) -> int:
    """Delete the examples beyond the number that detection gains from.

    Returns:
        Rows deleted.
    """
    rows = await connection.fetch(sql("schedule", "trim_examples"), tenant, timeout=_MAINTENANCE_S)
    deleted: int = rows[0]["deleted"]
    return deleted


async def forget_jobs(connection: Connection, tenant: str, known: Sequence[str]) -> None:
    """Delete the rows of jobs that have not run for a week and that this version does not know.

    Args:
        known: names of the jobs that stay.
    """
    await connection.execute(sql("schedule", "forget_jobs"), tenant, list(known))


async def tenants(connection: Statements) -> list[str]:
    """All tenants with stored data, as far as the connection's role may see them."""
    return [row["tenant_id"] for row in await connection.fetch(sql("schedule", "tenants"))]


async def now(connection: Connection) -> datetime:
    """Current time of the database."""
    now: datetime = await connection.fetchval(sql("schedule", "now"))
    return now


async def tell_clock(connection: Connection, tenant: str, worker: str, skew_s: float) -> None:
    """Record for `guiado doctor` that this worker's clock is wrong."""
    await connection.execute(sql("schedule", "tell_clock"), tenant, worker, str(round(skew_s)))


async def clear_clock(connection: Connection, tenant: str, worker: str) -> None:
    """Delete the record that this worker's clock is wrong."""
    await connection.execute(sql("schedule", "clear_clock"), tenant, worker)


async def maintain(db: Database) -> int:
    """Roll up, refresh the materialized views, and delete expired rows.

    Returns:
        Number of rows deleted.

    Raises:
        MaintenanceFailed: a task failed; the others are done.
    """
    async with db.transaction() as connection:
        await as_owner(connection)
        rows = await connection.fetch(sql("schedule", "maintain"), timeout=_MAINTENANCE_S)
    failed = [f"{row['task']}: {row['result']}" for row in rows if row["result"] != "ok"]
    if failed:
        raise MaintenanceFailed("; ".join(failed))
    return sum(row["rows_affected"] or 0 for row in rows if row["task"].startswith("cleanup_"))
