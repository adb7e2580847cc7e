"""Results of the first delivery attempt of an event at each endpoint, for callers that wait for them."""

from __future__ import annotations

import asyncio
from uuid import UUID

from guiado import clock
from guiado.app.context import AppContext
from guiado.app.outbound.models import TestResult
from guiado.store import outbox
from guiado.store.outbox import FirstAttempt

_GRACE_S, _LOOK_S = 2.0, 0.01
_WHY = {
    "pending": "Guardado y pendiente de envío.",
    "exhausted": "No quedan intentos.",
    "disabled": "El destino está desactivado: el evento se guarda y no se envía.",
    "cancelled": "El destino ya no existe.",
}


async def first_results(parts: AppContext, event_id: str, webhook_ids: list[str] | None = None) -> list[TestResult]:
    """Wait for the first delivery attempt of an event at each endpoint, and return the results.

    Args:
        webhook_ids: the endpoints that it was stored for; each has its result, even if it was removed meanwhile. By default all
            that it has a delivery for.

    Returns:
        One result each; of an endpoint without an attempt in time the status is "pending".
    """
    began_s = clock.monotonic_s()
    while True:
        async with parts.connection() as connection:
            found = await outbox.first_attempts(connection, parts.tenant, UUID(event_id), clock.now(), webhook_ids)
        longest_s = max((row.timeout or 0.0 for row in found), default=0.0)
        if all(map(_is_told, found)) or clock.monotonic_s() > began_s + longest_s + _GRACE_S:
            told = {row.destination: _result(row) for row in found}
            return [told.get(one) or _result(FirstAttempt(one, "cancelled", 0)) for one in webhook_ids or told]
        await asyncio.sleep(_LOOK_S)


def _is_told(row: FirstAttempt) -> bool:
    return row.state != "pending" or row.attempts > 0 or bool(row.paused) or not row.enabled


def _result(row: FirstAttempt) -> TestResult:
    return TestResult(
        webhook_id=row.destination,
        success=row.state == "delivered",
        status=row.state,
        attempts=row.attempts,
        response_status=row.response_status,
        error=None if row.state == "delivered" else row.last_error or _WHY[row.state],
    )
