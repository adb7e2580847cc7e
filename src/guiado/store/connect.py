"""Connection to the first server of an address that answers.

asyncpg has one timeout for the whole list of servers, so that one which hangs (a frozen machine, packets that are dropped)
keeps all others out. Here each server has its own, and after half a second without an answer the next one is asked too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic

import asyncpg

from guiado.store.address import Address, Host, read_address
from guiado.store.connection import C, DriverConnection, connect

STAGGER_S = 0.5
"""How long to wait for one server before the next one is asked too."""


@dataclass(frozen=True, slots=True)
class Dialled(Generic[C]):
    """An open connection.

    Args:
        connection: of asyncpg.
        address: of the database.
        host: the server that it leads to, None where the address names none.
    """

    connection: C
    address: Address
    host: Host | None


async def dial(dsn: str, timeout_s: float, kind: type[C], **options: object) -> Dialled[C]:
    """Open a connection to the first usable server of an address.

    Args:
        dsn: address of the database; several servers by commas.
        timeout_s: for all of it.
        kind: class of the connection.
        options: `application_name`, and what else asyncpg's `connect` takes.

    Raises:
        SettingsInvalid: the address cannot be read.
        TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError: no server could be used; the most
            informative error.
    """
    address = read_address(dsn)
    # Who prefers a standby takes any other server when there is none: once more, with nothing wanted.
    targets = ["standby", "any"] if address.target == "prefer-standby" else [address.target]
    async with asyncio.timeout(timeout_s):
        for target in targets[:-1]:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                return await _Race(address, target, timeout_s / 2, kind, options).run()
        return await _Race(address, targets[-1], timeout_s, kind, options).run()


async def answers(address: Address, host: Host, timeout_s: float) -> bool:
    """Whether a server answers within a time; a refusal is an answer too."""
    try:
        (await _connect(address, host, "any", timeout_s, DriverConnection, {})).terminate()
    except TimeoutError:
        return False
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return True
    return True


class _Race(Generic[C]):
    def __init__(self, address: Address, target: str, timeout_s: float, kind: type[C], options: Mapping[str, object]) -> None:
        self._address, self._target, self._kind, self._options = address, target, kind, options
        self._host_timeout_s = min(address.connect_timeout_s or timeout_s, timeout_s)
        self._running: dict[asyncio.Task[C], Host | None] = {}
        self._errors: list[BaseException] = []

    async def run(self) -> Dialled[C]:
        """Ask one server after the other, and return the first connection."""
        hosts: Sequence[Host | None] = self._address.hosts or (None,)
        try:
            for number, host in enumerate(hosts):
                self._ask(host)
                is_last = number == len(hosts) - 1
                if found := await self._first(None if is_last else STAGGER_S):
                    return found
            raise self._worst()
        finally:
            await self._call_off()

    def _ask(self, host: Host | None) -> None:
        asking = _connect(self._address, host, self._target, self._host_timeout_s, self._kind, self._options)
        self._running[asyncio.create_task(asking)] = host

    async def _first(self, patience_s: float | None) -> Dialled[C] | None:
        """The first connection within a time; None when all servers asked so far refused, or none of them answered."""
        while self._running:
            done, _ = await asyncio.wait(self._running, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return None
            for task in [task for task in self._running if task in done]:  # in the order of the address
                if error := task.exception():
                    del self._running[task]
                    self._errors.append(error)
                else:
                    host = self._running.pop(task)
                    return Dialled(task.result(), self._address, host)
        return None

    def _worst(self) -> BaseException:
        """The most informative error: a server's answer, else any other than a timeout, else a timeout."""
        kinds = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
        told = [error for error in self._errors if isinstance(error, kinds)]
        prompt = [error for error in self._errors if not isinstance(error, TimeoutError)]
        return [*told, *prompt, *self._errors][0]

    async def _call_off(self) -> None:
        for task in self._running:
            task.cancel()
        for ended in await asyncio.gather(*self._running, return_exceptions=True):
            if not isinstance(ended, BaseException):
                ended.terminate()


async def _connect(
    address: Address, host: Host | None, target: str, timeout_s: float, kind: type[C], options: Mapping[str, object]
) -> C:
    settings = {"application_name": options.get("application_name", "guiado"), **address.settings}
    if name := address.options.get("application_name"):
        settings["application_name"] = name
    place: dict[str, object] = {"host": host.name} if host else {}
    if host and host.port:
        place["port"] = host.port
    given = {name: value for name, value in options.items() if name != "application_name"}
    further = {**given, **place, "server_settings": settings, "timeout": timeout_s, "target_session_attrs": target}
    return await connect(address.for_driver, connection_class=kind, **further)
