"""Address of a request's sender, by which its requests are counted.

What `X-Forwarded-For` says is believed as far as trusted proxies wrote it: the list is read from its end, and the first address
that is no trusted proxy is the sender's. Anything in front of that came with the request, and anybody may write it.

Source: MDN, X-Forwarded-For, "Selecting an IP address"; RFC 4291, section 2.5.1 (a subscriber has 64 bits of an IPv6 address).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from litestar.types import HTTPScope

from guiado.http.forwarded import TrustsPeer

UNKNOWN = "unknown"
"""The sender where no address is known, as on a local socket."""
_SUBSCRIBER_BITS = 64


def client_of(scope: HTTPScope, trusts: TrustsPeer) -> str:
    """Return the sender of a request: an IPv4 address, or the /64 network of an IPv6 address.

    Args:
        trusts: whether an address is a proxy whose headers are believed.
    """
    peer = scope["client"]
    found = _parsed(peer[0]) if peer else None
    for said in _forwarded(scope):
        if found is None or not trusts(str(found)):
            break
        further = _parsed(said)
        if further is None:  # a trusted proxy passed on what is no address: it is the nearest sender that is known
            break
        found = further
    return _network(found) if found else UNKNOWN


def _forwarded(scope: HTTPScope) -> Iterator[str]:
    """Yield the addresses of `X-Forwarded-For`, the nearest first."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for part in reversed(",".join(lines).split(",")):
        yield _without_port(part.strip())


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, colon, port = text.rpartition(":")
    return host if colon and port.isdigit() and ":" not in host else text


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _network(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address) >> _SUBSCRIBER_BITS << _SUBSCRIBER_BITS, _SUBSCRIBER_BITS)))
