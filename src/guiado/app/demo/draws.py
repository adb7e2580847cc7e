"""Random draws for one day of synthetic sessions: the same for the same seed and day, fast one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import numpy as np

T = TypeVar("T")
_BLOCK = 1_024


class Draws:
    """Draws from a seeded generator, taken from it in blocks.

    Args:
        seed: numbers that name the draws.
    """

    def __init__(self, *seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._uniform: list[float] = []
        self._normal: list[float] = []
        self._bits: list[int] = []

    def fraction(self) -> float:
        """A number from 0 to under 1."""
        if not self._uniform:
            self._uniform = self.random.random(_BLOCK).tolist()
        return self._uniform.pop()

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.fraction() < probability

    def about(self, median: float, spread: float) -> float:
        """A positive number around a median, as durations are (log-normal).

        Args:
            spread: standard deviation of the logarithm.
        """
        if not self._normal:
            self._normal = self.random.standard_normal(_BLOCK).tolist()
        return median * math.exp(spread * self._normal.pop())

    def one_of(self, choices: Sequence[T]) -> T:
        """One of some choices, each as likely as the others."""
        return choices[int(self.fraction() * len(choices))]

    def below(self, count: int) -> int:
        """A number from 0 to under `count`."""
        return int(self.fraction() * count)

    def new_id(self, at: datetime) -> UUID:
        """A UUIDv7 of a moment, as `clock.new_id` makes those of the present one."""
        if len(self._bits) < 2:  # noqa: PLR2004 a pair
            self._bits = self.random.integers(0, 2**62, _BLOCK).tolist()
        tick = int(at.timestamp() * 1_000)
        return UUID(int=tick << 80 | 0x7 << 76 | (self._bits.pop() & 0xFFF) << 64 | 0x2 << 62 | self._bits.pop())
