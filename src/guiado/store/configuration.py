"""What an operator changes in the database, without a restart."""

from __future__ import annotations

from guiado.store.database import Connection
from guiado.store.queries import sql


async def is_on(connection: Connection, tenant: str, key: str) -> bool:
    """Whether a switch of `support_troubleshooting_config` stands at true; one that is missing does not."""
    return await connection.fetchval(sql("configuration", "value"), tenant, key) is True
