"""How long a request's body may take: whoever sends it slower, or leaves in the middle, is let go.

Source: RFC 9110, section 15.5.9.
"""

from __future__ import annotations

import asyncio

from litestar.types import HTTPReceiveMessage, Receive

from guiado.http.request import Refused

BODY_TIMEOUT_S = 30.0
"""For the whole body: 1 MB arrives in time at 300 kbit/s."""
TOO_SLOW = 408
LEFT = 499
"""Nobody reads this answer; the log tells by it that the caller was gone."""
_SLOW = "El cuerpo no llegó a tiempo. Envíalo de nuevo, entero."
_HALF = "La petición no se entiende. Revisa el cuerpo y los parámetros."


def patient(receive: Receive) -> Receive:
    """`receive` that gives a body so long and no longer, and ends the request of a caller who left."""
    deadline_s: float | None = None
    complete = False

    async def receive_in_time() -> HTTPReceiveMessage:
        nonlocal deadline_s, complete
        if complete:
            return await receive()  # pyright: ignore[reportReturnType]
        deadline_s = deadline_s or asyncio.get_running_loop().time() + BODY_TIMEOUT_S
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError:
            raise Refused(TOO_SLOW, _SLOW) from None
        if message["type"] == "http.disconnect":
            raise Refused(LEFT, _HALF)
        complete = not message.get("more_body")
        return message  # pyright: ignore[reportReturnType]

    return receive_in_time
