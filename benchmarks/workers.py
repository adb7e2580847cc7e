"""Several workers at one queue: how they share it, how soon the work of a killed one moves, and a receiver that takes its time.

Everything on the loopback: four `guiado worker`, a receiver in a process of its own, 8 endpoints that find their events waiting.
Then one worker and one receiver that answers after 100 ms, with `max_parallel` 1 and 8.

`make bench ARGS="workers"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parent))
from delivery import House, open_house, sending, worker_process

WORKERS, ENDPOINTS, EVENTS_EACH = 4, 8, 2_500
DELAY_S, PARALLEL, SECONDS = 0.1, 8, 5.0
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
Row = tuple[str, float | str, str, str]


async def _holders(house: House) -> Counter[str]:
    """How many endpoints each worker holds."""
    async with house.parts.db.connection() as connection:
        rows = await connection.fetch("SELECT leased_by FROM support_webhooks WHERE leased_until > now()")
    return Counter(str(row["leased_by"]) for row in rows)


async def _until(house: House, query: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not await house.run(query) and time.monotonic() < end:  # noqa: ASYNC110 the database is asked
        await asyncio.sleep(0.02)


async def _share(house: House) -> list[Row]:
    await house.register(house.receiver.healthy[:ENDPOINTS])
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(worker_process(house.made)) for _ in range(WORKERS)]
        await _until(house, f"SELECT count(*) = {WORKERS} FROM support_troubleshooting_workers WHERE alive_until > now()", 120)
        await house.store(EVENTS_EACH)
        began, seen = time.monotonic(), Counter[str]()
        while await house.run("SELECT count(*) > $1 FROM support_troubleshooting_deliveries WHERE state = 'pending'", 10_000):
            seen += await _holders(house)
            await asyncio.sleep(0.05)
        rate = (ENDPOINTS * EVENTS_EACH - 10_000) / (time.monotonic() - began)
        moved_s = await _kill_busiest(house, processes)
        await _until(house, "SELECT count(*) = 0 FROM support_troubleshooting_deliveries WHERE state = 'pending'", 120)
    shares = sorted(round(100 * count / seen.total()) for count in seen.values())
    arrived = Counter(event_id for _, event_id, _ in house.receiver.arrivals())
    twice = sum(arrived.values()) - ENDPOINTS * EVENTS_EACH
    return [
        (f"{WORKERS} workers, {ENDPOINTS} endpoints: share of each", " ".join(map(str, shares)), "%", "about 25 each"),
        ("Deliveries of all together", rate, "1/s", ""),
        ("The busiest killed (-9): its endpoints go on after", moved_s, "s", f"{moved_s / 10:.2f} of the limit (10 s)"),
        ("Of all deliveries, sent twice", twice, "", f"of {ENDPOINTS * EVENTS_EACH}; none lost"),
    ]


async def _kill_busiest(house: House, processes: list[Any]) -> float:
    """Seconds until every endpoint of the busiest worker is held by another one, or has nothing left."""
    name, _ = (await _holders(house)).most_common(1)[0]
    next(one for one in processes if f":{one.pid}:" in name).kill()
    killed = time.monotonic()
    left = f"""SELECT NOT EXISTS (SELECT FROM support_webhooks w
          JOIN support_troubleshooting_deliveries d ON d.destination = w.webhook_id AND d.state = 'pending'
         WHERE w.leased_by = '{name}')"""
    await _until(house, left, 60)
    return time.monotonic() - killed


class _Late(asyncio.Protocol):
    """Answers every request after a while."""

    arrived = 0

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if b"\r\n\r\n" in data:
            _Late.arrived += 1
            asyncio.get_running_loop().call_later(DELAY_S, self._transport.write, _ANSWER)


@asynccontextmanager
async def _late_receiver() -> AsyncGenerator[int]:
    server = await asyncio.get_running_loop().create_server(_Late, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _parallel(house: House) -> list[Row]:
    rates: dict[int, float] = {}
    async with _late_receiver() as port:
        for width in (1, PARALLEL):
            await house.register([port])
            await house.run("UPDATE support_webhooks SET max_parallel = $1", width)
            await house.store(1_000)
            async with sending(house):
                await asyncio.sleep(0.5)
                before, began = _Late.arrived, time.monotonic()
                await asyncio.sleep(SECONDS)
                rates[width] = (_Late.arrived - before) / (time.monotonic() - began)
    name = f"A receiver that takes {DELAY_S * 1_000:.0f} ms"
    return [
        (f"{name}, one request at a time", rates[1], "1/s", "1"),
        (f"{name}, max_parallel {PARALLEL}", rates[PARALLEL], "1/s", f"{rates[PARALLEL] / rates[1]:.1f} times as many"),
    ]


def main() -> list[Row]:
    """How workers share a queue, and what requests side by side gain."""

    async def measured() -> list[Row]:
        async with open_house() as house:
            return [*await _share(house), *await _parallel(house)]

    return uvloop.run(measured())


if __name__ == "__main__":
    for row in main():
        print(*row, sep="  ")
