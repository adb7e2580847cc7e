"""A JSON answer in two messages, without the framework's handling of cookies, templates and media types.

Source: ADR 0011, where the time of an answer goes.
"""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send

_encode = msgspec.json.Encoder().encode
_TYPE = (b"content-type", b"application/json")


async def send_json(send: Send, content: object, status: int = 200) -> None:
    """Send a value as JSON."""
    body = _encode(content)
    headers = [_TYPE, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class JsonResponse(Response[object]):
    """Response that sends a handler's result as JSON."""

    def to_asgi_response(self, *_args: object, **_given: object) -> ASGIApp:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the response as an ASGI application."""

        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send_json(send, self.content, self.status_code or 200)

        return answer
