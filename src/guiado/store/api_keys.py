"""API keys of tenants; of each secret its SHA-256 is stored, never the secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guiado.store.connection import Connection, Row
from guiado.store.queries import sql


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it is stored.

    Args:
        prefix: the beginning of the secret, by which people tell keys apart.
        scopes: what it may do.
        previous_until: until then the secret before the last rotation is good too.
        last_used_at: to the minute.
    """

    key_id: UUID
    tenant_id: str
    name: str
    prefix: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None = None
    previous_until: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


async def add(
    connection: Connection,
    tenant: str,
    key_id: UUID,
    name: str,
    secret: tuple[str, str],
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> ApiKey | None:
    """Store a new key, inside a transaction; None when a live one has its name.

    Args:
        secret: prefix and hash.
    """
    await connection.execute(sql("api_keys", "lock"), tenant)
    row = await connection.fetchrow(sql("api_keys", "add"), tenant, key_id, name, *secret, list(scopes), expires_at)
    return _key(row)


async def listed(connection: Connection, tenant: str) -> list[ApiKey]:
    """All keys of a tenant, the newest first."""
    return [ApiKey(**dict(row)) for row in await connection.fetch(sql("api_keys", "listed"), tenant)]


async def rotate(connection: Connection, tenant: str, key_id: UUID, secret: tuple[str, str], overlap_s: float) -> ApiKey | None:
    """Give a live key a new secret; None when there is no such key.

    Args:
        secret: prefix and hash.
        overlap_s: seconds for which the secret before stays good.
    """
    return _key(await connection.fetchrow(sql("api_keys", "rotate"), tenant, key_id, *secret, float(overlap_s)))


async def revoke(connection: Connection, tenant: str, key_id: UUID) -> ApiKey | None:
    """End a key; None when there is no such key."""
    return _key(await connection.fetchrow(sql("api_keys", "revoke"), tenant, key_id))


async def by_hash(connection: Connection, secret_hash: str) -> ApiKey | None:
    """The live key with this secret, over all tenants, on a connection of the tables' owner."""
    return _key(await connection.fetchrow(sql("api_keys", "by_hash"), secret_hash))


async def exists(connection: Connection) -> bool:
    """Whether any key was ever made, over all tenants, on a connection of the tables' owner."""
    return bool(await connection.fetchval(sql("api_keys", "exists")))


async def mark_used(connection: Connection, tenant: str, key_id: UUID) -> None:
    """Note that a key is in use, to the minute."""
    await connection.execute(sql("api_keys", "mark_used"), tenant, key_id)


def _key(row: Row | None) -> ApiKey | None:
    return ApiKey(**dict(row)) if row else None
