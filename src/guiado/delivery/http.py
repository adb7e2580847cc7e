"""The one HTTP client for everything that goes out: webhooks, chat channels, the model, Kestra.

A URL is only text; what counts is the address that its name leads to at this moment. So the client resolves a name once
for each connection, vets every address of the answer, and dials a vetted address itself: a name that leads elsewhere a
moment later has no effect. TLS, SNI and `Host` keep the name. It follows no redirect and knows no environment proxy.

Source: OWASP API7:2023; ASVS 5.0, 1.3.6 and 15.3.2.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import unquote_to_bytes

import h11
import httpcore2

import guiado
from guiado import clock
from guiado.delivery.addresses import Address, TargetPolicy
from guiado.delivery.resolver import SystemResolver
from guiado.delivery.urls import Target, check_url, vet_url
from guiado.delivery.wire import Head, Shelf, Wire, dial
from guiado.errors import DeliveryFailed, Message, TargetRefused, os_reason

__all__ = ["RESERVED_HEADERS", "GuardedClient", "HttpAnswer", "Resolver", "check_url"]

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""From a host name and a port to the addresses behind it, as text."""

RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to the connection, in lower case. A caller's are dropped: they could smuggle a second request."""

_MAX_DIALS = 6  # a hostile name may answer with hundreds of addresses
_KEEP_ALIVE_S = 4.0  # below the 5 s after which many servers hang up on an idle connection
_MAX_REQUESTS, _MAX_IDLE = 200, 100
_FAILURES = (h11.ProtocolError, OSError)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back.

    Args:
        status: the HTTP status; a redirect is an answer like any other.
        headers: names in lower case; repeated ones are joined with a comma.
        body: the first bytes, at most the client's cap, as they came over the wire.
        elapsed_s: from the start of the lookup to the end of the body, in seconds.
        address: the IP address that answered.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float
    address: str


class GuardedClient:
    """Sends requests to vetted addresses only. One client serves one event loop, any number of requests at a time.

    Connections are kept for a moment and shared by requests to the same scheme, host and port, but never between the
    operator's targets and all others: a request must not inherit a connection that its own rules would refuse.

    Args:
        policy: which addresses may be called.
        resolver: replaces the system's name lookup.
        max_answer_bytes: how much of an answer's body is read.
        user_agent: how the client introduces itself.
        tls: trusted certificates; the system's by default, or those that `SSL_CERT_FILE` names.
    """

    def __init__(
        self,
        policy: TargetPolicy,
        *,
        resolver: Resolver | None = None,
        max_answer_bytes: int = 20_480,
        user_agent: str = f"guiado/{guiado.__version__}",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._lookups = SystemResolver()
        self._max_answer_bytes = max_answer_bytes
        self._user_agent = user_agent
        self._tls = tls or httpcore2.default_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._policy, self.resolver = policy, resolver or self._lookups
        self._slots = asyncio.Semaphore(_MAX_REQUESTS)
        self._shelf = Shelf(_KEEP_ALIVE_S, _MAX_IDLE)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, operator: bool = False
    ) -> HttpAnswer:
        """Send one POST request and read the answer, whatever its status.

        Args:
            url: the target. Only an operator's may carry `user:password@`, sent as basic authentication.
            body: the bytes to send.
            headers: added to the client's own; those in `RESERVED_HEADERS` are dropped.
            timeout_s: deadline for everything together, from the lookup to the last byte, in seconds.
            operator: the target comes from the operator's own environment.

        Raises:
            TargetRefused: the URL or one of the addresses behind it must not be called. No connection was made.
            DeliveryFailed: no complete answer. Permanent only where the request itself is at fault.
        """
        target = _vet_url(url, operator=operator)
        started_s = clock.monotonic_s()
        try:
            request = h11.Request(method="POST", target=target.path, headers=self._head(target, body, headers))
            async with asyncio.timeout(timeout_s), self._slots:
                return await self._exchange(target, request, body, started_s + timeout_s, operator=operator)
        except TimeoutError:
            raise DeliveryFailed(
                "{host}: sin respuesta completa en {timeout_s} s.", host=target.host, timeout_s=timeout_s
            ) from None
        except _FAILURES as error:
            raise _failure(target.host, error) from error

    async def aclose(self) -> None:
        """Close every connection. The client cannot be used afterwards."""
        self._shelf.close()
        self._lookups.close()

    def _head(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Head:
        head = {"user-agent": self._user_agent, "accept": "*/*"}
        if target.login is not None:
            head["authorization"] = "Basic " + base64.b64encode(unquote_to_bytes(target.login)).decode()
        head.update((name.lower(), value) for name, value in headers.items() if name.lower() not in RESERVED_HEADERS)
        # A compressed answer could be far larger than its bytes, and nobody reads it but a log.
        head |= {"host": target.authority, "content-length": str(len(body)), "accept-encoding": "identity"}
        return [(name.encode(errors="replace"), value.encode(errors="replace")) for name, value in head.items()]

    async def _exchange(
        self, target: Target, request: h11.Request, body: bytes, deadline_s: float, *, operator: bool
    ) -> HttpAnswer:
        started_s = clock.monotonic_s()
        place = (operator, target.scheme, target.host, target.port)
        wire = self._shelf.take(place) or await self._open(target, deadline_s, operator=operator)
        reply = await wire.exchange(request, body, self._max_answer_bytes)
        self._shelf.put(place, wire)
        return HttpAnswer(reply.status, _join_headers(reply.head), reply.body, clock.monotonic_s() - started_s, wire.address)

    async def _open(self, target: Target, deadline_s: float, *, operator: bool) -> Wire:
        """Connect to a name: resolve once, vet every address, dial the vetted ones in turn."""
        addresses = await self._resolve(target.host, target.port)
        for address in addresses:
            self._vet(address, operator=operator)
        return await self._dial(addresses[:_MAX_DIALS], target, deadline_s)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            answers = await self.resolver(host, port)
            addresses = list(dict.fromkeys(ip_address(answer) for answer in answers))
        except (OSError, ValueError):  # ValueError: a label that is empty or too long, an answer that is no address
            addresses = []
        if not addresses:
            raise DeliveryFailed("{host}: el nombre no lleva a ninguna dirección. Revisa el DNS.", host=host)
        return addresses

    def _vet(self, address: Address, *, operator: bool) -> None:
        refusal = self._policy.refuses(address, operator=operator)
        if refusal is not None:
            raise TargetRefused(refusal.template, **refusal.params)

    async def _dial(self, addresses: list[Address], target: Target, deadline_s: float) -> Wire:
        failure = OSError()
        tls = self._tls if target.scheme == "https" else None
        for left in range(len(addresses), 0, -1):
            # A silent address may use up its share of the time, not all of it.
            share_s = (deadline_s - clock.monotonic_s()) / left
            try:
                return await dial(addresses[-left], target.port, tls, target.host.rstrip("."), share_s)
            except OSError as error:
                failure = error
        raise failure


@lru_cache(maxsize=1_024)
def _vet_url(url: str, *, operator: bool) -> Target:
    return vet_url(url, operator=operator)


def _join_headers(headers: Head) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _failure(host: str, error: Exception) -> DeliveryFailed:
    reason = _reason(error)
    if isinstance(error, h11.LocalProtocolError):
        return DeliveryFailed(
            "{host}: la petición no es HTTP válido ({reason}). Revisa las cabeceras.",
            permanent=True,
            host=host,
            reason=reason,
        )
    if isinstance(error, h11.RemoteProtocolError):
        return DeliveryFailed("{host}: la respuesta no es HTTP válido ({reason}).", host=host, reason=reason)
    return DeliveryFailed("{host}: la conexión falló ({reason}).", host=host, reason=reason)


def _reason(error: BaseException) -> Message | str:
    """The words of the deepest cause that has any: the outer ones only say that connecting failed."""
    cause = error.__cause__ or error.__context__
    deeper = _reason(cause) if cause is not None else ""
    if deeper or not isinstance(error, OSError) or isinstance(error, (ssl.SSLError, socket.gaierror)) or not error.errno:
        return deeper or str(error)[:200]
    return os_reason(error)
