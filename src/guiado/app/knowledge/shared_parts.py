"""Shared parts of a knowledge-base file: steps that are written once, and variables that the team sets.

`$steps` holds groups of steps by id, `{"steps": […], "translations": {language: {"steps": […]}}}`; a step of a guide that is
`{"use": id}` stands for all steps of the group, and may give `chance`, `minutes`, `after` and `step_id` of its own.

`$variables` holds name -> value, or name -> language -> value; `{{name}}` is replaced as plain text, once, in every text.

Both are put into an entry before anything else looks at it, so that a guide's version has them, and its hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from guiado.app.knowledge.entry_reader import EntryReader, Findings, kind_of, shown
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.text.json_shapes import is_list, is_mapping, items_in, object_in

STEPS, VARIABLES, USE = "$steps", "$variables", "use"
RESERVED = frozenset((STEPS, VARIABLES))
"""Keys of a knowledge-base file that are no problems."""
PLACEHOLDER = re.compile(r"\{\{ ?([^\W\d]\w{0,63}) ?\}\}")
_OWN = ("step_id", "chance", "minutes", "after", "preparation", "risk")
"""Fields that a step of a guide may give to the shared step that it uses."""
Texts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SharedSteps:
    """A group of shared steps.

    Args:
        steps: as written in the file.
        spoken: language -> the texts of each.
    """

    steps: Sequence[Texts]
    spoken: Mapping[str, Sequence[Texts]] = field(default_factory=dict[str, Sequence[Texts]])


@dataclass(frozen=True, slots=True)
class SharedParts:
    """The shared parts of a knowledge-base file.

    Args:
        groups: id -> steps.
        variables: name -> language -> value; "" is the value for every other language.
    """

    groups: Mapping[str, SharedSteps] = field(default_factory=dict[str, SharedSteps])
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])


def read_shared(raw: Mapping[str, object], given: Mapping[str, str | Mapping[str, str]], findings: Findings) -> SharedParts:
    """The shared parts of a decoded file.

    Args:
        raw: the file; only its reserved keys are read.
        given: name -> value, or language -> value, of the variables that the settings give, which go before the file's.
        findings: collects errors and warnings.
    """
    groups = {name: _group(name, value, findings) for name, value in _object(raw, STEPS, findings).items()}
    variables = {name: _variable(name, value, findings) for name, value in _object(raw, VARIABLES, findings).items()}
    settled = {name: {"": value} if isinstance(value, str) else value for name, value in given.items() if value}
    return SharedParts({name: group for name, group in groups.items() if group}, {**variables, **settled})


def _object(raw: Mapping[str, object], key: str, findings: Findings) -> Mapping[str, object]:
    value = raw.get(key, {})
    if is_mapping(value):
        return value
    findings.error(f"$.{key}", "Debe ser un objeto: nombre → valor, no {kind}.", kind=kind_of(value))
    return {}


def _group(name: str, raw: object, findings: Findings) -> SharedSteps | None:
    path = f"$.{STEPS}.{shown(name)}"
    if not is_mapping(raw) or not is_list(raw.get("steps")) or not raw["steps"]:
        findings.error(path, "Debe ser un objeto con steps, una lista con al menos un paso.")
        return None
    steps = [object_in(each) for each in items_in(raw["steps"])]
    spoken = {
        language: [object_in(each) for each in items_in(object_in(texts).get("steps"))]
        for language, texts in object_in(raw.get("translations")).items()
    }
    for language in (language for language, texts in spoken.items() if len(texts) != len(steps)):
        told = "Hay {count} pasos traducidos y el grupo tiene {total}."
        findings.error(f"{path}.translations.{shown(language)}", told, count=len(spoken[language]), total=len(steps))
    if any(USE in step for step in steps):
        findings.error(path, "Un paso compartido no usa otros. Escribe aquí sus textos.")
        return None
    return SharedSteps(steps, spoken)


def _variable(name: str, raw: object, findings: Findings) -> Mapping[str, str]:
    path = f"$.{VARIABLES}.{shown(name)}"
    if PLACEHOLDER.fullmatch(f"{{{{{name}}}}}") is None:
        findings.error(path, "Usa letras, números y guion bajo, sin empezar por número, y sin repetir.")
    reader = EntryReader({"": raw}, path, findings) if not is_mapping(raw) else EntryReader(raw, path, findings)
    return {language: reader.text(language) for language in reader.raw}


def expand(problem_id: str, entry: Mapping[str, object], shared: SharedParts, findings: Findings) -> Mapping[str, object]:
    """The entry with the steps that it uses, and with the values of its variables.

    Args:
        entry: as written.
        findings: collects errors and warnings.
    """
    path = f"$.{problem_id}"
    whole = _with_steps(path, entry, shared.groups, findings)
    return _with_values(path, whole, shared.variables, findings)


def _with_steps(path: str, entry: Texts, groups: Mapping[str, SharedSteps], findings: Findings) -> Texts:
    steps = entry.get("steps")
    if not is_list(steps) or not any(is_mapping(step) and USE in step for step in steps):
        return entry
    parts = [_used(f"{path}.steps[{place}]", step, groups, findings) for place, step in enumerate(steps)]
    found: list[object] = []
    for part, step in zip(parts, steps, strict=True):
        found += [step] if part is None else [{**each, **_own(step, len(part.steps))} for each in part.steps]
    translations = {
        language: {**object_in(texts), "steps": _spoken(items_in(object_in(texts).get("steps")), parts, language)}
        if is_mapping(texts) and "steps" in texts
        else texts
        for language, texts in object_in(entry.get("translations")).items()
    }
    numbered = [{**step, "step_number": place} if is_mapping(step) else step for place, step in enumerate(found, 1)]
    return {**entry, "steps": numbered, **({"translations": translations} if translations else {})}


def _used(path: str, step: object, groups: Mapping[str, SharedSteps], findings: Findings) -> SharedSteps | None:
    """The group that a step uses; None for a step with texts of its own."""
    if not is_mapping(step) or USE not in step:
        return None
    name = step[USE]
    if isinstance(name, str) and name in groups:
        reader = EntryReader(step, path, findings)
        reader.doubt_unknown(frozenset((USE, "step_number", *_OWN)))
        return groups[name]
    findings.error(f"{path}.{USE}", "No hay ningún paso compartido {id}. Escríbelo en $steps.", id=shown(str(name)))
    return None


def _own(step: object, count: int) -> dict[str, object]:
    """Fields that a step gives to the shared one; of a group of several only what holds for each."""
    given = object_in(step)
    own = {key: given[key] for key in _OWN if key in given}
    return {"step_id": given[USE], **own} if count == 1 else {}


def _spoken(texts: Sequence[object], parts: Sequence[SharedSteps | None], language: str) -> list[object]:
    found: list[object] = []
    for part, said in zip(parts, texts, strict=False):
        found += [said] if part is None else part.spoken.get(language, part.steps)
    return found


def _with_values(path: str, entry: Texts, variables: Mapping[str, Mapping[str, str]], findings: Findings) -> Texts:
    unknown: dict[str, None] = {}

    def fill(language: str) -> Callable[[re.Match[str]], str]:
        def value(found: re.Match[str]) -> str:
            values = variables.get(found[1])
            if values is None:
                unknown[found[1]] = None
                return found[0]
            return values.get(language) or values.get("") or values.get(DEFAULT_LANGUAGE) or found[0]

        return value

    translations = object_in(entry.get("translations"))
    own = {key: value for key, value in entry.items() if key != "translations"}
    filled = object_in(_filled(own, fill(DEFAULT_LANGUAGE)))
    told = {language: _filled(texts, fill(language)) for language, texts in translations.items()}
    for name in unknown:
        findings.warn(path, "La variable {name} no tiene valor. Ponlo en $variables, o quítala del texto.", name=name)
    return {**filled, **({"translations": told} if is_mapping(entry.get("translations")) else _kept(entry))}


def _kept(entry: Texts) -> dict[str, object]:
    return {"translations": entry["translations"]} if "translations" in entry else {}


def _filled(value: object, fill: Callable[[re.Match[str]], str]) -> object:
    """The value with its placeholders replaced, in every text of it."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(fill, value) if "{{" in value else value
    if is_list(value):
        return [_filled(each, fill) for each in value]
    return {key: _filled(each, fill) for key, each in value.items()} if is_mapping(value) else value
