"""Figures for reports: from the roll-up for closed days, live for the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from guiado.store.connection import Connection, Row
from guiado.store.queries import sql

Figures = dict[str, Any]


async def daily(connection: Connection, tenant: str, since: datetime, until: datetime) -> list[Figures]:
    """Measures per day, problem ('*' is the day's total, '' nothing detected) and guide version."""
    return [_plain(row) for row in await connection.fetch(sql("reports", "daily"), tenant, since, until)]


async def steps(connection: Connection, tenant: str, since: datetime, until: datetime) -> list[Figures]:
    """Attempts and failures per problem and step."""
    return [_plain(row) for row in await connection.fetch(sql("reports", "steps"), tenant, since, until)]


async def kinds(connection: Connection, tenant: str, since: datetime, until: datetime) -> dict[str, int]:
    """Number of sessions whose message reports no problem: kind of message -> sessions."""
    rows = await connection.fetch(sql("reports", "kinds"), tenant, since, until)
    return {row["message_kind"]: row["total_sessions"] for row in rows}


async def realtime(connection: Connection, tenant: str) -> Figures:
    """Current figures."""
    row = await connection.fetchrow(sql("reports", "realtime"), tenant)
    return _plain(row) if row else {}


async def top_problems(connection: Connection, tenant: str, since: datetime) -> list[Figures]:
    """The ten most frequent problems."""
    return [_plain(row) for row in await connection.fetch(sql("reports", "top_problems"), tenant, since)]


async def frequent_problems(connection: Connection, tenant: str, since: datetime, until: datetime, limit: int) -> list[str]:
    """Ids of the problems that most sessions were about, most frequent first."""
    rows = await connection.fetch(sql("reports", "frequent_problems"), tenant, since, until, limit)
    return [row["problem_id"] for row in rows]


async def active(connection: Connection, tenant: str, limit: int) -> list[Figures]:
    """Active sessions, latest activity first."""
    rows = [_plain(row) for row in await connection.fetch(sql("reports", "active"), tenant, limit)]
    return [{**row, "session_id": str(row["session_id"])} for row in rows]


def _plain(row: Row) -> Figures:
    return dict(row)
