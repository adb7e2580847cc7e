"""Receivers of webhooks in the test's own process, which nobody kills: they write down what arrives, and when."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from guiado.domain.events import EventKind

ALL = tuple(str(kind) for kind in EventKind)
WANTED = {
    "todo": ALL,
    "pasos": ("step_completed", "step_failed"),
    "sesiones": ("session_started", "session_resolved", "session_escalated", "session_abandoned"),
    "lento": ALL,
}
"""Endpoints, and the events that each one wants."""
_PAUSE_S = {"lento": 0.006}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that was answered with 200, or would have been.

    Args:
        event_id: its header `webhook-id`.
        seconds: when it came, by the wall clock.
    """

    event_id: str
    event: str
    data: dict[str, Any]
    seconds: float

    @property
    def made_s(self) -> float:
        """When the event was made, by the wall clock: its id begins with that."""
        return int(self.event_id.replace("-", "")[:12], 16) / 1_000


class Listeners(threading.Thread):
    """A server with one path an endpoint.

    Args:
        seed: of how long each answer takes.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(name="listeners", daemon=True)
        self.port, self.latest = 0, 0.0
        self.got: defaultdict[str, list[Arrival]] = defaultdict(list)
        self._random = random.Random(seed)  # noqa: S311 no secret
        self._ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._listen())

    def open(self) -> None:
        """Begin to listen."""
        self.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(10)

    def url(self, name: str) -> str:
        """Address of an endpoint."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def made_and_got_since(self, seconds: float) -> bool:
        """Whether an event arrived that was made after this moment."""
        return self.latest > seconds

    async def _listen(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                name = lines[0].split()[1].strip("/")
                # What was killed in the middle of the answer must not know that it arrived; it did.
                self._note(name, headers["webhook-id"], body)
                await asyncio.sleep(self._random.random() * _PAUSE_S.get(name, 0.002))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    def _note(self, name: str, event_id: str, body: dict[str, Any]) -> None:
        arrival = Arrival(event_id, body["event"], body["data"], time.time())
        self.got[name].append(arrival)
        self.latest = max(self.latest, arrival.made_s)
