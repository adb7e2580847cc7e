"""Customer links of tenants; of each token its SHA-256 is stored, never the token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guiado.store.connection import Connection, Row
from guiado.store.queries import sql


@dataclass(frozen=True, slots=True)
class CustomerLink:
    """A customer link as it is stored.

    Args:
        session_id: the only session that it reaches.
        opened_at: when its button was pressed for the first time.
    """

    link_id: UUID
    tenant_id: str
    session_id: UUID
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None = None
    revoked_at: datetime | None = None


async def add(
    connection: Connection, tenant: str, link_id: UUID, session_id: UUID, token_hash: str, lasts_s: float
) -> CustomerLink | None:
    """Store a new link; None when there is no such session.

    Args:
        lasts_s: seconds for which it is good.
    """
    return _link(await connection.fetchrow(sql("customer_links", "add"), tenant, link_id, session_id, token_hash, lasts_s))


async def listed(connection: Connection, tenant: str, session_id: UUID) -> list[CustomerLink]:
    """All links to a session, the newest first."""
    return [CustomerLink(**dict(row)) for row in await connection.fetch(sql("customer_links", "listed"), tenant, session_id)]


async def revoke(connection: Connection, tenant: str, session_id: UUID, link_id: UUID) -> CustomerLink | None:
    """End a link; None when the session has no such link."""
    return _link(await connection.fetchrow(sql("customer_links", "revoke"), tenant, session_id, link_id))


async def by_hash(connection: Connection, token_hash: str) -> CustomerLink | None:
    """The live link with this token, over all tenants, on a connection of the tables' owner."""
    return _link(await connection.fetchrow(sql("customer_links", "by_hash"), token_hash))


async def expired_by_hash(connection: Connection, token_hash: str) -> CustomerLink | None:
    """The link with this token that expired and was not revoked, over all tenants, on a connection of the tables' owner."""
    return _link(await connection.fetchrow(sql("customer_links", "expired_by_hash"), token_hash))


async def mark_opened(connection: Connection, tenant: str, link_id: UUID) -> None:
    """Note that a link was opened; the first time stays."""
    await connection.execute(sql("customer_links", "mark_opened"), tenant, link_id)


def _link(row: Row | None) -> CustomerLink | None:
    return CustomerLink(**dict(row)) if row else None
