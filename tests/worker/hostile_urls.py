"""URLs that lead, or are meant to lead, to where nobody may send: FORBIDDEN by address, MALFORMED by spelling already.

Nothing here needs a name server: `resolve` reads numbers as the system does, and knows the names itself.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

from guiado.delivery.guarded_client import Resolver

METADATA = [
    *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "169.254.0.23", "100.100.100.200"),
    *("168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::a9fe:a9fe"),
    *("fd00:c1::a9fe:a9fe", "fd00:a9fe:a9fe::1", "fd00:100::100:200"),
]
_RESPELLED = ("127.0.0.1", "10.0.0.1", "172.16.254.3", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0")
_EDGES = (
    "0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.2 127.255.255.255 169.254.0.0 169.254.255.255"
    " 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0"
    " 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255"
    " :: ::1 0:0:0:0:0:0:0:1 0000::0001 ::2 100::1 100:0:0:1::1 2001::1 2001:1ff:ffff::1 2001:2::1 2001:10::1 2001:20::1"
    " 2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2002::1 3fff::1 3fff:fff::1 4000::1 5f00::1 64:ff9b:1::1 fc00::1"
    " fd12:3456:789a::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe80::1 febf::1 fec0::1 feff::1 ff02::1 ff0e::1 200::1 8000::1"
)


def _respell(address: str) -> list[str]:
    """The ways in which the system reads the same IPv4 address."""
    value = int(IPv4Address(address))
    a, b, c, d = IPv4Address(address).packed
    return [
        address,
        f"{value}", f"{value:#x}", f"0X{value:X}", f"0{value:o}", f"0x00000{value:x}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0{a:o}.{b}.{c:#x}.{d}", f"{a}.{b}.{c}.{d:#x}",
        f"{a}.{value & 0xFFFFFF}", f"{a:#x}.{value & 0xFFFFFF}", f"{a}.{b}.{value & 0xFFFF}", f"0{a:o}.{b}.{value & 0xFFFF:#x}",
        f"0000{a:o}.{b}.{c}.{d}", f"{address}.", f"{value}.", address.replace(".", "。"), address.replace(".", "．"),
    ]  # fmt: skip


def _embed(address: str) -> list[str]:
    """IPv6 addresses that carry this one."""
    value = int(IPv4Address(address))
    high, low = f"{value >> 16:x}", f"{value & 0xFFFF:x}"
    teredo = IPv6Address((0x20010000 << 96) | (int(IPv4Address("65.54.227.120")) << 64) | (value ^ 0xFFFFFFFF))
    return [
        f"::ffff:{address}", f"::ffff:{high}:{low}", f"0:0:0:0:0:FFFF:{high}:{low}", f"::{address}", f"::{high}:{low}",
        f"::ffff:0:{address}", f"64:ff9b::{address}", f"64:ff9b::{high}:{low}", f"64:ff9b:1::{address}", f"2002:{high}:{low}::1",
        f"2001:0:{high}:{low}::1", str(teredo), f"fe80::5efe:{address}", f"2606:4700::5efe:{address}", f"2606:4700::200:5efe:{address}",
    ]  # fmt: skip


NAMES = {
    "localhost": ["127.0.0.1"], "localhost.localdomain": ["::1", "127.0.0.1"], "app.localhost": ["127.0.0.1"], "ip6-localhost": ["::1"],
    "metadata.google.example": ["169.254.169.254"], "metadata": ["169.254.169.254"], "instance-data.example": ["169.254.169.254"],
    "metadata.tencent.example": ["169.254.0.23"], "host.docker.example": ["172.17.0.1"], "kubernetes.default.svc": ["10.96.0.1"],
    "router.example": ["192.168.1.1"], "127.0.0.1.nip.example": ["127.0.0.1"], "7f000001.nip.example": ["127.0.0.1"],
    "xn--and-6ma2c.example": ["127.0.0.1"], "a_b.example": ["10.1.2.3"], "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "six.example": ["2606:4700::1111", "fd00::1"], "late.example": [*(f"8.8.4.{n}" for n in range(60)), "10.0.0.1"],
    "mapped.example": ["::ffff:10.0.0.1"], "nat64.example": ["64:ff9b::a00:1"], "zone.example": ["fe80::1%1"],
}  # fmt: skip
_MORE_NAMES = ("LOCALHOST", "LocalHost.", "ÑANDÚ.example", "METADATA.")
_AROUND = (  # what stands around an address that is refused; each is a URL that parsers agree on
    "https://{}/", "HTTP://{}", "http://{}:80/", "http://{}:/", "http://{}:00080/", "http://{}:65535/", "http://{}:6379/", "http://{}?x",
    "http://{}#@ejemplo.com/", "http://{}/@ejemplo.com", "http://{}?@ejemplo.com", "http://{}/%2e%2e/%40", "http://{}//ejemplo.com/",
)  # fmt: skip

FORBIDDEN = list(
    dict.fromkeys(
        [
            *(f"http://{host}/" for address in _RESPELLED for host in _respell(address)),
            *(f"http://[{host}]/" for address in _RESPELLED for host in _embed(address)),
            *(f"http://[{host}]/" if ":" in host else f"https://{host}/" for host in (*_EDGES.split(), *METADATA)),
            *(f"https://{host}/avisos" for host in (*NAMES, *_MORE_NAMES)),
            *(form.format(host) for host in ("127.0.0.1", "2130706433", "[::1]") for form in _AROUND),
        ]
    )
)

_LOGINS = ("ejemplo.com", "ejemplo.com:80", "ejemplo.com%20", "a@b", "", ":", "ejemplo.com%2f", "ejemplo.com%00")
_BROKEN_HOSTS = (
    "127.0.0.1\\@ejemplo.com", "ejemplo.com\\@127.0.0.1", "127.0.0.1\t", "127.0.0.1 ", "127.0.0.1\r\n", "127\t.0.0.1", "127.0.0.1\x0b",
    "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127.0.0.1%00.ejemplo.com", "127.0.0.1%2f", "%6cocalhost", "１２７.0.0.1", "①②⑦.⓪.⓪.①",
    "127.0.0.①", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loca\u00adlhost", "٢١٣٠٧٠٦٤٣٣", "127.0.0.1\u200b", "127.0.0.1\u202e", "127.0.0.1\u00a0", "127.0.0.1;ejemplo.com", "127.0.0.1,ejemplo.com",
    "127.0.0.1&@ejemplo.com", "127.0.0.1*", "(127.0.0.1)", "<127.0.0.1>", "'127.0.0.1'", "127.0.0.1|", "127..0.1", ".127.0.0.1", ".", "..",
    "[::1%25lo]", "[fe80::1%eth0]", "[fe80::1%251]", "[::1", "::1", "[::1]]", "[[::1]]", "[127.0.0.1]", "[::ffff:127.1]", "[v1.::1]",
    "[::1].ejemplo.com", "[::1]ejemplo.com", "[::1]@ejemplo.com", "[0:0:0:0:0:0:0:0:1]", "[]", "[::g]", "[：：1]", "", ":80",
    "127.0.0.1:80:80", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+80", "127.0.0.1:8O", "127.0.0.1:８０", "127.0.0.1:80@x",
    "a" * 64 + ".example", ".".join(["a" * 60] * 5), "xn--a.example\u3002\u3002", "127.0.0.1$", "127.0.0.1`id`", "${jndi:x}", "ejemplo com",
)  # fmt: skip
_SCHEMES = (
    "ftp://127.0.0.1/ gopher://127.0.0.1:6379/_x file:///etc/passwd file://127.0.0.1/etc dict://127.0.0.1:11211/stat ldap://127.0.0.1/"
    " tftp://127.0.0.1/ ws://127.0.0.1/ unix:/run/x.sock http+unix://%2frun%2fx.sock/ javascript:alert(1) data:text/plain,x jar:http://127.0.0.1!/"
    " //127.0.0.1/ ///127.0.0.1/ /127.0.0.1/ 127.0.0.1 127.0.0.1:80 http:127.0.0.1 http:/127.0.0.1/ http:///127.0.0.1/ http:\\\\127.0.0.1\\"
    " http:/\\127.0.0.1/ \\\\127.0.0.1\\x http;//127.0.0.1/ httpſ://127.0.0.1/ ｈttp://127.0.0.1/ hxxp://127.0.0.1/ https//127.0.0.1"
    " url:http://127.0.0.1/ http://https:127.0.0.1/ smb://127.0.0.1/x s3://bucket/ netdoc:///etc/passwd"
)
_BROKEN_PATHS = ("/\\", "/a b", "/\x00", "/\x7f", "/\r\nHost: x", "/\u2028x", "\\x", "/\tx", "?\nx", "#\u200e")

MALFORMED = list(
    dict.fromkeys(
        [
            *(f"http://{login}@{host}/" for login in _LOGINS for host in ("127.0.0.1", "169.254.169.254")),
            *(f"https://{host}/" for host in _BROKEN_HOSTS),
            *_SCHEMES.split(),
            *(f"http://127.0.0.1{path}" for path in _BROKEN_PATHS),
            "http ://127.0.0.1/",
            "http://127.0.0.1/" + "a" * 2_048,
        ]
    )
)


def knowing(*told: dict[str, list[str]]) -> Resolver:
    """A resolver that reads numbers as the system does and knows these names; others do not exist."""
    names = {name: found for known in told for name, found in known.items()}

    async def resolve(host: str, port: int) -> list[str]:
        name = host.rstrip(".")
        if name in names:
            return names[name]
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(entry[4][0]) for entry in found]

    return resolve


resolve = knowing(NAMES)
