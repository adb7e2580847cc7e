"""Lines of a JSON file at which the values of JSON paths stand."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable

from guiado.app.knowledge.shared_parts import USE

_skip_space = re.compile(r"[ \t\n\r]*").match
_decode = json.JSONDecoder().raw_decode
_scalar = re.compile(r"[^\s,\]}]+").match


class JsonLines:
    """The lines of a JSON text, found by path.

    Args:
        text: the file.
    """

    def __init__(self, text: str) -> None:
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        try:
            self._places = _Places(text).found
        except (ValueError, IndexError, RecursionError):
            self._places = {}

    def line_of(self, path: str) -> int | None:
        """Line of the value at a path, from 1, else of what it is in; None where nothing of the path is in the file."""
        while path and path != "$":
            if path in self._places:
                return bisect_right(self._breaks, self._places[path] - 1) + 1
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return None

    def lines_of(self, paths: Iterable[str]) -> dict[str, int | None]:
        """Line of each of these paths."""
        return {path: self.line_of(path) for path in paths}


class _Places:
    """Scan of a JSON text: path of each value -> where it begins, of a member of an object where its key does."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.found = dict[str, int]()
        self._value("$", self._after_space(0))

    def _value(self, path: str, at: int) -> int:
        sign = self._text[at]
        if sign == "{":
            return self._object(path, at)
        if sign == "[":
            return self._list(path, at)
        if sign == '"':
            return _decode(self._text, at)[1]
        found = _scalar(self._text, at)
        if found is None:
            raise ValueError(at)
        return found.end()

    def _object(self, path: str, at: int) -> int:
        at = self._after_space(at + 1)
        while self._text[at] != "}":
            begin = at
            key, at = _decode(self._text, at)
            inner = f"{path}.{key}"
            self.found.setdefault(inner, begin)
            at = self._value(inner, self._after_space(self._after_space(at) + 1))
            at = self._next(at)
        return at + 1

    def _list(self, path: str, at: int) -> int:
        at, place = self._after_space(at + 1), 0
        while self._text[at] != "]":
            inner = f"{path}[{place}]"
            self.found[inner] = at
            at = self._next(self._value(inner, at))
            place += 1
        if any(f"{path}[{number}].{USE}" in self.found for number in range(place)):
            # A shared group stands for several steps: from here on the places of the file are not those of the guide.
            self._forget(path)
        return at + 1

    def _forget(self, path: str) -> None:
        for each in [each for each in self.found if each.startswith(f"{path}[")]:
            del self.found[each]

    def _next(self, at: int) -> int:
        at = self._after_space(at)
        return self._after_space(at + 1) if self._text[at] == "," else at

    def _after_space(self, at: int) -> int:
        found = _skip_space(self._text, at)
        return found.end() if found else at
