"""The engine under every facade class: one event loop in a thread of its own, with one pool of connections per process."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Concatenate, ParamSpec, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from guiado import clock
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.app.idempotency import once, request_hash
from guiado.app.maintenance import refresh_views
from guiado.app.outbound.queue import EXIT_S
from guiado.errors import DatabaseUnavailable, GuiadoError
from guiado.settings import Settings, read_settings
from guiado.wiring import Runtime

P = ParamSpec("P")
T = TypeVar("T")
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
        self._worker = self.portal.call(partial(self.runtime.worker, 1, of_all_tenants=False))  # a script takes few connections
        self._working = self.portal.start_task_soon(self._worker.run)
        self._watching = self.portal.start_task_soon(self.runtime.plans.watch)
        self._wrote = False
        self.closed = False

    def close(self) -> None:
        """Close the runtime and the loop; after writes, send the due deliveries and refresh the materialized views first."""
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
        self._watching.cancel()
        if self._wrote:
            self.portal.call(self._worker.drain, _DRAIN_S)
        self.portal.call(self._worker.stop)
        try:
            self._working.result(EXIT_S)
        except TimeoutError:  # a job that is cut short is free again when its lease ends
            self._working.cancel()

    def door(self, channel: str, actor: str = "customer", language: str | None = None, order: str = "") -> Door:
        """The engine for one caller of this process.

        Args:
            channel: facade, terminal…
            actor: customer or agent.
            language: the language that the caller asked for, if any.
            order: see `Scope`.
        """
        return Door(self, replace(self.runtime.parts.scope(actor, channel, language), order=order))

    def run(self, action: Callable[[AppContext], Awaitable[T]]) -> T:
        """Run `action`, which takes connections by itself."""
        parts = self.runtime.parts
        return self.insist(lambda: action(parts))

    def note_write(self) -> None:
        """Record a write: its deliveries are sent, and the materialized views refreshed, before the engine ends."""
        self._wrote = True

    def insist(self, run: Callable[[], Awaitable[T]]) -> T:
        """Repeat `run` until the database answers, for 20 seconds at most.

        Raises:
            DatabaseUnavailable: it did not answer all that time.
        """
        deadline = clock.monotonic_s() + _RETRY_S
        while True:
            try:
                return self.portal.call(run)
            except DatabaseUnavailable:
                if clock.monotonic_s() > deadline:
                    raise
                self.portal.call(anyio.sleep, _PAUSE_S)


@dataclass(frozen=True, slots=True)
class Door:
    """An engine for one caller: every use case runs in the caller's scope, and blocks until it is done."""

    engine: Engine
    scope: Scope

    def read(self, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case that changes nothing."""
        parts = self.engine.runtime.parts
        return self.engine.insist(lambda: parts.run_read(self.scope, action, *args, **kwargs))

    def write(self, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case in one transaction, exactly once, over a restart of the database too.

        When the connection is lost nobody knows whether the work was done: asking again under the same key does it if it was
        not, and else changes nothing. Where it was done, the last run is the one that did it.
        """
        key, parts, made = f"facade-{clock.new_id()}", self.engine.runtime.parts, list[T]()

        async def act(work: UnitOfWork) -> None:
            made.append(await action(work, *args, **kwargs))

        self.engine.insist(lambda: once(parts, self.scope, key, request_hash(key.encode()), act))
        self.engine.note_write()
        return made[-1]


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
    """Close the engines before Python shuts its thread pools: the last deliveries need them for looking up names.

    The standard library's own pools use this hook; where it is missing, what is left waits for the next worker.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with contextlib.suppress(RuntimeError):
            register(close_engines)


class Facade:
    """Base of the facade's classes: finds the engine anew after a fork, and after all engines were closed."""

    _order = ""

    def __init__(self) -> None:
        self._held, self._holder = engine(), os.getpid()

    @property
    def _engine(self) -> Engine:
        if self._holder != os.getpid() or self._held.closed:
            if self._holder != os.getpid():
                _inherited.append(self._held)
            self._held, self._holder = engine(), os.getpid()
        return self._held

    @property
    def _door(self) -> Door:
        return self._engine.door("facade", language="es", order=self._order)


def close_engines() -> None:
    """Close the engines that the facade started in this process; later objects of the facade start new ones."""
    with _engines_lock:
        mine = [key for key in _engines if key[0] == os.getpid()]
        ended = [_engines.pop(key) for key in mine]
    for engine in ended:
        engine.close()
