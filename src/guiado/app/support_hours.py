"""Office hours in words, as pages and guides say them."""

from __future__ import annotations

from functools import lru_cache

from guiado.domain.office_hours import OfficeHours, OpenDays, parse_office_hours, spans
from guiado.i18n import short_weekday


@lru_cache
def hours_in_words(written: str, language: str) -> str:
    """Office hours in a language: lun–vie 9:00–18:00, sáb 9:00–13:00.

    Args:
        written: as the setting has them; empty where there are none.
        language: es, en or pt.
    """
    return ", ".join(f"{_days(each, language)} {_times(each)}" for each in spans(parse_office_hours(written) or OfficeHours()))


def _days(span: OpenDays, language: str) -> str:
    first, last = short_weekday(span.first, language), short_weekday(span.last, language)
    return first if first == last else f"{first}–{last}"


def _times(span: OpenDays) -> str:
    return " · ".join(f"{_minute(begin)}–{_minute(end)}" for begin, end in span.times)


def _minute(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
