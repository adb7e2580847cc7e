"""The guarded HTTP client of all outbound requests: webhooks, chat channels, the model, Kestra.

A URL is only text; what counts is the address that its name leads to at this moment. So the client resolves a name once
for each connection, vets every address of the answer, and dials a vetted address itself: a name that leads elsewhere a
moment later has no effect. TLS, SNI and `Host` keep the name. It follows no redirect and knows no environment proxy.

Source: OWASP API7:2023; ASVS 5.0, 1.3.6 and 15.3.2.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import h11
import httpcore2

import guiado
from guiado import clock
from guiado.delivery.http_connection import FAILURES, NO_ANSWER, ConnectionPool, Head, HttpConnection, dial
from guiado.delivery.ip_policy import Address, TargetPolicy
from guiado.delivery.resolver import Resolver, SystemResolver, resolve_vetted
from guiado.delivery.target_url import Target, check_url, vet_url
from guiado.errors import DeliveryFailed, Message, TargetRefused, os_reason

__all__ = ["RESERVED_HEADERS", "GuardedClient", "HttpAnswer", "Resolver", "check_url"]

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
"""Headers of the connection, in lower case. A caller's are dropped: they could smuggle a second request."""

_MAX_DIALS = 6  # a hostile name may answer with hundreds of addresses
_KEEP_ALIVE_S = 4.0  # below the 5 s after which many servers hang up on an idle connection
_MAX_REQUESTS, _MAX_IDLE = 200, 100
_BODY_S = 2.0  # for what a provider tells beside its status: an id, a reason
_REFUSAL_S = 1.0
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}
)
_CERTIFICATE_FAULTS = {
    9: Message("su certificado todavía no es válido"),
    10: Message("su certificado caducó"),
    18: Message("su certificado no lo firma una autoridad de confianza"),
    19: Message("su certificado no lo firma una autoridad de confianza"),
    20: Message("su certificado no lo firma una autoridad de confianza"),
    21: Message("su certificado no lo firma una autoridad de confianza"),
    62: Message("su certificado es de otro nombre"),
    64: Message("su certificado es de otro nombre"),
}
"""OpenSSL's error number (`X509_V_ERR_…`) -> reason for people."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to an HTTP request.

    Args:
        status: the HTTP status; a redirect is an answer like any other.
        headers: names in lower case; repeated ones are joined with a comma.
        body: the first bytes, at most the client's cap, as they came over the wire.
        elapsed_s: from the start of the lookup to the end of the body, in seconds.
        address: the IP address that answered.
        is_whole: whether the body came to its end, and within the cap.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float
    address: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Request:
    """Arguments of one call of `post`, and its start."""

    target: Target
    body: bytes
    operator: bool
    started_s: float
    timeout_s: float
    body_s: float | None

    @property
    def deadline_s(self) -> float:
        return self.started_s + self.timeout_s

    def body_wait_s(self) -> float | None:
        """How long the body may take from now on, in seconds; None without a limit."""
        return None if self.body_s is None else max(0.0, min(self.body_s, self.deadline_s - clock.monotonic_s()))


class GuardedClient:
    """HTTP client that calls vetted addresses only. One serves one event loop, any number of requests at a time.

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
        self._shelf = ConnectionPool(_KEEP_ALIVE_S, _MAX_IDLE)

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        operator: bool = False,
        body_s: float | None = _BODY_S,
    ) -> HttpAnswer:
        """Send one POST request and read the answer, whatever its status.

        An answer counts from its complete head on: who said 200 has the message, also where the rest never comes.

        Args:
            url: the target. Only an operator's may carry `user:password@`, sent as basic authentication.
            body: the bytes to send.
            headers: added to the client's own; those in `RESERVED_HEADERS` are dropped.
            timeout_s: deadline for everything together, from the lookup to the last byte, in seconds.
            operator: the target comes from the operator's own environment.
            body_s: how long the answer's body is waited for, in seconds. None: an answer without its end is a failure.

        Raises:
            TargetRefused: the URL or one of the addresses behind it must not be called. No connection was made.
            DeliveryFailed: no answer; its parameter `status` is the one of an answer whose head did not end. Permanent only where
                the request itself is at fault.
        """
        target = _vet_url(url, operator=operator)
        request = _Request(target, body, operator, clock.monotonic_s(), timeout_s, body_s)
        wires: list[HttpConnection] = []
        try:
            head = h11.Request(method="POST", target=target.path, headers=self._head(target, body, headers))
            async with asyncio.timeout(timeout_s) as limit, self._slots:
                return await self._exchange(request, head, limit, wires)
        except TimeoutError:
            raise DeliveryFailed(
                "{host}: sin respuesta completa en {timeout_s} s.", host=target.host, timeout_s=timeout_s, status=_begun(wires)
            ) from None
        except FAILURES as error:
            raise _failure(target.host, error, _begun(wires)) from error

    async def refusal(self, url: str) -> Message | None:
        """Return why a caller's URL cannot be called now; None where nothing speaks against it. Sends nothing."""
        try:
            target = _vet_url(url, operator=False)
            async with asyncio.timeout(_REFUSAL_S):
                await resolve_vetted(target.host, target.port, self.resolver, self._policy, operator=False)
        except (TargetRefused, DeliveryFailed) as error:
            return error.message
        except TimeoutError:
            return None
        return None

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
        self, asked: _Request, head: h11.Request, limit: asyncio.Timeout, wires: list[HttpConnection]
    ) -> HttpAnswer:
        started_s, target = clock.monotonic_s(), asked.target
        place = (asked.operator, target.scheme, target.host, target.port)
        wire = self._shelf.take(place) or await self._open(target, asked.deadline_s, operator=asked.operator)
        wires.append(wire)
        response = await wire.ask(head, asked.body)
        if asked.body_s is not None:
            limit.reschedule(None)  # from here on the answer counts
        body, is_whole = await wire.read_body(self._max_answer_bytes, asked.body_wait_s())
        self._shelf.put(place, wire)
        headers, elapsed_s = _join_headers(response.headers.raw_items()), clock.monotonic_s() - started_s
        return HttpAnswer(response.status_code, headers, body, elapsed_s, wire.address, is_whole)

    async def _open(self, target: Target, deadline_s: float, *, operator: bool) -> HttpConnection:
        """Connect to a name: resolve once, vet every address, dial the vetted ones in turn."""
        addresses = await resolve_vetted(target.host, target.port, self.resolver, self._policy, operator=operator)
        return await self._dial(addresses[:_MAX_DIALS], target, deadline_s)

    async def _dial(self, addresses: list[Address], target: Target, deadline_s: float) -> HttpConnection:
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


def _begun(wires: list[HttpConnection]) -> int | None:
    """Return the status of an answer whose head did not end."""
    return wires[-1].begun_status if wires else None


def _failure(host: str, error: Exception, begun: int | None) -> DeliveryFailed:
    if isinstance(error, h11.LocalProtocolError):
        return DeliveryFailed("{host}: la petición no es HTTP válido. Revisa las cabeceras.", permanent=True, host=host)
    if isinstance(error, h11.RemoteProtocolError) and str(error) != NO_ANSWER:
        return DeliveryFailed(
            "{host}: la respuesta no es HTTP válido ({reason}).", host=host, reason=_http_reason(error), status=begun
        )
    return DeliveryFailed("{host}: la conexión falló ({reason}).", host=host, reason=_reason(error), status=begun)


def _http_reason(error: Exception) -> Message:
    """Explain invalid HTTP in our own words: the library's are English, and quote the answer."""
    return Message("su cabecera es demasiado larga") if "too long" in str(error) else Message("no se entiende")


def _reason(error: BaseException) -> Message:
    """Explain the deepest cause of an error: the outer ones only say that connecting failed."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and not isinstance(cause, TimeoutError):
        return _reason(cause)
    if isinstance(error, ssl.SSLError):
        return _tls_reason(error)
    if isinstance(error, h11.ProtocolError) or not isinstance(error, OSError) or not error.errno:
        return Message("se cortó la conexión")
    return os_reason(error)


def _tls_reason(error: ssl.SSLError) -> Message:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE_FAULTS.get(error.verify_code, Message("su certificado no es válido"))
    if error.reason in _NO_TLS:
        return Message("no habla TLS en ese puerto")
    return Message("no se pudo acordar el cifrado TLS")
