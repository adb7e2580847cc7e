"""Idempotency keys: the same request sent twice has one effect and one answer.

Source: contract.md §6, rule 2; IETF draft httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.errors import KeyReused
from guiado.store import idempotency

T = TypeVar("T")


def request_hash(*parts: bytes) -> str:
    """SHA-256 of the parts that identify a request: method, path, body."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def key_of(scope: Scope, key: str) -> str:
    """The stored form of an `Idempotency-Key`, which differs between callers."""
    return f"http:{scope.caller}:{key}" if scope.caller else f"http-{key}"


async def once(
    app: AppContext,
    scope: Scope,
    key: str,
    fingerprint: str,
    action: Callable[[UnitOfWork], Awaitable[T]],
    keep: Callable[[T], T] | None = None,
) -> T:
    """Run `action` once for a key; with the same key again, return the stored answer.

    The answer is stored in the transaction that did the work. A second request with the key waits for the first.

    Args:
        key: one request's name among those of the scope's tenant.
        fingerprint: `request_hash` of the request.
        action: the use case, on the transaction's connection; what it returns can be written as JSON.
        keep: what of the answer may be stored and told again; by default all of it.

    Returns:
        The answer; one that was stored comes back as plain JSON values of the same form.

    Raises:
        KeyReused: the key came with another request before.
    """
    async with app.db.transaction(scope.tenant) as connection:
        if not await idempotency.claim(connection, scope.tenant, key, fingerprint):
            return cast("T", _stored(await idempotency.recorded(connection, scope.tenant, key), fingerprint))
        answer = await action(UnitOfWork(app.of_tenant(scope.tenant), scope, connection))
        await idempotency.record(connection, scope.tenant, key, keep(answer) if keep else answer)
    app.of_tenant(scope.tenant).wrote()
    return answer


def _stored(found: tuple[str, object] | None, fingerprint: str) -> object:
    if found is None or found[0] != fingerprint:
        raise KeyReused
    return found[1]
