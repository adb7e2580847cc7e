"""A connection that sets tenant and role at the beginning of every transaction, and for that transaction only.

Row-level security compares `tenant_id` with the setting `guiado.tenant`. A setting of the connection would stay on the server
connection that a pooler hands to another client, so both are local to the transaction. Asking for them with statements of their
own would take two more round trips for each query: PostgreSQL's protocol runs everything up to the next Sync in one
transaction, so they travel in front of the query, in the same round trip.

Source: ADR 0017; PostgreSQL manual, "Frontend/Backend Protocol", Extended Query and Pipelining.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import asyncpg

from guiado.store.connection import DriverConnection
from guiado.store.secret_box import SecretBox

_STATEMENT = "guiado_scope"
_SYNC_TIMEOUT_S = 5.0
# No rows: the driver takes every row for one of the query. Concatenation evaluates both sides.
_SET_BOTH = "SELECT WHERE set_config('guiado.tenant', $1, true) || set_config('role', $2, true) IS NULL"
_SET_TENANT = "SELECT WHERE set_config('guiado.tenant', $1, true) IS NULL"


@dataclass(frozen=True, slots=True)
class ConnectionScope:
    """Beginning of a transaction, which sets tenant and role.

    Args:
        messages: in front of a query with parameters (Parse, Bind and Execute, without Sync).
        statement: in front of the text of a query without any.
    """

    messages: bytes
    statement: str


@lru_cache(maxsize=4_096)
def scope_of(tenant: str, role: str | None, *, is_named: bool) -> ConnectionScope:
    """Return the scope of a tenant's transactions.

    Args:
        role: to work as; None for the one that logged in.
        is_named: whether the connection has its statement prepared under a name.
    """
    values = (tenant, role) if role else (tenant,)
    query = _SET_BOTH if role else _SET_TENANT
    statement = query.replace("$2", _quoted(role or "")).replace("$1", _quoted(tenant))  # any text may be a tenant's name
    return ConnectionScope(_bind_and_execute(values) if is_named else _parse(query) + _bind_and_execute(values, ""), statement)


class TenantConnection(DriverConnection):
    """A connection of asyncpg that works for one tenant while it is in use.

    Outside of an explicit transaction each statement is a transaction of its own.
    """

    __slots__ = ("_prepared", "box", "scope")

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.scope: ConnectionScope | None = None
        """Scope of the tenant that uses the connection; None while it is idle."""
        self.box = SecretBox()
        self._prepared: object = None  # the driver closes a prepared statement that nobody holds

    @property
    def is_named(self) -> bool:
        """Whether the statement of the scope is prepared under a name."""
        return self._prepared is not None

    async def prepare_scope(self, role: str | None) -> None:
        """Prepare the statement of the scope under a name, which saves parsing it each time; never behind a pooler."""
        self._prepared = await self.prepare(_SET_BOTH if role else _SET_TENANT, name=_STATEMENT)

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109  the driver's name
        """Run a statement, or several without arguments, and return the status of the last one."""
        # Without arguments it travels as one message: PostgreSQL would skip that after an error in messages before it.
        if not args and self.scope is not None and not self.is_in_transaction():
            query = f"{self.scope.statement}; {query}"
        return await super().execute(query, *args, timeout=timeout)

    async def _do_execute(
        self, query: str, executor: Callable[..., Awaitable[object]], *given: object, **options: object
    ) -> object:
        """Run a query with parameters in the scope; the driver calls this for every such query, also to repeat one."""

        async def send(*arguments: object) -> object:
            if self.scope is None or self.is_in_transaction():
                return await executor(*arguments)
            self._transport.write(self.scope.messages)
            try:
                return await executor(*arguments)
            except (asyncpg.InterfaceError, asyncpg.DataError):
                await self._end_transaction()
                raise

        return await super()._do_execute(query, send, *given, **options)

    async def _end_transaction(self) -> None:
        """End the transaction of a query that was never sent, because its arguments do not fit."""
        with suppress(OSError, asyncpg.InterfaceError, asyncpg.PostgresError, asyncpg.InternalClientError):
            await super().execute("BEGIN; ROLLBACK", timeout=_SYNC_TIMEOUT_S)


def _quoted(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _parse(query: str) -> bytes:
    return _message(b"P", b"\0" + query.encode() + b"\0" + struct.pack("!h", 0))


def _bind_and_execute(values: tuple[str, ...], statement: str = _STATEMENT) -> bytes:
    encoded = b"".join(struct.pack("!i", len(data)) + data for data in map(str.encode, values))
    parameters = struct.pack("!hh", 0, len(values)) + encoded + struct.pack("!h", 0)
    return _message(b"B", b"\0" + statement.encode() + b"\0" + parameters) + _message(b"E", b"\0" + struct.pack("!i", 0))
