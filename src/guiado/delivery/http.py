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
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast
from urllib.parse import unquote_to_bytes

import anyio
import httpcore2

import guiado
from guiado import clock
from guiado.delivery.addresses import Address, TargetPolicy
from guiado.delivery.urls import Target, check_url, vet_url
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
_MAX_LOOKUPS = 32  # a dead name server keeps a thread for as long as the system's own timeout lasts
_KEEP_ALIVE_S = 4.0  # below the 5 s after which many servers hang up on an idle connection
_FAILURES = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError)


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
        self._lookups = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="guiado-lookup")
        self._max_answer_bytes = max_answer_bytes
        self._user_agent = user_agent
        tls = tls or httpcore2.default_ssl_context()
        self._pools = {
            operator: _open_pool(_VettingBackend(policy, resolver or self._look_up, operator=operator), tls)
            for operator in (False, True)
        }

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
        target = vet_url(url, operator=operator)
        started_s = clock.monotonic_s()
        try:
            with anyio.fail_after(timeout_s):
                async with self._pools[operator].stream(
                    "POST",
                    httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
                    headers=self._head(target, body, headers),
                    content=body,
                    extensions={"sni_hostname": target.host.rstrip(".")},
                ) as response:
                    return await self._read(response, started_s)
        except TimeoutError:
            raise DeliveryFailed(
                "{host}: sin respuesta completa en {timeout_s} s.", host=target.host, timeout_s=timeout_s
            ) from None
        except _FAILURES as error:
            raise _failure(target.host, error) from error

    async def aclose(self) -> None:
        """Close every connection. The client cannot be used afterwards."""
        for pool in self._pools.values():
            await pool.aclose()
        self._lookups.shutdown(wait=False, cancel_futures=True)

    def _head(self, target: Target, body: bytes, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        head = {"user-agent": self._user_agent, "accept": "*/*"}
        if target.login is not None:
            head["authorization"] = "Basic " + base64.b64encode(unquote_to_bytes(target.login)).decode()
        head.update((name.lower(), value) for name, value in headers.items() if name.lower() not in RESERVED_HEADERS)
        # A compressed answer could be far larger than its bytes, and nobody reads it but a log.
        head |= {"host": target.authority, "content-length": str(len(body)), "accept-encoding": "identity"}
        return [(name.encode(errors="replace"), value.encode(errors="replace")) for name, value in head.items()]

    async def _read(self, response: httpcore2.Response, started_s: float) -> HttpAnswer:
        body = bytearray()
        async with aclosing(response.aiter_stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= self._max_answer_bytes:
                    break
        return HttpAnswer(
            status=response.status,
            headers=_join_headers(response.headers),
            body=bytes(body[: self._max_answer_bytes]),
            elapsed_s=clock.monotonic_s() - started_s,
            address=cast("_DialledStream", response.extensions["network_stream"]).address,
        )

    async def _look_up(self, host: str, port: int) -> list[str]:
        # Own threads: the loop's few are shared with the rest of the process, and one dead name server would fill them.
        return await asyncio.get_running_loop().run_in_executor(self._lookups, _system_addresses, host, port)


class _VettingBackend(httpcore2.AsyncNetworkBackend):
    """Opens a connection to a name: resolve once, vet every address, dial the vetted ones in turn."""

    def __init__(self, policy: TargetPolicy, resolver: Resolver, *, operator: bool) -> None:
        self._policy = policy
        self._resolver = resolver
        self._operator = operator
        self._dialler = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's; the request's deadline rules
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        del timeout, local_address
        addresses = await self._resolve(host, port)
        for address in addresses:
            self._vet(address)
        return await self._dial(addresses[:_MAX_DIALS], port, socket_options)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            answers = await self._resolver(host, port)
            addresses = list(dict.fromkeys(ip_address(answer) for answer in answers))
        except (OSError, ValueError):  # ValueError: a label that is empty or too long, an answer that is no address
            addresses = []
        if not addresses:
            raise DeliveryFailed("{host}: el nombre no lleva a ninguna dirección. Revisa el DNS.", host=host)
        return addresses

    def _vet(self, address: Address) -> None:
        refusal = self._policy.refuses(address, operator=self._operator)
        if refusal is not None:
            raise TargetRefused(refusal.template, **refusal.params)

    async def _dial(
        self, addresses: list[Address], port: int, socket_options: Iterable[httpcore2.SOCKET_OPTION] | None
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception | None = None
        for left in range(len(addresses), 0, -1):
            # A silent address may use up its share of the time, not all of it.
            share_s = (anyio.current_effective_deadline() - anyio.current_time()) / left
            try:
                stream = await self._dialler.connect_tcp(
                    str(addresses[-left]), port, timeout=share_s, socket_options=socket_options
                )
                return _DialledStream(stream, str(addresses[-left]))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError


class _DialledStream(httpcore2.AsyncNetworkStream):
    """A connection that knows which address was dialled, also when the other end has hung up.

    It closes itself when the deadline falls into the TLS handshake: httpcore2 would leave it open for good, and a
    hostile receiver could use up the process's file descriptors.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream, address: str) -> None:
        self.read = stream.read
        self.write = stream.write
        self.aclose = stream.aclose
        self.get_extra_info = stream.get_extra_info
        self.address = address
        self._stream = stream

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's; the request's deadline rules
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return _DialledStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self.address)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise


def _open_pool(backend: _VettingBackend, tls: ssl.SSLContext) -> httpcore2.AsyncConnectionPool:
    return httpcore2.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=200,
        max_keepalive_connections=50,
        keepalive_expiry=_KEEP_ALIVE_S,
        network_backend=backend,
    )


def _system_addresses(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _join_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _failure(host: str, error: Exception) -> DeliveryFailed:
    reason = _reason(error)
    if isinstance(error, httpcore2.LocalProtocolError):
        return DeliveryFailed(
            "{host}: la petición no es HTTP válido ({reason}). Revisa las cabeceras.",
            permanent=True,
            host=host,
            reason=reason,
        )
    if isinstance(error, httpcore2.RemoteProtocolError):
        return DeliveryFailed("{host}: la respuesta no es HTTP válido ({reason}).", host=host, reason=reason)
    return DeliveryFailed("{host}: la conexión falló ({reason}).", host=host, reason=reason)


def _reason(error: BaseException) -> Message | str:
    """The words of the deepest cause that has any: the outer ones only say that connecting failed."""
    cause = error.__cause__ or error.__context__
    deeper = _reason(cause) if cause is not None else ""
    if deeper or not isinstance(error, OSError) or isinstance(error, (ssl.SSLError, socket.gaierror)) or not error.errno:
        return deeper or str(error)[:200]
    return os_reason(error)
