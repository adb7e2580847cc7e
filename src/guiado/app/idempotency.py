"""The same request sent twice has one effect and one answer.

Source: contract.md §6, rule 2; IETF draft httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.errors import KeyReused
from guiado.store import idempotency


def request_hash(*parts: bytes) -> str:
    """SHA-256 of what makes a request this request: method, path, body."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def key_of(scope: Scope, key: str) -> str:
    """The stored form of an `Idempotency-Key`: the same key of two callers is two keys."""
    return f"http:{scope.caller}:{key}" if scope.caller else f"http-{key}"


async def once(
    app: AppContext,
    scope: Scope,
    key: str,
    fingerprint: str,
    action: Callable[[UnitOfWork], Awaitable[Any]],
    keep: Callable[[Any], Any] = lambda answer: answer,
) -> Any:  # noqa: ANN401 what was stored comes back as plain JSON values
    """Run `action`, or return the answer that was stored when it was done with this key before.

    The answer is stored in the transaction that did the work. A second request with the key waits for the first.

    Args:
        key: one request's name among those of the scope's tenant.
        fingerprint: `request_hash` of the request.
        action: the use case, on the transaction's connection; returns plain JSON values.
        keep: what of the answer may be stored and told again.

    Raises:
        KeyReused: the key came with another request before.
    """
    async with app.db.transaction() as connection:
        if not await idempotency.claim(connection, scope.tenant, key, fingerprint):
            return _stored(await idempotency.recorded(connection, scope.tenant, key), fingerprint)
        answer = await action(UnitOfWork(app, scope, connection))
        await idempotency.record(connection, scope.tenant, key, keep(answer))
    app.wrote()
    return answer


def _stored(found: tuple[str, Any] | None, fingerprint: str) -> Any:  # noqa: ANN401
    if found is None or found[0] != fingerprint:
        raise KeyReused
    return found[1]
