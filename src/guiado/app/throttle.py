"""Rate limit of costly work: it runs at once when it is rarely asked for, and seldom when it is asked for all the time."""

from __future__ import annotations

from guiado import clock

BURST = 5
EVERY_S = 60.0


class Pace:
    """A token bucket.

    Args:
        burst: most times in direct succession.
        every_s: seconds after which one more is allowed.
    """

    def __init__(self, burst: int = BURST, every_s: float = EVERY_S) -> None:
        self._burst, self._every_s = burst, every_s
        self._left = float(burst)
        self._looked_at_s = clock.monotonic_s()

    def take(self) -> bool:
        """Take a token, and return whether there was one."""
        now_s = clock.monotonic_s()
        self._left = min(self._burst, self._left + (now_s - self._looked_at_s) / self._every_s)
        self._looked_at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
