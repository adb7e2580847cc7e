"""Port of the model to the network: the interface of the HTTP client that `wiring` passes in."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

MAX_ANSWER_BYTES = 65_536
"""Length of the longest response body that is accepted."""


class PostResponse(Protocol):
    """The response to a POST request."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, with names in lower case."""
        ...

    @property
    def body(self) -> bytes:
        """The body as it came over the wire, as far as it was read."""
        ...


class Post(Protocol):
    """Function that posts once to an address of the operator; follows no redirect and reads `MAX_ANSWER_BYTES` + 1 at most."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Awaitable[PostResponse]:
        """Send and read within `timeout_s` seconds in all."""
        ...
