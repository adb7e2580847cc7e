"""Identifiers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from guiado import clock


def test_ids_are_uuid7_distinct_and_growing() -> None:
    made = [clock.new_id() for _ in range(20_000)]
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made == sorted(set(made))


def test_ids_of_many_threads_are_distinct() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: clock.new_id(), range(20_000)))
    assert len(set(made)) == len(made)


def test_ids_grow_when_the_clock_is_set_back(monkeypatch) -> None:
    before = clock.new_id()
    monkeypatch.setattr(clock.time, "time_ns", lambda: 0)
    assert clock.new_id() > before


@pytest.mark.parametrize(("ahead_s", "corrected_s"), [(0, 0), (59, 0), (-59, 0), (61, -61), (-61, 61), (172_800, -172_800)])
def test_the_databases_clock_counts_where_this_machines_is_more_than_a_minute_off(monkeypatch, ahead_s, corrected_s) -> None:
    monkeypatch.setattr(clock, "_correction", timedelta(days=3))
    clock.follow(ahead_s)
    assert clock.correction_s() == corrected_s
    assert abs((clock.now() - clock.machine_now()).total_seconds() - corrected_s) < 1


def test_now_is_aware() -> None:
    assert clock.now().utcoffset().total_seconds() == 0
