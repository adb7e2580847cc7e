"""Importer of Rasa projects: the examples of an intent are the customers' phrases, its response is the answer.

An intent and a response belong together by name (`utter_<intent>`), or by a rule that has nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable, doubt
from guiado.app.knowledge.importers.recognise import LONGEST_TITLE, guide_from_answer, slug
from guiado.app.knowledge.importers.source_files import RefusedFile, files_in, place_of, read_text
from guiado.app.knowledge.importers.yaml_text import Located, load_yaml
from guiado.errors import FieldProblem, Message, printable

NAME = "rasa"
_YAML = (".yml", ".yaml")
ENDINGS = ("", *_YAML)
_HEAD_CHARS = 65_536
_INTENTS = re.compile(r"^nlu:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*-[ \t]+(?:intent|lookup|regex|synonym):", re.MULTILINE)
_ENTITY = re.compile(r"\[([^\[\]\n]*)\](?:\([^()\n]*\)|\{[^{}\n]*\})")
_EXAMPLE = re.compile(r"^\s*-\s?(.*)$")
_SLOT = re.compile(r"\{[A-Za-z_]\w*\}")
_UTTER = "utter_"
_PARTS = ("buttons", "image", "custom", "attachment", "elements")
"""Parts of a response that are no text."""


@dataclass(frozen=True, slots=True)
class _Intent:
    """An intent with its examples, and the place where it stands."""

    name: str
    examples: tuple[str, ...]
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class _Project:
    """Contents of the files of a project."""

    intents: dict[str, _Intent] = field(default_factory=dict[str, _Intent])
    responses: dict[str, tuple[Located, str]] = field(default_factory=dict[str, tuple[Located, str]])
    rules: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[FieldProblem] = field(default_factory=list[FieldProblem])


def looks_like(source: Path) -> bool:
    """Whether a YAML file, or one of a folder, has intents."""
    found = files_in(source, _YAML) if source.is_dir() else iter((source,))
    return any(_has_intents(each) for each in found if isinstance(each, Path))


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """Read the intents of a file, with the responses beside it, or of the folder of a project.

    Raises:
        SourceUnreadable: the file that was named cannot be read.
    """
    project = _Project()
    if source.is_dir():
        _read_folder(source, project)
    else:
        _read_file(source, None, project)
        for beside in sorted(each for each in source.parent.glob("*.y*ml") if each.suffix in _YAML and each != source):
            if beside.stem in {"domain", "responses", "rules"} and not beside.is_symlink():
                _read_file(beside, None, project)
    yield from map(NotUnderstood, project.problems)
    for intent in project.intents.values():
        yield _guide(intent, project)


def _has_intents(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return bool(_INTENTS.search(file.read(_HEAD_CHARS)))
    except OSError:
        return False


def _read_folder(folder: Path, project: _Project) -> None:
    for path in files_in(folder, _YAML):
        if isinstance(path, RefusedFile):
            project.problems.append(path.problem)
            continue
        try:
            _read_file(path, folder, project)
        except SourceUnreadable as error:
            project.problems += error.problems


def _read_file(path: Path, base: Path | None, project: _Project) -> None:
    text = read_text(path, base)
    place = place_of(path, base)
    project.problems += text.doubts
    content = load_yaml(text.text, place)
    for each in content.get("nlu").items():
        _note_nlu(each, place, project)
    for name, variations in content.get("responses").pairs():
        project.responses[name] = (variations, place)
    for rule in content.get("rules").items():
        _note_rule(rule, project)


def _note_nlu(each: Located, place: str, project: _Project) -> None:
    name = each.get("intent").text()
    if not name:
        kind = next((kind for kind in ("lookup", "regex", "synonym") if each.get(kind).text()), "?")
        why = "Los datos de tipo {kind} no se importan: las guías reconocen por sus frases y sus codes."
        project.problems.append(doubt(f"{place}:{each.line}", why, kind=kind))
        return
    found = _Intent(name, _examples(each.get("examples")), place, each.line)
    if known := project.intents.get(name):  # in several files
        found = _Intent(name, tuple(dict.fromkeys((*known.examples, *found.examples))), known.file, known.line)
    project.intents[name] = found


def _examples(examples: Located) -> tuple[str, ...]:
    """The phrases of a block of lines, or of a list of objects with `text`, without the marks of entities."""
    given = [each.get("text").text() or each.text() for each in examples.items()] or [
        line[1] for line in map(_EXAMPLE.match, examples.text().splitlines()) if line
    ]
    plain = (" ".join(_ENTITY.sub(r"\1", example.strip().removeprefix("- ")).split()) for example in given)
    return tuple(dict.fromkeys(filter(None, plain)))


def _note_rule(rule: Located, project: _Project) -> None:
    """Note a rule that answers one intent with one response."""
    steps = rule.get("steps").items()
    intents = [step.get("intent").text() for step in steps if step.get("intent").text()]
    actions = [step.get("action").text() for step in steps if step.get("action").text()]
    if len(intents) == len(actions) == 1 and len(steps) == len(intents) + len(actions) and actions[0].startswith(_UTTER):
        project.rules.setdefault(intents[0], actions[0])


def _guide(intent: _Intent, project: _Project) -> Imported | NotUnderstood:
    wanted = f"{_UTTER}{intent.name}"
    response = project.responses.get(wanted) or project.responses.get(project.rules.get(intent.name, ""))
    if response is None:
        why = "La intención {intent} no tiene respuesta. Escribe {response} en el dominio, o su guía a mano."
        return NotUnderstood(doubt(intent.place, why, intent=printable(intent.name), response=printable(wanted)))
    doubts: list[FieldProblem] = []
    answer = _answer(*response, doubts)
    if not answer:
        why = "La respuesta de {intent} no tiene texto. Escríbelo, o su guía a mano."
        return NotUnderstood(doubt(intent.place, why, intent=printable(intent.name)))
    title = _title(intent)
    guide = guide_from_answer(title, answer, intent.file, intent.line, slug(intent.name), common_issues=list(intent.examples))
    return Imported(guide.problem_id, guide.entry, guide.place, (*doubts, *guide.doubts))


def _title(intent: _Intent) -> str:
    """The first example that is short enough, else the intent's name in words."""
    fitting = (each for each in intent.examples if len(each) <= LONGEST_TITLE)
    words = next(fitting, re.sub(r"[_/\-.]+", " ", intent.name).strip() or intent.name)
    return words[:1].upper() + words[1:]


def _answer(variations: Located, file: str, doubts: list[FieldProblem]) -> str:
    """Text of the first variation that has one; whatever else a response has is told as a doubt."""
    found = [each for each in variations.items() if each.get("text").text().strip()]
    if len(found) > 1:
        why = "La respuesta tiene {count} variantes y se tomó la primera. Borra las demás o reúnelas."
        doubts.append(doubt(f"{file}:{found[1].line}", why, count=len(found)))
    for each in variations.items():
        why = "La parte {part} no se importó. Agrégala a mano."
        doubts += [doubt(f"{file}:{each.line}", why, part=part) for part in _PARTS if each.has(part)]
    text = found[0].get("text").text().strip() if found else ""
    doubts += _slots(text, f"{file}:{found[0].line if found else variations.line}")
    return text


def _slots(text: str, place: str) -> Sequence[FieldProblem]:
    names: Mapping[str, None] = dict.fromkeys(_SLOT.findall(text))
    why = "{slot} era un dato del robot y quedó como texto. Escríbelo de otro modo."
    return [FieldProblem(place, Message(why, {"slot": name})) for name in names]
