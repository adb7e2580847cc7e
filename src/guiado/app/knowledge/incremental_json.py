"""Incremental decoding of a knowledge-base file: entries whose text is unchanged are not decoded again.

Reading 10,000 guides takes seconds, and holds up every other thread where it is one call into C.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

Signature = tuple[int, int, int]
"""Signature of a file, which changes with each edit: time of change in nanoseconds, size in bytes, inode."""
Source = tuple[int, int]
"""Fingerprint of the text of a member, key and value: its length in characters and its hash, valid in one process."""
UNCHANGED = object()
"""Placeholder for the value of an entry whose text is unchanged."""

_SPACE = frozenset(" \t\n\r")
_skip_space = re.compile(r"[ \t\n\r]*").match


def sign(path: Path) -> Signature | None:
    """The signature of the file as it is now; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def walk(text: str, known: Mapping[str, Source]) -> tuple[dict[str, object], dict[str, Source]] | None:
    """Decode a JSON object of objects, except for unchanged members.

    Args:
        text: the JSON.
        known: key -> fingerprint of its text when it was last decoded.

    Returns:
        key -> value, or `UNCHANGED`, and key -> its fingerprint now. None where there is anything wrong with the text, or a key
        is there twice.
    """
    try:
        return _walk(text, known)
    except (ValueError, IndexError, RecursionError):
        return None


def _walk(text: str, known: Mapping[str, Source]) -> tuple[dict[str, object], dict[str, Source]]:
    values: dict[str, object] = {}
    sources: dict[str, Source] = {}
    order = list(known)
    places = {key: place for place, key in enumerate(order)}
    at, sign, place = _after_space(text, 0), "{", 0
    while sign != "}":
        _require(text[at] == sign)
        at += 1
        key = order[place] if place < len(order) else ""
        source = known.get(key)
        if source and _looks_as(text, at, source):  # most members look as they did, in the order in which they stood
            _require(key not in values)
            values[key], sources[key], end = UNCHANGED, source, at + source[0]
        else:
            key, end = _read_member(text, at, values, known)
            sources[key] = known[key] if values[key] is UNCHANGED else (end - at, hash(text[at:end]))
            place = places.get(key, place - 1)
        place += 1
        at = _after_space(text, end)
        sign = "}" if text[at] == "}" else ","
    _require(_after_space(text, at + 1) == len(text))
    return values, sources


def _looks_as(text: str, at: int, source: Source) -> bool:
    """Whether the member that begins here has this fingerprint.

    No object is the beginning of another one, so that the same text at its beginning is the same object.
    """
    return hash(text[at : at + source[0]]) == source[1]


def _read_member(text: str, at: int, values: dict[str, object], known: Mapping[str, Source]) -> tuple[str, int]:
    """Read the member that begins here into `values`, and return its key and its end."""
    begin = _after_space(text, at)
    _require(text[begin] == '"')
    key, end = _decoder.raw_decode(text, begin)
    _require(key not in values)
    source = known.get(key)
    if source and _looks_as(text, at, source):
        values[key] = UNCHANGED
        return key, at + source[0]
    end = _after_space(text, end)
    _require(text[end] == ":")
    value, end = _decoder.raw_decode(text, _after_space(text, end + 1))
    _require(isinstance(value, dict))
    values[key] = value
    return key, end


def _after_space(text: str, at: int) -> int:
    if text[at : at + 1] not in _SPACE:
        return at
    found = _skip_space(text, at)
    return found.end() if found else at


def _require(right: bool) -> None:
    if not right:
        raise ValueError


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    _require(len(found) == len(pairs))
    return found


def _refuse(name: str) -> float:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_no_twins, parse_constant=_refuse)
