"""Name lookups for outbound requests, in threads of their own, and the vetting of the addresses found.

The event loop's default threads are few and shared with the rest of the process: one dead name server would fill them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from guiado.delivery.ip_policy import Address, TargetPolicy
from guiado.errors import DeliveryFailed, TargetRefused

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Function from a host name and a port to the addresses of the host, as text."""

_MAX_LOOKUPS = 32  # a dead name server keeps a thread for as long as the system's own timeout lasts


class SystemResolver:
    """Resolver that uses the system's own lookup; serves any number of callers at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="guiado-lookup")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Look up the addresses of a host name, as text.

        Raises:
            OSError, UnicodeError: the name leads nowhere, or is none.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _system_addresses, host, port)

    def close(self) -> None:
        """End the threads; lookups that have not begun are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _system_addresses(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def resolve_vetted(
    host: str, port: int, resolver: Resolver, policy: TargetPolicy, *, operator: bool, of_channel: bool = False
) -> list[Address]:
    """Look up a host name once, and return its addresses, each of which may be called.

    Args:
        operator: the target comes from the operator's own environment.
        of_channel: a name that leads nowhere is a fault of the operator's server, not of one message.

    Raises:
        TargetRefused: one of the addresses must not be called.
        DeliveryFailed: the name leads nowhere.
    """
    try:
        found = list(dict.fromkeys(ip_address(answer) for answer in await resolver(host, port)))
    except (OSError, ValueError):  # ValueError: a label that is empty or too long, an answer that is no address
        found = []
    if not found:
        why = "{host}: el nombre no lleva a ninguna dirección. Revisa el DNS."
        raise DeliveryFailed(why, of_channel=of_channel, host=host)
    for address in found:
        refusal = policy.refuses(address, operator=operator)
        if refusal is not None:
            raise TargetRefused(refusal.template, **refusal.params)
    return found
