"""Demand of a support desk: how many sessions begin on a day, at which hour, and about which problem.

Working days, mornings and the months after holidays are busy; holidays and weekends are quiet. A few problems make most of the
sessions, and which ones they are drifts over the months.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
_WEEKDAYS = (1.25, 1.15, 1.1, 1.05, 1.0, 0.42, 0.3)
"""Monday to Sunday."""
_MONTHS = (1.15, 1.02, 1.05, 0.95, 0.98, 0.95, 0.86, 0.8, 1.1, 1.05, 1.15, 0.95)
"""January to December: people come back from holidays in January and September, and buy in November."""
_HOLIDAYS = frozenset(((1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 8), (12, 24), (12, 25), (12, 31)))
"""Month and day of holidays that most of the countries share."""
_HOLIDAY = 0.35
_GROWTH = 0.25
"""Growth of the desk from the first day to the last."""
_DAILY_NOISE = 0.12
_WORKING_HOURS = (
    0.15, 0.08, 0.05, 0.04, 0.05, 0.12, 0.35, 0.9, 1.9, 2.6, 2.8, 2.5, 1.9, 1.5, 1.9, 2.2, 2.3, 2.0, 1.5, 1.2, 1.0, 0.8, 0.5, 0.3,
)  # fmt: skip
_FREE_HOURS = (
    0.3, 0.2, 0.1, 0.08, 0.08, 0.1, 0.2, 0.4, 0.8, 1.3, 1.7, 1.8, 1.6, 1.3, 1.2, 1.3, 1.5, 1.6, 1.6, 1.5, 1.4, 1.2, 0.9, 0.5,
)  # fmt: skip
"""Weight of each hour of the day where the customer is."""
_SATURDAY = 5
_TAIL, _FLOOR, _SWING, _URGENT = 0.85, 0.1, 0.7, 0.35


def sessions_per_day(days: list[date], total: int, last: float, random: np.random.Generator) -> list[int]:
    """Split a number of sessions over days.

    Args:
        days: in order, one after the other.
        last: how much of the last day is over, 0..1.
    """
    noise = random.lognormal(0.0, _DAILY_NOISE, len(days))
    shares = np.array([_weight(day, place / len(days)) for place, day in enumerate(days)]) * noise
    shares[-1] *= last
    return [int(count) for count in random.multinomial(total, shares / shares.sum())]


def is_holiday(day: date) -> bool:
    """Whether most customers have the day off: a fixed holiday, or Maundy Thursday and Good Friday."""
    easter = _easter(day.year)
    return (day.month, day.day) in _HOLIDAYS or day in {easter - timedelta(days=3), easter - timedelta(days=2)}


def local_seconds(day: date, count: int, random: np.random.Generator) -> Weights:
    """Moments at which sessions begin, in seconds of the customer's own day, in order."""
    free = day.weekday() >= _SATURDAY or is_holiday(day)
    weights = np.array(_FREE_HOURS if free else _WORKING_HOURS)
    hours = random.choice(24, size=count, p=weights / weights.sum())
    return np.sort((hours + random.random(count)) * 3_600)


def _weight(day: date, progress: float) -> float:
    usual = _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1] * (1 + _GROWTH * progress)
    return usual * (_HOLIDAY if is_holiday(day) else 1)


class ProblemMix:
    """Shares of the problems on each day: a few are frequent, most are rare, and each has its season.

    Args:
        urgent: of each problem, whether it is urgent; those are rarer.
    """

    def __init__(self, urgent: Sequence[bool], random: np.random.Generator) -> None:
        count = len(urgent)
        ranks = random.permutation(count) + 1
        self._usual = np.where(urgent, _URGENT, 1.0) / ranks**_TAIL
        self._floor = _FLOOR / count
        self._phases = random.random(count) * 2 * math.pi
        self._periods = random.uniform(70, 300, count)
        self._trends = random.normal(0, 0.5, count)

    def shares(self, day: int, progress: float) -> Weights:
        """Share of each problem.

        Args:
            day: counted from the first.
            progress: of the whole time, 0..1.
        """
        season = np.exp(_SWING * np.sin(2 * math.pi * day / self._periods + self._phases) + self._trends * (progress - 0.5))
        shares = self._usual * season
        shares = shares / shares.sum() * (1 - _FLOOR) + self._floor
        return shares / shares.sum()


@lru_cache(maxsize=16)
def _easter(year: int) -> date:
    """Easter Sunday.

    Source: Meeus, Astronomical Algorithms (1991), chapter 8.
    """
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)
