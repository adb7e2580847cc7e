"""Settings that an operator changes in the database, without a restart."""

from __future__ import annotations

from guiado.store.connection import Connection
from guiado.store.queries import sql

_LARGEST = 1e300


async def is_on(connection: Connection, tenant: str, key: str) -> bool:
    """Whether a switch of `support_troubleshooting_config` is on; a missing one is off."""
    return await connection.fetchval(sql("configuration", "value"), tenant, key) is True


async def number(connection: Connection, tenant: str, key: str, default: float) -> float:
    """A number of `support_troubleshooting_config`; the default when it is missing or no number."""
    value = await connection.fetchval(sql("configuration", "value"), tenant, key)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return float(min(max(value, -_LARGEST), _LARGEST))  # jsonb knows numbers that no float is
