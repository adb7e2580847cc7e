"""Connections: a few per process, jsonb as plain values, and a way back after PostgreSQL was gone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import asyncpg
import msgspec

from guiado import clock
from guiado.errors import DatabaseUnavailable
from guiado.logs import get_logger
from guiado.store.refusals import disk_full, reason

_RECOVERY_S = 15.0
"""How long a caller waits for a PostgreSQL that is starting again."""
_LONGEST_PAUSE_S = 0.5
_LONGEST_IDLE_S = 300.0
"""A connection that nobody used for longer is not trusted: a firewall on the way may have forgotten it without a word."""
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
# The server lives, but cannot write for now: its disk is full or read-only, its memory is used up, or it is a stand-by.
_EXHAUSTED = (asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError, asyncpg.ReadOnlySQLTransactionError)
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


class Database:
    """Connections to one database: as many as are needed at once, kept open, given back in the state in which they were taken.

    The driver's own pool takes three times as long to hand out a connection as this does, and a step takes one for each answer.

    Args:
        find: gives the address of the database, starting it where it is embedded; may be called again after a crash.
        pool_size: connections at most.
        role: the role to work as, where it exists and may be taken: the second lock between tenants.
        tenant: whose rows this process works on.
    """

    def __init__(
        self, find: Callable[[], Awaitable[str]], *, pool_size: int = 16, role: str | None = None, tenant: str = "default"
    ) -> None:
        self._find, self._role = find, role
        self._arguments: dict[str, Any] = {
            "command_timeout": 60,
            "server_settings": {"application_name": "guiado", "guiado.tenant": tenant},
        }
        self._slots = asyncio.Semaphore(pool_size)
        self._idle: list[tuple[Any, float]] = []  # with the moment of giving back: the latest is last
        self._dsn: str | None = None
        self._is_closed = False
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections, those in use when they are given back; safe to call twice."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close(connection) for connection, _ in idle))

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection in autocommit mode.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be reached, or went away in the middle.
        """
        await self._take_slot()
        acquired: Any = None
        is_sound = False
        try:
            acquired = await self._acquire()
            yield cast("Connection", acquired)
            is_sound = True
        except asyncio.CancelledError:
            # The statement that was cut off would go on in the server: closing waits until it was told to stop there.
            if acquired is not None and not acquired.is_closed():
                await _close(acquired)
            raise
        except _LOST as error:
            if isinstance(error, ValueError):  # the driver's word for an argument that it cannot encode
                is_sound = True
                raise
            self._drop_idle()  # a server that is gone took all of them along
            raise _unavailable(error) from error
        except _EXHAUSTED as error:
            is_sound = True
            raise _unavailable(error) from error
        except Exception:
            is_sound = True
            raise
        finally:
            # Who was stopped in the middle of a statement leaves a connection that nobody else may use.
            self._slots.release()
            if acquired is not None:
                self._give_back(acquired, is_sound=is_sound)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A connection inside one transaction: all of it, or nothing.

        Raises:
            DatabaseUnavailable: as for `connection`.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(_RECOVERY_S):
                await self._slots.acquire()
        except TimeoutError as error:
            raise _unavailable(error) from error

    def _give_back(self, connection: Any, *, is_sound: bool) -> None:  # noqa: ANN401
        if self._is_closed or not is_sound:
            connection.terminate()
        elif not connection.is_closed():
            self._idle.append((connection, clock.monotonic_s()))

    def _drop_idle(self, before_s: float = math.inf) -> None:
        """Drop the connections that were given back before a moment; normally all."""
        while self._idle and self._idle[0][1] < before_s:
            self._idle.pop(0)[0].terminate()

    async def _acquire(self) -> object:
        self._drop_idle(clock.monotonic_s() - _LONGEST_IDLE_S)
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()

    async def _connect(self) -> object:
        deadline = clock.monotonic_s() + _RECOVERY_S
        pause_s = 0.05
        while True:
            try:
                return await self._open()
            except (*_LOST, TimeoutError) as error:
                if clock.monotonic_s() > deadline:
                    raise _unavailable(error) from error
                log.warning("database_retry", error=type(error).__name__)
                await self._revive()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            except asyncpg.PostgresError as error:
                raise _unavailable(error) from error

    async def _open(self) -> object:
        if self._dsn is None:
            async with self._lock:
                if self._dsn is None:
                    self._dsn = await self._find()
        connection: Any = await cast("Any", asyncpg).connect(self._dsn, timeout=_RECOVERY_S, **self._arguments)
        try:
            await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _prepare(self, connection: Any) -> None:  # noqa: ANN401
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode, format="text")
        if self._role:
            await connection.execute(f"SET ROLE {self._role}")

    async def _revive(self) -> None:
        """Ask again where the database is: an embedded one that crashed is started by that, maybe at another address."""
        async with self._lock:
            self._dsn = await self._find()
            self._drop_idle()


async def _close(connection: Any) -> None:  # noqa: ANN401
    try:
        await connection.close(timeout=5)
    except (TimeoutError, *_LOST):
        connection.terminate()


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    if isinstance(error, asyncpg.DiskFullError):
        return disk_full()
    return DatabaseUnavailable(
        "La base de datos no responde: {problem}.\nVuelve a intentarlo en unos segundos; si sigue, prueba guiado doctor.",
        problem=reason(error),
    )
