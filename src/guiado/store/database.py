"""Database connections: a pool per process, jsonb as plain values, and reconnection after a failure of PostgreSQL."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from guiado import clock
from guiado.errors import DatabaseUnavailable, GuiadoError, QueryTooSlow
from guiado.logs import get_logger
from guiado.store import pooler, skew
from guiado.store.connect import dial
from guiado.store.connection import Connection, DriverConnection
from guiado.store.driver_errors import disk_full, hide_values, is_programs_fault, reason
from guiado.store.embedded import programs
from guiado.store.host_watch import HostWatch
from guiado.store.secret_box import SecretBox
from guiado.store.tenant_connection import TenantConnection, scope_of

LOAD_LIBRARIES = "DO $$ BEGIN NULL; END $$"
"""Statement that loads the library of plpgsql into a connection; nearly every statement of guiado needs it."""
_RECOVERY_S = 15.0
"""How long a caller waits for a PostgreSQL that is starting again."""
_LONGEST_PAUSE_S = 0.5
_LONGEST_IDLE_S = 300.0
"""Longest idle time of a connection before it is closed: a firewall may have dropped it silently."""
_LONGEST_IDLE_POOLED_S = 2.0
"""Longest idle time behind a pooler: in session mode another client may wait for the server connection."""
_COMMAND_TIMEOUT_S = 60.0
_NAMED_STATEMENTS = 100
"""Number of named prepared statements that a direct connection keeps; behind a pooler none is named."""
_PROOF_TIMEOUT_S = 2.0
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""Errors by which the server ends a connection or refuses a new one."""
_DRIVER = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors of a lost connection, but also of a mistake in the program: see `_is_lost`."""
_LOST = (*_GONE, *_DRIVER)
# The server lives, but cannot write for now: its disk is full or read-only, its memory is used up.
_EXHAUSTED = (asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError)
log = get_logger()


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


class Database:
    """Connection pool of one database: opens connections on demand, keeps them open, and does not reset them.

    The driver's own pool takes three times as long to hand out a connection as this does, and a step takes one for each answer.

    Tenant and role are set in each transaction, and end with it (`store/tenant_connection.py`).

    Args:
        find: returns the address of the database, starting an embedded one; may be called again after a crash.
        pool_size: connections at most.
        role: the role to work as, where it exists and may be taken: the second lock between tenants.
        tenant: the default tenant.
        presence: whether there is a pooler; "auto" detects it.
        box: encrypts the credentials that are stored, and decrypts them.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[str]],
        *,
        pool_size: int = 16,
        role: str | None = None,
        tenant: str = "default",
        presence: pooler.Presence = "auto",
        box: SecretBox | None = None,
    ) -> None:
        self.box = box or SecretBox()
        self._find, self._role, self._tenant = find, role, tenant
        self._looks, self._is_pooled = presence == "auto", None if presence == "auto" else presence == "on"
        self._slots = asyncio.Semaphore(pool_size)
        self._idle: list[tuple[TenantConnection, float]] = []  # with the moment of giving back: the latest is last
        self._dsn: str | None = None
        self._is_closed = False
        self._lock = asyncio.Lock()
        self._hosts = HostWatch(self._drop_idle_of)

    @property
    def is_pooled(self) -> bool:
        """Whether the database is behind a pooler, as far as is known."""
        return bool(self._is_pooled)

    async def close(self) -> None:
        """Close all connections, those in use when they are given back; safe to call twice."""
        self._is_closed = True
        self._hosts.stop()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close(connection) for connection, _ in idle))

    @asynccontextmanager
    async def connection(self, tenant: str | None = None) -> AsyncGenerator[Connection]:
        """A connection in autocommit mode: each statement is a transaction of its own.

        Args:
            tenant: the tenant whose rows are visible; by default that of the process.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be reached, or went away in the middle.
        """
        await self._take_slot()
        acquired: TenantConnection | None = None
        is_sound = False
        try:
            acquired = await self._acquire()
            acquired.box = self.box
            acquired.scope = scope_of(tenant or self._tenant, self._role, is_named=acquired.is_named)
            self._hosts.pick_up(acquired)
            yield acquired
            is_sound = True
        except asyncio.CancelledError:
            # The statement that was cut off would go on in the server: closing waits until it was told to stop there.
            if acquired is not None and not acquired.is_closed():
                await _close(acquired)
            raise
        except Exception as error:
            hide_values(error)
            is_sound, said = await self._judge(error, acquired)
            if said is None:
                raise
            raise said from error
        finally:
            # Who was stopped in the middle of a statement leaves a connection that nobody else may use.
            self._slots.release()
            if acquired is not None:
                self._hosts.put_down(acquired)
                self._give_back(acquired, is_sound=is_sound)

    async def prove(self) -> None:
        """Check on a new connection that PostgreSQL loads its libraries, accepts writes and keeps transactions.

        Open connections prove nothing about new ones, and reading proves nothing about writing.

        Raises:
            DatabaseUnavailable: a check fails, or takes longer than two seconds.
        """
        try:
            async with asyncio.timeout(_PROOF_TIMEOUT_S):
                connection = await self._open()
        except (*_LOST, asyncpg.PostgresError) as error:
            if is_programs_fault(error):
                self._dsn = None  # the next connection looks for the server anew, which starts an embedded one again
            raise _unavailable(error) from error
        try:
            async with asyncio.timeout(_PROOF_TIMEOUT_S):
                await require_writable(connection)
                if self._is_pooled:
                    await pooler.require_transactions(connection)
        except (*_LOST, asyncpg.PostgresError) as error:
            raise _unavailable(error) from error
        finally:
            connection.terminate()

    async def _judge(self, error: Exception, connection: TenantConnection | None) -> tuple[bool, GuiadoError | None]:
        """Classify an error, and close the idle connections that it makes unusable.

        Returns:
            Whether the connection may be used again, and the error to raise instead, None for the error itself.
        """
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            # Somebody demoted this server, or it never was the one to write to: new connections may lead to another one.
            self._drop_idle()
            return False, _unavailable(error)
        if is_programs_fault(error):
            self._dsn = None
            self._drop_idle()
            return False, programs.replaced_error()
        if unfit := pooler.unfit(error):
            self._drop_idle()
            return False, unfit
        if connection is not None and isinstance(error, TimeoutError):
            return False, await self._too_slow()
        if _is_lost(error, connection):
            self._drop_idle()  # a server that is gone took all of them along
            return False, _unavailable(error)
        return True, _unavailable(error) if isinstance(error, _EXHAUSTED) else None

    async def _too_slow(self) -> GuiadoError:
        """The error for a statement that timed out: that of the server if it does not work at all, else `QueryTooSlow`."""
        try:
            await self.prove()
        except DatabaseUnavailable as error:
            self._drop_idle()
            return error
        return QueryTooSlow(
            "Una consulta tardó más de lo permitido y se interrumpió; la base de datos sigue en marcha.\n"
            "Vuelve a intentarlo; si se repite, mira la carga de la base de datos."
        )

    @asynccontextmanager
    async def transaction(self, tenant: str | None = None) -> AsyncGenerator[Connection]:
        """A connection inside one transaction, of which everything takes effect or nothing.

        Args:
            tenant: as for `connection`.

        Raises:
            DatabaseUnavailable: as for `connection`.
        """
        async with self.connection(tenant) as connection, connection.transaction():
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

    def _give_back(self, connection: TenantConnection, *, is_sound: bool) -> None:
        if self._is_closed or not is_sound:
            connection.terminate()
        elif not connection.is_closed():
            connection.scope = None
            self._idle.append((connection, clock.monotonic_s()))

    def _drop_idle(self, before_s: float = math.inf) -> None:
        """Close the idle connections that were given back before a moment; by default all."""
        while self._idle and self._idle[0][1] < before_s:
            self._idle.pop(0)[0].terminate()

    def _drop_idle_of(self, connections: set[TenantConnection]) -> None:
        self._idle = [(one, since_s) for one, since_s in self._idle if one not in connections]

    async def _acquire(self) -> TenantConnection:
        self._drop_idle(clock.monotonic_s() - (_LONGEST_IDLE_POOLED_S if self._is_pooled else _LONGEST_IDLE_S))
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()

    async def _connect(self) -> TenantConnection:
        deadline = clock.monotonic_s() + _RECOVERY_S
        pause_s, is_second_start = 0.05, False
        while True:
            try:
                return await self._open()
            except GuiadoError:
                raise
            except _LOST as error:
                if clock.monotonic_s() > deadline:
                    raise _unavailable(error) from error
                log.warning("database_retry", error=type(error).__name__)
                await self._revive()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            except asyncpg.PostgresError as error:
                if not is_programs_fault(error) or is_second_start:
                    raise _unavailable(error) from error
                is_second_start = True
                await self._revive()

    async def _open(self) -> TenantConnection:
        if self._dsn is None:
            async with self._lock:
                if self._dsn is None:
                    self._dsn = await self._find()
        while True:
            is_named = self._is_pooled is False
            size = _NAMED_STATEMENTS if is_named else 0
            dialled = await dial(
                self._dsn, _RECOVERY_S, TenantConnection, command_timeout=_COMMAND_TIMEOUT_S, statement_cache_size=size
            )
            try:
                if is_named != await self._recognise(dialled.connection):
                    await self._prepare(dialled.connection, is_named=is_named)
                    self._hosts.add(dialled)
                    return dialled.connection
            except BaseException:
                dialled.connection.terminate()
                raise
            dialled.connection.terminate()  # it was opened for the other kind: the next one fits

    async def _recognise(self, connection: TenantConnection) -> bool:
        """Whether the database is behind a pooler, by the setting or by a test; remembers the result."""
        # PostgreSQL loads its libraries with the first use of each connection: better here than in the middle of an answer.
        found = await pooler.is_pooled(connection, f"{LOAD_LIBRARIES}; ")
        if self._looks and found != self._is_pooled:
            self._is_pooled = found
            if found:
                await pooler.require_transactions(connection)
                log.info("database_pooler", limits=str(pooler.LIMITS))
        return bool(self._is_pooled)

    async def _prepare(self, connection: TenantConnection, *, is_named: bool) -> None:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode, format="text")
        if is_named:
            await connection.prepare_scope(self._role)
        await skew.measure_s(connection)

    async def _revive(self) -> None:
        """Look up the address again, which restarts a crashed embedded database, and close the idle connections."""
        async with self._lock:
            self._dsn = await self._find()
            self._drop_idle()


async def _close(connection: TenantConnection) -> None:
    try:
        await connection.close(timeout=5)
    except _LOST:
        connection.terminate()


def _is_lost(error: Exception, connection: TenantConnection | None) -> bool:
    """Whether a connection is lost; after an error of the driver only if there is none or it is closed.

    A wrong number of arguments is an `InterfaceError` too, and a missing file between two statements an `OSError`.
    """
    if isinstance(error, _GONE):
        return True
    return isinstance(error, _DRIVER) and (connection is None or connection.is_closed())


async def require_writable(connection: DriverConnection) -> None:
    """Raise `ReadOnlySQLTransactionError` on a standby and on a read-only server."""
    if await connection.fetchval("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"):
        raise asyncpg.ReadOnlySQLTransactionError("this server takes no writes")


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    if unfit := pooler.unfit(error):
        return unfit
    if isinstance(error, asyncpg.DiskFullError):
        return disk_full()
    if is_programs_fault(error):
        return programs.replaced_error()
    return DatabaseUnavailable(
        "La base de datos no responde: {problem}.\nVuelve a intentarlo en unos segundos; si sigue, prueba guiado doctor.",
        problem=reason(error),
    )
