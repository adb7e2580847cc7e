"""Fast path of `POST /step`, the route that is called most: it skips the framework's general machinery.

An answer to a step that comes plainly (a short JSON body of known length, no Idempotency-Key) is taken here, everything else by
Litestar. Both ways use the same decoder, the same use case, the same answer and the same mapping of errors, so that nobody can
tell them apart.

Source: ADR 0011, where the time of an answer goes.
"""

from __future__ import annotations

from litestar import Litestar, Request
from litestar.types import HTTPScope, Receive, Scope, Send

from guiado.api.sessions.routes import answered
from guiado.app.access.permissions import SESSIONS_WRITE, is_allowed
from guiado.app.commands import AnswerStep
from guiado.app.sessions.answer import answer
from guiado.http.body import decode
from guiado.http.incoming import Incoming, incoming
from guiado.http.json_response import send_json
from guiado.http.problems import respond
from guiado.http.request import Http
from guiado.wiring import Runtime

_END = "/step"
_LONGEST_BODY_BYTES = 65_536
_UNUSUAL = frozenset((b"idempotency-key", b"content-encoding", b"transfer-encoding"))


class StepFastPath:
    """ASGI layer that handles plain answers to a step itself, and passes all other requests on.

    Args:
        app: the application.
        base: where the sessions are, for example "/api/support/troubleshooting".
    """

    def __init__(self, app: Litestar, base: str) -> None:
        self._app, self._base = app, f"{base}/"
        self._template = f"{base}/{{session_id}}{_END}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        session_id = self._session_id(scope) if scope["type"] == "http" else None
        if session_id is None:
            await self._app(scope, receive, send)
            return
        scope["path_template"] = self._template
        try:
            command, runtime = decode(await _body(receive), AnswerStep), self._runtime
            done = answered(await runtime.parts.run_write(incoming(scope).scope, answer, session_id, command))
        except Exception as error:  # noqa: BLE001 each has its answer
            scope["app"] = scope["litestar_app"] = self._app
            request: Http = Request(scope, receive, send)
            problem = respond(request, error).to_asgi_response(None, request)  # pyright: ignore[reportUnknownMemberType]
            await problem(scope, receive, send)
            return
        await send_json(send, done)

    @property
    def _runtime(self) -> Runtime:
        return self._app.state["runtime"]

    def _session_id(self, scope: HTTPScope) -> str | None:
        """Session id of a request that the fast path takes; None for any other."""
        path = scope["path"]
        if not path.endswith(_END) or not path.startswith(self._base) or scope["method"] != "POST":
            return None
        session_id = path[len(self._base) : -len(_END)]
        has_query = "query_string" in scope and scope["query_string"]
        is_plain = session_id and "/" not in session_id and not has_query and _is_plain(incoming(scope))
        return session_id if is_plain else None


def _is_plain(request: Incoming) -> bool:
    length = request.headers.get(b"content-length", b"")
    return (
        request.headers.get(b"content-type") == b"application/json"
        and length.isdigit()
        and 0 < int(length) <= _LONGEST_BODY_BYTES
        and _UNUSUAL.isdisjoint(request.headers)
        and request.refusal is None
        and request.failure is None
        and request.scope.session_id is None
        and is_allowed(request.scope, SESSIONS_WRITE)
    )


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)
