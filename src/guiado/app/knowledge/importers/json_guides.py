"""Importer of JSON: a knowledge-base file of another installation, or a list of entries with their `problem_id`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from guiado.app.json_values import json_problem
from guiado.app.knowledge.importers.entries import entry_of, looks_inside
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable
from guiado.app.knowledge.importers.source_files import SourceText, read_text
from guiado.errors import Message, printable
from guiado.text.json_shapes import is_object

NAME = "json"
ENDINGS = (".json",)
_OURS = re.compile(rb'"(?:problem_title|\$steps|\$variables)"\s*:')
_SPACE = re.compile(r"[ \t\n]*")


def looks_like(source: Path) -> bool:
    """Whether some entry at its beginning has a `problem_title`."""
    return looks_inside(source, _OURS)


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """The entries, decoded one after another: only one is held beside the text."""
    file = read_text(source)
    doubts = file.doubts
    for key, value, line in _Reader(file).entries():
        yield entry_of(key, value, file.at(line), doubts)
        doubts = ()


class _Reader:
    """Reader of the outermost object or list of a JSON text, part by part."""

    def __init__(self, file: SourceText) -> None:
        self._file, self._text, self._at = file, file.text, 0
        self._line, self._counted = 1, 0
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._refuse_constant)

    def entries(self) -> Iterator[tuple[str, object, int]]:
        """Key, value and line of each entry; of a list, the key is the entry's own id."""
        opening = self._take("{[")
        closing, is_list = {"{": "}", "[": "]"}[opening], opening == "["
        if self._peek() == closing:
            self._at += 1
        else:
            mark = ","
            while mark == ",":
                self._skip()
                line = self._line_here()
                key = "" if is_list else self._key()
                value = self._value()
                yield *_with_id(key, value), line
                mark = self._take(f",{closing}")
        self._skip()
        if self._at < len(self._text):
            raise self._broken(json.JSONDecodeError("Extra data", self._text, self._at))

    def _key(self) -> str:
        key = self._value()
        if not isinstance(key, str):
            raise self._broken(json.JSONDecodeError("Expecting property name", self._text, self._at))
        self._take(":")
        return key

    def _value(self) -> object:
        self._skip()
        try:
            found, self._at = self._decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            raise self._broken(error) from None
        return found

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _take(self, allowed: str) -> str:
        found = self._peek()
        if not found or found not in allowed:
            said = "Expecting ':'" if allowed == ":" else "Expecting ','" if "," in allowed else "Expecting value"
            raise self._broken(json.JSONDecodeError(said, self._text, self._at))
        self._at += 1
        return found

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _broken(self, error: ValueError | RecursionError) -> SourceUnreadable:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else self._line_here()
        return SourceUnreadable(self._file.at(line), json_problem(error).message)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twin = next(name for name in names if names.count(name) > 1)
            why = Message("{key} está repetido. Deja solo uno.", {"key": printable(twin)})
            raise SourceUnreadable(self._file.at(self._line_here()), why)
        return found

    def _refuse_constant(self, name: str) -> float:
        why = Message("{name} no es JSON. Escribe un número o null.", {"name": name})
        raise SourceUnreadable(self._file.at(self._line_here()), why)


def _with_id(key: str, value: object) -> tuple[str, object]:
    """Key and entry; an entry of a list names its own id."""
    if key or not is_object(value):
        return key, value
    own = value.get("problem_id") or value.get("id")
    entry = {name: each for name, each in value.items() if name not in ("problem_id", "id")}
    return (own if isinstance(own, str) else ""), entry
