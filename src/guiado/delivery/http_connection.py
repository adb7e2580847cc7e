"""HTTP/1.1 connections and the pool of idle ones: h11 for the protocol, asyncio for the transport.

A general client spends several times as long on a request as h11 does, and a sender makes thousands a second.

Source: RFC 9112, sections 9.3 (persistence) and 6.3 (length of a body).
"""

from __future__ import annotations

import asyncio
import re
import select
import socket
import ssl
from collections.abc import Hashable
from typing import Any

import h11

from guiado import clock
from guiado.delivery.ip_policy import Address

_MOST_HEAD_BYTES = 100 * 1024
_READ_AHEAD_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([2-5][0-9]{2})\b")
_STATUS_LINE_BYTES = 32
_SWITCHED = 101
_ENDED = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
NO_ANSWER = "no answer before the end"
FAILURES = (h11.ProtocolError, OSError)
Head = list[tuple[bytes, bytes]]


class HttpConnection(asyncio.Protocol):
    """An HTTP/1.1 connection to one address, for one exchange at a time.

    Args:
        address: the one that was dialled.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.idle_since_s = 0.0
        self._http = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=_MOST_HEAD_BYTES)
        self._transport: Any = None
        self._received = bytearray()
        self._begun = b""
        self._failure: Exception | None = None
        self._is_ended = False
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; see `asyncio.Protocol`."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep the bytes until they are read; see `asyncio.Protocol`."""
        self._received += data
        if len(self._received) > _READ_AHEAD_BYTES:
            self._transport.pause_reading()
        self._tell()

    def eof_received(self) -> None:
        """Mark the stream as ended; see `asyncio.Protocol`."""
        self._is_ended = True
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        """Mark the stream as ended, and keep the failure; see `asyncio.Protocol`."""
        self._is_ended, self._failure = True, exc
        self._tell()

    def _tell(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def is_reusable(self) -> bool:
        """Whether the connection is open and silent: bytes that no request asked for belong to no answer."""
        return self._http.our_state is h11.IDLE and not self._is_ended and not self._received and not self._is_readable

    @property
    def _is_readable(self) -> bool:
        """Whether the socket has bytes, or its end, that the event loop has not read yet."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    async def ask(self, request: h11.Request, body: bytes) -> h11.Response:
        """Send a request and wait for the head of its answer; `read_body` has to follow.

        Raises:
            OSError: the connection broke.
            h11.ProtocolError: the answer is no sound HTTP, or the request is none.
        """
        http = self._http
        try:
            parts = (http.send(request), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage()))
            self._transport.write(b"".join(part for part in parts if part))
            self._begun = b""
            return await self._read_head()
        except BaseException:
            self.close()
            raise

    async def _read_head(self) -> h11.Response:
        while not isinstance(event := await self._next_event(), h11.Response):
            if not isinstance(event, h11.InformationalResponse) or event.status_code == _SWITCHED:
                raise h11.RemoteProtocolError(NO_ANSWER)
            self._begun = bytes(self._http.trailing_data[0])
        return event

    async def read_body(self, most_bytes: int, wait_s: float | None) -> tuple[bytes, bool]:
        """Read the body of an answer, and whether it is whole; afterwards the connection is reusable, or closed.

        Args:
            most_bytes: how much of it is read.
            wait_s: for so long, and then what came is enough; None waits for the end, and raises what `ask` raises.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(wait_s):
                await self._fill(body, most_bytes)
        except (TimeoutError, *FAILURES):
            if wait_s is None:
                raise
        finally:
            is_whole = self._http.their_state in _ENDED
            if self._http.our_state is self._http.their_state is h11.DONE and not self._http.trailing_data[0]:
                self._http.start_next_cycle()
            else:
                self.close()
        return bytes(body[:most_bytes]), is_whole

    async def _fill(self, body: bytearray, most_bytes: int) -> None:
        while len(body) < most_bytes and isinstance(event := await self._next_event(), h11.Data):
            body += event.data

    @property
    def begun_status(self) -> int | None:
        """Status in the first line of an answer whose head never ended; None where there is none."""
        found = _STATUS_LINE.match(self._begun)
        return int(found[1]) if found else None

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._read()
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise self._failure or h11.RemoteProtocolError(NO_ANSWER)
            self._begun = (self._begun + data)[:_STATUS_LINE_BYTES]
            self._http.receive_data(data)
        return event

    async def _read(self) -> bytes:
        """Return the bytes that were received; none at the end of the stream."""
        if not self._received and not self._is_ended:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if not self._received and self._failure is not None:
            raise self._failure
        data = bytes(self._received)
        self._received.clear()
        if len(data) > _READ_AHEAD_BYTES and not self._is_ended:
            self._transport.resume_reading()
        return data

    def close(self) -> None:
        """Close the connection at once; safe to call twice."""
        self._transport.abort()


async def dial(address: Address, port: int, tls: ssl.SSLContext | None, host: str, connect_s: float) -> HttpConnection:
    """Connect to an address, with TLS or without.

    Args:
        tls: None for plain HTTP.
        host: the name that the certificate must carry.
        connect_s: deadline for the connection alone, in seconds; that of the TLS handshake is the caller's.

    Raises:
        OSError: nobody answers there, or not in time.
        ssl.SSLError: the other end is not who it should be.
    """
    loop = asyncio.get_running_loop()
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - the version of the protocol
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(connect_s):
            await loop.sock_connect(sock, (str(address), port))
        wire = HttpConnection(str(address))
        name = host if tls is not None else None
        await loop.create_connection(lambda: wire, sock=sock, ssl=tls, server_hostname=name)
    except BaseException:
        sock.close()
        raise
    return wire


class ConnectionPool:
    """Pool of idle connections, by destination.

    Args:
        keep_s: for so long at most.
        most: so many at most.
    """

    def __init__(self, keep_s: float, most: int) -> None:
        self._keep_s, self._most = keep_s, most
        self._idle: dict[Hashable, list[HttpConnection]] = {}
        self._count = 0
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, place: Hashable) -> HttpConnection | None:
        """Take the latest reusable connection to a destination; None where there is none."""
        oldest_s = clock.monotonic_s() - self._keep_s
        waiting = self._idle.get(place, [])
        while waiting:
            wire = waiting.pop()
            self._count -= 1
            if wire.is_reusable and wire.idle_since_s > oldest_s:
                return wire
            wire.close()
        return None

    def put(self, place: Hashable, wire: HttpConnection) -> None:
        """Keep a connection for later; it is closed where it cannot be reused or the pool is full."""
        if not wire.is_reusable or self._count >= self._most:
            wire.close()
            return
        wire.idle_since_s = clock.monotonic_s()
        self._idle.setdefault(place, []).append(wire)
        self._count += 1
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._keep_s, self._clear_out)

    def _clear_out(self) -> None:
        """Close connections that were idle for too long, also where no request comes any more."""
        oldest_s = clock.monotonic_s() - self._keep_s
        kept: dict[Hashable, list[HttpConnection]] = {}
        for place, wires in self._idle.items():
            for wire in wires:
                if wire.is_reusable and wire.idle_since_s > oldest_s:
                    kept.setdefault(place, []).append(wire)
                else:
                    wire.close()
        self._idle, self._count = kept, sum(map(len, kept.values()))
        again = asyncio.get_running_loop().call_later
        self._sweep = again(self._keep_s, self._clear_out) if kept else None

    def close(self) -> None:
        """Close all idle connections; those still in use are not kept any more."""
        self._most = 0
        if self._sweep is not None:
            self._sweep.cancel()
        for wires in self._idle.values():
            for wire in wires:
                wire.close()
        self._idle, self._count, self._sweep = {}, 0, None
