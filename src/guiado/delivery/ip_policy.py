"""The policy of IP addresses that guiado may call: pure, explicit, the same on every Python.

`ipaddress.is_global` alone is not enough: Python 3.11 calls `64:ff9b::7f00:1`, `2002:7f00:1::`, `::127.0.0.1`,
`fec0::1` and `224.0.0.1` global, and later versions answer differently. So every range is written down here.

Source: the IANA special-purpose registries for IPv4 and IPv6, RFC 6890, RFC 6052 (NAT64), RFC 7915 (SIIT), RFC 4380
(Teredo), RFC 5214 (ISATAP).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from guiado.errors import Message, SettingsInvalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORBIDDEN: tuple[tuple[Network, Message], ...] = tuple(
    (ip_network(cidr), name)
    for cidr, name in (
        ("0.0.0.0/8", Message("esta red")),
        ("10.0.0.0/8", Message("red privada")),
        ("100.64.0.0/10", Message("red del operador, CGNAT")),
        ("127.0.0.0/8", Message("este mismo equipo")),
        ("169.254.0.0/16", Message("enlace local")),
        ("172.16.0.0/12", Message("red privada")),
        ("192.0.0.0/24", Message("protocolos del IETF")),
        ("192.0.2.0/24", Message("documentación")),
        ("192.88.99.0/24", Message("relé 6to4")),
        ("192.168.0.0/16", Message("red privada")),
        ("198.18.0.0/15", Message("pruebas de rendimiento")),
        ("198.51.100.0/24", Message("documentación")),
        ("203.0.113.0/24", Message("documentación")),
        ("224.0.0.0/4", Message("multidifusión")),
        ("240.0.0.0/4", Message("reservada")),
        ("::/128", Message("sin especificar")),
        ("::1/128", Message("este mismo equipo")),
        ("::/96", Message("IPv4 compatible, obsoleta")),
        ("::ffff:0:0:0/96", Message("traducción SIIT")),
        ("64:ff9b:1::/48", Message("NAT64 local")),
        ("100::/64", Message("descarte")),
        ("100:0:0:1::/64", Message("prefijo de relleno")),
        ("2001::/32", Message("túnel Teredo")),
        ("2001::/23", Message("protocolos del IETF")),
        ("2001:db8::/32", Message("documentación")),
        ("2002::/16", Message("túnel 6to4")),
        ("3fff::/20", Message("documentación")),
        ("5f00::/16", Message("segmentos SRv6")),
        ("fc00::/7", Message("red privada, ULA")),
        ("fe80::/10", Message("enlace local")),
        ("fec0::/10", Message("sitio local, obsoleta")),
        ("ff00::/8", Message("multidifusión")),
    )
)
"""Networks that only the allow-list opens, with the name that a refusal gives. Narrower ranges come first."""
_RANGES = {
    version: [(int(network[0]), int(network[-1]), name) for network, name in FORBIDDEN if network.version == version]
    for version in (4, 6)
}

METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean, OpenStack
        "169.254.170.2",  # AWS ECS: credentials of the task
        "169.254.170.23",  # AWS EKS: credentials of the pod
        "169.254.42.42",  # Scaleway
        "169.254.0.23",  # Tencent
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's host agent, in a public range
        "192.0.0.192",  # Oracle, classic
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS EKS
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
        "fd00:c1::a9fe:a9fe",  # Oracle
        "fd00:a9fe:a9fe::1",  # Akamai
        "fd00:100::100:200",  # Alibaba
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
"""Addresses of clouds' metadata services, which give out credentials. Neither allow-list nor operator opens these."""

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LAST_32_BITS = tuple(IPv6Network(cidr) for cidr in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_ISATAP = 0x0000_5EFE
_UNIVERSAL_BIT = 0x0200_0000


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """Policy for targets: the public internet, and the networks that the administrator allows.

    Args:
        private_targets: private networks that may be called; none by default.
    """

    private_targets: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, cidrs: str) -> TargetPolicy:
        """Read the value of `GUIADO_PRIVATE_TARGETS`.

        Args:
            cidrs: networks or single addresses, separated by commas or blanks: `"10.0.0.0/8, fd00::/8"`; may be empty.

        Raises:
            SettingsInvalid: a part is no network; names the part.
        """
        return cls(tuple(_parse_network(part) for part in re.split(r"[\s,]+", cidrs) if part))

    def refuses(self, address: Address, *, operator: bool = False) -> Message | None:
        """Return the reason why an address must not be called.

        An IPv4-mapped or NAT64 address is judged as the IPv4 address that it stands for: a machine with IPv6 only
        reaches all of the public IPv4 internet through `64:ff9b::/96`.

        Args:
            address: what the name resolved to.
            operator: the target comes from the operator's own environment, so that private networks are fine.

        Returns:
            The reason and the remedy, or None where the address is allowed.
        """
        if METADATA.intersection((_plain(address), *_embedded(address))):
            return Message(
                "{address}: es el servicio de metadatos de una nube y nunca se llama. Usa otro destino.",
                {"address": str(address)},
            )
        target = _meant(address)
        if operator or self._opens(target):
            return None
        return _refusal(address, _forbidden_name(target))

    def _opens(self, address: Address) -> bool:
        return any(address in network for network in self.private_targets)


def _parse_network(part: str) -> Network:
    try:
        return ip_network(part)
    except ValueError:
        raise SettingsInvalid(
            "GUIADO_PRIVATE_TARGETS: «{part}» no es una red. Escribe redes como 10.0.0.0/8 o fd00::/8 (sin bits fuera"
            " de la máscara), separadas por comas.",
            part=part[:80],
        ) from None


def _refusal(address: Address, name: Message | None) -> Message | None:
    if name is None:
        return None
    meant = _meant(address)
    return Message(
        "{address}: dirección no pública ({name}). Si es de tu red, el administrador puede permitirla en"
        " GUIADO_PRIVATE_TARGETS (vacía por defecto), por ejemplo GUIADO_PRIVATE_TARGETS={network}.",
        {"address": str(address), "name": name, "network": f"{meant}/{meant.max_prefixlen}"},
    )


def _forbidden_name(address: Address) -> Message | None:
    number = int(address)
    for first, last, name in _RANGES[address.version]:
        if first <= number <= last:
            return name
    if address.version == 6 and address not in _GLOBAL_UNICAST:  # noqa: PLR2004 - the version of the protocol
        return Message("sin asignar")
    return Message("túnel ISATAP") if _is_isatap(address) else None


def _plain(address: Address) -> Address:
    """Return the address without its interface (`%eth0`), which would hide it from a comparison."""
    return IPv6Address(int(address)) if isinstance(address, IPv6Address) else address


def _meant(address: Address) -> Address:
    """Return the address that a packet really reaches: the system and a NAT64 gateway unpack these two forms."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return _bits(address, 0)
    return _plain(address)


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """Return every IPv4 address that an IPv6 address carries, in any of the translation and tunnel formats."""
    if isinstance(address, IPv4Address):
        return ()
    if any(address in network for network in _LAST_32_BITS):
        return (_bits(address, 0),)
    if address in _NAT64_LOCAL:
        return (_bits(address, 0), *(_bits(_without_octet_8(address), 88 - length) for length in (48, 56, 64)))
    isatap = _bits(address, 0) if _is_isatap(address) else None
    return tuple(part for part in (isatap, address.sixtofour, *(address.teredo or ())) if part is not None)


def _is_isatap(address: Address) -> bool:
    """Whether an ISATAP router would send an address on to the IPv4 address at its end, whatever its prefix."""
    return address.version == 6 and int(address) >> 32 & 0xFFFFFFFF & ~_UNIVERSAL_BIT == _ISATAP  # noqa: PLR2004


def _without_octet_8(address: IPv6Address) -> int:
    """Return the address as 120 bits: RFC 6052 keeps bits 64 to 71 empty, and the IPv4 address runs around them."""
    value = int(address)
    return value >> 64 << 56 | value & ((1 << 56) - 1)


def _bits(value: IPv6Address | int, shift: int) -> IPv4Address:
    """Return the 32 bits that end `shift` bits before the right end."""
    return IPv4Address(int(value) >> shift & 0xFFFFFFFF)
