"""Log lines where nothing can be written: what they tell of goes on."""

from __future__ import annotations

import errno
import io
import logging
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest

from guiado import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    logger = logging.getLogger("guiado")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before[0], before[1], before[2]


def closed() -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


class Full(io.StringIO):
    def write(self, _s: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stream", [closed, Full], ids=["closed", "full"])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_line_that_cannot_be_written_is_let_go(
    monkeypatch: pytest.MonkeyPatch, stream: Callable[[], TextIO], *, as_json: bool
) -> None:
    monkeypatch.setattr("sys.stderr", stream())
    logs.configure("INFO", as_json=as_json)
    logs.get_logger().warning("guides_refused", count=1)


def test_a_field_that_has_no_text_is_still_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        def __str__(self) -> str:
            raise LookupError

    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    logs.configure("INFO", as_json=False)
    logs.get_logger().warning("odd", field=Odd())
    assert "LookupError" in said.getvalue()
