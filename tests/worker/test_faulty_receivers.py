"""Whatever a network or a receiver does to requests: nothing is lost, nobody is blocked, and no other endpoint waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fault_proxy import FAULTS, FaultProxy
from test_sending import House, Time, nothing_due, run, until, working

from guiado import clock

SEED = 20_261_123
TIMEOUT_S = 0.3
SOUND = ("sano0", "sano1", "sano2")
QUICK = ("refuse", "silence_in_body", "wild_retry_after", "answer_twice", "flood_of_1xx")


class Weather:
    """A house with a proxy before each endpoint that is to suffer, one a kind of fault; others are reached directly.

    Args:
        kinds: of fault.
    """

    def __init__(self, house: House, kinds: tuple[str, ...]) -> None:
        self.house = house
        self.proxies = [FaultProxy(kind, house.receiver.port, SEED) for kind in kinds]
        self.longest_s: defaultdict[str, float] = defaultdict(float)
        self._post = house.client.post
        house.client.post = self._measure

    async def begin(self, stack: AsyncExitStack) -> None:
        for proxy in self.proxies:
            await proxy.open()
            stack.push_async_callback(proxy.close)
            url = f"http://127.0.0.1:{proxy.port}/{proxy.kind}"
            await self.house.register(proxy.kind, url=url, timeout=TIMEOUT_S, retry_attempts=20)
        for name in SOUND:
            await self.house.register(name)
        await stack.enter_async_context(working(self.house.sender()))

    async def strike(self, share: float) -> None:
        for proxy in self.proxies:
            await proxy.strike(share)

    async def _measure(self, url: str, *args: Any, **more: Any) -> Any:
        began_s, name = clock.monotonic_s(), url.rpartition("/")[2]
        try:
            return await self._post(url, *args, **more)
        finally:
            self.longest_s[name] = max(self.longest_s[name], clock.monotonic_s() - began_s)

    async def attempts(self) -> list[dict[str, Any]]:
        async with self.house.parts.db.connection() as connection:
            rows = await connection.fetch(
                "SELECT webhook_id, count(*) AS attempts, count(*) FILTER (WHERE NOT success) AS failed,"
                " max(duration_ms) AS longest_ms FROM support_webhook_events GROUP BY webhook_id ORDER BY webhook_id"
            )
        return [dict(row) for row in rows]  # pyright: ignore[reportReturnType]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kinds", "events"), [(QUICK, 40), pytest.param(FAULTS, 500, marks=pytest.mark.long)], ids=str)
def test_after_a_fault_everything_has_arrived_and_nobody_had_to_wait(
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[..., None],
    kinds: tuple[str, ...],
    events: int,
) -> None:
    time = Time(monkeypatch)

    async def test(house: House) -> None:
        weather = Weather(house, kinds)
        async with AsyncExitStack() as stack:
            await weather.begin(stack)
            ids = await house.trigger(*range(events // 4))
            await weather.strike(0.2)  # now and then, in the middle of what works
            ids += await house.trigger(*range(events // 4, events // 2))
            await until(lambda: nothing_due(house), 90)
            await weather.strike(1)
            ids += await house.trigger(*range(events // 2, events))
            await until(lambda: sound_ones_have(house, events), 5 + events / 25)
            for _ in range(8):
                time.pass_(minutes=5)
                await until(lambda: nothing_due(house), 90)
            await weather.strike(0)
            await everything_arrives(house, events * (len(kinds) + len(SOUND)))
        record_property("attempts", await weather.attempts())
        for name in SOUND:
            assert [headers["webhook-id"] for headers, _ in house.receiver.at(f"/{name}")] == ids, "in order, and only once"
        for kind in kinds:
            got = {(headers["webhook-id"], body["data"]["n"]) for headers, body in house.receiver.at(f"/{kind}")}
            assert got == set(zip(ids, range(events), strict=True)), f"{kind}, seed {SEED}"
        longest_ms = {row["webhook_id"]: row["longest_ms"] for row in await weather.attempts()}
        too_long_s = TIMEOUT_S + 1
        assert {kind for kind in kinds if max(weather.longest_s[kind], longest_ms[kind] / 1000) > too_long_s} == set()
        assert [proxy.kind for proxy in weather.proxies if not proxy.has_struck] == []

    async def sound_ones_have(house: House, count: int) -> bool:
        return all(len(house.receiver.at(f"/{name}")) == count for name in SOUND)

    async def everything_arrives(house: House, count: int) -> None:
        for _ in range(60):
            await until(lambda: nothing_due(house), 90)
            if await house.states() == {"delivered": count}:
                return
            time.pass_(minutes=10)
        raise AssertionError(await house.states())

    run(dsn, test)
