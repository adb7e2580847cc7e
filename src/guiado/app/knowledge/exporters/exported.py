"""Entries that an exporter writes, and the fields for which its format has no place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from guiado.app.knowledge.entries import Entry
from guiado.text.json_shapes import is_mapping, items_in, object_in

Entries = Iterable[tuple[str, Entry]]
_DERIVED = {"step_number", "step_id"}
"""Fields of a step that publication finds again by its place and its words."""
_NONE = "none"
_BY_STEP_ID = {"variants", "questions"}


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


def with_texts_to_read(entries: Entries, lost: set[str]) -> Entries:
    """The entries that say something to customers; those of messages that are no problem have no place in an article or table.

    Args:
        lost: receives the name of what was left out.
    """
    for problem_id, entry in entries:
        if entry.get("kind") == _NONE:
            lost.add(f"kind: {_NONE}")
        else:
            yield problem_id, entry


def simplified(entry: Entry) -> Entry:
    """The entry for a format without step ids, kinds and variants; its translations change in the same way.

    Steps name every variant before its texts, as for a customer of unknown device. A guide that goes to a person is an answer.
    There are no questions.
    """
    labels = object_in(entry.get("variants"))
    spoken = {
        language: _named(object_in(texts), {**labels, **object_in(object_in(texts).get("variants"))})
        for language, texts in object_in(entry.get("translations")).items()
    }
    return _named(entry, labels) | ({"translations": spoken} if spoken else {})


def _named(texts: Mapping[str, object], labels: Mapping[str, object]) -> Entry:
    found = {"answer" if key == "tell" else key: value for key, value in texts.items() if key not in _BY_STEP_ID}
    if "steps" in found:
        found["steps"] = [_step_named(object_in(step), labels) for step in items_in(found["steps"])]
    return found


def _step_named(step: Mapping[str, object], labels: Mapping[str, object]) -> Entry:
    found = {key: value for key, value in step.items() if key != "variants"}
    for field in ("instructions", "warnings"):
        told = [
            f"{labels.get(name) or name.capitalize()}: {said}"
            for name, texts in object_in(step.get("variants")).items()
            for said in items_in(object_in(texts).get(field))
        ]
        if told:
            found[field] = [*items_in(step.get(field)), *told]
    return found
