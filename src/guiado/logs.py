"""Log lines: structured, through the standard library, so that a host program decides what becomes of them.

A line reads `event key=value …` under any handler; the server's own handler writes the same as JSON. Personal data stays out.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import structlog

_ROOT = "guiado"


def get_logger() -> structlog.stdlib.BoundLogger:
    """The logger of the package, whatever structlog is configured to do elsewhere in the process."""
    return cast(
        "structlog.stdlib.BoundLogger",
        structlog.wrap_logger(
            logging.getLogger(_ROOT),
            processors=[structlog.stdlib.filter_by_level, structlog.contextvars.merge_contextvars, _render],
            wrapper_class=structlog.stdlib.BoundLogger,
        ),
    )


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


def _render(_logger: object, _method: str, line: structlog.typing.EventDict) -> tuple[tuple[str], dict[str, Any]]:
    event, error = str(line.pop("event")), line.pop("exc_info", None)
    text = " ".join([event, *(f"{key}={value}" for key, value in line.items())])
    return (text,), {"extra": {"guiado_fields": {"event": event, **line}}, "exc_info": error}


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, object] = getattr(record, "guiado_fields", {"event": record.getMessage()})
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), **fields}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
