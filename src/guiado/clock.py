"""The only source of the current time, identifiers and random values.

Everything else takes them as arguments, so that a test decides the time and a replay gives the same result.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

_MOST_SKEW = timedelta(seconds=60)
_tick_lock = threading.Lock()
_last_tick = 0
_correction = timedelta()


def now() -> datetime:
    """The current time, aware, in UTC: the database's where this machine's clock is more than a minute off."""
    return machine_now() + _correction


def machine_now() -> datetime:
    """The current time by this machine's own clock, aware, in UTC."""
    return datetime.now(UTC)


def correction_s() -> float:
    """Seconds that `now` adds to this machine's clock."""
    return _correction.total_seconds()


def follow(ahead_s: float) -> None:
    """Correct `now` to the database's clock where this machine's is more than a minute off.

    Several processes write and read the same times: when a delivery is due, since when an endpoint fails, until when a customer
    is left in peace. One that goes by a clock of its own would decide wrongly over what the others wrote.

    Args:
        ahead_s: seconds by which this machine's clock is ahead of the database's.
    """
    global _correction  # noqa: PLW0603 one time per process is the point
    ahead = timedelta(seconds=ahead_s)
    _correction = -ahead if abs(ahead) > _MOST_SKEW else timedelta()


def monotonic_s() -> float:
    """Seconds of a clock that never goes back, for durations and deadlines."""
    return time.monotonic()


def new_id() -> uuid.UUID:
    """A UUIDv7: 48 bits of milliseconds, 12 that count within one, 62 random bits.

    The ids of one process grow strictly, so that what is written together keeps its order, also when the clock is set back.

    Source: RFC 9562, sections 5.7 and 6.2 (method 1).
    """
    tick = _next_tick()
    value = tick >> 12 << 80 | 0x7 << 76 | (tick & 0xFFF) << 64 | 0x2 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def _next_tick() -> int:
    """Milliseconds times 4096, one more than the last time at least."""
    global _last_tick  # noqa: PLW0603 one counter per process is the point
    with _tick_lock:
        now_ms = time.time_ns() // 1_000_000 + _correction // timedelta(milliseconds=1)
        _last_tick = max(now_ms << 12, _last_tick + 1)
        return _last_tick


def secret() -> str:
    """A new secret in the form of Standard Webhooks: `whsec_` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def token(size_bytes: int = 32) -> str:
    """A random URL-safe text of `size_bytes` bytes of entropy."""
    return secrets.token_urlsafe(size_bytes)


def fraction() -> float:
    """A random number from 0 to 1, to spread what would otherwise happen at the same moment."""
    return secrets.randbelow(1_000_001) / 1_000_000


def random_bits(count: int) -> int:
    """A random number of so many bits, for secrets."""
    return secrets.randbits(count)
