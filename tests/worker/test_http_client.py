"""The guarded client against real servers on the loopback: what it must never reach, and what it must survive."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from certificates import make_certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.delivery.guarded_client import GuardedClient, HttpAnswer
from guiado.delivery.ip_policy import TargetPolicy
from guiado.errors import DeliveryFailed, TargetRefused

CLOSED = TargetPolicy()
LOOPBACK = TargetPolicy.parse("127.0.0.0/8")
EVERYTHING = TargetPolicy.parse("0.0.0.0/0, ::/0")
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading the system's roots takes a while
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

# How a customer may write "this machine"; {port} is the canary's. True: the system's resolver turns it into 127.0.0.1
# (or 0.0.0.0, which connects there too), so that with every guard removed the canary would be reached.
SPELLINGS = [
    ("http://127.0.0.1:{port}/", True),
    ("HTTP://127.0.0.1:{port}", True),
    ("http://127.0.0.1:0{port}/", False),
    ("http://127.0.0.2:{port}/", False),
    ("http://127.1:{port}/", True),
    ("http://127.0.1:{port}/", True),
    ("http://127.255.255.254:{port}/", False),
    ("http://2130706433:{port}/", True),
    ("http://0x7f000001:{port}/", True),
    ("http://0X7F000001:{port}/", True),
    ("http://017700000001:{port}/", True),
    ("http://0177.0.0.1:{port}/", True),
    ("http://0177.0.0.01:{port}/", True),
    ("http://00000177.0.0.1:{port}/", True),
    ("http://0x7f.0.0.1:{port}/", True),
    ("http://0x7f.0x0.0x0.0x1:{port}/", True),
    ("http://0x7f.1:{port}/", True),
    ("http://127.0x1:{port}/", True),
    ("http://127.0.0x1:{port}/", True),
    ("http://0177.1:{port}/", True),
    ("http://127.00.00.01:{port}/", True),
    ("http://127。0。0。1:{port}/", True),
    ("http://0:{port}/", True),
    ("http://0.0.0.0:{port}/", True),
    ("http://0x0:{port}/", True),
    ("http://00.0:{port}/", True),
    ("http://localhost:{port}/", True),
    ("http://LocalHost:{port}/", True),
    ("http://[::ffff:127.0.0.1]:{port}/", True),
    ("http://[::ffff:7f00:1]:{port}/", True),
    ("http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", True),
    ("http://[::FFFF:7F00:0001]:{port}/", True),
    ("http://[::ffff:0.0.0.0]:{port}/", True),
    ("http://[::]:{port}/", False),
    ("http://[::1]:{port}/", False),
    ("http://[0:0:0:0:0:0:0:1]:{port}/", False),
    ("http://[0000::0001]:{port}/", False),
    ("http://[::127.0.0.1]:{port}/", False),
    ("http://[::7f00:1]:{port}/", False),
    ("http://[::ffff:0:127.0.0.1]:{port}/", False),
    ("http://[64:ff9b::127.0.0.1]:{port}/", False),
    ("http://[64:ff9b::7f00:1]:{port}/", False),
    ("http://[64:ff9b:1::7f00:1]:{port}/", False),
    ("http://[2002:7f00:1::]:{port}/", False),
    ("http://[2002:7f00:1::1]:{port}/", False),
    ("http://[2001:0:7f00:1::1]:{port}/", False),
    ("http://[fe80::1]:{port}/", False),
    ("http://[fec0::1]:{port}/", False),
    ("http://[fd00::1]:{port}/", False),
    ("http://[fc00::1]:{port}/", False),
    ("http://[ff02::1]:{port}/", False),
    ("http://[2001:db8::1]:{port}/", False),
    ("http://[3fff::1]:{port}/", False),
    ("http://[5f00::1]:{port}/", False),
    ("http://[100::1]:{port}/", False),
    ("http://10.0.0.1:{port}/", False),
    ("http://172.16.0.1:{port}/", False),
    ("http://192.168.1.1:{port}/", False),
    ("http://3232235777:{port}/", False),
    ("http://100.64.0.1:{port}/", False),
    ("http://100.100.100.200:{port}/", False),
    ("http://169.254.169.254:{port}/latest/meta-data/", False),
    ("http://2852039166:{port}/latest/meta-data/", False),
    ("http://0xa9fea9fe:{port}/", False),
    ("http://0251.0376.0251.0376:{port}/", False),
    ("http://[::ffff:169.254.169.254]:{port}/", False),
    ("http://[fd00:ec2::254]:{port}/", False),
    ("http://198.18.0.1:{port}/", False),
    ("http://192.0.2.1:{port}/", False),
    ("http://203.0.113.1:{port}/", False),
    ("http://224.0.0.1:{port}/", False),
    ("http://255.255.255.255:{port}/", False),
    # Refused for their form already.
    ("http://ejemplo.com@127.0.0.1:{port}/", False),
    ("http://127.0.0.1:{port}@ejemplo.com/", False),
    ("http://127.0.0.1:{port}\\@ejemplo.com/", False),
    ("http://%31%32%37.0.0.1:{port}/", False),
    ("http://①②⑦.⓪.⓪.①:{port}/", False),
    ("http://１２７.0.0.1:{port}/", False),
    ("http://[::1%25lo]:{port}/", False),
    ("http://127.0.0.1 :{port}/", False),
    ("http://127.0.0.1\t:{port}/", False),
    ("gopher://127.0.0.1:{port}/_x", False),
    ("//127.0.0.1:{port}/", False),
]
# Names that lead here only in somebody's DNS, so their answers are injected.
NAMES = {
    "localhost.": ["127.0.0.1"],
    "127.0.0.1.": ["127.0.0.1"],
    "app.localtest.example": ["127.0.0.1"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "xn--and-6ma2c.example": ["127.0.0.1"],  # ñandú.example
    "six.example": ["::1"],
    "mixed.example": ["8.8.8.8", "127.0.0.1"],
    "last-of-many.example": [*(f"8.8.8.{n}" for n in range(40)), "10.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["2606:4700::1", "64:ff9b::7f00:1"],
    "metadata.google.example": ["169.254.169.254"],
}


def test_no_spelling_of_this_machine_or_its_network_is_ever_connected_to() -> None:
    async def play() -> None:
        async with listen_for_any() as canary, client(CLOSED) as guarded:
            for pattern, _ in SPELLINGS:
                with pytest.raises(TargetRefused):
                    await guarded.post(pattern.format(port=canary.port), b"{}", {}, timeout_s=2)
            assert await canary.connections() == 0

    assert len(SPELLINGS) >= 60
    run(play())


@pytest.mark.parametrize("host", [*NAMES, "ñandú.example", "APP.localtest.example", "127.0.0.1.NIP.example", "ÑANDÚ.example"])
def test_no_name_leads_to_this_machine(host: str) -> None:
    async def resolve(name: str, port: int) -> list[str]:
        return NAMES[name]

    async def play() -> None:
        async with listen_for_any() as canary, client(CLOSED, resolver=resolve) as guarded:
            for scheme in ("http", "https"):
                with pytest.raises(TargetRefused):
                    await guarded.post(f"{scheme}://{host}:{canary.port}/", b"{}", {}, timeout_s=2)
            assert await canary.connections() == 0

    run(play())


def test_the_canary_would_sing_if_the_guard_were_gone() -> None:
    """Without this, the tests above could pass because nothing was reachable in the first place."""

    async def play() -> None:
        async with listen_for_any(close=True) as canary, client(EVERYTHING) as open_client:
            reaching = [pattern for pattern, reaches in SPELLINGS if reaches]
            for number, pattern in enumerate(reaching, 1):
                answer = await open_client.post(pattern.format(port=canary.port), b"{}", {}, timeout_s=2)
                assert answer.status == 200
                assert await canary.connections() == number, pattern

    run(play())


def test_a_refusal_says_which_setting_opens_the_address() -> None:
    async def play() -> str:
        async with listen_for_any() as canary, client(CLOSED) as guarded:
            with pytest.raises(TargetRefused) as caught:
                await guarded.post(f"http://127.1:{canary.port}/", b"", {}, timeout_s=2)
            return str(caught.value)

    assert "GUIADO_PRIVATE_TARGETS=127.0.0.1/32" in run(play())


def test_the_allow_list_opens_its_network_and_the_operator_needs_none() -> None:
    async def play() -> None:
        async with server(reply(OK)) as port:
            for policy, operator in ((LOOPBACK, False), (CLOSED, True)):
                async with client(policy) as guarded:
                    answer = await guarded.post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout_s=2, operator=operator)
                    assert (answer.status, answer.body, answer.address) == (200, b"ok", "127.0.0.1")
                    assert 0 < answer.elapsed_s < 2

    run(play())


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "inside.example",
    ],
)
def test_nobody_reaches_cloud_metadata(host: str) -> None:
    async def resolve(name: str, port: int) -> list[str]:
        if name == "inside.example":
            return ["127.0.0.1", "169.254.169.254"]
        return [str(entry[4][0]) for entry in socket.getaddrinfo(name, port)]

    async def play() -> None:
        async with listen_for_any() as canary, client(EVERYTHING, resolver=resolve) as guarded:
            for operator in (False, True):
                with pytest.raises(TargetRefused, match="metadatos"):
                    await guarded.post(f"http://{host}:{canary.port}/", b"", {}, timeout_s=2, operator=operator)
            assert await canary.connections() == 0

    run(play())


def test_a_connection_of_the_operator_is_not_lent_to_a_customer() -> None:
    async def play() -> None:
        async with server(reply(OK)) as port, client(CLOSED) as guarded:
            url = f"http://127.0.0.1:{port}/"
            await guarded.post(url, b"", {}, timeout_s=2, operator=True)
            with pytest.raises(TargetRefused):
                await guarded.post(url, b"", {}, timeout_s=2)

    run(play())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    async def play() -> None:
        async with listen_for_any() as canary:
            head = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
            async with server(reply(head.encode())) as port, client(LOOPBACK) as guarded:
                answer = await guarded.post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout_s=2)
            assert answer.status == status
            assert answer.headers["location"] == f"http://127.0.0.1:{canary.port}/"
            assert await canary.connections() == 0

    run(play())


def test_a_name_that_changes_between_check_and_connection_gains_nothing() -> None:
    """127.0.0.2 plays the harmless address of the first lookup, 127.0.0.1 the forbidden one of all later lookups."""
    lookups: list[str] = []

    async def rebind(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.2"] if len(lookups) == 1 else ["127.0.0.1"]

    async def play() -> None:
        async with listen_for_any() as canary, server(reply(OK, close=True), host="127.0.0.2", port=canary.port):
            async with client(TargetPolicy.parse("127.0.0.2"), resolver=rebind) as guarded:
                url = f"http://cambia.example:{canary.port}/"
                answer = await guarded.post(url, b"{}", {}, timeout_s=2)
                assert (answer.address, lookups) == ("127.0.0.2", ["cambia.example"])
                with pytest.raises(TargetRefused):
                    await guarded.post(url, b"{}", {}, timeout_s=2)
                assert lookups == ["cambia.example"] * 2
            assert await canary.connections() == 0

    run(play())


@settings(max_examples=25, deadline=None)
@given(
    answers=st.lists(
        st.lists(st.sampled_from(["127.0.0.2", "127.0.0.1", "::1", "10.0.0.1", "::ffff:127.0.0.1"]), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_a_hostile_name_server_answers_only_an_allowed_address_is_dialled(answers: list[list[str]]) -> None:
    async def play() -> None:
        script = iter(answers)

        async def resolve(host: str, port: int) -> list[str]:
            return next(script)

        async with listen_for_any() as canary, server(reply(OK, close=True), host="127.0.0.2", port=canary.port):
            async with client(TargetPolicy.parse("127.0.0.2"), resolver=resolve) as guarded:
                for answer in answers:
                    try:
                        reached = await guarded.post(f"http://x.example:{canary.port}/", b"", {}, timeout_s=2)
                    except TargetRefused:
                        assert set(answer) != {"127.0.0.2"}
                    else:
                        assert set(answer) == {"127.0.0.2"}
                        assert reached.address == "127.0.0.2"
            assert await canary.connections() == 0

    run(play())


def test_a_second_request_reuses_the_vetted_connection_without_another_lookup() -> None:
    lookups: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"]

    async def play() -> None:
        async with listen_for_any() as canary, client(LOOPBACK, resolver=resolve) as guarded:
            for _ in range(5):
                await guarded.post(f"http://fijo.example:{canary.port}/", b"x", {}, timeout_s=2)
            assert (await canary.connections(), len(lookups)) == (1, 1)

    run(play())


def test_the_request_arrives_as_sent_with_the_name_as_host() -> None:
    seen: list[bytes] = []

    async def play() -> None:
        async with server(reply(OK, seen=seen)) as port, client(LOOPBACK, resolver=to("127.0.0.1")) as guarded:
            headers = {"X-Firma": "ñ", "Host": "otro.example", "content-length": "1", "Transfer-Encoding": "chunked"}
            await guarded.post(f"http://tienda.example:{port}/a%20b/ñ?q=1&r#f", b"cuerpo", headers, timeout_s=2)
        head, _, body = seen[0].partition(b"\r\n\r\n")
        line, *rest = head.split(b"\r\n")
        fields = dict(entry.lower().split(b": ", 1) for entry in rest)
        assert line == b"POST /a%20b/%C3%B1?q=1&r HTTP/1.1"
        assert body == b"cuerpo"
        assert fields[b"host"] == f"tienda.example:{port}".encode()
        assert fields[b"content-length"] == b"6"
        assert fields[b"x-firma"] == "ñ".encode()
        assert fields[b"user-agent"].startswith(b"guiado/")
        assert b"transfer-encoding" not in fields
        assert len(fields) == len(rest)

    run(play())


def test_an_operators_login_becomes_basic_authentication_and_a_customers_is_refused() -> None:
    seen: list[bytes] = []

    async def play() -> None:
        async with server(reply(OK, seen=seen)) as port, client(LOOPBACK) as guarded:
            url = f"http://yo:cl%40ve@127.0.0.1:{port}/"
            await guarded.post(url, b"", {}, timeout_s=2, operator=True)
            with pytest.raises(TargetRefused):
                await guarded.post(url, b"", {}, timeout_s=2)

    run(play())
    assert len(seen) == 1
    assert b"authorization: Basic eW86Y2xAdmU=\r\n" in seen[0]


def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async with listen_for_any() as canary, server(reply(OK)) as port:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
            async with client(LOOPBACK) as guarded:
                assert (await guarded.post(f"http://127.0.0.1:{port}/", b"", {}, timeout_s=2)).status == 200
            assert await canary.connections() == 0

    run(play())


async def _drip_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    await _drip(writer, b"x")


async def _drip_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
    await _drip(writer, b"a")


async def _drip_informational(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _drip(writer, b"HTTP/1.1 103 Early Hints\r\n\r\n")


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def _deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()
    await asyncio.sleep(5)


async def _drip(writer: asyncio.StreamWriter, piece: bytes) -> None:
    for _ in range(200):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("handler", [_drip_head, _drip_informational, _silence, _deaf])
def test_a_slow_server_costs_no_more_than_the_deadline(handler) -> None:
    async def play() -> None:
        async with server(handler) as port, client(LOOPBACK) as guarded:
            started_s = time.monotonic()
            with pytest.raises(DeliveryFailed) as caught:
                await guarded.post(f"http://127.0.0.1:{port}/", b"x" * 8_000_000, {}, timeout_s=0.3)
            assert 0.25 < time.monotonic() - started_s < 0.8
            assert caught.value.permanent is False
            assert "0.3 s" in str(caught.value)

    run(play())


def test_a_slow_name_server_costs_no_more_than_the_deadline() -> None:
    async def hang(host: str, port: int) -> list[str]:
        await asyncio.sleep(30)
        return []

    async def play() -> None:
        async with client(LOOPBACK, resolver=hang) as guarded:
            started_s = time.monotonic()
            with pytest.raises(DeliveryFailed):
                await guarded.post("http://lento.example/", b"", {}, timeout_s=0.2)
            assert time.monotonic() - started_s < 0.7

    run(play())


def test_a_server_that_stalls_the_tls_handshake_is_hung_up_on() -> None:
    """Otherwise a hostile receiver could use up the worker's file descriptors, one attempt after the other."""

    async def play() -> None:
        closed = asyncio.Event()

        async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _silence(reader, writer)
            closed.set()

        async with server(stall) as port, client(LOOPBACK) as guarded:
            with pytest.raises(DeliveryFailed):
                await guarded.post(f"https://127.0.0.1:{port}/", b"", {}, timeout_s=0.2)
            await asyncio.wait_for(closed.wait(), 20)

    run(play())


def test_a_large_answer_is_cut_at_the_cap() -> None:
    async def play() -> HttpAnswer:
        head = b"HTTP/1.1 500 Oh\r\nContent-Length: 1048576\r\n\r\n"
        async with server(reply(head + b"a" * 1_048_576)) as port, client(LOOPBACK) as guarded:
            return await guarded.post(f"http://127.0.0.1:{port}/", b"", {}, timeout_s=2)

    answer = run(play())
    assert answer.status == 500
    assert answer.body == b"a" * 20_480


def test_an_endless_answer_is_cut_at_the_cap() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100_000):
            writer.write(b"400\r\n" + b"b" * 1024 + b"\r\n")
            await writer.drain()

    async def play() -> HttpAnswer:
        async with server(endless) as port, client(LOOPBACK, max_answer_bytes=1000) as guarded:
            return await guarded.post(f"http://127.0.0.1:{port}/", b"", {}, timeout_s=2)

    assert run(play()).body == b"b" * 1000


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: a\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK" + b"!" * 400_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
    ids=["huge header", "many headers", "long status", "upgrade", "ssh", "tls", "two lengths", "half a head", "hang up"],
)
def test_an_answer_that_is_no_sound_http_fails_and_may_be_retried(answer: bytes) -> None:
    async def play() -> None:
        async with server(reply(answer, close=True)) as port, client(LOOPBACK) as guarded:
            with pytest.raises(DeliveryFailed) as caught:
                await guarded.post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout_s=2)
            assert caught.value.permanent is False
            assert str(caught.value).startswith("127.0.0.1: ")
            assert not {"answer", "header", "buffer", "illegal", "bytearray"} & set(str(caught.value).lower().split())

    run(play())


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


@pytest.mark.parametrize("closes", [False, True], ids=["stays open", "hangs up"])
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (head("Content-Type: text/plain") + b"OK", b"OK"),
        (head("Content-Length: 50") + b"short", b"short"),
        (head("Content-Length: 50"), b""),
        (head("Transfer-Encoding: chunked") + b"2\r\nok\r\n", b"ok"),
        (head("Transfer-Encoding: chunked") + b"2\r\nok\r\nzz\r\n", b"ok"),
        (head("Connection: close", "Content-Length: 7") + b"ok", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", b"ok"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + head("Content-Length: 9") + b"ok",
            b"ok",
        ),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nwhy", b"why"),
    ],
    ids=["no length", "short", "no body", "no last chunk", "bad chunk", "close", "1.0", "after 1xx", "500"],
)
def test_an_answer_counts_from_its_complete_head_on(answer: bytes, body: bytes, closes: bool) -> None:
    async def play() -> None:
        async with server(reply(answer, close=closes)) as port, client(LOOPBACK) as guarded:
            url, began_s = f"http://127.0.0.1:{port}/", time.monotonic()
            told = await guarded.post(url, b"{}", {}, timeout_s=5, body_s=0.1)
            assert (told.status, told.body) == (500 if b" 500 " in answer else 200, body)
            assert time.monotonic() - began_s < 2
            again = await guarded.post(url, b"{}", {}, timeout_s=5, body_s=0.1)
            assert again.body == body, "the rest of one answer is no part of the next"

    run(play())


@pytest.mark.parametrize(("timeout_s", "body_s"), [(5, 0.2), (0.2, 5)])
def test_a_body_that_drips_on_is_waited_for_no_longer_than_asked(timeout_s: float, body_s: float) -> None:
    async def play() -> None:
        async with server(_drip_body) as port, client(LOOPBACK) as guarded:
            began_s = time.monotonic()
            told = await guarded.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=timeout_s, body_s=body_s)
            assert time.monotonic() - began_s < 1.5
            assert (told.status, told.is_whole, told.body[:1]) == (200, False, b"x")

    run(play())


@pytest.mark.parametrize("answer", [head("Content-Length: 50") + b"short", head("Transfer-Encoding: chunked") + b"zz\r\n"])
@pytest.mark.parametrize("closes", [False, True])
def test_who_asks_for_the_body_gets_the_whole_one_or_a_failure(answer: bytes, closes: bool) -> None:
    async def play() -> None:
        async with server(reply(answer, close=closes)) as port, client(LOOPBACK) as guarded:
            with pytest.raises(DeliveryFailed) as caught:
                await guarded.post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout_s=0.3, body_s=None)
            assert caught.value.permanent is False

    run(play())


@pytest.mark.parametrize("closes", [False, True])
def test_the_status_of_a_head_that_never_ends_is_told(closes: bool) -> None:
    async def play() -> object:
        half = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 503 Oh\r\nX-A"
        async with server(reply(half, close=closes)) as port, client(LOOPBACK) as guarded:
            with pytest.raises(DeliveryFailed) as caught:
                await guarded.post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout_s=0.3)
            return caught.value.message.params.get("status")

    assert run(play()) == 503


def test_nobody_listening_and_no_such_name_may_be_retried_but_not_what_is_no_name() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        if host == "nadie.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host == "vacia.example":
            return []
        return ["127.0.0.1"]

    async def play() -> None:
        async with client(LOOPBACK, resolver=resolve) as guarded:
            for host, words in (("nadie.example", "DNS"), ("vacia.example", "DNS"), ("x.example", "conexión")):
                with pytest.raises(DeliveryFailed, match=words) as caught:
                    await guarded.post(f"http://{host}:{free_port()}/camino-secreto", b"", {}, timeout_s=2)
                assert caught.value.permanent is False
                assert host in str(caught.value)
                assert "secreto" not in str(caught.value)
        async with client(LOOPBACK) as guarded:
            for name in ("a" * 64 + ".example", "a..example"):
                with pytest.raises(TargetRefused, match="nombre de servidor"):
                    await guarded.post(f"http://{name}/", b"", {}, timeout_s=2)

    run(play())


@pytest.mark.parametrize(
    "header", [("X-A", "b\r\nX-Evil: c"), ("X A", "b"), ("X-A\r\nX-Evil", "b"), ("Ñ", "b"), ("\ud800", "b"), ("X-A", "b\0")]
)
def test_a_header_that_would_break_out_is_a_permanent_failure(header: tuple[str, str]) -> None:
    seen: list[bytes] = []

    async def play() -> None:
        async with server(reply(OK, seen=seen)) as port, client(LOOPBACK) as guarded:
            with pytest.raises(DeliveryFailed) as caught:
                await guarded.post(f"http://127.0.0.1:{port}/", b"{}", dict([header]), timeout_s=2)
            assert caught.value.permanent is True

    run(play())
    assert seen == []


def test_a_dead_first_address_does_not_keep_the_second_from_answering() -> None:
    async def play() -> None:
        addresses = to("127.0.0.1", "127.0.0.2")
        async with server(reply(OK), host="127.0.0.2") as port, client(LOOPBACK, resolver=addresses) as guarded:
            answer = await guarded.post(f"http://dos.example:{port}/", b"", {}, timeout_s=2)
            assert (answer.status, answer.address) == (200, "127.0.0.2")

    run(play())


def test_a_silent_first_address_takes_only_its_share_of_the_time() -> None:
    async def play() -> None:
        async with server(reply(OK), host="127.0.0.2") as port:
            with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
                silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # others may have closed the same number just now
                silent.bind(("127.0.0.1", port))
                silent.listen(0)
                for filler in (first, second):  # a full queue drops every further greeting
                    filler.setblocking(False)
                    filler.connect_ex(("127.0.0.1", port))
                async with client(LOOPBACK, resolver=to("127.0.0.1", "127.0.0.2")) as guarded:
                    answer = await guarded.post(f"http://dos.example:{port}/", b"", {}, timeout_s=0.6)
                    assert answer.address == "127.0.0.2"
                    assert answer.elapsed_s > 0.25

    run(play())


def test_many_requests_at_a_time_each_get_their_own_answer() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(size)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, body))

    async def play() -> None:
        async with server(echo) as port, client(LOOPBACK) as guarded:
            url = f"http://127.0.0.1:{port}/"
            bodies = [str(number).encode() for number in range(100)]
            answers = await asyncio.gather(*(guarded.post(url, body, {}, timeout_s=5) for body in bodies))
            assert [answer.body for answer in answers] == bodies

    run(play())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "tienda.example")


def test_tls_checks_the_name_and_not_the_dialled_address(certificate: tuple[str, str]) -> None:
    names: list[str] = []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trusted = ssl.create_default_context(cafile=certificate[0])

    async def play() -> None:
        async with server(reply(OK), tls=served) as port:
            async with client(LOOPBACK, resolver=to("127.0.0.1"), tls=trusted) as guarded:
                for host in ("tienda.example", "tienda.example."):
                    answer = await guarded.post(f"https://{host}:{port}/", b"", {}, timeout_s=2)
                    assert (answer.status, answer.address) == (200, "127.0.0.1")
                with pytest.raises(DeliveryFailed, match="certificado es de otro nombre") as caught:
                    await guarded.post(f"https://otra.example:{port}/", b"", {}, timeout_s=2)
                assert caught.value.permanent is False
            async with client(LOOPBACK, resolver=to("127.0.0.1"), tls=None) as distrustful:
                with pytest.raises(DeliveryFailed, match="autoridad de confianza"):
                    await distrustful.post(f"https://tienda.example:{port}/", b"", {}, timeout_s=2)

    run(play())
    assert names == ["tienda.example", "tienda.example", "otra.example", "tienda.example"]


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(scene):
    return asyncio.run(asyncio.wait_for(scene, 30))


def to(*addresses: str):
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reply(answer: bytes, *, close: bool = False, seen: list[bytes] | None = None) -> Handler:
    """Answers each request with the same bytes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            head, separator, body = data.partition(b"\r\n\r\n")
            while separator and b"content-length: %d\r\n" % len(body) not in head.lower() + b"\r\n":
                body += await reader.read(65536)
            if seen is not None:
                seen.append(head + separator + body)
            writer.write(answer)
            await writer.drain()
            if close:
                return

    return handle


@asynccontextmanager
async def server(
    handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, host, port, ssl=tls)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Canary:
    """A listener that remembers every connection, also one that sends nothing."""

    def __init__(self, port: int, peers: list[object]) -> None:
        self.port = port
        self.peers = peers

    async def connections(self) -> int:
        """How many came so far: a connection of our own, last in the queue, proves that none is still waiting in it."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        own = writer.get_extra_info("sockname")
        while own not in self.peers:
            await asyncio.sleep(0)
        self.peers.remove(own)
        writer.close()
        return len(self.peers)


@asynccontextmanager
async def listen_for_any(*, close: bool = False) -> AsyncIterator[Canary]:
    peers: list[object] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername"))
        await reply(OK, close=close)(reader, writer)

    async with server(handle) as port:
        yield Canary(port, peers)


@asynccontextmanager
async def client(policy: TargetPolicy, **options) -> AsyncIterator[GuardedClient]:
    guarded = GuardedClient(policy, **{"tls": NO_ROOTS, **options})
    try:
        yield guarded
    finally:
        await guarded.aclose()
