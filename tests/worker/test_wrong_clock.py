"""A process whose clock is wrong, beside others whose clocks are right: what is sent goes by the database's clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from test_notifications import Desk, play
from test_sending import House, run, until

from guiado import clock
from guiado.app.outbound.queue import Queue
from guiado.scheduler import Worker

OFF = pytest.mark.parametrize("off", [timedelta(days=2), timedelta(days=-2), timedelta(minutes=3)], ids=str)


def set_machine_clock(monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
    monkeypatch.setattr(clock, "_correction", timedelta())
    monkeypatch.setattr(clock, "_last_tick", 0)
    monkeypatch.setattr(clock, "machine_now", lambda: datetime.now(UTC) + off)
    right_ns = time.time_ns
    monkeypatch.setattr(clock.time, "time_ns", lambda: right_ns() + off // timedelta(microseconds=1) * 1_000)


async def ask(house: House, query: str, *arguments: Any) -> Any:
    async with house.parts.db.connection() as connection:
        return await connection.fetchval(query, *arguments)


async def work(house: House, worker: Worker, rounds: int = 4) -> None:
    """Let a worker go on until each of its senders has looked some times for what is due."""
    task = asyncio.create_task(worker.run())
    sender = worker._queue
    looks, held, next_kinds, hold = 0, 0, sender._next_kinds, sender.hold

    def told(*, on: bool) -> None:
        nonlocal held
        held += 1
        hold(on=on)

    async def counted() -> list[str]:
        nonlocal looks
        looks += held > 1  # as soon as it is known whose time it is
        return await next_kinds()

    sender._next_kinds, sender.hold = counted, told
    try:

        async def looked() -> bool:
            sender.wake()
            return looks >= rounds

        await until(looked)
    finally:
        worker.stop()
        await task


@OFF
def test_a_wrong_clock_sends_nothing_early_and_disables_nobody(dsn: str, monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
    set_machine_clock(monkeypatch, off)

    async def test(house: House) -> None:
        await house.register("crm")
        await house.register("erp")
        await house.trigger(1)
        # crm waits for its second attempt, due in an hour; erp fails since four days, and is probed now.
        await ask(house, "UPDATE support_troubleshooting_deliveries SET attempts = 1, due_at = now() + interval '1 hour'")
        await ask(
            house,
            "UPDATE support_webhooks SET failures = 9, failing_since = now() - interval '4 days' WHERE webhook_id = 'erp'",
        )
        house.receiver.answers["/erp"] = (500, {})
        await work(house, Worker(house.parts, "w", {}, house.sender()))
        assert house.receiver.at("/crm") == []
        assert len(house.receiver.at("/erp")) == 1
        assert (await house.look("erp"))["enabled"]
        pause_s = await ask(
            house, "SELECT extract(epoch FROM paused_until - now())::float FROM support_webhooks WHERE webhook_id = 'erp'"
        )
        assert 0 < pause_s <= 300
        assert await house.states() == {"pending": 2}

    run(dsn, test)


@OFF
def test_a_wrong_clock_stores_events_and_retries_for_now(dsn: str, monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
    set_machine_clock(monkeypatch, off)

    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.answers["/crm"] = (500, {})
        (event_id,) = await house.trigger(1)
        assert (
            abs(await ask(house, "SELECT extract(epoch FROM max(due_at) - now())::float FROM support_troubleshooting_deliveries"))
            < 5
        )
        worker = asyncio.create_task((one := Worker(house.parts, "w", {}, house.sender())).run())

        async def tried() -> bool:
            return await ask(house, "SELECT count(*) FROM support_webhook_events") == 1

        await until(tried)
        one.stop()
        await worker
        wait_s = await ask(house, "SELECT extract(epoch FROM max(due_at) - now())::float FROM support_troubleshooting_deliveries")
        assert 0 < wait_s < 60, "the second attempt comes when it would with a right clock"
        assert abs(int(event_id.replace("-", "")[:12], 16) / 1_000 - time.time()) < 60, "ids order by time"

    run(dsn, test)


@OFF
def test_a_wrong_clock_leaves_messages_to_people_their_time(dsn: str, monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
    set_machine_clock(monkeypatch, off)

    async def test(desk: Desk) -> None:
        later, now = await desk.send(), await desk.send(recipient="luis@example.com")
        same = await desk.send(recipient="luis@example.com")
        assert same == now, "the same within ten minutes is one"
        await ask(
            desk.house,
            "UPDATE support_troubleshooting_notifications SET attempts = 1, due_at = now() + interval '1 hour' WHERE id = $1::uuid",
            later,
        )
        worker = asyncio.create_task((one := Worker(desk.house.parts, "w", {}, desk.messenger())).run())
        await desk.told(now)
        one.stop()
        await worker
        assert [mail["To"] for mail in desk.mails] == ["luis@example.com"]
        assert (await desk.look(later))["status"] == "pending"
        sent_s = await ask(
            desk.house,
            "SELECT extract(epoch FROM now() - sent_at)::float FROM support_troubleshooting_notifications WHERE id = $1::uuid",
            now,
        )
        assert abs(sent_s) < 30

    play(dsn, test)


def test_a_clock_that_cannot_be_followed_sends_nothing(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = clock.now

    async def test(house: House) -> None:
        await house.register("crm")
        await house.trigger(1)
        worker = Worker(house.parts, "w", {}, sender := house.sender())
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: right() + timedelta(days=2))
            await work(house, worker)
            assert house.receiver.got == []
            assert await sender_is_idle(sender)
        again = asyncio.create_task((one := Worker(house.parts, "w", {}, house.sender("dos"))).run())

        async def arrived() -> bool:
            return bool(house.receiver.got)

        await until(arrived)
        one.stop()
        await again

    run(dsn, test)


async def sender_is_idle(sender: Queue) -> bool:
    return sender.serving == frozenset()
