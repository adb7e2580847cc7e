# ruff: noqa: A002, ASYNC109, D102  names and methods are the driver's, and described there
"""Types for the untyped driver: the parts of a connection and of a row that the store uses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import asyncpg
import msgspec

if TYPE_CHECKING:
    from guiado.store.secret_box import SecretBox

T = TypeVar("T")
C = TypeVar("C", bound="DriverConnection")


class Row(Protocol):
    """One row of a result: values by name or position of the column. `dict` keeps the names, iteration does not."""

    def __getitem__(self, column: str | int) -> Any: ...  # noqa: ANN401
    def __iter__(self) -> Iterator[Any]: ...
    def keys(self) -> Iterable[str]: ...


class Statements(Protocol):
    """A connection: statements and transactions."""

    async def fetch(self, query: str, *args: object, timeout: float | None = None) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...  # noqa: ANN401
    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...
    def transaction(self, *, isolation: str | None = None, readonly: bool = False) -> AbstractAsyncContextManager[object]: ...


class BulkWriter(Protocol):
    """A connection that takes rows in bulk."""

    async def set_type_codec(
        self,
        typename: str,
        *,
        schema: str,
        encoder: Callable[[Any], str | bytes],
        decoder: Callable[[Any], object],
        format: str,
    ) -> None: ...
    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[tuple[object, ...]], columns: Iterable[str], timeout: float
    ) -> str: ...


class Connection(Statements, BulkWriter, Protocol):
    """A connection that works for one tenant, with what decrypts the credentials it reads."""

    box: SecretBox


if TYPE_CHECKING:

    class DriverConnection(Statements, BulkWriter):
        """A connection of asyncpg as it was opened, with the rights of the role that logged in."""

        _transport: asyncio.WriteTransport

        def __init__(self, *arguments: object, **options: object) -> None: ...
        async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...
        def is_in_transaction(self) -> bool: ...
        def is_closed(self) -> bool: ...
        async def close(self, *, timeout: float | None = None) -> None: ...
        def terminate(self) -> None: ...
        def get_server_pid(self) -> int: ...
        async def prepare(self, query: str, *, name: str) -> object: ...
        async def _do_execute(
            self, query: str, executor: Callable[..., Awaitable[object]], *given: object, **options: object
        ) -> object: ...

    async def connect(address: str, *, connection_class: type[C], **options: object) -> C:
        """Open a connection of a class, as asyncpg's `connect` does."""
        ...
else:
    DriverConnection, connect = asyncpg.Connection, asyncpg.connect


async def single(connection: DriverConnection, query: str, *args: object) -> Row:
    """Return the row of a statement that always returns exactly one."""
    row = await connection.fetchrow(query, *args)
    if row is None:
        raise LookupError(query)
    return row


def converted(row: Row, kind: type[T]) -> T:
    """Convert a row to a struct or dataclass with a field for each wanted column.

    Raises:
        msgspec.ValidationError: the row does not fit the type.
    """
    return msgspec.convert(dict(row), kind)
