"""Cross-origin requests of browsers: the ASGI layer that lets pages of allowed origins call some routes (CORS).

It answers preflights itself, and gives answers that have no content-security policy the one of data.

Source: Fetch standard, section 3.2; ADR 0035.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from guiado.http.incoming import incoming

_DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PREFLIGHT = (
    (b"access-control-allow-headers", b"authorization, content-type, idempotency-key, accept-language"),
    (b"access-control-max-age", b"600"),
)
_EXPOSED = (b"access-control-expose-headers", b"x-request-id, retry-after")
_VARY = (b"vary", b"Origin")
Header = tuple[bytes, bytes]


class CrossOrigin:
    """ASGI layer for requests of pages of other origins.

    Args:
        app: the application.
        origins: whose pages may call.
        methods: which methods of a path they may use; none for most paths.
    """

    def __init__(self, app: ASGIApp, origins: Container[str], methods: Callable[[str], frozenset[str]]) -> None:
        self._app, self._origins, self._methods = app, origins, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = incoming(scope)
        origin, wished = request.header(b"origin"), request.header(b"access-control-request-method")
        methods = self._methods(scope["path"]) if self._origins else frozenset[str]()
        is_allowed = origin in self._origins and (wished or scope["method"]) in methods
        named = [(b"access-control-allow-origin", origin.encode("latin-1"))] if is_allowed else []
        if is_allowed and scope["method"] == "OPTIONS" and request.refusal is None and request.foreign is None:
            allowed = (b"access-control-allow-methods", ", ".join(sorted(methods)).encode())
            await _send_empty(send, [*named, allowed, *_PREFLIGHT, _VARY])
            return
        more = [*named, *([_EXPOSED] if named else []), *([_VARY] if methods else [])]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [*message["headers"]]
                has_policy = any(name.lower() == _DATA_POLICY[0] for name, _ in given)
                message["headers"] = [*given, *more, *([] if has_policy else [_DATA_POLICY])]
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _send_empty(send: Send, headers: list[Header]) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
