"""Detection of a server that hangs while others of the address live, and closing of the connections to it.

A frozen machine closes no connection: a caller would wait for its answer until the time of the longest statement is over. So
when one use of a connection takes long, a new connection asks its server; if that does not answer, its connections are closed.
Only for addresses with several servers: with one, there is no other to use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from guiado import clock
from guiado.logs import get_logger
from guiado.store.address import Address, Host
from guiado.store.connect import Dialled, answers
from guiado.store.tenant_connection import TenantConnection

_POLL_S = 1.0
_LONGEST_SILENCE_S = 3.0
"""How long one use of a connection may take before its server is asked for an answer."""
_ANSWER_TIMEOUT_S = 4.0
log = get_logger()


class HostWatch:
    """Watch over the connections of one process, by server.

    Args:
        forget: receives the connections that must not be used any more.
    """

    def __init__(self, forget: Callable[[set[TenantConnection]], None]) -> None:
        self._forget = forget
        self._address: Address | None = None
        self._host_of: dict[TenantConnection, Host] = {}
        self._in_hand: dict[TenantConnection, float] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, dialled: Dialled[TenantConnection]) -> None:
        """Register a newly opened connection."""
        if len(dialled.address.hosts) < 2 or dialled.host is None:  # noqa: PLR2004  # one is no choice
            return
        self._address = dialled.address
        self._host_of = {one: host for one, host in self._host_of.items() if not one.is_closed()}
        self._host_of[dialled.connection] = dialled.host
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    def pick_up(self, connection: TenantConnection) -> None:
        """Mark a connection as in use."""
        if connection in self._host_of:
            self._in_hand[connection] = clock.monotonic_s()

    def put_down(self, connection: TenantConnection) -> None:
        """Mark a connection as no longer in use."""
        self._in_hand.pop(connection, None)

    def stop(self) -> None:
        """Stop the watch."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            since_s = clock.monotonic_s() - _LONGEST_SILENCE_S
            silent = {self._host_of[one] for one, taken_s in self._in_hand.items() if taken_s < since_s}
            for host in silent:
                if self._address and not await answers(self._address, host, _ANSWER_TIMEOUT_S):
                    self._leave(host)

    def _leave(self, host: Host) -> None:
        log.warning("database_host_hangs", host=host.name, port=host.port)
        left = {one for one, its in self._host_of.items() if its == host}
        self._forget(left)
        for connection in left:
            del self._host_of[connection]
            connection.terminate()
