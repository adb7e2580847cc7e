"""Workers that are killed in the middle of sending lose nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_sending import House, nothing_due, run, until, working

SEED = 20_261_123


def worker(dsn: str, home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "DATABASE_URL": dsn, "GUIADO_PRIVATE_TARGETS": "127.0.0.0/8", "GUIADO_ENCODER": "lexical"}
    environment["GUIADO_HOME"] = str(home)
    return subprocess.Popen(
        [sys.executable, "-m", "guiado", "worker"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.long)])
def test_no_event_is_lost_and_one_that_comes_twice_has_the_same_id(dsn: str, tmp_path: Path, kills: int) -> None:
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
        for _ in range(kills):
            least = len(house.receiver.got) + chance.randrange(1, 60)
            process = worker(dsn, tmp_path)
            try:
                await until(lambda least=least: more_than(house, least), 60)
            finally:
                process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.wait)
            # A dead worker's leases end after 30 s; a test does not wait so long.
            async with house.parts.db.connection() as connection:
                await connection.execute("UPDATE support_webhooks SET leased_until = now()")
        ended.set()
        await writing
        async with working(house.sender()):
            await until(lambda: nothing_due(house), 60)
        assert await house.states() == {"delivered": 4 * len(ids)}
        for name in "abcd":
            got: Any = Counter(headers["webhook-id"] for headers, _ in house.receiver.at(f"/{name}"))
            assert got.keys() == set(ids), f"seed {SEED}"
            first = dict.fromkeys(headers["webhook-id"] for headers, _ in house.receiver.at(f"/{name}"))
            assert list(first) == ids, "in their order"

    async def more_than(house: House, least: int) -> bool:
        return len(house.receiver.got) > least

    run(dsn, test)
