"""The public base of a request: scheme, host and path prefix under which the caller reaches guiado.

A proxy may say them in X-Forwarded-Proto, -Host and -Prefix; from any other sender these headers mean nothing. Inside, paths
have no prefix, whether the proxy cuts it or not: handlers write "/x" in `Location` and in cookies' `Path`, the layer adds it.

Source: ADR 0036.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import quote

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from guiado.errors import SettingsInvalid
from guiado.http.incoming import Incoming, PublicBase, incoming
from guiado.setting_values import is_root_path

_HOST = re.compile(r"(?:[\w.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_COOKIE_PATH = re.compile(rb"(;\s*path=)(/[^;]*)", re.IGNORECASE)
_SCHEMES = ("http", "https")

TrustsPeer = Callable[[str], bool]
"""Whether an address, as the socket gives it, is a proxy whose headers are believed."""


class Forwarded:
    """ASGI layer that finds the public base of each request, and cuts its prefix off the path.

    Args:
        app: the application.
        trusts: whether the sender of a request is a trusted proxy.
        root_path: prefix that holds where no trusted proxy says another.
        public_url: from the settings; its scheme and host go before what a request says.
        own_paths: paths of the routes. A prefix that one of them begins with, as "/api", is never cut: there the proxy has to.
    """

    def __init__(
        self, app: ASGIApp, *, trusts: TrustsPeer, root_path: str = "", public_url: str = "", own_paths: Collection[str] = ()
    ) -> None:
        self._app, self._trusts, self._root_path = app, trusts, root_path
        self._fixed = PublicBase.of(public_url) if public_url else None
        self._own_paths = tuple(f"{path}/" for path in own_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = incoming(scope)
        is_trusted = self._is_from_proxy(scope)
        prefix = self._prefix(request, is_trusted)
        came = _scheme(scope, request, is_trusted)
        found = self._fixed or PublicBase(came, _host(request, is_trusted))
        request.base = replace(found, prefix=prefix)
        inner = self._without_prefix({**scope, "scheme": came, "root_path": ""}, prefix)
        await self._app(inner, receive, _with_prefix(send, prefix))

    def _is_from_proxy(self, scope: HTTPScope) -> bool:
        peer = scope["client"]
        return peer is not None and self._trusts(peer[0])

    def _prefix(self, request: Incoming, is_trusted: bool) -> str:
        said = request.header(b"x-forwarded-prefix").rstrip("/") if is_trusted else ""
        if said and is_root_path(said):
            return said
        return self._root_path or (self._fixed.prefix if self._fixed else "")

    def _without_prefix(self, scope: HTTPScope, prefix: str) -> HTTPScope:
        path = scope["path"]
        is_ours = any(own.startswith(f"{prefix}/") for own in self._own_paths)
        if not prefix or is_ours or not f"{path}/".startswith(f"{prefix}/"):
            return scope
        scope["path"] = path[len(prefix) :] or "/"
        scope["raw_path"] = quote(scope["path"]).encode()
        return scope


def trusts_of(networks: str) -> TrustsPeer:
    """Return the check of senders against a list of networks.

    Args:
        networks: addresses and networks (CIDR), by commas.

    Raises:
        SettingsInvalid: one of them is none.
    """
    try:
        trusted = [ip_network(each.strip(), strict=False) for each in networks.split(",") if each.strip()]
    except ValueError:
        raise SettingsInvalid(
            "GUIADO_TRUSTED_PROXIES tiene un valor no válido.\n"
            "Escribe direcciones o redes separadas por comas: 10.0.0.0/8,192.168.1.20."
        ) from None

    @lru_cache(maxsize=1024)
    def trusts(peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in trusted)

    return trusts


def _scheme(scope: HTTPScope, request: Incoming, is_trusted: bool) -> str:
    said = _last(request.header(b"x-forwarded-proto")).lower() if is_trusted else ""
    return said if said in _SCHEMES else scope["scheme"]


def _host(request: Incoming, is_trusted: bool) -> str:
    said = _last(request.header(b"x-forwarded-host")) if is_trusted else ""
    host = said or request.header(b"host")
    return host if _HOST.fullmatch(host) else "localhost"


def _last(values: str) -> str:
    """The value that the nearest proxy wrote; those before it came with the request."""
    return values.rpartition(",")[2].strip()


def _with_prefix(send: Send, prefix: str) -> Send:
    """Return a `send` that adds the prefix to paths in the headers of an answer."""
    if not prefix:
        return send

    async def send_prefixed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            message["headers"] = [(name, _prefixed(name.lower(), value, prefix.encode())) for name, value in headers]
        await send(message)

    return send_prefixed


def _prefixed(name: bytes, value: bytes, prefix: bytes) -> bytes:
    if name == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
        return prefix + value
    if name == b"set-cookie":
        return _COOKIE_PATH.sub(lambda found: found[1] + prefix + found[2], value)
    return value
