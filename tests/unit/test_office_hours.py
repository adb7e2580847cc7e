"""Office hours: written as people write them, and when the team is at work next."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from guiado.domain.office_hours import OfficeHours, parse_office_hours

BOGOTA = ZoneInfo("America/Bogota")
HOURS = "lun-vie 8:00-18:00, sáb 9-13"


def hours(written: str = HOURS) -> OfficeHours:
    found = parse_office_hours(written)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "written",
    [
        HOURS,
        "LUN-VIE 8:00-18:00; Sábado 9:00-13:00",
        "lunes a viernes 8-18, sábado 9-13",
        "mon-fri 8:00-18:00, sat 9:00 - 13:00",
        "seg-sex 8:00-18:00, sáb 9:00-13:00",
        "lun - vie 08:00-18:00\nsab 9-13",
    ],
)
def test_the_same_hours_in_many_hands(written: str) -> None:
    assert hours(written) == hours()


@pytest.mark.parametrize(
    "written",
    ["siempre", "lun-vie", "8-18", "lun-vie 18-8", "lun-vie 8-25", "lun-vie 8:60-9", "xyz-abc 8-18", "lun 8-9 x", "1-2 3-4"],
)
def test_what_is_no_hours_is_refused(written: str) -> None:
    assert parse_office_hours(written) is None


def test_none_are_no_hours() -> None:
    assert hours("").shifts == ()
    assert hours("").next_opening(datetime(2026, 11, 28, 14, tzinfo=BOGOTA)) is None


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-27T07:59", "2026-11-27T08:00"),  # a Friday, before work
        ("2026-11-27T08:00", None),
        ("2026-11-27T17:59", None),
        ("2026-11-27T18:00", "2026-11-28T09:00"),
        ("2026-11-28T13:00", "2026-11-30T08:00"),  # Saturday afternoon -> Monday
        ("2026-12-31T23:00", "2027-01-01T08:00"),
    ],
)
def test_when_the_team_is_back(at: str, opens: str | None) -> None:
    found = hours().next_opening(datetime.fromisoformat(at).replace(tzinfo=BOGOTA))
    assert found == (datetime.fromisoformat(opens).replace(tzinfo=BOGOTA) if opens else None)


def test_the_week_that_wraps_and_midnight() -> None:
    late = hours("vie-lun 20:00-24:00")
    assert {shift.weekday for shift in late.shifts} == {4, 5, 6, 0}
    assert late.is_open(datetime(2026, 11, 29, 23, 59, tzinfo=BOGOTA))
    assert not late.is_open(datetime(2026, 12, 1, 21, 0, tzinfo=BOGOTA))
