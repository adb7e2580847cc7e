"""Rate limit and circuit breaker of the model: a limit of calls at once and a minute, and a pause after repeated failures."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from guiado import clock

_AT_ONCE = 8
_FAILURES_IN_A_ROW = 3
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 300.0
_MINUTE_S = 60.0


class Limits:
    """The limits of one process on calls to the model.

    Args:
        calls_per_minute: how many calls may begin within any 60 seconds.
    """

    def __init__(self, calls_per_minute: int) -> None:
        self._calls_per_minute = calls_per_minute
        self._begun_s: deque[float] = deque()
        self._open = 0
        self._failures = 0
        self._pause_s = _FIRST_PAUSE_S
        self._closed_until_s = 0.0

    def refusal(self) -> str | None:
        """The reason why no call may begin now, in one word; None when one may."""
        now_s = clock.monotonic_s()
        while self._begun_s and self._begun_s[0] <= now_s - _MINUTE_S:
            self._begun_s.popleft()
        if now_s < self._closed_until_s:
            return "resting"
        # After a pause one call tries whether the model answers again; the others do not wait for it.
        if self._open >= (1 if self._failures >= _FAILURES_IN_A_ROW else _AT_ONCE):
            return "busy"
        return "spent" if len(self._begun_s) >= self._calls_per_minute else None

    @contextmanager
    def call(self) -> Generator[None]:
        """Count one call from its beginning to its end."""
        self._begun_s.append(clock.monotonic_s())
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def note_success(self) -> None:
        """Record an answer, which ends the count of failures."""
        self._failures, self._pause_s = 0, _FIRST_PAUSE_S

    def note_failure(self) -> None:
        """Record a call without an answer; several in a row begin a pause, longer each time."""
        self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW and clock.monotonic_s() >= self._closed_until_s:
            self._closed_until_s = clock.monotonic_s() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
