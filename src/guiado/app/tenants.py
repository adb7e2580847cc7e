"""Tenants: create one, list them, and name those that this process works for.

Source: contract.md §6.11; ADR 0032.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from guiado import clock
from guiado.app.context import AppContext
from guiado.errors import Conflict, FieldProblem, InvalidInput, Message, printable
from guiado.store import audit, schedule
from guiado.store import tenants as stored
from guiado.store.database import Connection
from guiado.store.log_rows import Audit, audit_row

LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as operators see it.

    Args:
        name: as in `GUIADO_TENANT`.
        created_at: None where it was never created, but is the process's own or has stored data.
        is_own: whether it is the one of `GUIADO_TENANT`.
    """

    name: str
    created_at: datetime | None
    is_own: bool


async def create(parts: AppContext, name: str) -> Tenant:
    """Create a tenant: from now on every process serves it.

    Raises:
        InvalidInput: the name cannot be used.
        Conflict: it exists.
    """
    _check(name)
    at, is_new = clock.now(), False
    if name != parts.tenant:
        async with parts.of_tenant(name).transaction() as connection:
            is_new = await stored.create(connection, name, at)
            if is_new:
                noted = audit_row(name, name, Audit("operator", "create"), at, "tenant")
                await audit.write(connection, name, [noted])
    if not is_new:
        raise Conflict("La organización {name} ya existe. Mira las que hay con: guiado tenants list", name=printable(name))
    return Tenant(name, at, is_own=False)


async def every(parts: AppContext) -> list[Tenant]:
    """The tenants that were created, that have stored data, or that are the process's own; by name."""
    async with for_all_tenants(parts) as connection:
        created = {one.tenant_id: one.created_at for one in await stored.created(connection)}
        names = {*created, *await schedule.tenants(connection), parts.tenant}
    return [Tenant(name, created.get(name), is_own=name == parts.tenant) for name in sorted(names)]


async def served_tenants(parts: AppContext) -> list[str]:
    """The tenants that this process works for: its own, and those that were created."""
    async with for_all_tenants(parts) as connection:
        return [parts.tenant, *(one.tenant_id for one in await stored.created(connection) if one.tenant_id != parts.tenant)]


async def note_first_use(parts: AppContext, tenant: str) -> None:
    """Note a tenant that a request names and that nobody created, so that every process serves it."""
    async with parts.of_tenant(tenant).connection() as connection:
        await stored.create(connection, tenant, clock.now())


@contextlib.asynccontextmanager
async def for_all_tenants(parts: AppContext) -> AsyncGenerator[Connection]:
    """A transaction of the login role; where that owns the tables, row-level security does not limit it to one tenant."""
    async with parts.transaction() as connection:
        await schedule.as_owner(connection)
        yield connection


def _check(name: str) -> None:
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        why = Message("Usa de 1 a {most} caracteres visibles, sin espacios al principio ni al final.", {"most": LONGEST_NAME})
        raise InvalidInput([FieldProblem("name", why)])
