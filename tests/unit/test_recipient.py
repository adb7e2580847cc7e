"""How somebody wants to be told: quiet hours over every change of the clock, digests, and what passes them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.domain.recipient import Drop, RecipientPreferences, Send, Wait

ZONES = ("Europe/Madrid", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu")


def at(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def night(zone: str = "Europe/Madrid", begin: str = "22:00", end: str = "07:00", digest_minutes: int = 0) -> RecipientPreferences:
    begin_at, end_at = time.fromisoformat(begin), time.fromisoformat(end)
    return RecipientPreferences("email", "a", time_zone=zone, quiet_from=begin_at, quiet_to=end_at, digest_minutes=digest_minutes)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-06-01T21:59", None),
        ("2026-06-01T22:00", "2026-06-02T07:00"),
        ("2026-06-02T03:00", "2026-06-02T07:00"),
        ("2026-06-02T06:59", "2026-06-02T07:00"),
        ("2026-06-02T07:00", None),
        # The night in which the clock is put forward has eight hours, the one in which it is put back ten.
        ("2026-03-28T23:00", "2026-03-29T07:00"),
        ("2026-10-24T23:00", "2026-10-25T07:00"),
    ],
)
def test_the_night_ends_in_the_morning_of_the_recipient(now: str, until: str | None) -> None:
    found = night().quiet_until(at("Europe/Madrid", now))
    assert found == (at("Europe/Madrid", until) if until else None)


def test_an_hour_that_comes_twice_is_quiet_both_times() -> None:
    who = night("America/New_York", "01:00", "01:30")
    first, second = at("America/New_York", "2026-11-01T01:10"), at("America/New_York", "2026-11-01T01:10", fold=1)
    assert second - first == timedelta(hours=1)
    assert who.quiet_until(first) == at("America/New_York", "2026-11-01T01:30")
    assert who.quiet_until(at("America/New_York", "2026-11-01T01:40")) is None
    assert who.quiet_until(second) == at("America/New_York", "2026-11-01T01:30", fold=1)


@given(
    zone=st.sampled_from(ZONES),
    begin=st.times(timezones=st.none()),
    end=st.times(timezones=st.none()),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_quiet_hours_end_within_a_day_and_not_into_quiet_hours(zone: str, begin: time, end: time, now: datetime) -> None:
    if begin == end:
        return
    who = RecipientPreferences("email", "a", time_zone=zone, quiet_from=begin, quiet_to=end)
    until = who.quiet_until(now)
    here = now.astimezone(ZoneInfo(zone)).time()
    assert (until is not None) == (begin <= here < end if begin < end else here >= begin or here < end)
    if until is not None:
        assert now < until <= now + timedelta(hours=25, minutes=1)
        assert who.quiet_until(until) is None


def test_what_is_urgent_passes_everything() -> None:
    who = RecipientPreferences("email", "a", muted=("aviso",), quiet_from=time(0), quiet_to=time(23, 59), digest_minutes=60)
    assert who.plan("aviso", is_urgent=True, is_gathered=False, now=datetime(2026, 6, 1, 12, tzinfo=UTC)) == Send()


def test_a_digest_goes_out_at_whole_steps_and_never_into_the_night() -> None:
    now = at("Europe/Madrid", "2026-06-01T10:07")
    half_past = Wait(at("Europe/Madrid", "2026-06-01T10:30"), is_gathered=True)
    assert (
        RecipientPreferences("email", "a", time_zone="Europe/Madrid", digest_minutes=30).plan(
            "x", is_urgent=False, is_gathered=False, now=now
        )
        == half_past
    )
    who, late = night(digest_minutes=30), at("Europe/Madrid", "2026-06-01T22:00")
    morning = Wait(at("Europe/Madrid", "2026-06-02T07:00"), is_gathered=True)
    assert who.plan("x", is_urgent=False, is_gathered=False, now=late) == morning
    assert who.plan("x", is_urgent=False, is_gathered=True, now=morning.until) == Send()


def test_what_is_muted_is_dropped() -> None:
    who = RecipientPreferences("email", "a", muted=("step_completed",))
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert who.plan("step_completed", is_urgent=False, is_gathered=False, now=now) == Drop()
    assert who.plan("session_escalated", is_urgent=False, is_gathered=False, now=now) == Send()


def test_a_digest_counts_from_the_midnight_of_the_recipient() -> None:
    kathmandu = RecipientPreferences("email", "a", time_zone="Asia/Kathmandu", digest_minutes=120)  # 5:45 h before UTC
    assert kathmandu.digest_at(at("Asia/Kathmandu", "2026-06-01T10:07")) == at("Asia/Kathmandu", "2026-06-01T12:00")
    assert kathmandu.digest_at(at("Asia/Kathmandu", "2026-06-01T12:00")) == at("Asia/Kathmandu", "2026-06-01T14:00")
    assert kathmandu.digest_at(at("Asia/Kathmandu", "2026-06-01T23:30")) == at("Asia/Kathmandu", "2026-06-02T00:00")


@pytest.mark.parametrize("hours", [{"quiet_from": time(22)}, {"quiet_to": time(7)}, {}])
def test_half_a_night_is_none(hours: dict[str, time]) -> None:
    for hour in range(24):
        now = datetime(2026, 6, 1, hour, tzinfo=UTC)
        assert RecipientPreferences("email", "a", **hours).quiet_until(now) is None
        assert RecipientPreferences("email", "a", **hours).plan("x", is_urgent=False, is_gathered=False, now=now) == Send()


def test_moments_are_told_in_utc() -> None:
    asked = at("America/New_York", "2026-06-01T23:00")
    until = night("America/New_York").quiet_until(asked)
    assert until is not None
    assert (until.tzinfo, until.isoformat()) == (UTC, "2026-06-02T11:00:00+00:00")


def test_a_night_without_a_digest_lets_each_message_out_by_itself() -> None:
    late = at("Europe/Madrid", "2026-06-01T22:00")
    morning = at("Europe/Madrid", "2026-06-02T07:00")
    plan = night().plan
    assert plan("x", is_urgent=False, is_gathered=False, now=late) == Wait(morning, is_gathered=False)
    assert plan("x", is_urgent=False, is_gathered=True, now=late) == Wait(morning, is_gathered=True)


def test_what_has_waited_for_its_digest_goes_out() -> None:
    who = RecipientPreferences("email", "a", digest_minutes=30)
    assert who.plan("x", is_urgent=False, is_gathered=True, now=datetime(2026, 6, 1, 10, 7, tzinfo=UTC)) == Send()
