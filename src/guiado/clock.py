"""The only source of now, identifiers and randomness.

Everything else takes them as arguments, so that a test decides the time and a replay gives the same result.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
import uuid
from datetime import UTC, datetime

_tick_lock = threading.Lock()
_last_tick = 0


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


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
        _last_tick = max(time.time_ns() // 1_000_000 << 12, _last_tick + 1)
        return _last_tick


def secret() -> str:
    """A new secret in the form of Standard Webhooks: `whsec_` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def token(size_bytes: int = 32) -> str:
    """A random URL-safe text of `size_bytes` bytes of entropy."""
    return secrets.token_urlsafe(size_bytes)
