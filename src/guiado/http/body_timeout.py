"""Deadline of a request's body; a request whose caller is too slow, or leaves, is ended.

Source: RFC 9110, section 15.5.9.
"""

from __future__ import annotations

import asyncio

from litestar.types import HTTPReceiveMessage, Receive

from guiado.http.request import Refused

BODY_TIMEOUT_S = 30.0
"""Deadline of the whole body, in seconds: 1 MB arrives in time at 300 kbit/s."""
UPLOAD_TIMEOUT_S = 120.0
"""Deadline of the body of an upload, in seconds: 10 MB arrive in time at 700 kbit/s, a photograph of 3 MB at 200."""
TOO_SLOW = 408
LEFT = 499
"""HTTP status where the caller left: it is for the log, since nobody reads this answer."""
_SLOW = "El cuerpo no llegó a tiempo. Envíalo de nuevo, entero."
_HALF = "La petición no se entiende. Revisa el cuerpo y los parámetros."


def patient(receive: Receive, timeout_s: float | None = None) -> Receive:
    """Wrap `receive` so that the body has a deadline, and the request of a caller who left ends.

    Args:
        timeout_s: for the whole body, from the first time that it is waited for; by default `BODY_TIMEOUT_S`.
    """
    deadline_s: float | None = None
    complete = False

    async def receive_in_time() -> HTTPReceiveMessage:
        nonlocal deadline_s, complete
        if complete:
            return await receive()  # pyright: ignore[reportReturnType]
        deadline_s = deadline_s or asyncio.get_running_loop().time() + (timeout_s or BODY_TIMEOUT_S)
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
