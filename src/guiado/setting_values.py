"""Checks of the values of settings; each returns the value as it is used, or raises pydantic's error with a name of ours.

`settings.py` says the errors in words.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic_core import PydanticCustomError

from guiado.domain.office_hours import parse_office_hours

_ROOT_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_LONGEST_ROOT_PATH = 200


def is_root_path(path: str) -> bool:
    """Whether a text can be a path prefix: "/soporte", "/a/b"; no empty part, nothing encoded, no slash at the end."""
    return len(path) <= _LONGEST_ROOT_PATH and _ROOT_PATH.fullmatch(path) is not None


def root_path(value: str) -> str:
    """Check a path prefix; a slash at its end is left out."""
    path = value.rstrip("/")
    if path and not is_root_path(path):
        raise PydanticCustomError("root_path", "no path prefix")
    return path


def public_url(value: str) -> str:
    """Check a base address; a slash at its end is left out."""
    url = value.rstrip("/")
    try:
        parts = urlsplit(url)
        is_base = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_base, parts = False, urlsplit("")
    is_odd = "@" in parts.netloc or re.search(r"[\s?#\\]", url) is not None or bool(parts.path and not is_root_path(parts.path))
    if url and (is_odd or not is_base):
        raise PydanticCustomError("public_url", "no base address")
    return url


def color(value: str) -> str:
    """Check a colour, as #1a5fb4."""
    if value and not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise PydanticCustomError("color", "no colour")
    return value.lower()


def office_hours(value: str) -> str:
    """Check office hours, as lun-vie 9:00-18:00."""
    if parse_office_hours(value) is None:
        raise PydanticCustomError("hours", "no office hours")
    return value


def time_zone(value: str) -> str:
    """Check the name of a time zone, as America/Bogota."""
    try:
        ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise PydanticCustomError("time_zone", "no time zone") from None
    return value
