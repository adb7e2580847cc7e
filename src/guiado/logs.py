"""Log lines: structured, through the standard library, so that a host program decides what becomes of them.

A line reads `event key=value …` under any handler; the server's own handler writes the same as JSON. Personal data stays out.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_ROOT = "guiado"
_bound: ContextVar[dict[str, object]] = ContextVar("guiado_log_fields")


class Logger:
    """The logger of the package. Its lines say what happened, and by name what else is known about it."""

    def debug(self, event: str, /, **fields: object) -> None:
        """Log what only helps to find a fault."""
        _write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log what happens every day."""
        _write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Log what an operator should look at some time."""
        _write(logging.WARNING, event, fields)

    def error(self, event: str, /, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """Log a fault, with its exception where that says more."""
        _write(logging.ERROR, event, fields, exc_info)

    def exception(self, event: str, /, **fields: object) -> None:
        """Log a fault with the exception that is being handled."""
        _write(logging.ERROR, event, fields, sys.exc_info()[1])


def get_logger() -> Logger:
    """The logger of the package."""
    return Logger()


def report(event: str, /, **fields: object) -> None:
    """Log at INFO what happens with every request.

    Args:
        event: what happened.
        fields: more about it.
    """
    _write(logging.INFO, event, fields)


@contextmanager
def bound(**fields: object) -> Generator[None]:
    """Add fields to every line that is logged inside, by this task and those that it starts."""
    token = _bound.set({**_bound.get({}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def _write(level: int, event: str, fields: dict[str, object], error: BaseException | None = None) -> None:
    # Past the logger's own methods: they look for who called, which takes as long as all else, and which no line says.
    logger = logging.getLogger(_ROOT)
    if logger.isEnabledFor(level):
        line = _Line({**_bound.get({}), **fields, "event": event})
        trace = None if error is None else (type(error), error, error.__traceback__)
        logger.handle(logging.LogRecord(_ROOT, level, "", 0, line, (), trace))


def configure(level: str, *, as_json: bool) -> None:
    """Write the package's log lines to standard error.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        as_json: one JSON object a line, for machines; else text, for people.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logger = logging.getLogger(_ROOT)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


class _Line(dict[str, object]):
    """What happened, by name; becomes text only where a handler asks for it."""

    def __str__(self) -> str:
        return " ".join([str(self["event"]), *(f"{key}={value}" for key, value in self.items() if key != "event")])


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = record.msg if isinstance(record.msg, _Line) else {"event": record.getMessage()}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "event": "", **fields}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
