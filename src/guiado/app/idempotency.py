"""The same request sent twice has one effect and one answer.

Source: contract.md §6, rule 2; IETF draft httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from guiado.app.context import AppContext
from guiado.errors import KeyReused
from guiado.store import idempotency
from guiado.store.database import Connection


def request_hash(*parts: bytes) -> str:
    """SHA-256 of what makes a request this request: method, path, body."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


async def once(
    parts: AppContext,
    key: str,
    fingerprint: str,
    action: Callable[[Connection], Awaitable[Any]],
    keep: Callable[[Any], Any] = lambda answer: answer,
) -> Any:  # noqa: ANN401
    """Do `action`, or tell what it answered when it was done with this key before.

    The answer is stored in the transaction that did the work. A second request with the key waits for the first.

    Args:
        key: chosen by the caller.
        fingerprint: `request_hash` of the request.
        action: the use case, on the transaction's connection; answers plain JSON values.
        keep: what of the answer may be stored and told again.

    Raises:
        KeyReused: the key came with another request before.
    """
    async with parts.db.transaction() as connection:
        if not await idempotency.claim(connection, parts.tenant, key, fingerprint):
            return _told(await idempotency.recorded(connection, parts.tenant, key), fingerprint)
        answer = await action(connection)
        await idempotency.record(connection, parts.tenant, key, keep(answer))
    parts.wrote()
    return answer


def _told(stored: tuple[str, Any] | None, fingerprint: str) -> Any:  # noqa: ANN401
    if stored is None or stored[0] != fingerprint:
        raise KeyReused
    return stored[1]
