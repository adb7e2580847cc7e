"""What an operator changes of an endpoint counts from the next message on, and a sender is kept busy by no fault."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from secret_keys import BOX
from test_sending import House, Time, nothing_due, run, until, working

from guiado import clock
from guiado.app import commands
from guiado.app.commands import WebhookChange
from guiado.app.outbound import queue, webhooks
from guiado.app.outbound.first_attempts import first_results
from guiado.app.outbound.queue import Queue
from guiado.delivery.signing import contract_signature
from guiado.store import outbox

OLD, NEW = "secreto de antes", "secreto de ahora"
SLOW_S = 0.05


class Slow:
    """A client whose receiver takes its time; tells when each message began."""

    def __init__(self, house: House) -> None:
        self._post, self.began = house.client.post, list[datetime]()

    async def post(self, *args: Any, **more: Any) -> Any:
        self.began.append(datetime.now(UTC))
        await asyncio.sleep(SLOW_S)
        return await self._post(*args, **more)


async def change(house: House, webhook_id: str, **values: Any) -> Any:
    async with house.parts.db.connection() as connection:
        return await webhooks.edit(house.parts.work(connection), webhook_id, WebhookChange(**values))


@pytest.mark.parametrize("act", ["disable", "remove", "url"])
def test_no_message_begins_as_before_once_an_endpoint_was_changed(dsn: str, act: str) -> None:
    async def test(house: House) -> None:
        slow = Slow(house)
        await house.register("crm")
        await house.trigger(*range(60))
        house.client.post = slow.post
        sender = house.sender()
        async with working(sender):
            await until(lambda: at_least(house, 5))
            if act == "remove":
                async with house.parts.db.connection() as connection:
                    await webhooks.remove(house.parts.work(connection), "crm")
            elif act == "disable":
                await change(house, "crm", enabled=False)
            else:
                await change(house, "crm", url=f"http://127.0.0.1:{house.receiver.port}/nuevo")
            changed_at = datetime.now(UTC)
            under_way = len(house.receiver.at("/crm")) + 1
            await until(lambda: settled(house, sender, act))
        assert len(house.receiver.at("/crm")) <= under_way, "the one under way, and no other"
        if act == "url":
            assert len(house.receiver.at("/nuevo")) + len(house.receiver.at("/crm")) == 60
        else:
            assert [began for began in slow.began if began > changed_at] == []

    async def at_least(house: House, count: int) -> bool:
        return len(house.receiver.got) >= count

    async def settled(house: House, sender: Queue, act: str) -> bool:
        return await nothing_due(house) if act == "url" else not sender.serving

    run(dsn, test)


def test_a_new_secret_signs_from_the_next_message_on_and_the_one_before_too(dsn: str) -> None:
    async def test(house: House) -> None:
        slow = Slow(house)
        await house.register("crm", secret=OLD)
        await house.trigger(*range(20))
        house.client.post = slow.post
        async with working(house.sender()):
            await until(lambda: some(house))
            async with house.parts.db.connection() as connection:
                await webhooks.rotate(house.parts.work(connection), "crm", commands.Rotate(secret=NEW))
            before = len(house.receiver.got) + 1
            await until(lambda: nothing_due(house))
        signers = [headers["x-webhook-signature"] == contract_signature(raw, NEW) for _, headers, raw in house.receiver.got]
        assert (len(signers), all(signers[before:]), any(signers[:3])) == (20, True, False)
        assert len(house.receiver.got[-1][1]["webhook-signature"].split()) == 2

    async def some(house: House) -> bool:
        return len(house.receiver.got) >= 3

    run(dsn, test)


def test_disabling_and_enabling_keeps_the_overlap_of_secrets_and_everything_else(dsn: str) -> None:
    async def test(house: House) -> None:
        given = {"headers": {"X-A": "b"}, "thin": True, "max_per_second": 5.0, "timeout": 3.0, "retry_attempts": 4}
        await house.register("crm", secret=OLD, **given)
        async with house.parts.db.connection() as connection:
            await webhooks.rotate(house.parts.work(connection), "crm", commands.Rotate(secret=NEW))
            await webhooks.rotate(house.parts.work(connection), "crm", commands.Rotate(secret=NEW))
            for enabled in (False, True):
                await webhooks.switch(house.parts.work(connection), "crm", enabled=enabled)
            again = await webhooks.register(
                house.parts.work(connection),
                commands.Webhook(url="http://a.example/", events=["*"], webhook_id="crm"),
                make_secret=True,
            )
        assert {name: getattr(again, name) for name in given} == given
        assert again.secrets(clock.now()) == [NEW, OLD]
        assert again.secrets(clock.now() + timedelta(hours=25)) == [NEW]
        assert OLD not in repr(again)
        assert NEW not in repr(again)
        assert "X-A" not in repr(again)

    run(dsn, test)


def test_who_rotates_twice_keeps_the_overlap_that_was_promised_first(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm", secret="uno")

        async def rotate(secret: str, hours: float = 24) -> list[str]:
            async with house.parts.db.connection() as connection:
                command = commands.Rotate(secret=secret, overlap_hours=hours)
                return (await webhooks.rotate(house.parts.work(connection), "crm", command)).secrets(clock.now())

        assert await rotate("dos", 1) == ["dos", "uno"]
        assert await rotate("tres") == ["tres", "dos", "uno"]
        assert await rotate("dos") == ["dos", "tres", "uno"], "back to the one before"
        async with house.parts.db.connection() as connection:
            endpoint = await webhooks.find(house.parts.work(connection), "crm")
        assert endpoint.secrets(clock.now() + timedelta(hours=2)) == ["dos", "tres"]
        assert await rotate("cuatro", 0) == ["cuatro"], "who leaves no time wants none of the others"

    run(dsn, test)


def test_changing_something_undoes_no_rotation_that_came_in_between(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm", secret=OLD)

        async def rotate(number: int) -> None:
            async with house.parts.db.connection() as connection:
                await webhooks.rotate(house.parts.work(connection), "crm", commands.Rotate(secret=f"{NEW} {number}"))

        for number in range(20):
            await asyncio.gather(rotate(number), *(change(house, "crm", enabled=bool(turn % 2)) for turn in range(4)))
            stored = (await house.look("crm"))["secret"]
            assert BOX.open(stored, "webhook.secret", "default", "crm") == f"{NEW} {number}"

    run(dsn, test)


def test_who_is_gone_is_reported_as_a_failure(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm")
        house.receiver.answers["/crm"] = (410, {})
        async with house.parts.db.connection() as connection:
            event_id = await webhooks.test(house.parts.work(connection), "crm")
        async with working(house.sender()):
            await until(lambda: is_disabled(house))
            (result,) = await first_results(house.parts, event_id, ["crm"])
            assert (result.success, result.status, result.response_status) == (False, "disabled", 410)
            assert await first_results(house.parts, event_id) == [result]
            async with house.parts.db.connection() as connection:
                await webhooks.remove(house.parts.work(connection), "crm")
            (result,) = await first_results(house.parts, clock.new_id().hex, ["crm"])
            assert (result.success, result.status) == (False, "cancelled")

    async def is_disabled(house: House) -> bool:
        return not (await house.look("crm"))["enabled"]

    run(dsn, test)


def test_a_limit_of_messages_delays_the_next_one_and_not_the_record(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)

    async def test(house: House) -> None:
        await house.register("lento", max_per_second=0.1)
        await house.register("vivo", max_per_second=4)
        await house.trigger(1, 2, 3)
        began_s = clock.monotonic_s()
        async with working(house.sender()):
            await until(lambda: recorded(house, "lento", 1), 8)  # less than the ten seconds of the limit
            await until(lambda: recorded(house, "vivo", 3))
            assert clock.monotonic_s() - began_s > 0.5, "at most four a second"
            assert house.receiver.numbers("/lento") == [1]
            time.pass_(seconds=11)
            await until(lambda: recorded(house, "lento", 2))
            assert house.receiver.numbers("/lento") == [1, 2]

    async def recorded(house: House, name: str, count: int) -> bool:
        async with house.parts.db.connection() as connection:
            return len(await webhooks.attempts(house.parts.work(connection), name, 10)) == count

    run(dsn, test)


def test_the_state_of_an_endpoint_is_written_with_its_last_attempts(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, int]] = []
    record = outbox.record

    async def count(connection: Any, tenant: str, sender: str, attempts: Any, settled: Any = ()) -> None:
        written.append((len(attempts), len(settled)))
        await record(connection, tenant, sender, attempts, settled)

    monkeypatch.setattr(outbox, "record", count)

    async def test(house: House) -> None:
        await house.register("crm")
        await house.trigger(1, 2, 3)
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        assert written == [(3, 1)]

    run(dsn, test)


def test_a_database_that_refuses_is_asked_again_once_a_second(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    async def fail(*_args: object) -> None:
        asked.append(clock.monotonic_s())
        raise RuntimeError("no")

    async def test(house: House) -> None:
        monkeypatch.setattr(outbox, "claim", fail)
        monkeypatch.setattr(queue.store, "due_kinds", fail)
        sender = house.sender()
        async with working(sender):
            await until(lambda: seen(3))
        assert asked[2] - asked[0] > 0.5

    async def seen(count: int) -> bool:
        return len(asked) >= count

    run(dsn, test)


def test_what_is_under_way_ends_before_the_process_gives_up(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "STOP_S", 0.3)

    async def test(house: House) -> None:
        await house.register("crm", timeout=30)
        house.receiver.stalls.add("/crm")
        await house.trigger(1)
        sender = house.sender()
        task = asyncio.create_task(sender.run())
        await until(lambda: asked(house))
        began_s = clock.monotonic_s()
        sender.stop()
        await task
        assert clock.monotonic_s() - began_s < 2
        assert (await house.look("crm"))["leased_by"] is None, "another sender may go on at once"

    async def asked(house: House) -> bool:
        return len(house.receiver.got) == 1

    assert queue.EXIT_S > queue.STOP_S
    run(dsn, test)


def test_a_secret_that_was_moved_from_another_row_sends_nothing_and_says_why(dsn: str) -> None:
    async def test(house: House) -> None:
        await house.register("crm", secret=OLD)
        await house.register("erp", secret=NEW)
        async with house.parts.db.connection() as connection:
            moved = "SELECT e.secret FROM support_webhooks e WHERE e.webhook_id = 'erp'"
            await connection.execute(f"UPDATE support_webhooks SET secret = ({moved}) WHERE webhook_id = 'crm'")
        await house.trigger(1)

        async def tried() -> bool:
            async with house.parts.db.connection() as connection:
                return await connection.fetchval("SELECT count(*) FROM support_webhook_events") >= 2

        async with working(house.sender()):
            await until(tried)
        async with house.parts.db.connection() as connection:
            why = await connection.fetchval("SELECT error_message FROM support_webhook_events WHERE webhook_id = 'crm' LIMIT 1")
        assert "guiado secrets status" in why
        assert (len(house.receiver.at("/crm")), len(house.receiver.at("/erp"))) == (0, 1)

    run(dsn, test)
