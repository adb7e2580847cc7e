"""Connections: one pool per process, jsonb as plain values, and a way back after PostgreSQL was gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import asyncpg
import msgspec

from guiado import clock
from guiado.errors import DatabaseUnavailable
from guiado.logs import get_logger

_RECOVERY_S = 15.0
"""How long a caller waits for a PostgreSQL that is starting again."""
_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver's state when a connection dies at a bad moment
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
log = get_logger()


class Row(Protocol):
    """One row of a result, by column name."""

    def __getitem__(self, column: str) -> Any: ...  # noqa: ANN401


class Connection(Protocol):
    """What the store uses of a connection."""

    async def fetch(self, query: str, *args: object, timeout: float | None = None) -> list[Row]: ...  # noqa: ASYNC109, D102
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...  # noqa: D102
    async def fetchval(self, query: str, *args: object) -> Any: ...  # noqa: ANN401, D102
    async def execute(self, query: str, *args: object) -> str: ...  # noqa: D102
    def transaction(self) -> Any: ...  # noqa: ANN401, D102


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _no_reset(_connection: object) -> None:
    # Nothing here changes a connection's state, so that a round trip to reset it would be wasted.
    return


class Database:
    """A pool of connections to one database.

    Args:
        find: gives the address of the database, starting it where it is embedded; may be called again after a crash.
        pool_size: connections at most.
        role: the role to work as, where it exists and may be taken: the second lock between tenants.
        tenant: whose rows this process works on.
    """

    def __init__(
        self, find: Callable[[], Awaitable[str]], *, pool_size: int = 16, role: str | None = None, tenant: str = "default"
    ) -> None:
        self._find, self._size, self._role = find, pool_size, role
        self._arguments: dict[str, Any] = {
            "command_timeout": 60,
            "server_settings": {"application_name": "guiado", "guiado.tenant": tenant},
        }
        self._pool: Any = None
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Give all connections back; safe to call twice."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), 5)
            except (TimeoutError, *_LOST):
                pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection in autocommit mode.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be reached, or went away in the middle.
        """
        acquired = await self._acquire()
        try:
            yield cast("Connection", acquired)
        except _LOST as error:
            if isinstance(error, ValueError):  # the driver's word for an argument that it cannot encode
                raise
            with contextlib.suppress(asyncpg.InterfaceError):  # the pool has it back already
                cast("Any", acquired).terminate()
            raise _unavailable(error) from error
        finally:
            pool = self._pool
            if pool is not None:
                with contextlib.suppress(*_LOST):
                    await pool.release(acquired)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A connection inside one transaction: all of it, or nothing.

        Raises:
            DatabaseUnavailable: as for `connection`.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _acquire(self) -> object:
        deadline = clock.monotonic_s() + _RECOVERY_S
        while True:
            try:
                pool = await self._opened()
                return await pool.acquire(timeout=max(1.0, deadline - clock.monotonic_s()))
            except (*_LOST, TimeoutError) as error:
                if clock.monotonic_s() > deadline or isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
                    raise _unavailable(error) from error
                log.warning("database_retry", error=type(error).__name__)
                await self._revive()
            except asyncpg.PostgresError as error:
                raise _unavailable(error) from error

    async def _opened(self) -> Any:  # noqa: ANN401
        if self._pool is None:
            async with self._lock:
                if self._pool is None:
                    self._pool = await self._open(await self._find())
        return self._pool

    async def _open(self, dsn: str) -> object:
        return await cast("Any", asyncpg).create_pool(
            dsn, min_size=0, max_size=self._size, init=self._prepare, reset=_no_reset,
            max_inactive_connection_lifetime=300, **self._arguments,
        )  # fmt: skip

    async def _prepare(self, connection: Any) -> None:  # noqa: ANN401
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode, format="text")
        if self._role:
            await connection.execute(f"SET ROLE {self._role}")

    async def _revive(self) -> None:
        """Ask again where the database is: an embedded one that crashed is started by that."""
        async with self._lock:
            dsn = await self._find()
            pool = self._pool
            if pool is not None:
                # Connections to the old server are dead; the address may have changed too.
                await pool.expire_connections()
                pool.set_connect_args(dsn, **self._arguments)
        await asyncio.sleep(0.05)


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "La base de datos no responde ({problem}). Vuelve a intentarlo en unos segundos; si sigue, mira su registro.",
        problem=f"{type(error).__name__}: {error}"[:200] if str(error) else type(error).__name__,
    )
