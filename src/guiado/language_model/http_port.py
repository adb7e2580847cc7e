"""What the model needs of the network; who composes the process gives it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

MAX_ANSWER_BYTES = 65_536
"""The longest answer that is taken."""


class PostResponse(Protocol):
    """What came back from an address."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    @property
    def body(self) -> bytes:
        """What was read of it, as it came over the wire."""
        ...


class Post(Protocol):
    """Sends one request to an address that the operator chose; follows no redirect and reads `MAX_ANSWER_BYTES` + 1 at most."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Awaitable[PostResponse]:
        """Send and read within `timeout_s` seconds in all."""
        ...
