"""Templates: guides with variables. The ones that ship live in a JSON file, created ones in the database.

`{{name}}` is replaced as plain text, once; nothing is ever evaluated.

Source: contract.md §1, TroubleshootingTemplateManager; §6, rule 7.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from guiado.app.access.audit import act
from guiado.app.commands import Template
from guiado.app.context import UnitOfWork
from guiado.app.json_values import json_problem, plain_problem
from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.parse_steps import read_steps
from guiado.app.lenient import storable
from guiado.app.validation import check_with
from guiado.errors import FieldProblem, InvalidInput, KnowledgeBaseInvalid, Message, TemplateNotFound, os_reason
from guiado.resources import data_path
from guiado.store import templates as stored_templates
from guiado.text.json_shapes import is_list, is_object, items_in, object_in

_PLACEHOLDER = re.compile(r"\{\{\s*([^\W\d]\w{0,63})\s*\}\}")
_MAX_VALUE = 5_000
_MAX_RENDERED = 1_000_000
_EXAMPLE = "https://example.com"
"""Address that stands for a variable while a template's steps are checked."""
_VARIABLE = re.compile(r"[^\W\d]\w{0,63}")
Content = dict[str, Any]
"""Content of a template; its author may add fields."""


def seed_path() -> Path:
    """The file with the templates that ship."""
    return data_path("integrations", "support_troubleshooting_templates.json")


@lru_cache(maxsize=8)
def seeds(path: Path) -> Mapping[str, Content]:
    """The templates of a JSON file.

    Raises:
        KnowledgeBaseInvalid: the file cannot be read.
    """
    raw = _decode(path)
    if not is_object(raw):
        raise KnowledgeBaseInvalid(path.name, [FieldProblem("$", Message("Debe ser un objeto: identificador → plantilla."))])
    if faults := [fault for template_id, content in raw.items() for fault in _seed_problems(template_id, content)]:
        raise KnowledgeBaseInvalid(path.name, faults)
    return {template_id: content for template_id, content in raw.items() if is_object(content)}


def _decode(path: Path) -> object:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            why = Message("no es un archivo normal")
        else:
            return json.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        why = Message("no es texto en UTF-8")
    except (ValueError, RecursionError) as error:
        raise KnowledgeBaseInvalid(path.name, [json_problem(error)]) from None
    except OSError as error:
        why = os_reason(error)
    at = FieldProblem(str(path), Message("No se puede leer ({why}). Revisa la ruta y el JSON.", {"why": why}))
    raise KnowledgeBaseInvalid(path.name, [at])


def _seed_problems(template_id: str, content: object) -> list[FieldProblem]:
    if not is_object(content):
        return [FieldProblem(f"$.{template_id}", Message("Debe ser un objeto con los datos de la plantilla."))]
    given = {name: value for name, value in content.items() if value not in (None, "")}
    try:
        checked({"template_id": template_id, "category": "otro", "variables": [], **given})
    except InvalidInput as error:
        return [FieldProblem(f"$.{template_id}.{fault.field}", fault.message) for fault in error.problems]
    return []


_IDENTIFIERS = frozenset(("template_id", "category"))
"""Identifiers of a template: refused where they cannot be stored, not mended."""


def checked(given: Mapping[str, object]) -> Template:
    """The command that creates a template, with every fault of fields, variables and steps named at once.

    Args:
        given: fields of the command `Template`, unchecked.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    given = {name: value if name in _IDENTIFIERS else storable(value) for name, value in given.items()}
    return check_with(Template, given, _problems(given.get("variables"), given.get("steps_template")))


def _problems(variables: object, steps: object) -> list[FieldProblem]:
    """Faults of the names of variables and of steps; values of the wrong type are left out.

    Steps follow the rules of a guide's.
    """
    findings = Findings()
    if is_list(steps):
        read_steps([_with_addresses(step) for step in steps], "steps_template", findings)
    named = [_name_of(variable) for variable in variables] if is_list(variables) else []
    why = Message("Usa letras, números y guion bajo, sin empezar por número, y sin repetir.")
    return findings.errors + [
        FieldProblem(f"variables[{place}].name", why)
        for place, name in enumerate(named)
        if name is not None and (not _VARIABLE.fullmatch(name) or name in named[:place])
    ]


def _with_addresses(step: object) -> object:
    """The step with an example in place of each variable that stands for an address."""
    resources = step.get("resources") if is_object(step) else None
    if not is_object(step) or not is_list(resources):
        return step
    return {**step, "resources": [_with_address(item) for item in resources]}


def _with_address(resource: object) -> object:
    url = resource.get("url") if is_object(resource) else None
    is_open = isinstance(url, str) and _PLACEHOLDER.match(url)
    return {**object_in(resource), "url": _EXAMPLE} if is_open else resource


def _name_of(variable: object) -> str | None:
    name = object_in(variable).get("name")
    return name.strip() if isinstance(name, str) else None


async def every(work: UnitOfWork, path: Path, category: str | None = None) -> dict[str, Content]:
    """All templates by id; a created one goes before one that ships under the same id.

    Args:
        path: file with the ones that ship.
        category: only those of this category.
    """
    created = await stored_templates.listed(work.connection, work.tenant, "guide")
    # Copies: whoever changes what they got changes it for themselves alone.
    found = {**copy.deepcopy(dict(seeds(path))), **created}
    return {key: value for key, value in found.items() if category is None or value.get("category") == category}


async def create(work: UnitOfWork, command: Template) -> Content:
    """Store a template; the same id again replaces it."""
    content: Content = {
        "name": command.name,
        "description": command.description or "",
        "category": command.category,
        "variables": [msgspec.to_builtins(variable) for variable in command.variables],
        "problem_title": command.name,
        "problem_description": command.description or "",
        "steps_template": command.steps_template,
        "metadata": command.metadata or {},
    }
    if faults := _problems(content["variables"], content["steps_template"]):
        raise InvalidInput(faults)
    async with act(work, "change", "guide_template", command.template_id):
        await stored_templates.put(work.connection, work.tenant, "guide", command.template_id, content)
    return content


def row(template_id: str, content: Content) -> Content:
    """A template as lists show it."""
    return {
        "template_id": template_id,
        "name": content.get("name", template_id),
        "description": content.get("description", ""),
        "category": content.get("category", "otro"),
        "variables_count": len(items_in(content.get("variables"))),
        "steps_count": len(items_in(content.get("steps_template"))),
    }


def render(template_id: str, found: Mapping[str, Content], variables: Mapping[str, object]) -> Content:
    """The guide that a template makes with these values.

    Raises:
        TemplateNotFound: no template has this id.
        InvalidInput: a required variable is missing, or a value cannot be used.
    """
    content = found.get(template_id) if isinstance(template_id, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    if content is None:
        raise TemplateNotFound(template_id)
    values = _values(content, variables)
    fill = _filler(values)
    return {
        "template_id": template_id,
        "problem_title": fill(content.get("problem_title") or content.get("name", "")),
        "problem_description": fill(content.get("problem_description") or content.get("description", "")),
        "category": content.get("category", "otro"),
        "steps": [
            {**object_in(fill(step)), "step_number": number}
            for number, step in enumerate(items_in(content.get("steps_template")), 1)
        ],
        "metadata": content.get("metadata") or {},
    }


def _values(content: Content, given: Mapping[str, object]) -> dict[str, str]:
    declared = {str(one["name"]): one for one in map(object_in, items_in(content.get("variables")))}
    problems = [
        FieldProblem(f"variables.{name}", Message("Falta esta variable obligatoria. Dale un valor."))
        for name, variable in declared.items()
        if variable.get("required") and _is_blank(given.get(name))
    ]
    problems += [
        FieldProblem(
            f"variables.{ascii(name)[:64]}", Message("Debe ser un texto de hasta {limit} caracteres.", {"limit": _MAX_VALUE})
        )
        for name, value in given.items()
        if not _is_usable(value)
    ]
    if problems:
        raise InvalidInput(problems)
    defaults = {name: str(variable.get("default") or "") for name, variable in declared.items()}
    return {**defaults, **{name: str(value) for name, value in given.items() if value is not None}}


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_usable(value: object) -> bool:
    fits = plain_problem("", value) is None and len(str(value)) <= _MAX_VALUE
    return fits and (isinstance(value, str) or not isinstance(value, (Mapping, Sequence)))


def _filler(values: Mapping[str, str]) -> Callable[[object], object]:
    room = _MAX_RENDERED

    def put(found: re.Match[str]) -> str:
        nonlocal room
        value = values.get(found[1], found[0])
        room -= len(value)
        if room < 0:
            why = Message(
                "El resultado sería enorme: más de {limit} caracteres. Usa valores más cortos.", {"limit": _MAX_RENDERED}
            )
            raise InvalidInput([FieldProblem("variables", why)])
        return value

    def fill(value: object) -> object:
        if isinstance(value, str):
            return _PLACEHOLDER.sub(put, value)
        if is_list(value):
            return [fill(item) for item in value]
        return {key: fill(item) for key, item in value.items()} if is_object(value) else value

    return fill
