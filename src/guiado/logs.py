"""Structured log lines, through the standard library, so that a host program decides where they go.

A line reads `event key=value …` under any handler; the server's own handler writes the same as JSON. Personal data stays out.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from guiado.errors import without_secrets

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_ROOT = "guiado"
_REPEAT_S = 60.0
_MOST_REPEATS = 200
_bound: ContextVar[dict[str, object]] = ContextVar("guiado_log_fields")


class Logger:
    """The logger of the package; each line has an event and named fields."""

    def debug(self, event: str, /, **fields: object) -> None:
        """Log an event that only helps to find a fault."""
        _write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log an everyday event."""
        _write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Log an event that an operator should look at some time."""
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
    """Log an event of a request at INFO.

    Args:
        event: name of the event.
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


class _Repeats:
    """The recent log lines about the database, so that a lasting fault is not logged for each try of each task."""

    def __init__(self) -> None:
        self._said: dict[tuple[object, ...], tuple[float, int]] = {}

    def count(self, line: Mapping[str, object]) -> int | None:
        """How often a line was held back since it was last logged; None when this one is to be held back too."""
        key, now_s = tuple(sorted((name, str(value)) for name, value in line.items())), time.monotonic()
        said_s, held = self._said.get(key, (-_REPEAT_S, 0))
        if now_s - said_s < _REPEAT_S:
            self._said[key] = said_s, held + 1
            return None
        if len(self._said) > _MOST_REPEATS:
            self._said.clear()
        self._said[key] = now_s, 0
        return held


_repeats = _Repeats()


def _held_back(fields: Mapping[str, object], event: str) -> int | None:
    """How often the same complaint about the database was held back; None when this one is to be held back too."""
    if not str(fields.get("error", "")).startswith("DatabaseUnavailable"):
        return 0
    return _repeats.count({**fields, "event": event})


def _write(level: int, event: str, fields: dict[str, object], error: BaseException | None = None) -> None:
    # Past the logger's own methods: they look for who called, which takes as long as all else, and which no line says.
    logger = logging.getLogger(_ROOT)
    if not logger.isEnabledFor(level):
        return
    repeated = _held_back(fields, event)
    if repeated is not None:
        line = _Line({**_bound.get({}), **fields, "event": event, **({"repeated": repeated} if repeated else {})})
        trace = None if error is None else (type(error), error, error.__traceback__)
        logger.handle(logging.LogRecord(_ROOT, level, "", 0, line, (), trace))


def configure(level: str, *, as_json: bool) -> None:
    """Write the package's log lines to standard error.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        as_json: one JSON object a line, for machines; else text, for people.
    """
    handler = _Standard(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Text("%(asctime)s %(levelname)-7s %(message)s"))
    logger = logging.getLogger(_ROOT)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


class _Standard(logging.StreamHandler[TextIO]):
    """Handler whose stream may be closed or full: a line that cannot be written must not stop what it tells of."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 the library's name
        """Let a line go that could not be written: the library would say so on standard error, which is that same stream."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handleError(record)


class _Line(dict[str, object]):
    """The fields of a log line; they become text only where a handler asks for it."""

    def __str__(self) -> str:
        line = " ".join([str(self["event"]), *(f"{key}={value}" for key, value in self.items() if key != "event")])
        return without_secrets(line)


class _Text(logging.Formatter):
    """Formatter for people; exceptions are masked as all else."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 the library's name
        return without_secrets(super().formatException(ei))


class _Json(logging.Formatter):
    """Formatter that writes one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = record.msg if isinstance(record.msg, _Line) else {"event": record.getMessage()}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "event": "", **fields}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_secrets(json.dumps(line, ensure_ascii=False, default=str))
