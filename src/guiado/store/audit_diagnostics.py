"""Checks of the audit log for `guiado doctor`: whether it is sealed in time, and whether the end of its chains is intact."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from guiado.domain.audit_chain import Check
from guiado.store import audit
from guiado.store.check_result import Finding, bad, doubtful, good
from guiado.store.connection import DriverConnection
from guiado.store.queries import sql

_BEHIND = timedelta(minutes=1)
_LAST_ROWS = 200
_ANY_ID = UUID(int=2**128 - 1)


async def look_at_audit(connection: DriverConnection, seal_key: bytes | None) -> list[Finding]:
    """Findings about the audit log of every tenant.

    Args:
        seal_key: of the chains; None where it is not known, so that they are not checked.
    """
    found = await _look_at_sealing(connection)
    for row in await connection.fetch(sql("checkup", "chains")) if seal_key is not None else []:
        if await _is_broken(connection, seal_key or b"", row["tenant_id"], row["seq"]):
            found.append(
                bad(
                    "audit",
                    "Alguien cambió el registro de auditoría de {tenant}, o el secreto de la instalación es otro.\n"
                    "Mira desde qué fila con guiado audit verify, y compara con una copia de seguridad.",
                    tenant=row["tenant_id"],
                )
            )
    return found or [good("audit", "El registro de auditoría está sellado.")]


async def _look_at_sealing(connection: DriverConnection) -> list[Finding]:
    # Where nobody has sealed since, the check of the periodic jobs says so.
    last = await connection.fetchval(sql("checkup", "sealed_last"))
    count = await connection.fetchval(sql("checkup", "unsealed"), last - _BEHIND) if last else 0
    if not count:
        return []
    return [
        doubtful(
            "audit",
            "{count} filas de la auditoría esperan su sello desde hace más de un minuto.\n"
            "Comprueba con guiado db status que guiado entra con el usuario que creó las tablas; mira el registro del servicio.",
            count=count,
        )
    ]


async def _is_broken(connection: DriverConnection, key: bytes, tenant: str, last: int) -> bool:
    """Whether the last rows of a tenant's chain, or its seals, are not as they were sealed."""
    head, checkpoint = await audit.head(connection, tenant), await audit.checkpoint(connection, tenant)
    rows = await audit.chain(connection, tenant, (last - _LAST_ROWS, _ANY_ID), _LAST_ROWS + 1)
    check = Check(key, tenant, head, checkpoint if checkpoint and checkpoint.seal else None)
    if rows and check.broken is None and rows[0].seq > check.seq + 1:
        check.seq, check.digest = rows[0].seq, rows[0].digest or ""
        rows = rows[1:]
    for row in rows:
        check.add(row)
    return check.end() is not None
