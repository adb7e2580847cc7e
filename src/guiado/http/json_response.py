"""A JSON answer in two messages: what the framework prepares for cookies, templates and media types, no answer of ours needs.

Source: ADR 0011, where the time of an answer goes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from litestar.types import Receive, Scope, Send

_encode = msgspec.json.Encoder().encode
_TYPE = (b"content-type", b"application/json")


class _Ready:
    """An answer that only has to be sent: an ASGI application."""

    __slots__ = ("_body", "_status")

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [_TYPE, (b"content-length", str(len(self._body)).encode())]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class JsonResponse(Response[Any]):
    """What a handler returned, as JSON."""

    def to_asgi_response(self, *_args: object, **_given: object) -> Any:  # noqa: ANN401
        """The answer, encoded."""
        return _Ready(self.status_code or 200, _encode(self.content))
