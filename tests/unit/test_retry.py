"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from guiado.delivery import retry

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_ten_attempts_take_75_hours_and_each_delay_is_within_a_fifth() -> None:
    middle = [retry.delay_s(attempts, 0.5) for attempts in range(1, 10)]
    assert middle == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert sum(middle) == 75 * 3600 + 35 * 60 + 5
    for attempts, base in enumerate(middle, start=1):
        assert retry.delay_s(attempts, 0) == pytest.approx(0.8 * base)
        assert retry.delay_s(attempts, 1) == pytest.approx(1.2 * base)


def test_more_attempts_than_the_schedule_has_go_on_with_its_last_delay() -> None:
    assert retry.delay_s(15, 0.5) == 86_400
    assert retry.horizon_s(1) == 0
    assert retry.horizon_s(3) == pytest.approx(305 * 1.2)
    assert retry.horizon_s(12) == pytest.approx(retry.horizon_s(10) + 2 * 86_400 * 1.2)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("99999999999999999999", 86_400),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
    ],
)
def test_what_the_receiver_wishes_is_heard_up_to_a_day(said: str, seconds: float) -> None:
    assert retry.read_retry_after_s(said, NOW) == seconds


@pytest.mark.parametrize("said", [None, "", "pronto", "-5", "1.5", "１２", "Mon, 99 Foo 2026", "\x00"])
def test_what_is_no_wish_is_none(said: str | None) -> None:
    assert retry.read_retry_after_s(said, NOW) is None
