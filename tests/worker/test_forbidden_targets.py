"""Nothing is ever sent to where nobody may send: not by what is saved, nor tested, delivered, retried or notified.

Every connection over IP that this process begins is caught, so that a guard that is gone shows itself and reaches nobody.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import httpx2
import pytest
from hostile_urls import FORBIDDEN, MALFORMED, NAMES, knowing
from test_notifications import Desk, play
from test_sending import House, Time, nothing_due, run, until, working

from guiado.agent import (
    NotificationConfig,
    TroubleshootingNotificationManager,
    TroubleshootingWebhookManager,
    WebhookConfig,
)
from guiado.app import commands
from guiado.app.outbound import notifications, queue, recipients, webhooks
from guiado.app.outbound.notification_sender import ChannelMaker, NotificationSender
from guiado.app.outbound.queue import Queue
from guiado.app.outbound.webhook_sender import WebhookSender
from guiado.app.validation import check
from guiado.delivery.channels import Outgoing, make_channel
from guiado.delivery.guarded_client import GuardedClient, Resolver, check_url
from guiado.delivery.ip_policy import TargetPolicy
from guiado.errors import DeliveryFailed, InvalidInput, TargetRefused
from guiado.server import BASE_PATH, create_app
from guiado.settings import read_settings
from guiado.wiring import Runtime

CLOSED = TargetPolicy()
EVERYTHING = TargetPolicy.parse("0.0.0.0/0, ::/0")
RECEIVER = TargetPolicy.parse("127.0.0.1/32")
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading the system's roots takes a while
CHANNELS = ("slack", "teams", "discord", "webhook")
STORABLE = [url for url in MALFORMED if "\x00" not in url]  # PostgreSQL stores no zero byte
FEW = [*FORBIDDEN[::40], *(f"https://[{host}]/" for host in ("::1", "::ffff:10.0.0.1", "fd00:ec2::254"))]


class Trap:
    """Where every connection ends that is not to one of `allowed`."""

    def __init__(self) -> None:
        self.caught: list[str] = []
        self.allowed: set[tuple[str, int]] = set()

    def around(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        def watched(sock: socket.socket, address: Any) -> Any:
            if sock.family != socket.AF_UNIX and tuple(address[:2]) not in self.allowed:
                self.caught.append(address[0])
                raise ConnectionRefusedError(errno.ECONNREFUSED, "caught")
            return connect(sock, address)

        return watched


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch) -> Trap:
    """Set for the whole process."""
    made = Trap()
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, made.around(getattr(socket.socket, name)))
    return made


@asynccontextmanager
async def client(policy: TargetPolicy = CLOSED, resolver: Resolver | None = None) -> AsyncIterator[GuardedClient]:
    made = GuardedClient(policy, resolver=resolver or knowing(NAMES), tls=NO_ROOTS)
    try:
        yield made
    finally:
        await made.aclose()


@asynccontextmanager
async def calling(house: House, policy: TargetPolicy = CLOSED, resolver: Resolver | None = None) -> AsyncIterator[None]:
    """What the house sends goes through a client of ours."""
    before = house.client
    async with client(policy, resolver) as house.client:
        yield
    house.client = before


def test_each_of_four_hundred_urls_is_refused_and_would_be_reached_without_the_guard(trap: Trap) -> None:
    async def go() -> None:
        async with client() as guarded, client(EVERYTHING) as reckless:
            for url in FORBIDDEN:
                check_url(url)  # its form is fine: it is refused for where it leads
                with pytest.raises(TargetRefused):
                    await guarded.post(url, b"{}", {}, timeout_s=2)
                assert trap.caught == [], url
                with pytest.raises((TargetRefused, DeliveryFailed)) as caught:
                    await reckless.post(url, b"{}", {}, timeout_s=2)
                assert bool(trap.caught) != ("metadatos" in str(caught.value)), url
                trap.caught.clear()
            for url in MALFORMED:
                with pytest.raises(TargetRefused):
                    await reckless.post(url, b"{}", {}, timeout_s=2)
            assert trap.caught == []

    assert len({*FORBIDDEN, *MALFORMED}) >= 400
    asyncio.run(go())


# ---------------------------------------------------------------------------------------------------------------- saving

EVENTS = ["step_completed"]
Door = Callable[[Desk, str], Awaitable[Any]]


async def _register(desk: Desk, url: str) -> Any:
    return await desk.on(webhooks.register, check(commands.Webhook, {"url": url, "events": EVENTS}), make_secret=False)


async def _notify(desk: Desk, url: str) -> Any:
    given = {"notification_type": "aviso", "message": "Hola", "recipient": "x", "channel": "teams", "webhook_url": url}
    return await desk.on(notifications.store, check(commands.Notification, given))


async def _notify_at(desk: Desk, url: str) -> Any:
    given = {"notification_type": "aviso", "message": "Hola", "recipient": url, "channel": "webhook"}
    return await desk.on(notifications.store, check(commands.Notification, given))


async def _set_recipient(desk: Desk, url: str) -> Any:
    given = {"channel": "slack", "recipient": "equipo", "webhook_url": url}
    return await desk.on(recipients.put, check(commands.Recipient, given))


async def _set_recipient_at(desk: Desk, url: str) -> Any:
    return await desk.on(recipients.put, check(commands.Recipient, {"channel": "webhook", "recipient": url}))


DOORS: dict[str, tuple[Door, str]] = {
    "webhooks.register": (_register, "url"),
    "notifications.store": (_notify, "webhook_url"),
    "notifications.store, to a URL": (_notify_at, "recipient"),
    "recipients.put": (_set_recipient, "webhook_url"),
    "recipients.put, a URL": (_set_recipient_at, "recipient"),
}


def _taken_for_urls(door: Door, urls: list[str]) -> list[str]:
    """Without `://` a recipient is only a name, and nothing is ever called."""
    return [url for url in urls if "://" in url] if door in (_notify_at, _set_recipient_at) else urls


def test_saving_a_malformed_url_is_refused_with_the_field_and_the_remedy(dsn: str, trap: Trap) -> None:
    async def test(desk: Desk) -> None:
        for door, field in DOORS.values():
            for url in _taken_for_urls(door, MALFORMED):
                with pytest.raises(InvalidInput) as caught:
                    await door(desk, url)
                _explains(caught.value, field)
        assert await _count(desk) == 0
        assert trap.caught == []

    play(dsn, test)


def test_saving_calls_nobody_whatever_the_url_says(dsn: str, trap: Trap) -> None:
    async def test(desk: Desk) -> None:
        for door, _ in DOORS.values():
            for url in FEW:
                await door(desk, url)
        assert await _count(desk) > len(FEW)
        assert trap.caught == []

    play(dsn, test)


def test_the_facade_refuses_to_save_them_too(facade: str, trap: Trap) -> None:
    hooks, notifier = TroubleshootingWebhookManager(), TroubleshootingNotificationManager()
    doors: list[tuple[Callable[[str], Any], str]] = [
        (lambda url: hooks.register_webhook("crm", WebhookConfig(url, EVENTS)), "url"),
        (lambda url: notifier.set_recipient("slack", "equipo", webhook_url=url), "webhook_url"),
    ]
    for url in MALFORMED:
        for door, field in doors:
            with pytest.raises(InvalidInput) as caught:
                door(url)
            _explains(caught.value, field)
        refused = notifier.send_notification(_config(url), {"subject": "Hola", "body": "Hola"})
        assert refused["success"] is False
        assert "metadata.webhook_url" in refused["error"], refused
    assert (hooks.webhooks, notifier.recipients, trap.caught) == ({}, [], [])


def test_what_the_facade_saved_is_not_called(facade: str, trap: Trap) -> None:
    hooks, notifier = TroubleshootingWebhookManager(), TroubleshootingNotificationManager()
    numbers = [url for url in FEW if not any(name in url for name in (*NAMES, *map(str.upper, NAMES)))]
    for number, url in enumerate(numbers):
        hooks.register_webhook(f"crm{number}", WebhookConfig(url, EVENTS))
    told = hooks.trigger_webhook("step_completed", {"n": 1})
    sent = [notifier.send_notification(_config(url), {"subject": url, "body": "Hola"}) for url in numbers]
    results = [*told["results"], *sent]
    assert [one["success"] for one in results] == [False] * 2 * len(numbers)
    assert all(re.search("GUIADO_PRIVATE_TARGETS|metadatos", one["error"]) for one in results), results
    assert trap.caught == []


def test_the_api_refuses_to_save_them_and_calls_nobody(dsn: str, trap: Trap) -> None:
    to = {"channel": "discord", "recipient": "equipo"}
    posts: list[tuple[str, str, Callable[[str], dict[str, Any]]]] = [
        ("/webhooks", "url", lambda url: {"url": url, "events": EVENTS}),
        ("/notifications", "webhook_url", lambda url: {**to, "notification_type": "a", "message": "b", "webhook_url": url}),
        ("/recipients", "webhook_url", lambda url: {**to, "webhook_url": url}),
    ]

    async def go(api: httpx2.AsyncClient, runtime: Runtime, guarded: GuardedClient) -> None:
        for number, url in enumerate(MALFORMED):
            for path, field, body in posts if number % 5 == 0 else posts[:1]:
                answer = await api.post(path, json=body(url))
                assert answer.status_code == 400, (path, url, answer.text)
                assert field in answer.text
        parts = runtime.parts
        kinds = WebhookSender(parts, lambda: guarded, "uno"), NotificationSender(parts, _channels(guarded), "uno")
        async with working(Queue(parts, "uno", kinds)):
            for url in FEW:
                registered = await api.post("/webhooks", json={"url": url, "events": EVENTS})
                tested = (await api.post(f"/webhooks/{registered.json()['webhook_id']}/test")).json()
                assert tested["success"] is False
                assert re.search("GUIADO_PRIVATE_TARGETS|metadatos", tested["results"][0]["error"]), tested
                assert (await api.post("/notifications", json=posts[1][2](url))).status_code == 200

            async def all_given_up() -> bool:
                return len((await api.get("/notifications?status=failed")).json()["notifications"]) == len(FEW)

            await until(all_given_up)
        assert trap.caught == []

    asyncio.run(_serve(dsn, go))


# --------------------------------------------------------------------------------------------------------------- sending


@pytest.mark.parametrize("each", [7, pytest.param(1, marks=pytest.mark.long)])
def test_no_delivery_test_or_retry_connects_to_a_forbidden_address(
    dsn: str, trap: Trap, monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    """The malformed ones as if an older version had stored them."""
    time, urls = Time(monkeypatch), [*FORBIDDEN, *STORABLE][::each]

    async def test(house: House) -> None:
        for number, url in enumerate(urls):
            await house.register(f"w{number}", retry_attempts=2)
            async with house.parts.db.connection() as connection:
                await connection.execute("UPDATE support_webhooks SET url = $1 WHERE webhook_id = $2", url, f"w{number}")
                await webhooks.test(house.parts.work(connection), f"w{number}")
        await house.trigger(1)
        async with calling(house), working(house.sender(), house.sender("dos")):
            await until(lambda: nothing_due(house))
            assert await house.states() == {"pending": 2 * len(urls)}
            time.pass_(seconds=7)
            await until(lambda: nothing_due(house))
            assert await house.states() == {"exhausted": 2 * len(urls)}
            async with house.parts.db.connection() as connection:
                for number in range(len(urls)):
                    assert await webhooks.replay(house.parts.work(connection), f"w{number}", commands.Replay()) == 2
            await until(lambda: nothing_due(house))
            assert await house.states() == {"pending": 2 * len(urls)}
        async with house.parts.db.connection() as connection:
            told: Any = await connection.fetch("SELECT success, error_message FROM support_webhook_events")
        assert len(told) == 5 * len(urls), "two events, two attempts, and again: the fifth failure in a row makes a pause"
        assert not any(row["success"] or "conexión" in row["error_message"] for row in told)
        assert trap.caught == []

    run(dsn, test)


def test_no_channel_connects_to_a_forbidden_address(trap: Trap) -> None:
    async def go() -> None:
        async with client() as guarded:
            channels = {kind: _channels(guarded)(kind) for kind in CHANNELS}
            for url in (*FORBIDDEN, *MALFORMED):
                for channel in channels.values():
                    with pytest.raises(TargetRefused):
                        await channel.send(_outgoing(url))
        assert trap.caught == []

    asyncio.run(go())


def test_no_notification_connects_to_a_forbidden_address(dsn: str, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Malformed ones, and all that recipients have of their own, as if an older version had stored them."""
    monkeypatch.setattr(queue, "IDLE_S", 0.02)
    urls = [*FORBIDDEN[::2], *STORABLE]

    async def test(desk: Desk) -> None:
        ids = [
            await desk.send(CHANNELS[number % 4], f"r{number}", metadata={"webhook_url": url}) for number, url in enumerate(urls)
        ]
        for number, url in enumerate(FEW):
            await desk.wants(CHANNELS[number % 4], f"suyo{number}", webhook_url="https://ejemplo.com/")
            async with desk.house.parts.db.connection() as connection:
                statement = "UPDATE support_troubleshooting_recipients SET options = jsonb_build_object('webhook_url', $1::text)"
                await connection.execute(f"{statement} WHERE recipient = $2", url, f"suyo{number}")
            ids.append(await desk.send(CHANNELS[number % 4], f"suyo{number}"))
        async with calling(desk.house), working(desk.messenger(), desk.messenger("dos")):
            await until(lambda: given_up(desk, len(ids)))
            assert await desk.on(notifications.again) == len(ids)
            await until(lambda: given_up(desk, len(ids)))
        assert trap.caught == []

    async def given_up(desk: Desk, count: int) -> bool:
        async with desk.house.parts.db.connection() as connection:
            rows: Any = await connection.fetch("SELECT status, attempts FROM support_troubleshooting_notifications")
        return Counter((row["status"], row["attempts"]) for row in rows) == {("failed", 1): count}

    play(dsn, test)


# ------------------------------------------------------------------------------------------------- redirects and rebinding

ELSEWHERE = "http://10.0.0.1/"
REDIRECTS: list[tuple[int, dict[str, str]]] = [
    *((status, {"Location": ELSEWHERE}) for status in (300, 301, 302, 303, 304, 305, 307, 308, 399)),
    (301, {"Location": "http://169.254.169.254/latest/meta-data/"}),
    (302, {"Location": "//127.0.0.1:{port}/otra"}),
    (303, {"Location": "/otra"}),
    (307, {"Location": "otra"}),
    (308, {"Location": "http://127.0.0.1:{port}/otra"}),
    (308, {"Location": "//[::1]:{port}/otra"}),
    (302, {"Location": "https://[::ffff:10.0.0.1]/"}),
    (302, {"Location": "file:///etc/passwd"}),
    (302, {"Location": ""}),
    (302, {}),
    (307, {"Location": "/r0"}),  # a chain: that one leads elsewhere
    (307, {"Location": "/r20"}),  # to itself
    (200, {"Refresh": f"0;url={ELSEWHERE}"}),
    (201, {"Location": "/otra", "Content-Location": ELSEWHERE}),
    (200, {"Alt-Svc": 'h2="10.0.0.1:443"; ma=86400', "Link": f"<{ELSEWHERE}>; rel=preconnect"}),
    (426, {"Upgrade": "h2c", "Location": ELSEWHERE}),
]


def test_no_redirect_leads_anywhere(dsn: str, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    monkeypatch.setattr(queue, "IDLE_S", 0.02)

    async def test(desk: Desk) -> None:
        house, port = desk.house, desk.house.receiver.port
        trap.allowed = {("127.0.0.1", port)}
        ids: list[str] = []
        for number, (status, headers) in enumerate(REDIRECTS):
            given = {name: value.format(port=port) for name, value in headers.items()}
            house.receiver.answers |= {f"/r{number}{query}": (status, given) for query in ("", "?wait=true")}
            await house.register(f"r{number}", retry_attempts=2)
            url = {"webhook_url": f"{desk.url}/r{number}"}
            ids += [await desk.send(kind, f"r{number}", metadata=url) for kind in CHANNELS]
        await house.trigger(1)
        async with calling(house, RECEIVER), working(house.sender(), desk.messenger()):
            await desk.told(*ids)
            await until(lambda: nothing_due(house))
            time.pass_(seconds=7)
            await until(lambda: nothing_due(house))
        asked = Counter(path.split("?")[0] for path, _, _ in house.receiver.got)
        ok = {number for number, (status, _) in enumerate(REDIRECTS) if status < 300}
        expected = {f"/r{number}": 4 + (1 if number in ok else 2) for number in range(len(REDIRECTS))}
        assert (asked, trap.caught) == (expected, [])

    assert sum(300 <= status < 400 for status, _ in REDIRECTS) >= 20
    play(dsn, test)


FINE, MAPPED = "127.0.0.1", "::ffff:127.0.0.1"  # play the public address
BAD = (
    *("127.0.0.2", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "::1", "fd00:ec2::254", "fe80::1"),
    *("::ffff:127.0.0.2", "64:ff9b::a00:1", "2002:7f00:1::1"),
)
REBINDINGS: list[list[list[str]]] = [
    # What the name server says to each lookup; afterwards it repeats itself.
    *([[FINE], [bad]] for bad in BAD),
    [[FINE], [FINE, "10.0.0.1"]],
    [[FINE, "127.0.0.2"]],
    [["::1", FINE]],  # AAAA forbidden, A public
    [["::ffff:10.0.0.1", FINE], [FINE]],
    [["10.0.0.1"], [FINE], ["10.0.0.1"]],
    [["10.0.0.1"], ["10.0.0.1"], [FINE]],
    [[FINE], [FINE], ["169.254.169.254"]],
    [[FINE] * 9 + ["10.0.0.1"], [FINE]],
    [[], ["10.0.0.1"]],
    [["no es una dirección"], ["127.0.0.1 "], ["0x7f.1"]],
    [[MAPPED], ["::ffff:0:127.0.0.1"]],
    [[FINE], [FINE], [FINE]],
]


class Rebinding:
    """A name server that changes its mind."""

    def __init__(self) -> None:
        self.asked = Counter[str]()

    async def resolve(self, host: str, port: int) -> list[str]:
        script = REBINDINGS[int(host.removeprefix("caso").removesuffix(".example"))]
        self.asked[host] += 1
        return script[min(self.asked[host], len(script)) - 1]


def _fine_lookups(script: list[list[str]], attempts: int) -> int:
    told = [script[min(attempt, len(script) - 1)] for attempt in range(attempts)]
    return sum(bool(answer) and {*answer} <= {FINE, MAPPED} for answer in told)


@pytest.mark.parametrize("way", ["webhook", "notification"])
def test_a_name_that_changes_its_mind_gains_nothing(dsn: str, trap: Trap, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    time, server = Time(monkeypatch), Rebinding()
    monkeypatch.setattr(queue, "IDLE_S", 0.02)

    async def test(desk: Desk) -> None:
        house, port = desk.house, desk.house.receiver.port
        trap.allowed = {(FINE, port), (str(ip_address(MAPPED)), port)}
        for number in range(len(REBINDINGS)):
            url = f"http://caso{number}.example:{port}/caso{number}"
            answer = (503, {"Connection": "close"})  # so that the next attempt asks again
            house.receiver.answers |= {f"/caso{number}{query}": answer for query in ("", "?wait=true")}
            if way == "webhook":
                await house.register(f"w{number}", url=url, retry_attempts=3)
            else:
                await desk.send(CHANNELS[number % 4], f"r{number}", metadata={"webhook_url": url})
        await house.trigger(1)
        worker = house.sender() if way == "webhook" else desk.messenger()
        async with calling(house, RECEIVER, server.resolve), working(worker):
            for attempt in range(3):
                await until(lambda attempt=attempt: has_attempts(house, attempt + 1))
                time.pass_(seconds=400)
        hits = Counter(path.split("?")[0] for path, _, _ in house.receiver.got)
        expected = {f"/caso{number}": _fine_lookups(script, tries(script)) for number, script in enumerate(REBINDINGS)}
        assert hits == {path: count for path, count in expected.items() if count}
        assert server.asked == {f"caso{number}.example": tries(script) for number, script in enumerate(REBINDINGS)}
        assert trap.caught == []

    def tries(script: list[list[str]]) -> int:
        """A notification to a forbidden address is given up at once; an endpoint may move back."""
        refused = (bool(answer) and _is_refused(answer) for answer in [*script, script[-1], script[-1]][:3])
        return 3 if way == "webhook" else next((number for number, bad in enumerate(refused, 1) if bad), 3)

    async def has_attempts(house: House, count: int) -> bool:
        table = "support_troubleshooting_deliveries" if way == "webhook" else "support_troubleshooting_notifications"
        async with house.parts.db.connection() as connection:
            waits: Any = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE attempts < $1 AND {OPEN[way]}", count)
        return waits == 0

    assert len(REBINDINGS) >= 20
    play(dsn, test)


OPEN = {"webhook": "state = 'pending'", "notification": "status = 'pending'"}


def _is_refused(answer: list[str]) -> bool:
    """Whether these are addresses, and one of them is forbidden."""
    try:
        return any(RECEIVER.refuses(ip_address(text)) for text in answer)
    except ValueError:
        return False


# ----------------------------------------------------------------------------------------------------------------- tools


def _explains(refusal: InvalidInput, field: str) -> None:
    (problem,) = refusal.problems
    assert problem.field == field
    assert len(str(problem.message).rstrip(".").split(". ")) >= 2, "what is wrong, and the remedy"


async def _count(desk: Desk) -> int:
    tables = ("support_webhooks", "support_troubleshooting_notifications", "support_troubleshooting_recipients")
    async with desk.house.parts.db.connection() as connection:
        found: list[Any] = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    return sum(found)


def _config(url: str) -> NotificationConfig:
    return NotificationConfig("teams", "equipo", metadata={"webhook_url": url})


def _channels(guarded: GuardedClient) -> ChannelMaker:
    return lambda kind: make_channel(kind, read_settings(), guarded, CLOSED)


def _outgoing(url: str) -> Outgoing:
    return Outgoing("n1", "equipo", "Asunto", "Hola", "normal", options={"webhook_url": url})


async def _serve(dsn: str, test: Callable[[httpx2.AsyncClient, Runtime, GuardedClient], Awaitable[None]]) -> None:
    """The API without its sockets."""
    runtime = await Runtime.open(read_settings(DATABASE_URL=dsn))
    transport = httpx2.ASGITransport(create_app(runtime))
    try:
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://localhost{BASE_PATH}") as api, client() as guarded:
            await test(api, runtime, guarded)
    finally:
        await runtime.close()
