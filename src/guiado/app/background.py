"""Long computations in a thread of low priority."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_NICENESS = 10


class Stopped(Exception):
    """The end of a computation whose caller no longer waits for its result."""


async def run_aside(work: Callable[[Callable[[], None]], T]) -> T:
    """Run a computation in a thread of its own, at low priority.

    Args:
        work: gets a function to call now and then, which raises `Stopped` where the computation has to end.
    """
    loop, done, stopping = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    found: list[T] = []
    failed: list[BaseException] = []

    def pause() -> None:
        if stopping.is_set():
            raise Stopped

    def run() -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        try:
            found.append(work(pause))
        except BaseException as error:  # noqa: BLE001 it belongs to the one who waits
            failed.append(error)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="guiado-aside", daemon=True).start()
    try:
        await done.wait()
    finally:
        stopping.set()
    if failed:
        raise failed[0]
    return found[0]
