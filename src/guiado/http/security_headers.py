"""Security headers of every answer; the content security policy is the page's own, see `guiado.web`.

Source: OWASP Secure Headers Project; RFC 6797, section 7.2 (HSTS only over TLS); ADR 0036.
"""

from __future__ import annotations

from collections.abc import Iterable

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from guiado.http.incoming import incoming

_Header = tuple[bytes, bytes]
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_OVER_TLS = (*_ALWAYS, (b"strict-transport-security", b"max-age=31536000"))


class SecurityHeaders:
    """ASGI layer that adds the security headers that an answer does not have yet.

    A handler that needs another value, as a script that pages elsewhere load, sets that header itself.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_secure = "https" in {scope["scheme"], incoming(scope).base.scheme}
        wanted = _OVER_TLS if is_secure else _ALWAYS

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message["headers"], wanted)
            await send(message)

        await self._app(scope, receive, send_secured)


def _completed(headers: Iterable[_Header], wanted: Iterable[_Header]) -> list[_Header]:
    found = list(headers)
    given = {name.lower() for name, _ in found}
    return found + [header for header in wanted if header[0] not in given]
