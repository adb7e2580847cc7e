"""A proxy that breaks connections as networks, gateways and other people's servers do."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_LONG_HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
_DRIP_S = 0.02
_BLOCK = b"x" * 65_536


@dataclass
class Call:
    """One connection, and its request where that was read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes = b""
    forward: Callable[[bytes], Awaitable[bytes]] | None = None

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def ask(self) -> bytes:
        """The receiver's own answer."""
        return await self.forward(self.request)

    async def hang(self) -> None:
        """Until the caller hangs up."""
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        """RST instead of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Call], Awaitable[None]]
EARLY: dict[str, Fault] = {}
"""What happens before a request is read."""
LATE: dict[str, Fault] = {}
"""What happens to a request that was read. Where the head of an answer is whole and says 200, the receiver got it."""


def _early(act: Fault) -> Fault:
    EARLY[act.__name__] = act
    return act


def _late(act: Fault) -> Fault:
    LATE[act.__name__] = act
    return act


@_early
async def refuse(call: Call) -> None:
    """With all connections struck, nobody even listens: see `FaultProxy.strike`."""
    call.reset()


@_early
async def accept_and_close(call: Call) -> None:
    del call


@_early
async def swallow_everything(call: Call) -> None:
    await call.hang()


@_early
async def read_nothing(call: Call) -> None:
    call.writer.transport.pause_reading()
    # The caller's own deadline ends it: nobody notices a FIN without reading, so this one gives up as well.
    await asyncio.sleep(2)


@_early
async def half_close(call: Call) -> None:
    call.writer.write_eof()
    await call.hang()


@_early
async def tls_alert(call: Call) -> None:
    await call.say(b"\x15\x03\x03\x00\x02\x02\x28")


@_late
async def reset_before_headers(call: Call) -> None:
    call.reset()


@_late
async def reset_though_received(call: Call) -> None:
    await call.ask()
    call.reset()


@_late
async def reset_in_headers(call: Call) -> None:
    await call.say(b"HTTP/1.1 200 OK\r\ncontent-le")
    call.reset()


@_late
async def reset_in_body(call: Call) -> None:
    await call.ask()
    await call.say(_LONG_HEAD, b"x" * 500)
    call.reset()


@_late
async def silence_before_headers(call: Call) -> None:
    await call.hang()


@_late
async def silence_in_body(call: Call) -> None:
    await call.ask()
    await call.say(_LONG_HEAD)
    await call.hang()


@_late
async def slow_drip(call: Call) -> None:
    await call.ask()
    await call.say(_LONG_HEAD)
    for _ in range(1000):
        await asyncio.sleep(_DRIP_S)
        await call.say(b"x")


@_late
async def one_byte_a_second(call: Call) -> None:
    for byte in OK:
        await call.say(bytes([byte]))
        await asyncio.sleep(1)


@_late
async def delay(call: Call) -> None:
    await asyncio.sleep(0.05)
    await call.say(await call.ask())


@_late
async def garbage(call: Call) -> None:
    await call.say(b"\x00\xff SSH-2.0-OpenSSH_9.2\r\n\r\n")


@_late
async def too_long_header(call: Call) -> None:
    await call.say(b"HTTP/1.1 200 OK\r\nx-long: ", *[_BLOCK] * 32, b"\r\ncontent-length: 0\r\n\r\n")


@_late
async def endless_headers(call: Call) -> None:
    await call.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await call.say(b"x-more: and more\r\n" * 1000)


@_late
async def endless_body(call: Call) -> None:
    """An answer of endless length is cut off by the caller, and is an answer."""
    await call.ask()
    await call.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await call.say(_BLOCK)


@_late
async def too_short_length(call: Call) -> None:
    await call.ask()
    await call.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and much more than it said")
    await call.hang()


@_late
async def too_long_length(call: Call) -> None:
    await call.ask()
    await call.say(_LONG_HEAD, b"short")


@_late
async def broken_chunks(call: Call) -> None:
    await call.ask()
    await call.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nff\r\nbroken")


@_late
async def wrong_chunks(call: Call) -> None:
    await call.ask()
    await call.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n")
    await call.hang()


@_late
async def flood_of_1xx(call: Call) -> None:
    while True:
        await call.say(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


@_late
async def switching_protocols(call: Call) -> None:
    await call.say(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
    await call.hang()


@_late
async def status_500(call: Call) -> None:
    await call.say(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")


@_late
async def status_429(call: Call) -> None:
    await call.say(b"HTTP/1.1 429 Slow\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n")


@_late
async def wild_retry_after(call: Call) -> None:
    await call.say(b"HTTP/1.1 503 No\r\nretry-after: Jan -9999999999999 2026 00:00:00 Jan\r\ncontent-length: 0\r\n\r\n")


@_late
async def close_what_was_kept(call: Call) -> None:
    """The answer keeps the connection, and then it is closed."""
    await call.say(await call.ask())


@_late
async def answer_twice(call: Call) -> None:
    """Who takes the second answer for that to the next request believes that it arrived; it does not."""
    answer = await call.ask()
    await call.say(answer + answer)
    await call.hang()


FAULTS = (*EARLY, *LATE)


@dataclass
class FaultProxy:
    """Passes requests on to a receiver on the loopback, unless a fault strikes.

    Args:
        kind: of the fault.
        target: port of the receiver.
        seed: of which connections and requests are struck.
    """

    kind: str
    target: int
    seed: int
    share: float = 0.0
    port: int = 0
    has_struck: bool = False
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed} {self.kind}")  # noqa: S311 no secret

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def strike(self, share: float) -> None:
        """From now on this share of connections or requests is struck."""
        was, self.share = self.share, share
        if self.kind == "refuse" and share == 1:
            self.has_struck = True
            await self.close()
        elif self.kind == "refuse" and was == 1:
            await self.open()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._open.add(task)
        call = Call(reader, writer)
        try:
            await self._lead(call)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    def _strikes(self, kinds: dict[str, Fault]) -> bool:
        strikes = self.kind in kinds and self._random.random() < self.share
        self.has_struck |= strikes
        return strikes

    async def _lead(self, call: Call) -> None:
        if self._strikes(EARLY):
            await EARLY[self.kind](call)
            return
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self.target)

        async def forward(request: bytes) -> bytes:
            upstream_writer.write(request)
            return await _read_message(upstream_reader)

        call.forward = forward
        try:
            while request := await _read_message(call.reader):
                call.request = request
                if self._strikes(LATE):
                    await LATE[self.kind](call)
                    return
                await call.say(await call.ask())
                if self.kind in EARLY and self.share and self._random.random() < self.share:
                    return  # so that there is a new connection to strike
        finally:
            upstream_writer.close()


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer with a length; nothing at the end of the stream."""
    with suppress(asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return head + await reader.readexactly(int(lengths[0].partition(b":")[2]))
    return b""
