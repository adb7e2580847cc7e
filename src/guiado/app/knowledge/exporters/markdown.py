"""Export as Markdown: a folder with a file a guide, its fields in the front matter and its steps under headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from guiado.app.knowledge.entries import Entry
from guiado.app.knowledge.exporters.exported import Entries, left_out, simplified, with_texts_to_read
from guiado.app.knowledge.exporters.structured import dump_yaml
from guiado.app.knowledge.importers.recognise import slug
from guiado.text.json_shapes import is_mapping, items_in

_BODY = {"steps", "answer"}
_UNNAMED = {"kind"}
"""Fields that the importer recognises by the body, and that a front matter does not name."""
_NOT_HELD = frozenset(("variants", "questions"))
_OF_PERSON = frozenset(("kind", "tell"))
"""Fields by which a guide goes to a person; the importer takes the text for an answer."""
_OF_STEP = {"title", "description", "instructions", "expected_result", "warnings", "minutes"}
_MARKS = re.compile(r"([\\`*_\[\]<>~|&#])")
_BEGINS = re.compile(r"^(\s*)(?:(\d{1,9})([.)])|([-+=:]))", re.MULTILINE)


def write_markdown(entries: Entries, path: Path) -> set[str]:
    """Write one file for each guide into a new folder."""
    path.mkdir()
    lost: set[str] = set()
    taken: set[str] = set()
    for problem_id, entry in with_texts_to_read(entries, lost):
        held = frozenset(entry) - _NOT_HELD - (_OF_PERSON if entry.get("kind") == "person" else frozenset())
        lost |= {*left_out(entry, held, _OF_STEP)}
        (path / _file_name(problem_id, taken)).write_text(_document(problem_id, simplified(entry)), "utf-8")
    return lost


def _file_name(problem_id: str, taken: set[str]) -> str:
    """A file name that every system takes, different from the others even where capitals are the same letters."""
    stem, number = slug(problem_id), 2
    name = stem
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    taken.add(name)
    return f"{name}.md"


def _document(problem_id: str, entry: Entry) -> str:
    fields = {key: value for key, value in entry.items() if key not in _BODY and key not in _UNNAMED}
    front = StringIO()
    dump_yaml({"id": problem_id, **fields}, front)
    body = "\n\n".join(_body(entry))
    return f"---\n{front.getvalue()}---\n\n{body}\n"


def _body(entry: Entry) -> Iterator[str]:
    yield f"# {_plain(entry.get('problem_title'))}"
    yield from map(_plain, items_in(entry.get("answer")))
    for number, step in enumerate(filter(is_mapping, items_in(entry.get("steps"))), 1):
        yield from _step(number, step)


def _step(number: int, step: Mapping[str, object]) -> Iterator[str]:
    minutes = step.get("minutes")
    took = f" ({minutes:g} min)" if isinstance(minutes, (int, float)) else ""
    yield f"## Paso {number}: {_plain(step.get('title'))}{took}"
    if step.get("description"):
        yield _plain(step["description"])
    yield from (f"Advertencia: {_plain(text)}" for text in items_in(step.get("warnings")))
    instructions = [f"{place}. {_plain(text)}" for place, text in enumerate(items_in(step.get("instructions")), 1)]
    if instructions:
        yield "\n".join(instructions)
    if step.get("expected_result"):
        yield f"Resultado esperado: {_plain(step['expected_result'])}"


def _plain(value: object) -> str:
    """A text on one line, in which nothing is a mark of Markdown."""
    marked = _MARKS.sub(r"\\\1", " ".join(str(value).split()))
    return _BEGINS.sub(lambda found: f"{found[1]}{found[2] or ''}\\{found[3] or found[4]}", marked)
