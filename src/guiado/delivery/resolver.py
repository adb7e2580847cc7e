"""Name lookups for everything that goes out, in threads of their own.

The event loop's default threads are few and shared with the rest of the process: one dead name server would fill them.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

_MAX_LOOKUPS = 32  # a dead name server keeps a thread for as long as the system's own timeout lasts


class SystemResolver:
    """The system's own lookup; serves any number of callers at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="guiado-lookup")

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses behind a name, as text.

        Raises:
            OSError, UnicodeError: the name leads nowhere, or is none.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _system_addresses, host, port)

    def close(self) -> None:
        """End; lookups that have not begun are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _system_addresses(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
