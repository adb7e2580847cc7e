"""Entries that an exporter writes, and the fields for which its format has no place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from guiado.app.knowledge.entries import Entry
from guiado.text.json_shapes import is_mapping, items_in

Entries = Iterable[tuple[str, Entry]]
_DERIVED = {"step_number", "step_id"}
"""Fields of a step that publication finds again by its place and its words."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exporter of one format.

    Args:
        name: as the importer of the format is named.
        endings: of its files, the usual one first; "" for a folder.
        write: writes the entries to a path that does not exist yet; returns the names of the fields that had no place.
    """

    name: str
    endings: tuple[str, ...]
    write: Callable[[Entries, Path], set[str]]


def left_out(entry: Entry, held: AbstractSet[str], held_of_step: AbstractSet[str]) -> Iterator[str]:
    """Names of an entry's fields that a format does not hold.

    Args:
        held: fields of the entry that it holds.
        held_of_step: fields of a step that it holds.
    """
    yield from (key for key in entry if key not in held and key != "steps")
    for step in filter(is_mapping, items_in(entry.get("steps"))):
        yield from (f"steps.{key}" for key in step if key not in held_of_step and key not in _DERIVED)
