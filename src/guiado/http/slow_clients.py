"""Protocol of a connection that ends slow and silent clients: deadline and size of a request's head, cap of open connections.

uvicorn's own protocol waits forever for the end of a head. The deadline is of the whole head, so that a trickle of bytes does not
move it. The body has its own (`body_timeout.py`), and a connection between two requests uvicorn's keep-alive timeout.

Source: RFC 6585, section 5; CWE-400 (slow headers).
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from guiado import clock
from guiado.http.problems import raw_answer

HEAD_TIMEOUT_S = 10.0
"""Deadline of a request's head, from the first byte or from the opening of the connection."""
HEAD_BYTES = 32_768
"""Size of a request's head, at most."""
KEEP_ALIVE_S = 5
"""Longest silence between two requests of a connection."""
_TOO_LARGE = 431
_HEAD_END = b"\r\n\r\n"
MOST_CONNECTIONS = 1_024
"""Open connections of a process; beyond it the one that was silent longest is ended."""


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline and a size for the head of each request."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_in_body = False
    _heard_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._heard_s = clock.monotonic_s()
        self._await_head()
        if len(self.connections) > MOST_CONNECTIONS:
            self._end_most_silent()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request; of its head, count it first."""
        self._heard_s = clock.monotonic_s()
        if not self._is_in_body:
            end = data.find(_HEAD_END)
            self._head_bytes += len(data) if end < 0 else end
            if self._head_bytes > HEAD_BYTES:
                self._refuse_head()
                return
            self._await_head()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Stop waiting for the head, and begin with the body."""
        self._stop_waiting()
        self._head_bytes, self._is_in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._is_in_body = False
        super().on_message_complete()

    @property
    def is_idle(self) -> bool:
        """Whether the connection has no request under way."""
        return not self.cycle or self.cycle.response_complete

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(raw_answer(_TOO_LARGE))
            self.transport.close()

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.is_idle:
            self.transport.abort()

    def _end_most_silent(self) -> None:
        known = [cast("object", one) for one in self.connections]
        idle = [one for one in known if isinstance(one, ImpatientProtocol) and one.is_idle and one is not self]
        longest = min(idle, key=lambda one: one._heard_s, default=self)  # noqa: SLF001 of the same class
        longest.transport.abort()
