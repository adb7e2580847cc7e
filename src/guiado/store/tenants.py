"""The tenants of an installation that were created with `guiado tenants create`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from guiado.store.connection import Connection
from guiado.store.queries import sql


class StoredTenant(NamedTuple):
    """A tenant that was created.

    Args:
        tenant_id: its name in every row, and in `GUIADO_TENANT`.
    """

    tenant_id: str
    created_at: datetime


async def create(connection: Connection, tenant: str, at: datetime) -> bool:
    """Store a tenant.

    Returns:
        False where it is there already.
    """
    return bool(await connection.fetchval(sql("tenants", "create"), tenant, tenant, at))


async def created(connection: Connection) -> list[StoredTenant]:
    """The tenants that were created, by name, as far as the connection's role may see them."""
    return [StoredTenant(row["tenant_id"], row["created_at"]) for row in await connection.fetch(sql("tenants", "created"))]


async def waiting(connection: Connection) -> list[str]:
    """The created tenants that have something to send, as far as the connection's role may see them."""
    return [row["tenant_id"] for row in await connection.fetch(sql("tenants", "waiting"))]
