"""Workers that are killed in the middle of sending lose nothing, and what they held is free within a minute."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prepared import Prepared
from test_sending import House, nothing_due, run, until, working

from guiado import clock

SEED = 20_261_123
STUCK_S = 60


def worker(dsn: str, home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "DATABASE_URL": dsn, "GUIADO_PRIVATE_TARGETS": "127.0.0.0/8", "GUIADO_ENCODER": "lexical"}
    environment["GUIADO_HOME"] = str(home)
    return subprocess.Popen(
        [sys.executable, "-m", "guiado", "worker"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


async def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    await asyncio.to_thread(process.wait)


async def find_holder(house: House, processes: list[subprocess.Popen[bytes]]) -> int:
    """Which of these workers is sending; waits for one that does."""
    found: list[int] = []

    async def look() -> bool:
        async with house.parts.db.connection() as connection:
            rows = await connection.fetch("SELECT leased_by FROM support_webhooks WHERE leased_until > now()")
        pids = {int(row["leased_by"].split(":")[1]) for row in rows}
        found.extend(number for number, process in enumerate(processes) if process.pid in pids)
        return bool(found)

    await until(look, 60)
    return found[0]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [7, pytest.param(100, marks=pytest.mark.long)])
def test_no_event_is_lost_and_one_that_comes_twice_has_the_same_id(
    dsn: str, prepared: Prepared, tmp_path: Path, kills: int
) -> None:
    prepared.fit(dsn)
    chance = random.Random(SEED)  # noqa: S311 not a secret

    async def test(house: House) -> None:
        for name in "abcd":
            await house.register(name)
        ids: list[str] = []

        async def write() -> None:
            while not ended.is_set():
                if 4 * len(ids) < len(house.receiver.got) + 400:  # there is always something to send, and never much
                    ids.extend(await house.trigger(len(ids)))
                await asyncio.sleep(0)

        ended = asyncio.Event()
        writing = asyncio.create_task(write())
        processes = [worker(dsn, tmp_path) for _ in range(2)]  # one works while the other starts
        try:
            for _ in range(kills):
                least = len(house.receiver.got) + chance.randrange(1, 60)
                await until(lambda least=least: more_than(house, least), 60)
                victim = await find_holder(house, processes)
                await kill(processes[victim])
                processes[victim] = worker(dsn, tmp_path)
                # A dead worker's leases end after 8 s; a test does not wait so long.
                await end_leases(house, processes[1 - victim].pid)
        finally:
            ended.set()
            await writing
            for process in processes:
                await kill(process)
        await end_leases(house)
        async with working(house.sender()):
            await until(lambda: nothing_due(house), 60)
        assert await house.states() == {"delivered": 4 * len(ids)}
        for name in "abcd":
            got: Any = Counter(headers["webhook-id"] for headers, _ in house.receiver.at(f"/{name}"))
            assert got.keys() == set(ids), f"seed {SEED}"
            first = dict.fromkeys(headers["webhook-id"] for headers, _ in house.receiver.at(f"/{name}"))
            assert list(first) == ids, f"in their order, seed {SEED}"
        assert len({(headers["webhook-id"], body["data"]["n"]) for headers, body in house.receiver.at("/a")}) == len(ids)

    async def more_than(house: House, least: int) -> bool:
        return len(house.receiver.got) > least

    async def end_leases(house: House, living: int = 0) -> None:
        async with house.parts.db.connection() as connection:
            await connection.execute(
                "UPDATE support_webhooks SET leased_until = now() WHERE split_part(leased_by, ':', 2) <> $1", str(living)
            )

    run(dsn, test)


@pytest.mark.long
def test_the_leases_of_the_dead_end_by_themselves_within_a_minute(dsn: str, tmp_path: Path) -> None:
    async def test(house: House) -> None:
        await house.register("a")
        house.receiver.stalls.add("/a")
        (event_id,) = await house.trigger(1)
        processes = [worker(dsn, tmp_path)]
        try:
            await find_holder(house, processes)
            await until(lambda: arrived(house, 1), 30)
            await kill(processes[0])
            house.receiver.stalls.clear()
            killed_s = clock.monotonic_s()
            processes.append(worker(dsn, tmp_path))
            await until(lambda: arrived(house, 2), STUCK_S)
            assert clock.monotonic_s() - killed_s > 5, "somebody else's lease was respected"
            await until(lambda: nothing_due(house))
        finally:
            for process in processes:
                await kill(process)
        assert {headers["webhook-id"] for headers, _ in house.receiver.at("/a")} == {event_id}

    async def arrived(house: House, count: int) -> bool:
        return len(house.receiver.got) >= count

    run(dsn, test)
