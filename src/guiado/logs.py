"""Log lines: structured, through the standard library, so that a host program decides what becomes of them.

A line reads `event key=value …` under any handler; the server's own handler writes the same as JSON. Personal data stays out.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import structlog

_ROOT = "guiado"
_REPEAT_S = 60.0
_MOST_REPEATS = 200


def get_logger() -> structlog.stdlib.BoundLogger:
    """The logger of the package, whatever structlog is configured to do elsewhere in the process."""
    return cast(
        "structlog.stdlib.BoundLogger",
        structlog.wrap_logger(
            logging.getLogger(_ROOT),
            processors=[structlog.stdlib.filter_by_level, _say_once, structlog.contextvars.merge_contextvars, _render],
            wrapper_class=structlog.stdlib.BoundLogger,
        ).bind(),  # bound once: the proxy would bind for each line
    )


class _Repeats:
    """Lines about the database that were said lately, so that a fault that goes on is no line for each try of each task."""

    def __init__(self) -> None:
        self._said: dict[tuple[object, ...], tuple[float, int]] = {}

    def count(self, line: Mapping[str, object]) -> int | None:
        """How often a line was held back since it was said last; None when it is to be held back too."""
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


def _say_once(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if not str(line.get("error", "")).startswith("DatabaseUnavailable"):
        return line
    held = _repeats.count(line)
    if held is None:
        raise structlog.DropEvent
    return {**line, "repeated": held} if held else line


def report(event: str, **fields: object) -> None:
    """Log at INFO what happens with every request: half as long as through the logger, which looks for who called it.

    Args:
        event: what happened.
        fields: more about it.
    """
    logger = logging.getLogger(_ROOT)
    if logger.isEnabledFor(logging.INFO):
        line = _Line(event=event, **fields, **structlog.contextvars.get_contextvars())
        logger.handle(logging.LogRecord(_ROOT, logging.INFO, "", 0, line, (), None))


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


def _render(_logger: object, _method: str, line: structlog.typing.EventDict) -> tuple[tuple[_Line], dict[str, Any]]:
    error = line.pop("exc_info", None)
    return (_Line(line),), {"exc_info": error}


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = record.msg if isinstance(record.msg, _Line) else {"event": record.getMessage()}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "event": "", **fields}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
