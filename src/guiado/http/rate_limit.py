"""Rate limits: the ASGI layer that counts requests, by key or by address, and refuses those beyond the limit.

It stands below authentication, which says whose request it is, and above the fast path of `POST /step`. A request with a good key
counts on the key, every other one on the address that it came from. Reading pages, static files and the state of the service is
free; what a page's form sends is not.

Source: contract.md §3, Errors, and §6, rule 11; IETF draft httpapi-ratelimit-headers, version 11.
"""

from __future__ import annotations

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from guiado.app.access.limiter import CountedRequest, Limit, Limiter
from guiado.errors import GuiadoError
from guiado.http.client_address import client_of
from guiado.http.forwarded import TrustsPeer
from guiado.http.incoming import incoming
from guiado.http.request import Refused

_FREE = frozenset(("GET", "HEAD", "OPTIONS"))
_COUNTED = ("/api/", "/metrics")
"""Beginnings of paths whose reading is counted too."""
_TOO_MANY = "Son demasiadas peticiones. Espera los segundos de Retry-After y vuelve a intentarlo."
_MINUTE, _HOUR = 1, 60


class RateLimit:
    """ASGI layer that counts requests.

    Args:
        app: the application.
        limiter: counts them.
        tenant: whose the windows of addresses are.
        per_ip_minute: requests a minute from one address; 0 for any number.
        per_key_hour: requests an hour with one key; 0 for any number.
        trusts: whether an address is a proxy whose headers are believed.
    """

    def __init__(
        self, app: ASGIApp, limiter: Limiter, tenant: str, *, per_ip_minute: int, per_key_hour: int, trusts: TrustsPeer
    ) -> None:
        self._app, self._limiter, self._tenant, self._trusts = app, limiter, tenant, trusts
        self._by_ip, self._by_key = Limit("ip", per_ip_minute, _MINUTE), Limit("key", per_key_hour, _HOUR)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        taken = await self._take(scope) if scope["type"] == "http" and _is_counted(scope) else None
        if taken is None:
            await self._app(scope, receive, send)
            return
        if taken.is_refused:
            incoming(scope).refusal = Refused(429, _TOO_MANY, {"Retry-After": str(taken.left_s)})

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_headers(taken)]
            await send(message)

        await self._app(scope, receive, send_with_limits)

    async def _take(self, scope: HTTPScope) -> CountedRequest | None:
        """Count a request; None where it is not limited, or where the database does not answer, as the request will learn."""
        caller = incoming(scope).scope
        is_key = caller.caller.startswith("key:")
        limit = self._by_key if is_key else self._by_ip
        if limit.most == 0:
            return None
        identifier = caller.caller.removeprefix("key:") if is_key else client_of(scope, self._trusts)
        try:
            return await self._limiter.take(caller.tenant if is_key else self._tenant, limit, identifier)
        except GuiadoError:
            return None


def _is_counted(scope: HTTPScope) -> bool:
    return scope["method"] not in _FREE or scope["path"].startswith(_COUNTED)


def _headers(taken: CountedRequest) -> list[tuple[bytes, bytes]]:
    limit, left_s = taken.limit, taken.left_s
    found = {
        "x-ratelimit-limit": limit.most,
        "x-ratelimit-remaining": taken.remaining,
        "x-ratelimit-reset": taken.reset_at,
        "ratelimit-policy": f'"{limit.kind}";q={limit.most};w={60 * limit.minutes}',
        "ratelimit": f'"{limit.kind}";r={taken.remaining};t={left_s}',
    }
    return [(name.encode(), str(value).encode()) for name, value in found.items()]
