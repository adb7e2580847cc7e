"""The only source of now, identifiers and randomness.

Everything else takes them as arguments, so that a test decides the time and a replay gives the same result.
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds of a clock that never goes back, for durations and deadlines."""
    return time.monotonic()


def new_id() -> uuid.UUID:
    """A UUIDv7: 48 bits of milliseconds, then 74 random bits, so that keys grow with time.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def token(size_bytes: int = 32) -> str:
    """A random URL-safe text of `size_bytes` bytes of entropy."""
    return secrets.token_urlsafe(size_bytes)
