"""Audit log: appending, reading and sealing its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from guiado.domain.audit_chain import Checkpoint, Head, Sealed
from guiado.store.connection import Connection, Row, Statements, converted
from guiado.store.queries import sql

COLUMNS = ("tenant_id", "audit_id", "at", "actor", "action", "object_type", "object_id", "request_id", "detail")
"""Columns of a row that its digest is about."""
_NOTHING = UUID(int=0)
_FIRST = -(2**63)
Place = tuple[int, UUID]
"""Number and id of a row of a chain."""


class AuditEntry(Struct, frozen=True):
    """A row of the audit log: an actor did something to an object.

    Args:
        detail: ids and settings of the act; no texts and no addresses.
        chain_seq: its place in the chain; None while it waits to be sealed.
    """

    audit_id: str
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str | None
    request_id: str | None
    detail: dict[str, Any]
    chain_seq: int | None


class UnsealedRows(Struct, frozen=True):
    """Rows that wait to be sealed: their number and the time of the oldest; and the time of the last seal."""

    unsealed: int
    oldest: datetime | None
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filter of the audit log; every given condition must hold."""

    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def write(connection: Connection, tenant: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows, in the transaction of what they are about; see `store.log_rows.audit_row`."""
    await connection.execute(sql("audit", "write"), tenant, rows)


async def page(
    connection: Connection, tenant: str, wanted: AuditFilter, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[AuditEntry]:
    """The newest rows that match a filter.

    Args:
        limit: rows at most.
        before: time and id of a row; only those before it.
    """
    given = (wanted.actor, wanted.action, wanted.since, wanted.until)
    rows = await connection.fetch(sql("audit", "page"), tenant, *given, *(before or (None, None)), limit)
    return [converted(row, AuditEntry) for row in rows]


async def begin_sealing(connection: Connection) -> bool:
    """Begin to seal, in this transaction.

    Returns:
        False where another transaction seals, or the role may not.
    """
    return bool(await connection.fetchval(sql("audit", "begin_sealing")))


async def unsealed(connection: Connection, limit: int) -> list[dict[str, str | None]]:
    """The columns of the oldest rows that are in no chain yet, over all tenants."""
    return [_columns(row) for row in await connection.fetch(sql("audit", "unsealed"), limit)]


async def heads(connection: Connection, tenants: Collection[str]) -> dict[str, Head]:
    """The ends of the chains of these tenants."""
    rows = await connection.fetch(sql("audit", "heads"), list(tenants))
    return {row["tenant_id"]: Head(row["seq"], row["digest"], row["seal"]) for row in rows}


async def seal(connection: Connection, linked: Iterable[Sealed], ends: Mapping[str, Head]) -> None:
    """Store the places of rows in their chains, and the new ends of the chains."""
    rows = [
        {"tenant_id": row.columns["tenant_id"], "audit_id": row.audit_id, "chain_seq": row.seq, "chain_hash": row.digest}
        for row in linked
    ]
    await connection.execute(sql("audit", "seal"), rows)
    for tenant, end in ends.items():
        await connection.execute(sql("audit", "put_head"), tenant, end.seq, end.digest, end.seal)


async def checkpoints_to_seal(connection: Connection) -> list[tuple[str, Checkpoint]]:
    """The checkpoints that have no seal yet, over all tenants."""
    return [(row["tenant_id"], _checkpoint(row)) for row in await connection.fetch(sql("audit", "checkpoints_to_seal"))]


async def seal_checkpoint(connection: Connection, tenant: str, seq: int, seal: str) -> None:
    """Store the seal of a checkpoint that has none."""
    await connection.execute(sql("audit", "allow_change"))
    await connection.execute(sql("audit", "seal_checkpoint"), tenant, seq, seal)


async def chain(connection: Statements, tenant: str, after: Place | None, limit: int) -> list[Sealed]:
    """The rows of a tenant's chain, in its order.

    Args:
        after: the row before the first one; None for the beginning.
        limit: rows at most.
    """
    rows = await connection.fetch(sql("audit", "chain"), tenant, *(after or (_FIRST, _NOTHING)), limit)
    return [Sealed(row["seq"], row["digest"], _columns(row)) for row in rows]


async def head(connection: Statements, tenant: str) -> Head | None:
    """The end of a tenant's chain; None where nothing was sealed yet."""
    row = await connection.fetchrow(sql("audit", "head"), tenant)
    return Head(row["seq"], row["digest"], row["seal"]) if row else None


async def checkpoint(connection: Statements, tenant: str) -> Checkpoint | None:
    """The beginning of a tenant's chain; None where nothing was deleted from it."""
    row = await connection.fetchrow(sql("audit", "checkpoint"), tenant)
    return _checkpoint(row) if row else None


async def waiting(connection: Connection, tenant: str) -> UnsealedRows:
    """Figures of a tenant's rows that wait to be sealed."""
    row = await connection.fetchrow(sql("audit", "waiting"), tenant)
    return converted(row, UnsealedRows) if row else UnsealedRows(0, None, None)


def _columns(row: Row) -> dict[str, str | None]:
    return {name: row[name] for name in COLUMNS}


def _checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(row["seq"], row["digest"], row["deleted"], row["at"], row["seal"])
