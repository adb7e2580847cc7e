"""A server with OpenAI's interface on the loopback that lies, stalls and floods as a test tells it to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

Behaviour = Callable[[dict[str, Any], asyncio.StreamWriter], Awaitable[None]]


def completion(content: str | None, **message: Any) -> bytes:
    """An answer as the real interface gives it."""
    said = {"role": "assistant", "content": content, "refusal": None, **message}
    choice = {"index": 0, "finish_reason": "stop", "message": said, "logprobs": None}
    return json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}).encode()


def http(body: bytes, status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    """A whole HTTP answer."""
    head = {"content-type": content_type, "content-length": str(len(body)), "connection": "close"}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sends(answer: bytes) -> Behaviour:
    """Sends these bytes."""

    async def behave(_request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


def says(content: Any) -> Behaviour:
    """A well-formed completion with this content; anything but a text is made JSON."""
    return sends(http(completion(content if isinstance(content, str) else json.dumps(content))))


class FakeModel:
    """Serves in a thread until closed; `behave` may be changed at any time.

    Attributes:
        requests: the JSON body of every request so far, with its path as `_path` and its headers as `_headers`.
        dialled: how many connections came.
    """

    def __init__(self) -> None:
        self.behave: Behaviour = says({"problem_id": None})
        self.requests: list[dict[str, Any]] = []
        self.dialled = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def last(self) -> dict[str, Any]:
        """The newest request."""
        return self.requests[-1]

    def close(self) -> None:
        """Stop and wait."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._end.wait()
        server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dialled += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
            request = {**body, "_path": head[0].split(" ")[1], "_headers": headers}
            self.requests.append(request)
            await self.behave(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def never(_request: dict[str, Any], _writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    await asyncio.sleep(60)


async def half_headers(_request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Begins to answer and stops in the headers."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/js")
    await asyncio.sleep(60)


async def drip(_request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """A right answer, one byte at a time: each is in time, all together are not."""
    for byte in http(completion('{"problem_id": "b"}')):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(_request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """A body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


async def huge(_request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """A right answer behind 100 MB of blanks."""
    body = completion('{"problem_id": "b"}')
    writer.write(
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body) + 100_000_000}\r\n\r\n".encode()
    )
    for _ in range(1_600):
        writer.write(b" " * 62_500)
        await writer.drain()
    writer.write(body)
