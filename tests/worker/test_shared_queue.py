"""Several workers share what is due; each kind of work is one handler; an endpoint may allow several requests at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prepared import Prepared
from test_killed_workers import kill, worker
from test_notifications import Desk, play
from test_sending import House, nothing_due, run, until, working

from guiado import clock
from guiado.app import outbound
from guiado.app.outbound import handlers, queue
from guiado.app.outbound.handlers import HandlerDependencies, make_handlers
from guiado.app.outbound.queue import Queue
from guiado.settings import read_settings

SLOW_S = 0.1


class SlowReceiver:
    """A client whose receiver takes its time; counts how many requests are there at once."""

    def __init__(self, house: House) -> None:
        self._post, self.at_once, self.most = house.client.post, 0, 0

    async def post(self, *args: Any, **more: Any) -> Any:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(SLOW_S)
        try:
            return await self._post(*args, **more)
        finally:
            self.at_once -= 1


async def holders(house: House) -> Counter[str]:
    async with house.parts.db.connection() as connection:
        rows = await connection.fetch("SELECT leased_by FROM support_webhooks WHERE leased_until > now()")
    return Counter(row["leased_by"] for row in rows)


async def alive(house: House) -> set[str]:
    async with house.parts.db.connection() as connection:
        rows = await connection.fetch("SELECT worker FROM support_troubleshooting_workers WHERE alive_until > now()")
    return {row["worker"] for row in rows}


# ------------------------------------------------------------------------------------------------------------ fair share


def test_workers_share_the_endpoints_that_have_something_due(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "STOP_S", 0.2)
    names = ["uno", "dos", "tres", "cuatro"]

    async def test(house: House) -> None:
        for number in range(8):
            await house.register(f"e{number}")
            house.receiver.stalls.add(f"/e{number}")
        async with working(*map(house.sender, names)):

            async def all_known() -> bool:
                return await alive(house) == set(names)

            await until(all_known)
            await house.trigger(1)

            async def all_leased() -> bool:
                return (await holders(house)).total() == 8

            await until(all_leased)
            assert await holders(house) == dict.fromkeys(names, 2)
        assert await alive(house) == set(), "whoever stops leaves its share to the others"

    run(dsn, test)


def test_work_that_was_meant_for_a_worker_that_does_not_come_is_taken_by_another(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "STOP_S", 0.2)

    async def test(house: House) -> None:
        for name in "abcd":
            await house.register(name)
            house.receiver.stalls.add(f"/{name}")
        async with house.parts.db.connection() as connection:
            await connection.execute(
                "INSERT INTO support_troubleshooting_workers (worker, alive_until) VALUES ('mudo', now() + interval '1 hour')"
            )
        await house.trigger(1)
        async with working(house.sender("uno")):

            async def leased() -> bool:
                found.append((await holders(house))["uno"])
                return found[-1] == 4

            found: list[int] = []
            await until(leased)
            assert 2 in found, "first its own share"

    run(dsn, test)


def test_a_worker_that_stops_gives_everything_back(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "STOP_S", 0.2)

    async def test(desk: Desk) -> None:
        desk.house.receiver.stalls |= {"/x", "/crm"}
        await desk.house.register("crm", timeout=30)
        await desk.house.trigger(1)
        one = await desk.send("webhook", "x", metadata={"webhook_url": f"{desk.url}/x"})
        async with working(desk.house.sender(), desk.messenger()):

            async def both_came() -> bool:
                return len(desk.house.receiver.got) == 2

            await until(both_came)
        row = await desk.look(one)
        assert (row["status"], row["attempts"], row["leased_by"]) == ("pending", 0, None)
        assert (await desk.house.look("crm"))["leased_by"] is None

    play(dsn, test)


# ------------------------------------------------------------------------------------------------------- several at a time


@pytest.mark.parametrize(("max_parallel", "most"), [(1, 1), (8, 8)])
def test_an_endpoint_gets_as_many_requests_at_a_time_as_it_allows(dsn: str, max_parallel: int, most: int) -> None:
    events = 4 * max_parallel

    async def test(house: House) -> None:
        slow = SlowReceiver(house)
        await house.register("crm", max_parallel=max_parallel)
        ids = await house.trigger(*range(events))
        house.client.post = slow.post
        began_s = clock.monotonic_s()
        async with working(house.sender()):
            await until(lambda: nothing_due(house))
        assert slow.most == most
        assert clock.monotonic_s() - began_s < SLOW_S * events or max_parallel == 1
        got = [headers["webhook-id"] for headers, _ in house.receiver.at("/crm")]
        assert sorted(got) == sorted(ids), "each once"
        assert got == ids or max_parallel > 1, "in order"
        assert await house.states() == {"delivered": events}
        async with house.parts.db.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM support_webhook_events") == events

    run(dsn, test)


def test_of_several_requests_at_a_time_those_that_fail_are_tried_again_and_a_dead_endpoint_is_probed_alone(dsn: str) -> None:
    async def test(house: House) -> None:
        slow = SlowReceiver(house)
        await house.register("crm", max_parallel=8)
        house.receiver.answers["/crm"] = (500, {})
        await house.trigger(*range(40))
        house.client.post = slow.post
        sender = house.sender()
        async with working(sender):

            async def paused() -> bool:
                return (await house.look("crm"))["paused_until"] is not None and not sender.serving

            await until(paused)
        assert len(house.receiver.got) <= 16, "those under way, and no more"
        assert (await house.look("crm"))["failures"] == len(house.receiver.got)
        assert await house.states() == {"pending": 40}
        house.receiver.answers.clear()
        async with house.parts.db.connection() as connection:
            await connection.execute("UPDATE support_webhooks SET paused_until = NULL")
        slow.most, before = 0, len(house.receiver.got)
        async with working(sender := house.sender("dos")):
            await until(lambda: all_delivered(house))
        assert sorted(house.receiver.numbers("/crm")[before:]) == list(range(40))
        assert (await house.look("crm"))["failures"] == 0

    async def all_delivered(house: House) -> bool:
        return await house.states() == {"delivered": 40}

    run(dsn, test)


# ------------------------------------------------------------------------------------------------------------------ news


def test_an_idle_worker_looks_seldom_and_still_sends_soon_what_another_process_stores(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    due_kinds = queue.store.due_kinds

    async def counted(*args: Any) -> set[str]:
        looks.append(clock.monotonic_s())
        return await due_kinds(*args)

    monkeypatch.setattr(queue.store, "due_kinds", counted)

    async def test(desk: Desk) -> None:
        await desk.house.register("crm")
        tools = HandlerDependencies(desk.house.parts, "uno", read_settings(), lambda: desk.house.client, desk.channel)
        async with working(Queue(desk.house.parts, "uno", make_handlers(tools))):

            async def calm() -> bool:
                return len(looks) >= 7

            await until(calm)
            assert looks[-1] - looks[-2] > 0.3, "one look for all kinds, less often the longer there was nothing"
            stored_s = clock.monotonic_s()
            await desk.house.trigger(1)  # nobody wakes the worker

            async def arrived() -> bool:
                return len(desk.house.receiver.got) == 1

            await until(arrived)
            assert clock.monotonic_s() - stored_s < 2, "half a second, and what a busy machine adds"

    play(dsn, test)


# ---------------------------------------------------------------------------------------------------------- a third kind

TICKETS = '''
"""Tickets, as another kind of outbound work would be written: one file."""

from guiado.app.outbound.handlers import handles
from guiado.app.outbound.queue import ClaimedWork


class TicketSender:
    kind = "ticket"
    due = "SELECT 'ticket' AS kind WHERE EXISTS (SELECT FROM tickets_to_send t WHERE t.leased_by IS NULL AND NOT t.sent)"
    foreign = frozenset()

    def __init__(self, tools):
        self._tools = tools

    async def claim(self, connection, leases, extra):
        rows = await connection.fetch("UPDATE tickets_to_send SET leased_by = $1 WHERE leased_by IS NULL AND NOT sent RETURNING number", self._tools.worker)
        return [ClaimedWork(str(row["number"]), lambda number=row["number"]: self._send(number)) for row in rows]

    async def _send(self, number):
        await self._tools.client().post(f"{URL}/ticket/{number}", b"{}", {}, timeout_s=5)
        async with self._tools.parts.db.connection() as connection:
            await connection.execute("UPDATE tickets_to_send SET sent = true, leased_by = NULL WHERE number = $1", number)

    async def renew(self, connection, keys):
        return set(keys)

    async def give_back(self, connection, keys):
        pass

    async def is_waiting(self, connection):
        return await connection.fetchval("SELECT EXISTS (SELECT FROM tickets_to_send WHERE NOT sent)")

    async def close(self):
        pass


@handles("ticket")
def make(tools):
    return TicketSender(tools)
'''


def test_another_kind_of_work_is_one_file(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "_makers", dict(handlers._makers))
    monkeypatch.setattr(outbound, "__path__", [*outbound.__path__, str(tmp_path)])

    async def test(desk: Desk) -> None:
        (tmp_path / "ticket_sender.py").write_text(TICKETS.replace("{URL}", desk.url), "utf-8")
        async with desk.house.parts.db.connection() as connection:
            await connection.execute("CREATE TABLE tickets_to_send (number integer, leased_by text, sent boolean DEFAULT false)")
            await connection.execute("INSERT INTO tickets_to_send (number) SELECT generate_series(1, 5)")
        await desk.house.register("crm")
        tools = HandlerDependencies(desk.house.parts, "uno", read_settings(), lambda: desk.house.client, desk.channel)
        made = make_handlers(tools)
        assert {one.kind for one in made} == {"webhook", "notification", "ticket"}
        worker = Queue(desk.house.parts, "uno", made)
        async with working(worker):
            await desk.house.trigger(1)
            one = await desk.send()
            await worker.drain(15)
            await desk.told(one)
        paths = sorted(path for path, _, _ in desk.house.receiver.got)
        assert paths == ["/crm", *(f"/ticket/{number}" for number in range(1, 6))]
        assert len(desk.mails) == 1

    play(dsn, test)


# ------------------------------------------------------------------------------------------------------------- processes


@pytest.mark.long
@pytest.mark.timeout(600)
def test_four_processes_share_the_work_and_that_of_a_killed_one_moves_within_ten_seconds(
    dsn: str, prepared: Prepared, tmp_path: Path
) -> None:
    prepared.fit(dsn)
    names, each = [f"e{number}" for number in range(8)], 1_500

    async def test(house: House) -> None:
        for name in names:
            await house.register(name)
        processes = [worker(dsn, tmp_path) for _ in range(4)]
        try:

            async def all_alive() -> bool:
                return len(await alive(house)) == 4

            await until(all_alive, 120)
            async with house.parts.db.connection() as connection:
                now = clock.now()
                events: list[dict[str, Any]] = [
                    {"tenant_id": "default", "event_id": clock.new_id(), "session_id": None, "event": "step_completed",
                     "data": {"n": number}, "occurred_at": now}
                    for number in range(each)
                ]  # fmt: skip
                await connection.execute("SELECT guiado_emit('default', $1)", events)

            async def all_busy() -> bool:
                return len(await holders(house)) == 4

            await until(all_busy, 30)
            (name, count) = (await holders(house)).most_common(1)[0]
            assert count <= 3, "about a quarter of the eight"
            (victim,) = [one for one in processes if f":{one.pid}:" in name]
            await kill(victim)
            killed_s = clock.monotonic_s()

            async def moved() -> bool:
                return name not in await holders(house) and (await waiting_at_nobody(house)) == 0

            await until(moved, 60)
            assert clock.monotonic_s() - killed_s <= 10
            await until(lambda: nothing_due(house), 120)
        finally:
            for one in processes:
                await kill(one)
        assert await house.states() == {"delivered": len(names) * each}
        for path in names:
            first = list(dict.fromkeys(house.receiver.numbers(f"/{path}")))
            assert first == list(range(each)), "every event, in order; some twice"

    async def waiting_at_nobody(house: House) -> int:
        """Endpoints with something to send that no living worker holds."""
        async with house.parts.db.connection() as connection:
            return await connection.fetchval(
                """SELECT count(*) FROM support_webhooks w WHERE (w.leased_until IS NULL OR w.leased_until <= now())
                   AND EXISTS (SELECT FROM support_troubleshooting_deliveries d
                                WHERE d.destination = w.webhook_id AND d.state = 'pending')"""
            )

    run(dsn, test)
