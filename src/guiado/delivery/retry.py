"""When an attempt that failed is made again: pure, so that a test decides the time.

Source: Standard Webhooks 1.0.0, "Retries": ten attempts over 75 h 35 min.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DELAYS_S = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Between the first attempt and the second, and so on; after the last one it stays as it is."""
JITTER = 0.2
"""Share by which a delay is made longer or shorter, so that receivers that fell together are not asked together."""
PAUSE_AFTER = 5
"""So many failures in a row, and the endpoint is taken to be down: it is only probed."""
PROBE_S = 240.0
"""Between two probes of an endpoint that is down: whoever comes back is found within five minutes."""
GIVE_UP = timedelta(hours=120)
"""An endpoint that answered nothing for so long is disabled; what waits for it is kept."""
NOTIFICATION_DELAYS_S = (10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0)
"""Between the attempts to reach a person: after some seventeen hours the message is no news any more."""
_LONGEST_WISH_S = 86_400.0


def delay_s(attempts: int, chance: float) -> float:
    """How long to wait after so many attempts, in seconds.

    Args:
        attempts: made so far, 1 at least.
        chance: a random number, 0..1.
    """
    return _jittered(DELAYS_S[min(attempts, len(DELAYS_S)) - 1], chance)


def notification_delay_s(attempts: int, chance: float) -> float | None:
    """The same for a message to a person; None when it is given up."""
    return _jittered(NOTIFICATION_DELAYS_S[attempts - 1], chance) if attempts <= len(NOTIFICATION_DELAYS_S) else None


def _jittered(base_s: float, chance: float) -> float:
    return base_s * (1 - JITTER + 2 * JITTER * chance)


def horizon_s(attempts: int) -> float:
    """After how many seconds so many attempts are over at the latest."""
    last = len(DELAYS_S)
    whole = sum(DELAYS_S[: attempts - 1]) + max(0, attempts - 1 - last) * DELAYS_S[-1]
    return whole * (1 + JITTER)


def read_retry_after_s(value: str | None, now: datetime) -> float | None:
    """What the header `Retry-After` asks for, in seconds, a day at most; None where it says nothing.

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
