"""The engine under every facade class: one event loop in a thread of its own, with one pool of connections per process."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar, cast

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from guiado import clock
from guiado.app.idempotency import once, request_hash
from guiado.app.parts import Parts
from guiado.errors import DatabaseUnavailable, GuiadoError
from guiado.settings import Settings, read_settings
from guiado.store.database import Connection
from guiado.wiring import Runtime

T = TypeVar("T")
_RETRY_S = 20.0
_PAUSE_S = 0.05


class Engine:
    """One event loop in a thread, with the runtime of one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._stack = ExitStack()
        self.portal: BlockingPortal = self._stack.enter_context(start_blocking_portal("asyncio"))
        try:
            self.runtime = self.portal.call(Runtime.open, settings)
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """End the runtime and the loop."""
        with contextlib.suppress(RuntimeError, GuiadoError):
            self.portal.call(self.runtime.close)
        self._stack.close()

    def write(self, action: Callable[[Parts, Connection], Awaitable[T]]) -> T:
        """Do `action` in one transaction, exactly once, over a restart of the database too.

        Its answer must be plain JSON values. When the connection is lost nobody knows whether the work was done: asking again
        under the same key does it if it was not, and tells the recorded answer if it was.
        """
        key, parts = f"facade-{clock.new_id()}", self.runtime.parts

        async def run() -> T:
            return cast("T", await once(parts, key, request_hash(key.encode()), lambda connection: action(parts, connection)))

        return self._insist(run)

    def read(self, action: Callable[[Parts, Connection], Awaitable[T]]) -> T:
        """Do `action`, which changes nothing."""
        parts = self.runtime.parts

        async def run() -> T:
            async with parts.db.connection() as connection:
                return await action(parts, connection)

        return self._insist(run)

    def _insist(self, run: Callable[[], Awaitable[T]]) -> T:
        deadline = clock.monotonic_s() + _RETRY_S
        while True:
            try:
                return self.portal.call(run)
            except DatabaseUnavailable:
                if clock.monotonic_s() > deadline:
                    raise
                self.portal.call(anyio.sleep, _PAUSE_S)


_engines: dict[tuple[object, ...], Engine] = {}
_engines_lock = threading.Lock()


def engine() -> Engine:
    """The engine for the settings as they are now; a forked child gets its own."""
    settings = read_settings()
    key = (os.getpid(), *settings.model_dump().values())
    with _engines_lock:
        if key not in _engines:
            _engines[key] = Engine(settings)
        return _engines[key]


@atexit.register
def close_engines() -> None:
    """End what the agents of this process started; later agents start anew."""
    with _engines_lock:
        mine = [key for key in _engines if key[0] == os.getpid()]
        ended = [_engines.pop(key) for key in mine]
    for engine in ended:
        engine.close()
