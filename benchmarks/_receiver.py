"""A receiver of webhooks in a process of its own, so cheap that it measures the sender: answers 204 and notes when."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

SLOW_S = 5.0
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """Listens at many ports of the loopback; use it in a `with` block.

    Args:
        healthy: ports that answer at once.
    """

    def __init__(self, healthy: int) -> None:
        command = [sys.executable, __file__, str(healthy)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.healthy: list[int]
        self.slow: int
        self.silent: int
        self.refusing: int
        self.healthy, self.slow, self.silent, self.refusing = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)

    def arrivals(self) -> list[tuple[int, str, float]]:
        """What came to the healthy ports since the last time: port, id of the event, and the moment of its first byte."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [tuple(row) for row in self._read()]

    def _read(self) -> Any:  # noqa: ANN401
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class _Healthy(asyncio.Protocol):
    """Only what a sender of `Content-Length` bodies needs."""

    heads: list[tuple[int, bytes, float]] = []  # noqa: RUF012 one list for all connections

    def __init__(self, answer_after_s: float | None = 0.0) -> None:
        self._after_s = answer_after_s
        self._rest = b""
        self._port = 0

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401
        self._transport = transport
        self._port = transport.get_extra_info("sockname")[1]

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end]
            size = int(_value(head, b"content-length: "))
            if len(self._rest) < end + 4 + size:
                return
            self._rest = self._rest[end + 4 + size :]
            self._answer(head, at)

    def _answer(self, head: bytes, at: float) -> None:
        if self._after_s is None:
            return
        if self._after_s:
            asyncio.get_running_loop().call_later(self._after_s, self._transport.write, _ANSWER)
            return
        _Healthy.heads.append((self._port, head, at))
        self._transport.write(_ANSWER)


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(name)[2].partition(b"\r\n")[0]


async def _listen(healthy: int) -> None:
    loop = asyncio.get_running_loop()

    async def port_of(after_s: float | None) -> int:
        server = await loop.create_server(lambda: _Healthy(after_s), "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    refusing = socket.socket()  # bound, so that nobody else takes the port; not listening
    refusing.bind(("127.0.0.1", 0))
    ports = [await port_of(0.0) for _ in range(healthy)]
    print(json.dumps([ports, await port_of(SLOW_S), await port_of(None), refusing.getsockname()[1]]), flush=True)
    loop.add_reader(sys.stdin, _tell)
    await asyncio.Event().wait()


def _tell() -> None:
    if not sys.stdin.readline():
        sys.exit()
    heads, _Healthy.heads = _Healthy.heads, []
    print(json.dumps([(port, _value(head, b"webhook-id: ").decode(), at) for port, head, at in heads]), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(_listen(int(sys.argv[1])))
