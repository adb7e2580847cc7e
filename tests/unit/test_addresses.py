"""Which addresses may be called, and which URLs may be stored."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.delivery.guarded_client import check_url
from guiado.delivery.ip_policy import FORBIDDEN, METADATA, TargetPolicy
from guiado.errors import InvalidInput, SettingsInvalid
from guiado.i18n import translate
from guiado.text.url_credentials import masked_url

CLOSED = TargetPolicy()
EVERYTHING = TargetPolicy.parse("0.0.0.0/0, ::/0")

# Written down apart from the module under test: deleting a range there must make a test fail here.
MUST_BE_REFUSED = [
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24",
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
    "::/96 ::ffff:0:0:0/96 ::ffff:127.0.0.0/104 ::ffff:10.0.0.0/104 ::ffff:a9fe:0/112 64:ff9b::7f00:0/104",
    "64:ff9b::a00:0/104 64:ff9b::c0a8:0/112 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/32 2001::/23 2001:db8::/32",
    "2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8 4000::/2 8000::/1 200::/7",
]
BLOCKS = [ip_network(cidr) for row in MUST_BE_REFUSED for cidr in row.split()]

PUBLIC = [
    "8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255",
    "169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255",
    "2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450:4003::1 2001:200::1 2003::1 ::ffff:8.8.8.8 64:ff9b::808:808",
]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_address_of_a_forbidden_block_is_refused(data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(BLOCKS))
    address = block[data.draw(st.integers(0, block.num_addresses - 1))]
    assert CLOSED.refuses(address), f"{address} of {block}"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_both_ends_of_a_forbidden_block_are_refused(block) -> None:
    assert CLOSED.refuses(block[0])
    assert CLOSED.refuses(block[-1])


@pytest.mark.parametrize("text", [text for row in PUBLIC for text in row.split()])
def test_public_addresses_are_allowed_up_to_the_edge_of_a_forbidden_block(text: str) -> None:
    assert CLOSED.refuses(ip_address(text)) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_the_forms_that_the_network_unpacks_are_judged_like_the_plain_address(plain: IPv4Address) -> None:
    expected = CLOSED.refuses(plain) is None
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = IPv6Address(int(IPv6Address(prefix)) | int(plain))
        assert (CLOSED.refuses(wrapped) is None) == expected, str(wrapped)


def test_every_range_of_the_module_is_known_here() -> None:
    unknown = [str(network) for network, _ in FORBIDDEN if not any(_within(network, block) for block in BLOCKS)]
    assert unknown == []


METADATA_SPELLINGS = [
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "169.254.170.2",
    "168.63.129.16",
    "192.0.0.192",
    "169.254.170.23",
    "169.254.42.42",
    "169.254.0.23",
    "fd20:ce::254",
    "fd00:42::42",
    "fd00:ec2::23",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::6464:64c8",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",  # RFC 6052, a prefix of 48 bits
    "64:ff9b:1:a9:fe:a9fe::",  # 56 bits
    "64:ff9b:1:0:a9:fea9:fe00:0",  # 64 bits
    "fd00:c1::a9fe:a9fe",
    "fd00:a9fe:a9fe::1",
    "fd00:100::100:200",
    "fe80::a9fe:a9fe",
    "2606:4700::5efe:a9fe:a9fe",  # ISATAP
    "2606:4700::200:5efe:169.254.169.254",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",  # Teredo, as the server
    "2001:0:808:808:0:0:5601:5601",  # Teredo, as the client, inverted
]


@pytest.mark.parametrize("text", METADATA_SPELLINGS)
def test_neither_the_operator_nor_the_allow_list_opens_cloud_metadata(text: str) -> None:
    refusal = EVERYTHING.refuses(ip_address(text), operator=True)
    assert refusal is not None
    assert "metadatos" in str(refusal)
    assert str(ip_address(text)) in str(refusal)


def test_an_interface_does_not_hide_a_metadata_address() -> None:
    assert EVERYTHING.refuses(IPv6Address("fd00:ec2::254%eth0"), operator=True)
    assert CLOSED.refuses(IPv6Address("fe80::1%eth0"))


def test_the_operator_reaches_private_networks_but_the_public_rules_do_not() -> None:
    for text in ("127.0.0.1", "10.1.2.3", "::1", "fd12::1", "169.254.1.1", "::ffff:127.0.0.1"):
        assert CLOSED.refuses(ip_address(text), operator=True) is None
        assert CLOSED.refuses(ip_address(text)) is not None


def test_the_allow_list_opens_exactly_its_networks() -> None:
    policy = TargetPolicy.parse("10.0.0.0/8, fd00::/8 192.168.7.9")
    for text in ("10.0.0.0", "10.255.255.255", "fd00::1", "192.168.7.9", "::ffff:10.1.1.1"):
        assert policy.refuses(ip_address(text)) is None
    for text in ("11.0.0.0", "8.8.8.8"):
        assert policy.refuses(ip_address(text)) is None
    for text in ("127.0.0.1", "fc00::1", "192.168.7.8", "192.168.7.10", "::1", "::ffff:127.0.0.1", "172.16.0.1"):
        assert policy.refuses(ip_address(text)) is not None


def test_an_allowed_tunnel_prefix_does_not_open_what_lies_behind_it() -> None:
    policy = TargetPolicy.parse("::ffff:0:0/96, 64:ff9b::/96")
    assert policy.refuses(ip_address("::ffff:127.0.0.1"))
    assert policy.refuses(ip_address("64:ff9b::7f00:1"))


def test_a_refusal_names_the_address_the_setting_and_what_to_write_there() -> None:
    text = str(CLOSED.refuses(ip_address("::ffff:10.1.2.3")))
    assert "10.1.2.3" in text
    assert "vacía por defecto" in text
    assert "GUIADO_PRIVATE_TARGETS=10.1.2.3/32" in text
    assert TargetPolicy.parse("10.1.2.3/32").refuses(ip_address("::ffff:10.1.2.3")) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0.1.2.3", "esta red"),
        ("100.64.0.1", "CGNAT"),
        ("127.0.0.1", "este mismo equipo"),
        ("::1", "este mismo equipo"),
        ("::", "sin especificar"),
        ("::127.0.0.1", "IPv4 compatible"),
        ("::ffff:0:127.0.0.1", "SIIT"),
        ("64:ff9b:1::7f00:1", "NAT64"),
        ("100::1", "descarte"),
        ("100:0:0:1::1", "relleno"),
        ("2001:0:7f00:1::1", "Teredo"),
        ("2002:7f00:1::1", "6to4"),
        ("5f00::1", "SRv6"),
        ("fd00::1", "ULA"),
        ("fe80::1", "enlace local"),
        ("fec0::1", "sitio local"),
        ("ff02::1", "multidifusión"),
        ("4000::1", "sin asignar"),
        ("2606:4700::5efe:8.8.8.8", "ISATAP"),
    ],
)
def test_a_refusal_says_what_kind_of_address_it_is(text: str, name: str) -> None:
    assert name in str(CLOSED.refuses(ip_address(text)))


@pytest.mark.parametrize(("language", "said"), [("en", "this very machine"), ("pt", "este mesmo computador")])
def test_a_refusal_is_in_one_language_only(language: str, said: str) -> None:
    refusal = CLOSED.refuses(ip_address("127.0.0.1"))
    assert refusal is not None
    assert f"({said})" in translate(refusal, language)
    told = [(str(name), translate(name, language)) for _, name in FORBIDDEN]
    assert all(
        name != spoken or name in {"descarte", "NAT64 local", "túnel Teredo", "túnel 6to4", "segmentos SRv6"}
        for name, spoken in told
    )


@pytest.mark.parametrize("blank", ["", " ", ",", " , \n"])
def test_an_empty_setting_allows_nothing_private(blank: str) -> None:
    assert TargetPolicy.parse(blank) == CLOSED


@pytest.mark.parametrize("bad", ["10.0.0.0/33", "10.0.0.1/8", "hola", "10.0.0.0/8;fd00::/8", "http://10.0.0.1", "fd00::/129"])
def test_a_broken_setting_names_itself_and_the_bad_part(bad: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        TargetPolicy.parse(f"192.168.0.0/16, {bad}")
    assert "GUIADO_PRIVATE_TARGETS" in str(caught.value)
    assert f"«{bad}»" in str(caught.value)


def test_all_known_metadata_addresses_are_covered_by_the_operator_rule() -> None:
    assert len(METADATA) >= 16
    assert all(CLOSED.refuses(address, operator=True) for address in METADATA)


# Forms in which an IPv6 address carries an IPv4 one, as shifts of it: what a translator or a tunnel unpacks.
CARRIERS = {"::": 0, "::ffff:0:0": 0, "::ffff:0:0:0": 0, "64:ff9b::": 0, "64:ff9b:1::": 0, "2002::": 80, "2606:4700::5efe:0:0": 0}
CREDENTIALS = {int(ip_address(text)) for text in METADATA_SPELLINGS if text.count(".") == 3 and ":" not in text}


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_generated_addresses_are_judged_as_the_written_list_says(count: int) -> None:
    disagreements = [
        str(address)
        for address, carried in islice(_generate(Random(20261123)), count)  # noqa: S311 the same every time
        if (CLOSED.refuses(address) is not None) != _must_be_refused(address)
        or (carried in CREDENTIALS and EVERYTHING.refuses(address, operator=True) is None)
    ]
    assert disagreements == []


def _generate(random: Random) -> Iterator[tuple[IPv4Address | IPv6Address, int | None]]:
    """Without end: the edges of ranges above all, alone and inside IPv6. With the IPv4 address that is carried, if any."""
    edges = {version: [n for block in BLOCKS if block.version == version for n in _edges(block)] for version in (4, 6)}
    edges[4] += CREDENTIALS
    while True:
        near = random.choice((0, 0, 1, -1, random.getrandbits(6), 1 << random.randrange(32)))
        plain = (random.choice(edges[4]) ^ near) % 2**32 if random.random() < 0.8 else random.getrandbits(32)
        prefix, shift = random.choice([*CARRIERS.items()])
        yield IPv4Address(plain), plain
        yield IPv6Address(int(IPv6Address(prefix)) | plain << shift), plain
        yield IPv6Address((random.choice(edges[6]) ^ 1 << random.randrange(128)) % 2**128), None
        yield IPv6Address((random.choice(edges[6]) + near) % 2**128), None
        yield IPv6Address(1 << 125 | random.getrandbits(125)), None


def _edges(block) -> list[int]:
    first, last = int(block[0]), int(block[-1])
    return [edge % 2**block.max_prefixlen for edge in (first - 1, first, first + 1, last - 1, last, last + 1)]


def _starts(version: int) -> list[int]:
    """Where a forbidden stretch begins or ends, in order: an odd number of them lies before a forbidden address."""
    marks: list[int] = []
    for block in sorted((ip_network(cidr) for cidr in _ALL if ip_network(cidr).version == version), key=lambda one: one[0]):
        if marks and int(block[0]) <= marks[-1]:
            marks[-1] = max(marks[-1], int(block[-1]) + 1)
        else:
            marks += [int(block[0]), int(block[-1]) + 1]
    return marks


_ALL = [*" ".join(MUST_BE_REFUSED).split(), "168.63.129.16/32", "::/3"]
_STARTS = {version: _starts(version) for version in (4, 6)}


def _must_be_refused(address: IPv4Address | IPv6Address) -> bool:
    number, version = int(address), address.version
    if version == 6 and (number >> 32 == 0xFFFF or number >> 32 == 0x64FF9B << 64):
        number, version = number % 2**32, 4
    is_isatap = version == 6 and number >> 32 & 0xFFFFFFFF in (0x5EFE, 0x2005EFE)
    return is_isatap or bisect_right(_STARTS[version], number) % 2 == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://ejemplo.com/avisos",
        "HTTP://Ejemplo.COM:8080/a?b=c#d",
        "https://no-existe-todavia.ejemplo/",
        "https://ñandú.ejemplo/camino/ñ",
        "https://ejemplo.com",
        "https://ejemplo.com?x=1",
        "https://ejemplo.com./",
        "https://mi_servicio:8443/",
        "http://127.0.0.1:5678/webhook",  # a private target is a matter of the moment of delivery
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://[::1]:9000/",
        "http://127。0。0。1/",  # the ideographic full stop is a legal dot of a name
        "https://ejemplo.com/" + "a" * 2028,
        "https://ejemplo.com:65535/",
        "https://ejemplo.com/correo@ejemplo.com",
    ],
)
def test_well_formed_urls_are_stored(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ejemplo.com",
        "//ejemplo.com/",
        "/avisos",
        "ftp://ejemplo.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "httpſ://ejemplo.com/",
        "https:///avisos",
        "https://",
        "https://:443/",
        "https:ejemplo.com",
        "https://usuario@ejemplo.com/",
        "https://usuario:clave@ejemplo.com/",
        "https://@ejemplo.com/",
        "https://ejemplo.com@127.0.0.1/",
        "https://ejemplo.com:80@127.0.0.1/",
        "https://a@b@127.0.0.1/",
        "https://127.0.0.1\\@ejemplo.com/",
        "https://ejemplo.com\\.evil.example/",
        "https://ejemplo.com:0/",
        "https://ejemplo.com:65536/",
        "https://ejemplo.com:99999999/",
        "https://ejemplo.com:-1/",
        "https://ejemplo.com:+80/",
        "https://ejemplo.com:8_0/",
        "https://ejemplo.com:٨٠/",
        "https://ejemplo.com:80:80/",
        "https://ejemplo.com:http/",
        "https://ejem plo.com/",
        " https://ejemplo.com/",
        "https://ejemplo.com/ ",
        "https://ejemplo.com/a b",
        "https://ejemplo.com/a\r\nHost: evil",
        "https://ejemplo.com/\x00",
        "https://ejemplo.com/\x7f",
        "https://ejemplo.com/\t",
        "https://ejem\u200bplo.com/",
        "https://ejemplo.com/\u00a0",
        "https://ejemplo.com/\u2028",
        "https://ejemplo.com/\ud800",
        "https://%31%32%37.0.0.1/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://::1/",
        "https://[ejemplo.com]/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７.0.0.1/",
        "https://ejemplo.com;evil/",
        "https://<script>/",
        "https://ejemplo.com/" + "a" * 2029,
    ],
)
def test_malformed_urls_are_refused_with_the_field_and_a_reason(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_url(url)
    [problem] = caught.value.problems
    assert problem.field == "url"
    assert str(problem.message).endswith(".")


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_any_text_is_either_a_url_or_invalid_input(text: str) -> None:
    for url in (text, f"https://{text}/", f"https://ejemplo.com:{text}", f"https://ejemplo.com/{text}"):
        try:
            check_url(url)
        except InvalidInput:
            continue
        assert url.isprintable()


def _within(network, block) -> bool:
    return isinstance(network, IPv6Network) == isinstance(block, IPv6Network) and network.subnet_of(block)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://tu-sistema.com/webhook", "https://tu-sistema.com/webhook"),
        ("https://hooks.slack.com/services/T0/B0/canario", "https://hooks.slack.com/***"),
        ("https://discord.com/api/webhooks/123/canario4canario4/slack", "https://discord.com/api/webhooks/123/***"),
        ("https://ana:canario@example.com:8443/a", "https://***@example.com:8443/a"),
        ("https://example.com/a?token=canario==&x=&canario#canario", "https://example.com/a?token=***&x=***&***#***"),
        ("https://[::1]:80/?canario", "https://[::1]:80/?***"),
        ("https://ana:can/ario@example.com/", "https://***/***"),
        ("https://example.com/\n?canario", "https://example.com/\n?***"),
        ("cliente@example.com", "***"),
    ],
)
def test_of_an_address_with_a_credential_is_shown_where_it_leads(url: str, shown: str) -> None:
    assert masked_url(url) == shown
    assert masked_url(shown) == shown
