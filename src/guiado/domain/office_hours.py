"""Office hours of a support team, and when it is at work next; pure.

Written as people write them: `lun-vie 9:00-18:00, sáb 9:00-13:00`, in Spanish, English or Portuguese.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from guiado.text.fold import fold_text

_DAYS = {
    "lun": 0, "mon": 0, "seg": 0, "mar": 1, "tue": 1, "ter": 1, "mie": 2, "wed": 2, "qua": 2, "jue": 3, "thu": 3, "qui": 3,
    "vie": 4, "fri": 4, "sex": 4, "sab": 5, "sat": 5, "dom": 6, "sun": 6,
}  # fmt: skip
_PART = re.compile(r"([a-z]{3,12})(?: ?[-a] ?([a-z]{3,12}))? (\d{1,2})(?::(\d\d))? ?- ?(\d{1,2})(?::(\d\d))?", re.ASCII)
_DAY_MINUTES = 24 * 60
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Shift:
    """A span of one weekday.

    Args:
        weekday: 0 is Monday.
        begin: minutes after midnight.
        end: minutes after midnight, at most 1440.
    """

    weekday: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """The shifts of a week; none where the hours are not known."""

    shifts: tuple[Shift, ...] = ()

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is at work at a local time."""
        minute = at.hour * 60 + at.minute
        return any(each.weekday == at.weekday() and each.begin <= minute < each.end for each in self.shifts)

    def next_opening(self, at: datetime) -> datetime | None:
        """The local time at which work begins next; None where the hours are not known, or somebody is at work now."""
        if not self.shifts or self.is_open(at):
            return None
        begins = (
            _moment(at, days, each) for days in range(_WEEK + 1) for each in self.shifts if each.weekday == _weekday(at, days)
        )
        return min((begin for begin in begins if begin > at), default=None)


@dataclass(frozen=True, slots=True)
class OpenDays:
    """Days in a row that have the same hours.

    Args:
        first, last: weekdays, 0 is Monday.
        times: begin and end of each shift, in minutes after midnight.
    """

    first: int
    last: int
    times: tuple[tuple[int, int], ...]


def spans(hours: OfficeHours) -> list[OpenDays]:
    """The week in as few lines as it takes to say it, from Monday on."""
    found: list[OpenDays] = []
    for day in range(_WEEK):
        times = tuple(sorted((each.begin, each.end) for each in hours.shifts if each.weekday == day))
        if found and found[-1].last == day - 1 and found[-1].times == times:
            found[-1] = replace(found[-1], last=day)
        elif times:
            found.append(OpenDays(day, day, times))
    return found


def _weekday(at: datetime, days: int) -> int:
    return (at.weekday() + days) % _WEEK


def _moment(at: datetime, days: int, shift: Shift) -> datetime:
    day: date = at.date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, shift.begin // 60, shift.begin % 60, tzinfo=at.tzinfo)


def parse_office_hours(written: str) -> OfficeHours | None:
    """The hours of a text such as `lun-vie 9:00-18:00, sáb 9:00-13:00`; None where it is not understood."""
    parts = [part for each in re.split("[,;\n]", written) if (part := fold_text(each).strip())]
    shifts: list[Shift] = []
    for part in parts:
        found = _shifts(part)
        if not found:
            return None
        shifts += found
    return OfficeHours(tuple(shifts))


def _shifts(part: str) -> list[Shift]:
    matched = _PART.fullmatch(part)
    if matched is None:
        return []
    first, last = _DAYS.get(matched[1][:3]), _DAYS.get((matched[2] or matched[1])[:3])
    begin, end = _minutes(matched[3], matched[4]), _minutes(matched[5], matched[6])
    if first is None or last is None or not 0 <= begin < end <= _DAY_MINUTES:
        return []
    return [Shift((first + day) % _WEEK, begin, end) for day in range((last - first) % _WEEK + 1)]


def _minutes(hours: str, minutes: str | None) -> int:
    return int(hours) * 60 + int(minutes or 0)
