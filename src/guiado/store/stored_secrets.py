"""The credentials of the whole database: which key they are encrypted with, and their encryption with another.

Everything here works over all tenants, as the role that logged in.

Source: ADR 0031.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import msgspec

from guiado import clock
from guiado.errors import SecretKeyWrong
from guiado.store.connection import DriverConnection, Row
from guiado.store.endpoint_place import EndpointPlace, StoredCredentials
from guiado.store.log_rows import Audit, audit_row
from guiado.store.migrate import connect, failure_of
from guiado.store.queries import sql
from guiado.store.recipient_place import RecipientPlace
from guiado.store.secret_box import KEY_BYTES, MARK, SecretBox, SecretKey
from guiado.text.url_credentials import PATTERN

_BATCH = 1_000
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class SecretCount:
    """How many credentials of a kind are encrypted with a key.

    Args:
        kind: webhooks, recipients or notifications.
        key_id: None for those in clear.
        names: rows that hold them, twenty at most.
    """

    kind: str
    key_id: str | None
    count: int
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """Keys and credentials of a database.

    Args:
        key_ids: of the keys that the database was written with.
        counts: of its credentials.
    """

    key_ids: Sequence[str]
    counts: Sequence[SecretCount]


async def admit(dsn: str, box: SecretBox, tenant: str) -> bytes:
    """Check that a process has the keys of a database, and encrypt what stands in it in clear.

    The first process of a database writes down which key it has. Rows in clear are those of older versions, and those that
    people inserted by hand.

    Args:
        tenant: the only one whose rows are seen, where the role that logs in does not own the tables.

    Returns:
        The key of the audit log's chain.

    Raises:
        SecretKeyWrong: the database was written with a key that this process does not have.
        DatabaseUnavailable: it cannot be reached or read.
    """
    async with _opened(dsn, tenant) as rows:
        await rows.enter(box)
        await rows.seal_endpoints(box, MARK)
        await rows.seal_recipients(box, MARK)
        await rows.seal_notifications(box)
        return await rows.audit_key(box)


async def audit_key(dsn: str, box: SecretBox, tenant: str) -> bytes:
    """Key of the audit log's chain, which stays the same when the keys of the credentials are changed; changes nothing.

    Raises:
        SecretKeyWrong, DatabaseUnavailable: as `admit`.
    """
    async with _opened(dsn, tenant) as rows:
        return await rows.audit_key(box)


async def rotate(dsn: str, box: SecretBox, tenant: str) -> int:
    """Encrypt all credentials with the first key, and forget the others; safe to run again.

    Returns:
        Number of rows that were written.

    Raises:
        SecretKeyWrong, DatabaseUnavailable: as `admit`.
    """
    prefix = f"{MARK}{box.key.id}:"
    async with _opened(dsn, tenant) as rows:
        await rows.enter(box)
        count = await rows.seal_endpoints(box, prefix) + await rows.seal_recipients(box, prefix)
        count += await rows.seal_notifications(box, prefix)
        await rows.retire("rotate", [box.key.id], rows=count)
    return count


async def forget(dsn: str, box: SecretBox, tenant: str) -> Sequence[SecretCount]:
    """Go on without the keys that this process does not have: what is encrypted with them stays as it is, and unreadable.

    Returns:
        The credentials that cannot be read.

    Raises:
        DatabaseUnavailable: as `admit`.
    """
    known = [key.id for key in box.keys]
    async with _opened(dsn, tenant) as rows:
        await rows.retire("forget", known)
        await rows.enter(box)
        return [one for one in (await rows.status()).counts if one.key_id not in (None, *known)]


async def require_keys(dsn: str, box: SecretBox, tenant: str) -> None:
    """Check, without changing anything, that a process has the keys of a database.

    Raises:
        SecretKeyWrong, DatabaseUnavailable: as `admit`.
    """
    async with _opened(dsn, tenant) as rows:
        await rows.require_keys(box)


async def status(dsn: str, tenant: str) -> SecretStatus:
    """Keys and credentials of a database.

    Raises:
        DatabaseUnavailable: it cannot be reached or read.
    """
    async with _opened(dsn, tenant) as rows:
        return await rows.status()


@contextlib.asynccontextmanager
async def _opened(dsn: str, tenant: str) -> AsyncGenerator[_Rows]:
    connection = await connect(dsn)
    try:
        yield _Rows(connection, tenant)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise failure_of(error) from error
    finally:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=5)


class _Rows:
    def __init__(self, connection: DriverConnection, tenant: str) -> None:
        self._connection, self._tenant = connection, tenant

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[DriverConnection]:
        async with self._connection.transaction():
            await self._connection.execute(sql("secrets", "only_of"), self._tenant)
            yield self._connection

    async def enter(self, box: SecretBox) -> None:
        if box.key.id in await self.require_keys(box):
            return
        async with self._connection.transaction():
            await self._connection.execute(sql("secrets", "one_at_a_time"))
            await self.require_keys(box)
            key = await self._known_audit_key(box) or clock.random_bits(8 * KEY_BYTES).to_bytes(KEY_BYTES, "big")
            await self._connection.execute(sql("secrets", "add_key"), box.key.id, box.key.check, _wrapped(box.key, key).hex())

    async def audit_key(self, box: SecretBox) -> bytes:
        """Key of the audit log's chain.

        Raises:
            SecretKeyWrong: no key of the process opens it.
        """
        known = await self.require_keys(box)
        key = await self._known_audit_key(box)
        if key is None:
            raise _wrong([key.id for key in box.keys], known)
        return key

    async def _known_audit_key(self, box: SecretBox) -> bytes | None:
        ours = {key.id: key for key in box.keys}
        for row in await self._connection.fetch(sql("secrets", "keys")):
            if row["audit_key"] and row["key_id"] in ours:
                return _wrapped(ours[row["key_id"]], bytes.fromhex(row["audit_key"]))
        return None

    async def retire(self, action: str, kept: Sequence[str], **detail: object) -> None:
        """Forget all keys but these, with a row in the audit log."""
        async with self._transaction() as connection:
            retired = [row["key_id"] for row in await connection.fetch(sql("secrets", "retire_keys"), kept)]
            noted = Audit("operator", action, None, {**detail, "retired": retired})
            row = audit_row(self._tenant, kept[0], noted, clock.now(), "encryption_key")
            await connection.execute(sql("audit", "write"), self._tenant, msgspec.json.encode([row]).decode())

    async def status(self) -> SecretStatus:
        keys = [row["key_id"] for row in await self._connection.fetch(sql("secrets", "keys"))]
        async with self._transaction() as connection:
            counts = [
                SecretCount(kind, row["key_id"], row["count"], row["names"])
                for kind, given in (("webhooks", [PATTERN]), ("recipients", []), ("notifications", []))
                for row in await connection.fetch(sql("secrets", f"{kind}_counted"), *given)
            ]
        return SecretStatus(keys, counts)

    async def require_keys(self, box: SecretBox) -> list[str]:
        """Ids of the keys that the database was written with; all of them are among those of the process."""
        rows, known = await self._connection.fetch(sql("secrets", "keys")), {key.check for key in box.keys}
        if any(row["check_value"] not in known for row in rows):
            raise _wrong([key.id for key in box.keys], [row["key_id"] for row in rows])
        return [row["key_id"] for row in rows]

    async def seal_endpoints(self, box: SecretBox, prefix: str) -> int:
        async with self._transaction() as connection:
            rows = await connection.fetch(sql("secrets", "endpoints"), prefix, PATTERN)
            await _put(connection, "put_endpoints", (_sealed_endpoint(row, box) for row in rows))
        return len(rows)

    async def seal_recipients(self, box: SecretBox, prefix: str) -> int:
        async with self._transaction() as connection:
            rows = await connection.fetch(sql("secrets", "recipients"), prefix)
            await _put(connection, "put_recipients", (_sealed_recipient(row, box) for row in rows))
        return len(rows)

    async def seal_notifications(self, box: SecretBox, prefix: str | None = None) -> int:
        """Encrypt notifications whose credentials do not begin with a prefix; without it those in clear, which an index knows."""
        statement, further = ("notifications", [prefix]) if prefix else ("notifications_in_clear", [])
        count, last = 0, ("", _FIRST)
        while True:
            async with self._transaction() as connection:
                rows = await connection.fetch(sql("secrets", statement), _BATCH, *last, *further)
                await _put(connection, "put_notifications", (_sealed_recipient(row, box) for row in rows))
            count += len(rows)
            if len(rows) < _BATCH:
                return count
            last = rows[-1]["tenant_id"], rows[-1]["id"]


def _wrapped(key: SecretKey, value: bytes) -> bytes:
    """Wrap the key of the audit log's chain with a key, or unwrap it: each wraps this value only, so that a pad is enough."""
    return bytes(one ^ other for one, other in zip(value, key.derive(b"audit key"), strict=True))


def _wrong(ours: Sequence[str], theirs: Sequence[str]) -> SecretKeyWrong:
    return SecretKeyWrong(
        "La clave de cifrado no es la de esta base de datos (aquí: {ours}; allí: {theirs}).\n"
        "Pon la de antes en GUIADO_SECRET_KEY, o su archivo secret.key en GUIADO_HOME. Si se perdió: guiado secrets forget",
        ours=", ".join(ours) or "—",
        theirs=", ".join(theirs),
    )


async def _put(connection: DriverConnection, statement: str, rows: Iterable[dict[str, object]]) -> None:
    if told := list(rows):
        await connection.execute(sql("secrets", statement), msgspec.json.encode(told).decode())


def _sealed_endpoint(row: Row, box: SecretBox) -> dict[str, object]:
    """The credentials of a webhook with the first key; what cannot be decrypted stays as it is."""
    place = EndpointPlace(box, row["tenant_id"], row["webhook_id"])
    columns = {name: msgspec.json.decode(row[name]) for name in ("headers", "older_secrets")}
    stored = msgspec.convert({**dict(row), **columns}, StoredCredentials)
    return {"tenant_id": place.tenant, "webhook_id": place.webhook_id, **msgspec.structs.asdict(place.sealed_again(stored))}


def _sealed_recipient(row: Row, box: SecretBox) -> dict[str, object]:
    """Recipient and options of a recipient or a notification; as `_sealed_endpoint`."""
    place = RecipientPlace(box, row["tenant_id"], row["channel"])
    recipient = place.open(row["recipient"])
    options = place.open_options(recipient, msgspec.json.decode(row["options"]))
    sealed = {"recipient": place.seal(recipient), "options": place.seal_options(recipient, options)}
    return {**dict(row), **sealed, "stored": row["recipient"]}
