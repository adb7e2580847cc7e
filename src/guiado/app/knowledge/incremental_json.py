"""The text of a knowledge-base file, entry by entry: one that looks as it did the last time need not be read again.

Reading 10,000 guides takes seconds, and holds up every other thread where it is one call into C.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

Signature = tuple[int, int, int]
"""Of a file: it changes with each edit."""
Source = tuple[int, int]
"""What an entry looked like: its length in characters, and Python's hash of it, which holds within one process."""
UNCHANGED = object()
"""In place of the value of an entry that looks as it did."""

_skip_space = re.compile(r"[ \t\n\r]*").match


def sign(path: Path) -> Signature | None:
    """The signature of the file as it is now; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def walk(text: str, known: Mapping[str, Source]) -> tuple[dict[str, object], dict[str, Source]] | None:
    """Decode an object of objects.

    Args:
        text: the JSON.
        known: key -> what its value looked like when it was last decoded.

    Returns:
        key -> value, or `UNCHANGED`, and key -> how it looks now. None where there is anything wrong with the text, or a key
        is there twice.
    """
    try:
        return _walk(text, known)
    except (ValueError, IndexError, RecursionError):
        return None


def _walk(text: str, known: Mapping[str, Source]) -> tuple[dict[str, object], dict[str, Source]]:
    values: dict[str, object] = {}
    sources: dict[str, Source] = {}
    at, sign = _after_space(text, 0), "{"
    while sign != "}":
        _require(text[at] == sign)
        key, at = _read_key(text, at + 1)
        _require(key not in values)
        begin = at
        values[key], at = _read_value(text, at, known.get(key))
        sources[key] = known[key] if values[key] is UNCHANGED else (at - begin, hash(text[begin:at]))
        at = _after_space(text, at)
        sign = "}" if text[at] == "}" else ","
    _require(_after_space(text, at + 1) == len(text))
    return values, sources


def _read_key(text: str, at: int) -> tuple[str, int]:
    """The key that begins after this place, and where its value begins."""
    at = _after_space(text, at)
    _require(text[at] == '"')
    key, at = _decoder.raw_decode(text, at)
    at = _after_space(text, at)
    _require(text[at] == ":")
    return key, _after_space(text, at + 1)


def _read_value(text: str, at: int, known: Source | None) -> tuple[object, int]:
    """The value that begins here, and where it ends.

    No object is the beginning of another one, so that the same text at its beginning is the same object.
    """
    if known and hash(text[at : at + known[0]]) == known[1]:
        return UNCHANGED, at + known[0]
    value, end = _decoder.raw_decode(text, at)
    _require(isinstance(value, dict))
    return value, end


def _after_space(text: str, at: int) -> int:
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
