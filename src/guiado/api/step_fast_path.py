"""The route that is called most, past the framework's general machinery.

An answer to a step that comes plainly (a short JSON body of known length, no Idempotency-Key) is taken here, everything else by
Litestar. Both ways use the same decoder, the same handler and the same mapping of errors, so that nobody can tell them apart.

Source: ADR 0011, where the time of an answer goes.
"""

from __future__ import annotations

from typing import Any, cast

from litestar import Litestar, Request
from litestar.types import ASGIApp, Receive, Scope, Send

from guiado.api.sessions import step
from guiado.app.commands import Step
from guiado.http.body import decode
from guiado.http.json_response import JsonResponse
from guiado.http.problems import respond

_END = "/step"
_LONGEST_BODY_BYTES = 65_536
_UNUSUAL = frozenset((b"idempotency-key", b"content-encoding", b"transfer-encoding"))


class StepFastPath:
    """An ASGI layer around the application.

    Args:
        app: the application.
        base: where the sessions are, for example "/api/support/troubleshooting".
    """

    def __init__(self, app: Litestar, base: str) -> None:
        self._app, self._base = app, f"{base}/"
        self._template = f"{base}/{{session_id}}{_END}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        session_id = self._session_id(cast("dict[str, Any]", scope))
        if session_id is None:
            await self._app(scope, receive, send)
            return
        scope["app"] = scope["litestar_app"] = self._app
        scope["path_template"] = self._template
        response = await _answer(Request(scope, receive, send), session_id, receive)
        await response(scope, receive, send)

    def _session_id(self, scope: dict[str, Any]) -> str | None:
        """The session that is answered, or None when this request takes the long way."""
        path: str = scope["path"]
        if not path.endswith(_END) or not path.startswith(self._base) or scope.get("method") != "POST":
            return None
        session_id = path[len(self._base) : -len(_END)]
        return session_id if session_id and "/" not in session_id and _is_plain(scope) else None


def _is_plain(scope: dict[str, Any]) -> bool:
    headers: dict[bytes, bytes] = scope.get("guiado_headers") or dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return (
        headers.get(b"content-type") == b"application/json"
        and length.isdigit()
        and 0 < int(length) <= _LONGEST_BODY_BYTES
        and _UNUSUAL.isdisjoint(headers)
        and not scope.get("query_string")
        and scope.get("guiado_refusal") is None
    )


async def _answer(request: Request[Any, Any, Any], session_id: str, receive: Receive) -> ASGIApp:
    try:
        response: Any = JsonResponse(await step.fn(request, session_id, decode(await _body(receive), Step)))
    except Exception as error:  # noqa: BLE001 each has its answer
        response = respond(request, error)
    return response.to_asgi_response(None, request)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
