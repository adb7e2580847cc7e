"""Detection of a pooler (PgBouncer or similar) between guiado and PostgreSQL, and the limits behind one.

A pooler gives each transaction whichever server connection is free: what belongs to a connection (prepared statements with a
name, session locks, settings) would be another client's after that. guiado needs none of it, except for what `LIMITS` names.
"""

from __future__ import annotations

from typing import Literal

import asyncpg

from guiado.errors import Message, PoolerUnfit
from guiado.store.check_result import Finding, doubtful, good
from guiado.store.connection import DriverConnection

Presence = Literal["auto", "on", "off"]
"""Value of `GUIADO_POOLER`: detect a pooler, there is one, there is none."""
LIMITS = Message("Solo guiado db backup y guiado db restore necesitan la dirección directa de PostgreSQL.")
"""Limits of guiado behind a pooler."""
_STATEMENT_MODE = "statement pooling mode"
_NAMES_LOST = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)


async def is_pooled(connection: DriverConnection, first: str = "") -> bool:
    """Whether a pooler answers: the process number given at connection is not that of the server's process.

    Asks without a prepared statement, and in one round trip with other statements.

    Args:
        first: statements to run before, with their semicolon.
    """
    number = connection.get_server_pid()
    # The driver's own number, and statements of ours.
    status = await connection.execute(f"{first}SELECT FROM pg_backend_pid() AS own (pid) WHERE own.pid = {number}")  # nosec B608  # nosemgrep: sql-made-of-text
    return status != "SELECT 1"


async def require_transactions(connection: DriverConnection) -> None:
    """Refuse a pooler that gives each statement another server connection.

    Raises:
        PoolerUnfit: the pooler does so.
    """
    try:
        async with connection.transaction():
            pass
    except asyncpg.PostgresError as error:
        if refusal := unfit(error):
            raise refusal from error
        raise


def unfit(error: BaseException) -> PoolerUnfit | None:
    """The error for a pooler that guiado cannot work with, if an error shows one; None for any other error."""
    if isinstance(error, asyncpg.PostgresError) and _STATEMENT_MODE in str(error):
        return PoolerUnfit(
            "El pooler reparte cada sentencia por separado (pool_mode = statement), y guiado necesita transacciones.\n"
            "Pon pool_mode = transaction o session para esta base en la configuración del pooler."
        )
    if isinstance(error, _NAMES_LOST):
        return PoolerUnfit(
            "Un pooler cambia de conexión a mitad del trabajo, y guiado no contaba con él.\n"
            "Pon GUIADO_POOLER=on y reinicia guiado."
        )
    return None


async def look_at_pooler(connection: DriverConnection, presence: Presence) -> list[Finding]:
    """Check for a pooler, for `guiado doctor`.

    Raises:
        PoolerUnfit: there is one that guiado cannot work with.
    """
    found = await is_pooled(connection)
    if presence == "off" and found:
        return [
            doubtful(
                "pooler",
                "GUIADO_POOLER=off, y parece que hay un pooler (PgBouncer u otro) delante de PostgreSQL.\n"
                "Quítalo, o comprueba que el pooler conserve las sentencias preparadas de cada conexión.",
            )
        ]
    if not found and presence != "on":
        return []
    await require_transactions(connection)
    return [
        good(
            "pooler",
            "Las conexiones pasan por un pooler (PgBouncer u otro).\n"
            "Solo guiado db backup y guiado db restore necesitan la dirección directa de PostgreSQL.",
        )
    ]
