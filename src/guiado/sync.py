"""The engine under every facade class: one event loop in a thread of its own, with one pool of connections per process."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import cache
from typing import Concatenate, ParamSpec, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from guiado import clock
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.app.idempotency import once, request_hash
from guiado.app.outbound.webhook_sender import EXIT_S
from guiado.errors import DatabaseUnavailable, GuiadoError
from guiado.scheduler import refresh_views
from guiado.settings import Settings, read_settings
from guiado.wiring import Runtime

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
_RETRY_S = 20.0
_PAUSE_S = 0.05
_DRAIN_S = 5.0


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
        # A script is often the only process there is: while it lives, the periodic work gets done too.
        self._worker = self.portal.call(self.runtime.worker, 1)  # a script takes few connections
        self._working = self.portal.start_task_soon(self._worker.run)
        self._wrote = False
        self.closed = False

    def close(self) -> None:
        """End the runtime and the loop; what was written shows in the materialized views before."""
        with contextlib.suppress(RuntimeError):
            self._end_work()
            self.closed = True
            if self._wrote:
                with contextlib.suppress(GuiadoError):
                    self.portal.call(refresh_views, self.runtime.parts)
            with contextlib.suppress(GuiadoError):
                self.portal.call(self.runtime.close)
        self._stack.close()

    def _end_work(self) -> None:
        if self._wrote:
            self.portal.call(self._worker.drain, _DRAIN_S)
        self.portal.call(self._worker.stop)
        try:
            self._working.result(EXIT_S)
        except TimeoutError:  # a job that is cut short is free again when its lease ends
            self._working.cancel()

    def scope(self, channel: str, actor: str = "customer", language: str | None = None) -> Scope:
        """The scope of a caller in this process."""
        return self.runtime.parts.scope(actor, channel, language)

    def write(
        self,
        scope: Scope,
        shape: Callable[[T], R],
        action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a use case in one transaction, exactly once, over a restart of the database too.

        When the connection is lost nobody knows whether the work was done: asking again under the same key does it if it was not,
        and returns the recorded answer if it was.

        Args:
            shape: makes plain JSON values of what the use case returns; they are stored with the key.
        """
        key, app = f"facade-{clock.new_id()}", self.runtime.parts

        async def shaped(work: UnitOfWork) -> R:
            return shape(await action(work, *args, **kwargs))

        async def run() -> R:
            return await once(app, scope, key, request_hash(key.encode()), shaped)

        answer = self._insist(run)
        self._wrote = True
        return answer

    def read(
        self, scope: Scope, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a use case that changes nothing."""
        return self._insist(lambda: self.runtime.parts.run_read(scope, action, *args, **kwargs))

    def do_write(self, action: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """See `write`."""
        return self.write(self.scope("facade"), lambda answer: answer, action)

    def do_read(self, action: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """See `read`."""
        return self.read(self.scope("facade"), action)

    def run(self, action: Callable[[AppContext], Awaitable[T]]) -> T:
        """Do `action`, which takes connections by itself."""
        parts = self.runtime.parts
        return self._insist(lambda: action(parts))

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
_inherited: list[Engine] = []


def _unlock_in_child() -> None:
    # Another thread of the parent may have held the lock at the fork. The parent's engines stay referenced here: to let go of
    # one would wait for its thread, which does not exist in a child.
    global _engines_lock  # noqa: PLW0603 there is one per process
    _engines_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)


def engine() -> Engine:
    """The engine for the settings as they are now; a forked child gets its own."""
    settings = read_settings()
    key = (os.getpid(), *settings.model_dump().values())
    with _engines_lock:
        if key not in _engines:
            _engines[key] = Engine(settings)
            # Last registered, first called: the engines end while the embedded database, which leaves by itself, still runs.
            atexit.unregister(close_engines)
            atexit.register(close_engines)
            _close_while_threads_work()
        return _engines[key]


@cache
def _close_while_threads_work() -> None:
    """End the engines before Python shuts its thread pools: what is still to be sent needs them for looking up names.

    The standard library's own pools use this hook; where it is missing, what is left waits for the next worker.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with contextlib.suppress(RuntimeError):
            register(close_engines)


class Facade:
    """Base of the facade's classes: finds the engine anew after a fork, and after all engines were closed."""

    def __init__(self) -> None:
        self._held, self._holder = engine(), os.getpid()

    @property
    def _engine(self) -> Engine:
        if self._holder != os.getpid() or self._held.closed:
            if self._holder != os.getpid():
                _inherited.append(self._held)
            self._held, self._holder = engine(), os.getpid()
        return self._held


def close_engines() -> None:
    """End what the agents of this process started; later agents start anew."""
    with _engines_lock:
        mine = [key for key in _engines if key[0] == os.getpid()]
        ended = [_engines.pop(key) for key in mine]
    for engine in ended:
        engine.close()
