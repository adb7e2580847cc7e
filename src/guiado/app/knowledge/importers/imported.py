"""Results of an importer: an entry that was recognised, or a part of the source that gives none, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from guiado.errors import FieldProblem, GuiadoError, Message


@dataclass(frozen=True, slots=True)
class Imported:
    """An entry that an importer recognised; the knowledge base has still to check it.

    Args:
        problem_id: its key.
        entry: as in a knowledge-base file.
        place: where it stands in the source: "preguntas.csv:12", "articulos/wifi.html".
        doubts: what was dropped or changed on the way; `field` is its place.
    """

    problem_id: str
    entry: dict[str, object]
    place: str
    doubts: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A part of the source that gives no entry, with its place and the remedy."""

    problem: FieldProblem


class SourceUnreadable(GuiadoError):
    """The source cannot be read at all, or would be too large to.

    Args:
        place: file, or file and line.
        why: what is wrong, and the remedy.
    """

    code = "source_unreadable"

    def __init__(self, place: str, why: Message) -> None:
        self.problems = [FieldProblem(place, why)]
        super().__init__("{place}: {why}", place=place, why=why)


@runtime_checkable
class Importer(Protocol):
    """Importer of one format: a module of this package with these four names.

    `NAME` is what `--format` takes, `ENDINGS` are those of its files in lower case, "" for a folder. `looks_like` is cheap, and
    `read` raises SourceUnreadable where nothing of the source can be read.
    """

    NAME: str
    ENDINGS: tuple[str, ...]

    def looks_like(self, source: Path) -> bool:
        """Whether the source seems to have this format."""
        ...

    def read(self, source: Path) -> Iterator[Imported | NotUnderstood]:
        """Its entries, and what gives none, in the source's order."""
        ...


def doubt(place: str, template: str, /, **params: object) -> FieldProblem:
    """A problem at this place; the template is a `Message`'s."""
    return FieldProblem(place, Message(template, params))
