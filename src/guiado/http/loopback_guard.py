"""The outermost layer of the API: request id, log line, and recognition of requests from elsewhere.

Without keys the service is for this machine alone. So it takes no request that came through a proxy, none that names another
host, and none that a page of another origin sent; whether there are keys, the next layer knows. With and without them it does not
take its own deliveries, except where an event starts nothing.

HEAD is answered as GET, without the body.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from urllib.parse import urlsplit

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from guiado import clock
from guiado.errors import without_secrets
from guiado.http.body_timeout import TOO_SLOW, UPLOAD_TIMEOUT_S, patient
from guiado.http.incoming import Incoming, incoming
from guiado.http.request import Refused
from guiado.logs import bound, report
from guiado.settings import is_loopback

_UNUSUAL = re.compile(r"(?<![^/])(?:[^/]*[^/\w.-][^/]*|\d{6,}(?![^/]))")
"""Parts of a path that no route of ours has, left out of the log: an address, a name or a number may stand there."""
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_PROXY_HEADERS = frozenset(
    (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via", b"cf-connecting-ip")
)
_DELIVERY_HEADERS = frozenset((b"x-webhook-attempt", b"webhook-id"))
"""Headers that only our own deliveries have together; a workflow that calls the API on an event does not pass them on."""
_PROXIED = (
    "Sin claves de API, guiado solo responde a este equipo y no acepta peticiones que pasan por un proxy. Llámalo sin proxy."
)
_TWO_HOSTS = "Esta petición lleva más de una cabecera Host. Envía una sola."
_CIRCLE = (
    "Esta petición es un envío de guiado: su webhook lleva al propio guiado, y los eventos darían vueltas sin fin. "
    "Cambia la dirección de ese webhook."
)
_FOREIGN = "Sin claves de API, guiado solo responde a este equipo: usa http://127.0.0.1 o http://localhost."

Observe = Callable[[str, str, int, float], None]


class LoopbackGuard:
    """ASGI layer that gives each request an id and a log line, and refuses requests from elsewhere.

    Args:
        app: the application.
        host: the address that the server is bound to.
        delivery_paths: paths that take our own deliveries too.
        origins: whose pages may call the API from a browser.
        secret_paths: beginning of the paths that are credentials themselves. A form on such a page sends no origin, since the
            page tells nobody its address; a page of another origin does not know the path.
        uploads: ends of the paths that take large bodies, for which there is more time.
        observe: is told of each answer: the method and the route that were asked, its status, and the seconds that it took.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str = "127.0.0.1",
        delivery_paths: Container[str] = (),
        observe: Observe | None = None,
        origins: Container[str] = (),
        secret_paths: tuple[str, ...] = (),
        uploads: tuple[str, ...] = (),
    ) -> None:
        self._uploads = uploads
        self._origins, self._secret_paths = origins, secret_paths
        self._app, self._host, self._delivery_paths, self._observe = app, host, delivery_paths, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = incoming(scope)
        request.request_id = request_id = _request_id(request)
        request.refusal, request.foreign = self._refusal(scope, request), self._foreign(scope, request)
        is_head = scope["method"] == "HEAD"
        asked: HTTPScope = {**scope, "method": "GET"} if is_head else scope
        started, status = clock.monotonic_s(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                closing = [(b"connection", b"close")] if status == TOO_SLOW else []
                headers = map(_with_head, message["headers"])
                message["headers"] = [*headers, (b"x-request-id", request_id.encode()), *closing]
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}  # the headers are those of the whole answer
            await send(message)

        with bound(request_id=request_id):
            try:
                await self._app(asked, patient(receive, self._body_timeout_s(scope)), send_with_id)
            finally:
                # The path may hold a session id, never personal data; the query may, so it stays out.
                took_s = clock.monotonic_s() - started
                if self._observe:
                    self._observe(asked["method"], asked.get("path_template", ""), status, took_s)
                ms = round(took_s * 1000, 1)
                path = _UNUSUAL.sub("…", without_secrets(scope["path"]))[:200]
                report("request", method=scope["method"], path=path, status=status, ms=ms)

    def _body_timeout_s(self, scope: HTTPScope) -> float | None:
        return UPLOAD_TIMEOUT_S if scope["path"].endswith(self._uploads) else None

    def _refusal(self, scope: HTTPScope, request: Incoming) -> Refused | None:
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            return Refused(400, _TWO_HOSTS)
        if scope["path"] not in self._delivery_paths and request.headers.keys() >= _DELIVERY_HEADERS:
            return Refused(508, _CIRCLE)
        return None

    def _foreign(self, scope: HTTPScope, request: Incoming) -> str | None:
        if not _PROXY_HEADERS.isdisjoint(request.headers):
            return _PROXIED
        named = request.header(b"host")
        host = _hostname(named)
        # A simple probe names no host at all; a browser always does.
        if named and (host is None or not (is_loopback(host) or host == self._host)):
            return _FOREIGN
        origin = request.header(b"origin")
        is_known = origin in self._origins or scope["path"].startswith(self._secret_paths)
        if origin and not is_known and origin.partition("://")[2] != named:
            return _FOREIGN
        return None


def _with_head(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Add HEAD to an `Allow` header that names GET."""
    name, value = header
    if name.lower() != b"allow":
        return header
    methods = {method.strip() for method in value.split(b",")}
    return name, b", ".join(sorted(methods | ({b"HEAD"} if b"GET" in methods else set[bytes]())))


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _request_id(request: Incoming) -> str:
    given = request.header(b"x-request-id")
    return given if _REQUEST_ID.fullmatch(given) else clock.new_id().hex
