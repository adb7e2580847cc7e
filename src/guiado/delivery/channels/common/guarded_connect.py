"""Connections to vetted addresses for protocols other than HTTP."""

from __future__ import annotations

import asyncio
import socket
from functools import cache

from guiado.delivery.ip_policy import TargetPolicy
from guiado.delivery.resolver import Resolver, SystemResolver, resolve_vetted

_MAX_DIALS = 4
_DIAL_S = 5.0


async def dial(host: str, port: int, policy: TargetPolicy, resolver: Resolver | None = None) -> socket.socket:
    """Connect to a server of the operator: resolve once, vet every address, dial the vetted ones in turn.

    Args:
        host: name or address.
        port: from 1 to 65535.
        policy: what must not be called.
        resolver: looks names up; by default the system's own, in threads that nothing else needs.

    Returns:
        The connected socket, non-blocking, the caller's from now on.

    Raises:
        TargetRefused: one of the addresses must not be called.
        DeliveryFailed: the name leads nowhere.
        OSError: nobody answers.
    """
    look_up = resolver or _system_resolver()
    addresses = await resolve_vetted(host, port, look_up, policy, operator=True, of_channel=True)
    return await _dial_first([str(address) for address in addresses[:_MAX_DIALS]], port)


@cache
def _system_resolver() -> SystemResolver:
    return SystemResolver()


async def _dial_first(addresses: list[str], port: int) -> socket.socket:
    failure: OSError = TimeoutError()
    for address in addresses:
        try:
            return await asyncio.wait_for(_dial_one(address, port), _DIAL_S)
        except OSError as error:
            failure = error
    raise failure


async def _dial_one(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    opened.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened
