"""Temporary databases on the current server, to restore and check backups.

A database left by a killed process is dropped by the next one: a lock tells whether another process is still at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from guiado import clock
from guiado.errors import DatabaseUnavailable
from guiado.store.advisory_locks import RESTORATION
from guiado.store.backup.pg_programs import with_database
from guiado.store.connection import DriverConnection
from guiado.store.migrate import connect

_PREFIX = "guiado_scratch_"
_LOCK = RESTORATION
_WAIT_S = 60.0
_LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# Encoding and sorting as in the current database. Columns differ between versions, hence the detour over jsonb.
_CREATE = """
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
              $1::text, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
    || CASE j ->> 'datlocprovider'
            WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(j ->> 'datlocale', j ->> 'daticulocale'))
            WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', j ->> 'datlocale')
            WHEN 'c' THEN ' LOCALE_PROVIDER libc'
            ELSE '' END
  FROM pg_database d, to_jsonb(d) j WHERE d.datname = $2"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A temporary database beside the current one.

    Args:
        admin: connection to a third database, for renaming.
        name: of the temporary database.
        dsn: its address.
        current: name of the current database.
    """

    admin: DriverConnection
    name: str
    dsn: str
    current: str


@asynccontextmanager
async def scratch(dsn: str) -> AsyncGenerator[Scratch]:
    """Yield an empty temporary database; drop it at the end of the `async with`, unless it was renamed.

    Args:
        dsn: address of the current database.

    Raises:
        DatabaseUnavailable: the role may not create databases, or another process is restoring.
    """
    current = await _database_of(dsn)
    admin = await connect_beside(dsn, current)
    name = f"{_PREFIX}{clock.new_id().hex[-12:]}"
    try:
        await _take_turn(admin)
        await _sweep(admin)
        await _create(admin, name, current)
        try:
            yield Scratch(admin, name, with_database(dsn, name), current)
        finally:
            with suppress(*_LOST):  # a server that is gone: the next one sweeps
                await drop(admin, name)
    finally:
        with suppress(*_LOST):
            await admin.close(timeout=5)


async def connect_beside(dsn: str, current: str) -> DriverConnection:
    """Connect to another database of the same server."""
    others = [name for name in ("postgres", "template1") if name != current]
    try:
        return await connect(with_database(dsn, others[0]))
    except DatabaseUnavailable:
        return await connect(with_database(dsn, others[-1]))


async def drop(admin: DriverConnection, name: str) -> None:
    """Terminate the connections to a database and drop it, if it exists."""
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await admin.execute(await admin.fetchval("SELECT format('DROP DATABASE IF EXISTS %I', $1::text)", name))


async def _database_of(dsn: str) -> str:
    connection = await connect(dsn)
    try:
        return await connection.fetchval("SELECT current_database()")
    finally:
        await connection.close(timeout=5)


async def _take_turn(admin: DriverConnection) -> None:
    deadline = clock.monotonic_s() + _WAIT_S
    while not await admin.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        if clock.monotonic_s() > deadline:
            raise DatabaseUnavailable("Otro proceso restaura o comprueba una copia en este servidor.\nEspera a que termine.")
        await asyncio.sleep(0.1)


async def _sweep(admin: DriverConnection) -> None:
    mine = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND pg_has_role(datdba, 'MEMBER')"
    for row in await admin.fetch(mine, _PREFIX):
        await drop(admin, row["datname"])


async def _create(admin: DriverConnection, name: str, current: str) -> None:
    try:
        await admin.execute(await admin.fetchval(_CREATE, name, current))
    except asyncpg.InsufficientPrivilegeError as error:
        raise DatabaseUnavailable(
            "El usuario de DATABASE_URL no puede crear bases de datos, y eso hace falta para restaurar o comprobar una "
            "copia.\n"
            "Pide a quien administra el servidor: ALTER ROLE usuario CREATEDB"
        ) from error
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailable(
            "No se puede crear una base de datos auxiliar: {problem}.\nCorrígelo en el servidor y vuelve a intentarlo.",
            problem=str(error),
        ) from error
