"""Sealer of the audit log: a job that appends rows to the chains of their tenants, in batches.

The order of a chain is that of sealing: a row that is committed late, with an older id, comes after those sealed before it.

Source: ADR 0030.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from guiado import clock
from guiado.app.context import AppContext
from guiado.domain.audit_chain import BEGINNING, Check, Checkpoint, Head, Sealed, checkpoint_seal, head_seal, linked
from guiado.logs import get_logger
from guiado.store import audit, schedule
from guiado.store.connection import Connection
from guiado.store.log_rows import Audit, audit_row

_BATCH = 500
_LONGEST_S = 30.0
"""Seconds after which one run begins no further batch; the next run goes on."""
log = get_logger()


async def seal_due(parts: AppContext) -> int:
    """Seal every row that waits, over all tenants, and the checkpoints that psql left without a seal.

    Returns:
        0: nothing worth a line in the log.
    """
    deadline = clock.monotonic_s() + _LONGEST_S
    while clock.monotonic_s() < deadline and await _seal_batch(parts) == _BATCH:
        pass
    return 0


async def _seal_batch(parts: AppContext) -> int:
    async with parts.db.transaction() as connection:
        await schedule.as_owner(connection)
        if not await audit.begin_sealing(connection):
            return 0
        for tenant, checkpoint in await audit.checkpoints_to_seal(connection):
            await _accept(connection, parts.seal_key, tenant, checkpoint)
        waiting = await audit.unsealed(connection, _BATCH)
        if waiting:
            await _append(connection, parts.seal_key, waiting)
    return len(waiting)


async def _append(connection: Connection, key: bytes, waiting: list[dict[str, str | None]]) -> None:
    rows_by_tenant: dict[str, list[Mapping[str, str | None]]] = defaultdict(list)
    for columns in waiting:
        rows_by_tenant[columns["tenant_id"] or ""].append(columns)
    heads = await audit.heads(connection, rows_by_tenant)
    sealed: list[Sealed] = []
    ends: dict[str, Head] = {}
    for tenant, rows in rows_by_tenant.items():
        end = heads.get(tenant)
        sealed += [Sealed(*each) for each in linked(key, end.seq if end else 0, end.digest if end else BEGINNING, rows)]
        last = sealed[-1]
        ends[tenant] = Head(last.seq, last.digest or "", head_seal(key, tenant, last.seq, last.digest or ""))
    await audit.seal(connection, sealed, ends)


async def _accept(connection: Connection, key: bytes, tenant: str, checkpoint: Checkpoint) -> None:
    """Seal a checkpoint that psql left, and note it; one that does not fit the chain stays as it is, for `verify` to tell."""
    if not await _fits(connection, key, tenant, checkpoint):
        log.warning("audit_checkpoint_refused", tenant=tenant, seq=checkpoint.seq)
        return
    await audit.seal_checkpoint(connection, tenant, checkpoint.seq, checkpoint_seal(key, tenant, checkpoint))
    noted = Audit("database", "delete", detail={"through": checkpoint.seq, "deleted": checkpoint.deleted})
    await audit.write(connection, tenant, [audit_row(tenant, None, noted, clock.now(), "audit")])


async def _fits(connection: Connection, key: bytes, tenant: str, checkpoint: Checkpoint) -> bool:
    """Whether the chain goes on from a checkpoint, or ends there."""
    sealed = replace(checkpoint, seal=checkpoint_seal(key, tenant, checkpoint))
    check = Check(key, tenant, await audit.head(connection, tenant), sealed)
    following = await audit.chain(connection, tenant, None, 1)
    for row in following:
        check.add(row)
    return (check.broken if following else check.end()) is None


async def seal_checkpoint(connection: Connection, key: bytes, tenant: str) -> None:
    """Seal the checkpoint that retention has just left in this transaction, if it has."""
    checkpoint = await audit.checkpoint(connection, tenant)
    if checkpoint is not None and checkpoint.seal is None and await _fits(connection, key, tenant, checkpoint):
        await audit.seal_checkpoint(connection, tenant, checkpoint.seq, checkpoint_seal(key, tenant, checkpoint))
