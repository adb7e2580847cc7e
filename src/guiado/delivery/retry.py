"""Retry schedule of deliveries and notifications: pure, so that a test decides the time.

Source: Standard Webhooks 1.0.0, "Retries": ten attempts over 75 h 35 min.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DELAYS_S = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Delays between attempts at an endpoint, in seconds; the last one repeats."""
JITTER = 0.2
"""Share by which a delay is lengthened or shortened, so that receivers that failed together are not asked together."""
PAUSE_AFTER = 5
"""Failures in a row after which an endpoint counts as down, and is only probed."""
PROBE_S = 240.0
"""Interval between probes of an endpoint that is down, in seconds: its return is noticed within five minutes."""
GIVE_UP = timedelta(hours=120)
"""Duration of failures after which an endpoint is disabled; its waiting deliveries are kept."""
NOTIFICATION_DELAYS_S = (10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0)
"""Delays between attempts at a notification, in seconds: after some seventeen hours it is no longer news."""
_LONGEST_WISH_S = 86_400.0


def delay_s(attempts: int, chance: float) -> float:
    """Return the delay before the next attempt at an endpoint, in seconds.

    Args:
        attempts: made so far, 1 at least.
        chance: a random number, 0..1.
    """
    return _jittered(DELAYS_S[min(attempts, len(DELAYS_S)) - 1], chance)


def notification_delay_s(attempts: int, chance: float) -> float | None:
    """Return the delay before the next attempt at a notification, in seconds; None when it is given up."""
    return _jittered(NOTIFICATION_DELAYS_S[attempts - 1], chance) if attempts <= len(NOTIFICATION_DELAYS_S) else None


def _jittered(base_s: float, chance: float) -> float:
    return base_s * (1 - JITTER + 2 * JITTER * chance)


def horizon_s(attempts: int) -> float:
    """Return the seconds within which so many attempts at an endpoint are over."""
    last = len(DELAYS_S)
    whole = sum(DELAYS_S[: attempts - 1]) + max(0, attempts - 1 - last) * DELAYS_S[-1]
    return whole * (1 + JITTER)


def read_retry_after_s(value: str | None, now: datetime) -> float | None:
    """Parse the header `Retry-After`, in seconds, a day at most; None where it is missing or unreadable.

    Args:
        value: seconds, or a date of HTTP.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), int(_LONGEST_WISH_S)))
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max(0.0, (moment - now).total_seconds()), _LONGEST_WISH_S)
    except (ValueError, OverflowError):
        return None
