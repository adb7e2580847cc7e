"""YAML text as values that know their line; nothing of it is run, and what repeats by reference is not copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from guiado.app.knowledge.importers.imported import SourceUnreadable
from guiado.errors import Message

_MOST_MB = 20


class _Mark(Protocol):
    line: int


class _Node(Protocol):
    """A node of ruamel.yaml, which has no types of its own; `id` is scalar, sequence or mapping."""

    id: str
    start_mark: _Mark
    value: object


class _Composer(Protocol):
    def compose(self, stream: str) -> _Node | None: ...


@dataclass(frozen=True, slots=True)
class Located:
    """A value of a YAML text; one that is missing is empty.

    Args:
        node: of the text, None where the value is missing.
    """

    node: _Node | None = None

    @property
    def line(self) -> int:
        """Its line, from 1; 0 where it is missing."""
        return self.node.start_mark.line + 1 if self.node is not None else 0

    def text(self) -> str:
        """Its text, as written; "" where it is none."""
        return str(self.node.value) if self.node is not None and self.node.id == "scalar" else ""

    def items(self) -> list[Located]:
        """The items of a list; none where it is something else."""
        if self.node is None or self.node.id != "sequence":
            return []
        return [Located(each) for each in cast("list[_Node]", self.node.value)]

    def pairs(self) -> Iterator[tuple[str, Located]]:
        """The keys and values of an object; none where it is something else."""
        if self.node is None or self.node.id != "mapping":
            return
        for key, value in cast("list[tuple[_Node, _Node]]", self.node.value):
            yield Located(key).text(), Located(value)

    def get(self, name: str) -> Located:
        """The value of a key."""
        return next((value for key, value in self.pairs() if key == name), Located())

    def has(self, name: str) -> bool:
        """Whether an object has this key."""
        return self.get(name).node is not None


def load_yaml(text: str, place: str) -> Located:
    """The value of a YAML text.

    Args:
        place: of the text, for errors.

    Raises:
        SourceUnreadable: it is no YAML, or too large.
    """
    if len(text) > _MOST_MB * 1024 * 1024:
        raise SourceUnreadable(place, Message("Pasa de {limit} MB. Pártelo en varios archivos.", {"limit": _MOST_MB}))
    composer = cast("_Composer", YAML(typ="safe", pure=True))
    try:
        return Located(composer.compose(text))
    except (YAMLError, RecursionError, ValueError) as error:
        mark: _Mark | None = getattr(error, "problem_mark", None)
        at = f"{place}:{mark.line + 1}" if mark else place
    raise SourceUnreadable(at, Message("El YAML está mal escrito aquí. Revisa la sangría, los dos puntos y las comillas."))
