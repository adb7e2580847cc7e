"""Plain values of a YAML text: no tags, no objects, no dates, and aliases only as long as what they stand for stays small.

Values are built from the parser's events, so that each has its line and nothing but text, numbers, true, false, null, lists and
mappings can come of them, in whatever way the text asks for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from guiado.app.knowledge.importers.imported import SourceUnreadable
from guiado.errors import Message, printable

_DEEPEST = 32
_MOST_FROM_ALIASES = 100_000
"""Values that all aliases of a text stand for together: a bomb of a few lines stands for billions."""
_INTEGER, _NUMBER = (
    re.compile(r"[-+]?(?:0|[1-9]\d{0,17})"),
    re.compile(r"[-+]?(?:\d{1,18}\.\d{0,18}|\.\d{1,18})(?:[eE][-+]?\d{1,2})?"),
)
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class _Mark(Protocol):
    line: int


class _Event(Protocol):
    """An event of a YAML parser, as far as it is read here."""

    start_mark: _Mark
    anchor: str | None
    tag: object
    value: str
    implicit: object


_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def front_matter_events(text: str) -> Iterator[_Event]:
    """The events of a front matter, as fast as its kept library reads it: a folder has thousands of them."""
    return yaml.parse(text, Loader=_FAST)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class YamlReader:
    """Reader of one YAML text.

    Args:
        text: of one document.
        place: name of the file.
        line: of the text's first line in the file, from 1.
        events: of the text; by default those of YAML 1.2.
    """

    def __init__(self, text: str, place: str, line: int = 1, events: Iterator[_Event] | None = None) -> None:
        self._place, self._first = place, line
        self._events = events if events is not None else _events(text)
        self._next: _Event | None = None
        self._anchors: dict[str, tuple[object, int]] = {}
        self._from_aliases = 0
        self._made = 0

    def entries(self) -> Iterator[tuple[str, object, int]]:
        """Key, value and line of each entry of the mapping that the text is; one after another, so that only one is held.

        Raises:
            SourceUnreadable: the text is no YAML, is no mapping, or asks for what is refused.
        """
        event = self._begin()
        if event is None:
            return
        if not _is(event, "MappingStart"):
            raise self._refuse(event, Message("Debe ser un objeto: identificador del problema → datos."))
        while not _is(event := self._take(), "MappingEnd"):
            key, line = self._key(event), self._line(event)
            yield key, self._value(self._take(), 1), line
        self._end()

    def value(self) -> object:
        """The value of the whole text; None for an empty one.

        Raises:
            SourceUnreadable: as `entries`.
        """
        event = self._begin()
        if event is None:
            return None
        found = self._value(event, 0)
        self._end()
        return found

    def _begin(self) -> _Event | None:
        self._take()
        return None if _is(self._take(), "StreamEnd") else self._take()

    def _end(self) -> None:
        self._take()
        if not _is(event := self._take(), "StreamEnd"):
            raise self._refuse(event, Message("Hay más de un documento (---). Deja uno por archivo."))

    def _take(self) -> _Event:
        try:
            return next(self._events)
        except (YAMLError, yaml.YAMLError, ValueError, RecursionError, StopIteration) as error:
            mark: _Mark | None = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            if mark is None:
                why = Message("El YAML no se puede leer. Revisa que no lleve caracteres de control.")
                raise SourceUnreadable(self._place, why) from None
            why = Message("El YAML está mal escrito aquí. Revisa la sangría, los dos puntos y las comillas.")
            raise SourceUnreadable(f"{self._place}:{self._first + mark.line}", why) from None

    def _line(self, event: _Event) -> int:
        return self._first + event.start_mark.line

    def _refuse(self, event: _Event, why: Message) -> SourceUnreadable:
        return SourceUnreadable(f"{self._place}:{self._line(event)}", why)

    def _key(self, event: _Event) -> str:
        if not _is(event, "Scalar"):
            raise self._refuse(event, Message("El nombre de un campo debe ser un texto."))
        self._refuse_tag(event)
        if event.value == "<<" and event.implicit == (True, False):
            raise self._refuse(event, Message("No se admite <<. Escribe los campos que faltan."))
        return event.value

    def _value(self, event: _Event, depth: int) -> object:
        if depth > _DEEPEST:
            raise self._refuse(event, Message("Hay demasiados niveles anidados. Simplifícalo."))
        if _is(event, "Alias"):
            return self._alias(event)
        self._refuse_tag(event)
        before, anchor = self._made, event.anchor
        self._made += 1
        if _is(event, "Scalar"):
            found: object = _plain(event.value) if event.implicit == (True, False) else event.value
        elif _is(event, "SequenceStart"):
            found = list[object]()
            while not _is(event := self._take(), "SequenceEnd"):
                found.append(self._value(event, depth + 1))
        else:
            found = self._mapping(depth)
        if anchor is not None:
            self._anchors[anchor] = (found, self._made - before)
        return found

    def _mapping(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while not _is(event := self._take(), "MappingEnd"):
            key = self._key(event)
            if key in found:
                raise self._refuse(event, Message("{key} está repetido. Deja solo uno.", {"key": printable(key)}))
            found[key] = self._value(self._take(), depth + 1)
        return found

    def _alias(self, event: _Event) -> object:
        if event.anchor not in self._anchors:
            raise self._refuse(event, Message("*{name} no está definido antes.", {"name": printable(event.anchor)}))
        found, size = self._anchors[event.anchor]
        self._from_aliases += size
        self._made += size
        if self._from_aliases > _MOST_FROM_ALIASES:
            raise self._refuse(event, Message("Sus alias (*) se repiten demasiado. Escribe los textos completos."))
        return found

    def _refuse_tag(self, event: _Event) -> None:
        if event.tag is not None:
            why = Message("No se admiten etiquetas de YAML ({tag}). Bórrala.", {"tag": printable(event.tag)})
            raise self._refuse(event, why)


def _events(text: str) -> Iterator[_Event]:
    found: Iterator[_Event] = YAML(typ="safe", pure=True).parse(text)  # pyright: ignore[reportUnknownMemberType]
    return found


def _is(event: _Event, kind: str) -> bool:
    return type(event).__name__ == f"{kind}Event"


def _plain(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
