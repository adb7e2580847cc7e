"""Webhooks are sent: in order, signed, again and again by the schedule, and never to where they must not go."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from secret_keys import BOX

from guiado import clock
from guiado.app import commands
from guiado.app.context import AppContext
from guiado.app.outbound import queue, webhooks
from guiado.app.outbound.queue import Queue
from guiado.app.outbound.webhook_sender import WebhookSender
from guiado.delivery.guarded_client import GuardedClient
from guiado.delivery.ip_policy import TargetPolicy
from guiado.delivery.signing import body_signature, contract_signature, verify_standard
from guiado.domain.events import EventKind
from guiado.errors import InvalidInput
from guiado.store import outbox
from guiado.store import webhooks as stored_webhooks
from guiado.store.database import Database
from guiado.store.webhooks import Endpoint

LOOPBACK = TargetPolicy.parse("127.0.0.0/8")
SECRET = "un secreto cualquiera"


@dataclass
class Receiver:
    """Answers with what `answers` says for a path, and keeps what it got."""

    port: int = 0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    stalls: set[str] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                path = line.decode().split()[1]
                headers: dict[str, str] = {}
                while (raw := (await reader.readline()).decode().strip()) != "":
                    name, _, value = raw.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers["content-length"]))
                self.got.append((path, headers, body))
                if path in self.stalls:
                    await reader.read()  # until the caller hangs up
                    return
                status, more = self.answers.get(path, (200, {}))
                lines = [f"HTTP/1.1 {status} x", "content-length: 0", *(f"{k}: {v}" for k, v in more.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def at(self, path: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        return [(headers, json.loads(body)) for where, headers, body in self.got if where == path]

    def numbers(self, path: str) -> list[int]:
        return [body["data"]["n"] for _, body in self.at(path)]


@dataclass
class House:
    """A database with a receiver and as many senders as a test wants."""

    parts: AppContext
    receiver: Receiver
    client: GuardedClient

    async def register(self, name: str, **more: Any) -> Endpoint:
        given: dict[str, Any] = {
            "webhook_id": name, "url": f"http://127.0.0.1:{self.receiver.port}/{name}", "events": [EventKind.STEP_COMPLETED],
        }  # fmt: skip
        async with self.parts.db.connection() as connection:
            return await webhooks.register(self.parts.work(connection), commands.Webhook(**(given | more)), make_secret=False)

    async def trigger(self, *numbers: int, only: str | None = None) -> list[str]:
        ids: list[str] = []
        for number in numbers:
            async with self.parts.db.transaction() as connection:
                event_id, _ = await webhooks.trigger(
                    self.parts.work(connection), EventKind.STEP_COMPLETED, {"session_id": "s", "n": number}, only
                )
            ids.append(event_id)
        return ids

    async def states(self) -> dict[str, int]:
        async with self.parts.db.connection() as connection:
            rows = await connection.fetch("SELECT state, count(*) AS n FROM support_troubleshooting_deliveries GROUP BY state")
        return {row["state"]: row["n"] for row in rows}

    async def look(self, name: str) -> Any:
        async with self.parts.db.connection() as connection:
            return await connection.fetchrow("SELECT * FROM support_webhooks WHERE webhook_id = $1", name)

    def sender(self, name: str = "uno", own: dict[str, str] | None = None) -> Queue:
        return Queue(self.parts, name, [WebhookSender(self.parts, lambda: self.client, name, own)])


@asynccontextmanager
async def working(*senders: Queue) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        for sender in senders:
            sender.stop()
        await asyncio.gather(*tasks)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.01)


def run(dsn: str, test: Callable[[House], Awaitable[None]], policy: TargetPolicy = LOOPBACK) -> None:
    async def find() -> str:
        return dsn

    async def go() -> None:
        receiver = Receiver()
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        db, client = Database(find, box=BOX), GuardedClient(policy)
        try:
            await test(House(AppContext(db, "default", 0.4), receiver, client))
        finally:
            await client.aclose()
            await db.close()
            server.close()

    asyncio.run(go())


class Time:
    """A clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime.now(UTC)
        monkeypatch.setattr(queue, "POLL_S", 0.02)
        monkeypatch.setattr(queue, "IDLE_S", 0.02)
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


async def nothing_due(house: House) -> bool:
    async with house.parts.db.connection() as connection:
        return not await outbox.is_waiting(connection, "default", clock.now())


def test_events_arrive_in_their_order_with_every_signature(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm", secret=SECRET, headers={"X-Equipo": "soporte"})
        ids = await house.trigger(*range(30))
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        assert house.receiver.numbers("/crm") == list(range(30))
        assert [headers["webhook-id"] for headers, _ in house.receiver.at("/crm")] == ids
        for _, headers, raw in house.receiver.got:
            body = json.loads(raw)
            assert body.keys() == {"event", "timestamp", "data", "webhook_id", "signature"}
            assert body["signature"] == body_signature(body, SECRET)
            assert headers["x-webhook-signature"] == contract_signature(raw, SECRET)
            stamp = int(headers["webhook-timestamp"])
            assert verify_standard(headers["webhook-id"], stamp, raw, headers["webhook-signature"], SECRET, now_s=stamp)
            assert (headers["x-webhook-event"], headers["x-webhook-attempt"]) == ("step_completed", "1")
            assert headers["x-equipo"] == "soporte"
        assert await house.states() == {"delivered": 30}

    run(dsn, test)


def test_attempts_in_all_are_made_on_time_and_what_is_given_up_can_be_sent_again(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time(monkeypatch)

    async def test(house: House) -> None:
        await house.register("crm", retry_attempts=3)
        house.receiver.answers["/crm"] = (500, {})
        (event_id,) = await house.trigger(1)
        async with working(house.sender()):
            for wait_s, attempts in ((0, 1), (3, 1), (4, 2), (239, 2), (130, 3), (90_000, 3)):
                time.pass_(seconds=wait_s)
                await until(lambda: nothing_due(house))
                await until(lambda expected=attempts: made(house, expected))
            assert await house.states() == {"exhausted": 1}
            house.receiver.answers.clear()
            async with house.parts.db.connection() as connection:
                assert await webhooks.replay(house.parts.work(connection), "crm", commands.Replay(event_id=event_id)) == 1
            await until(lambda: made(house, 4))
            await until(lambda: nothing_due(house))
        assert {headers["webhook-id"] for headers, _ in house.receiver.at("/crm")} == {event_id}
        assert [headers["x-webhook-attempt"] for headers, _ in house.receiver.at("/crm")] == ["1", "2", "3", "1"]
        async with house.parts.db.connection() as connection:
            told = await webhooks.attempts(house.parts.work(connection), "crm", 10)
        assert [(one.success, one.response_status) for one in told] == [(True, 200)] + 3 * [(False, 500)]

    async def made(house: House, attempts: int) -> bool:
        return len(house.receiver.got) == attempts

    run(dsn, test)


@pytest.mark.parametrize("hours", [24, 72])
def test_a_receiver_that_was_down_for_days_gets_everything_within_a_quarter_of_an_hour(
    dsn: str, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    time = Time(monkeypatch)

    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.answers["/crm"] = (503, {})
        async with working(house.sender()):
            await house.trigger(*range(20))
            for _ in range(hours):
                time.pass_(hours=1)
                await until(lambda: nothing_due(house))
            house.receiver.answers.clear()
            house.receiver.got.clear()
            for _ in range(15):
                time.pass_(minutes=1)
                await until(lambda: nothing_due(house))
        assert await house.states() == {"delivered": 20}
        assert sorted(house.receiver.numbers("/crm")) == list(range(20))

    run(dsn, test)


def test_who_is_gone_is_disabled_and_what_comes_then_is_kept(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.answers["/crm"] = (410, {})
        await house.trigger(1, 2)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
            await house.trigger(3)
            row = await house.look("crm")
            assert (row["enabled"], len(house.receiver.got)) == (False, 1)
            assert "410" in row["disabled_reason"]
            assert await house.states() == {"disabled": 3}
            async with house.parts.db.connection() as connection:
                with pytest.raises(InvalidInput, match="webhook_id"):
                    await webhooks.replay(house.parts.work(connection), "crm", commands.Replay())
            house.receiver.answers.clear()
            house.receiver.got.clear()
            await house.register("crm", enabled=True)
            async with house.parts.db.connection() as connection:
                assert await webhooks.replay(house.parts.work(connection), "crm", commands.Replay()) == 3
            await until(lambda: nothing_due(house))
        assert house.receiver.numbers("/crm") == [1, 2, 3]

    run(dsn, test)


def test_who_asks_to_wait_is_left_alone_so_long(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)

    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.answers["/crm"] = (429, {"Retry-After": "600"})
        await house.trigger(1, 2)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
            house.receiver.answers.clear()
            time.pass_(seconds=590)
            await until(lambda: nothing_due(house))
            assert house.receiver.numbers("/crm") == [1]
            time.pass_(seconds=20)
            await until(lambda: delivered(house, 2))

    async def delivered(house: House, count: int) -> bool:
        return await house.states() == {"delivered": count}

    run(dsn, test)


def test_a_redirect_is_a_failure_and_is_not_followed(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.answers["/crm"] = (307, {"Location": f"http://127.0.0.1:{house.receiver.port}/otra"})
        await house.trigger(1)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        assert [path for path, _, _ in house.receiver.got] == ["/crm"]
        async with house.parts.db.connection() as connection:
            (told,) = await webhooks.attempts(house.parts.work(connection), "crm", 10)
        assert "no sigue redirecciones" in told.error_message

    run(dsn, test)


def test_nothing_is_sent_into_the_house_unless_the_administrator_says_so(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm")
        await house.trigger(1)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        assert house.receiver.got == []
        async with house.parts.db.connection() as connection:
            (told,) = await webhooks.attempts(house.parts.work(connection), "crm", 10)
        assert "GUIADO_PRIVATE_TARGETS" in told.error_message
        assert await house.states() == {"pending": 1}

    run(dsn, test, TargetPolicy())


def test_any_number_of_senders_send_each_event_once(dsn: str) -> None:
    async def test(house: House) -> None:
        for name in "abc":
            await house.register(name)
        await house.trigger(*range(40))
        async with working(*(house.sender(str(number)) for number in range(4))):
            await until(lambda: nothing_due(house))
        assert all(house.receiver.numbers(f"/{name}") == list(range(40)) for name in "abc")

    run(dsn, test)


def test_what_a_dead_sender_held_is_sent_by_another_with_the_same_id(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "LEASE_S", 0.3)
    monkeypatch.setattr(queue, "RENEW_S", 0.1)

    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.stalls.add("/crm")
        (event_id,) = await house.trigger(1)
        dead = asyncio.create_task(house.sender("muerto").run())
        await until(lambda: arrived(house, 1))
        # What `kill -9` leaves: nobody writes down, nobody renews, nobody gives back.
        async with house.parts.db.connection() as connection:
            await connection.execute("UPDATE support_webhooks SET leased_by = 'muerto de verdad'")
        house.receiver.stalls.clear()
        async with working(house.sender("vivo")):
            await until(lambda: arrived(house, 2))
            await until(lambda: nothing_due(house))
        dead.cancel()
        await asyncio.gather(dead, return_exceptions=True)
        assert [headers["webhook-id"] for headers, _ in house.receiver.at("/crm")] == [event_id, event_id]
        assert await house.states() == {"delivered": 1}

    async def arrived(house: House, count: int) -> bool:
        return len(house.receiver.got) >= count

    run(dsn, test)


def test_a_dead_and_a_silent_endpoint_hold_nobody_up(dsn: str) -> None:
    async def test(house: House) -> None:
        for number in range(20):
            await house.register(f"sano{number}")
        await house.register("muerto", url="http://127.0.0.1:9/")
        await house.register("mudo", timeout=1)
        house.receiver.stalls.add("/mudo")
        async with working(house.sender()):
            await house.trigger(*range(5))
            began_s = clock.monotonic_s()
            await until(lambda: all_well(house), 1.0 + 4)
            assert clock.monotonic_s() - began_s < 4
            await until(lambda: nothing_due(house))

    async def all_well(house: House) -> bool:
        return all(len(house.receiver.numbers(f"/sano{number}")) == 5 for number in range(20))

    run(dsn, test)


def test_a_new_secret_and_the_one_before_both_sign_for_a_while(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)

    async def test(house: House) -> None:
        await house.register("crm", secret=SECRET)
        async with house.parts.db.connection() as connection:
            await webhooks.rotate(house.parts.work(connection), "crm", commands.Rotate(secret="el nuevo", overlap_hours=1))
        async with working(house.sender()):
            await house.trigger(1)
            await until(lambda: nothing_due(house))
            time.pass_(hours=2)
            await house.trigger(2)
            await until(lambda: nothing_due(house))
        proven = [
            [verify_standard(h["webhook-id"], int(h["webhook-timestamp"]), raw, h["webhook-signature"], secret, now_s=float(h["webhook-timestamp"]))
             for secret in ("el nuevo", SECRET)]
            for _, h, raw in house.receiver.got
        ]  # fmt: skip
        assert proven == [[True, True], [True, False]]

    run(dsn, test)


def test_a_thin_message_has_no_words_of_a_customer(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm", thin=True, events=[EventKind.SESSION_STARTED])
        data = {"session_id": "s", "customer_email": "ana@example.com", "problem_description": "mi clave es 1234"}
        async with house.parts.db.transaction() as connection:
            await webhooks.trigger(house.parts.work(connection), EventKind.SESSION_STARTED, data)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        assert [body["data"] for _, body in house.receiver.at("/crm")] == [{"session_id": "s"}]

    run(dsn, test)


def test_a_test_event_takes_the_way_of_all_others(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm", secret=SECRET)
        await house.register("otro")
        async with house.parts.db.connection() as connection:
            event_id = await webhooks.test(house.parts.work(connection), "crm")
        async with working(house.sender()):
            (result,) = await webhooks.first_results(house.parts, event_id)
        assert (result.webhook_id, result.success, result.response_status) == ("crm", True, 200)
        assert [path for path, _, _ in house.receiver.got] == ["/crm"]

    run(dsn, test)


def test_the_figures_tell_how_long_the_queue_is(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("sano")
        await house.register("roto")
        house.receiver.answers["/roto"] = (500, {})
        await house.trigger(1, 2)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        async with house.parts.db.connection() as connection:
            broken, sound = await outbox.figures(connection, "default", clock.now())
        assert (sound.webhook_id, sound.pending, sound.successes, sound.failed) == ("sano", 0, 2, 0)
        assert (broken.webhook_id, broken.pending, broken.successes, broken.failed) == ("roto", 2, 0, 2)
        assert broken.oldest_s > 0

    run(dsn, test)


SCRIPT = """
import sys
from guiado.agent import TroubleshootingWebhookManager, WebhookConfig
from guiado.app.outbound import webhooks
from guiado.domain.events import EventKind
manager = TroubleshootingWebhookManager()
manager.register_webhook("crm", WebhookConfig(url=sys.argv[1], events=["step_completed"]))
for number in range(50):
    manager._door.write(webhooks.trigger, EventKind.STEP_COMPLETED, {"n": number})
"""


def test_a_script_that_ends_at_once_delivers_first(dsn: str, tmp_path: Any) -> None:
    async def test(house: House) -> None:
        import os

        environment = {**os.environ, "DATABASE_URL": dsn, "GUIADO_PRIVATE_TARGETS": "127.0.0.0/8", "GUIADO_ENCODER": "lexical"}
        environment["GUIADO_HOME"] = str(tmp_path)
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", SCRIPT, f"http://127.0.0.1:{house.receiver.port}/crm"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert house.receiver.numbers("/crm") == list(range(50))

    run(dsn, test)


def test_registering_again_starts_afresh(dsn: str) -> None:
    async def test(house: House) -> None:
        first = await house.register("crm", secret=SECRET)
        async with house.parts.db.connection() as connection:
            await connection.execute(
                "UPDATE support_webhooks SET failures = 9, paused_until = now() + interval '1 h', disabled_reason = 'x'"
            )
        again = await house.register("crm", secret="otro", enabled=True)
        row = await house.look("crm")
        assert (row["failures"], row["paused_until"], row["disabled_reason"], again.secret) == (0, None, None, "otro")
        assert again.secrets(clock.now()) == ["otro", first.secret]

    run(dsn, test)


def test_kestra_gets_every_event_from_whoever_knows_its_address(dsn: str) -> None:
    async def test(house: House) -> None:
        async with house.parts.db.connection() as connection:
            await webhooks.offer_kestra(house.parts.work(connection))
            await webhooks.offer_kestra(house.parts.work(connection))
            (stored,) = await stored_webhooks.listed(connection, "default")
        assert stored.url == webhooks.KESTRA, "the address has a key in it"
        stranger, url = house.sender("otro"), f"http://127.0.0.1:{house.receiver.port}/clave-secreta"
        async with working(stranger):
            await house.trigger(1, 2)
            await stranger.drain(5)
            assert house.receiver.got == []
            async with working(house.sender("uno", {webhooks.KESTRA: url})):
                await until(lambda: nothing_due(house))
        assert house.receiver.numbers("/clave-secreta") == [1, 2]
        with pytest.raises(InvalidInput, match="webhook_id"):
            await house.register(webhooks.KESTRA)

    run(dsn, test)
